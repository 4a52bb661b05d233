//! Exceptions that a thread has thrown and is not done with, which they are and what they say: of C++ (GNU
//! libstdc++), and the panics of Rust.
//!
//! Those that were caught are in a list of the thread (`__cxa_eh_globals`), the one caught last first. Of those
//! that are on their way to a handler there is only a count; the code that runs meanwhile, destructors, has
//! them in its frames.

mod globals;
mod plain;
mod result;
pub(crate) mod rust_panic;
pub(crate) mod rust_text;
mod thrown;
mod what;

pub(crate) use globals::Globals;

use super::Process;
use crate::address::Address;
use crate::target::ThreadRegisters;
use crate::unwind::Frame;

/// Exceptions that a thread can have in its handlers, one inside of the other.
const MAX_CAUGHT: usize = 32;

/// An exception.
#[derive(Clone)]
pub(crate) struct Exception {
    /// Where the object is.
    pub(crate) object: Address,
    /// `std::runtime_error`.
    pub(crate) type_name: String,
    /// What it says, or its value when it is a number or a string.
    pub(crate) what: Option<String>,
}

/// What a thread says of its exceptions.
#[derive(Default)]
pub(crate) struct InFlight {
    /// Whether it says anything.
    pub(crate) is_known: bool,
    /// Those in handlers, the one caught last first.
    pub(crate) caught: Vec<Exception>,
    /// Whether the list of these ends at something that cannot be read: an exception of another language.
    pub(crate) has_unknown: bool,
    /// How many are on their way to a handler.
    pub(crate) thrown_count: u32,
    /// Which these are, where all of them were found.
    pub(crate) thrown: Vec<Exception>,
    /// The Rust panic that it unwinds for.
    pub(crate) panic: Option<Exception>,
}

/// The exceptions of the thread with these registers and frames; none where it never threw one.
pub(crate) fn in_flight(
    process: &Process<'_>,
    globals: &Globals,
    thread: &ThreadRegisters,
    frames: &[Frame],
) -> InFlight {
    let arch = thread.general.arch();
    let next_offset = what::Layout::of(arch).next;
    let read = || {
        let globals = globals.of_thread(process, thread)?;
        let first = process.memory.read_word(globals, arch)?;
        // struct __cxa_eh_globals { __cxa_exception *caughtExceptions; unsigned uncaughtExceptions; }
        let count = process.memory.read_word(globals.checked_add(arch.word())?, arch)? as u32;
        Some((first, count))
    };
    let Some((first, thrown_count)) = read() else { return InFlight::default() };
    let mut found = InFlight { is_known: true, thrown_count, ..InFlight::default() };
    let mut next = first;
    while next != 0 && found.caught.len() < MAX_CAUGHT {
        let Some(exception) = what::read(process, arch, Address(next)) else {
            found.has_unknown = true;
            break;
        };
        found.caught.push(exception);
        let after =
            next.checked_add(next_offset).and_then(|place| process.memory.read_word(Address(place), arch));
        next = after.filter(|after| *after != next).unwrap_or(0);
    }
    if thrown_count > 0 {
        found.thrown = thrown::find(process, arch, frames, &found.caught, thrown_count);
    }
    found
}
