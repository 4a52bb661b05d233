//! Mini debug info: an ELF file with a symbol table, compressed with xz, in the section
//! `.gnu_debugdata` (GDB manual, "Debugging information in a special section"). Fedora's
//! programs come with it.

#![forbid(unsafe_code)]

use super::elf::Object;
use super::image::Image;
use lzma_rust2::XzReader;
use std::io::Read;
use std::path::Path;

/// Bytes of the file inside that are kept.
const MAX_SIZE: u64 = 64 << 20;
/// What the decompressor may allocate, KiB.
const MAX_MEMORY: u32 = 64 << 10;

/// The file inside of `object`, if it has one.
pub(super) fn find(object: &Object) -> Option<Box<Object>> {
    let section = object.section(".gnu_debugdata")?;
    let mut bytes = Vec::new();
    let reader = XzReader::new_mem_limit(section.data.slice(), false, MAX_MEMORY);
    // What was read before an error is of no use: the symbol table comes last.
    reader.take(MAX_SIZE).read_to_end(&mut bytes).ok()?;
    Object::parse(Path::new(".gnu_debugdata"), Image::from_bytes(bytes)).ok().map(Box::new)
}
