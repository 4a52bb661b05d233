//! Starts the two kinds of process the monitor has: the server and glider. Both die with the monitor.

use crate::event::Pid;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, sigprocmask};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How to start the server.
#[derive(Debug)]
pub(crate) struct Server<'a> {
    pub(crate) command: &'a [OsString],
    pub(crate) arg0: Option<&'a str>,
    /// Its own process group.
    pub(crate) group: bool,
    pub(crate) segment: BorrowedFd<'a>,
    pub(crate) notify_socket: &'a str,
    pub(crate) watchdog: Duration,
}

/// Starts the server and returns once it runs or cannot.
///
/// It gets SIGTERM when the monitor dies without having ended it: without its monitor it would go on unwatched,
/// and a restarted monitor would start a second one beside it. Being a group of its own inside the monitor's
/// session, it also gets the kernel's SIGHUP and SIGCONT if it is stopped at that moment (setpgid(2)), so it
/// cannot stay stopped.
///
/// # Errors
/// Those of fork and exec, with errno.
pub(crate) fn server(server: &Server<'_>) -> io::Result<Pid> {
    let (program, arguments) = server.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(name) = server.arg0 {
        command.arg0(name);
    }
    if server.group {
        command.process_group(0);
    }
    let segment = server.segment.as_raw_fd();
    command.env("GIMLI_HB_FD", segment.to_string());
    command.env("GIMLI_MONITOR_PID", std::process::id().to_string());
    command.env("NOTIFY_SOCKET", server.notify_socket);
    // WATCHDOG_PID is left out, so that sd_watchdog_enabled(3) says yes whatever the server's own pid is. The
    // LISTEN_ variables speak of descriptors that the server does not get.
    command.env_remove("WATCHDOG_PID").env_remove("LISTEN_PID").env_remove("LISTEN_FDS");
    match server.watchdog.as_micros() {
        0 => command.env_remove("WATCHDOG_USEC"),
        interval => command.env("WATCHDOG_USEC", interval.to_string()),
    };
    let monitor = nix::unistd::getpid();
    // SAFETY: runs in the forked child of a program with one thread; only system calls.
    unsafe {
        command.pre_exec(move || {
            die_with(monitor, Signal::SIGTERM)?;
            // Glider is the monitor's child too: let the monitor's descendants attach under Yama.
            libc::prctl(libc::PR_SET_PTRACER, monitor.as_raw() as libc::c_ulong, 0, 0, 0);
            close_on_exec_from_3();
            let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty());
            nix::fcntl::fcntl(BorrowedFd::borrow_raw(segment), flags)?;
            clear_signals()
        });
    }
    start(command)
}

/// Starts glider on a process; its output and its complaints go to the trace file, which it may fill up to
/// `max_bytes` (0: no limit).
///
/// It is killed when the monitor dies: the kernel then lets every thread it holds run on.
///
/// # Errors
/// Those of fork and exec, with errno.
pub(crate) fn tracer(glider: &Path, pid: Pid, output: &File, max_bytes: u64) -> io::Result<Pid> {
    let mut command = Command::new(glider);
    command.arg(pid.to_string()).process_group(0).stdin(Stdio::null());
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    let monitor = nix::unistd::getpid();
    // SAFETY: runs in the forked child of a program with one thread; only system calls.
    unsafe {
        command.pre_exec(move || {
            die_with(monitor, Signal::SIGKILL)?;
            close_on_exec_from_3();
            if max_bytes > 0 {
                let limit = libc::rlimit { rlim_cur: max_bytes, rlim_max: max_bytes };
                libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
            }
            clear_signals()
        });
    }
    start(command)
}

/// The monitor waits for every process by itself, so the handle is dropped.
fn start(mut command: Command) -> io::Result<Pid> {
    Pid::try_from(command.spawn()?.id()).map_err(io::Error::other)
}

fn die_with(monitor: nix::unistd::Pid, signal: Signal) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(signal)?;
    if nix::unistd::getppid() != monitor {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Nothing the monitor has open, and nothing it was started with, reaches the new program.
fn close_on_exec_from_3() {
    // SAFETY: sets a flag on descriptors; closes none.
    unsafe { libc::close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
}

/// Default actions and an empty mask: the monitor blocks and ignores signals, the new program must not.
fn clear_signals() -> io::Result<()> {
    for signal in Signal::iterator() {
        if !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
            // SAFETY: the default action, in a child that is about to exec.
            unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    Ok(())
}

/// The trace program: the one configured, else `glider` beside the monitor, else the first in PATH.
pub(crate) fn find_glider(configured: Option<&str>) -> PathBuf {
    if let Some(path) = configured {
        return PathBuf::from(path);
    }
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("glider"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("glider"));
    let found = beside.into_iter().chain(in_path).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("glider"))
}
