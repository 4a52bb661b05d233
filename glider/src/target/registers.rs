//! Register contents, keyed by DWARF register number; see [`Arch`] for which number is which.

#![forbid(unsafe_code)]

use super::Arch;
use serde::{Deserialize, Serialize};

/// How many general registers a frame carries at most, the pc included.
pub const GENERAL_COUNT: usize = 17;

/// The general registers of one frame; `None` where the value is not known any more.
///
/// Deep stacks keep thousands of these, so they are small: no `Option` for each value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Registers {
    /// By DWARF number; 0 where it is not known.
    values: [u64; GENERAL_COUNT],
    /// A bit for each value that is known, the lowest for the first.
    known: u32,
    arch: Arch,
}

impl Registers {
    /// None is known yet.
    pub fn of(arch: Arch) -> Registers {
        Registers { arch, ..Registers::default() }
    }

    /// How the thread runs.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// The value of a general register by DWARF number.
    pub fn get(&self, register: u16) -> Option<u64> {
        let value = *self.values.get(usize::from(register))?;
        (self.known >> register & 1 == 1).then_some(value)
    }

    /// Sets or forgets a general register; numbers outside the general set are ignored.
    pub fn set(&mut self, register: u16, value: Option<u64>) {
        if let Some(slot) = self.values.get_mut(usize::from(register)) {
            *slot = self.arch.cut(value.unwrap_or_default());
            self.known = self.known & !(1 << register) | u32::from(value.is_some()) << register;
        }
    }

    /// The program counter.
    pub fn pc(&self) -> Option<u64> {
        self.get(self.arch.pc())
    }

    /// The stack pointer.
    pub fn sp(&self) -> Option<u64> {
        self.get(self.arch.sp())
    }

    /// The frame pointer.
    pub fn frame_pointer(&self) -> Option<u64> {
        self.get(self.arch.frame_pointer())
    }

    /// The registers of a caller of which only these are known.
    pub fn of_caller(&self, pc: u64, sp: u64, frame_pointer: Option<u64>) -> Registers {
        let mut caller = Registers::of(self.arch);
        caller.set(self.arch.pc(), Some(pc));
        caller.set(self.arch.sp(), Some(sp));
        caller.set(self.arch.frame_pointer(), frame_pointer);
        caller
    }

    /// Name and value of every known register, in DWARF order.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        (0..).zip(self.arch.general_names()).filter_map(|(register, name)| Some((*name, self.get(register)?)))
    }
}

/// Everything the kernel gives for one thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ThreadRegisters {
    /// General registers and pc.
    pub general: Registers,
    /// The thread pointer: the base of fs, of gs in 32-bit code.
    pub fs_base: u64,
    /// `gs_base`; 0 in 32-bit code.
    pub gs_base: u64,
    /// `rflags`.
    pub flags: u64,
    /// `orig_rax`: the number of the system call the thread is in, or -1 outside of one.
    pub system_call: i64,
    /// x87 and SSE state.
    pub floating: FloatingPoint,
}

/// x87, SSE and AVX registers, as in the FXSAVE/XSAVE area (Intel SDM vol. 1, §10.5 and §13.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatingPoint {
    /// `st0`–`st7`, ten bytes each.
    pub st: [[u8; 10]; 8],
    /// `xmm0`–`xmm15`.
    pub xmm: [[u8; 16]; 16],
    /// Upper halves of `ymm0`–`ymm15`; `None` where the processor or the signal frame has none.
    pub ymm_high: Option<[[u8; 16]; 16]>,
    /// Whether there are 32 vector registers of 64 bytes (AVX-512).
    pub has_wide: bool,
    /// What these have more than the others; `None` where all of it is zero.
    pub wide: Option<Box<Wide>>,
}

/// What AVX-512 adds to the vector registers (Intel SDM vol. 1, §13.5.5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wide {
    /// Upper halves of `zmm0`–`zmm15`.
    pub high: [[u8; 32]; 16],
    /// Both halves of `zmm16`–`zmm31`.
    pub more: [[[u8; 32]; 2]; 16],
}

impl FloatingPoint {
    /// The bytes of a vector register as far as they are known: of xmm, ymm or zmm.
    pub fn vector(&self, index: usize) -> Option<Vec<u8>> {
        if let Some(index) = index.checked_sub(self.xmm.len()) {
            let register = match self.wide.as_deref() {
                Some(wide) => *wide.more.get(index)?,
                None => [[0; 32]; 2],
            };
            return self.has_wide.then(|| register.as_flattened().to_vec());
        }
        let mut bytes = self.xmm.get(index)?.to_vec();
        let Some(high) = &self.ymm_high else { return Some(bytes) };
        bytes.extend(high.get(index)?);
        if self.has_wide {
            bytes.extend(match self.wide.as_deref() {
                Some(wide) => wide.high.get(index)?,
                None => &[0; 32],
            });
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIP: u16 = 16;
    const XMM0: u16 = 17;

    #[test]
    fn a_register_is_known_from_when_it_is_set_until_it_is_forgotten() {
        let mut registers = Registers::default();
        assert_eq!((registers.pc(), registers.known().count()), (None, 0));
        registers.set(RIP, Some(0x1234));
        registers.set(0, Some(0));
        assert_eq!(registers.known().collect::<Vec<_>>(), [("rax", 0), ("rip", 0x1234)]);
        registers.set(RIP, None);
        registers.set(XMM0, Some(7));
        assert_eq!((registers.get(0), registers.pc(), registers.get(XMM0)), (Some(0), None, None));
        registers.set(0, None);
        assert_eq!(registers, Registers::default());
    }

    #[test]
    fn registers_of_32_bit_code_have_their_own_numbers_and_size() {
        let mut registers = Registers::of(Arch::X86);
        registers.set(8, Some(0x1_0000_1234));
        registers.set(4, Some(u64::MAX));
        assert_eq!((registers.pc(), registers.sp()), (Some(0x1234), Some(0xffff_ffff)));
        assert_eq!(registers.known().collect::<Vec<_>>(), [("esp", 0xffff_ffff), ("eip", 0x1234)]);
        assert_eq!(registers.of_caller(1, 2, None).known().collect::<Vec<_>>(), [("esp", 2), ("eip", 1)]);
    }
}
