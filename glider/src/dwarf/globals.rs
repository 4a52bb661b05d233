//! Types and variables of a whole object by name and address: what plugins ask for. Nothing
//! else needs it, so it is read when first asked for, in one pass over all units.

use super::{DebugInfo, Die, Entry, Unit, expression};
use crate::address::FileAddress;
use std::collections::HashMap;
use std::sync::Arc;

/// Namespaces inside each other that are looked into.
const MAX_NESTING: u32 = 16;

/// Everything declared outside of functions.
#[derive(Default)]
pub(super) struct Globals {
    /// Types by qualified name without keyword, definitions before declarations.
    types: HashMap<Arc<str>, Vec<Die>>,
    /// Variables by address.
    variables: HashMap<u64, Die>,
}

impl DebugInfo {
    /// The type of that name as its language spells it: `struct foo`, `foo_t`, `ns::Foo`. A
    /// definition, unless there are only declarations.
    pub fn find_type(&self, name: &str) -> Option<Die> {
        use gimli::{DW_TAG_class_type, DW_TAG_enumeration_type, DW_TAG_structure_type, DW_TAG_union_type};
        let keywords: [(&str, &[gimli::DwTag]); 4] = [
            ("struct ", &[DW_TAG_structure_type, DW_TAG_class_type]),
            ("class ", &[DW_TAG_structure_type, DW_TAG_class_type]),
            ("union ", &[DW_TAG_union_type]),
            ("enum ", &[DW_TAG_enumeration_type]),
        ];
        let keyword = keywords.iter().find_map(|(word, tags)| Some((name.strip_prefix(word)?, *tags)));
        let (bare, tags) = keyword.unwrap_or((name, &[]));
        let known = self.globals().types.get(bare.trim())?;
        let is_asked_for = |die: &&Die| tags.is_empty() || die.tag().is_some_and(|tag| tags.contains(&tag));
        known.iter().find(is_asked_for).copied()
    }

    /// The type of the variable that lies at an address; for the start of a function, the function.
    pub fn type_at(&self, address: FileAddress) -> Option<Die> {
        if let Some(variable) = self.globals().variables.get(&address.0) {
            return variable.type_die();
        }
        let scopes = self.scopes(address)?;
        (scopes.function.start == address).then_some(scopes.function.die)
    }

    fn globals(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let mut globals = Globals::default();
            for (id, _) in self.file.unit_headers() {
                if let Some(unit) = self.file.unit(id) {
                    globals.read(unit);
                }
            }
            globals
        })
    }
}

impl Globals {
    fn read(&mut self, unit: &'static Unit) {
        let root = Die { unit, offset: unit.root() };
        self.read_scope(root, "", MAX_NESTING);
    }

    fn read_scope(&mut self, scope: Die, prefix: &str, levels: u32) {
        let Some(levels) = levels.checked_sub(1) else { return };
        for (die, entry) in scope.children() {
            match entry.tag() {
                gimli::DW_TAG_variable => self.add_variable(die, &entry),
                gimli::DW_TAG_namespace => {
                    let name = die.string(&entry, gimli::DW_AT_name);
                    let name = name.as_deref().unwrap_or("(anonymous namespace)");
                    self.read_scope(die, &format!("{prefix}{name}::"), levels);
                }
                tag if is_type(tag) => {
                    let Some(name) = die.string(&entry, gimli::DW_AT_name) else { continue };
                    let is_declaration = entry.has_attr(gimli::DW_AT_declaration);
                    let known = self.types.entry(format!("{prefix}{name}").into()).or_default();
                    // One of each sort is enough: the same header is in many units.
                    match known.iter().position(|other| other.tag() == Some(tag)) {
                        None => known.push(die),
                        Some(place) if !is_declaration => {
                            if known.get(place).is_some_and(|other| other.is_declaration()) {
                                known.splice(place..=place, [die]);
                            }
                        }
                        Some(_) => {}
                    }
                }
                _ => {}
            }
        }
    }

    fn add_variable(&mut self, die: Die, entry: &Entry) {
        if let Some(address) = fixed_address(die, entry) {
            self.variables.entry(address).or_insert(die);
        }
    }
}

impl Unit {
    /// The variable of this unit, outside of functions and namespaces, that lies at an address.
    pub fn variable_at(&'static self, address: FileAddress) -> Option<Die> {
        let root = Die { unit: self, offset: self.root() };
        let is_there = |(die, entry): &(Die, Entry)| {
            entry.tag() == gimli::DW_TAG_variable && fixed_address(*die, entry) == Some(address.0)
        };
        root.children().into_iter().find(is_there).map(|(die, _)| die)
    }
}

/// The address of a variable that has a fixed one: `DW_OP_addr` alone.
fn fixed_address(die: Die, entry: &Entry) -> Option<u64> {
    let bytes = entry.attr_value(gimli::DW_AT_location).and_then(expression)?;
    let mut operations = gimli::Expression(bytes).operations(die.unit.encoding());
    let address = match operations.next() {
        Ok(Some(gimli::Operation::Address { address })) => Some(address),
        Ok(Some(gimli::Operation::AddressIndex { index })) => die.unit.indexed_address(index),
        _ => None,
    };
    address.filter(|_| matches!(operations.next(), Ok(None)))
}

fn is_type(tag: gimli::DwTag) -> bool {
    [
        gimli::DW_TAG_base_type,
        gimli::DW_TAG_structure_type,
        gimli::DW_TAG_class_type,
        gimli::DW_TAG_union_type,
        gimli::DW_TAG_enumeration_type,
        gimli::DW_TAG_typedef,
    ]
    .contains(&tag)
}
