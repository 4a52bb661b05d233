//! What a short function without branches gives back, told by its code without calling it: one that hands out a
//! member, a constant, or the place of a thread-local variable.

use crate::address::Address;
use crate::target::{Arch, Memory};
use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use std::collections::HashMap;

/// Bytes of code that are looked at.
const MAX_CODE: usize = 128;
/// Where its stack is pretended to be: where no process has memory.
const STACK: u64 = 0x800;
/// The first address that is not of that stack.
const STACK_LIMIT: u64 = 0x1000;

/// What a result is to be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing.
    None,
    /// The thread pointer.
    ThreadPointer,
    /// A thread's block of the object with this number.
    Block(u64),
}

/// A function that is gone through.
struct Walk<'a> {
    memory: &'a dyn Memory,
    arch: Arch,
    registers: HashMap<Register, u64>,
    stack: HashMap<u64, u64>,
    base: Base,
}

/// What the function at `start` gives back when `argument` is its first; `None` when its code does more than that.
pub(super) fn of(memory: &dyn Memory, arch: Arch, start: Address, argument: u64) -> Option<(Base, u64)> {
    let mut bytes = [0; MAX_CODE];
    let read = memory.read(start, &mut bytes);
    let bits = 8 * arch.word() as u32;
    let registers = HashMap::from([(Register::RSP, STACK), (Register::RDI, argument)]);
    let stack = HashMap::from([(STACK + arch.word(), argument)]);
    let mut walk = Walk { memory, arch, registers, stack, base: Base::None };
    for instruction in Decoder::with_ip(bits, bytes.get(..read)?, start.0, DecoderOptions::NONE) {
        if instruction.mnemonic() == Mnemonic::Ret {
            return Some((walk.base, walk.register(Register::RAX)?));
        }
        walk.step(&instruction)?;
    }
    None
}

impl Walk<'_> {
    fn register(&self, register: Register) -> Option<u64> {
        self.registers.get(&register.full_register()).copied()
    }

    fn set(&mut self, register: Register, value: Option<u64>) -> Option<()> {
        let value = match register.size() {
            8 => value,
            4 => value.map(|value| value & 0xffff_ffff),
            _ => return None,
        };
        match value {
            Some(value) => self.registers.insert(register.full_register(), value),
            None => self.registers.remove(&register.full_register()),
        };
        Some(())
    }

    /// Where an operand in memory is.
    fn place(&self, instruction: &Instruction, operand: u32) -> Option<u64> {
        let place = instruction.virtual_address(operand, 0, |register, _, _| match register {
            // Segments begin at 0; the thread's own is told apart by who reads it.
            register if register.is_segment_register() => Some(0),
            register => self.register(register),
        });
        place.map(|place| self.arch.cut(place))
    }

    fn load(&mut self, instruction: &Instruction, operand: u32, size: usize) -> Option<u64> {
        let place = self.place(instruction, operand)?;
        if [Register::FS, Register::GS].contains(&instruction.memory_segment()) {
            // The thread pointer is kept at 0 of the thread's segment.
            (place == 0 && self.base == Base::None).then_some(())?;
            self.base = Base::ThreadPointer;
            return Some(0);
        }
        if place < STACK_LIMIT {
            return self.stack.get(&place).copied();
        }
        let mut word = [0; 8];
        self.memory.read_exact(Address(place), word.get_mut(..size)?)?;
        Some(u64::from_le_bytes(word))
    }

    fn step(&mut self, instruction: &Instruction) -> Option<()> {
        let to = instruction.op0_register();
        let word = self.arch.word();
        match (instruction.mnemonic(), instruction.op0_kind()) {
            (Mnemonic::Endbr32 | Mnemonic::Endbr64 | Mnemonic::Nop, _) => Some(()),
            (Mnemonic::Push, OpKind::Register) => {
                let place = self.register(Register::RSP)?.checked_sub(word)?;
                self.registers.insert(Register::RSP, place);
                match self.register(to) {
                    Some(value) => self.stack.insert(place, value),
                    None => self.stack.remove(&place),
                };
                Some(())
            }
            (Mnemonic::Pop, OpKind::Register) => {
                let place = self.register(Register::RSP)?;
                self.registers.insert(Register::RSP, place.checked_add(word)?);
                self.set(to, self.stack.get(&place).copied())
            }
            (Mnemonic::Mov, OpKind::Memory) if instruction.op1_kind() == OpKind::Register => {
                let (place, value) =
                    (self.place(instruction, 0)?, self.register(instruction.op1_register())?);
                // Nothing but the function's own stack is written to.
                (place < STACK_LIMIT && instruction.memory_size().size() as u64 == word).then_some(())?;
                self.stack.insert(place, value);
                Some(())
            }
            (Mnemonic::Mov, OpKind::Register) => {
                let value = self.source(instruction)?;
                self.set(to, Some(value))
            }
            (Mnemonic::Lea, OpKind::Register) => {
                let place = self.place(instruction, 1)?;
                self.set(to, Some(place))
            }
            (Mnemonic::Add | Mnemonic::Sub, OpKind::Register) => {
                let (before, by) = (self.register(to)?, self.source(instruction)?);
                let by = if instruction.mnemonic() == Mnemonic::Add { by } else { by.wrapping_neg() };
                self.set(to, Some(before.wrapping_add(by)))
            }
            (Mnemonic::Call, _) => self.call(instruction),
            _ => None,
        }
    }

    /// What is moved or added.
    fn source(&mut self, instruction: &Instruction) -> Option<u64> {
        match instruction.op1_kind() {
            OpKind::Register => self.register(instruction.op1_register()),
            OpKind::Memory => self.load(instruction, 1, instruction.op0_register().size()),
            OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32
            | OpKind::Immediate32to64
            | OpKind::Immediate64 => Some(instruction.immediate(1)),
            _ => None,
        }
    }

    /// A call is one that says where the code is (`__x86.get_pc_thunk`), or of `__tls_get_addr`.
    fn call(&mut self, instruction: &Instruction) -> Option<()> {
        if self.arch == Arch::X86 && instruction.code() == Code::Call_rel32_32 {
            let mut bytes = [0; 4];
            self.memory.read_exact(Address(instruction.near_branch_target()), &mut bytes)?;
            let mut decoder = Decoder::new(32, &bytes, DecoderOptions::NONE);
            let (load, back) = (decoder.decode(), decoder.decode());
            let is_top = load.memory_base() == Register::ESP && load.memory_displacement64() == 0;
            if load.mnemonic() == Mnemonic::Mov && is_top && back.mnemonic() == Mnemonic::Ret {
                return self.set(load.op0_register(), Some(instruction.next_ip()));
            }
        }
        // Its argument, a tls_index, leads to an object's number and an offset.
        let index = self.register(if self.arch == Arch::X86 { Register::RAX } else { Register::RDI })?;
        (self.base == Base::None).then_some(())?;
        self.base = Base::Block(self.memory.read_word(Address(index), self.arch)?);
        let offset = self.memory.read_word(Address(index.checked_add(self.arch.word())?), self.arch)?;
        self.registers.insert(Register::RAX, offset);
        Some(())
    }
}
