//! What unwinding must know of the processor: how a call looks, what a function does to the
//! stack when it begins, where the kernel saves an interrupted thread; of x86-64 and, where it
//! differs, of i386. Another architecture is another folder with the same file names.

pub(super) mod call_site;
pub(super) mod new_thread;
pub(super) mod prologue;
pub(super) mod signal;
mod signal_32;
