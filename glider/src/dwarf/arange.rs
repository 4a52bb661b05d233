//! Which unit holds a pc: from `.debug_aranges` (DWARF 5 §6.1.2), and for units that are
//! not listed there from the ranges of their root DIEs.

use super::unit::{UNITS_IN_MEMORY, UnitId};
use super::{DwarfFile, Unit, ranges, root};
use crate::address::FileAddress;
use crate::nearest::Nearest;
use crate::unwind::Bytes;
use gimli::{Section as _, UnitType};
use rustc_hash::FxHashSet;
use std::cell::OnceCell;

/// Sorted, for lookup by pc.
pub(super) struct UnitRanges {
    listed: Ranges,
    /// Units without an entry in `.debug_aranges`; read only when a pc is in no listed unit.
    unlisted: OnceCell<Ranges>,
    listed_units: FxHashSet<UnitId>,
}

/// The code of units. Ranges of different units do not overlap in sane files; where they do, the nearest
/// start wins.
#[derive(Default)]
struct Ranges {
    units: Vec<UnitId>,
    ranges: Vec<Range>,
    by_start: Nearest,
}

/// A piece of code. There are half a million in a large program.
#[derive(Clone, Copy)]
struct Range {
    begin: u64,
    /// No piece is longer than 4 GiB.
    length: u32,
    /// Index in the list of units.
    unit: u32,
}

impl Ranges {
    /// The code of the next unit: starts and ends. Gives whether there are any.
    fn push(&mut self, id: UnitId, pieces: impl Iterator<Item = (u64, u64)>) -> bool {
        let Ok(unit) = u32::try_from(self.units.len()) else { return false };
        self.units.push(id);
        let mut pieces = pieces.peekable();
        let is_any = pieces.peek().is_some();
        // Address zero is what linkers leave of code they dropped.
        let pieces = pieces.filter(|(begin, end)| *begin != 0 && begin < end);
        self.ranges.extend(pieces.map(|(begin, end)| Range {
            begin,
            length: u32::try_from(end - begin).unwrap_or(u32::MAX),
            unit,
        }));
        is_any
    }

    /// Makes the ranges ready to be found.
    fn index(&mut self) {
        let starts = self.ranges.iter().map(|range| range.begin);
        let lowest = starts.clone().min().unwrap_or_default();
        let highest = starts.clone().max().unwrap_or_default();
        self.by_start = Nearest::new((0..).zip(starts), self.ranges.len(), lowest..highest);
    }

    fn find(&self, pc: u64) -> Option<UnitId> {
        const OVERLAPPING: usize = 8;
        let range = |number: u32| self.ranges.get(number as usize);
        let begin = |number| range(number).map_or(0, |range| range.begin);
        let before = self.by_start.before(pc, begin).take(OVERLAPPING).filter_map(range);
        let holder = before.into_iter().find(|range| pc - range.begin < u64::from(range.length))?;
        self.units.get(holder.unit as usize).copied()
    }
}

/// The starts and ends in a set whose addresses have eight bytes, as nearly all have; gimli, which reads all kinds,
/// takes ten times as long.
fn wide_pieces(
    section: Bytes,
    set: &gimli::ArangeHeader<Bytes>,
) -> Option<impl Iterator<Item = (u64, u64)> + use<>> {
    const TUPLE: usize = 16;
    let encoding = set.encoding();
    if encoding.address_size != 8 {
        return None;
    }
    let format = encoding.format;
    let length_size = usize::from(format.initial_length_size());
    // Length, version, offset of the unit, sizes of an address and of a segment (DWARF 5 §6.1.2).
    let header = length_size + 2 + usize::from(format.word_size()) + 1 + 1;
    let set_bytes = section.slice().get(set.offset().0..)?.get(..length_size.checked_add(set.length())?)?;
    let tuples = set_bytes.get(header.next_multiple_of(TUPLE)..)?.as_chunks::<TUPLE>().0;
    let pieces = tuples.iter().map(|tuple| {
        let [begin, length] = [0, 8].map(|at| {
            tuple.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
        });
        (begin, length)
    });
    let pieces = pieces.take_while(|piece| *piece != (0, 0));
    Some(pieces.filter_map(|(begin, length)| Some((begin, begin.checked_add(length)?))))
}

impl UnitRanges {
    pub(super) fn new(file: &DwarfFile) -> UnitRanges {
        let mut listed = Ranges::default();
        let mut listed_units = FxHashSet::default();
        let mut headers = file.dwarf.debug_aranges.headers();
        while let Ok(Some(header)) = headers.next() {
            let unit = UnitId::of_info(header.debug_info_offset());
            let is_listed = match wide_pieces(*file.dwarf.debug_aranges.reader(), &header) {
                Some(pieces) => listed.push(unit, pieces),
                None => {
                    let mut entries = header.entries();
                    let entries = std::iter::from_fn(|| entries.next().ok().flatten());
                    listed.push(unit, entries.map(|entry| (entry.range().begin, entry.range().end)))
                }
            };
            if is_listed {
                listed_units.insert(unit);
            }
        }
        listed.index();
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
            unlisted.push(id, ranges::of_unit(file, &unit).map(|range| (range.begin, range.end)));
        }
        unlisted.index();
        unlisted
    }
}
