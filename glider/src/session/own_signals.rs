//! What signals do to glider itself.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Has SIGCHLD come, by which the end of children and the stops of tracees are told: a parent that ignores it hands
/// that down. And has the signals of a terminal that would stop glider (Ctrl-Z) ignored: the process that it holds
/// would be held for as long. There is no such remedy against SIGSTOP.
pub fn take() {
    // SAFETY: the default action is no handler, so nothing of ours can run in a signal's context.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
    for stop in [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
        // SAFETY: nor is ignoring one.
        let _ = unsafe { signal(stop, SigHandler::SigIgn) };
    }
}
