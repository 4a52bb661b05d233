//! Exceptions on their way to a handler. The code that runs meanwhile, and resumes the way afterwards, keeps
//! the address of the exception in a register that calls preserve or on the stack.

use super::what::{self, GNU_CPP, Layout};
use super::{Exception, rust_text};
use crate::address::Address;
use crate::target::Arch;
use crate::unwind::Frame;
use crate::values::Process;

/// Bytes before it at which its owners are counted, 32 bits.
const OWNERS: u64 = 0x10;

/// The exceptions that are kept in `frames` and in no handler; none unless there are `count` of them.
pub(super) fn find(
    process: &Process<'_>,
    arch: Arch,
    frames: &[Frame],
    caught: &[Exception],
    count: u32,
) -> Vec<Exception> {
    let mut found: Vec<Exception> = Vec::new();
    for word in kept_words(process, arch, frames) {
        let Some(header) = header(process, arch, word) else { continue };
        let Some(exception) = what::read(process, arch, header) else { continue };
        let is_known = |other: &Exception| other.object == exception.object;
        if !caught.iter().chain(&found).any(is_known) {
            found.push(exception);
        }
    }
    if u32::try_from(found.len()) == Ok(count) { found } else { Vec::new() }
}

/// What is in the registers of the frames and on their stack, each once.
pub(super) fn kept_words(process: &Process<'_>, arch: Arch, frames: &[Frame]) -> Vec<u64> {
    let registers = frames.iter().flat_map(|frame| frame.registers.known().map(|(_, value)| value));
    let mut words: Vec<u64> = registers.collect();
    let start = frames.first().and_then(|frame| frame.registers.sp()).unwrap_or_default() & !7;
    let end = frames.iter().filter_map(|frame| frame.cfa).max().map_or(start, |cfa| cfa.0);
    for pair in rust_text::words(process.memory, start, end) {
        match arch {
            Arch::X86_64 => words.push(pair),
            Arch::X86 => words.extend([arch.cut(pair), pair >> 32]),
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// The `__cxa_exception` of what is at an address, an `_Unwind_Exception` or the object that was thrown, if it
/// has an owner and is in no handler.
fn header(process: &Process<'_>, arch: Arch, address: u64) -> Option<Address> {
    let memory = process.memory;
    let layout = Layout::of(arch);
    let header = [layout.class, layout.header].into_iter().find_map(|before| {
        let header = Address(address.checked_sub(before)?);
        (memory.read_u64(header.checked_add(layout.class)?)? == GNU_CPP).then_some(header)
    })?;
    let handlers = memory.read_u64(header.checked_add(layout.handlers)?)? as u32;
    let owners = memory.read_u64(Address(header.0.checked_sub(OWNERS)?))? as u32;
    (handlers == 0 && (1..=1024).contains(&owners)).then_some(header)
}
