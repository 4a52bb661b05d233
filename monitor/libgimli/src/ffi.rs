//! The C door: the functions that `libgimli.h` declares. Each only hands on to the module that does the work.

use crate::{attach, handler, segment::Segment};
use std::ffi::c_int;

/// Maps the monitor's segment, declares STARTING, installs the fault handlers. NULL when there is no segment;
/// a second call returns the same one.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gimli_heartbeat_attach() -> *const Segment {
    attach::attach().map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Installs the fault handlers.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gimli_establish_signal_handlers() {
    attach::establish_signal_handlers();
}

/// Stores the state and counts one beat; does nothing when `heartbeat` is NULL.
///
/// # Safety
/// `heartbeat` is NULL or came from [`gimli_heartbeat_attach`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn gimli_heartbeat_set(heartbeat: *const Segment, state: c_int) {
    // SAFETY: by contract NULL or the mapped segment, which lives as long as the process.
    if let Some(segment) = unsafe { heartbeat.as_ref() } {
        segment.beat(state);
    }
}

/// Sets the function that runs after the trace and before the process dies; NULL removes it.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn gimli_set_shutdown_func(function: Option<handler::ShutdownFunction>) {
    handler::set_shutdown_function(function);
}
