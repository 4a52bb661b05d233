//! Types and variables of a whole object by name and address: what plugins ask for. Nothing
//! else needs it, so it is read when first asked for: the units that a search of the sections
//! points out, and when the search was in vain all units of a file of ordinary size.

use super::unit::UnitId;
use super::{DebugInfo, Die, DwarfFile, Entry, Unit, expression, search};
use crate::address::FileAddress;
use gimli::Section as _;
use rustc_hash::FxHashSet;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of `.debug_info` up to which all of it is read.
const ORDINARY_SIZE: usize = 16 << 20;
/// Bytes of `.debug_info` that are read of a larger one.
const MAX_READ: usize = 64 << 20;
/// Searches through one file.
const MAX_SEARCHES: usize = 64;

/// Namespaces inside each other that are looked into.
const MAX_NESTING: u32 = 16;

/// Everything declared outside of functions.
#[derive(Default)]
pub(super) struct Globals {
    /// Types by qualified name without keyword, definitions before declarations.
    types: HashMap<Arc<str>, Vec<Die>>,
    /// Variables by address.
    variables: HashMap<u64, Die>,
    /// The units that were read.
    units: FxHashSet<UnitId>,
    /// Their size, bytes.
    size: usize,
    /// What was searched for.
    searched: FxHashSet<String>,
    /// Whether units are read only when a search points them out, whatever the size of the file.
    #[cfg(test)]
    only_searches: bool,
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
        let is_asked_for = |die: &&Die| tags.is_empty() || die.tag().is_some_and(|tag| tags.contains(&tag));
        let find = |globals: &Globals| {
            let known = globals.types.get(bare.trim())?;
            let definition = known.iter().filter(is_asked_for).find(|die| !die.is_declaration());
            definition.or_else(|| known.iter().find(is_asked_for)).copied()
        };
        let is_definition = |globals: &Globals| find(globals).is_some_and(|die| !die.is_declaration());
        self.read_globals(bare.trim(), is_definition, || {
            search::Places::of_name(self.file, last_component(bare.trim())).units(self.file)
        });
        find(&self.globals.borrow())
    }

    /// The type of the variable that lies at an address; for the start of a function, the function.
    pub fn type_at(&self, address: FileAddress) -> Option<Die> {
        let find = |globals: &Globals| globals.variables.get(&address.0).copied();
        let is_found = |globals: &Globals| find(globals).is_some();
        self.read_globals(&format!("{:#x}", address.0), is_found, || {
            search::units_with_address(self.file, address.0)
        });
        if let Some(variable) = find(&self.globals.borrow()) {
            return variable.type_die();
        }
        let scopes = self.scopes(address)?;
        (scopes.function.start == address).then_some(scopes.function.die)
    }

    /// Reads units until `sought` is found among what was read: those that `search` gives, and
    /// then all of a file of ordinary size, which may name it where no search looks.
    fn read_globals(
        &self,
        sought: &str,
        is_found: impl Fn(&Globals) -> bool,
        search: impl FnOnce() -> Vec<UnitId>,
    ) {
        let mut globals = self.globals.borrow_mut();
        if is_found(&globals) {
            return;
        }
        if globals.searched.len() < MAX_SEARCHES && globals.searched.insert(sought.to_owned()) {
            for id in search() {
                if globals.size > MAX_READ {
                    self.file
                        .add_gap(|| "types may be missing: not all of it was searched for them".to_owned());
                    return;
                }
                globals.read_once(id, self.file);
                if is_found(&globals) {
                    return;
                }
            }
        }
        let is_ordinary = self.file.dwarf.debug_info.reader().len() <= ORDINARY_SIZE;
        #[cfg(test)]
        let is_ordinary = is_ordinary && !globals.only_searches;
        if is_ordinary {
            for (id, _) in self.file.unit_headers() {
                globals.read_once(id, self.file);
            }
        }
    }
}

/// `Inner<a::b>` of `outer::Inner<a::b>`.
fn last_component(name: &str) -> &str {
    let mut level = 0usize;
    let mut last = name;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'<' | b'(' => level += 1,
            b'>' | b')' => level = level.saturating_sub(1),
            b':' if level == 0 => last = name.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    last
}

#[cfg(test)]
impl Globals {
    /// Nothing read yet, and units are searched for.
    pub(super) fn for_large_files() -> Globals {
        Globals { only_searches: true, ..Globals::default() }
    }

    /// How many units were read.
    pub(super) fn units_read(&self) -> usize {
        self.units.len()
    }
}

impl Globals {
    fn read_once(&mut self, id: UnitId, file: &'static DwarfFile) {
        if self.units.insert(id)
            && let Some(unit) = file.unit(id)
        {
            self.size += unit.unit.header.length_including_self();
            self.read(unit);
        }
    }

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
