//! What the root DIE of a unit tells, read without the rest of the unit.
//!
//! Of most units nothing else is ever asked. Parsing such a unit as others are would read its whole
//! abbreviation table, of which the root needs one entry, and the header of its line program.

use crate::unwind::Bytes;
use gimli::{Abbreviations, DebugAbbrev, DebugAbbrevOffset, DwAt, LittleEndian, Reader, Section};
use std::sync::Arc;

/// Attributes that would be read with the unit and are not asked for here.
const UNASKED: [DwAt; 3] = [gimli::DW_AT_stmt_list, gimli::DW_AT_name, gimli::DW_AT_comp_dir];

/// The unit as far as its root has to do with code and strings: no other entry of it can be read.
pub(super) fn unit(
    dwarf: &gimli::Dwarf<Bytes>,
    header: gimli::UnitHeader<Bytes>,
) -> Option<gimli::Unit<Bytes>> {
    let code = header.range_from(header.root_offset()..).ok()?.read_uleb128().ok()?;
    let mut table = *dwarf.debug_abbrev.reader();
    table.skip(header.debug_abbrev_offset().0).ok()?;
    let root = abbreviation(table, code).ok()??;
    gimli::Unit::new_with_abbreviations(dwarf, header, Arc::new(root)).ok()
}

/// A table that has one abbreviation of `table` alone, with the unasked attributes under another name.
fn abbreviation(mut table: Bytes, wanted: u64) -> gimli::Result<Option<Abbreviations>> {
    loop {
        let start = table;
        let code = table.read_uleb128()?;
        if code == 0 {
            return Ok(None);
        }
        table.skip_leb128()?; // Its tag.
        table.read_u8()?; // Whether it has children.
        let mut unasked = Vec::new();
        loop {
            let at = table.offset_from(start);
            let (name, form) = (table.read_uleb128()?, table.read_uleb128()?);
            if form == u64::from(gimli::DW_FORM_implicit_const.0) {
                table.skip_leb128()?;
            }
            if (name, form) == (0, 0) {
                break;
            }
            if UNASKED.iter().any(|unasked| u64::from(unasked.0) == name) {
                unasked.push(at);
            }
        }
        if code != wanted {
            continue;
        }
        let mut declaration = start.slice().get(..table.offset_from(start)).unwrap_or_default().to_vec();
        for at in unasked {
            if let Some(name) = declaration.get_mut(at) {
                *name = gimli::DW_AT_description.0 as u8;
            }
        }
        let table = DebugAbbrev::new(&declaration, LittleEndian);
        return table.abbreviations(DebugAbbrevOffset(0)).map(Some);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code 1 with a member's attributes; code 2: name, statement list, low and high pc.
    const TABLE: [u8; 22] = [
        1, 0x0d, 0, 0x03, 0x08, 0x3a, 0x21, 0x01, 0, 0, //
        2, 0x11, 1, 0x03, 0x0e, 0x10, 0x17, 0x11, 0x01, 0, 0, 0,
    ];

    #[test]
    fn the_one_abbreviation_is_found_and_the_line_program_hidden() {
        let found = abbreviation(Bytes::new(&TABLE, LittleEndian), 2).unwrap().unwrap();
        assert!(found.get(1).is_none());
        let root = found.get(2).unwrap();
        assert_eq!(root.tag(), gimli::DW_TAG_compile_unit);
        let names: Vec<DwAt> = root.attributes().iter().map(|attribute| attribute.name()).collect();
        assert_eq!(names, [gimli::DW_AT_description, gimli::DW_AT_description, gimli::DW_AT_low_pc]);
    }

    #[test]
    fn a_table_without_the_code_has_none() {
        assert!(abbreviation(Bytes::new(&TABLE, LittleEndian), 3).unwrap().is_none());
        assert!(abbreviation(Bytes::new(&TABLE[..15], LittleEndian), 2).is_err());
    }
}
