//! What a server links so that Gimli's `monitor` can keep it alive: a heartbeat, fault handlers that hold the
//! process still until it has been traced, and a hook that runs before it dies.
//!
//! C programs use `libgimli.h` with `libgimli.so` or `libgimli.a`; Rust programs use this crate:
//!
//! ```no_run
//! # use gimli as libgimli;
//! use libgimli::{Heartbeat, State};
//!
//! let heart = Heartbeat::attach(); // None when no monitor watches; handlers are installed when there is one
//! loop {
//!     // one turn of the server's main loop
//!     if let Some(heart) = &heart {
//!         heart.set(State::Running);
//!     }
//! #   break;
//! }
//! ```
//!
//! Pipeline: [`segment`] is the memory shared with the monitor; `attach` maps it; `handler` runs when a fault
//! signal arrives and speaks to the monitor through it; `altstack` gives each thread a stack for that handler;
//! `ffi` is the C door.
//!
//! Constraints: no dependency but libc; nothing that runs in a signal handler allocates, locks or calls
//! anything but system calls; whatever becomes of the monitor, a process is never left stopped.

mod altstack;
mod attach;
mod ffi;
mod handler;
#[cfg(feature = "interpose")]
mod interpose;
pub mod segment;

use segment::Segment;
pub use segment::State;

/// The channel on which a server tells its monitor that it makes progress.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    segment: &'static Segment,
}

impl Heartbeat {
    /// Finds the segment that the monitor passed in `GIMLI_HB_FD`, declares [`State::Starting`] and installs the
    /// fault handlers. `None` when no monitor passed one; then nothing is installed. A second call gives the
    /// same segment and leaves its state alone.
    pub fn attach() -> Option<Heartbeat> {
        attach::attach().map(|segment| Heartbeat { segment })
    }

    /// Declares the state the server is in and counts one beat. A few nanoseconds; safe from any thread and
    /// from signal handlers.
    #[inline]
    pub fn set(&self, state: State) {
        self.segment.beat(state as i32);
    }
}

/// Installs the fault handlers for SEGV, ABRT, BUS, ILL, FPE, SYS, TRAP, XCPU and XFSZ without declaring a
/// heartbeat. With no monitor alive they run the shutdown hook and let the process die of its signal.
pub fn establish_signal_handlers() {
    attach::establish_signal_handlers();
}

/// Sets the function that runs after the trace and before the process dies, with the signal's number and its
/// `siginfo_t`. `None` removes it.
///
/// # Safety
/// The hook runs in a signal handler at an arbitrary point of the faulted program, on a 64 KiB stack. It must
/// only do what signal-safety(7) allows.
pub unsafe fn set_shutdown_hook(hook: Option<unsafe extern "C" fn(i32, *mut libc::siginfo_t)>) {
    handler::set_shutdown_function(hook);
}

/// Names a tracer module for this program or library, as `GIMLI_DECLARE_TRACER_MODULE` does in C. May be used
/// several times; the suffix `.so` may be left out.
///
/// ```
/// # use gimli as libgimli;
/// libgimli::declare_tracer_module!("gimli_myserver");
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! declare_tracer_module {
    ($name:literal) => {
        const _: () = {
            #[used]
            #[unsafe(link_section = "gimli_trace")]
            static NAME: [u8; $name.len() + 1] = match concat!($name, "\0").as_bytes().first_chunk() {
                Some(name) => *name,
                None => unreachable!(),
            };
        };
    };
}
