//! Whole walks: where they end, what is kept of them, and what is done where tables fail.

use super::*;
use crate::unwind::fake::{Bytes, OneFunction, Words, tabled};
use gimli::write::CallFrameInstruction::{Cfa, CfaExpression, SameValue};
use gimli::write::Expression;

#[test]
fn return_addresses_are_looked_up_one_byte_before_and_interrupted_ones_exactly() {
    let wide = vec![(0, Cfa(X86_64::RSP, 16))];
    let code = tabled(vec![
        function(0x1000, vec![]),
        function(0x1100, wide), // begins where a call at the end of the first one returns to
        outermost(0x2000),
    ]);
    let words = [BIAS + 0x1100, BIAS + 0x1100, 0, BIAS + 0x2010];
    let stack = walk_all(&thread_at(0x1100), &code, &Words::new(STACK, &words));
    let sizes: Vec<_> = stack.frames.iter().map(|frame| frame.cfa.unwrap().0 - STACK).collect();
    assert_eq!((stack.frames.len(), &sizes[..1]), (2, &[16][..]), "the pc is exact: the second function");
    let stack = walk_all(&thread_at(0x1010), &code, &Words::new(STACK, &[BIAS + 0x1050, BIAS + 0x2010]));
    assert_eq!(pcs(&stack), [0x1010, 0x1050, 0x2010]);
    assert!(stack.frames[0].pc_is_exact && !stack.frames[1].pc_is_exact);
    assert_eq!(stack.frames[1].lookup_pc(), Some(Address(BIAS + 0x104f)));
}

#[test]
fn the_walk_ends_at_a_return_address_that_is_undefined_or_zero() {
    let code = tabled(vec![function(0x1000, vec![]), outermost(0x2000)]);
    for (words, expected) in [(vec![BIAS + 0x2010, 0], vec![0x1010, 0x2010]), (vec![0], vec![0x1010])] {
        let stack = walk_all(&thread_at(0x1010), &code, &Words::new(STACK, &words));
        assert_eq!((pcs(&stack), stack.problem), (expected, None));
    }
}

#[test]
fn a_smashed_or_unreadable_stack_is_said() {
    let code = tabled(vec![function(0x1000, vec![])]);
    let stack = walk_all(&thread_at(0x1010), &code, &Words::new(STACK, &[0x4141_4141_4141_4141]));
    assert_eq!(stack.frame_count, 1);
    let problem = stack.problem.unwrap();
    assert!(
        problem.starts_with("0x4141414141414141, the return address of the frame at 0x501010"),
        "{problem}"
    );
    let stack = walk_all(&thread_at(0x1010), &code, &Words::new(0, &[]));
    assert_eq!(stack.problem.as_deref(), Some("cannot read the stack at 0x7f0000000000"));
    let mut thread = thread_at(0x1010);
    thread.general.set(RSP, None);
    let stack = walk_all(&thread, &code, &Words::new(0, &[]));
    assert_eq!((stack.frame_count, stack.problem.is_some()), (1, true));
    assert_eq!(walk_all(&ThreadRegisters::default(), &code, &Words::new(0, &[])).frame_count, 0);
}

#[test]
fn a_stack_that_goes_in_circles_ends() {
    // DW_OP_breg7 (rsp) 8; the stack pointer itself stays.
    let circle = vec![(0, CfaExpression(Expression::raw(vec![0x77, 8]))), (0, SameValue(X86_64::RSP))];
    let code = tabled(vec![function(0x1000, circle)]);
    let stack = walk_all(&thread_at(0x1010), &code, &Words::new(STACK, &[BIAS + 0x1010]));
    assert_eq!(
        stack.problem.as_deref(),
        Some("the stack pointer does not move on from 0x7f0000000000: the stack is corrupt")
    );
    assert!(stack.frame_count <= 3);
}

#[test]
fn a_stack_without_end_is_cut() {
    /// The same return address wherever one looks.
    struct Endless;
    impl Memory for Endless {
        fn read(&self, _: Address, buffer: &mut [u8]) -> usize {
            let word = (BIAS + 0x1010).to_le_bytes();
            buffer.iter_mut().zip(word.iter().cycle()).for_each(|(to, from)| *to = *from);
            buffer.len()
        }
    }
    let code = tabled(vec![function(0x1000, vec![])]);
    let stack = walk(&thread_at(0x1010), &code, &Endless, 8, &mut CfiCache::default());
    assert_eq!(stack.problem.as_deref(), Some("more than 1000000 frames"));
    assert_eq!((stack.frame_count, stack.frames.len(), stack.gap_before), (1_000_000, 8, Some(6)));
}

#[test]
fn the_first_three_quarters_and_the_last_quarter_are_kept() {
    let code = tabled(vec![function(0x1000, vec![]), outermost(0x2000)]);
    let mut words: Vec<u64> = (0..18).map(|index| BIAS + 0x1010 + index).collect();
    words.push(BIAS + 0x2010);
    let memory = Words::new(STACK, &words);
    let all = pcs(&walk_all(&thread_at(0x1001), &code, &memory));
    assert_eq!(all.len(), 20);
    for (max, head, tail) in [(8, 6, 2), (4, 3, 1), (3, 3, 0), (1, 1, 0), (0, 0, 0), (19, 15, 4)] {
        let stack = walk(&thread_at(0x1001), &code, &memory, max, &mut CfiCache::default());
        assert_eq!((stack.frame_count, stack.gap_before), (20, Some(head)), "{max}");
        assert_eq!(pcs(&stack), [&all[..head], &all[20 - tail..]].concat(), "{max}");
    }
    for max in [20, 21, 1000] {
        let stack = walk(&thread_at(0x1001), &code, &memory, max, &mut CfiCache::default());
        assert_eq!((pcs(&stack), stack.gap_before), (all.clone(), None), "{max}");
    }
}

/// A function without tables, in memory with its stack: `call *%rax` before 0x1002, more nops.
fn untabled(words: &[u64]) -> (OneFunction, Memories) {
    let code = Bytes::new(0x1000, &[0xff, 0xd0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90]);
    (OneFunction { start: 0x1000, end: 0x1008 }, Memories(code, Words::new(STACK, words)))
}

/// Code and a stack.
struct Memories(Bytes, Words);

impl Memory for Memories {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        match self.0.read(address, buffer) {
            0 => self.1.read(address, buffer),
            read => read,
        }
    }
}

fn untabled_thread(pc: u64, rbp: u64) -> ThreadRegisters {
    let mut thread = ThreadRegisters::default();
    thread.general.set(RIP, Some(pc));
    thread.general.set(RSP, Some(STACK));
    thread.general.set(RBP, Some(rbp));
    thread
}

#[test]
fn a_wild_call_leaves_everything_but_the_return_address_alone() {
    let (code, memory) = untabled(&[0x1002, 0]);
    let mut thread = untabled_thread(0, STACK + 8);
    thread.general.set(12, Some(12));
    thread.general.set(0, Some(1));
    let stack = walk_all(&thread, &code, &memory);
    let caller = &stack.frames[1];
    assert_eq!((caller.registers.pc(), caller.trust, caller.pc_is_exact), (Some(0x1002), Trust::Scan, false));
    assert_eq!(caller.registers.sp(), Some(STACK + 8));
    assert_eq!(caller.registers.get(RBP), Some(STACK + 8));
    assert_eq!((caller.registers.get(12), caller.registers.get(0)), (Some(12), None));
}

#[test]
fn a_wild_pc_over_a_stack_without_return_addresses_is_alone() {
    let (code, memory) = untabled(&[0x1004, 0x1008, 0x999]);
    let stack = walk_all(&untabled_thread(0x10, 0), &code, &memory);
    assert_eq!((stack.frame_count, stack.problem.is_some()), (1, true));
}

#[test]
fn the_frame_pointer_chain_must_go_up_and_lead_behind_a_call() {
    let words = [0, 0, STACK + 0x28, 0x1002, 0, 0, 0];
    let (_, memory) = untabled(&words);
    let anywhere = crate::unwind::fake::NoCode;
    let stack = walk_all(&untabled_thread(0x1004, STACK + 0x10), &anywhere, &memory);
    let caller = &stack.frames[1];
    assert_eq!((caller.registers.pc(), caller.trust), (Some(0x1002), Trust::FramePointer));
    assert_eq!(caller.registers.get(RBP), Some(STACK + 0x28));
    assert_eq!(caller.registers.sp(), Some(STACK + 0x20));
    for rbp in [STACK - 8, STACK + 0x11, STACK + 8, 0, u64::MAX] {
        let stack = walk_all(&untabled_thread(0x1004, rbp), &anywhere, &memory);
        assert_eq!(stack.frames[1].trust, Trust::Scan, "{rbp:#x} is no frame pointer");
    }
}

#[test]
fn a_frame_pointer_does_not_lead_past_a_return_address() {
    // The function makes no frame of its own, so rbp is that of some caller.
    let (code, memory) = untabled(&[0, 0x1002, STACK + 0x28, 0x1002, 0, 0, 0]);
    let stack = walk_all(&untabled_thread(0x1004, STACK + 0x10), &code, &memory);
    let caller = &stack.frames[1];
    assert_eq!((caller.registers.sp(), caller.trust), (Some(STACK + 0x10), Trust::Scan));
    assert_eq!(caller.registers.get(RBP), Some(STACK + 0x10), "it may be the caller's");
    let (code, memory) = untabled(&[0, 0, STACK + 0x28, 0x1002, 0, 0, 0]);
    let stack = walk_all(&untabled_thread(0x1004, STACK + 0x10), &code, &memory);
    let caller = &stack.frames[1];
    assert_eq!((caller.registers.sp(), caller.trust), (Some(STACK + 0x20), Trust::FramePointer));
    assert_eq!(caller.registers.get(RBP), Some(STACK + 0x28));
}

#[test]
fn generated_code_may_push_its_return_addresses_itself() {
    // 0x1006 does not lie behind a call, but no file holds this code.
    let (_, memory) = untabled(&[0, 0, STACK + 0x28, 0x1006, 0, 0x999, 0]);
    let generated = crate::unwind::fake::NoCode;
    let stack = walk_all(&untabled_thread(0x1004, STACK + 0x10), &generated, &memory);
    assert_eq!((stack.frames[1].registers.pc(), stack.frames[1].trust), (Some(0x1006), Trust::FramePointer));
    let (code, memory) = untabled(&[0, 0, STACK + 0x10, 0x1006, 0, 0x999, 0]);
    let stack = walk_all(&untabled_thread(0x1004, STACK + 0x10), &generated, &memory);
    assert_eq!(stack.frame_count, 1, "the chain must go up");
    assert_eq!(walk_all(&untabled_thread(0x1004, STACK + 0x10), &code, &memory).frame_count, 1);
}

#[test]
fn rules_that_read_nothing_of_the_stack_are_not_followed_beyond_it() {
    use CallFrameInstruction::{Cfa, SameValue};
    let code = tabled(vec![function(0x1000, vec![(0, Cfa(X86_64::RSP, 16)), (0, SameValue(X86_64::RA))])]);
    let stack = walk_all(&thread_at(0x1010), &code, &Bytes::new(STACK, &[0; 2048]));
    assert!(stack.frame_count < 1000, "{} frames", stack.frame_count);
    assert!(stack.problem.is_some_and(|problem| problem.contains("does not move on")));
}

#[test]
fn a_signal_trampoline_without_tables_is_known_by_its_instructions() {
    // The trampoline at 0x1000, the stack pointer at the ucontext.
    let code = Bytes::new(0x1000, &[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]);
    let mut words = vec![0; 64];
    for (index, word) in words.iter_mut().enumerate().take(22).skip(5) {
        *word = 0x2000 + index as u64;
    }
    words[20] = STACK + 0x4000; // rsp
    let memory = Memories(code, Words::new(STACK, &words));
    let code = OneFunction { start: 0x1000, end: 0x1009 };
    let stack = walk_all(&untabled_thread(0x1000, 0), &code, &memory);
    let signal =
        SignalFrame { siginfo: Some(Address(STACK + 304)), ucontext: Address(STACK), arch: Arch::X86_64 };
    assert_eq!(stack.frames[0].signal_frame, Some(signal));
    let interrupted = &stack.frames[1];
    assert_eq!((interrupted.registers.pc(), interrupted.registers.get(8)), (Some(0x2015), Some(0x2005)));
    assert!(interrupted.pc_is_exact);
    assert_eq!((interrupted.trust, interrupted.floating.is_some()), (Trust::Context, false));
}
