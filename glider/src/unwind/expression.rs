//! Evaluates the DWARF expressions that occur in call frame information (DWARF 5 §6.4.2):
//! those of PLT stubs, signal trampolines, realigned stacks and hand-written assembly.
//!
//! Pipeline place: under [`row`](super::row). Knows registers and memory of one frame, no
//! debugging information: operations that would need a compilation unit are refused.

use super::Bytes;
use crate::address::{Address, Bias, FileAddress};
use crate::target::{Arch, Memory, Registers};
use gimli::{Encoding, Evaluation, EvaluationResult, Format, Location, UnitOffset, Value};

/// Operations one expression may take. The longest in use (glibc's signal trampoline) take three.
const MAX_OPERATIONS: u32 = 1000;

/// CFI expressions are evaluated with the thread's word size, whatever the CIE claims.
fn encoding(arch: Arch) -> Encoding {
    let address_size = match arch {
        Arch::X86_64 => 8,
        Arch::X86 => 4,
    };
    Encoding { format: Format::Dwarf32, version: 4, address_size }
}

/// Fixed storage: evaluating allocates nothing, and an expression cannot grow it.
struct Fixed;

impl gimli::EvaluationStorage<Bytes> for Fixed {
    type Stack = [Value; 32];
    type ExpressionStack = [(Bytes, Bytes); 1];
    type Result = [gimli::Piece<Bytes>; 1];
}

/// Gives the word an expression leaves on its stack: an address or a value, as the rule
/// that holds it wants it. `initial` is what the rule pushes first (the CFA for register
/// rules). `None` when the expression is malformed, too long, needs a register that is not
/// known or memory that cannot be read.
pub(super) fn evaluate(
    expression: Bytes,
    initial: Option<u64>,
    bias: Bias,
    registers: &Registers,
    memory: &dyn Memory,
) -> Option<u64> {
    let mut evaluation = Evaluation::<Bytes, Fixed>::new_in(expression, encoding(registers.arch()));
    evaluation.set_max_iterations(MAX_OPERATIONS);
    if let Some(initial) = initial {
        evaluation.set_initial_value(initial);
    }
    let mut state = evaluation.evaluate().ok()?;
    loop {
        state = match state {
            EvaluationResult::Complete => break,
            EvaluationResult::RequiresMemory { address, size, space: None, base_type: UnitOffset(0) } => {
                let mut word = [0; 8];
                let bytes = word.get_mut(..usize::from(size))?;
                memory.read_exact(Address(address), bytes)?;
                evaluation.resume_with_memory(Value::Generic(u64::from_le_bytes(word)))
            }
            EvaluationResult::RequiresRegister { register, base_type: UnitOffset(0) } => {
                evaluation.resume_with_register(Value::Generic(registers.get(register.0)?))
            }
            EvaluationResult::RequiresRelocatedAddress(address) => {
                evaluation.resume_with_relocated_address(bias.to_runtime(FileAddress(address)).0)
            }
            _ => return None,
        }
        .ok()?;
    }
    match evaluation.as_result() {
        [piece] if piece.size_in_bits.is_none() => match piece.location {
            Location::Address { address } => Some(address),
            Location::Value { value } => value.to_u64(!0).ok(),
            Location::Register { register } => registers.get(register.0),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::fake::Words;
    use gimli::LittleEndian;

    const RSP: u16 = 7;
    const RIP: u16 = 16;

    fn run(code: &'static [u8], initial: Option<u64>, registers: &Registers) -> Option<u64> {
        let memory = Words::new(0x1000, &[0x11, 0x22, 0x33]);
        evaluate(Bytes::new(code, LittleEndian), initial, Bias(0x4000), registers, &memory)
    }

    #[test]
    fn reads_registers_and_memory() {
        let mut registers = Registers::default();
        registers.set(RSP, Some(0x1000));
        // DW_OP_breg7 8; DW_OP_deref
        assert_eq!(run(&[0x77, 8, 0x06], None, &registers), Some(0x22));
        // The same through a register that is not known, and where there is no memory.
        assert_eq!(run(&[0x76, 8, 0x06], None, &registers), None);
        assert_eq!(run(&[0x77, 0x20, 0x06], None, &registers), None);
    }

    #[test]
    fn the_plt_expression_depends_on_the_pc() {
        // DW_OP_breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus
        let plt = &[0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
        let mut registers = Registers::default();
        registers.set(RSP, Some(0x1000));
        registers.set(RIP, Some(0x5006));
        assert_eq!(run(plt, None, &registers), Some(0x1008));
        registers.set(RIP, Some(0x500b));
        assert_eq!(run(plt, None, &registers), Some(0x1010));
    }

    #[test]
    fn the_initial_value_is_pushed_and_addresses_are_moved_by_the_bias() {
        let registers = Registers::default();
        // DW_OP_plus_uconst 5
        assert_eq!(run(&[0x23, 5], Some(0x100), &registers), Some(0x105));
        assert_eq!(run(&[0x23, 5], None, &registers), None);
        // DW_OP_addr 0x2000
        assert_eq!(run(&[0x03, 0, 0x20, 0, 0, 0, 0, 0, 0], None, &registers), Some(0x6000));
    }

    #[test]
    fn endless_and_malformed_expressions_end() {
        let registers = Registers::default();
        assert_eq!(run(&[0x2f, 0xfd, 0xff], None, &registers), None, "DW_OP_skip -3");
        assert_eq!(run(&[0x30, 0x2f, 0xfc, 0xff], None, &registers), None, "a stack that grows for ever");
        assert_eq!(run(&[0x31, 0x30, 0x1b], None, &registers), None, "division by zero");
        assert_eq!(run(&[0x98, 0, 0], None, &registers), None, "DW_OP_call2");
        assert_eq!(run(&[], None, &registers), None, "nothing at all");
    }
}
