//! The few ptrace(2) requests glider makes, each a safe function on a thread id.
//!
//! ptrace belongs to the thread that seized: all of these fail with ESRCH in another one.
//! There is no request here that could kill a tracee or change its memory or registers.
//! `nix` is not used for register sets: it drops the length the kernel gives back, which
//! tells a 32-bit thread from a 64-bit one, and knows no `NT_X86_XSTATE`.

use libc::{c_int, c_long, c_void, pid_t};
use std::arch::x86_64::__cpuid_count;
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// General registers (`elf.h`).
pub(super) const NT_PRSTATUS: c_int = 1;
/// x87 and SSE registers in the FXSAVE layout.
pub(super) const NT_PRFPREG: c_int = 2;
/// All extended registers in the XSAVE layout.
pub(super) const NT_X86_XSTATE: c_int = 0x202;
/// Bytes of a `siginfo_t`.
pub(super) const SIGINFO_SIZE: usize = 128;

fn check(result: c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Becomes the tracer of a thread without stopping it. No options: above all not
/// `PTRACE_O_EXITKILL`, so that the thread runs on when glider dies.
pub(super) fn seize(tid: pid_t) -> io::Result<()> {
    // SAFETY: PTRACE_SEIZE takes no pointer: address and data are zero, meaning no options.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, tid, 0usize, 0usize) })
}

/// Asks a seized thread to stop; the stop is reported by [`wait`].
pub(super) fn interrupt(tid: pid_t) -> io::Result<()> {
    // SAFETY: PTRACE_INTERRUPT takes no pointer.
    check(unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, tid, 0usize, 0usize) })
}

/// Lets a stopped thread go, with the signal it was about to receive (zero for none).
pub(super) fn detach(tid: pid_t, signal: c_int) -> io::Result<()> {
    let signal = usize::try_from(signal).unwrap_or_default();
    // SAFETY: PTRACE_DETACH takes no pointer; the data is a signal number.
    check(unsafe { libc::ptrace(libc::PTRACE_DETACH, tid, 0usize, signal) })
}

/// Fills `buffer` with a register set of a stopped thread and gives how many bytes the kernel wrote.
pub(super) fn read_register_set(tid: pid_t, set: c_int, buffer: &mut [u8]) -> io::Result<usize> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast::<c_void>(), iov_len: buffer.len() };
    let set = usize::try_from(set).unwrap_or_default();
    // SAFETY: the vector describes `buffer`, which is borrowed for the call; the kernel writes
    // at most `iov_len` bytes there and sets `iov_len` to what it wrote.
    check(unsafe { libc::ptrace(libc::PTRACE_GETREGSET, tid, set, &raw mut vector) })?;
    Ok(vector.iov_len.min(buffer.len()))
}

/// The `siginfo_t` of the stop a thread is in, raw.
pub(super) fn read_siginfo(tid: pid_t) -> io::Result<[u8; SIGINFO_SIZE]> {
    const { assert!(size_of::<libc::siginfo_t>() == SIGINFO_SIZE) };
    let mut information = [0; SIGINFO_SIZE];
    // SAFETY: the kernel writes one `siginfo_t`, which is as long as the array.
    check(unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid, 0usize, information.as_mut_ptr()) })?;
    Ok(information)
}

/// The base of a segment in the thread's part of the global descriptor table.
pub(super) fn read_segment_base(tid: pid_t, entry: u32) -> io::Result<u32> {
    /// `asm/ptrace-abi.h`; glibc does not name it.
    const PTRACE_GET_THREAD_AREA: libc::c_uint = 25;
    // struct user_desc (asm/ldt.h): number, base, limit, flags.
    let mut descriptor = [0u32; 4];
    let entry = usize::try_from(entry).unwrap_or_default();
    // SAFETY: the kernel writes one struct user_desc, which is as long as the array.
    check(unsafe { libc::ptrace(PTRACE_GET_THREAD_AREA, tid, entry, descriptor.as_mut_ptr()) })?;
    Ok(descriptor[1])
}

/// What became of a traced thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing yet.
    None,
    /// It stopped because it was asked to.
    Interrupted,
    /// It takes part in a job-control stop of its process, by this signal.
    GroupStop(c_int),
    /// It is about to receive this signal.
    Signal(c_int),
    /// It is no longer there: it ended, or it is not ours.
    Gone,
}

/// Looks, without waiting, what became of a traced thread.
///
/// A stop is left to be looked at again (`WNOWAIT`): taking note of it would make the kernel
/// forget the signal the thread was about to receive, and if glider were then killed, that
/// signal would never arrive. The end of a thread is taken note of, which lets it finish. Any thread of the
/// tracer's process may look. To ask for ends alone would not do: a traced thread's stop is told, and forgotten,
/// whatever was asked for.
pub(super) fn wait(tid: pid_t) -> Event {
    const FLAGS: c_int = libc::WSTOPPED | libc::WEXITED | libc::WNOHANG | libc::__WALL;
    let look = |flags: c_int| loop {
        let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `information` is a valid place for the result; the rest are numbers.
        let result =
            unsafe { libc::waitid(libc::P_PID, tid.cast_unsigned(), information.as_mut_ptr(), flags) };
        if result == 0 {
            // SAFETY: zeroes are a valid `siginfo_t`, and the kernel wrote over them.
            let information = unsafe { information.assume_init() };
            // SAFETY: waitid fills these fields; where it has nothing to tell they are zero.
            break Some((information.si_code, unsafe { information.si_pid() }, unsafe {
                information.si_status()
            }));
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break None;
        }
    };
    match look(FLAGS | libc::WNOWAIT) {
        Some((_, 0, _)) => Event::None,
        Some((libc::CLD_TRAPPED | libc::CLD_STOPPED, _, status)) => decode_stop(status),
        Some(_) => {
            look(FLAGS);
            Event::Gone
        }
        None => Event::Gone,
    }
}

/// ptrace(2), "Stopped states": a signal, and above it the event that is more than a signal.
fn decode_stop(status: c_int) -> Event {
    const PTRACE_EVENT_STOP: c_int = 128;
    match (status >> 8, status & 0x7f) {
        (PTRACE_EVENT_STOP, libc::SIGTRAP) => Event::Interrupted,
        (PTRACE_EVENT_STOP, signal) => Event::GroupStop(signal),
        (0, signal) => Event::Signal(signal),
        // No other event was asked for; whatever it is, the thread stands still and may go on.
        _ => Event::Interrupted,
    }
}

/// SIGCHLD held back in this thread, so that it can be waited for. The former mask comes back on drop.
#[derive(Debug)]
pub(super) struct ChildSignals {
    set: libc::sigset_t,
    former: libc::sigset_t,
}

impl ChildSignals {
    /// Blocks SIGCHLD in the calling thread and those it starts.
    pub(super) fn block() -> Self {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        let mut former = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset initializes `set`, which the other calls then read; pthread_sigmask
        // with valid arguments cannot fail and initializes `former`.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), former.as_mut_ptr());
            ChildSignals { set: set.assume_init(), former: former.assume_init() }
        }
    }

    /// Waits until something happens to a child or tracee, or the time is over. May return for nothing.
    pub(super) fn wait(&self, at_most: std::time::Duration) {
        let limit = libc::timespec {
            tv_sec: libc::time_t::try_from(at_most.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(at_most.subsec_nanos()),
        };
        // SAFETY: both pointers are to live values; no siginfo is asked for.
        unsafe { libc::sigtimedwait(&raw const self.set, std::ptr::null_mut(), &raw const limit) };
    }
}

impl Drop for ChildSignals {
    fn drop(&mut self) {
        // SAFETY: `former` is the mask pthread_sigmask gave when this value was made.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.former, std::ptr::null_mut()) };
    }
}

/// Where the XSAVE area in its standard form has the parts of AVX-512 on this processor: the upper halves of
/// zmm0 to zmm15, and zmm16 to zmm31 (CPUID leaf 0dh, Intel SDM vol. 1, §13.2). Asked for once: in a
/// virtual machine it is the host that answers.
pub(super) fn avx512_places() -> [usize; 2] {
    static PLACES: OnceLock<[usize; 2]> = OnceLock::new();
    *PLACES.get_or_init(|| [6, 7].map(|feature| __cpuid_count(0xd, feature).ebx as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_are_told_apart() {
        let stop = |event: c_int, signal: c_int| decode_stop((event << 8) | signal);
        assert_eq!(stop(128, libc::SIGTRAP), Event::Interrupted);
        assert_eq!(stop(128, libc::SIGSTOP), Event::GroupStop(libc::SIGSTOP));
        assert_eq!(stop(0, libc::SIGTRAP), Event::Signal(libc::SIGTRAP));
        assert_eq!(stop(0, libc::SIGSEGV), Event::Signal(libc::SIGSEGV));
        assert_eq!(stop(4, libc::SIGTRAP), Event::Interrupted);
    }

    #[test]
    fn a_thread_that_is_not_traced_is_gone_and_gives_nothing() {
        let own = std::process::id().cast_signed();
        assert_eq!(wait(own), Event::Gone);
        assert!(read_register_set(own, NT_PRSTATUS, &mut [0; 216]).is_err());
        assert!(read_siginfo(own).is_err());
        assert!(detach(own, 0).is_err());
    }

    /// A child that was about to receive SIGTERM when `then` was done with it, on a thread that ends
    /// right after. Gives the signal it ended by.
    fn end_of_a_child_stopped_by_sigterm(then: fn(pid_t)) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let tid = child.id().cast_signed();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                seize(tid).unwrap();
                // SAFETY: two numbers; the child is not reaped yet.
                assert_eq!(unsafe { libc::kill(tid, libc::SIGTERM) }, 0);
                while wait(tid) == Event::None {
                    std::thread::yield_now();
                }
                assert_eq!(wait(tid), Event::Signal(libc::SIGTERM));
                let signal = crate::target::siginfo::parse_siginfo(&read_siginfo(tid).unwrap()).unwrap();
                assert_eq!((signal.number, signal.code.as_str()), (libc::SIGTERM, "SI_USER"));
                then(tid);
            });
        });
        // The thread is joined a moment before the kernel lets go what it traced, and until then
        // waiting for the child would take note of its stop.
        let directory = crate::target::ProcessDirectory::open(tid).unwrap();
        while directory.read_status(tid).is_ok_and(|status| status.tracer != 0) {
            std::thread::yield_now();
        }
        child.wait().unwrap().signal()
    }

    #[test]
    fn a_signal_is_passed_on_when_the_thread_is_let_go() {
        let end = end_of_a_child_stopped_by_sigterm(|tid| detach(tid, libc::SIGTERM).unwrap());
        assert_eq!(end, Some(libc::SIGTERM));
    }

    #[test]
    fn a_signal_is_not_lost_when_the_tracer_ends_without_a_word() {
        assert_eq!(end_of_a_child_stopped_by_sigterm(|_| ()), Some(libc::SIGTERM));
    }
}
