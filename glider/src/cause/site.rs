//! The frames of one stack as places in code: scope, registers and instructions of each.

use super::listing::Listing;
use crate::address::Address;
use crate::stacks::{Stacks, ThreadStack};
use crate::target::Arch;
use crate::unwind::Frame;
use iced_x86::{FlowControl, Instruction};

/// Code behind an instruction that is decoded, too, where it is not known how far its function goes.
const AHEAD: u64 = 4096;

/// The frames of one stack.
pub(super) struct Sites<'s, 'p, 't> {
    pub(super) stacks: &'s Stacks<'p>,
    pub(super) stack: &'s ThreadStack<'t>,
}

/// The code of a frame.
pub(super) struct Site {
    pub(super) listing: Listing,
    /// Index of the instruction that the frame executes; of a caller, of the one after the call.
    pub(super) here: usize,
    /// Whether the listing begins where the function is entered.
    pub(super) from_entry: bool,
}

impl<'s> Sites<'s, '_, '_> {
    /// Whether the thread runs as 32-bit or 64-bit code.
    pub(super) fn arch(&self) -> Arch {
        self.stack.registers.general.arch()
    }

    /// The frame with this index; `None` also beyond the gap of a stack that is shown in two parts.
    pub(super) fn frame(&self, index: usize) -> Option<&'s Frame> {
        let is_before_gap = self.stack.stack.gap_before.is_none_or(|gap| index < gap);
        self.stack.stack.frames.get(index).filter(|_| is_before_gap)
    }

    /// Name of the function of a frame.
    pub(super) fn function(&self, index: usize) -> Option<&str> {
        self.stack.code.get(index)?.as_ref()?.function.as_deref()
    }

    /// The code of a frame.
    pub(super) fn code(&self, index: usize) -> Option<Site> {
        let pc = self.frame(index)?.pc()?;
        let lookup = self.frame(index)?.lookup_pc()?;
        let modules = self.stacks.process.modules;
        let module = modules.find(lookup)?;
        let object = module.object.as_ref().ok()?;
        let arch = self.arch();
        let symbol = object.symbols().find(module.bias.to_file(lookup));
        let symbol_start = symbol.map(|symbol| module.bias.to_runtime(symbol.address));
        let known = self.stacks.function_start(lookup).or(symbol_start);
        let end = symbol_start.and_then(|start| start.checked_add(symbol?.size));
        let end = end.filter(|end| *end > pc).or_else(|| pc.checked_add(AHEAD))?;
        let listing =
            Listing::read(self.stacks.process.memory, arch, (known.unwrap_or(lookup), end), lookup)?;
        // A part that the compiler split off is entered by a jump.
        let is_split = symbol.is_some_and(|symbol| symbol.name.contains(".cold"));
        let here = match self.frame(index)?.pc_is_exact {
            true => listing.at(pc)?,
            false => listing.before(pc)? + 1,
        };
        let from_entry = known.is_some() && !is_split && listing.starts_at(known?);
        Some(Site { listing, here, from_entry })
    }

    /// Whether a call instruction leads to the function of the frame `callee`, as far as can be
    /// told: a call through the procedure linkage table or a pointer may lead anywhere.
    pub(super) fn calls(&self, instruction: &Instruction, callee: usize) -> bool {
        match instruction.flow_control() {
            FlowControl::IndirectCall => true,
            FlowControl::Call => {
                let target = Address(instruction.near_branch_target());
                let entry =
                    self.frame(callee).and_then(|frame| self.stacks.function_start(frame.lookup_pc()?));
                let name = self.stacks.process.modules.name(target);
                let is_symbol = name.is_some_and(|name| name.symbol.is_some() && name.offset == 0);
                !is_symbol || entry == Some(target)
            }
            _ => false,
        }
    }

    /// What lies at an address, for people: a symbol, else the address alone.
    pub(super) fn name(&self, address: Address) -> String {
        self.stacks.process.modules.name(address).map_or_else(|| address.to_string(), |name| name.to_string())
    }
}
