//! What a caller may have left glider short of (setrlimit(2)): the limits of a shell or a service manager are
//! meant for the server, not for whoever looks at it when it has failed.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};

/// Bytes of stack, as most systems give to every process.
const STACK: u64 = 8 << 20;
/// With less than this nothing is begun.
const LEAST_STACK: u64 = 512 << 10;
/// Open files: glider keeps those of plugins, and of the process's objects while it maps them.
const FILES: u64 = 1024;

/// Raises the limits that would end glider before its own do, as far as that is permitted: root may raise them
/// beyond what the caller allows. A file that is too long is an error then, and no signal.
///
/// # Errors
/// When what is left cannot suffice; in words.
pub fn raise() -> Result<(), String> {
    for (resource, least) in [
        (Resource::RLIMIT_STACK, STACK),
        (Resource::RLIMIT_NOFILE, FILES),
        (Resource::RLIMIT_FSIZE, libc::RLIM_INFINITY),
    ] {
        let Ok((soft, hard)) = getrlimit(resource) else { continue };
        if soft < least && setrlimit(resource, least, hard.max(least)).is_err() {
            // Where the hard limit stays, what it allows is better than nothing.
            let _ = setrlimit(resource, least.min(hard), hard);
        }
    }
    // SAFETY: an ignored signal has no handler, so nothing of ours can run in a signal's context.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    match getrlimit(Resource::RLIMIT_STACK) {
        Ok((soft, _)) if soft < LEAST_STACK => Err(format!(
            "a stack of {} KiB is not enough for glider; give it {} with ulimit -s",
            soft >> 10,
            LEAST_STACK >> 10
        )),
        _ => Ok(()),
    }
}
