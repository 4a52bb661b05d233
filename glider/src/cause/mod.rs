//! The cause of a fault or abort in words, as far as the process itself tells it: the message it
//! left behind, or the faulting instruction and the variables that it used.
//!
//! Pipeline place: after the stacks, of which it looks at one with a signal or an abort on it;
//! before the report. Nothing is guessed: what cannot be shown to be so has no cause here.

#![forbid(unsafe_code)]

mod abort_message;
mod expression;
mod fault;
mod listing;
mod overflow;
mod rust_panic;
mod site;
mod terminate;

use crate::report::{Cause, CauseKind};
use crate::stacks::{Stacks, ThreadStack};
use crate::target::Arch;
use crate::target::siginfo::SignalInfo;

/// What is said of a cause; the place in the report is added.
struct Finding {
    kind: CauseKind,
    text: String,
    location: Option<String>,
    known_by: String,
}

impl Finding {
    fn new(kind: CauseKind, text: impl Into<String>, known_by: impl Into<String>) -> Finding {
        Finding { kind, text: text.into(), location: None, known_by: known_by.into() }
    }
}

/// The cause that a thread's stack tells. `signals` are those of its signal frames, or the one it
/// was stopped by, each with the index of the frame that it interrupted; `thread` is its place in the report.
pub(crate) fn of_thread(
    stacks: &Stacks<'_>,
    stack: &ThreadStack<'_>,
    signals: &[(usize, SignalInfo)],
    thread: usize,
) -> Option<Cause> {
    // What a handler did after a fault, as to abort, is no cause of it: the outermost one counts.
    let faults = signals.iter().rev().filter(|(_, signal)| is_of_processor(signal));
    let fault = faults
        .into_iter()
        .find_map(|(frame, signal)| fault::explain(&site::Sites { stacks, stack }, *frame, signal));
    let Finding { kind, text, location, known_by } = fault.or_else(|| message(stacks, stack))?;
    Some(Cause { kind, text, location, known_by, thread })
}

/// What the process said before it ended itself.
fn message(stacks: &Stacks<'_>, stack: &ThreadStack<'_>) -> Option<Finding> {
    let functions = stack.code.iter().map(|code| code.as_ref().and_then(|code| code.function.as_deref()));
    for (index, function) in functions.enumerate() {
        let Some(function) = function else { continue };
        let found = if rust_panic::is_entry(function) && stack.registers.general.arch() == Arch::X86_64 {
            rust_panic::read(stacks, stack, index)
        } else if terminate::is_entry(function) {
            terminate::read(stacks, stack, index)
        } else if abort_message::is_entry(function) {
            abort_message::read(stacks, stack.registers.general.arch())
        } else {
            None
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether the processor raised the signal for what the program did, and nobody sent it.
fn is_of_processor(signal: &SignalInfo) -> bool {
    use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
    signal.sender_pid.is_none() && [SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP].contains(&signal.number)
}
