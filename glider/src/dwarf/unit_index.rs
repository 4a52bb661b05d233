//! One pass over a unit's DIEs: where its functions lie, and what is nested in what.

use super::{Unit, ranges};
use crate::address::FileAddress;
use gimli::UnitOffset;

/// The functions of a unit by address, and the parents of nested entries.
#[derive(Default)]
pub(super) struct UnitIndex {
    /// Start, end and DIE of each range of a function, by start.
    functions: Vec<(u64, u64, UnitOffset)>,
    /// Entry and parent, by entry: only for entries inside of namespaces, types and functions.
    parents: Vec<(UnitOffset, UnitOffset)>,
}

impl UnitIndex {
    pub(super) fn new(unit: &Unit) -> UnitIndex {
        let mut index = UnitIndex::default();
        // A broken entry ends the pass; what was found before it stays.
        let _ = index.read(unit);
        index.functions.sort_unstable();
        index.parents.sort_unstable();
        index.functions.shrink_to_fit();
        index.parents.shrink_to_fit();
        index
    }

    fn read(&mut self, unit: &Unit) -> gimli::Result<()> {
        let mut entries = unit.unit.entries_raw(None)?;
        // Depth and offset of the enclosing entries that give names a scope.
        let mut enclosing: Vec<(isize, UnitOffset)> = Vec::new();
        while !entries.is_empty() {
            let (offset, depth) = (entries.next_offset(), entries.next_depth());
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            while enclosing.last().is_some_and(|(outer, _)| *outer >= depth) {
                enclosing.pop();
            }
            let tag = abbreviation.tag();
            if let Some((_, parent)) = enclosing.last().filter(|_| is_named(tag)) {
                self.parents.push((offset, *parent));
            }
            if is_scope(tag) && abbreviation.has_children() {
                enclosing.push((depth, offset));
            }
            entries.skip_attributes(abbreviation.attributes())?;
            if tag == gimli::DW_TAG_subprogram && has_code(abbreviation) {
                self.add_function(unit, offset);
            }
        }
        Ok(())
    }

    fn add_function(&mut self, unit: &Unit, offset: UnitOffset) {
        let Ok(entry) = unit.unit.entry(offset) else { return };
        for range in ranges::of_entry(unit.file, &unit.unit, &entry) {
            if range.begin != 0 && range.begin < range.end {
                self.functions.push((range.begin, range.end, offset));
            }
        }
    }

    /// The function whose code holds `pc`, and the start of the range that does.
    pub(super) fn function(&self, pc: FileAddress) -> Option<(UnitOffset, FileAddress)> {
        const OVERLAPPING: usize = 8;
        let after = self.functions.partition_point(|(begin, _, _)| *begin <= pc.0);
        let before = self.functions.get(..after)?;
        let (begin, _, offset) = before.iter().rev().take(OVERLAPPING).find(|(_, end, _)| pc.0 < *end)?;
        Some((*offset, FileAddress(*begin)))
    }

    /// The entry whose scope `offset` is declared in; `None` at the top of the unit.
    pub(super) fn parent(&self, offset: UnitOffset) -> Option<UnitOffset> {
        let found = self.parents.binary_search_by_key(&offset, |(entry, _)| *entry).ok()?;
        self.parents.get(found).map(|(_, parent)| *parent)
    }
}

fn has_code(abbreviation: &gimli::Abbreviation) -> bool {
    let code = [gimli::DW_AT_low_pc, gimli::DW_AT_ranges];
    abbreviation.attributes().iter().any(|attribute| code.contains(&attribute.name()))
}

/// Entries that give a scope to the names of what they hold.
fn is_scope(tag: gimli::DwTag) -> bool {
    is_type(tag)
        || tag == gimli::DW_TAG_namespace
        || tag == gimli::DW_TAG_module
        || tag == gimli::DW_TAG_subprogram
}

/// Entries whose qualified name may be asked for.
fn is_named(tag: gimli::DwTag) -> bool {
    is_scope(tag) || tag == gimli::DW_TAG_typedef || tag == gimli::DW_TAG_enumeration_type
}

fn is_type(tag: gimli::DwTag) -> bool {
    use gimli::{DW_TAG_class_type, DW_TAG_interface_type, DW_TAG_structure_type, DW_TAG_union_type};
    [DW_TAG_class_type, DW_TAG_interface_type, DW_TAG_structure_type, DW_TAG_union_type].contains(&tag)
}
