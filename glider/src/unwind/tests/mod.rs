//! The unwinder on stacks and tables made of arrays.

mod hostile;
mod rules;
mod search;
mod stacks;

use super::fake::{BIAS, Function};
use super::*;
use crate::target::{Memory, ThreadRegisters};
use gimli::X86_64;
use gimli::write::CallFrameInstruction;

const RBP: u16 = 6;
const RSP: u16 = 7;
const RIP: u16 = 16;

/// Where the stacks of these tests begin.
const STACK: u64 = 0x7f00_0000_0000;

fn function(start: u64, table: Vec<(u32, CallFrameInstruction)>) -> Function {
    Function { start, length: 0x100, is_signal_frame: false, table }
}

/// A function that marks the end of the stack.
fn outermost(start: u64) -> Function {
    function(start, vec![(0, CallFrameInstruction::Undefined(X86_64::RA))])
}

/// A thread at this address of the file, its stack pointer at [`STACK`].
fn thread_at(pc: u64) -> ThreadRegisters {
    let mut thread = ThreadRegisters::default();
    thread.general.set(RIP, Some(BIAS + pc));
    thread.general.set(RSP, Some(STACK));
    thread
}

fn walk_all(thread: &ThreadRegisters, code: &dyn Code, memory: &dyn Memory) -> Stack {
    walk(thread, code, memory, usize::MAX, &mut CfiCache::default())
}

/// The pcs of a stack, as addresses of the file.
fn pcs(stack: &Stack) -> Vec<u64> {
    stack.frames.iter().map(|frame| frame.registers.pc().unwrap().wrapping_sub(BIAS)).collect()
}
