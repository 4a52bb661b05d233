//! Unwinding: from a thread's registers to its frames. No I/O: code tables arrive
//! through [`Code`], the stack through [`Memory`].
//!
//! Pipeline place: after the modules are known, before symbols. [`walk()`] goes from frame to
//! frame; `step` chooses the way to one caller; `cache` remembers; `table`, `row` and
//! `expression` are call frame information; `frame_pointer` and `scan` do without it; `x86`
//! holds what depends on the processor.

#![forbid(unsafe_code)]

mod cache;
mod expression;
#[cfg(test)]
mod fake;
mod frame_pointer;
mod problem;
mod row;
mod scan;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod x86;

pub use cache::CfiCache;
pub use walk::walk;

use crate::address::{Address, Bias};
use crate::report::Trust;
use crate::target::{Arch, FloatingPoint, Memory, Registers, siginfo};
use std::sync::Arc;

/// How all DWARF and CFI bytes are read: slices of mapped files that live as long as
/// the analyzer process, which handles one trace and ends.
pub type Bytes = gimli::EndianSlice<'static, gimli::LittleEndian>;

/// What the unwinder asks about code.
pub trait Code {
    /// The unwind tables of the object that `pc` lies in; `None` outside of every object.
    fn unwind_sections(&self, pc: Address) -> Option<&UnwindSections>;

    /// Whether `pc` lies in executable memory.
    fn is_executable(&self, pc: Address) -> bool;

    /// Start of the function (symbol) that holds `pc`, where known: tells a return
    /// address from any other word when the stack is scanned.
    fn function_start(&self, pc: Address) -> Option<Address>;
}

/// The unwind tables of one object.
#[derive(Clone, Debug, Default)]
pub struct UnwindSections {
    /// What the object's code runs as: tells the size of its addresses.
    pub arch: Arch,
    /// What was added to the file's addresses when it was mapped.
    pub bias: Bias,
    /// `.eh_frame`.
    pub eh_frame: Option<Section>,
    /// `.eh_frame_hdr`, with the binary search table.
    pub eh_frame_hdr: Option<Section>,
    /// `.debug_frame`, of the object or its debug file.
    pub debug_frame: Option<Section>,
    /// Address of `.text`, for text-relative encodings.
    pub text: Option<u64>,
    /// Address of `.got`, for data-relative encodings.
    pub got: Option<u64>,
}

/// A section's bytes and the address it has in the file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// `sh_addr`.
    pub address: u64,
    /// Its contents.
    pub data: Bytes,
}

/// One physical frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Registers in this frame, pc included.
    pub registers: Registers,
    /// x87 and SSE state, where it is known: in the innermost frame, and beyond a signal frame.
    pub floating: Option<Arc<FloatingPoint>>,
    /// Canonical frame address of this frame (DWARF 5 §6.4), where its CFI gives one.
    pub cfa: Option<Address>,
    /// How it was found.
    pub trust: Trust,
    /// Whether the pc is exact (innermost frame, or interrupted by a signal) or a return
    /// address, which must be looked up one byte earlier.
    pub pc_is_exact: bool,
    /// Set on a signal trampoline's frame: where the kernel put `siginfo_t` and `ucontext_t`.
    pub signal_frame: Option<SignalFrame>,
}

/// Where a signal frame's data lies (`struct rt_sigframe`; in 32-bit code `struct sigframe`, too).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalFrame {
    /// Address of the `siginfo_t`. The kernel fills it in only for handlers installed with
    /// `SA_SIGINFO` (sigaction(2)); for others it holds whatever the stack held before, and
    /// 32-bit code has none.
    pub siginfo: Option<Address>,
    /// Address of the `ucontext_t`.
    pub ucontext: Address,
    /// Which layout they have.
    pub arch: Arch,
}

impl SignalFrame {
    /// The `siginfo_t`, in the layout of 64-bit code.
    pub fn read_siginfo(&self, memory: &dyn Memory) -> Option<[u8; siginfo::SIZE]> {
        let mut raw = [0; siginfo::SIZE];
        memory.read_exact(self.siginfo?, &mut raw)?;
        Some(match self.arch {
            Arch::X86_64 => raw,
            Arch::X86 => siginfo::widen(&raw),
        })
    }
}

impl Frame {
    /// The pc as an address.
    pub fn pc(&self) -> Option<Address> {
        self.registers.pc().map(Address)
    }

    /// The address to look up in tables of code: the pc where it is exact, else one byte before it.
    pub fn lookup_pc(&self) -> Option<Address> {
        let pc = self.registers.pc()?;
        Some(Address(if self.pc_is_exact { pc } else { pc.checked_sub(1)? }))
    }
}

/// A thread's stack.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// The frames kept, innermost first.
    pub frames: Vec<Frame>,
    /// How many frames were found in all.
    pub frame_count: usize,
    /// Index in `frames` of the first frame after the gap, when `frames` is not all of them.
    pub gap_before: Option<usize>,
    /// Why the walk ended before the outermost frame, when it did.
    pub problem: Option<String>,
}
