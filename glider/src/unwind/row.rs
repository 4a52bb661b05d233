//! One row of a call frame table (DWARF 5 §6.4.1) in a form that can be kept and applied
//! again without parsing: where the CFA is, and how to find each register of the caller.
//!
//! Pipeline place: [`table`](super::table) makes rows, [`step`](super::step) applies them.

use super::{Bytes, expression};
use crate::address::{Address, Bias, FileAddress};
use crate::target::registers::GENERAL_COUNT;
use crate::target::{Memory, Registers};
use gimli::{FrameDescriptionEntry, RegisterRule, UnwindSection, UnwindTableRow};

/// A row of a frame table, for the general registers.
#[derive(Clone, Debug)]
pub(super) struct Row {
    cfa: CfaRule,
    rules: [Rule; GENERAL_COUNT],
    /// The column that holds the return address.
    return_column: u16,
    /// CIE augmentation `S`: the caller was interrupted here, its pc is exact.
    pub(super) is_signal_frame: bool,
    /// Where the function begins that the table's entry describes.
    pub(super) function_start: Address,
    bias: Bias,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum CfaRule {
    /// cfa = register + offset
    RegisterOffset(u16, i64),
    /// cfa = expression()
    Expression(Bytes),
}

/// Where the caller's value of a register is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// The table is silent: callee-saved registers keep their value, others are lost (psABI 3.2.1).
    Unspecified,
    /// lost
    Undefined,
    /// value = this frame's value
    SameValue,
    /// value = [cfa + offset]
    Offset(i64),
    /// value = cfa + offset
    ValueOffset(i64),
    /// value = this frame's value of another register
    Register(u16),
    /// value = [expression(cfa)]
    Expression(Bytes),
    /// value = expression(cfa)
    ValueExpression(Bytes),
}

/// What applying a row gives.
pub(super) struct Unwound {
    /// Canonical frame address of the frame.
    pub(super) cfa: Address,
    /// The caller's registers, its pc not yet validated; `None` when the return address is
    /// undefined by rule, which marks the outermost frame.
    pub(super) caller: Result<Option<Registers>, NoReturnAddress>,
}

/// The return address cannot be had; holds its place, when it has one.
pub(super) struct NoReturnAddress(pub(super) Option<Address>);

impl Row {
    /// Takes over a row from gimli; `None` when it has no rule for the CFA or one that
    /// does not make sense on this architecture.
    pub(super) fn from_gimli<S>(
        row: &UnwindTableRow<usize>,
        fde: &FrameDescriptionEntry<Bytes>,
        section: &S,
        bias: Bias,
    ) -> Option<Row>
    where
        S: UnwindSection<Bytes>,
    {
        let cfa = match row.cfa() {
            // gimli's way to say that no instruction defined it.
            gimli::CfaRule::RegisterAndOffset { register: gimli::Register(0), offset: 0 } => return None,
            gimli::CfaRule::RegisterAndOffset { register, offset } => {
                CfaRule::RegisterOffset(register.0, *offset)
            }
            gimli::CfaRule::Expression(expression) => CfaRule::Expression(expression.get(section).ok()?.0),
        };
        let mut rules = [Rule::Unspecified; GENERAL_COUNT];
        for (register, rule) in row.registers() {
            let Some(slot) = rules.get_mut(usize::from(register.0)) else { continue };
            *slot = match rule {
                RegisterRule::Undefined => Rule::Undefined,
                RegisterRule::SameValue => Rule::SameValue,
                RegisterRule::Offset(offset) => Rule::Offset(*offset),
                RegisterRule::ValOffset(offset) => Rule::ValueOffset(*offset),
                RegisterRule::Register(other) => Rule::Register(other.0),
                RegisterRule::Expression(expression) => Rule::Expression(expression.get(section).ok()?.0),
                RegisterRule::ValExpression(expression) => {
                    Rule::ValueExpression(expression.get(section).ok()?.0)
                }
                RegisterRule::Architectural | RegisterRule::Constant(_) => Rule::Undefined,
            };
        }
        let return_column = fde.cie().return_address_register().0;
        rules.get(usize::from(return_column))?;
        Some(Row {
            cfa,
            rules,
            return_column,
            is_signal_frame: fde.is_signal_trampoline(),
            function_start: bias.to_runtime(FileAddress(fde.initial_address())),
            bias,
        })
    }

    /// The caller's registers, all of them that the table can tell. `None` when the CFA
    /// cannot be computed.
    pub(super) fn apply(&self, registers: &Registers, memory: &dyn Memory) -> Option<Unwound> {
        let arch = registers.arch();
        let read = |address: u64| memory.read_word(Address(arch.cut(address)), arch);
        let cfa = match self.cfa {
            CfaRule::RegisterOffset(register, offset) => registers.get(register)?.wrapping_add_signed(offset),
            CfaRule::Expression(code) => expression::evaluate(code, None, self.bias, registers, memory)?,
        };
        let cfa = arch.cut(cfa);
        let return_rule = self.rules.get(usize::from(self.return_column)).copied()?;
        if return_rule == Rule::Undefined {
            return Some(Unwound { cfa: Address(cfa), caller: Ok(None) });
        }
        let mut caller = Registers::of(arch);
        for (register, rule) in (0u16..).zip(self.rules) {
            let value = match rule {
                Rule::Unspecified if register == arch.sp() => Some(cfa),
                Rule::Unspecified if arch.callee_saved().contains(&register) => registers.get(register),
                Rule::Unspecified | Rule::Undefined => None,
                Rule::SameValue => registers.get(register),
                Rule::Offset(offset) => read(cfa.wrapping_add_signed(offset)),
                Rule::ValueOffset(offset) => Some(cfa.wrapping_add_signed(offset)),
                Rule::Register(other) => registers.get(other),
                Rule::Expression(code) => {
                    expression::evaluate(code, Some(cfa), self.bias, registers, memory).and_then(read)
                }
                Rule::ValueExpression(code) => {
                    expression::evaluate(code, Some(cfa), self.bias, registers, memory)
                }
            };
            caller.set(register, value);
        }
        let return_address = caller.get(self.return_column);
        caller.set(arch.pc(), return_address);
        let caller = match (return_address, return_rule) {
            (Some(_), _) => Ok(Some(caller)),
            (None, Rule::Offset(offset)) => {
                Err(NoReturnAddress(Some(Address(cfa.wrapping_add_signed(offset)))))
            }
            (None, _) => Err(NoReturnAddress(None)),
        };
        Some(Unwound { cfa: Address(cfa), caller })
    }
}
