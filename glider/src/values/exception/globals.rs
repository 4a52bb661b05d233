//! Where each thread has its `__cxa_eh_globals`: the code of `__cxa_get_globals_fast` tells.

use super::result::{self, Base};
use crate::address::Address;
use crate::object::Module;
use crate::target::{Arch, ThreadRegisters};
use crate::values::{Process, thread_local};

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
    /// Reads the code; `None` where there is none of libstdc++, or code that is not understood.
    pub(crate) fn find(process: &Process<'_>) -> Option<Globals> {
        // In libstdc++ or where that was linked into; objects without handlers are not searched, and the program, whose
        // table of symbols may be large, only when no library has it.
        let is_main = |module: &&Module| process.modules.is_main(module);
        let libraries = process.modules.iter().filter(|module| !is_main(module));
        let (arch, function) =
            libraries.chain(process.modules.iter().filter(is_main)).find_map(|module| {
                let object = module.object.as_ref().ok()?;
                object.has_section(".gcc_except_table").then_some(())?;
                let arch = if object.is_64_bit() { Arch::X86_64 } else { Arch::X86 };
                let symbol = match process.modules.is_main(module) {
                    true => object.find_symbol(FUNCTION),
                    // A library exports it.
                    false => object.find_own_symbol(FUNCTION),
                };
                Some((arch, module.bias.to_runtime(symbol?.address)))
            })?;
        match result::of(process.memory, arch, function, 0)? {
            (Base::Block(module), offset) => Some(Globals::Block(module, offset)),
            (Base::ThreadPointer, offset) => Some(Globals::Offset(offset)),
            (Base::None, _) => None,
        }
    }

    /// Where a thread's are; `None` where it has none yet.
    pub(super) fn of_thread(&self, process: &Process<'_>, thread: &ThreadRegisters) -> Option<Address> {
        let found = match self {
            Globals::Block(module, offset) => {
                thread_local::block_with(process, *module, thread)?.checked_add(*offset)?
            }
            Globals::Offset(offset) => Address(thread.fs_base.wrapping_add(*offset)),
        };
        Some(Address(thread.general.arch().cut(found.0)))
    }
}
