//! The C++ exception that a thread handles at the moment: its type and what it says
//! (Itanium C++ ABI: Exception Handling §2.2; libstdc++, `unwind-cxx.h`).
//!
//! Nothing of the target can be called: `what()` is read where its code only gives back a
//! string whose place can be told.

use super::Process;
use super::thread_local;
use crate::address::Address;
use crate::object::demangle;
use crate::target::{Arch, Memory, ThreadRegisters};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// `sizeof(__cxa_exception)`: what precedes an exception object.
const HEADER: u64 = 0x70;
/// Offset in it of the exception's class, `"GNUCC++"` and a zero for an exception that was thrown first hand.
const CLASS: u64 = 0x50;
const GNU_CPP: u64 = u64::from_be_bytes(*b"GNUCC++\0");
/// Bytes of code or of text that are looked at.
const MAX_BYTES: usize = 1024;

/// What a thread's exception stack says.
pub(crate) enum Caught {
    /// The exception that was caught last and is not done with.
    Exception(Exception),
    /// There is none.
    Nothing,
    /// It cannot be read: another C++ library, or an exception of another language.
    Unknown,
}

/// An exception.
pub(crate) struct Exception {
    /// Where the object is.
    pub(crate) object: Address,
    /// `std::runtime_error`.
    pub(crate) type_name: String,
    /// What it says, or its value when it is a number or a string.
    pub(crate) what: Option<String>,
}

/// The exception that a thread caught last. `Unknown` in 32-bit processes, too.
pub(crate) fn caught(process: Process<'_>, thread: &ThreadRegisters) -> Caught {
    let Some(globals) = globals(&process, thread) else { return Caught::Unknown };
    match process.memory.read_u64(globals) {
        Some(0) => Caught::Nothing,
        Some(header) => read(&process, Address(header)).map_or(Caught::Unknown, Caught::Exception),
        None => Caught::Unknown,
    }
}

/// `__cxa_eh_globals` of a thread, whose place is in the code of `__cxa_get_globals_fast`.
fn globals(process: &Process<'_>, thread: &ThreadRegisters) -> Option<Address> {
    (thread.general.arch() == Arch::X86_64).then_some(())?;
    let function = process.modules.iter().find_map(|module| {
        let is_candidate = module.path.contains("libstdc++") || process.modules.is_main(module);
        let object = module.object.as_ref().ok().filter(|_| is_candidate)?;
        Some(module.bias.to_runtime(object.find_symbol("__cxa_get_globals_fast")?.address))
    })?;
    let mut place: Option<Address> = None;
    for instruction in code(process.memory, function) {
        let is_for_result = instruction.op0_register() == Register::RAX;
        match (instruction.mnemonic(), instruction.op1_kind()) {
            // General and local dynamic: the argument of __tls_get_addr, a tls_index.
            (Mnemonic::Lea, OpKind::Memory) if instruction.op0_register() == Register::RDI => {
                let index = Address(instruction.memory_displacement64());
                let module = process.memory.read_u64(index)?;
                let offset = process.memory.read_u64(index.checked_add(8)?)?;
                place = thread_local::block_with(process, module, thread)?.checked_add(offset);
            }
            // Initial and local exec: an offset from the thread pointer.
            (Mnemonic::Mov, OpKind::Memory)
                if is_for_result && instruction.segment_prefix() == Register::FS =>
            {
                place = Some(Address(thread.fs_base));
            }
            (Mnemonic::Add, OpKind::Memory) if is_for_result && instruction.is_ip_rel_memory_operand() => {
                let offset = process.memory.read_u64(Address(instruction.ip_rel_memory_address()))?;
                place = Some(Address(place?.0.wrapping_add(offset)));
            }
            (Mnemonic::Add, OpKind::Immediate8to64 | OpKind::Immediate32to64) if is_for_result => {
                place = Some(Address(place?.0.wrapping_add(instruction.immediate(1))));
            }
            (Mnemonic::Lea, OpKind::Memory)
                if is_for_result && instruction.memory_base() == Register::RAX =>
            {
                place = Some(Address(place?.0.wrapping_add(instruction.memory_displacement64())));
            }
            _ => {}
        }
    }
    place
}

/// The instructions from `start` to the first return; none when there is none nearby.
fn code(memory: &dyn Memory, start: Address) -> Vec<Instruction> {
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

fn read(process: &Process<'_>, header: Address) -> Option<Exception> {
    let memory = process.memory;
    (memory.read_u64(header.checked_add(CLASS)?)? == GNU_CPP).then_some(())?;
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
