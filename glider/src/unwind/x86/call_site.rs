//! Recognizes return addresses: a word on the stack is one only if it points into code, right
//! behind a call instruction (Intel SDM vol. 2, CALL: `E8 rel32` and `FF /2`).

use super::signal;
use crate::address::Address;
use crate::target::Memory;
use crate::unwind::Code;

/// Length of the longest call instruction without its prefixes: `FF /2` with SIB and disp32.
const LONGEST: usize = 7;

/// The call a return address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Call {
    /// To a fixed address.
    Direct(Address),
    /// Through a register or a pointer in memory.
    Indirect,
    /// By the kernel, of a signal handler: it returns into the trampoline.
    Signal,
}

/// How the code at `address` called the function that returns there; `None` when `address`
/// is no return address.
pub(in crate::unwind) fn call_returning_to(
    address: Address,
    code: &dyn Code,
    memory: &dyn Memory,
) -> Option<Call> {
    call_before(address, code, memory).or_else(|| {
        (code.is_executable(address) && signal::starts_trampoline(address, memory)).then_some(Call::Signal)
    })
}

/// The call instruction before `address`, if there is one and `address` is executable.
pub(in crate::unwind) fn call_before(address: Address, code: &dyn Code, memory: &dyn Memory) -> Option<Call> {
    if !code.is_executable(address) {
        return None;
    }
    let mut bytes = [0; LONGEST];
    // Nearer to the start of a mapping than the longest call, a shorter one may still fit.
    for length in (2..=LONGEST).rev() {
        let tail = bytes.get_mut(LONGEST - length..)?;
        let read = address.checked_sub(length as u64).and_then(|start| memory.read_exact(start, tail));
        if read.is_some() {
            return decode(&bytes, length, address).filter(|call| match call {
                Call::Direct(target) => code.is_executable(*target),
                Call::Indirect | Call::Signal => true,
            });
        }
    }
    None
}

/// Decodes the instruction that ends where `bytes` ends; the last `known` bytes are valid.
fn decode(bytes: &[u8; LONGEST], known: usize, end: Address) -> Option<Call> {
    let [_, _, opcode, displacement @ ..] = bytes;
    if known >= 5 && *opcode == 0xe8 {
        let displacement = i32::from_le_bytes(*displacement);
        return Some(Call::Direct(end.wrapping_offset(displacement.into())));
    }
    (2..=known)
        .filter_map(|length| bytes.get(LONGEST - length..))
        .any(|instruction| indirect_call_length(instruction) == Some(instruction.len()))
        .then_some(Call::Indirect)
}

/// Length of the `FF /2` instruction that the bytes start with.
fn indirect_call_length(instruction: &[u8]) -> Option<usize> {
    let (0xff, modrm) = (*instruction.first()?, *instruction.get(1)?) else { return None };
    let (mode, operation, operand) = (modrm >> 6, (modrm >> 3) & 7, modrm & 7);
    if operation != 2 {
        return None;
    }
    let has_sib = mode != 3 && operand == 4;
    let displacement = match mode {
        // rip-relative, or an SIB byte without base register
        0 if operand == 5 || (has_sib && instruction.get(2)? & 7 == 5) => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    Some(2 + usize::from(has_sib) + displacement)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(instruction: &[u8]) -> Option<Call> {
        let mut bytes = [0x90; LONGEST];
        bytes[LONGEST - instruction.len()..].copy_from_slice(instruction);
        decode(&bytes, LONGEST, Address(0x1000))
    }

    #[test]
    fn direct_calls_give_their_target() {
        assert_eq!(decoded(&[0xe8, 0x10, 0, 0, 0]), Some(Call::Direct(Address(0x1010))));
        assert_eq!(decoded(&[0xe8, 0xf0, 0xff, 0xff, 0xff]), Some(Call::Direct(Address(0xff0))));
    }

    #[test]
    fn every_form_of_indirect_call_is_known() {
        for instruction in [
            &[0xff, 0xd0][..],               // call *%rax
            &[0x41, 0xff, 0xd3],             // call *%r11
            &[0xff, 0x10],                   // call *(%rax)
            &[0xff, 0x14, 0xc8],             // call *(%rax,%rcx,8)
            &[0xff, 0x50, 0x18],             // call *0x18(%rax)
            &[0x41, 0xff, 0x54, 0xc4, 0x08], // call *8(%r12,%rax,8)
            &[0xff, 0x15, 1, 2, 3, 4],       // call *x(%rip)
            &[0xff, 0x90, 1, 2, 3, 4],       // call *0x4030201(%rax)
            &[0xff, 0x14, 0x25, 1, 2, 3, 4], // call *0x4030201
            &[0xff, 0x94, 0xc8, 1, 2, 3, 4], // call *0x4030201(%rax,%rcx,8)
        ] {
            assert_eq!(decoded(instruction), Some(Call::Indirect), "{instruction:x?}");
        }
    }

    #[test]
    fn other_instructions_are_no_calls() {
        for instruction in [
            &[0xff, 0xe0][..],         // jmp *%rax
            &[0xff, 0x25, 1, 2, 3, 4], // jmp *x(%rip)
            &[0xff, 0x35, 1, 2, 3, 4], // push x(%rip)
            &[0xe9, 0x10, 0, 0, 0],    // jmp
            &[0xff, 0x50],             // call *disp8(%rax), the displacement missing
            &[0x0f, 0x05],             // syscall
        ] {
            assert_eq!(decoded(instruction), None, "{instruction:x?}");
        }
    }
}
