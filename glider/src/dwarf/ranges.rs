//! The ranges of code of an entry, of which a file may say anything.

use super::{DwarfFile, Entry};
use crate::unwind::Bytes;
use gimli::AttributeValue::Udata;

/// The ranges of an entry of `unit`; none where it has none that make sense. gimli adds the size of a
/// range to its start without a look at what comes of it, so that is done here first.
pub(super) fn of_entry(
    file: &DwarfFile,
    unit: &gimli::Unit<Bytes>,
    entry: &Entry,
) -> impl Iterator<Item = gimli::Range> + use<> {
    let start =
        entry.attr_value(gimli::DW_AT_low_pc).and_then(|start| file.dwarf.attr_address(unit, start).ok()?);
    let is_possible = match (start, entry.attr_value(gimli::DW_AT_high_pc)) {
        (Some(start), Some(Udata(size))) => start.checked_add(size).is_some(),
        _ => true,
    };
    let mut ranges = if is_possible { file.dwarf.die_ranges(unit, entry).ok() } else { None };
    std::iter::from_fn(move || ranges.as_mut()?.next().ok().flatten())
}

/// The ranges of a unit, which its root entry has.
pub(super) fn of_unit(
    file: &DwarfFile,
    unit: &gimli::Unit<Bytes>,
) -> impl Iterator<Item = gimli::Range> + use<> {
    let root = unit.entry(unit.header.root_offset()).ok();
    root.map(|root| of_entry(file, unit, &root)).into_iter().flatten()
}
