//! The end of a process that the keeper has forked.

#![forbid(unsafe_code)]

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};
use std::os::fd::AsFd;

/// Milliseconds that the kernel is given to end a process: one that waits for a disk or a file server that does
/// not answer may not be killable until it does.
const PATIENCE: u16 = 2000;

/// Kills a child that was not reaped yet and gives how it ended; `StillAlive` of one that cannot be killed now,
/// which is left to init.
pub fn end(pid: Pid) -> WaitStatus {
    // Not reaped, so the id is still its own.
    let _ = kill(pid, Signal::SIGKILL);
    let handle = rustix::process::Pid::from_raw(pid.as_raw());
    if let Some(Ok(handle)) = handle.map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
        while poll(&mut [PollFd::new(handle.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE))
            == Err(nix::Error::EINTR)
        {}
        return waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap_or(WaitStatus::StillAlive);
    }
    loop {
        match waitpid(pid, None) {
            Err(nix::Error::EINTR) => {}
            status => return status.unwrap_or(WaitStatus::StillAlive),
        }
    }
}
