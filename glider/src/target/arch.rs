//! What differs between the processors' ways: word size, and which register is what, by DWARF number.
//!
//! x86-64: psABI "DWARF register number mapping" (0–15 general in DWARF order, 16 the return
//! address, 17–32 SSE, 33–40 x87, 58/59 the fs and gs bases, 67–82 AVX-512's xmm16–xmm31). i386: psABI for Intel386, table 2.14
//! (0–7 general, 8 eip, 9 eflags, 11–18 x87, 21–28 SSE).

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

/// How a thread runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Arch {
    /// 64-bit.
    #[default]
    X86_64,
    /// 32-bit (i386), on a 64-bit kernel.
    X86,
}

/// Where a register's contents are kept, by DWARF number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// Among the general ones, at the same number.
    General,
    /// The thread pointer.
    ThreadPointer,
    /// This one of xmm0 and so on.
    Vector(usize),
    /// This one of st0 and so on.
    X87(usize),
}

const NAMES: [&str; 17] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rip",
];
const NAMES_32: [&str; 9] = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"];

impl Arch {
    /// Bytes of a word: of an address, and of a slot of the stack.
    pub fn word(self) -> u64 {
        match self {
            Arch::X86_64 => 8,
            Arch::X86 => 4,
        }
    }

    /// A value cut to a word.
    pub fn cut(self, value: u64) -> u64 {
        match self {
            Arch::X86_64 => value,
            Arch::X86 => value & 0xffff_ffff,
        }
    }

    /// The return address column, which holds the program counter.
    pub fn pc(self) -> u16 {
        match self {
            Arch::X86_64 => 16,
            Arch::X86 => 8,
        }
    }

    /// The stack pointer.
    pub fn sp(self) -> u16 {
        match self {
            Arch::X86_64 => 7,
            Arch::X86 => 4,
        }
    }

    /// The frame pointer.
    pub fn frame_pointer(self) -> u16 {
        match self {
            Arch::X86_64 => 6,
            Arch::X86 => 5,
        }
    }

    /// The registers that a called function must preserve, the stack pointer apart (psABI
    /// figure 3.4; for i386 table 2.3).
    pub fn callee_saved(self) -> &'static [u16] {
        match self {
            // rbx, rbp, r12–r15
            Arch::X86_64 => &[3, 6, 12, 13, 14, 15],
            // ebx, ebp, esi, edi
            Arch::X86 => &[3, 5, 6, 7],
        }
    }

    /// Names of the general registers, the pc last, in DWARF order.
    pub fn general_names(self) -> &'static [&'static str] {
        match self {
            Arch::X86_64 => &NAMES,
            Arch::X86 => &NAMES_32,
        }
    }

    /// Where a register is kept; `None` for one that is not captured.
    pub fn register(self, number: u16) -> Option<Register> {
        let index = |first: u16| usize::from(number.saturating_sub(first));
        Some(match (self, number) {
            (Arch::X86_64, 0..=16) | (Arch::X86, 0..=8) => Register::General,
            (Arch::X86_64, 17..=32) => Register::Vector(index(17)),
            (Arch::X86_64, 33..=40) => Register::X87(index(33)),
            (Arch::X86_64, 67..=82) => Register::Vector(16 + index(67)),
            (Arch::X86_64, 58) | (Arch::X86, 45) => Register::ThreadPointer,
            (Arch::X86, 11..=18) => Register::X87(index(11)),
            (Arch::X86, 21..=28) => Register::Vector(index(21)),
            _ => return None,
        })
    }

    /// The name of any register by DWARF number.
    pub fn name(self, number: u16) -> String {
        match self.register(number) {
            Some(Register::Vector(index)) => format!("xmm{index}"),
            Some(Register::X87(index)) => format!("st{index}"),
            _ => match self.general_names().get(usize::from(number)) {
                Some(name) => (*name).to_owned(),
                None => format!("register {number}"),
            },
        }
    }
}
