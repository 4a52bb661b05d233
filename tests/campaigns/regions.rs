//! Which bytes of an ELF file a mutant may differ in: headers, and sections that a running program does
//! not read any more.

use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};
use std::ops::Range;

/// A header or section.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    /// Where in the file.
    pub(crate) bytes: Range<usize>,
}

/// Of what the program itself reads no more once it runs, its libraries bound.
const OF_NO_USE_TO_THE_PROGRAM: [&str; 10] = [
    ".note",
    ".gnu.hash",
    ".gnu.version",
    ".gnu_debug",
    ".dynsym",
    ".dynstr",
    ".eh_frame",
    ".debug_",
    ".zdebug_",
    ".comment",
];
const SYMBOLS: [&str; 3] = [".symtab", ".strtab", ".shstrtab"];

impl Region {
    /// Whether threads and frames can be found and named without it: with the symbol table, the unwind
    /// tables and the way to them as they were.
    pub(crate) fn is_dispensable(&self) -> bool {
        let is_needed = self.name.ends_with("header")
            || self.name.starts_with(".note")
            || self.name.starts_with(".eh_frame")
            || SYMBOLS.contains(&self.name.as_str());
        !is_needed
    }
}

/// The regions of a 64-bit file.
pub(crate) fn find(file: &[u8]) -> Vec<Region> {
    let elf = ElfFile64::<object::Endianness>::parse(file).unwrap();
    let (header, endian) = (elf.elf_header(), elf.endian());
    let table = |start: u64, entries: u16, size: u16| {
        let start = start as usize;
        start..start + usize::from(entries) * usize::from(size)
    };
    let mut regions = vec![
        Region { name: "ELF header".into(), bytes: 0..size_of_val(header) },
        Region {
            name: "program header".into(),
            bytes: table(
                header.e_phoff.get(endian),
                header.e_phnum.get(endian),
                header.e_phentsize.get(endian),
            ),
        },
        Region {
            name: "section header".into(),
            bytes: table(
                header.e_shoff.get(endian),
                header.e_shnum.get(endian),
                header.e_shentsize.get(endian),
            ),
        },
    ];
    for section in elf.sections() {
        let name = section.name().unwrap_or_default();
        let is_free = OF_NO_USE_TO_THE_PROGRAM.iter().any(|start| name.starts_with(start));
        let Some((start, size)) = section.file_range().filter(|(_, size)| *size > 0) else { continue };
        if is_free || SYMBOLS.contains(&name) {
            regions.push(Region { name: name.into(), bytes: start as usize..(start + size) as usize });
        }
    }
    regions
}
