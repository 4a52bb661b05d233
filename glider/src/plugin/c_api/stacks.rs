//! Stacks, frames and their variables.

use super::answer;
use super::handles::{self, Handle, Sort};
use super::process::the_process;
use super::text::{borrowed, put};
use crate::report::VariableKind;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

/// `GIMLI_ITER_CONT`.
pub(super) const ITER_CONT: c_int = 1;
/// `GIMLI_ITER_ERR`.
pub(super) const ITER_ERR: c_int = 2;
/// `GIMLI_WANT_PARAMS`.
const WANT_PARAMETERS: c_int = 1;
/// `GIMLI_WANT_LOCALS`.
const WANT_LOCALS: c_int = 2;

fn is_wanted(filter: c_int, kind: VariableKind) -> bool {
    match kind {
        VariableKind::Parameter => filter & WANT_PARAMETERS != 0,
        VariableKind::Local => filter & WANT_LOCALS != 0,
    }
}

/// `gimli_thread_stack_trace`
#[unsafe(no_mangle)]
extern "C" fn gimli_thread_stack_trace(thread: Handle, max_frames: c_int) -> Handle {
    answer(null_mut(), |host| {
        let index = handles::index(thread, Sort::Thread)?;
        let max_frames = usize::try_from(max_frames).ok()?.min(host.services.limits.frames.max(1));
        // The frames of the thread at hand are those that the hooks get.
        let current =
            host.thread().filter(|stack| stack.thread == index && stack.stack.frames.len() <= max_frames);
        let stack = current.or_else(|| host.services.stacks.walk(index, max_frames).map(Rc::new))?;
        host.handles.add_trace(stack)
    })
}

/// `gimli_stack_trace_addref`
#[unsafe(no_mangle)]
extern "C" fn gimli_stack_trace_addref(trace: Handle) {
    answer((), |host| host.handles.count_trace(trace, 1));
}

/// `gimli_stack_trace_delete`
#[unsafe(no_mangle)]
extern "C" fn gimli_stack_trace_delete(trace: Handle) {
    answer((), |host| host.handles.count_trace(trace, -1));
}

/// `gimli_stack_trace_num_frames`
#[unsafe(no_mangle)]
extern "C" fn gimli_stack_trace_num_frames(trace: Handle) -> c_int {
    answer(0, |host| c_int::try_from(host.handles.trace(trace)?.stack.frames.len()).ok())
}

/// `gimli_stack_trace_visit`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_stack_trace_visit(
    trace: Handle,
    visit: Option<unsafe extern "C" fn(Handle, Handle, Handle, *mut c_void) -> c_int>,
    argument: *mut c_void,
) -> c_int {
    let frames = answer(None, |host| {
        let stack = host.handles.trace(trace)?;
        let handles = (0..stack.stack.frames.len()).map(|frame| host.handles.add_frame(&stack, frame));
        Some(Some((handles::handle(Sort::Thread, stack.thread), handles.collect::<Option<Vec<_>>>()?)))
    });
    let (Some(visit), Some((thread, frames))) = (visit, frames) else { return ITER_ERR };
    for frame in frames {
        // SAFETY: the module's own function with the arguments that the header promises.
        let status = unsafe { visit(the_process(), thread, frame, argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}

/// `gimli_stack_frame_pcaddr`
#[unsafe(no_mangle)]
extern "C" fn gimli_stack_frame_pcaddr(frame: Handle) -> u64 {
    answer(0, |host| {
        let (stack, frame) = host.handles.frame(frame)?;
        Some(stack.stack.frames.get(frame)?.pc()?.0)
    })
}

/// `gimli_stack_frame_number`
#[unsafe(no_mangle)]
extern "C" fn gimli_stack_frame_number(frame: Handle) -> c_int {
    answer(-1, |host| {
        let (stack, frame) = host.handles.frame(frame)?;
        c_int::try_from(stack.number(frame)).ok()
    })
}

/// `gimli_stack_frame_resolve_var`
///
/// # Safety
/// `name` is NULL or a string; the other pointers are NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_stack_frame_resolve_var(
    frame: Handle,
    filter: c_int,
    name: *const c_char,
    data_type: *mut Handle,
    place: *mut u64,
) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    answer(0, |host| {
        let (stack, frame) = host.handles.frame(frame)?;
        let local = host.services.local(&stack, frame, name?, |kind| is_wanted(filter, kind))?;
        let address = local.address?;
        // SAFETY: promised by the caller.
        unsafe {
            put(data_type, local.type_die.map_or(null_mut(), |die| host.handles.add_type(die)));
            put(place, address.0);
        }
        Some(1)
    })
}

/// `gimli_stack_frame_visit_vars`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_stack_frame_visit_vars(
    frame: Handle,
    filter: c_int,
    visit: Option<unsafe extern "C" fn(Handle, Handle, *mut c_void) -> c_int>,
    argument: *mut c_void,
) -> c_int {
    let variables = answer(None, |host| {
        let (stack, frame) = host.handles.frame(frame)?;
        let locals = host.services.locals(&stack, frame).into_iter();
        Some(Some(locals.filter(|local| is_wanted(filter, local.kind)).count()))
    });
    let (Some(visit), Some(variables)) = (visit, variables) else { return ITER_ERR };
    // The header gives no function for a variable's handle: it only counts.
    for variable in (0..variables).map(|index| handles::handle(Sort::Variable, index)) {
        // SAFETY: the module's own function with the arguments that the header promises.
        let status = unsafe { visit(frame, variable, argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}
