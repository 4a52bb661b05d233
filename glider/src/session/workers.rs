//! Processes that analyze threads beside this one, forked when the tables are warm. Each puts
//! its threads into a branch of the output; what was put there survives it.

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Exit status of a worker that panicked, as Rust's own runtime has it.
const EXIT_PANIC: i32 = 101;

/// Workers at work.
///
/// To be used only where this process has one thread.
#[derive(Debug, Default)]
pub struct Workers {
    pids: Vec<Pid>,
}

impl Workers {
    /// Starts another one, which does `work` and ends. `false` when the system gives no process.
    pub fn start(&mut self, work: impl FnOnce()) -> bool {
        let analyzer = getpid();
        // SAFETY: the analyzer has one thread, so the child may allocate and lock.
        match unsafe { fork() } {
            Err(_) => false,
            Ok(ForkResult::Parent { child }) => {
                self.pids.push(child);
                true
            }
            Ok(ForkResult::Child) => {
                // It dies with the analyzer, also when that died before the line above.
                let is_bound = prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == analyzer;
                let is_done = is_bound && catch_unwind(AssertUnwindSafe(work)).is_ok();
                // SAFETY: ends this process without running anything that belongs to the analyzer.
                unsafe { libc::_exit(if is_done { 0 } else { EXIT_PANIC }) }
            }
        }
    }

    /// Waits until all have ended; how those ended that did not come to the end of their work.
    pub fn wait(self) -> Vec<String> {
        let status = |pid: Pid| loop {
            match waitpid(pid, None) {
                Err(nix::Error::EINTR) => {}
                other => break other,
            }
        };
        let ends = self.pids.into_iter().filter_map(|pid| match status(pid) {
            Ok(WaitStatus::Exited(_, 0)) => None,
            Ok(WaitStatus::Exited(_, EXIT_PANIC)) => Some("it panicked".to_owned()),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(format!("it was ended by {signal}")),
            other => Some(format!("{other:?}")),
        });
        ends.map(|how| format!("a process that analyzed threads ended early: {how}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_workers_that_failed_are_told_of() {
        let mut workers = Workers::default();
        for work in [|| {}, || panic!("as it is meant to"), || std::process::abort()] {
            assert!(workers.start(work));
        }
        let ends = workers.wait();
        assert_eq!(ends.len(), 2, "{ends:?}");
        assert!(ends[0].ends_with("it panicked") && ends[1].ends_with("it was ended by SIGABRT"), "{ends:?}");
    }
}
