//! The last resort: glider ends when even its own deadline does not help.
//!
//! The keeper waits for nothing without a limit, but the kernel may make it wait: reading
//! the memory map of a process takes a lock that one of its threads may hold for ever (a page
//! fault on a dead network file system, for one). Ending glider ends such a wait, and lets the
//! process go.

use nix::sys::signal::{SigSet, Signal};
use std::time::Duration;

/// While this lives, glider will end after the time given to [`LastResort::arm`].
#[derive(Debug)]
pub struct LastResort(());

impl LastResort {
    /// Starts the clock (setitimer(2), SIGALRM). There is one for the whole process.
    pub fn arm(after: Duration) -> Self {
        // SAFETY: the handler does only what signal-safety(7) allows, and the signal has no other user here.
        unsafe { libc::signal(libc::SIGALRM, give_up as *const () as libc::sighandler_t) };
        // A caller that blocks signals hands that down.
        let _ = SigSet::from(Signal::SIGALRM).thread_unblock();
        set_timer(after);
        LastResort(())
    }
}

impl Drop for LastResort {
    fn drop(&mut self) {
        set_timer(Duration::ZERO);
    }
}

fn set_timer(after: Duration) {
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(after.subsec_micros()),
    };
    let timer = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: value };
    // SAFETY: the new value is a live structure; the former one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

extern "C" fn give_up(_: libc::c_int) {
    const MESSAGE: &str =
        "glider: the system did not let glider look at the process in time; it was let go\n";
    const NOTHING_SHOWN: i32 = 2;
    // SAFETY: write and _exit are async-signal-safe; the message is static.
    unsafe {
        libc::write(2, MESSAGE.as_ptr().cast(), MESSAGE.len());
        libc::_exit(NOTHING_SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    /// How a child ends that arms the clock, disarms it or not, and then waits for a signal twice as long.
    fn end_of_a_child(disarm: bool) -> WaitStatus {
        // SAFETY: the child calls only what is async-signal-safe.
        match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => waitpid(child, None).unwrap(),
            ForkResult::Child => {
                SigSet::all().thread_block().unwrap();
                let clock = LastResort::arm(Duration::from_millis(50));
                if disarm {
                    drop(clock);
                } else {
                    std::mem::forget(clock);
                }
                // SAFETY: waits on nothing but time, then ends the child.
                unsafe {
                    libc::poll(std::ptr::null_mut(), 0, if disarm { 200 } else { 60_000 });
                    libc::_exit(7)
                }
            }
        }
    }

    #[test]
    fn glider_ends_when_the_time_is_over_and_not_when_it_was_disarmed() {
        assert!(matches!(end_of_a_child(false), WaitStatus::Exited(_, 2)));
        assert!(matches!(end_of_a_child(true), WaitStatus::Exited(_, 7)));
    }
}
