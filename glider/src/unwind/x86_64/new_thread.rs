//! Recognizes a thread that the kernel has made and that has not run yet. glibc ends its call
//! frame information before the system call, because for the new thread it would be wrong.

use crate::target::ThreadRegisters;

/// DWARF number of `rax`, in which the new thread finds zero and its maker the thread id.
const RAX: u16 = 0;
/// clone(2) and clone3 (`asm/unistd_64.h`).
const CLONE: [i64; 2] = [56, 435];

/// Whether the thread is the new one of a clone(2) that it returns from. For a new process
/// that is on its parent's stack the same is true, but there the code has its tables.
pub(in crate::unwind) fn is_newborn(thread: &ThreadRegisters) -> bool {
    CLONE.contains(&thread.system_call) && thread.general.get(RAX) == Some(0)
}
