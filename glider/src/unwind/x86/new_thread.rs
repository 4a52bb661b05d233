//! Recognizes a thread that the kernel has made and that has not run yet. glibc ends its call
//! frame information before the system call, because for the new thread it would be wrong.

use crate::target::{Arch, ThreadRegisters};

/// DWARF number of `rax` and `eax`, in which the new thread finds zero and its maker the thread id.
const RAX: u16 = 0;
/// clone(2) and clone3 (`asm/unistd_64.h`).
const CLONE: [i64; 2] = [56, 435];
/// The same in 32-bit code (`asm/unistd_32.h`).
const CLONE_32: [i64; 2] = [120, 435];

/// Whether the thread is the new one of a clone(2) that it returns from. For a new process
/// that is on its parent's stack the same is true, but there the code has its tables.
pub(in crate::unwind) fn is_newborn(thread: &ThreadRegisters) -> bool {
    let calls = match thread.general.arch() {
        Arch::X86_64 => CLONE,
        Arch::X86 => CLONE_32,
    };
    calls.contains(&thread.system_call) && thread.general.get(RAX) == Some(0)
}
