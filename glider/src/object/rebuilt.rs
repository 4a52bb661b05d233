//! An object put together from what of it is in memory, where its file is gone: the load segments,
//! each in its place, and a section table for the dynamic symbols and the notes, which is
//! nowhere in memory (gABI, "Program Header", "Dynamic Section").

use super::cache::Mapped;
use super::elf::Object;
use super::image::Image;
use crate::address::Bias;
use crate::target::{Mapping, Memory};
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use std::path::Path;

/// Bytes of an object that are read from the memory; the rest of a larger one is left out.
const MAX_IMAGE: u64 = 128 << 20;

/// The object at `start` of the file behind a mapping, from the memory alone.
pub(super) fn rebuild(mapped: &Mapped<'_>, path: &str, start: u64, memory: &dyn Memory) -> Option<Object> {
    let is_header = |other: &&Mapping| other.inode == mapped.mapping.inode && other.offset == start;
    let header = mapped.before.iter().rev().find(is_header)?;
    let head = head_in_memory(header, path, memory)?;
    let mut bytes = head.bytes().to_vec();
    let bias = head.bias(header)?;
    for load in head.loads().filter(|load| load.offset.saturating_add(load.file_size) <= MAX_IMAGE) {
        let (from, to) = (load.offset as usize, (load.offset + load.file_size) as usize);
        if bytes.len() < to {
            bytes.resize(to, 0);
        }
        // What cannot be read stays zero: a table there is found empty.
        memory.read(bias.to_runtime(load.address), bytes.get_mut(from..to)?);
    }
    set_sections(&mut bytes, 0, 0)?;
    let sections = match head.is_64_bit() {
        true => sections::<elf::FileHeader64<object::Endianness>>(&bytes, &head, bias),
        false => sections::<elf::FileHeader32<object::Endianness>>(&bytes, &head, bias),
    };
    if let Some(sections) = sections.filter(|sections| sections.len() > 1) {
        append(&mut bytes, &sections, head.is_64_bit())?;
    }
    let mut object = Object::parse(Path::new(path), Image::from_bytes(bytes)).ok()?;
    object.start = start;
    object.read_from = Some("the memory of the process".to_owned());
    Some(object)
}

/// What of an object is in its first mapping: its headers, as a rule its build-id; no sections.
pub fn head_in_memory(header: &Mapping, path: &str, memory: &dyn Memory) -> Option<Object> {
    /// Bytes of headers that are read.
    const MAX_HEAD: usize = 1 << 16;
    let size = usize::try_from(header.end.0.checked_sub(header.start.0)?).ok()?;
    let mut bytes = vec![0; size.min(MAX_HEAD)];
    let read = memory.read(header.start, &mut bytes);
    bytes.truncate(read);
    set_sections(&mut bytes, 0, 0)?;
    Object::parse(Path::new(path), Image::from_bytes(bytes)).ok()
}

/// A section that is described anew. None has a name: they are known by their kinds.
#[derive(Clone, Copy, Default)]
struct Described {
    kind: u32,
    address: u64,
    offset: u64,
    size: u64,
    /// Number of the section with the strings of this one.
    link: u32,
    entry_size: u64,
}

/// The null section, the dynamic strings and symbols, and the notes.
fn sections<H: FileHeader<Word: Into<u64>, Endian = object::Endianness>>(
    bytes: &[u8],
    head: &Object,
    bias: Bias,
) -> Option<Vec<Described>> {
    /// Notes of one object that are looked at.
    const MAX_NOTES: usize = 8;
    let header = H::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, bytes).ok()?;
    let mut found = vec![Described::default()];
    if let Some(dynamic) = segments.iter().find(|segment| segment.p_type(endian) == elf::PT_DYNAMIC) {
        let start = usize::try_from(dynamic.p_offset(endian).into()).ok()?;
        let size = usize::try_from(dynamic.p_filesz(endian).into()).ok()?;
        let table = bytes.get(start..start.checked_add(size)?)?;
        found.extend(dynamic_symbols(table, head, bias).unwrap_or_default());
    }
    let notes = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_NOTE);
    found.extend(notes.take(MAX_NOTES).map(|note| Described {
        kind: elf::SHT_NOTE.0,
        address: note.p_vaddr(endian).into(),
        offset: note.p_offset(endian).into(),
        size: note.p_filesz(endian).into(),
        ..Described::default()
    }));
    Some(found)
}

/// Strings and symbols as the dynamic section tells of them. How many symbols there are it does not
/// tell; linkers put the strings behind them.
fn dynamic_symbols(table: &[u8], head: &Object, bias: Bias) -> Option<[Described; 2]> {
    let word = if head.is_64_bit() { 8 } else { 4 };
    let entry_size = if head.is_64_bit() { 24 } else { 16 };
    let number = |bytes: &[u8]| {
        let mut wide = [0; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(wide))
    };
    let value = |tag: u64| {
        let mut entries = table.chunks_exact(2 * word);
        entries.find_map(|entry| (number(&entry[..word])? == tag).then(|| number(&entry[word..]))?)
    };
    // The dynamic linker has moved the addresses here.
    let address = |tag: u64| Some(value(tag)?).map(|value| value.checked_sub(bias.0).unwrap_or(value));
    let (strings, symbols, strings_size) = (address(5)?, address(6)?, value(10)?);
    let offset = |address: u64| {
        let load = head
            .loads()
            .find(|load| address.checked_sub(load.address.0).is_some_and(|offset| offset < load.file_size))?;
        load.offset.checked_add(address - load.address.0)
    };
    let size = strings.checked_sub(symbols)?;
    let strings = Described {
        kind: elf::SHT_STRTAB.0,
        address: strings,
        offset: offset(strings)?,
        size: strings_size,
        ..Described::default()
    };
    let symbols = Described {
        kind: elf::SHT_DYNSYM.0,
        address: symbols,
        offset: offset(symbols)?,
        size: size - size % entry_size,
        link: 1,
        entry_size,
    };
    Some([strings, symbols])
}

/// Writes the section table behind the image.
fn append(bytes: &mut Vec<u8>, sections: &[Described], is_64_bit: bool) -> Option<()> {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let end = bytes.len() as u64;
    set_sections(bytes, end, u16::try_from(sections.len()).ok()?)?;
    for section in sections {
        let Described { kind, address, offset, size, link, entry_size } = *section;
        let alignment = if kind == elf::SHT_NOTE.0 { 4 } else { 0 };
        // Name, kind, flags, address, offset, size, link, info, alignment, size of an entry.
        let half = |value: u32| value.to_le_bytes().to_vec();
        let word = |value: u64| value.to_le_bytes().into_iter().take(if is_64_bit { 8 } else { 4 }).collect();
        let fields: [Vec<u8>; 10] = [
            half(0),
            half(kind),
            word(0),
            word(address),
            word(offset),
            word(size),
            half(link),
            half(0),
            word(alignment),
            word(entry_size),
        ];
        bytes.extend(fields.concat());
    }
    Some(())
}

/// Tells in an ELF header where the section table is and how many entries it has.
fn set_sections(bytes: &mut [u8], offset: u64, count: u16) -> Option<()> {
    let (place, word, entry_size, counts) = match bytes.get(..5)? {
        [0x7f, b'E', b'L', b'F', 1] => (32, 4, 40u16, 46),
        [0x7f, b'E', b'L', b'F', 2] => (40, 8, 64u16, 58),
        _ => return None,
    };
    bytes.get_mut(place..place + word)?.copy_from_slice(offset.to_le_bytes().get(..word)?);
    // e_shentsize, e_shnum, e_shstrndx: no section has a name, any will do.
    let counts = bytes.get_mut(counts..counts + 6)?;
    counts.copy_from_slice([entry_size, count, count.min(1)].map(u16::to_le_bytes).as_flattened());
    Some(())
}
