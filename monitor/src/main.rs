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
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit codes of sysexits.h.
const USAGE: u8 = 64;
const SYSTEM_ERROR: u8 = 71;
const TRY_LATER: u8 = 75;

fn main() -> ExitCode {
    let title = daemon::Title::find();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let read = |path: &str| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    match options::parse(&arguments, variable, read) {
        Ok(Request::Print(text)) => {
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Request::Run(options)) => match start(options, title) {
            // Statuses of processes and 128 + signal fit.
            Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
            Err(Failure(code, problem)) => fail(code, &problem),
        },
        Err(problem) => fail(USAGE, &problem.to_string()),
    }
}

fn fail(code: u8, problem: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "monitor: {problem}");
    ExitCode::from(code)
}

/// An exit code, and one line that says why.
struct Failure(u8, String);

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Failure {
        let code = match error {
            daemon::Error::NoSuch { .. } | daemon::Error::NoGroup(_) => USAGE,
            daemon::Error::Refused { .. } | daemon::Error::System { .. } => SYSTEM_ERROR,
        };
        Failure(code, error.to_string())
    }
}

/// Everything that can be refused is refused before the terminal is left.
fn start(mut options: Options, title: daemon::Title) -> Result<i32, Failure> {
    let identity = daemon::Identity::find(options.text("uid"), options.text("gid"))?;
    let log = log::Log::open(options.text("log-file"), options.toggle("quiet"), options.toggle("debug"))
        .map_err(|e| Failure(USAGE, format!("cannot open log file {}: {e}", options.get("log-file"))))?;
    let pidfile = options.text("pidfile").map(pidfile::Pidfile::lock).transpose();
    let pidfile = pidfile.map_err(|e| match e {
        pidfile::Error::Owned { .. } => Failure(TRY_LATER, e.to_string()),
        pidfile::Error::Io { .. } => Failure(USAGE, e.to_string()),
    })?;
    if options.toggle("detach") {
        options.make_paths_absolute();
        daemon::detach(options.toggle("setsid"))?;
        daemon::redirect(log.file(), options.toggle("quiet"))?;
        let _ = std::env::set_current_dir("/");
    } else if options.toggle("setsid") {
        // Refused to a process group's leader, as a shell's job is; then it has its own group anyway.
        let _ = nix::unistd::setsid();
    }
    if let Some(pidfile) = &pidfile {
        let refused = |e| Failure(SYSTEM_ERROR, format!("cannot write the pidfile: {e}"));
        pidfile.write_own_pid().map_err(refused)?;
    }
    identity.assume()?;
    if let Some(pid) =
        pidfile.as_ref().and_then(|pidfile| pidfile.end_left_behind(options.settings().grace()))
    {
        let text = format!("server {pid} was left behind by a monitor that died; it has been ended");
        log.line(event::Level::Alert, &text);
    }
    let supervisor = supervise::Supervisor::new(options, log, pidfile, title)
        .map_err(|e| Failure(SYSTEM_ERROR, format!("cannot set up the loop: {e}")))?;
    Ok(supervisor.run())
}
