//! Which unit holds a pc: from `.debug_aranges` (DWARF 5 §6.1.2), and for units that are
//! not listed there from the ranges of their root DIEs.

use super::unit::{UNITS_IN_MEMORY, UnitId};
use super::{DwarfFile, Unit, ranges, root};
use crate::address::FileAddress;
use gimli::UnitType;
use rustc_hash::FxHashSet;
use std::cell::OnceCell;

/// Sorted, for lookup by pc.
pub(super) struct UnitRanges {
    listed: Ranges,
    /// Units without an entry in `.debug_aranges`; read only when a pc is in no listed unit.
    unlisted: OnceCell<Ranges>,
    listed_units: FxHashSet<UnitId>,
}

/// Start, end and unit, by start. Ranges of different units do not overlap in sane files;
/// where they do, the nearest start wins.
#[derive(Default)]
struct Ranges(Vec<(u64, u64, UnitId)>);

impl Ranges {
    fn push(&mut self, begin: u64, end: u64, unit: UnitId) {
        // Address zero is what linkers leave of code they dropped.
        if begin != 0 && begin < end {
            self.0.push((begin, end, unit));
        }
    }

    /// Stable, because that sort finds what is in order already: the ranges of a unit, and units mostly.
    fn sort(&mut self) {
        self.0.sort_by_key(|(begin, _, _)| *begin);
    }

    fn find(&self, pc: u64) -> Option<UnitId> {
        const OVERLAPPING: usize = 8;
        let after = self.0.partition_point(|(begin, _, _)| *begin <= pc);
        let before = self.0.get(..after)?;
        before.iter().rev().take(OVERLAPPING).find(|(_, end, _)| pc < *end).map(|(_, _, unit)| *unit)
    }
}

impl UnitRanges {
    pub(super) fn new(file: &DwarfFile) -> UnitRanges {
        let mut listed = Ranges::default();
        let mut listed_units = FxHashSet::default();
        let mut headers = file.dwarf.debug_aranges.headers();
        while let Ok(Some(header)) = headers.next() {
            let unit = UnitId::of_info(header.debug_info_offset());
            let mut entries = header.entries();
            let mut is_listed = false;
            while let Ok(Some(entry)) = entries.next() {
                is_listed = true;
                let range = entry.range();
                listed.push(range.begin, range.end, unit);
            }
            if is_listed {
                listed_units.insert(unit);
            }
        }
        listed.sort();
        UnitRanges { listed, unlisted: OnceCell::new(), listed_units }
    }

    pub(super) fn find(&self, pc: FileAddress, file: &'static DwarfFile) -> Option<&'static Unit> {
        let unit = self
            .listed
            .find(pc.0)
            .or_else(|| self.unlisted.get_or_init(|| self.read_unlisted(file)).find(pc.0))?;
        file.unit(unit)
    }

    fn read_unlisted(&self, file: &'static DwarfFile) -> Ranges {
        let mut unlisted = Ranges::default();
        for (number, (id, header)) in file.unit_headers().enumerate() {
            if number % UNITS_IN_MEMORY == UNITS_IN_MEMORY - 1 {
                file.release_units();
            }
            let is_compilation =
                matches!(header.type_(), UnitType::Compilation | UnitType::Partial | UnitType::Skeleton(_));
            if !is_compilation || self.listed_units.contains(&id) {
                continue;
            }
            let Some(unit) = root::unit(&file.dwarf, *header) else { continue };
            for range in ranges::of_unit(file, &unit) {
                unlisted.push(range.begin, range.end, id);
            }
        }
        unlisted.sort();
        unlisted
    }
}
