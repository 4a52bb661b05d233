//! Starts the two kinds of process the monitor has: the server and glider. Both die with the monitor.

use crate::event::{Order, Pid};
use crate::options::{self, Options};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::{
    prctl::set_pdeathsig,
    signal::{SigHandler, SigSet, Signal, signal},
};
use nix::unistd::{getpid, getppid};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Starts the server and returns once it runs or cannot.
///
/// It gets SIGTERM when the monitor dies without having ended it: without its monitor it would go on unwatched,
/// and a restarted monitor would start a second one beside it. Being a group of its own inside the monitor's
/// session, it also gets the kernel's SIGHUP and SIGCONT if it is stopped at that moment (setpgid(2)), so it
/// cannot stay stopped.
///
/// # Errors
/// Those of fork and exec, with errno.
pub(crate) fn server(options: &Options, segment: BorrowedFd<'_>, notify_socket: &str) -> io::Result<Pid> {
    let (name, arguments) = options.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(&options.program);
    command.arg0(options.text("arg0").map_or(name.as_os_str(), OsStr::new)).args(arguments);
    if options.toggle("setsid") {
        command.process_group(0);
    }
    let (segment, monitor) = (segment.as_raw_fd(), std::process::id());
    command.env("GIMLI_HB_FD", segment.to_string());
    command.env("GIMLI_MONITOR_PID", monitor.to_string());
    command.env("NOTIFY_SOCKET", notify_socket);
    // WATCHDOG_PID is left out, so that sd_watchdog_enabled(3) says yes whatever the server's own pid is. The
    // LISTEN_ variables speak of descriptors that the server does not get.
    command.env_remove("WATCHDOG_PID").env_remove("LISTEN_PID").env_remove("LISTEN_FDS");
    match options.settings().interval.as_micros() {
        0 => command.env_remove("WATCHDOG_USEC"),
        interval => command.env("WATCHDOG_USEC", interval.to_string()),
    };
    start(command, Signal::SIGTERM, move || {
        // SAFETY: system calls in the forked child. Glider is the monitor's child too: the monitor's descendants
        // may attach under Yama. The segment stays open for the server.
        unsafe {
            libc::prctl(libc::PR_SET_PTRACER, libc::c_ulong::from(monitor), 0, 0, 0);
            fcntl(BorrowedFd::borrow_raw(segment), FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(())
    })
}

/// Starts glider on a process; its output and its complaints go to the trace file.
///
/// Of the time and the bytes it has, it is told to take one half: then it ends in good order and says what is missing.
/// Beyond all of the bytes its writes fail. It is killed when the monitor dies: the kernel then lets every thread it
/// holds run on.
///
/// # Errors
/// Those of fork and exec, with errno.
pub(crate) fn tracer(glider: &Path, order: &Order, output: &File, time: Duration) -> io::Result<Pid> {
    let mut command = Command::new(glider);
    command.arg(order.pid.to_string()).process_group(0).stdin(Stdio::null());
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    if !time.is_zero() {
        // glider takes no more than a day.
        let half = (time / 2).min(Duration::from_secs(86_400));
        command.env("GIMLI_TIMEOUT", half.as_secs_f64().to_string());
    }
    let max_bytes = order.max_bytes;
    if max_bytes > 0 {
        command.env("GIMLI_MAX_OUTPUT", (max_bytes / 2).to_string());
    }
    start(command, Signal::SIGKILL, move || {
        if max_bytes > 0 {
            setrlimit(Resource::RLIMIT_FSIZE, max_bytes, max_bytes)?;
            // SAFETY: a system call in the forked child.
            unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
        }
        Ok(())
    })
}

/// Starts a program that gets `last` when the monitor dies, and of what the monitor has open or was started with
/// nothing but the standard descriptors and what `prepare` keeps. No signal is blocked, and none ignored (see
/// `supervise`). The monitor waits for every process by itself, so the handle is dropped.
fn start<F>(mut command: Command, last: Signal, prepare: F) -> io::Result<Pid>
where
    F: Fn() -> io::Result<()> + Send + Sync + 'static,
{
    let monitor = getpid();
    let prepare = move || {
        set_pdeathsig(last)?;
        if getppid() != monitor {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // SAFETY: sets a flag on descriptors; closes none.
        unsafe { libc::close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
        prepare()?;
        Ok(SigSet::empty().thread_set_mask()?)
    };
    // SAFETY: runs in the forked child of a program with one thread; only system calls.
    unsafe { command.pre_exec(prepare) };
    Pid::try_from(command.spawn()?.id()).map_err(io::Error::other)
}

/// The trace program: the one configured, else `glider` beside the monitor, else the first in PATH.
pub(crate) fn find_glider(options: &Options) -> PathBuf {
    if let Some(name) = options.text("glider") {
        return options::program(name.as_ref());
    }
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("glider"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("glider"));
    let found = beside.into_iter().chain(in_path).find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("glider"))
}
