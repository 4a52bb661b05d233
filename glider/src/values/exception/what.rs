//! What an exception is of and what it says, as far as memory tells it without calling anything of
//! the target: `what()` is read where its code only gives back a string whose place can be told.

use super::result::{self, Base};
use super::{Exception, plain};
use crate::address::Address;
use crate::object::demangle;
use crate::target::{Arch, Memory};
use crate::values::Process;

/// Where the members of `__cxa_exception` are, in bytes.
pub(super) struct Layout {
    /// How large it is: it precedes the exception object.
    pub(super) header: u64,
    /// The exception's class: `_Unwind_Exception` begins there.
    pub(super) class: u64,
    /// The one that was caught before it.
    pub(super) next: u64,
    /// How many handlers it is in, 32 bits.
    pub(super) handlers: u64,
}

impl Layout {
    pub(super) fn of(arch: Arch) -> Layout {
        match arch {
            Arch::X86_64 => Layout { header: 0x70, class: 0x50, next: 0x20, handlers: 0x28 },
            Arch::X86 => Layout { header: 0x50, class: 0x30, next: 0x10, handlers: 0x14 },
        }
    }
}

/// The class of an exception that was thrown first hand.
pub(super) const GNU_CPP: u64 = u64::from_be_bytes(*b"GNUCC++\0");
/// The class of one that shares its object with another, as `std::rethrow_exception` throws it: the object's
/// address stands in the place of the type.
const GNU_CPP_DEPENDENT: u64 = u64::from_be_bytes(*b"GNUCC++\x01");
/// Bytes of text that are looked at.
const MAX_BYTES: usize = 1024;

/// The exception whose `__cxa_exception` is at an address; `None` where there is none of this library.
pub(super) fn read(process: &Process<'_>, arch: Arch, header: Address) -> Option<Exception> {
    let memory = process.memory;
    let layout = Layout::of(arch);
    let header = match memory.read_u64(header.checked_add(layout.class)?)? {
        GNU_CPP => header,
        GNU_CPP_DEPENDENT => Address(memory.read_word(header, arch)?.checked_sub(layout.header)?),
        _ => return None,
    };
    let object = header.checked_add(layout.header)?;
    // struct type_info { vtable; const char *name; }
    let type_info = Address(memory.read_word(header, arch)?);
    let name = c_string(memory, memory.read_word(type_info.checked_add(arch.word())?, arch)?)?;
    let name = name.trim_start_matches('*');
    let type_name = demangle(&format!("_ZTS{name}"))?;
    let type_name = type_name.strip_prefix("typeinfo name for ").unwrap_or(&type_name).to_owned();
    let what = match name {
        // The first word of std::string leads to its characters.
        "PKc" | "Pc" | "Ss" | "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE" => {
            memory.read_word(object, arch).and_then(|text| c_string(memory, text))
        }
        _ => plain::text(memory, arch, object, name).or_else(|| what(process, arch, object)),
    };
    Some(Exception { object, type_name, what })
}

/// What `what()` of an object whose class has std::exception for its first base would give back.
fn what(process: &Process<'_>, arch: Arch, object: Address) -> Option<String> {
    let memory = process.memory;
    let table = Address(memory.read_word(object, arch)?);
    // Two destructors, then what().
    let function = Address(memory.read_word(table.checked_add(2 * arch.word())?, arch)?);
    let name = process.modules.name(function)?.symbol?;
    name.ends_with("::what").then_some(())?;
    // Both keep a string whose first word leads to its characters.
    if matches!(&*name, "std::runtime_error::what" | "std::logic_error::what") {
        let string = object.checked_add(arch.word())?;
        return c_string(memory, memory.read_word(string, arch)?);
    }
    match result::of(memory, arch, function, object.0)? {
        (Base::None, text) => c_string(memory, text),
        _ => None,
    }
}

/// The text at an address, up to its NUL.
fn c_string(memory: &dyn Memory, address: u64) -> Option<String> {
    let mut bytes = vec![0; MAX_BYTES];
    let read = memory.read(Address(address), &mut bytes);
    let end = bytes.get(..read)?.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
}
