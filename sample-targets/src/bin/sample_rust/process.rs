//! The process as a whole: it says `ready`, sleeps, and ends when SIGTERM asks for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A sample that nobody ended must not stay for ever.
const LIFETIME_SECONDS: u32 = 3600;

static SHUTTING_DOWN: AtomicBool = AtomicBool::new(false);
static READY_LINE: OnceLock<String> = OnceLock::new();

extern "C" fn on_terminate(_signo: libc::c_int) {
    SHUTTING_DOWN.store(true, Ordering::Relaxed);
}

/// What must be done before a scenario runs.
pub(crate) fn prepare() {
    READY_LINE.get_or_init(|| format!("ready {}\n", std::process::id()));
    let handler: extern "C" fn(libc::c_int) = on_terminate;
    // SAFETY: the handler only stores to an atomic; alarm touches no memory.
    unsafe {
        libc::signal(libc::SIGTERM, handler as libc::sighandler_t);
        libc::alarm(LIFETIME_SECONDS);
    }
}

/// Says `ready PID` on standard output. Safe in a signal handler.
pub(crate) fn announce_ready() {
    if let Some(line) = READY_LINE.get() {
        // SAFETY: the pointer and the length are those of one living string.
        let written = unsafe { libc::write(libc::STDOUT_FILENO, line.as_ptr().cast(), line.len()) };
        if written < 0 {
            std::process::abort();
        }
    }
}

/// Sleeps until SIGTERM asks the program to end; for the threads that do not announce.
#[inline(never)]
pub(crate) fn wait_for_shutdown() {
    while !SHUTTING_DOWN.load(Ordering::Relaxed) {
        // SAFETY: pause touches no memory.
        unsafe { libc::pause() };
    }
}

/// Says `ready PID` and sleeps. Returns only when SIGTERM asks the program to end.
#[inline(never)]
pub(crate) fn block_here() {
    announce_ready();
    wait_for_shutdown();
}
