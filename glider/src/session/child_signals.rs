//! SIGCHLD, by which the end of children and the stops of tracees are told.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Makes sure that it comes: a parent that ignores SIGCHLD hands that down.
pub fn take() {
    // SAFETY: the default action is no handler, so nothing of ours can run in a signal's context.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}
