//! `monitor`: keeps one server alive, watches its heart, has it traced when it faults or hangs, respawns it.
//!
//! `options` → `daemon`, `pidfile`, `log` (once) → `supervise` (the loop) ⇄ `watch` (all decisions, pure, with
//! `heart` and `history`; `event` is what they say to each other). Effects: `spawn`, `shared` (the segment), `trace_file`, `notify`, `process` (/proc).
//!
//! Constraints: one thread, one loop, no sleep; no ELF or DWARF code, glider is a separate program; small enough
//! to read in one sitting and to be forgotten in memory.

mod clock;
mod daemon;
mod event;
mod heart;
mod history;
mod log;
mod notify;
mod options;
mod pidfile;
mod process;
mod shared;
mod signals;
mod spawn;
mod supervise;
mod trace_file;
mod watch;

use options::{Options, Request};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Why the monitor does not run: an exit code of sysexits.h, and one line for the user.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u8,
    pub(crate) text: String,
}

impl Refusal {
    const SYSTEM: u8 = 71;

    pub(crate) fn usage(text: impl Into<String>) -> Refusal {
        Refusal { code: 64, text: text.into() }
    }

    /// The system does not let the monitor do this.
    fn system(what: &str, error: impl Display) -> Refusal {
        Refusal { code: Refusal::SYSTEM, text: format!("cannot {what}: {error}") }
    }

    /// Another monitor runs.
    pub(crate) fn owned(owner: &str, pidfile: &Path) -> Refusal {
        let text = format!("another monitor, process {owner}, owns the pidfile {}", pidfile.display());
        Refusal { code: 75, text }
    }

    /// There would be two servers.
    pub(crate) fn left_behind(server: event::Pid) -> Refusal {
        let text =
            format!("server {server}, left behind by a monitor that died, cannot be ended: kill it first");
        Refusal { code: 75, text }
    }
}

fn main() -> ExitCode {
    let title = daemon::Title::find();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let read = |path: &str| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let result = options::parse(&arguments, variable, read).and_then(|request| match request {
        Request::Print(text) => {
            let _ = io::stdout().write_all(text.as_bytes());
            Ok(0)
        }
        Request::Run(options) => start(options, title),
    });
    result
        .unwrap_or_else(|refusal| {
            let _ = writeln!(io::stderr(), "monitor: {}", refusal.text);
            refusal.code
        })
        .into()
}

/// Everything that can be refused is refused before the terminal is left. Gives the exit code.
fn start(options: Options, title: daemon::Title) -> Result<u8, Refusal> {
    let identity = daemon::Identity::find(&options)?;
    let log = log::Log::open(&options)?;
    let pidfile = pidfile::Pidfile::lock(&options)?;
    let grace = options.settings().grace();
    let mut launcher = None;
    if options.toggle("detach") {
        let tell = daemon::detach(&options, log.file());
        launcher = Some(tell.map_err(|e| Refusal::system("go to the background", e))?);
    } else if options.toggle("setsid") {
        // Refused to a process group's leader, as a shell's job is; then it has its own group anyway.
        let _ = nix::unistd::setsid();
    }
    if let Some(pidfile) = &pidfile {
        pidfile.write_own_pid().map_err(|e| Refusal::system("write the pidfile", e))?;
    }
    identity.assume().map_err(|e| Refusal::system("change user and group, as only root may", e))?;
    let left_behind = pidfile.as_ref().map(|pidfile| pidfile.end_left_behind(grace)).transpose()?;
    if let Some(pid) = left_behind.flatten() {
        let text = format!("server {pid} was left behind by a monitor that died; it has been ended");
        log.line(event::Level::Alert, &text);
    }
    let supervisor = supervise::Supervisor::new(options, log, pidfile, title);
    let supervisor = supervisor.map_err(|e| Refusal::system("set up the loop", e))?;
    if launcher.is_some() {
        let _ = std::env::set_current_dir("/");
    }
    Ok(supervisor.run(launcher))
}
