//! What program headers tell of an object without section headers: put together from memory, or
//! stripped of them.

#![forbid(unsafe_code)]

use super::elf::Object;
use crate::unwind::{Bytes, Section};
use object::elf::PT_GNU_EH_FRAME;
use object::read::elf::ProgramHeader;

/// `.eh_frame_hdr`.
pub(super) fn eh_frame_hdr(object: &Object) -> Option<Section> {
    let (address, offset, size) = match object.file() {
        object::File::Elf32(file) => find(file.elf_program_headers(), file.endian()),
        object::File::Elf64(file) => find(file.elf_program_headers(), file.endian()),
        _ => None,
    }?;
    let start = usize::try_from(offset).ok()?;
    let data = object.bytes().get(start..start.checked_add(usize::try_from(size).ok()?)?)?;
    Some(Section { address, data: Bytes::new(data, gimli::LittleEndian) })
}

fn find<H: ProgramHeader<Word: Into<u64>>>(headers: &[H], endian: H::Endian) -> Option<(u64, u64, u64)> {
    let header = headers.iter().find(|header| header.p_type(endian) == PT_GNU_EH_FRAME)?;
    Some((header.p_vaddr(endian).into(), header.p_offset(endian).into(), header.p_filesz(endian).into()))
}

/// `.eh_frame`: from where its header says to the end of the segment; a reader stops at the
/// entry that ends it.
pub(super) fn eh_frame(object: &Object) -> Option<Section> {
    let header = eh_frame_hdr(object)?;
    let bases = gimli::BaseAddresses::default().set_eh_frame_hdr(header.address);
    let address_size = if object.is_64_bit() { 8 } else { 4 };
    let parsed =
        gimli::EhFrameHdr::new(header.data.slice(), gimli::LittleEndian).parse(&bases, address_size).ok()?;
    let gimli::Pointer::Direct(address) = parsed.eh_frame_ptr() else { return None };
    let load = object
        .loads()
        .find(|load| address.checked_sub(load.address.0).is_some_and(|offset| offset < load.file_size))?;
    let start = usize::try_from(load.offset.checked_add(address - load.address.0)?).ok()?;
    let end = usize::try_from(load.offset.checked_add(load.file_size)?).ok()?;
    let data = object.bytes().get(start..end.min(object.bytes().len()))?;
    Some(Section { address, data: Bytes::new(data, gimli::LittleEndian) })
}
