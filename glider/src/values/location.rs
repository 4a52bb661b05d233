//! Evaluation of DWARF expressions in a frame (DWARF 5 §2.5, §2.6): from a variable's
//! location to the [`Place`] where it is.

use super::entry_value::TailCall;
use super::place::{Gathered, Missing, Place};
use super::{Process, thread_local};
use crate::address::{Address, Bias, FileAddress};
use crate::dwarf::{Argument, Attribute, Die, Location, Scopes, Unit, expression};
use crate::object::Module;
use crate::target::{Register, ThreadRegisters};
use crate::unwind::{Bytes, Frame};
use gimli::{AttributeValue, Evaluation, EvaluationResult, Reader, UnitOffset, Value as Operand, ValueType};
use std::rc::Rc;

/// Steps of one expression; real ones have a few dozen.
const MAX_STEPS: u32 = 10_000;
/// Expressions that need other expressions (entry values, called DIEs, frame bases).
const MAX_NESTING: u32 = 16;

/// A physical frame with what symbolizing found of it.
pub struct FrameView<'a> {
    /// Registers and how it was found.
    pub frame: &'a Frame,
    /// The object its code is in.
    pub module: Option<&'a Module>,
    /// The function and what is in scope.
    pub scopes: Option<Rc<Scopes>>,
}

/// Where an expression is evaluated: a frame of a thread of the process.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The process.
    pub process: Process<'a>,
    /// The thread's registers, for the thread pointer.
    pub thread: &'a ThreadRegisters,
    /// The thread's frames, innermost first; neighbours are physically adjacent.
    pub frames: &'a [FrameView<'a>],
    /// Index of the frame.
    pub index: usize,
    /// Set while an expression is evaluated for a function that has no frame any more, because
    /// it ended in a tail call: only what its caller passed is known then.
    pub(super) gone: Option<TailCall<'a>>,
    /// Whether callees are known to have left the registers at hand alone.
    pub(super) untouched: bool,
    pub(super) nesting: u32,
}

impl<'a> Scope<'a> {
    /// The scope of one frame.
    pub fn new(
        process: Process<'a>,
        thread: &'a ThreadRegisters,
        frames: &'a [FrameView<'a>],
        index: usize,
    ) -> Scope<'a> {
        Scope { process, thread, frames, index, gone: None, untouched: false, nesting: 0 }
    }

    pub(super) fn view(&self) -> Result<&'a FrameView<'a>, Missing> {
        self.frames.get(self.index).ok_or(Missing::OptimizedOut)
    }

    pub(super) fn nested(self) -> Result<Scope<'a>, Missing> {
        if self.nesting >= MAX_NESTING {
            return Err(Missing::Unsupported("expressions that need each other"));
        }
        Ok(Scope { nesting: self.nesting + 1, ..self })
    }

    pub(super) fn bias(&self) -> Result<Bias, Missing> {
        Ok(self.view()?.module.ok_or(Missing::OptimizedOut)?.bias)
    }

    /// The pc for lookups, in the terms of the frame's object.
    fn lookup_pc(&self) -> Result<FileAddress, Missing> {
        let pc = self.view()?.frame.lookup_pc().ok_or(Missing::OptimizedOut)?;
        Ok(self.bias()?.to_file(pc))
    }

    /// Where a variable is at this frame's pc.
    pub fn place(&self, location: &Location) -> Place {
        let found = match location {
            Location::Described(die, attribute) => self.described(die.unit, attribute),
            Location::Constant(die, attribute) => constant_place(*die, attribute),
            Location::Nowhere => Err(Missing::OptimizedOut),
        };
        found.unwrap_or_else(Place::Missing)
    }

    /// The register, by DWARF number, that holds the whole variable at this frame's pc.
    pub(crate) fn register_of(&self, location: &Location) -> Option<u16> {
        let Location::Described(die, attribute) = location else { return None };
        let (bytes, _) = self.expression_at(die.unit, attribute, self.lookup_pc()).ok()?;
        let mut operations = gimli::Expression(bytes).operations(die.unit.encoding());
        match (operations.next(), operations.next()) {
            (Ok(Some(gimli::Operation::Register { register })), Ok(None)) => Some(register.0),
            _ => None,
        }
    }

    /// Where the variable that a DIE describes is.
    pub fn place_of(&self, die: Die) -> Place {
        match self.nested() {
            Ok(scope) => scope.place(&Location::of(die)),
            Err(missing) => Place::Missing(missing),
        }
    }

    /// The integer that the variable of a DIE holds (`DW_AT_count` and bounds by reference).
    pub fn number_of(&self, die: Die) -> Option<u64> {
        let place = self.place_of(die);
        let (_, found) = self.process.types.resolve(die.type_die()?)?;
        place.read_bits(self.process.memory, 0, found.size?.saturating_mul(8)).ok().map(|bits| bits as u64)
    }

    fn described(&self, unit: &'static Unit, attribute: &Attribute) -> Result<Place, Missing> {
        let (bytes, range) = self.expression_at(unit, attribute, self.lookup_pc())?;
        match self.evaluate(bytes, unit, None) {
            Err(lost @ Missing::Overwritten(..)) => self.after_call(unit, attribute, range).ok_or(lost),
            other => other,
        }
    }

    /// Where a variable will be when the call that this frame waits for returns. During the call
    /// itself the location list still names the register that the callee may have overwritten.
    fn after_call(&self, unit: &'static Unit, attribute: &Attribute, during: gimli::Range) -> Option<Place> {
        let view = self.view().ok().filter(|view| !view.frame.pc_is_exact)?;
        let pc = self.bias().ok()?.to_file(view.frame.pc()?);
        let (bytes, _) = self.expression_at(unit, attribute, Ok(pc)).ok()?;
        let stays = (during.begin..during.end).contains(&pc.0);
        match stays {
            false => self.evaluate(bytes, unit, None).ok(),
            // gcc ends the range at the call unless it knows that the callee leaves the register
            // alone (-fipa-ra). Others do not promise that.
            true if unit.is_gnu => Scope { untouched: true, ..*self }.evaluate(bytes, unit, None).ok(),
            true => None,
        }
    }

    /// The expression in force at `pc`, and the code it holds for: the attribute's own, or the
    /// one of its location list.
    fn expression_at(
        &self,
        unit: &'static Unit,
        attribute: &Attribute,
        pc: Result<FileAddress, Missing>,
    ) -> Result<(Bytes, gimli::Range), Missing> {
        if let Some(expression) = expression(*attribute) {
            let nowhere = gimli::Range { begin: 0, end: 0 };
            return if expression.is_empty() {
                Err(Missing::OptimizedOut)
            } else {
                Ok((expression, nowhere))
            };
        }
        let pc = pc?;
        let mut list = unit
            .locations(attribute)
            .ok_or(Missing::Unsupported("a location that is neither expression nor list"))?;
        while let Ok(Some(entry)) = list.next() {
            if (entry.range.begin..entry.range.end).contains(&pc.0) && !entry.data.0.is_empty() {
                return Ok((entry.data.0, entry.range));
            }
        }
        Err(Missing::OptimizedOut)
    }

    /// Evaluates an expression of `unit` to a place. `object` is the address of the object
    /// that a member's location is relative to.
    pub fn evaluate(&self, bytes: Bytes, unit: &'static Unit, object: Option<u64>) -> Result<Place, Missing> {
        if let Some(place) = self.one_step(bytes, unit) {
            return place;
        }
        let mut evaluation = Evaluation::new(bytes, unit.encoding());
        evaluation.set_max_iterations(MAX_STEPS);
        if let Some(object) = object {
            evaluation.set_initial_value(object);
            evaluation.set_object_address(object);
        }
        self.run(&mut evaluation, unit)?;
        self.assemble(evaluation.result())
    }

    /// The place that an expression of one operation gives, where it is one of those that nearly all variables
    /// have: a register, or a distance from the frame's base. To evaluate these takes ten times as long.
    fn one_step(&self, bytes: Bytes, unit: &'static Unit) -> Option<Result<Place, Missing>> {
        const REG0: u8 = gimli::DW_OP_reg0.0;
        const REG31: u8 = gimli::DW_OP_reg31.0;
        let mut rest = bytes;
        match gimli::DwOp(rest.read_u8().ok()?) {
            gimli::DwOp(register @ REG0..=REG31) if rest.is_empty() => {
                Some(self.register(u16::from(register - REG0)).map(Place::of_bytes))
            }
            gimli::DW_OP_call_frame_cfa if rest.is_empty() => {
                let cfa = self.view().map(|view| view.frame.cfa.filter(|_| self.gone.is_none()));
                Some(cfa.and_then(|cfa| cfa.map(Place::Memory).ok_or(Missing::OptimizedOut)))
            }
            // Shorter addresses wrap earlier.
            gimli::DW_OP_fbreg if unit.encoding().address_size == 8 => {
                let offset = rest.read_sleb128().ok().filter(|_| rest.is_empty())?;
                Some(self.frame_base().map(|base| Place::Memory(Address(base).wrapping_offset(offset))))
            }
            _ => None,
        }
    }

    /// Evaluates an expression whose result is a number, such as an array's bound.
    pub(super) fn evaluate_number(&self, bytes: Bytes, unit: &'static Unit) -> Result<u64, Missing> {
        match self.evaluate(bytes, unit, None)? {
            Place::Memory(address) => Ok(address.0),
            place => place.read_bits(self.process.memory, 0, 64).map(|bits| bits as u64),
        }
    }

    /// The result of an array's bound or count in this frame.
    pub fn number(&self, bytes: Bytes) -> Option<u64> {
        let unit = self.view().ok()?.scopes.as_ref()?.function.die.unit;
        self.evaluate_number(bytes, unit).ok()
    }

    /// The result of an expression of `unit` over the address of an object.
    pub(super) fn number_over(&self, bytes: Bytes, unit: &'static Unit, object: u64) -> Option<u64> {
        match self.evaluate(bytes, unit, Some(object)).ok()? {
            Place::Memory(address) => Some(address.0),
            place => place.read_bits(self.process.memory, 0, 64).ok().map(|bits| bits as u64),
        }
    }

    /// The number of that many bytes, of a word by default, that is where an expression says.
    pub(super) fn stored_number(&self, bytes: Bytes, size: Option<u64>) -> Option<u64> {
        let unit = self.view().ok()?.scopes.as_ref()?.function.die.unit;
        let size = size.unwrap_or_else(|| u64::from(unit.encoding().address_size)).min(8);
        let place = self.evaluate(bytes, unit, None).ok()?;
        place.read_bits(self.process.memory, 0, size * 8).ok().map(|bits| bits as u64)
    }

    fn run(&self, evaluation: &mut Evaluation<Bytes>, unit: &'static Unit) -> Result<(), Missing> {
        let broken = |_| Missing::Unsupported("a DWARF expression that cannot be evaluated");
        let mut state = evaluation.evaluate().map_err(broken)?;
        // Each round consumes at least one of the bounded steps.
        for _ in 0..MAX_STEPS {
            state = match state {
                EvaluationResult::Complete => return Ok(()),
                EvaluationResult::RequiresMemory { address, size, base_type, .. } => {
                    let value = self.read_operand(Address(address), size, value_type(unit, base_type)?)?;
                    evaluation.resume_with_memory(value)
                }
                EvaluationResult::RequiresRegister { register, base_type } => {
                    let bytes = self.register(register.0)?;
                    let value = operand(&bytes, value_type(unit, base_type)?)?;
                    evaluation.resume_with_register(value)
                }
                EvaluationResult::RequiresFrameBase => evaluation.resume_with_frame_base(self.frame_base()?),
                EvaluationResult::RequiresTls(offset) => {
                    evaluation.resume_with_tls(self.thread_local(offset)?)
                }
                EvaluationResult::RequiresCallFrameCfa => {
                    let cfa = self.view()?.frame.cfa.filter(|_| self.gone.is_none());
                    let cfa = cfa.ok_or(Missing::OptimizedOut)?;
                    evaluation.resume_with_call_frame_cfa(cfa.0)
                }
                EvaluationResult::RequiresAtLocation(reference) => {
                    let attribute = match reference {
                        gimli::DieReference::UnitRef(offset) => AttributeValue::UnitRef(offset),
                        gimli::DieReference::DebugInfoRef(offset) => AttributeValue::DebugInfoRef(offset),
                    };
                    let called = unit.follow(&attribute).and_then(|die| die.location_expression());
                    evaluation.resume_with_at_location(
                        called.unwrap_or_else(|| Bytes::new(&[], gimli::LittleEndian)),
                    )
                }
                EvaluationResult::RequiresEntryValue(expression) => evaluation
                    .resume_with_entry_value(Operand::Generic(self.entry_value(Argument::In(expression.0))?)),
                EvaluationResult::RequiresParameterRef(offset) => evaluation
                    .resume_with_parameter_ref(self.entry_value(Argument::Of(Die { unit, offset }))?),
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    evaluation.resume_with_relocated_address(self.bias()?.to_runtime(FileAddress(address)).0)
                }
                EvaluationResult::RequiresIndexedAddress { index, relocate } => {
                    let address =
                        unit.indexed_address(index).ok_or(Missing::Unsupported("a broken address index"))?;
                    let bias = if relocate { self.bias()? } else { Bias::default() };
                    evaluation.resume_with_indexed_address(bias.to_runtime(FileAddress(address)).0)
                }
                EvaluationResult::RequiresBaseType(offset) => {
                    evaluation.resume_with_base_type(value_type(unit, offset)?)
                }
                _ => return Err(Missing::Unsupported("a DWARF operation that is not supported")),
            }
            .map_err(broken)?;
        }
        Err(Missing::Unsupported("a DWARF expression without end"))
    }

    fn read_operand(&self, address: Address, size: u8, kind: ValueType) -> Result<Operand, Missing> {
        let mut bytes = [0; 16];
        let slot = bytes.get_mut(..usize::from(size)).ok_or(Missing::Unsupported("a wide operand"))?;
        self.process.memory.read_exact(address, slot).ok_or(Missing::Unmapped(address))?;
        operand(&bytes, kind)
    }

    /// The bytes of a register in this frame, by DWARF number.
    fn register(&self, number: u16) -> Result<Vec<u8>, Missing> {
        if self.gone.is_some() {
            return Err(Missing::OptimizedOut);
        }
        let frame = self.view()?.frame;
        let arch = self.thread.general.arch();
        let lost = || Missing::Overwritten(number, arch);
        let floating = || frame.floating.as_deref().ok_or_else(lost);
        match arch.register(number).ok_or(Missing::Unsupported("a register that is not captured"))? {
            Register::General => {
                let inner = self.frames.get(..self.index).filter(|_| self.untouched).unwrap_or_default();
                let value = frame.registers.get(number);
                let value =
                    value.or_else(|| inner.iter().rev().find_map(|view| view.frame.registers.get(number)));
                let bytes = value.ok_or_else(lost)?.to_le_bytes();
                Ok(bytes.into_iter().take(arch.word() as usize).collect())
            }
            Register::ThreadPointer => Ok(self.thread.fs_base.to_le_bytes().to_vec()),
            Register::Vector(index) => floating()?.vector(index).ok_or(Missing::OptimizedOut),
            Register::X87(index) => {
                floating()?.st.get(index).map(|bytes| bytes.to_vec()).ok_or(Missing::OptimizedOut)
            }
        }
    }

    /// The frame base of the function (DWARF 5 §3.3.5).
    fn frame_base(&self) -> Result<u64, Missing> {
        let scopes = self.view()?.scopes.as_ref().filter(|_| self.gone.is_none());
        let function = &scopes.ok_or(Missing::OptimizedOut)?.function;
        let attribute = function.frame_base.as_ref().ok_or(Missing::OptimizedOut)?;
        let scope = self.nested()?;
        let (bytes, _) = scope.expression_at(function.die.unit, attribute, scope.lookup_pc())?;
        scope.evaluate_number(bytes, function.die.unit)
    }

    fn thread_local(&self, offset: u64) -> Result<u64, Missing> {
        let module = self.view()?.module.ok_or(Missing::OptimizedOut)?;
        thread_local::block(&self.process, module, self.thread)
            .map(|block| block.0.wrapping_add(offset))
            .ok_or(Missing::Unsupported("thread-local storage that is not allocated or not found"))
    }

    /// One place from the pieces of a location.
    fn assemble(&self, pieces: Vec<gimli::Piece<Bytes>>) -> Result<Place, Missing> {
        if let [gimli::Piece { size_in_bits: None, bit_offset: None, location }] = pieces.as_slice() {
            match *location {
                gimli::Location::Address { address } => return Ok(Place::Memory(Address(address))),
                gimli::Location::Empty => return Err(Missing::OptimizedOut),
                gimli::Location::ImplicitPointer { value, byte_offset } => {
                    let target = self.implicit_target(value)?;
                    return Ok(Place::ImplicitPointer(target, byte_offset));
                }
                _ => return self.piece_bytes(location).map(Place::of_bytes),
            }
        }
        let mut gathered = Gathered::default();
        let mut lost = None;
        let mut at: u64 = 0;
        for piece in &pieces {
            let size = piece.size_in_bits.unwrap_or(0);
            let skip = piece.bit_offset.unwrap_or(0);
            if let gimli::Location::ImplicitPointer { value, byte_offset } = piece.location {
                gathered.pointers.push((at, self.implicit_target(value)?, byte_offset));
            }
            let bytes = match piece.location {
                gimli::Location::Address { address } => {
                    let mut bytes =
                        vec![0; usize::try_from((skip + size).div_ceil(8)).unwrap_or(0).min(1 << 16)];
                    let read = self.process.memory.read(Address(address), &mut bytes);
                    bytes.truncate(read);
                    bytes
                }
                ref location => self.piece_bytes(location).unwrap_or_else(|missing| {
                    lost.get_or_insert(missing);
                    Vec::new()
                }),
            };
            gathered.put(at, size, |bit| {
                let from = skip.checked_add(bit)?;
                Some(bytes.get(usize::try_from(from / 8).ok()?)? >> (from % 8) & 1 == 1)
            });
            at = at.saturating_add(size);
        }
        let is_known =
            !gathered.pointers.is_empty() || gathered.known.iter().flatten().any(|bits| *bits != 0);
        if let Some(lost @ Missing::Overwritten(..)) = lost.filter(|_| !is_known) {
            return Err(lost);
        }
        Ok(Place::Gathered(Rc::new(gathered), 0))
    }

    fn piece_bytes(&self, location: &gimli::Location<Bytes>) -> Result<Vec<u8>, Missing> {
        match location {
            gimli::Location::Register { register } => self.register(register.0),
            gimli::Location::Value { value } => Ok(operand_bytes(*value)),
            gimli::Location::Bytes { value } => Ok(value.slice().to_vec()),
            _ => Err(Missing::OptimizedOut),
        }
    }

    /// The variable that a removed pointer points at.
    fn implicit_target(&self, offset: gimli::DebugInfoOffset) -> Result<Die, Missing> {
        let scopes = self.view()?.scopes.as_ref().ok_or(Missing::OptimizedOut)?;
        let unit = scopes.function.die.unit;
        unit.follow(&AttributeValue::DebugInfoRef(offset)).ok_or(Missing::OptimizedOut)
    }
}

/// The type of a typed operation; offset 0 is the generic type (DWARF 5 §2.5.1).
fn value_type(unit: &'static Unit, offset: UnitOffset) -> Result<ValueType, Missing> {
    if offset.0 == 0 {
        return Ok(ValueType::Generic);
    }
    unit.value_type(offset).ok_or(Missing::Unsupported("a typed operation without its type"))
}

fn operand(bytes: &[u8], kind: ValueType) -> Result<Operand, Missing> {
    let mut wide = [0; 16];
    for (slot, byte) in wide.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    if kind == ValueType::Generic {
        let [a, b, c, d, e, f, g, h, ..] = wide;
        return Ok(Operand::Generic(u64::from_le_bytes([a, b, c, d, e, f, g, h])));
    }
    Operand::parse(kind, gimli::EndianSlice::new(&wide, gimli::LittleEndian))
        .map_err(|_| Missing::Unsupported("an operand of a type that is not supported"))
}

fn operand_bytes(value: Operand) -> Vec<u8> {
    match value {
        Operand::Generic(value) | Operand::U64(value) => value.to_le_bytes().to_vec(),
        Operand::I8(value) => value.to_le_bytes().to_vec(),
        Operand::U8(value) => value.to_le_bytes().to_vec(),
        Operand::I16(value) => value.to_le_bytes().to_vec(),
        Operand::U16(value) => value.to_le_bytes().to_vec(),
        Operand::I32(value) => value.to_le_bytes().to_vec(),
        Operand::U32(value) => value.to_le_bytes().to_vec(),
        Operand::I64(value) => value.to_le_bytes().to_vec(),
        Operand::F32(value) => value.to_le_bytes().to_vec(),
        Operand::F64(value) => value.to_le_bytes().to_vec(),
    }
}

/// `DW_AT_const_value` (DWARF 5 §4.1): a number, a block of bytes or a string.
fn constant_place(die: Die, attribute: &Attribute) -> Result<Place, Missing> {
    let bytes = match attribute {
        AttributeValue::Block(bytes) => bytes.slice().to_vec(),
        AttributeValue::Exprloc(expression) => expression.0.slice().to_vec(),
        other => match crate::types::constant(other) {
            Some(value) => value.to_le_bytes().to_vec(),
            None => {
                let text = die.unit.string(*other).ok_or(Missing::OptimizedOut)?;
                let mut bytes = text.slice().to_vec();
                bytes.push(0);
                bytes
            }
        },
    };
    Ok(Place::of_bytes(bytes))
}
