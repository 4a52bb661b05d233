//! The process and its threads.

use super::answer;
use super::handles::{self, Handle, Sort};
use super::stacks::ITER_CONT;
use super::text::put;
use std::ffi::{c_int, c_void};

/// `GIMLI_ERR_NO_PROC`.
const NO_PROCESS: c_int = 2;

/// `struct gimli_proc_stat`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct GimliProcStat {
    pid: c_int,
    size: usize,
    resident_size: usize,
}

/// A handle that never changes, as a variable: all of them are numbers.
#[repr(transparent)]
struct Constant(u64);

/// `the_proc`
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is part of the interface")]
static the_proc: Constant = Constant(handles::PROCESS);

/// The handle of the process.
pub(super) fn the_process() -> Handle {
    std::ptr::without_provenance_mut(the_proc.0 as usize)
}

/// Whether a handle is that of the process.
pub(super) fn is_process(process: Handle) -> bool {
    process == the_process()
}

/// `get_proc_status` of version 2.
pub(super) extern "C" fn status() -> *const GimliProcStat {
    answer(std::ptr::null(), |host| {
        Some(host.handles.status(|| {
            let (size, resident) = host.services.sizes();
            GimliProcStat {
                pid: host.services.stacks.capture.process.pid,
                size: usize::try_from(size).unwrap_or(usize::MAX),
                resident_size: usize::try_from(resident).unwrap_or(usize::MAX),
            }
        }))
    })
}

/// `gimli_proc_attach`
///
/// # Safety
/// `process` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_proc_attach(pid: c_int, process: *mut Handle) -> c_int {
    answer(NO_PROCESS, |host| {
        let is_own = host.services.stacks.capture.process.pid == pid;
        // SAFETY: promised by the caller.
        unsafe { put(process, if is_own { the_process() } else { std::ptr::null_mut() }) };
        is_own.then_some(0)
    })
}

/// `gimli_proc_addref`: the process stays until the end of the trace.
#[unsafe(no_mangle)]
extern "C" fn gimli_proc_addref(_: Handle) {}

/// `gimli_proc_delete`
#[unsafe(no_mangle)]
extern "C" fn gimli_proc_delete(_: Handle) {}

/// `gimli_proc_pid`
#[unsafe(no_mangle)]
extern "C" fn gimli_proc_pid(process: Handle) -> c_int {
    answer(0, |host| is_process(process).then_some(host.services.stacks.capture.process.pid))
}

/// `gimli_proc_visit_threads`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_proc_visit_threads(
    process: Handle,
    visit: Option<unsafe extern "C" fn(Handle, Handle, *mut c_void) -> c_int>,
    argument: *mut c_void,
) -> c_int {
    let threads = answer(None, |host| Some(Some(host.services.stacks.capture.threads.len())));
    let (Some(visit), Some(threads)) = (visit, threads.filter(|_| is_process(process))) else {
        return super::stacks::ITER_ERR;
    };
    for thread in 0..threads {
        // SAFETY: the module's own function with the arguments that the header promises.
        let status = unsafe { visit(process, handles::handle(Sort::Thread, thread), argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}
