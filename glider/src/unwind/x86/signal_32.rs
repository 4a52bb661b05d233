//! The frames that the kernel builds for a signal handler of 32-bit code (`struct
//! rt_sigframe_ia32` and `struct sigframe_ia32` of Linux `arch/x86/include/asm/sigframe.h`;
//! `struct sigcontext_32` of `asm/sigcontext.h`).

use crate::address::Address;
use crate::target::{Arch, Memory, Registers};
use crate::unwind::SignalFrame;

/// `mov $173,%eax; int $0x80`: rt_sigreturn(2), behind a handler with `SA_SIGINFO`.
pub(super) const WITH_SIGINFO: [u8; 7] = [0xb8, 0xad, 0, 0, 0, 0xcd, 0x80];
/// `pop %eax; mov $119,%eax; int $0x80`: sigreturn(2), behind other handlers.
pub(super) const WITHOUT_SIGINFO: [u8; 8] = [0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80];
/// Bytes of `mov`.
pub(super) const MOV: u64 = 5;
/// Bytes of `pop`.
pub(super) const POP: u64 = 1;
/// `uc_mcontext` in `ucontext_t`: the general registers.
const GENERAL: u64 = 20;
/// Behind four segment registers: edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip.
const ORDER: [(usize, u16); 9] = [(4, 7), (5, 6), (6, 5), (7, 4), (8, 3), (9, 2), (10, 1), (11, 0), (14, 8)];
/// The pointer to the floating point state, behind eip, cs, eflags, esp and ss.
const FPSTATE: u64 = GENERAL + 19 * 4;
/// Bytes of FSAVE that FXSAVE follows.
const FSAVE: u64 = 112;

/// The signal's data for a thread at `pc` in a trampoline.
pub(super) fn signal_frame(pc: Address, sp: Address, memory: &dyn Memory) -> Option<SignalFrame> {
    let stands_at = |code: &[u8], offset: u64| {
        let mut bytes = [0; 8];
        let bytes = bytes.get_mut(..code.len())?;
        memory.read_exact(pc.checked_sub(offset)?, bytes)?;
        (bytes == code).then_some(())
    };
    let word = |index: u64| Some(Address(memory.read_word(sp.checked_add(4 * index)?, Arch::X86)?));
    if stands_at(&WITH_SIGINFO, 0).or_else(|| stands_at(&WITH_SIGINFO, MOV)).is_some() {
        // The handler's arguments: number, siginfo_t *, ucontext_t *.
        return Some(SignalFrame { siginfo: word(1), ucontext: word(2)?, arch: Arch::X86 });
    }
    // The number, and behind it the registers, which stand for those of a ucontext_t.
    let registers = if stands_at(&WITHOUT_SIGINFO, 0).is_some() {
        sp.checked_add(4)?
    } else {
        stands_at(&WITHOUT_SIGINFO, POP).or_else(|| stands_at(&WITHOUT_SIGINFO, POP + MOV))?;
        sp
    };
    Some(SignalFrame { siginfo: None, ucontext: registers.checked_sub(GENERAL)?, arch: Arch::X86 })
}

/// The general registers of the interrupted thread.
pub(super) fn interrupted_registers(frame: SignalFrame, memory: &dyn Memory) -> Option<Registers> {
    let mut bytes = [0; 4 * 15];
    memory.read_exact(frame.ucontext.checked_add(GENERAL)?, &mut bytes)?;
    let words = bytes.as_chunks::<4>().0;
    let mut registers = Registers::of(Arch::X86);
    for (index, register) in ORDER {
        registers.set(register, words.get(index).map(|word| u32::from_le_bytes(*word).into()));
    }
    Some(registers)
}

/// Where the state is that FXSAVE saved, behind that of FSAVE; `None` where the kernel saved none.
pub(super) fn floating(frame: SignalFrame, memory: &dyn Memory) -> Option<Address> {
    let area = memory.read_word(frame.ucontext.checked_add(FPSTATE)?, Arch::X86)?;
    Address(area).checked_add(FSAVE).filter(|_| area != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::fake::Bytes;

    /// Code at 0x1000, the stack at 0x1010.
    fn memory(code: &[u8], words: &[u32]) -> Bytes {
        let mut bytes = vec![0x90; 0x10];
        bytes[..code.len()].copy_from_slice(code);
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        Bytes::new(0x1000, &bytes)
    }

    #[test]
    fn the_arguments_of_the_handler_tell_where_its_data_is() {
        let memory = memory(&WITH_SIGINFO, &[11, 0x2000, 0x3000]);
        let expected =
            SignalFrame { siginfo: Some(Address(0x2000)), ucontext: Address(0x3000), arch: Arch::X86 };
        assert_eq!(signal_frame(Address(0x1000), Address(0x1010), &memory), Some(expected));
        assert_eq!(signal_frame(Address(0x1005), Address(0x1010), &memory), Some(expected));
        assert_eq!(signal_frame(Address(0x1001), Address(0x1010), &memory), None);
    }

    #[test]
    fn registers_follow_the_number_where_there_is_no_siginfo() {
        let words: Vec<u32> = [11].into_iter().chain(100..122).collect();
        let memory = memory(&WITHOUT_SIGINFO, &words);
        let frame = signal_frame(Address(0x1000), Address(0x1010), &memory).unwrap();
        assert_eq!(frame.siginfo, None);
        let after_pop = signal_frame(Address(0x1001), Address(0x1014), &memory);
        assert_eq!(after_pop, Some(frame));
        let registers = interrupted_registers(frame, &memory).unwrap();
        let known: Vec<_> = registers.known().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(
            known.join(" "),
            "eax 111 ecx 110 edx 109 ebx 108 esp 107 ebp 106 esi 105 edi 104 eip 114"
        );
        assert_eq!(floating(frame, &memory), Some(Address(119 + 112)));
    }
}
