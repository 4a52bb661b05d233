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
            Err((code, problem)) => fail(code, &problem),
        },
        Err(problem) => fail(USAGE, &problem),
    }
}

fn fail(code: u8, problem: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "monitor: {problem}");
    ExitCode::from(code)
}

type Failure = (u8, Box<dyn std::fmt::Display>);

/// Everything that can be refused is refused before the terminal is left.
fn start(mut options: Options, title: daemon::Title) -> Result<i32, Failure> {
    let identity = daemon::Identity::find(options.text("uid"), options.text("gid"))
        .map_err(|e| (USAGE, Box::new(e) as Box<_>))?;
    let system = |e: daemon::Error| (SYSTEM_ERROR, Box::new(e) as Box<dyn std::fmt::Display>);
    let log = log::Log::open(options.text("log-file"), options.toggle("quiet"), options.toggle("debug"))
        .map_err(|e| {
            let path = options.get("log-file");
            (USAGE, Box::new(format!("cannot open log file {path}: {e}")) as Box<_>)
        })?;
    let mut pidfile =
        options.text("pidfile").map(pidfile::Pidfile::lock).transpose().map_err(|e| match e {
            pidfile::Error::Owned { .. } => (TRY_LATER, Box::new(e) as Box<_>),
            pidfile::Error::Io { .. } => (USAGE, Box::new(e) as Box<_>),
        })?;
    if options.toggle("detach") {
        options.make_paths_absolute();
        daemon::detach(options.toggle("setsid")).map_err(system)?;
        daemon::redirect(log.file(), options.toggle("quiet")).map_err(system)?;
        let _ = std::env::set_current_dir("/");
    } else if options.toggle("setsid") {
        // Refused to a process group's leader, as a shell's job is; then it has its own group anyway.
        let _ = nix::unistd::setsid();
    }
    if let Some(pidfile) = &mut pidfile {
        pidfile
            .write_own_pid()
            .map_err(|e| (SYSTEM_ERROR, Box::new(format!("cannot write the pidfile: {e}")) as Box<_>))?;
    }
    identity.assume().map_err(system)?;
    let supervisor = supervise::Supervisor::new(options, log, pidfile, title)
        .map_err(|e| (SYSTEM_ERROR, Box::new(format!("cannot set up the loop: {e}")) as Box<_>))?;
    Ok(supervisor.run())
}
