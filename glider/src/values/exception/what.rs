//! What an exception is of and what it says, as far as memory tells it without calling anything of
//! the target: `what()` is read where its code only gives back a string whose place can be told.

use super::Exception;
use crate::address::Address;
use crate::object::demangle;
use crate::target::Memory;
use crate::values::Process;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// `sizeof(__cxa_exception)`: what precedes an exception object.
pub(super) const HEADER: u64 = 0x70;
/// Offset in it of the exception's class: `_Unwind_Exception` begins there.
pub(super) const CLASS: u64 = 0x50;
/// The class of an exception that was thrown first hand.
pub(super) const GNU_CPP: u64 = u64::from_be_bytes(*b"GNUCC++\0");
/// The class of one that shares its object with another, as `std::rethrow_exception` throws it: the object's
/// address stands in the place of the type.
const GNU_CPP_DEPENDENT: u64 = u64::from_be_bytes(*b"GNUCC++\x01");
/// Bytes of code or of text that are looked at.
const MAX_BYTES: usize = 1024;

/// The instructions from `start` to the first return; none when there is none nearby.
pub(super) fn code(memory: &dyn Memory, start: Address) -> Vec<Instruction> {
    let mut bytes = [0; 128];
    let read = memory.read(start, &mut bytes);
    let bytes = bytes.get(..read).unwrap_or_default();
    let mut found: Vec<Instruction> = Vec::new();
    for instruction in Decoder::with_ip(64, bytes, start.0, DecoderOptions::NONE) {
        found.push(instruction);
        if instruction.mnemonic() == Mnemonic::Ret {
            return found;
        }
    }
    Vec::new()
}

/// The exception whose `__cxa_exception` is at an address; `None` where there is none of this library.
pub(super) fn read(process: &Process<'_>, header: Address) -> Option<Exception> {
    let memory = process.memory;
    let header = match memory.read_u64(header.checked_add(CLASS)?)? {
        GNU_CPP => header,
        GNU_CPP_DEPENDENT => Address(memory.read_u64(header)?.checked_sub(HEADER)?),
        _ => return None,
    };
    let object = header.checked_add(HEADER)?;
    // struct type_info { vtable; const char *name; }
    let type_info = memory.read_u64(header)?;
    let name = c_string(memory, memory.read_u64(Address(type_info.checked_add(8)?))?)?;
    let name = name.trim_start_matches('*');
    let type_name = demangle(&format!("_ZTS{name}"))?;
    let type_name = type_name.strip_prefix("typeinfo name for ").unwrap_or(&type_name).to_owned();
    let what = match name {
        "i" => memory.read_u64(object).map(|bits| (bits as u32).cast_signed().to_string()),
        "PKc" | "Pc" => memory.read_u64(object).and_then(|text| c_string(memory, text)),
        // The first word of std::string of the C++11 ABI leads to its characters.
        "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE" => {
            memory.read_u64(object).and_then(|text| c_string(memory, text))
        }
        _ => what(process, object),
    };
    Some(Exception { object, type_name, what })
}

/// What `what()` of an object whose class has std::exception for its first base would give back.
fn what(process: &Process<'_>, object: Address) -> Option<String> {
    let memory = process.memory;
    let table = memory.read_u64(object)?;
    // Two destructors, then what().
    let function = Address(memory.read_u64(Address(table.checked_add(16)?))?);
    let name = process.modules.name(function)?.symbol?;
    name.ends_with("::what").then_some(())?;
    // Both keep a string whose first word leads to its characters.
    if matches!(&*name, "std::runtime_error::what" | "std::logic_error::what") {
        return c_string(memory, memory.read_u64(object.checked_add(8)?)?);
    }
    let mut result = None;
    for instruction in code(memory, function) {
        let (to, from) = (instruction.op0_register(), instruction.memory_base());
        let displacement = instruction.memory_displacement64();
        result = match (instruction.mnemonic(), instruction.op0_kind(), instruction.op1_kind()) {
            (Mnemonic::Endbr64 | Mnemonic::Push | Mnemonic::Pop | Mnemonic::Ret, ..) => result,
            (Mnemonic::Mov, OpKind::Register, OpKind::Register) if to == Register::RBP => result,
            // `this` is put on the stack and read again.
            (Mnemonic::Mov, OpKind::Memory, OpKind::Register) if from == Register::RBP => result,
            (Mnemonic::Mov, OpKind::Register, OpKind::Memory)
                if to == Register::RAX && from == Register::RBP =>
            {
                result
            }
            (Mnemonic::Lea, OpKind::Register, OpKind::Memory)
                if to == Register::RAX && instruction.is_ip_rel_memory_operand() =>
            {
                Some(instruction.ip_rel_memory_address())
            }
            (Mnemonic::Mov, OpKind::Register, OpKind::Memory)
                if to == Register::RAX
                    && [Register::RDI, Register::RAX].contains(&from)
                    && result.is_none() =>
            {
                memory.read_u64(object.checked_add(displacement)?)
            }
            // It does more than that.
            _ => return None,
        };
    }
    c_string(memory, result?)
}

/// The text at an address, up to its NUL.
fn c_string(memory: &dyn Memory, address: u64) -> Option<String> {
    let mut bytes = vec![0; MAX_BYTES];
    let read = memory.read(Address(address), &mut bytes);
    let end = bytes.get(..read)?.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
}
