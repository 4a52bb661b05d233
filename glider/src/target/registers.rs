//! Register contents, keyed by DWARF register number.
//!
//! x86-64: psABI "DWARF register number mapping" (0–15 general in DWARF order,
//! 16 the return address, 17–32 SSE, 33–40 x87, 58/59 the fs and gs bases).

use serde::{Deserialize, Serialize};

/// How many general registers a frame carries: DWARF numbers 0 to 16.
pub const GENERAL_COUNT: usize = 17;
/// DWARF number of `rbx`.
pub const RBX: u16 = 3;
/// DWARF number of `rbp`.
pub const RBP: u16 = 6;
/// DWARF number of `rsp`.
pub const RSP: u16 = 7;
/// DWARF number of the return address column, which holds `rip`.
pub const RIP: u16 = 16;
/// DWARF number of `xmm0`; the others follow.
pub const XMM0: u16 = 17;
/// DWARF number of `st0`; the others follow.
pub const ST0: u16 = 33;
/// DWARF number of the fs segment base (thread pointer).
pub const FS_BASE: u16 = 58;

/// Names of the general registers in DWARF order.
pub const GENERAL_NAMES: [&str; GENERAL_COUNT] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rip",
];

/// The name of any register by DWARF number.
pub fn name(register: u16) -> String {
    match register {
        XMM0..ST0 => format!("xmm{}", register - XMM0),
        ST0..41 => format!("st{}", register - ST0),
        _ => match GENERAL_NAMES.get(usize::from(register)) {
            Some(name) => (*name).to_owned(),
            None => format!("register {register}"),
        },
    }
}

/// DWARF numbers of the registers a called function must preserve (psABI figure 3.4), `rsp` apart.
pub const CALLEE_SAVED: [u16; 6] = [RBX, RBP, 12, 13, 14, 15];

/// The general registers of one frame; `None` where the value is not known any more.
///
/// Deep stacks keep thousands of these, so they are small: no `Option` for each value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Registers {
    /// By DWARF number; 0 where it is not known.
    values: [u64; GENERAL_COUNT],
    /// A bit for each value that is known, the lowest for the first.
    known: u32,
}

impl Registers {
    /// The value of a general register by DWARF number.
    pub fn get(&self, register: u16) -> Option<u64> {
        let value = *self.values.get(usize::from(register))?;
        (self.known >> register & 1 == 1).then_some(value)
    }

    /// Sets or forgets a general register; numbers outside the general set are ignored.
    pub fn set(&mut self, register: u16, value: Option<u64>) {
        if let Some(slot) = self.values.get_mut(usize::from(register)) {
            *slot = value.unwrap_or_default();
            self.known = self.known & !(1 << register) | u32::from(value.is_some()) << register;
        }
    }

    /// The program counter.
    pub fn pc(&self) -> Option<u64> {
        self.get(RIP)
    }

    /// The stack pointer.
    pub fn sp(&self) -> Option<u64> {
        self.get(RSP)
    }

    /// Name and value of every known register, in DWARF order.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        (0..).zip(GENERAL_NAMES).filter_map(|(register, name)| Some((name, self.get(register)?)))
    }
}

/// Everything the kernel gives for one thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ThreadRegisters {
    /// General registers and pc.
    pub general: Registers,
    /// The thread pointer (`fs_base`).
    pub fs_base: u64,
    /// `gs_base`.
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
