//! What glibc says before it ends the process: it keeps the text of a failed assertion, of a
//! damaged heap, a smashed stack or an overrun buffer in `__abort_msg`, for debuggers
//! (glibc, `include/stdlib.h`: `struct abort_msg_s { unsigned int size; char msg[]; }`).

use super::{CauseKind, Finding};
use crate::address::Address;
use crate::limits::MESSAGE;
use crate::stacks::Stacks;
use crate::target::Arch;

/// Whether a function is one that ends the process, so that a message may be there.
pub(super) fn is_entry(function: &str) -> bool {
    matches!(
        function,
        "abort"
            | "__assert_fail"
            | "__assert_fail_base"
            | "__assert_perror_fail"
            | "__libc_message"
            | "__libc_message_impl"
            | "__libc_fatal"
            | "__fortify_fail"
            | "__stack_chk_fail"
            | "__chk_fail"
    )
}

/// The message; `None` when there is none, or the C library is another one.
pub(super) fn read(stacks: &Stacks<'_>, arch: Arch) -> Option<Finding> {
    let process = stacks.process;
    let variable = process.modules.c_library_variable(&["__abort_msg"])?;
    let message = process.memory.read_word(variable, arch).filter(|address| *address != 0)?;
    let mut size = [0; 4];
    process.memory.read_exact(Address(message), &mut size)?;
    let mut text = vec![0; usize::try_from(u32::from_le_bytes(size)).ok()?.min(MESSAGE)];
    let read = process.memory.read(Address(message.checked_add(4)?), &mut text);
    text.truncate(read);
    let end = text.iter().position(|byte| *byte == 0);
    if end.is_none() && text.len() < MESSAGE {
        return None;
    }
    let mut message = String::from_utf8_lossy(text.get(..end.unwrap_or(text.len()))?).trim().to_owned();
    if end.is_none() {
        message.push_str("...");
    }
    let text = message;
    let known_by = format!("the C library's message for debuggers, __abort_msg at {variable}");
    (!text.is_empty()).then(|| Finding::new(CauseKind::AbortMessage, text, known_by))
}
