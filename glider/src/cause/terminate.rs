//! Why the C++ runtime ended the process: std::terminate and who called it.

use super::{CauseKind, Finding};
use crate::stacks::{Stacks, ThreadStack};

/// Frames behind std::terminate that may tell why it was called.
const LOOKED_AT: usize = 8;

/// Whether a function ends the process for the C++ runtime.
pub(super) fn is_entry(function: &str) -> bool {
    matches!(
        function,
        "std::terminate"
            | "__cxa_call_terminate"
            | "__gxx_personality_v0"
            | "__clang_call_terminate"
            | "__gnu_cxx::__verbose_terminate_handler"
            | "__cxxabiv1::__terminate"
            | "std::__terminate"
            | "__cxa_pure_virtual"
            | "__cxa_deleted_virtual"
    )
}

/// Why the function of the frame `index`, which is one of these, was called.
pub(super) fn read(stacks: &Stacks<'_>, stack: &ThreadStack<'_>, index: usize) -> Option<Finding> {
    let names = stack.code.iter().skip(index).take(LOOKED_AT);
    let names: Vec<&str> = names.filter_map(|code| code.as_ref()?.function.as_deref()).collect();
    let finding = |text: String, known_by: &str| Some(Finding::new(CauseKind::CppTerminate, text, known_by));
    if names.contains(&"__cxa_pure_virtual") {
        let text = "a pure virtual function was called: on an object that is still being constructed, \
                    or that was destroyed already";
        return finding(text.to_owned(), "__cxa_pure_virtual on the stack");
    }
    if names.contains(&"__cxa_deleted_virtual") {
        return finding(
            "a deleted virtual function was called".to_owned(),
            "__cxa_deleted_virtual on the stack",
        );
    }
    let in_flight = stacks.exceptions(stack);
    let caller =
        names.iter().find(|name| !is_entry(name) && !name.contains("__cxa_") && !name.contains("_Unwind_"));
    if let Some(thrown) = in_flight.caught.into_iter().next() {
        let what = match thrown.what {
            Some(what) => format!(": {what}"),
            None => " (its what() is not told by what is in memory)".to_owned(),
        };
        let how = if names.contains(&"__gxx_personality_v0") || names.contains(&"__cxa_call_terminate") {
            "a function that must not throw (noexcept) let through the C++ exception"
        } else if names.contains(&"__cxa_throw") {
            "no handler for the C++ exception"
        } else {
            "std::terminate with the C++ exception"
        };
        let known_by = format!("the exception object at {} of this thread's __cxa_eh_globals", thrown.object);
        return finding(format!("{how} {}{what}", thrown.type_name), &known_by);
    }
    if in_flight.is_known && !in_flight.has_unknown {
        let by = caller.map(|name| format!(" by `{name}`")).unwrap_or_default();
        let text = format!(
            "std::terminate was called{by} without an exception, as for a std::thread that is not joined"
        );
        return finding(
            text,
            "std::terminate on the stack and this thread's __cxa_eh_globals, which has no exception",
        );
    }
    finding(
        "std::terminate was called; whether for an exception could not be read".to_owned(),
        "std::terminate on the stack",
    )
}
