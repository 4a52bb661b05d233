//! One ELF file: sections by name (decompressed), build-id, load segments, and what is
//! computed from them once, lazily.

#![forbid(unsafe_code)]

use super::headers;
use super::image::{Image, ImageError};
use super::root::Root;
use super::search::Search;
use super::symbols::{SymbolTable, Table};
use super::{debug_file, inflate, mini};
use crate::address::{Bias, FileAddress};
use crate::dwarf::DebugInfo;
use crate::target::{Arch, Mapping};
use crate::unwind::{Bytes, Section, UnwindSections};
use object::{Object as _, ObjectSection as _, ObjectSegment as _};
use std::cell::OnceCell;
use std::fmt::Write;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One ELF file that the target maps, or a debug file.
pub struct Object {
    /// Where it was opened.
    pub path: PathBuf,
    /// The build-id note's bytes.
    pub build_id: Option<&'static [u8]>,
    /// Where its bytes were read, when not at `path` in glider's own root.
    pub read_from: Option<String>,
    /// Where debug files for it are looked for; `None` for a file that is not the target's.
    pub(super) search: Option<&'static Search>,
    /// Where it begins in the file at `path`: not 0 for a library mapped out of an archive.
    pub(super) start: u64,
    image: Image,
    file: object::File<'static>,
    debug_file: OnceCell<Option<&'static Object>>,
    debug_info: OnceCell<Option<&'static DebugInfo>>,
    symbols: OnceCell<SymbolTable>,
    mini: OnceCell<Option<Box<Object>>>,
}

/// A `PT_LOAD` segment.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// `p_vaddr`.
    pub address: FileAddress,
    /// `p_memsz`.
    pub size: u64,
    /// `p_offset`.
    pub offset: u64,
    /// `p_filesz`.
    pub file_size: u64,
    /// `PF_X`.
    pub executable: bool,
}

const PAGE: u64 = 4096;

impl Object {
    /// Opens and parses the headers of the ELF file at `path`.
    pub fn open(path: &Path) -> Result<Object, ImageError> {
        Object::open_in(&Root::Own, path)
    }

    /// The same of an open file, which was found at `path`.
    pub fn of_file(path: &Path, file: &File) -> Result<Object, ImageError> {
        Object::parse(path, Image::map(path, file)?)
    }

    /// The same in a root.
    pub(super) fn open_in(root: &Root, path: &Path) -> Result<Object, ImageError> {
        Object::parse(path, Image::open(root, path)?)
    }

    /// Parses the headers of an image.
    pub fn parse(path: &Path, image: Image) -> Result<Object, ImageError> {
        let file = object::File::parse(image.data)
            .map_err(|source| ImageError::NotElf { path: path.to_owned(), source })?;
        let build_id = file.build_id().ok().flatten().filter(|id| !id.is_empty());
        Ok(Object {
            path: path.to_owned(),
            build_id,
            read_from: None,
            search: None,
            start: 0,
            image,
            file,
            debug_file: OnceCell::new(),
            debug_info: OnceCell::new(),
            symbols: OnceCell::new(),
            mini: OnceCell::new(),
        })
    }

    /// Where debug files for it are looked for; `None` for a file that is not the target's.
    pub(crate) fn search(&self) -> Option<&'static Search> {
        self.search
    }

    /// The build-id as it is written: hexadecimal.
    pub fn build_id_in_hex(&self) -> Option<String> {
        Some(self.build_id?.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// The whole file.
    pub fn bytes(&self) -> &'static [u8] {
        self.image.data
    }

    /// How it is mapped.
    pub(crate) fn image(&self) -> Image {
        self.image
    }

    /// The parsed file.
    pub fn file(&self) -> &object::File<'static> {
        &self.file
    }

    /// `e_entry`.
    pub fn entry(&self) -> FileAddress {
        FileAddress(self.file.entry())
    }

    /// Whether it is for a 64-bit processor.
    pub fn is_64_bit(&self) -> bool {
        self.file.is_64()
    }

    /// Whether the file has contents for a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.file
            .section_by_name(name)
            .and_then(|section| section.file_range())
            .is_some_and(|(_, size)| size > 0)
    }

    /// A section by name, decompressed; each call decompresses anew, so ask once.
    /// `None` when absent, empty (`SHT_NOBITS`) or broken.
    pub fn section(&self, name: &str) -> Option<Section> {
        let Some(section) = self.file.section_by_name(name) else {
            // Without section headers the program headers still tell of these two.
            return match name {
                ".eh_frame" => headers::eh_frame(self),
                ".eh_frame_hdr" => headers::eh_frame_hdr(self),
                _ => None,
            };
        };
        let data = inflate::contents(&section)?;
        (!data.is_empty())
            .then(|| Section { address: section.address(), data: Bytes::new(data, gimli::LittleEndian) })
    }

    /// All sections of a name, decompressed, one behind the other: in files that were not linked
    /// there may be several.
    pub(crate) fn sections(&self, name: &str) -> Option<Bytes> {
        let found: Vec<_> =
            self.file.sections().filter(|section| section.name_bytes() == Ok(name.as_bytes())).collect();
        if found.len() < 2 {
            return self.section(name).map(|section| section.data);
        }
        let mut data = Vec::new();
        for section in found {
            data.extend_from_slice(inflate::contents(&section)?);
        }
        Some(Bytes::new(Vec::leak(data), gimli::LittleEndian))
    }

    /// The load segments.
    pub fn loads(&self) -> impl Iterator<Item = Load> + '_ {
        self.file.segments().map(|segment| {
            let (offset, file_size) = segment.file_range();
            Load {
                address: FileAddress(segment.address()),
                size: segment.size(),
                offset,
                file_size,
                executable: segment.permissions().executable(),
            }
        })
    }

    /// From the first load segment's start to the last one's end.
    fn extent(&self) -> Range<u64> {
        let start = self.loads().map(|load| load.address.0).min().unwrap_or_default();
        let end = self.loads().map(|load| load.address.0.saturating_add(load.size)).max().unwrap_or_default();
        start..end
    }

    /// The bias of the object when `mapping` shows a part of it; `None` when no load segment
    /// holds that part of the file.
    pub fn bias(&self, mapping: &Mapping) -> Option<Bias> {
        let offset = mapping.offset.checked_sub(self.start)?;
        let holds = |load: &Load| {
            let start = load.offset - load.offset % PAGE;
            let end = load.offset.saturating_add(load.file_size);
            (start..end).contains(&offset)
        };
        let load = self
            .loads()
            .filter(holds)
            .max_by_key(|load| (load.executable == mapping.protection.execute, load.offset))?;
        let address = load.address.0.wrapping_add(offset).wrapping_sub(load.offset);
        Some(Bias(mapping.start.0.wrapping_sub(address)))
    }

    /// The separate debug file that belongs to this object, when there is one.
    pub fn debug_file(&self) -> Option<&'static Object> {
        *self.debug_file.get_or_init(|| debug_file::find(self).map(|found| &*Box::leak(Box::new(found))))
    }

    /// Whether there is no DWARF of it here.
    pub(super) fn lacks_debug_info(&self) -> bool {
        !self.has_section(".debug_info") && debug_file::find(self).is_none()
    }

    /// DWARF of this object or of its debug file.
    pub fn debug_info(&self) -> Option<&'static DebugInfo> {
        *self.debug_info.get_or_init(|| {
            let own = DebugInfo::load(self, self);
            own.or_else(|| DebugInfo::load(self, self.debug_file()?)).map(|info| &*Box::leak(Box::new(info)))
        })
    }

    /// The DWARF, if any was asked for and found.
    pub fn known_debug_info(&self) -> Option<&'static DebugInfo> {
        self.debug_info.get().copied().flatten()
    }

    /// The build-id of that file.
    pub(super) fn supplementary_id(&self) -> Option<&'static [u8]> {
        Some(self.file.gnu_debugaltlink().ok()??.1)
    }

    /// The name of the file that a part of the DWARF is in (`.gnu_debugaltlink`), if one is.
    pub fn supplementary_name(&self) -> Option<String> {
        let (name, _) = self.file.gnu_debugaltlink().ok()??;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    /// Symbols by address: of `.symtab`, else of the debug file's, else `.dynsym` and those of
    /// the mini debug info.
    pub fn symbols(&self) -> &SymbolTable {
        self.symbols.get_or_init(|| match self.with_symbols() {
            Some(object) => SymbolTable::new(&[(&object.file, Table::Full)], self.extent(), object.image),
            None => {
                let mini = self.mini().map(|mini| (&mini.file, Table::Full));
                let tables: Vec<_> = [(&self.file, Table::Dynamic)].into_iter().chain(mini).collect();
                SymbolTable::new(&tables, self.extent(), self.image)
            }
        })
    }

    /// The mini debug info, if the object brings any.
    pub(super) fn mini(&self) -> Option<&Object> {
        self.mini.get_or_init(|| mini::find(self)).as_deref()
    }

    /// Whether it brings a symbol table as mini debug info, and that was looked into.
    pub fn has_known_mini(&self) -> bool {
        self.mini.get().is_some_and(Option::is_some)
    }

    /// The file that has the `.symtab`: this one or its debug file.
    pub(super) fn with_symbols(&self) -> Option<&Object> {
        let has_symbols = |object: &&Object| object.file.symbol_table().is_some();
        Some(self).filter(has_symbols).or_else(|| self.debug_file().filter(has_symbols))
    }

    /// The unwind tables as they stand when mapped with `bias`.
    pub fn unwind_sections(&self, bias: Bias) -> UnwindSections {
        let own_debug_frame = self.section(".debug_frame");
        UnwindSections {
            arch: if self.is_64_bit() { Arch::X86_64 } else { Arch::X86 },
            bias,
            eh_frame: self.section(".eh_frame"),
            eh_frame_hdr: self.section(".eh_frame_hdr"),
            debug_frame: own_debug_frame.or_else(|| self.debug_file()?.section(".debug_frame")),
            text: self.file.section_by_name(".text").map(|section| section.address()),
            got: self.file.section_by_name(".got").map(|section| section.address()),
        }
    }
}
