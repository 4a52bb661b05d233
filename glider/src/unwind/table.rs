//! Finds the row for an address in the call frame tables of one object: `.eh_frame` through
//! the binary search table of `.eh_frame_hdr` (LSB 5.0, 10.6), `.eh_frame` without it, and
//! `.debug_frame`.
//!
//! Pipeline place: under [`cache`](super::cache), which keeps what is found here. Every
//! byte is untrusted: what gimli does not check before it computes is checked here.

use super::row::Row;
use super::{Bytes, Section, UnwindSections};
use crate::address::{Address, Bias};
use crate::target::Arch;
use gimli::{
    BaseAddresses, CieOrFde, CommonInformationEntry, DebugFrame, EhFrame, EhFrameHdr, FrameDescriptionEntry,
    ParsedEhFrameHdr, UnwindContext, UnwindSection,
};

/// Bytes of instructions that a function's entry may have. Real ones stay below some 100 KiB.
const MAX_ENTRY: usize = 1 << 20;

/// The entries of one section that has no usable search table, sorted by address.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// First address (in the file) and offset of the entry in its section.
    entries: Vec<(u64, usize)>,
}

/// What a search in one section says.
enum Found {
    /// The row.
    Row(Box<Row>),
    /// The section is sound and covers the address with nothing usable.
    Nothing,
    /// The section's search table is missing or broken: an index is needed.
    NeedsIndex,
}

/// Indexes by the section they belong to: sections are slices that live as long as the process.
pub(super) type Indexes = std::collections::HashMap<(usize, usize), Index>;

/// The row that holds for `lookup` (a runtime address), from the first section that has one.
pub(super) fn find_row(
    sections: &UnwindSections,
    lookup: Address,
    indexes: &mut Indexes,
    context: &mut UnwindContext<usize>,
) -> Option<Box<Row>> {
    let bases = base_addresses(sections);
    let address = sections.bias.to_file(lookup).0;
    let size = sections.arch.word() as u8;
    if let Some(section) = sections.eh_frame {
        let mut eh_frame = EhFrame::from(section.data);
        eh_frame.set_address_size(size);
        let found = match sections.eh_frame_hdr {
            Some(header) => search_header(header, sections, &eh_frame, &bases, address, context),
            None => Found::NeedsIndex,
        };
        match found {
            Found::Row(row) => return Some(row),
            Found::Nothing => {}
            Found::NeedsIndex => {
                let index = index_of(section, &eh_frame, &bases, indexes);
                if let Some(row) = index.find(&eh_frame, &bases, sections, address, context) {
                    return Some(row);
                }
            }
        }
    }
    let section = sections.debug_frame?;
    let mut debug_frame = DebugFrame::from(section.data);
    debug_frame.set_address_size(size);
    let index = index_of(section, &debug_frame, &bases, indexes);
    index.find(&debug_frame, &bases, sections, address, context)
}

fn base_addresses(sections: &UnwindSections) -> BaseAddresses {
    let mut bases = BaseAddresses::default();
    if let Some(section) = sections.eh_frame_hdr {
        bases = bases.set_eh_frame_hdr(section.address);
    }
    if let Some(section) = sections.eh_frame {
        bases = bases.set_eh_frame(section.address);
    }
    if let Some(address) = sections.text {
        bases = bases.set_text(address);
    }
    if let Some(address) = sections.got {
        bases = bases.set_got(address);
    }
    bases
}

fn index_of<'a, S: UnwindSection<Bytes>>(
    section: Section,
    parsed: &S,
    bases: &BaseAddresses,
    indexes: &'a mut Indexes,
) -> &'a Index {
    let bytes = section.data.slice();
    indexes.entry((bytes.as_ptr().addr(), bytes.len())).or_insert_with(|| Index::build(parsed, bases))
}

/// Looks in the header's table. The table is believed where the entry it names starts at the
/// address it claims and the neighbours are in order; anything else asks for an index.
fn search_header(
    header: Section,
    sections: &UnwindSections,
    eh_frame: &EhFrame<Bytes>,
    bases: &BaseAddresses,
    address: u64,
    context: &mut UnwindContext<usize>,
) -> Found {
    let Ok(header) = EhFrameHdr::from(header.data).parse(bases, sections.arch.word() as u8) else {
        return Found::NeedsIndex;
    };
    let Some((start, entry)) = nearest_entry(&header, bases, address) else { return Found::NeedsIndex };
    let start_of_section = sections.eh_frame.map_or(0, |section| section.address);
    let Some(offset) = entry.checked_sub(start_of_section).and_then(|offset| usize::try_from(offset).ok())
    else {
        return Found::NeedsIndex;
    };
    match read_entry(eh_frame, bases, sections.arch, offset.into()) {
        Some(fde) if fde.initial_address() == start => {
            if fde.contains(address) {
                row_of(&fde, eh_frame, bases, sections.bias, address, context)
                    .map_or(Found::Nothing, Found::Row)
            } else {
                Found::Nothing
            }
        }
        _ => Found::NeedsIndex,
    }
}

/// The last table entry that does not start after `address` (the first one when all do), as
/// (start, address of the entry). `None` when the table is missing or out of order.
fn nearest_entry(
    header: &ParsedEhFrameHdr<Bytes>,
    bases: &BaseAddresses,
    address: u64,
) -> Option<(u64, u64)> {
    let table = header.table()?;
    let entry = |position: usize| -> Option<(u64, u64)> {
        let (start, entry) = table.iter(bases).nth(position).ok()??;
        Some((start.direct().ok()?, entry.direct().ok()?))
    };
    let count = Iterator::size_hint(&table.iter(bases)).0;
    // A count that the section cannot hold is caught here, before positions are computed of it.
    entry(count.checked_sub(1).filter(|last| *last < usize::MAX / 64)?)?;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if entry(middle)?.0 <= address {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = entry(low.saturating_sub(1))?;
    let in_order = (low == 0 || found.0 <= address) && (low == count || entry(low)?.0 > address);
    in_order.then_some(found)
}

impl Index {
    /// Reads every entry of a section once. What cannot be parsed is left out; a section
    /// that breaks off gives what came before.
    fn build<S: UnwindSection<Bytes>>(section: &S, bases: &BaseAddresses) -> Index {
        let mut entries = Vec::new();
        let mut last_cie: Option<(S::Offset, CommonInformationEntry<Bytes>)> = None;
        let mut all = section.entries(bases);
        while let Ok(Some(entry)) = all.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            let fde = partial.parse(|section, bases, offset| match &last_cie {
                Some((known, cie)) if *known == offset => Ok(cie.clone()),
                _ => {
                    let cie = section.cie_from_offset(bases, offset)?;
                    last_cie = Some((offset, cie.clone()));
                    Ok(cie)
                }
            });
            // Code that the linker threw away keeps its entry, moved to address zero.
            if let Ok(fde) = fde
                && fde.initial_address() != 0
                && fde.len() > 0
            {
                entries.push((fde.initial_address(), fde.offset()));
            }
        }
        entries.sort_unstable();
        entries.shrink_to_fit();
        Index { entries }
    }

    fn find<S: UnwindSection<Bytes>>(
        &self,
        section: &S,
        bases: &BaseAddresses,
        sections: &UnwindSections,
        address: u64,
        context: &mut UnwindContext<usize>,
    ) -> Option<Box<Row>> {
        let after = self.entries.partition_point(|(start, _)| *start <= address);
        let (_, offset) = self.entries.get(after.checked_sub(1)?)?;
        let fde = read_entry(section, bases, sections.arch, (*offset).into())?;
        fde.contains(address).then(|| row_of(&fde, section, bases, sections.bias, address, context))?
    }
}

fn read_entry<S: UnwindSection<Bytes>>(
    section: &S,
    bases: &BaseAddresses,
    arch: Arch,
    offset: S::Offset,
) -> Option<FrameDescriptionEntry<Bytes>> {
    let fde = section.fde_from_offset(bases, offset, S::cie_from_offset).ok()?;
    let is_usable = u64::from(fde.cie().address_size()) == arch.word()
        && fde.entry_len() <= MAX_ENTRY
        && fde.cie().entry_len() <= MAX_ENTRY
        && fde.initial_address().checked_add(fde.len()).is_some();
    is_usable.then_some(fde)
}

fn row_of<S: UnwindSection<Bytes>>(
    fde: &FrameDescriptionEntry<Bytes>,
    section: &S,
    bases: &BaseAddresses,
    bias: Bias,
    address: u64,
    context: &mut UnwindContext<usize>,
) -> Option<Box<Row>> {
    let row = fde.unwind_info_for_address(section, bases, context, address).ok()?;
    Row::from_gimli(row, fde, section, bias).map(Box::new)
}
