//! Where each thread has its `__cxa_eh_globals`: the code of `__cxa_get_globals_fast` tells.

use super::what::code;
use crate::address::Address;
use crate::object::Module;
use crate::target::{Arch, ThreadRegisters};
use crate::values::{Process, thread_local};
use iced_x86::{Mnemonic, OpKind, Register};

/// The function whose code tells it.
const FUNCTION: &str = "__cxa_get_globals_fast";

/// The place among a thread's thread-local variables.
pub(crate) enum Globals {
    /// In the block of the object with this number, at this offset.
    Block(u64, u64),
    /// So far from the thread pointer, modulo 2^64.
    Offset(u64),
}

impl Globals {
    /// Reads the code; `None` where there is none of libstdc++, or code that is not understood. Of 64-bit
    /// processes only.
    pub(crate) fn find(process: &Process<'_>) -> Option<Globals> {
        // In libstdc++ or where that was linked into; objects without handlers are not searched, and the program, whose
        // table of symbols may be large, only when no library has it.
        let is_main = |module: &&Module| process.modules.is_main(module);
        let libraries = process.modules.iter().filter(|module| !is_main(module));
        let function = libraries.chain(process.modules.iter().filter(is_main)).find_map(|module| {
            let object = module.object.as_ref().ok()?;
            (object.is_64_bit() && object.has_section(".gcc_except_table")).then_some(())?;
            let symbol = match process.modules.is_main(module) {
                true => object.find_symbol(FUNCTION),
                // A library exports it.
                false => object.find_own_symbol(FUNCTION),
            };
            Some(module.bias.to_runtime(symbol?.address))
        })?;
        let mut found = None;
        let offset = |found: Option<Globals>, by: u64| match found {
            Some(Globals::Offset(offset)) => Some(Globals::Offset(offset.wrapping_add(by))),
            other => other,
        };
        for instruction in code(process.memory, function) {
            let is_for_result = instruction.op0_register() == Register::RAX;
            match (instruction.mnemonic(), instruction.op1_kind()) {
                // General and local dynamic: the argument of __tls_get_addr, a tls_index.
                (Mnemonic::Lea, OpKind::Memory) if instruction.op0_register() == Register::RDI => {
                    let index = Address(instruction.memory_displacement64());
                    let module = process.memory.read_u64(index)?;
                    let offset = process.memory.read_u64(index.checked_add(8)?)?;
                    found = Some(Globals::Block(module, offset));
                }
                // Initial and local exec: an offset from the thread pointer.
                (Mnemonic::Mov, OpKind::Memory)
                    if is_for_result && instruction.segment_prefix() == Register::FS =>
                {
                    found = Some(Globals::Offset(0));
                }
                (Mnemonic::Add, OpKind::Memory)
                    if is_for_result && instruction.is_ip_rel_memory_operand() =>
                {
                    let place = Address(instruction.ip_rel_memory_address());
                    found = offset(found, process.memory.read_u64(place)?);
                }
                (Mnemonic::Add, OpKind::Immediate8to64 | OpKind::Immediate32to64) if is_for_result => {
                    found = offset(found, instruction.immediate(1));
                }
                (Mnemonic::Lea, OpKind::Memory)
                    if is_for_result && instruction.memory_base() == Register::RAX =>
                {
                    found = offset(found, instruction.memory_displacement64());
                }
                _ => {}
            }
        }
        found
    }

    /// Where a thread's are; `None` where it has none yet.
    pub(super) fn of_thread(&self, process: &Process<'_>, thread: &ThreadRegisters) -> Option<Address> {
        (thread.general.arch() == Arch::X86_64).then_some(())?;
        match self {
            Globals::Block(module, offset) => {
                thread_local::block_with(process, *module, thread)?.checked_add(*offset)
            }
            Globals::Offset(offset) => Some(Address(thread.fs_base.wrapping_add(*offset))),
        }
    }
}
