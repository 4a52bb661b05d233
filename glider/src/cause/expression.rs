//! What a register or memory operand is called in the source: `request->header->name`.
//!
//! The value of an operand is traced back through the function's instructions to a variable,
//! and each load on the way is a member of the type that the debug information gives. Each step is done
//! again on the values of the process, so that a name is given only to what has the value.

use super::listing::{Definition, Listing, dwarf_number};
use super::site::{Site, Sites};
use crate::address::{Address, FileAddress};
use crate::dwarf::{Die, VariableDie};
use crate::target::Registers;
use crate::types::{Count, Kind, MemberOffset, Types};
use crate::values::{Place, Scope};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Loads and moves followed from an operand to a variable.
const MAX_STEPS: u32 = 16;
/// Callers that are asked what they passed.
const MAX_CALLERS: usize = 8;
/// Bytes behind a pointer that may be an element of what it points at.
const MAX_OFFSET: u64 = 1 << 20;
/// Members inside of members that an offset is resolved through.
const MAX_NESTING: u32 = 8;

/// An expression of the source and the value it has.
#[derive(Clone)]
pub(super) struct Named {
    /// `request->header`.
    pub(super) text: String,
    /// Its bits, at most eight bytes of them.
    pub(super) value: u64,
    /// Its type; `None` where that is not known.
    type_die: Option<Die>,
    /// Whether it is the address of something of that type, and not a value of it.
    is_address: bool,
    /// Index of the frame whose function calls it so.
    pub(super) frame: usize,
}

/// A frame whose code is looked at: registers are known before the instruction `site.here`.
struct Namer<'a, 's, 'p, 't> {
    scope: Scope<'a>,
    registers: &'a Registers,
    site: &'a Site,
    listing: &'a Listing,
    here: usize,
    sites: &'a Sites<'s, 'p, 't>,
    /// Index of the frame.
    frame: usize,
    /// Callers that may still be asked.
    callers: usize,
}

/// What a register of a frame holds before the instruction `before`.
pub(super) fn name_register(
    sites: &Sites<'_, '_, '_>,
    frame: usize,
    site: &Site,
    register: Register,
    before: usize,
) -> Option<Named> {
    with_namer(sites, frame, site, MAX_CALLERS, |namer| namer.register_at(register, before, MAX_STEPS))
}

/// What the memory operand of the instruction `index` of a frame holds: its first `size` bytes.
pub(super) fn name_memory(
    sites: &Sites<'_, '_, '_>,
    frame: usize,
    site: &Site,
    index: usize,
    size: u64,
) -> Option<Named> {
    with_namer(sites, frame, site, MAX_CALLERS, |namer| namer.memory_at(index, size, MAX_STEPS))
}

fn with_namer<'s, 'p, 't, R>(
    sites: &Sites<'s, 'p, 't>,
    frame: usize,
    site: &Site,
    callers: usize,
    work: impl FnOnce(&Namer<'_, 's, 'p, 't>) -> Option<R>,
) -> Option<R> {
    let registers = &sites.frame(frame)?.registers;
    let Site { listing, here, .. } = site;
    sites.stack.with_scope(sites.stacks.process, frame, |scope: &Scope<'_>| {
        work(&Namer { scope: *scope, registers, site, listing, here: *here, sites, frame, callers })
    })?
}

impl Named {
    /// A pointer of this name to what lies `offset` bytes behind it: the name of that, `request->id`.
    pub(super) fn member(&self, types: &Types, offset: u64) -> Option<(String, Option<Die>)> {
        let target = self.target(types)?;
        if self.is_address {
            let (path, found) = path(types, target, offset)?;
            return Some((format!("{}{path}", self.text), found));
        }
        let (_, found) = types.resolve(target)?;
        if !matches!(found.kind, Kind::Struct(_) | Kind::Union(_) | Kind::Array { .. }) {
            let size =
                found.size.filter(|size| *size > 0 && offset.is_multiple_of(*size) && offset < MAX_OFFSET)?;
            return Some(match offset / size {
                0 => (format!("*{}", self.text), Some(target)),
                index => (format!("{}[{index}]", self.text), Some(target)),
            });
        }
        let (path, inner) = path(types, target, offset)?;
        Some(match path.strip_prefix('.') {
            Some(member) => (format!("{}{}{member}", self.text, arrow(target)), inner),
            None if path.is_empty() => (format!("*{}", self.text), inner),
            None => (format!("(*{}){path}", self.text), inner),
        })
    }

    /// What it points at.
    fn target(&self, types: &Types) -> Option<Die> {
        if self.is_address {
            return self.type_die;
        }
        let (_, found) = types.resolve(self.type_die?)?;
        match found.kind {
            Kind::Pointer { target } | Kind::Reference { target } => target,
            _ => None,
        }
    }

    /// Whether it is written in Rust, which says "null" where C says "NULL".
    pub(super) fn is_rust(&self) -> bool {
        self.type_die.is_some_and(is_rust)
    }
}

fn is_rust(die: Die) -> bool {
    die.unit.language == Some(gimli::DW_LANG_Rust)
}

fn arrow(die: Die) -> &'static str {
    if is_rust(die) { "." } else { "->" }
}

impl<'a> Namer<'a, '_, '_, '_> {
    fn register_at(&self, register: Register, before: usize, steps: u32) -> Option<Named> {
        let steps = steps.checked_sub(1)?;
        if let Some(named) = self.variable_held(register, before) {
            return Some(named);
        }
        if let Some(named) = self.stored(register, before) {
            return Some(named);
        }
        let index = match self.listing.definition(register, before) {
            Definition::By(index) => index,
            Definition::Caller => return self.passed_in(register),
            Definition::Unknown => return None,
        };
        let instruction = self.listing.get(index)?;
        let is_whole = |operand: Register| operand.full_register() == register.full_register();
        match (instruction.mnemonic(), instruction.op1_kind()) {
            (Mnemonic::Call, _) if register.full_register() == Register::RAX => {
                let target = Some(instruction.near_branch_target()).filter(|target| *target != 0)?;
                let function = self.scope.process.modules.name(Address(target))?;
                let function = function.symbol.filter(|_| function.offset == 0)?;
                let text = format!("what {function} gave back");
                Some(Named {
                    text,
                    value: self.held(register, before)?,
                    type_die: None,
                    is_address: false,
                    frame: self.frame,
                })
            }
            _ if !is_whole(instruction.op0_register()) || instruction.op0_register().size() < 4 => None,
            (Mnemonic::Mov | Mnemonic::Movsxd, OpKind::Register) => {
                self.register_at(instruction.op1_register(), index, steps)
            }
            (Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsxd | Mnemonic::Movsx, OpKind::Memory) => {
                self.memory_at(index, instruction.memory_size().size() as u64, steps)
            }
            (Mnemonic::Lea, OpKind::Memory) if instruction.memory_index() == Register::None => {
                let base = self.register_at(instruction.memory_base(), index, steps)?;
                self.inside(&base, instruction.memory_displacement64())
            }
            // A pointer and an index in bytes, in whichever order.
            (Mnemonic::Add, OpKind::Register) => {
                [(register, instruction.op1_register()), (instruction.op1_register(), register)]
                    .into_iter()
                    .find_map(|(base, number)| {
                        let base = self.register_at(base, index, steps)?;
                        let number = match self.held(number, index) {
                            Some(number) => number,
                            None => self.register_at(number, index, steps)?.value,
                        };
                        self.inside(&base, number)
                    })
            }
            (Mnemonic::Add, OpKind::Immediate8to64 | OpKind::Immediate32to64) => {
                let base = self.register_at(register, index, steps)?;
                self.inside(&base, instruction.immediate(1))
            }
            _ => None,
        }
    }

    /// The variable in memory to which a register was written, which it still has.
    fn stored(&self, register: Register, before: usize) -> Option<Named> {
        self.listing.stores(register, before).find_map(|index| {
            let address = self.address(self.listing.get(index)?, index)?;
            self.variable_at(Address(address), self.listing.arch.word())
        })
    }

    /// What the caller passed in a register.
    fn passed_in(&self, register: Register) -> Option<Named> {
        let (frame, callers) = (self.frame + 1, self.callers.checked_sub(1)?);
        let is_call = self.site.from_entry && !self.sites.frame(frame)?.pc_is_exact;
        let site = self.sites.code(frame).filter(|_| is_call)?;
        let call = site.here.checked_sub(1)?;
        self.sites.calls(site.listing.get(call)?, self.frame).then_some(())?;
        with_namer(self.sites, frame, &site, callers, |namer| namer.register_at(register, call, MAX_STEPS))
    }

    /// The variable that is in a register before the instruction `before`.
    fn variable_held(&self, register: Register, before: usize) -> Option<Named> {
        let holder = self.holder(register, before);
        let held = holder
            .and_then(|holder| Some((self.variable_in(holder)?, self.registers.get(self.number(holder)?)?)));
        let (variable, value) = match held {
            Some(held) => held,
            // In the register until the call: the callee may have overwritten it, but what called
            // this function may know.
            None => {
                let is_kept = self.listing.keeps(register, before, self.here.checked_sub(1)?);
                let variable = is_kept.then(|| self.variable_in(register)).flatten()?;
                let bits = self.scope.place(&variable.location).read_bits(self.scope.process.memory, 0, 64);
                (variable, bits.ok()? as u64)
            }
        };
        Some(Named {
            text: variable.name.to_string(),
            value,
            type_die: variable.type_die,
            is_address: false,
            frame: self.frame,
        })
    }

    /// The register that holds here what `register` held before the instruction `before`.
    fn holder(&self, register: Register, before: usize) -> Option<Register> {
        match self.listing.keeps(register, before, self.here) {
            true => Some(register),
            false => self.listing.copy(register, before, self.here),
        }
    }

    /// The address of what lies `offset` bytes behind a pointer.
    fn inside(&self, base: &Named, offset: u64) -> Option<Named> {
        let (text, type_die) = base.member(self.scope.process.types, offset)?;
        let text = if base.is_address { text } else { format!("&{text}") };
        Some(Named {
            text,
            value: self.listing.arch.cut(base.value.wrapping_add(offset)),
            type_die,
            is_address: true,
            frame: base.frame,
        })
    }

    fn memory_at(&self, index: usize, size: u64, steps: u32) -> Option<Named> {
        let instruction = self.listing.get(index)?;
        if matches!(instruction.segment_prefix(), Register::FS | Register::GS) {
            return None;
        }
        let address = self.address(instruction, index);
        if let Some(named) = address.and_then(|address| self.variable_at(Address(address), size)) {
            return Some(named);
        }
        if instruction.is_ip_rel_memory_operand() {
            return self.global(Address(instruction.ip_rel_memory_address()), size);
        }
        if instruction.memory_base() == Register::None && instruction.memory_index() == Register::None {
            return self.global(Address(instruction.memory_displacement64()), size);
        }
        let Some(base) = self.register_at(instruction.memory_base(), index, steps) else {
            // The start of the object's data, as 32-bit code that may lie anywhere reaches it.
            return self.global(Address(address?), size);
        };
        let mut offset = instruction.memory_displacement64();
        if instruction.memory_index() != Register::None {
            let number = self.held(instruction.memory_index(), index)?;
            offset = offset.wrapping_add(number.wrapping_mul(instruction.memory_index_scale().into()));
        }
        let (text, type_die) = base.member(self.scope.process.types, offset)?;
        let value = self.read(Address(self.listing.arch.cut(base.value.wrapping_add(offset))), size)?;
        let text = text.trim_start_matches('&').to_owned();
        Some(Named { text, value, type_die, is_address: false, frame: base.frame })
    }

    /// The address of a memory operand, where its registers still hold what they held then.
    pub(super) fn address(&self, instruction: &Instruction, index: usize) -> Option<u64> {
        let operand = (0..instruction.op_count()).find(|at| instruction.op_kind(*at) == OpKind::Memory)?;
        instruction.virtual_address(operand, 0, |register, _, _| match register {
            Register::ES | Register::CS | Register::SS | Register::DS => Some(0),
            Register::FS | Register::GS => None,
            _ => self.held(register, index),
        })
    }

    /// What a register held before the instruction `before`, if it holds that still.
    pub(super) fn held(&self, register: Register, before: usize) -> Option<u64> {
        self.registers.get(self.number(self.holder(register, before)?)?)
    }

    fn number(&self, register: Register) -> Option<u16> {
        dwarf_number(self.listing.arch, register)
    }

    fn read(&self, address: Address, size: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let slot = bytes.get_mut(..usize::try_from(size).ok()?)?;
        self.scope.process.memory.read_exact(address, slot)?;
        Some(u64::from_le_bytes(bytes))
    }

    /// The variables in scope, those of the innermost inlined call first.
    fn variables(&self) -> impl Iterator<Item = &'a VariableDie> {
        let scopes = self.scope.frames.get(self.scope.index).and_then(|view| view.scopes.as_deref());
        scopes.into_iter().flat_map(|scopes| {
            let inlined = scopes.inlined.iter().rev().flat_map(|call| call.variables.iter().rev());
            inlined.chain(scopes.function.variables.iter().rev())
        })
    }

    /// The variable that is in a register here.
    fn variable_in(&self, register: Register) -> Option<&'a VariableDie> {
        let number = self.number(register)?;
        self.variables().find(|variable| self.scope.register_of(&variable.location) == Some(number))
    }

    /// The variable in memory, or the member of one, that lies at an address.
    fn variable_at(&self, address: Address, size: u64) -> Option<Named> {
        self.variables().find_map(|variable| {
            let Place::Memory(start) = self.scope.place(&variable.location) else { return None };
            let offset = address.0.checked_sub(start.0)?;
            let (text, type_die) = self.part_of(&variable.name, variable.type_die?, offset)?;
            let value = self.read(address, size)?;
            Some(Named { text, value, type_die, is_address: false, frame: self.frame })
        })
    }

    /// What lies `offset` bytes behind the start of a variable with this name and type, and its type.
    fn part_of(&self, variable: &str, type_die: Die, offset: u64) -> Option<(String, Option<Die>)> {
        let types = self.scope.process.types;
        (offset < types.resolve(type_die)?.1.size?).then_some(())?;
        let (path, found) = path(types, type_die, offset)?;
        Some((format!("{variable}{path}"), found))
    }

    /// The variable of the function's own unit that lies at a fixed address, or the member of one; else what a
    /// symbol names, whose type would take all debug information to find.
    fn global(&self, address: Address, size: u64) -> Option<Named> {
        let value = self.read(address, size)?;
        let view = self.scope.frames.get(self.scope.index)?;
        let unit = view.scopes.as_ref().map(|scopes| scopes.function.die.unit);
        let file_address = view.module?.bias.to_file(address);
        let symbol = self.scope.process.modules.name(address);
        // Where the symbol begins there is the variable in which the address lies.
        let offset = symbol.as_ref().map_or(0, |symbol| symbol.offset);
        let variable = |offset: u64| {
            let start = FileAddress(file_address.0.checked_sub(offset)?);
            Some((unit?.variable_at(start)?, offset))
        };
        let (text, type_die) = match variable(0).or_else(|| variable(offset)) {
            Some((variable, offset)) => self.part_of(&variable.name()?, variable.type_die()?, offset)?,
            None => (symbol.filter(|symbol| symbol.offset == 0)?.symbol?.to_string(), None),
        };
        Some(Named { text, value, type_die, is_address: false, frame: self.frame })
    }
}

/// The member, element or base class that lies `offset` bytes inside of a type, `.header.id[2]`,
/// and its type: the outermost one that starts there and is no structure.
fn path(types: &Types, type_die: Die, offset: u64) -> Option<(String, Option<Die>)> {
    let (mut die, mut offset, mut text) = (type_die, offset, String::new());
    for _ in 0..MAX_NESTING {
        let (_, found) = types.resolve(die)?;
        match &found.kind {
            Kind::Struct(record) | Kind::Union(record) => {
                let holds = |member: &&crate::types::Member| {
                    let MemberOffset::Bits(start) = member.offset else { return false };
                    let size = member.type_die.and_then(|die| types.resolve(die)?.1.size);
                    let inside = offset.checked_sub(start / 8);
                    inside.is_some_and(|inside| inside < size.unwrap_or(0)) && member.bit_size.is_none()
                };
                let Some(member) = record.members.iter().find(holds) else {
                    return (offset == 0).then_some((text, Some(die)));
                };
                let MemberOffset::Bits(start) = member.offset else { return None };
                if let Some(name) = &member.name {
                    text.push('.');
                    text.push_str(name);
                }
                offset -= start / 8;
                die = member.type_die?;
            }
            Kind::Array { element, dimensions, .. } => {
                let (element, size) = ((*element)?, types.resolve((*element)?)?.1.size?);
                let mut number = offset.checked_div(size)?;
                offset -= number * size;
                let mut indices = Vec::new();
                for count in dimensions.iter().skip(1).rev() {
                    let Count::Fixed(count) = *count else { return None };
                    indices.push(number.checked_rem(count)?);
                    number /= count;
                }
                indices.push(number);
                text.extend(indices.iter().rev().map(|index| format!("[{index}]")));
                die = element;
            }
            _ => return (offset == 0).then_some((text, Some(die))),
        }
    }
    None
}
