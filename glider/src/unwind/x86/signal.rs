//! The frame that the kernel builds for a signal handler (`struct rt_sigframe`, Linux
//! `arch/x86/include/asm/sigframe.h`; `ucontext_t` and `struct _fpstate` in
//! `asm/sigcontext.h`): where it lies and what the interrupted thread's registers were.

use super::signal_32;
use crate::address::Address;
use crate::target::registers::GENERAL_COUNT;
use crate::target::{Arch, FloatingPoint, Memory, Registers};
use crate::unwind::SignalFrame;

/// `mov $15,%rax; syscall`: rt_sigreturn(2), what every trampoline on x86-64 consists of.
const TRAMPOLINE: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
/// Bytes of the `mov`.
const MOV: u64 = 7;
/// `siginfo_t` follows the kernel's `struct ucontext`, which has this size.
const SIGINFO: u64 = 304;
/// `uc_mcontext` in `ucontext_t`: the general registers.
const GENERAL: u64 = 40;
/// `uc_mcontext.fpstate` in `ucontext_t`.
const FPSTATE: u64 = 224;
/// The order of the registers in `uc_mcontext`, as DWARF numbers:
/// r8–r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
const ORDER: [u16; GENERAL_COUNT] = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16];
/// `FP_XSTATE_MAGIC1`: the area goes on behind the 512 bytes of FXSAVE.
const XSTATE_MAGIC: u32 = 0x4650_5853;
/// `XFEATURE_MASK_YMM`.
const YMM: u64 = 1 << 2;

/// The trampolines, and where in them an instruction begins behind the first.
const TRAMPOLINES: [(&[u8], &[u64]); 3] = [
    (&TRAMPOLINE, &[MOV]),
    (&signal_32::WITH_SIGINFO, &[signal_32::MOV]),
    (&signal_32::WITHOUT_SIGINFO, &[signal_32::POP, signal_32::POP + signal_32::MOV]),
];

/// Whether a signal trampoline begins at `address`.
pub(in crate::unwind) fn starts_trampoline(address: Address, memory: &dyn Memory) -> bool {
    let mut bytes = [0; TRAMPOLINE.len()];
    let read = memory.read(address, &mut bytes);
    let bytes = bytes.get(..read).unwrap_or_default();
    TRAMPOLINES.iter().any(|(code, _)| bytes.starts_with(code))
}

/// Whether `pc` is at one of the instructions of a signal trampoline.
pub(in crate::unwind) fn is_trampoline(pc: Address, memory: &dyn Memory) -> bool {
    let mut bytes = [0; TRAMPOLINE.len()];
    let is_behind = |(code, instructions): &(&[u8], &[u64])| {
        instructions.iter().any(|offset| {
            let bytes = bytes.get_mut(..code.len());
            let read = bytes.and_then(|bytes| {
                memory.read_exact(pc.checked_sub(*offset)?, bytes)?;
                Some(bytes)
            });
            read.is_some_and(|bytes| bytes == *code)
        })
    };
    starts_trampoline(pc, memory) || TRAMPOLINES.iter().any(is_behind)
}

/// Where the signal's data lies for a trampoline with this stack pointer: its handler has
/// returned and taken the return address off the frame, so in 64-bit code it points at the `ucontext_t`.
pub(in crate::unwind) fn signal_frame(
    arch: Arch,
    pc: Address,
    sp: Address,
    memory: &dyn Memory,
) -> Option<SignalFrame> {
    match arch {
        Arch::X86_64 => Some(SignalFrame { siginfo: Some(sp.checked_add(SIGINFO)?), ucontext: sp, arch }),
        Arch::X86 => signal_32::signal_frame(pc, sp, memory),
    }
}

/// The general registers of the interrupted thread; `None` where they cannot be read.
pub(in crate::unwind) fn interrupted_registers(frame: SignalFrame, memory: &dyn Memory) -> Option<Registers> {
    if frame.arch == Arch::X86 {
        return signal_32::interrupted_registers(frame, memory);
    }
    let mut bytes = [0; 8 * GENERAL_COUNT];
    memory.read_exact(frame.ucontext.checked_add(GENERAL)?, &mut bytes)?;
    let mut registers = Registers::default();
    for (register, word) in ORDER.iter().zip(bytes.as_chunks::<8>().0) {
        registers.set(*register, Some(u64::from_le_bytes(*word)));
    }
    Some(registers)
}

/// The x87, SSE and AVX registers of the interrupted thread; `None` where the kernel saved
/// none or they cannot be read.
pub(in crate::unwind) fn interrupted_floating(
    frame: SignalFrame,
    memory: &dyn Memory,
) -> Option<FloatingPoint> {
    let area = match frame.arch {
        Arch::X86_64 => memory.read_u64(frame.ucontext.checked_add(FPSTATE)?).filter(|area| *area != 0)?,
        Arch::X86 => signal_32::floating(frame, memory)?.0,
    };
    // FXSAVE (512 bytes), XSAVE header (64), upper halves of ymm (256): Intel SDM vol. 1, §13.4.
    let mut bytes = [0; 832];
    let read = memory.read(Address(area), &mut bytes);
    let bytes = bytes.get(..read)?;
    let mut floating = FloatingPoint::default();
    for (register, slot) in floating.st.iter_mut().zip(bytes.get(32..160)?.as_chunks::<16>().0) {
        register.copy_from_slice(slot.get(..10)?);
    }
    copy_vectors(&mut floating.xmm, bytes.get(160..416)?);
    let word = |offset: usize| Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?));
    let long = |offset: usize| Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?));
    if word(464)? == XSTATE_MAGIC && long(472)? & YMM != 0 {
        // A component in its initial state (all zero) may be left out of the area.
        let mut high = [[0; 16]; 16];
        let is_saved = long(512).is_some_and(|saved| saved & YMM != 0);
        match bytes.get(576..832) {
            Some(saved) if is_saved => copy_vectors(&mut high, saved),
            _ if is_saved => return Some(floating),
            _ => {}
        }
        floating.ymm_high = Some(high);
    }
    Some(floating)
}

fn copy_vectors(to: &mut [[u8; 16]; 16], from: &[u8]) {
    for (register, saved) in to.iter_mut().zip(from.as_chunks::<16>().0) {
        *register = *saved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::fake::Bytes;

    const FRAME: SignalFrame =
        SignalFrame { siginfo: Some(Address(0x1130)), ucontext: Address(0x1000), arch: Arch::X86_64 };

    /// A ucontext whose fpstate follows it, with what the kernel writes for AVX.
    fn ucontext(features: u64, saved: u64) -> Vec<u8> {
        let mut bytes = vec![0u8; 0x400 + 832];
        for (index, slot) in bytes[40..176].chunks_exact_mut(8).enumerate() {
            slot.copy_from_slice(&(0x100 + index as u64).to_le_bytes());
        }
        bytes[224..232].copy_from_slice(&0x1400u64.to_le_bytes());
        let area = &mut bytes[0x400..];
        area[32..42].fill(7);
        area[160..176].fill(1);
        area[400..416].fill(2);
        area[464..468].copy_from_slice(&XSTATE_MAGIC.to_le_bytes());
        area[472..480].copy_from_slice(&features.to_le_bytes());
        area[512..520].copy_from_slice(&saved.to_le_bytes());
        area[576..592].fill(3);
        bytes
    }

    #[test]
    fn siginfo_follows_the_ucontext() {
        let frame = |sp| signal_frame(Arch::X86_64, Address(0), Address(sp), &Bytes::new(0, &[]));
        assert_eq!(frame(0x1000), Some(FRAME));
        assert_eq!(frame(u64::MAX), None);
    }

    #[test]
    fn general_registers_are_in_the_kernels_order() {
        let registers = interrupted_registers(FRAME, &Bytes::new(0x1000, &ucontext(0, 0))).unwrap();
        assert_eq!(registers.get(8), Some(0x100), "r8");
        assert_eq!(registers.get(5), Some(0x108), "rdi");
        assert_eq!(registers.get(0), Some(0x10d), "rax");
        assert_eq!(registers.sp(), Some(0x10f));
        assert_eq!(registers.pc(), Some(0x110));
    }

    #[test]
    fn floating_registers_come_with_their_upper_halves_when_saved() {
        let floating = |features, saved| {
            interrupted_floating(FRAME, &Bytes::new(0x1000, &ucontext(features, saved))).unwrap()
        };
        let sse = floating(3, 3);
        assert_eq!((sse.st[0], sse.xmm[0], sse.xmm[15]), ([7; 10], [1; 16], [2; 16]));
        assert_eq!(sse.ymm_high, None);
        let avx = floating(7, 7);
        assert_eq!(avx.ymm_high.map(|high| (high[0], high[1])), Some(([3; 16], [0; 16])));
        let initial = floating(7, 3);
        assert_eq!(initial.ymm_high, Some([[0; 16]; 16]), "saved as: in its initial state");
    }

    #[test]
    fn a_trampoline_is_known_at_both_of_its_instructions() {
        let mut code = vec![0x90; 4];
        code.extend(TRAMPOLINE);
        let memory = Bytes::new(0x1000, &code);
        assert!(is_trampoline(Address(0x1004), &memory));
        assert!(is_trampoline(Address(0x100b), &memory));
        assert!(!is_trampoline(Address(0x1000), &memory));
        assert!(!is_trampoline(Address(0), &memory));
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        let short = &ucontext(7, 7)[..0x200];
        assert!(interrupted_floating(FRAME, &Bytes::new(0x1000, short)).is_none());
        assert!(interrupted_registers(FRAME, &Bytes::new(0x1000, &short[..0x30])).is_none());
    }
}
