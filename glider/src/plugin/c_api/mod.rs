//! The C door: what `libgimli_ana.h` declares, for modules written in C and C++.
//!
//! `load` loads a module, `ana` calls the hooks of versions 1 and 2 and has the table of
//! functions they get. The functions of version 3 are found in the glider executable by the dynamic
//! linker; each file here has those of one topic. All of them are called by foreign code: they
//! believe no pointer more than C makes them, and no panic leaves them.
//!
//! A handle of version 3 is a number in a pointer's clothes: following it faults, and a number
//! that stands for nothing is answered like NULL.

mod ana;
mod building;
mod built_value;
mod described;
mod handles;
mod hash;
mod load;
mod memory;
mod names;
mod printing;
mod process;
mod registration;
mod stacks;
mod text;
mod types;

pub(super) use ana::{declare, foreign};
pub(super) use building::Built;
pub(super) use handles::Handles;
pub(super) use hash::Tables;
pub(super) use load::load;
pub(super) use registration::Registrations;

use super::host::Host;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The host, at least while a plugin runs; a thread that a plugin starts has none.
    static CURRENT: Cell<*const Host<'static>> = const { Cell::new(std::ptr::null()) };
}

/// Runs `run`, during which the functions here answer for `host`.
pub(super) fn with_current<R>(host: &Host<'_>, run: impl FnOnce() -> R) -> R {
    let before = CURRENT.get();
    set_current(host);
    let result = run();
    CURRENT.set(before);
    result
}

/// Has the functions here answer for `host` until [`unset_current`].
pub(super) fn set_current(host: &Host<'_>) {
    CURRENT.set(std::ptr::from_ref(host).cast::<Host<'static>>());
}

/// No plugin runs, nor will.
pub(super) fn unset_current() {
    CURRENT.set(std::ptr::null());
}

/// What a function called by a plugin does: `work` with the host. Gives `otherwise` where
/// there is no answer, no host, or a panic.
fn answer<R>(otherwise: R, work: impl FnOnce(&Host<'_>) -> Option<R>) -> R {
    let work = AssertUnwindSafe(|| {
        // SAFETY: the pointer is that of a host that calls a plugin just now, so is borrowed; it takes it away after the
        // call, or at the end of the thread of the trace, before it can be moved or end. The lifetime that the cast made up is hidden again, since `work` takes any.
        let host = unsafe { CURRENT.get().as_ref() }?;
        work(host)
    });
    catch_unwind(work).ok().flatten().unwrap_or(otherwise)
}
