//! The message and place of a Rust panic, from the frames of the panic machinery.
//!
//! The standard library comes without variables in its debug information, and its structures
//! change from version to version. What is looked for is therefore known by what points at it: a
//! trait object of `core::panic::PanicPayload` is a word that leads to a virtual table with functions
//! of that trait, whose names also tell which of the payloads it is.

use super::{CauseKind, Finding};
use crate::address::Address;
use crate::stacks::{Stacks, ThreadStack};
use crate::target::Memory;
use crate::values::exception::rust_text::{MAX_MESSAGE, owned, string, text, utf8, words};
use std::collections::BTreeMap;

/// Frames of the panic machinery that are looked at.
const MAX_FRAMES: usize = 24;
/// Bytes of their stack.
const MAX_STACK: u64 = 64 << 10;
/// Words of a virtual table that are looked at: destructor, size, alignment, methods.
const TABLE_WORDS: usize = 8;

/// Whether a function runs only when there is a panic.
pub(super) fn is_entry(function: &str) -> bool {
    if let Some(name) = function.strip_prefix("core::panicking::") {
        return name.starts_with("panic")
            || name.starts_with("assert_failed")
            || name.starts_with("unreachable");
    }
    if let Some(name) = function.strip_prefix("std::panicking::") {
        let names = ["panic_with_hook", "rust_panic", "begin_panic", "panic_handler", "default_hook"];
        return names.iter().any(|known| name.starts_with(known));
    }
    function.ends_with("rust_begin_unwind")
}

/// Whether a function leads from the code that panics to those.
fn is_way_in(function: &str) -> bool {
    is_entry(function)
        || [
            "core::option::",
            "core::result::",
            "core::slice::",
            "core::str::",
            "core::cell::",
            "std::sys::backtrace::",
        ]
        .iter()
        .any(|start| function.starts_with(start))
        || function.contains("__rust_end_short_backtrace")
}

/// What the panic says whose machinery begins at the frame `index`.
pub(super) fn read(stacks: &Stacks<'_>, stack: &ThreadStack<'_>, index: usize) -> Option<Finding> {
    let name = |frame: usize| stack.code.get(frame).and_then(|code| code.as_ref()?.function.as_deref());
    let frames = index..stack.code.len().min(index + MAX_FRAMES);
    let last = frames.take_while(|frame| name(*frame).is_some_and(is_way_in)).last()?;
    let inner = stack.stack.frames.get(index)?;
    let from = inner.registers.sp()?;
    let to = stack.stack.frames.get(last)?.cfa?.0.min(from.checked_add(MAX_STACK)?);
    let words = words(stacks.process.memory, from, to);
    let (location, file_line) = match location(stacks.process.memory, &words) {
        Some(location) => (Some(location), None),
        None => (None, caller_line(stack, last)),
    };
    let finding = match message(stacks, &words) {
        Some((message, sort)) => Finding::new(
            CauseKind::RustPanic,
            format!("panic: {message}"),
            format!("the panic's payload ({sort}) in the frames of the panic machinery"),
        ),
        None => Finding::new(
            CauseKind::RustPanic,
            "panic; its message could not be found in memory",
            format!("`{}` on the stack", name(index)?),
        ),
    };
    Some(Finding { location: location.or(file_line), ..finding })
}

/// The message, and which sort of payload has it.
fn message(stacks: &Stacks<'_>, words: &[u64]) -> Option<(String, &'static str)> {
    let memory = stacks.process.memory;
    for (place, table) in words.iter().enumerate() {
        let Some(method) = method(stacks, *table) else { continue };
        let read: fn(&dyn Memory, u64) -> Option<String> = match () {
            () if method.contains("FormatStringPayload") => formatted,
            () if method.contains("StaticStrPayload") || method.contains("Payload<&str>") => text,
            () if method.contains("Payload<alloc::string::String>") => owned,
            () => continue,
        };
        let sort = if method.contains("Static") || method.contains("&str") {
            "a &str"
        } else {
            "a formatted String"
        };
        // A trait object's data stands before its table; where the two were put apart, what
        // leads to a payload of the right shape.
        let before = place.checked_sub(1).and_then(|before| words.get(before));
        if let Some(found) = before.into_iter().chain(words).find_map(|data| read(memory, *data)) {
            return Some((found, sort));
        }
    }
    None
}

/// Name of the first method of the trait that is in the virtual table at an address.
fn method(stacks: &Stacks<'_>, table: u64) -> Option<String> {
    stacks.process.modules.find(Address(table))?;
    let words = words(stacks.process.memory, table, table.checked_add(8 * TABLE_WORDS as u64)?);
    let [_, size, alignment, methods @ ..] = words.as_slice() else { return None };
    (*size <= 4096 && alignment.is_power_of_two() && *alignment <= 16).then_some(())?;
    methods.iter().find_map(|method| {
        let name = stacks.process.modules.name(Address(*method)).filter(|name| name.offset == 0)?.symbol?;
        name.contains("as core::panic::PanicPayload>::").then(|| name.to_string())
    })
}

/// `FormatStringPayload { inner: &fmt::Arguments, string: Option<String> }` in whatever order.
fn formatted(memory: &dyn Memory, data: u64) -> Option<String> {
    let words = words(memory, data, data.checked_add(32)?);
    words.windows(3).find_map(|words| string(memory, words.first_chunk::<3>()?))
}

/// `core::panic::Location`: what most of the words that lead to one lead to.
fn location(memory: &dyn Memory, words: &[u64]) -> Option<String> {
    let mut counts: BTreeMap<u64, (usize, String)> = BTreeMap::new();
    for word in words {
        if let Some((count, _)) = counts.get_mut(word) {
            *count += 1;
        } else if let Some(place) = location_at(memory, *word) {
            counts.insert(*word, (1, place));
        }
    }
    counts.into_values().max_by_key(|(count, _)| *count).map(|(_, place)| place)
}

/// `Location { file: &str, line: u32, column: u32 }`.
fn location_at(memory: &dyn Memory, address: u64) -> Option<String> {
    let words = words(memory, address, address.checked_add(24)?);
    let [pointer, length, line_and_column] = *words.first_chunk::<3>()?;
    let (line, column) = (line_and_column as u32, (line_and_column >> 32) as u32);
    let is_sound =
        (4..=MAX_MESSAGE).contains(&length) && (1..1 << 24).contains(&line) && (1..1 << 16).contains(&column);
    let file = is_sound.then(|| utf8(memory, pointer, length)).flatten()?;
    let file = file.trim_end_matches('\0');
    let is_path = file.ends_with(".rs") && !file.chars().any(char::is_control);
    is_path.then(|| format!("{file}:{line}:{column}"))
}

/// File and line of the code that called the machinery.
fn caller_line(stack: &ThreadStack<'_>, last: usize) -> Option<String> {
    let line = stack.code.get(last + 1)?.as_ref()?.line.as_ref()?;
    Some(format!("{}:{}", line.file.as_ref()?, line.line?))
}
