//! Every rule that a call frame table can have for a register (DWARF 5 §6.4.1).

use super::*;
use crate::unwind::fake::{Words, tabled};
use gimli::Register;
use gimli::write::CallFrameInstruction::{
    Cfa, CfaExpression, Expression, Offset, Register as InRegister, SameValue, Undefined, ValExpression,
    ValOffset,
};
use gimli::write::Expression as Code;

/// The registers of the caller of a function with this table, its frame five words large. The
/// words of the stack are 0x100, 0x101 …, but for the return address below the CFA.
fn caller(table: Vec<CallFrameInstruction>) -> (Option<Address>, Registers) {
    let table = table.into_iter().map(|instruction| (0, instruction)).collect();
    let code = tabled(vec![function(0x1000, table), outermost(0x2000)]);
    let memory = Words::new(STACK, &[0x100, 0x101, 0x102, 0x103, BIAS + 0x2010, 0x105, 0x106]);
    let mut thread = thread_at(0x1010);
    for register in 0..16 {
        if register != RSP {
            thread.general.set(register, Some(0x900 + u64::from(register)));
        }
    }
    let stack = walk_all(&thread, &code, &memory);
    assert_eq!((pcs(&stack), &stack.problem), (vec![0x1010, 0x2010], &None));
    assert_eq!(stack.frames[1].trust, Trust::Cfi);
    (stack.frames[0].cfa, stack.frames[1].registers)
}

const FRAME: CallFrameInstruction = Cfa(X86_64::RSP, 40);

#[test]
fn without_rules_callee_saved_registers_stay_and_others_are_lost() {
    let (cfa, registers) = caller(vec![FRAME]);
    assert_eq!(cfa, Some(Address(STACK + 40)));
    assert_eq!(registers.sp(), Some(STACK + 40));
    for register in 0..16 {
        let expected = match register {
            7 => continue,
            3 | 6 | 12..=15 => Some(0x900 + u64::from(register)),
            _ => None,
        };
        assert_eq!(registers.get(register), expected, "register {register}");
    }
}

#[test]
fn saved_registers_come_from_the_stack() {
    let (_, registers) = caller(vec![FRAME, Offset(X86_64::RBX, -16), Offset(X86_64::RAX, 8)]);
    assert_eq!((registers.get(3), registers.get(0)), (Some(0x103), Some(0x106)));
}

#[test]
fn a_register_saved_where_nothing_can_be_read_is_lost() {
    let (_, registers) = caller(vec![FRAME, Offset(X86_64::RBX, 0x1000)]);
    assert_eq!(registers.get(3), None);
}

#[test]
fn the_other_rules() {
    let (_, registers) = caller(vec![
        FRAME,
        Undefined(X86_64::R12),
        SameValue(X86_64::RDI),
        ValOffset(X86_64::R13, -8),
        InRegister(X86_64::RBX, X86_64::RCX),
        // DW_OP_lit16; DW_OP_minus: of the CFA, which is pushed first
        Expression(X86_64::R14, Code::raw(vec![0x40, 0x1c])),
        // DW_OP_breg3 (rbx) 5
        ValExpression(X86_64::R15, Code::raw(vec![0x73, 5])),
        ValOffset(X86_64::RSP, 64),
    ]);
    assert_eq!(registers.get(12), None, "undefined");
    assert_eq!(registers.get(5), Some(0x905), "same value");
    assert_eq!(registers.get(13), Some(STACK + 32), "value offset");
    assert_eq!(registers.get(3), Some(0x902), "in another register");
    assert_eq!(registers.get(14), Some(0x103), "expression");
    assert_eq!(registers.get(15), Some(0x908), "value expression");
    assert_eq!(registers.sp(), Some(STACK + 104), "a rule for the stack pointer beats the CFA");
}

#[test]
fn the_cfa_may_be_an_expression() {
    // DW_OP_breg7 (rsp) 40
    let (cfa, _) = caller(vec![CfaExpression(Code::raw(vec![0x77, 40]))]);
    assert_eq!(cfa, Some(Address(STACK + 40)));
}

#[test]
fn the_return_address_may_be_in_a_register() {
    let table = vec![(0, InRegister(X86_64::RA, X86_64::RDX)), (0, Cfa(X86_64::RSP, 8))];
    let code = tabled(vec![function(0x1000, table), outermost(0x2000)]);
    let mut thread = thread_at(0x1010);
    thread.general.set(1, Some(BIAS + 0x2010));
    let stack = walk_all(&thread, &code, &Words::new(STACK, &[]));
    assert_eq!(pcs(&stack), [0x1010, 0x2010]);
}

#[test]
fn registers_beyond_the_general_ones_do_no_harm() {
    let (_, registers) = caller(vec![FRAME, Offset(Register(17), -16), Offset(Register(900), -16)]);
    assert_eq!(registers.get(3), Some(0x903));
}
