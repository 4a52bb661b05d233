//! Taking note of threads that end while the tracer waits in the kernel.
//!
//! A thread that calls execve(2) waits until all others of its process are gone, and holds a lock meanwhile that
//! attaching to any thread needs. A traced thread is gone only once its tracer has taken note of its end. A tracer
//! that attaches to one thread after the other would wait for that lock for ever. But waitid(2) may be called by any
//! thread of the tracer's process: so another one takes note when the tracer does not get on.

#![forbid(unsafe_code)]

use super::ptrace;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the tracer may take for one thread before it counts as held up.
const STUCK: Duration = Duration::from_millis(20);

/// What the tracer and the thread that helps it share.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    seized: Vec<i32>,
    is_over: bool,
}

/// The time in which the tracer may need help ends with this.
#[derive(Debug)]
pub(super) struct Help<'r>(&'r Reaper);

impl Reaper {
    /// For the tracer, before it begins.
    pub(super) fn ask(&self) -> Help<'_> {
        Help(self)
    }

    /// The tracer has attached to this thread.
    pub(super) fn note(&self, tid: i32) {
        self.state().seized.push(tid);
    }

    /// Helps until the tracer needs no help any more.
    pub(super) fn help(&self) {
        let mut state = self.state();
        while !state.is_over {
            let before = state.seized.len();
            let waited = self.changed.wait_timeout(state, STUCK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.seized.len() == before {
                // What has stopped is left as it is; whoever has ended is found gone by the tracer, too.
                state.seized.iter().for_each(|tid| _ = ptrace::wait(*tid));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Help<'_> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ptrace::Event;

    #[test]
    fn a_stop_that_the_helper_has_seen_is_still_there_for_the_tracer() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let tid = child.id().cast_signed();
        let reaper = Reaper::default();
        let events = std::thread::scope(|scope| {
            let tracer = scope.spawn(|| {
                let help = reaper.ask();
                ptrace::seize(tid).unwrap();
                reaper.note(tid);
                ptrace::interrupt(tid).unwrap();
                while ptrace::wait(tid) == Event::None {
                    std::thread::yield_now();
                }
                // The helper looks after every such time.
                let events = [0; 5].map(|_| {
                    std::thread::sleep(STUCK);
                    ptrace::wait(tid)
                });
                ptrace::detach(tid, 0).unwrap();
                drop(help);
                events
            });
            reaper.help();
            tracer.join().unwrap()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(events, [Event::Interrupted; 5]);
    }
}
