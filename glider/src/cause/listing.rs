//! A function's machine code as instructions, and where a register's value in it came from.
//!
//! Intel SDM vol. 2 is what `iced_x86` implements; the psABI says what a call leaves alone.

use crate::address::Address;
use crate::target::{Arch, Memory};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind,
    Register,
};
use rustc_hash::FxHashSet;

/// Bytes of one function that are decoded; what lies further from its start than this is not traced back.
const MAX_CODE: u64 = 256 << 10;
/// Length of the longest instruction.
const LONGEST: u64 = 15;

/// The instructions of a function in order.
pub(super) struct Listing {
    instructions: Vec<Instruction>,
    /// For each of them a bit for each general register, as in [`ORDER`], that it may change.
    written: Vec<u16>,
    /// Addresses that some jump of the function leads to.
    joins: FxHashSet<u64>,
    /// Whose instructions they are.
    pub(super) arch: Arch,
}

/// Where a register got its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Definition {
    /// From the instruction with this index.
    By(usize),
    /// From the function's caller: nothing wrote it since the function was entered.
    Caller,
    /// Code paths join on the way, or it cannot be told.
    Unknown,
}

impl Listing {
    /// Decodes the code from `start` to `end`, of which the instruction at `pc` is one. `None`
    /// when it cannot be read or does not have an instruction there.
    pub(super) fn read(
        memory: &dyn Memory,
        arch: Arch,
        (start, end): (Address, Address),
        pc: Address,
    ) -> Option<Listing> {
        let end = end.max(pc.checked_add(LONGEST)?);
        let start = if end.0.checked_sub(start.0)? > MAX_CODE { pc } else { start };
        let length = end.0.checked_sub(start.0)?.min(MAX_CODE);
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let read = memory.read(start, &mut bytes);
        bytes.truncate(read);
        let decoder = Decoder::with_ip(8 * arch.word() as u32, &bytes, start.0, DecoderOptions::NONE);
        let instructions: Vec<Instruction> = decoder.into_iter().collect();
        let joins = instructions.iter().filter(|one| jumps(one)).map(Instruction::near_branch_target);
        let joins = joins.collect();
        let mut factory = InstructionInfoFactory::new();
        let written = instructions.iter().map(|one| written(one, &mut factory)).collect();
        Some(Listing { instructions, written, joins, arch })
    }

    /// Index of the instruction at an address.
    pub(super) fn at(&self, address: Address) -> Option<usize> {
        self.instructions.binary_search_by_key(&address.0, Instruction::ip).ok()
    }

    /// Index of the instruction that ends before an address.
    pub(super) fn before(&self, address: Address) -> Option<usize> {
        let index = self.instructions.partition_point(|one| one.ip() < address.0).checked_sub(1)?;
        (self.get(index)?.next_ip() == address.0).then_some(index)
    }

    /// Whether the first instruction is at an address.
    pub(super) fn starts_at(&self, address: Address) -> bool {
        self.instructions.first().is_some_and(|first| first.ip() == address.0)
    }

    /// The instruction with an index.
    pub(super) fn get(&self, index: usize) -> Option<&Instruction> {
        self.instructions.get(index)
    }

    /// Whether a register has the same value before `from` and before `to`, which is reached from
    /// there in a straight line.
    pub(super) fn keeps(&self, register: Register, from: usize, to: usize) -> bool {
        (from..to).all(|index| !self.writes(index, register))
    }

    /// Whether an instruction may change a register; unknown ones and unknown registers count as if.
    fn writes(&self, index: usize, register: Register) -> bool {
        match (self.written.get(index), place(register)) {
            (Some(written), Some(number)) => written >> number & 1 == 1,
            _ => true,
        }
    }

    /// A register that got what `register` holds before the instruction `before`, and holds it still before `to`.
    pub(super) fn copy(&self, register: Register, before: usize, to: usize) -> Option<Register> {
        for index in (0..before).rev() {
            let this = self.get(index).filter(|one| !leaves(one) && !self.writes(index, register))?;
            let is_copy = this.mnemonic() == Mnemonic::Mov
                && this.op0_kind() == OpKind::Register
                && this.op1_kind() == OpKind::Register
                && this.op1_register() == register.full_register();
            if is_copy && self.keeps(this.op0_register(), index + 1, to) {
                return Some(this.op0_register());
            }
            if self.joins.contains(&this.ip()) {
                return None;
            }
        }
        None
    }

    /// The instructions that write to memory what `register` holds before the instruction `before`, the last first.
    pub(super) fn stores(&self, register: Register, before: usize) -> impl Iterator<Item = usize> {
        let earlier = (0..before).rev();
        let same = earlier.take_while(move |index| {
            let follows = self.get(index + 1).is_some_and(|next| !self.joins.contains(&next.ip()));
            follows && !self.writes(*index, register) && self.get(*index).is_some_and(|one| !leaves(one))
        });
        same.filter(move |index| {
            self.get(*index).is_some_and(|one| {
                one.mnemonic() == Mnemonic::Mov
                    && one.op0_kind() == OpKind::Memory
                    && one.op1_kind() == OpKind::Register
                    && one.op1_register() == register.full_register()
            })
        })
    }

    /// What gave the register the value that it has before the instruction `before`.
    pub(super) fn definition(&self, register: Register, before: usize) -> Definition {
        for index in (0..before).rev() {
            let (Some(this), Some(next)) = (self.get(index), self.get(index + 1)) else {
                return Definition::Unknown;
            };
            if leaves(this) || self.joins.contains(&next.ip()) || this.is_invalid() {
                return Definition::Unknown;
            }
            if self.writes(index, register) {
                return Definition::By(index);
            }
        }
        match self.instructions.first() {
            Some(first) if !self.joins.contains(&first.ip()) => Definition::Caller,
            _ => Definition::Unknown,
        }
    }
}

/// Whether the instruction after this one is not reached from it.
fn leaves(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch | FlowControl::Return
    )
}

fn jumps(instruction: &Instruction) -> bool {
    matches!(instruction.flow_control(), FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch)
}

/// The general registers that an instruction may change, or a part of them, a bit for each.
fn written(instruction: &Instruction, factory: &mut InstructionInfoFactory) -> u16 {
    let bit = |register: Register| place(register).map_or(0, |number| 1 << number);
    // A call pushes and the callee pops again: the stack pointer is what it was.
    if matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall) {
        return PRESERVED.into_iter().fold(u16::MAX, |all, register| all & !bit(register));
    }
    let changes = |access| !matches!(access, OpAccess::None | OpAccess::Read | OpAccess::CondRead);
    let used = factory.info(instruction).used_registers().iter();
    used.filter(|used| changes(used.access())).fold(0, |all, used| all | bit(used.register()))
}

/// What a function must leave as it found it, on both processors (psABI x86-64, figure 3.4; i386, table 2.3).
const PRESERVED: [Register; 7] = {
    use Register::{R12, R13, R14, R15, RBP, RBX, RSP};
    [RBX, RSP, RBP, R12, R13, R14, R15]
};

/// The general registers of x86-64 by DWARF number (psABI x86-64, figure 3.36).
const ORDER: [Register; 16] = {
    use Register::{R8, R9, R10, R11, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP};
    [RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15]
};
/// Those of i386, as the registers of x86-64 that they are a half of (psABI i386, table 2.14).
const ORDER_32: [Register; 8] = {
    use Register::{RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP};
    [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI]
};

/// Place of a general register among those of x86-64.
fn place(register: Register) -> Option<usize> {
    ORDER.iter().position(|known| *known == register.full_register())
}

/// The DWARF number of a general register.
pub(super) fn dwarf_number(arch: Arch, register: Register) -> Option<u16> {
    let order: &[Register] = match arch {
        Arch::X86_64 => &ORDER,
        Arch::X86 => &ORDER_32,
    };
    let place = order.iter().position(|known| *known == register.full_register())?;
    u16::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Code(Vec<u8>);

    impl Memory for Code {
        fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
            let rest = self.0.get((address.0 - 0x1000) as usize..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            length
        }
    }

    fn listing(code: &[u8], pc: u64) -> Listing {
        let end = Address(0x1000 + code.len() as u64);
        Listing::read(&Code(code.to_vec()), Arch::X86_64, (Address(0x1000), end), Address(pc)).unwrap()
    }

    /// `mov rax,[rdi]; je +2; mov ebx,eax; mov rcx,[rax]`
    const CODE: &[u8] = &[0x48, 0x8b, 0x07, 0x74, 0x02, 0x89, 0xc3, 0x48, 0x8b, 0x08];

    #[test]
    fn a_value_is_traced_to_the_instruction_that_made_it_or_to_the_caller() {
        let code = listing(&CODE[..7], 0x1005);
        let last = code.at(Address(0x1005)).unwrap();
        assert_eq!(code.definition(Register::RAX, last), Definition::By(0));
        assert_eq!(code.definition(Register::EAX, last), Definition::By(0));
        assert_eq!(code.definition(Register::RDI, last), Definition::Caller);
        assert!(code.keeps(Register::RDI, 0, last) && !code.keeps(Register::RAX, 0, last));
    }

    #[test]
    fn nothing_is_said_where_paths_join() {
        let code = listing(CODE, 0x1007);
        let last = code.at(Address(0x1007)).unwrap();
        assert_eq!(code.definition(Register::RBX, last), Definition::Unknown);
        assert_eq!(code.definition(Register::RAX, last), Definition::Unknown);
    }

    #[test]
    fn a_call_is_found_by_its_return_address_and_takes_what_it_need_not_preserve() {
        // mov edi,1; call 0x1010; mov rdx,[rax]
        let code = listing(&[0xbf, 1, 0, 0, 0, 0xe8, 6, 0, 0, 0, 0x48, 0x8b, 0x10], 0x100a);
        assert_eq!(code.before(Address(0x100a)), Some(1));
        assert_eq!(code.before(Address(0x1009)), None);
        assert_eq!(code.definition(Register::RAX, 2), Definition::By(1));
        assert_eq!(code.definition(Register::RDI, 2), Definition::By(1));
        assert_eq!(code.definition(Register::RBX, 2), Definition::Caller);
    }

    #[test]
    fn bytes_that_are_no_code_end_the_trace() {
        let code = listing(&[0x06, 0x06, 0x48, 0x8b, 0x08], 0x1002);
        let last = code.at(Address(0x1002)).unwrap();
        assert_eq!(code.definition(Register::RAX, last), Definition::Unknown);
    }
}
