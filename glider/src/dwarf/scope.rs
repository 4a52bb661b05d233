//! What is in scope at a pc: the function, the calls inlined there, and their variables
//! (DWARF 5 §3.3, §3.5, §4.1).

use super::die::Entry;
use super::{Attribute, Die, Unit};
use crate::address::FileAddress;
use crate::report::VariableKind;
use std::sync::Arc;

/// Everything in scope at one pc.
pub struct Scopes {
    /// The function that the code belongs to.
    pub function: Function,
    /// Calls inlined at the pc, outermost first.
    pub inlined: Vec<Inlined>,
}

/// A function with code of its own.
pub struct Function {
    /// Its DIE.
    pub die: Die,
    /// Name for people.
    pub name: Option<Arc<str>>,
    /// Start of the range of its code that holds the pc.
    pub start: FileAddress,
    /// `DW_AT_frame_base`.
    pub frame_base: Option<Attribute>,
    /// Parameters and locals in scope, in the order of the debug information.
    pub variables: Vec<VariableDie>,
}

/// A call the compiler inlined.
pub struct Inlined {
    /// Name of the inlined function.
    pub name: Option<Arc<str>>,
    /// Start of the range of its code that holds the pc.
    pub start: Option<FileAddress>,
    /// File of the call.
    pub call_file: Option<Arc<str>>,
    /// Line of the call.
    pub call_line: Option<u32>,
    /// Column of the call.
    pub call_column: Option<u32>,
    /// Parameters and locals in scope.
    pub variables: Vec<VariableDie>,
}

/// A parameter or local.
pub struct VariableDie {
    /// Its DIE.
    pub die: Die,
    /// Name.
    pub name: Arc<str>,
    /// Parameter or local.
    pub kind: VariableKind,
    /// Nesting of lexical blocks inside its function, 0 for the outermost.
    pub depth: u32,
    /// DIE of its type.
    pub type_die: Option<Die>,
    /// Where its value is.
    pub location: Location,
}

/// Where a variable's value is, before evaluation.
#[derive(Clone)]
pub enum Location {
    /// `DW_AT_location`: an expression or a list, of the unit of this DIE.
    Described(Die, Attribute),
    /// `DW_AT_const_value`, of the unit of this DIE.
    Constant(Die, Attribute),
    /// None given: optimized out.
    Nowhere,
}

/// Blocks of an abstract instance that are read for a scope.
const MAX_ABSTRACT_BLOCKS: usize = 256;

/// A scope being read: its DIE's depth, and what is needed to complete it when it ends.
struct Open {
    depth: isize,
    level: usize,
    block: u32,
    origin: Option<Die>,
    seen: Vec<(usize, usize)>,
}

/// The function of `unit` at `pc` and all that is in scope there.
pub(super) fn find(unit: &'static Unit, pc: FileAddress) -> Option<Scopes> {
    let (offset, start) = unit.index().function(pc)?;
    let die = Die { unit, offset };
    let entry = die.entry()?;
    let mut scopes = Scopes {
        function: Function {
            die,
            name: die.function_name(),
            start,
            frame_base: entry.attr_value(gimli::DW_AT_frame_base),
            variables: Vec::new(),
        },
        inlined: Vec::new(),
    };
    // A broken entry ends the walk; what was found before it stays.
    let _ = scopes.read(die, &entry, pc);
    Some(scopes)
}

impl Scopes {
    fn read(&mut self, function: Die, entry: &Entry, pc: FileAddress) -> gimli::Result<()> {
        let unit = function.unit;
        let mut open = vec![Open::new(function, entry, 0, 0, 0)];
        let mut cursor = unit.unit.entries_at_offset(function.offset)?;
        cursor.next_entry()?;
        let mut skip_children = false;
        if !entry.has_children() {
            self.close(&mut open);
            return Ok(());
        }
        loop {
            let moved = if std::mem::take(&mut skip_children) {
                cursor.next_sibling()?;
                true
            } else {
                cursor.next_entry()?
            };
            if !moved || cursor.depth() <= 0 {
                break;
            }
            let depth = cursor.depth();
            while open.last().is_some_and(|scope| scope.depth >= depth) {
                self.close(&mut open);
            }
            let (Some(child), Some(scope)) = (cursor.current(), open.last_mut()) else { continue };
            let die = Die { unit, offset: child.offset() };
            let inside = |die: Die| die.holds(child, pc);
            if is_variable(child) || child.tag() == gimli::DW_TAG_lexical_block {
                scope.seen.extend(die.reference(child, gimli::DW_AT_abstract_origin).map(Die::key));
            }
            match child.tag() {
                gimli::DW_TAG_formal_parameter | gimli::DW_TAG_variable => {
                    let (level, block) = (scope.level, scope.block);
                    self.add_variable(level, block, die, child);
                    skip_children = child.has_children();
                }
                gimli::DW_TAG_lexical_block if inside(die) != Some(false) => {
                    let block = scope.block.saturating_add(u32::from(inside(die) == Some(true)));
                    let opened = Open::new(die, child, depth, scope.level, block);
                    open.push(opened);
                }
                gimli::DW_TAG_inlined_subroutine if inside(die) == Some(true) => {
                    self.inlined.push(Inlined::new(die, child, pc));
                    open.push(Open::new(die, child, depth, self.inlined.len(), 0));
                }
                gimli::DW_TAG_GNU_formal_parameter_pack | gimli::DW_TAG_common_block => {}
                _ => skip_children = child.has_children(),
            }
        }
        while !open.is_empty() {
            self.close(&mut open);
        }
        Ok(())
    }

    fn variables(&mut self, level: usize) -> &mut Vec<VariableDie> {
        match level.checked_sub(1).and_then(|inlined| self.inlined.get_mut(inlined)) {
            Some(inlined) => &mut inlined.variables,
            None => &mut self.function.variables,
        }
    }

    fn add_variable(&mut self, level: usize, depth: u32, die: Die, entry: &Entry) {
        // `extern` in a function: a global variable, listed where it is defined.
        if entry.has_attr(gimli::DW_AT_declaration) {
            return;
        }
        let Some(name) = die.name() else { return };
        let kind = match entry.tag() {
            gimli::DW_TAG_formal_parameter => VariableKind::Parameter,
            _ => VariableKind::Local,
        };
        let type_die = die.type_die();
        let location = Location::of(die);
        self.variables(level).push(VariableDie { die, name, kind, depth, type_die, location });
    }

    /// Ends the innermost scope: adds what the abstract instance of a scope declares and its concrete one does not repeat:
    /// the compiler kept nothing of it here (DWARF 5 §3.3.8.2), except static variables. Inner
    /// blocks of which it kept nothing are added too: whether the pc is in them is not told.
    fn close(&mut self, open: &mut Vec<Open>) {
        let Some(Open { level, block, origin, seen, .. }) = open.pop() else { return };
        // Compilers move variables into inner blocks: what an inner block has, the outer one need not repeat.
        if let Some(outer) = open.last_mut().filter(|outer| outer.level == level) {
            outer.seen.extend_from_slice(&seen);
        }
        let Some(origin) = origin else { return };
        let mut blocks = vec![(origin, block)];
        for _ in 0..MAX_ABSTRACT_BLOCKS {
            let Some((origin, block)) = blocks.pop() else { return };
            for (die, entry) in origin.children().into_iter().filter(|(die, _)| !seen.contains(&die.key())) {
                if is_variable(&entry) {
                    self.add_variable(level, block, die, &entry);
                } else if entry.tag() == gimli::DW_TAG_lexical_block {
                    blocks.push((die, block.saturating_add(1)));
                }
            }
        }
    }
}

fn is_variable(entry: &Entry) -> bool {
    matches!(entry.tag(), gimli::DW_TAG_formal_parameter | gimli::DW_TAG_variable)
}

impl Open {
    fn new(die: Die, entry: &Entry, depth: isize, level: usize, block: u32) -> Open {
        let origin = die.reference(entry, gimli::DW_AT_abstract_origin);
        Open { depth, level, block, origin, seen: Vec::new() }
    }
}

impl Inlined {
    fn new(die: Die, entry: &Entry, pc: FileAddress) -> Inlined {
        let number = |name| entry.attr(name).and_then(|attribute| attribute.udata_value());
        let small =
            |name| number(name).and_then(|value| u32::try_from(value).ok()).filter(|value| *value != 0);
        let call_file = match entry.attr_value(gimli::DW_AT_call_file) {
            Some(gimli::AttributeValue::FileIndex(index)) => die.unit.file_path(index),
            _ => None,
        };
        Inlined {
            name: die.function_name(),
            start: die.range_start(entry, pc),
            call_file,
            call_line: small(gimli::DW_AT_call_line),
            call_column: small(gimli::DW_AT_call_column),
            variables: Vec::new(),
        }
    }
}

impl Location {
    /// What the debug information says of the place of a variable.
    pub fn of(die: Die) -> Location {
        for (owner, entry) in die.chain() {
            if let Some(value) = entry.attr_value(gimli::DW_AT_location) {
                return Location::Described(owner, value);
            }
            if let Some(value) = entry.attr_value(gimli::DW_AT_const_value) {
                return Location::Constant(owner, value);
            }
        }
        Location::Nowhere
    }
}
