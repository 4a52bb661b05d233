//! Nothing that a target holds may make the unwinder panic or run on: tables, stack and
//! registers are random, or sound and then damaged.

use super::*;
use crate::unwind::fake::{Bytes, Tabled, section, tabled};
use gimli::write::CallFrameInstruction::{
    Cfa, CfaExpression, Offset, RememberState, RestoreState, ValExpression,
};
use gimli::write::Expression;
use proptest::collection::vec;
use proptest::prelude::*;

/// A word as it may be found in a register or on a stack: in the code, on the stack, or anything.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (0u64..0x600).prop_map(|offset| BIAS + 0x1000 + offset),
        4 => (0u64..0x400).prop_map(|offset| STACK + offset),
        1 => any::<u64>(),
        1 => prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63)],
    ]
}

fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Sound tables with every kind of instruction.
fn sound() -> Tabled {
    tabled(vec![
        function(
            0x1000,
            vec![
                (1, Cfa(X86_64::RSP, 16)),
                (1, Offset(X86_64::RBP, -16)),
                (4, Cfa(X86_64::RBP, 16)),
                (8, RememberState),
                (16, Cfa(X86_64::RSP, 8)),
                (20, RestoreState),
            ],
        ),
        function(
            0x1100,
            vec![
                (
                    0,
                    CfaExpression(Expression::raw(vec![
                        0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22,
                    ])),
                ),
                (0, ValExpression(X86_64::RBX, Expression::raw(vec![0x77, 0x10, 0x06]))),
            ],
        ),
        Function { is_signal_frame: true, ..function(0x1200, vec![]) },
        outermost(0x1500),
    ])
}

/// Flips bytes of a section.
fn damage(original: Option<Section>, damages: &[(usize, u8)]) -> Option<Section> {
    let original = original?;
    let mut bytes = original.data.slice().to_vec();
    for (place, value) in damages {
        let length = bytes.len();
        if let Some(byte) = bytes.get_mut(place % length.max(1)) {
            *byte = *value;
        }
    }
    Some(section(original.address, bytes))
}

fn holds_together(code: &Tabled, registers: &[Option<u64>], stack: &[u64]) {
    let mut thread = ThreadRegisters::default();
    for (number, value) in (0..).zip(registers) {
        thread.general.set(number, *value);
    }
    let memory = Bytes::new(STACK, &bytes_of(stack));
    let stack = walk(&thread, code, &memory, 16, &mut CfiCache::default());
    assert!(stack.frames.len() <= 16 && stack.frames.len() <= stack.frame_count);
    assert_eq!(stack.gap_before.is_some(), stack.frames.len() < stack.frame_count);
    assert!(stack.frames.iter().all(|frame| frame.registers.pc().is_some()));
    assert!(
        stack
            .frames
            .iter()
            .skip(1)
            .all(|frame| { frame.pc_is_exact || frame.pc().is_some_and(|pc| code.is_executable(pc)) })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tables(
        eh_frame in vec(any::<u8>(), 0..400),
        header in vec(any::<u8>(), 0..100),
        debug_frame in vec(any::<u8>(), 0..400),
        address in any::<u64>(),
        bias in word(),
        registers in vec(proptest::option::weighted(0.9, word()), 17),
        stack in vec(word(), 0..128),
    ) {
        let sections = UnwindSections {
            arch: Arch::X86_64,
            bias: Bias(bias),
            eh_frame: Some(section(address, eh_frame)),
            eh_frame_hdr: Some(section(address.wrapping_mul(3), header)),
            debug_frame: Some(section(0, debug_frame)),
            text: Some(address),
            got: None,
        };
        let code = Tabled { sections, code: BIAS..BIAS + 0x8000 };
        holds_together(&code, &registers, &stack);
    }

    #[test]
    fn damaged_tables(
        in_eh_frame in vec((any::<usize>(), any::<u8>()), 0..6),
        in_header in vec((any::<usize>(), any::<u8>()), 0..3),
        has_header in any::<bool>(),
        registers in vec(proptest::option::weighted(0.9, word()), 17),
        stack in vec(word(), 0..128),
    ) {
        let mut code = sound();
        code.sections.eh_frame = damage(code.sections.eh_frame, &in_eh_frame);
        code.sections.eh_frame_hdr = damage(code.sections.eh_frame_hdr, &in_header).filter(|_| has_header);
        code.sections.debug_frame = code.sections.eh_frame;
        holds_together(&code, &registers, &stack);
    }

    #[test]
    fn random_code_bytes_around_a_pc_without_tables(
        memory in vec(any::<u8>(), 0..64),
        pc in 0u64..80,
        is_exact in any::<bool>(),
    ) {
        let memory = Bytes::new(STACK, &memory);
        let code = crate::unwind::fake::OneFunction { start: STACK, end: STACK + 80 };
        let pc = Address(STACK + pc);
        x86::prologue::progress(Arch::X86_64, pc, is_exact, &code, &memory);
        x86::prologue::has_cleared_rbp(pc, &code, &memory);
        x86::call_site::call_returning_to(pc, &code, &memory);
        x86::signal::is_trampoline(pc, &memory);
    }
}
