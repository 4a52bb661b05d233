//! The definition of a type that another unit only declares: `struct store;` in C, `struct Widget::Impl;`
//! in C++, and the classes that clang describes in one unit of several (`-fno-standalone-debug`).
//!
//! There is no index for it. The name is searched in the sections as text (`search`), and the units it stands in
//! are gone through along the path of the name; not those of which the abbreviations tell that they
//! declare it as well, as every unit does that includes a header.

use super::search::Places;
use super::unit::DwarfFile;
use super::{DebugInfo, Die};
use crate::unwind::Bytes;
use gimli::{DebugInfoOffset, DwTag, Reader, Section as _};
use std::cell::Cell;
use std::sync::Arc;

/// Bytes of `.debug_info` whose entries are gone through for one name.
const MAX_READ: usize = 8 << 20;
/// Places of one name that are looked at.
const MAX_PLACES: usize = 1 << 16;

/// A type that is declared and not defined.
pub(crate) struct Declared {
    /// The namespaces and classes around it and its own name.
    path: Vec<Arc<str>>,
    /// What its definition may be.
    tags: &'static [DwTag],
    /// Whether it is declared inside of a class.
    is_member: bool,
}

/// A search would exceed its budget.
pub(crate) struct TooLarge;

impl Declared {
    /// What a DIE declares; `None` where it is defined, has no name or is known in its unit alone.
    pub(crate) fn of(die: Die) -> Option<Declared> {
        const CLASSES: &[DwTag] = &[gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type];
        let tags = match die.tag().filter(|_| die.is_declaration())? {
            gimli::DW_TAG_union_type => &[gimli::DW_TAG_union_type],
            tag if CLASSES.contains(&tag) => CLASSES,
            _ => return None,
        };
        let path = if die.unit.is_c() { vec![die.name()?] } else { die.path()? };
        let is_local = path.iter().any(|name| name.starts_with("(anonymous"));
        let is_member = path.len() > 1 && die.declaring_type().is_some();
        (!is_local).then_some(Declared { path, tags, is_member })
    }
}

impl DebugInfo {
    /// The definition in this file of a type that some file declares. `budget` is how many bytes may still be
    /// searched: it is lessened by those of each new search, and there is none that exceeds it.
    pub(crate) fn find_definition(
        &self,
        declared: &Declared,
        budget: &Cell<usize>,
    ) -> Result<Option<Die>, TooLarge> {
        if let Some(known) = self.definitions.borrow().get(&declared.path) {
            return Ok(*known);
        }
        let dwarf = &self.file.dwarf;
        let size = dwarf.debug_info.reader().len().saturating_add(dwarf.debug_str.reader().len());
        budget.set(budget.get().checked_sub(size).ok_or(TooLarge)?);
        let found = self.search_definition(declared);
        self.definitions.borrow_mut().insert(declared.path.clone(), found);
        Ok(found)
    }

    fn search_definition(&self, declared: &Declared) -> Option<Die> {
        let file = self.file;
        let mut places = Places::of_name(file, declared.path.last()?);
        places.info.truncate(MAX_PLACES);
        // g++ defines a member class by an entry that refers to the declaration and has no name of its own.
        if !declared.is_member {
            places.info.retain(|place| file.may_define(*place, declared.tags));
        }
        let mut read = 0;
        places.units(file).into_iter().find_map(|id| {
            let unit = file.unit(id).filter(|_| read < MAX_READ)?;
            read += unit.unit.header.length_including_self();
            defined_in(Die { unit, offset: unit.root() }, &declared.path, declared)
        })
    }
}

/// The definition inside of a scope, where `path` is what is left of the type's name there.
fn defined_in(scope: Die, path: &[Arc<str>], declared: &Declared) -> Option<Die> {
    let (name, inner) = path.split_first()?;
    scope.find_child(|die, entry| {
        let is_class = declared.tags.contains(&entry.tag());
        if is_class && entry.has_attr(gimli::DW_AT_specification) {
            return (die.path()? == declared.path).then_some(die);
        }
        let is_scope = is_class || entry.tag() == gimli::DW_TAG_namespace;
        if !is_scope || !die.is_named(entry, name) {
            return None;
        }
        match inner {
            [] => (is_class && !entry.has_attr(gimli::DW_AT_declaration)).then_some(die),
            _ => defined_in(die, inner, declared),
        }
    })
}

impl DwarfFile {
    /// Whether the entry whose name stands at `place` of `.debug_info` may define something with one of
    /// these tags: not when all that it can be is something else, or a declaration.
    fn may_define(&self, place: usize, tags: &[DwTag]) -> bool {
        let read = || {
            let id = self.unit_holding(DebugInfoOffset(place))?;
            let table = self.abbreviations_of(id)?;
            let info = self.dwarf.debug_info.reader().slice();
            // The name is the first attribute, or the second behind one of a byte; codes are short.
            let codes: Vec<u64> = (1..=4)
                .filter_map(|before| {
                    let start = place.checked_sub(before)?;
                    Bytes::new(info.get(start..place)?, gimli::LittleEndian).read_uleb128().ok()
                })
                .collect();
            meanings(table, &codes).ok()
        };
        let meanings = read().unwrap_or_default();
        let defines = |(tag, is_declaration): &(DwTag, bool)| tags.contains(tag) && !is_declaration;
        meanings.is_empty() || meanings.iter().any(defines)
    }
}

/// Of each of these abbreviation codes that a table has: its tag, and whether it is of declarations.
fn meanings(mut table: Bytes, codes: &[u64]) -> gimli::Result<Vec<(DwTag, bool)>> {
    let mut found = Vec::new();
    loop {
        let code = table.read_uleb128()?;
        if code == 0 || found.len() == codes.len() {
            return Ok(found);
        }
        let tag = table.read_uleb128_u16()?;
        table.read_u8()?; // Whether it has children.
        let mut is_declaration = false;
        loop {
            let (name, form) = (table.read_uleb128_u16()?, table.read_uleb128_u16()?);
            if form == gimli::DW_FORM_implicit_const.0 {
                table.skip_leb128()?;
            }
            if (name, form) == (0, 0) {
                break;
            }
            is_declaration |= name == gimli::DW_AT_declaration.0;
        }
        if codes.contains(&code) {
            found.push((DwTag(tag), is_declaration));
        }
    }
}
