//! Where a thread keeps the thread-local variables of an object (ELF Handling For
//! Thread-Local Storage, variant II; glibc's dynamic thread vector).

use super::Process;
use crate::address::Address;
use crate::object::Module;
use crate::target::{Arch, ThreadRegisters};

/// Objects in the dynamic linker's list that are looked at.
const MAX_LINK_MAPS: usize = 4096;
/// What glibc writes for a block that this thread has not touched yet.
const UNALLOCATED: u64 = u64::MAX;

/// The block of `module`'s thread-local variables for the thread with this thread pointer.
/// `None` when the thread has not allocated it, or the C library is not one we know.
pub(crate) fn block(process: &Process<'_>, module: &Module, thread: &ThreadRegisters) -> Option<Address> {
    block_with(process, module_id(process, module)?, thread)
}

/// The block that a thread has for the module of this number; `None` as for [`block`].
pub(crate) fn block_with(process: &Process<'_>, id: u64, thread: &ThreadRegisters) -> Option<Address> {
    // tcbhead_t.dtv, the vector; its entries are two words each, the first of them a counter.
    let arch = thread.general.arch();
    let vector = process.memory.read_word(Address(thread.fs_base.checked_add(arch.word())?), arch)?;
    let entry = vector.checked_add(id.checked_mul(2 * arch.word())?)?;
    let block = process.memory.read_word(Address(entry), arch)?;
    (block != 0 && block != arch.cut(UNALLOCATED)).then_some(Address(block))
}

/// The dynamic linker's number for the object's thread-local storage, `link_map.l_tls_modid`,
/// whose place glibc tells debuggers by the symbol `_thread_db_link_map_l_tls_modid`
/// (three words: bits, elements, offset).
pub(crate) fn module_id(process: &Process<'_>, module: &Module) -> Option<u64> {
    if process.modules.is_main(module) {
        return Some(1);
    }
    let memory = process.memory;
    let arch = match module.object.as_ref() {
        Ok(object) if !object.is_64_bit() => Arch::X86,
        _ => Arch::X86_64,
    };
    let word = |address: u64, index: u64| {
        memory.read_word(Address(address.checked_add(index.checked_mul(arch.word())?)?), arch)
    };
    let descriptor = symbol_address(process, "_thread_db_link_map_l_tls_modid")?;
    let offset = memory.read_u64(descriptor.checked_add(8)?)? & 0xffff_ffff;
    let debug = symbol_address(process, "_r_debug")?;
    // struct r_debug: r_map is the second word. struct link_map: l_addr, l_name, l_ld, l_next.
    let mut map = word(debug.0, 1)?;
    for _ in 0..MAX_LINK_MAPS {
        if map == 0 {
            return None;
        }
        if word(map, 0)? == arch.cut(module.bias.0) {
            return memory.read_word(Address(map.checked_add(offset)?), arch).filter(|id| *id != 0);
        }
        map = word(map, 3)?;
    }
    None
}

/// The address of a symbol of the C library or the dynamic linker.
fn symbol_address(process: &Process<'_>, name: &str) -> Option<Address> {
    let is_runtime = |module: &&Module| {
        let file = module.path.rsplit('/').next().unwrap_or_default();
        file.starts_with("libc.so") || file.starts_with("ld-") || file.starts_with("libpthread")
    };
    process.modules.iter().filter(is_runtime).find_map(|module| {
        let address = module.object.as_ref().ok()?.find_symbol(name)?.address;
        Some(module.bias.to_runtime(address))
    })
}
