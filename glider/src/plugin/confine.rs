//! What a plugin host may not do, and may not touch.
//!
//! The host has the few rights that the analyzer has kept (see [`crate::confine`]). Here they
//! are fenced in further, against mistakes: memory, stack and files are bounded, no core is
//! written, and the descriptors that glider needs are watched.

use crate::confine::limit;
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::unistd::{Pid, getppid, setpgid};
use rustix::fs::{FileType, Stat};
use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of stack: overflowing is noticed soon, wherever the user's own limit is.
const MAX_STACK: u64 = 8 << 20;
/// Descriptors that may be open at once.
const MAX_FILES: u64 = 1024;

/// Set in a process that a plugin has forked off the host.
static IS_COPY: AtomicBool = AtomicBool::new(false);

/// Whether this process is a copy of the host that a plugin made by fork(2).
pub(super) fn is_copy() -> bool {
    IS_COPY.load(Ordering::Relaxed)
}

extern "C" fn mark_copy() {
    IS_COPY.store(true, Ordering::Relaxed);
}

/// A descriptor and the file that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    number: RawFd,
    device: u64,
    inode: u64,
}

/// The descriptors that glider needs in the host.
#[derive(Debug, Default)]
pub(super) struct Descriptors(Vec<Held>);

impl Descriptors {
    /// All that are open now.
    pub(super) fn watch() -> io::Result<Descriptors> {
        let mut held = Vec::new();
        for entry in fs::read_dir("/proc/self/fd")? {
            let number: Option<RawFd> = entry?.file_name().to_str().and_then(|number| number.parse().ok());
            // The one of the folder that is being read is gone again afterwards.
            held.extend(number);
        }
        Ok(Descriptors(held.into_iter().filter_map(identify).collect()))
    }

    /// Whether each is still open and the same file.
    pub(super) fn are_intact(&self) -> bool {
        self.0.iter().all(Held::is_intact)
    }

    /// Whether that one of them is.
    pub(super) fn is_intact(&self, number: RawFd) -> bool {
        self.0.iter().find(|held| held.number == number).is_none_or(Held::is_intact)
    }
}

impl Held {
    fn is_intact(&self) -> bool {
        identify(self.number) == Some(*self)
    }
}

fn identify(number: RawFd) -> Option<Held> {
    let Stat { st_dev: device, st_ino: inode, .. } = look_at(number)?;
    Some(Held { number, device, inode })
}

/// What a descriptor is; `None` when it is not open.
fn look_at(number: RawFd) -> Option<Stat> {
    // SAFETY: the number, which is none that stands for "none", goes to fstat(2) and nowhere else; that fails when
    // it is not open.
    let descriptor = (number >= 0).then(|| unsafe { BorrowedFd::borrow_raw(number) })?;
    // Not by way of the C library, which makes it a look at a path that is empty: twice the time.
    rustix::fs::fstat(descriptor).ok()
}

/// Prepares this process, just forked from `analyzer`, for running plugins. `memory` is what
/// they may allocate beyond what is allocated already.
pub(super) fn confine(analyzer: Pid, memory: u64) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != analyzer {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // A group of its own: whatever a plugin starts can be ended together with the host, and
    // kill(0, …) in a plugin hits nobody else.
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    limit(Resource::RLIMIT_CORE, 0)?;
    limit(Resource::RLIMIT_STACK, MAX_STACK)?;
    limit(Resource::RLIMIT_NOFILE, MAX_FILES)?;
    limit(Resource::RLIMIT_DATA, data_size()?.saturating_add(memory))?;
    default_signals()?;
    // SAFETY: the handler stores to an atomic, which it may in a process that was just forked.
    match unsafe { libc::pthread_atfork(None, None, Some(mark_copy)) } {
        0 => close_sockets(),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Bytes of private writable memory, as RLIMIT_DATA counts it (`data` of proc_pid_statm(5)).
fn data_size() -> io::Result<u64> {
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(5).and_then(|pages| pages.parse::<u64>().ok());
    pages.map(|pages| pages.saturating_mul(PAGE)).ok_or_else(|| io::Error::other("statm is not understood"))
}

/// Faults end the host at once (of SIGBUS those that are no file's end: `object::shrinking`), and nothing is blocked or ignored that a plugin may rely on.
fn default_signals() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGSEGV, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT] {
        // SAFETY: the default action is no handler, so nothing can run in a signal's context.
        unsafe { sigaction(signal, &default) }?;
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Closes the line to the keeper: a plugin has nothing to say there.
fn close_sockets() -> io::Result<()> {
    for Held { number, .. } in Descriptors::watch()?.0 {
        if look_at(number).is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket) {
            // SAFETY: the analyzer's own line; its owner never runs in this process.
            unsafe { libc::close(number) };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_closed_or_exchanged_descriptor_is_noticed() {
        let (first, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let watched = Descriptors(identify(first.as_raw_fd()).into_iter().collect());
        assert!(watched.are_intact());
        let copy = first.try_clone().unwrap();
        // SAFETY: both descriptors are this test's own.
        unsafe { libc::dup2(other.as_raw_fd(), first.as_raw_fd()) };
        assert!(!watched.are_intact());
        // SAFETY: as above.
        unsafe { libc::dup2(copy.as_raw_fd(), first.as_raw_fd()) };
        assert!(watched.are_intact());
        drop(first);
        assert!(!watched.are_intact());
    }
}
