//! Symbols by address. The tables stay in the file and are read where they are asked for: a large program has
//! half a million symbols, and their names are several times as large as the tables.

#![forbid(unsafe_code)]

use super::elf::Object;
use super::image::Image;
use crate::address::FileAddress;
use crate::nearest::Nearest;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{ElfFile, FileHeader, SectionHeader, SectionTable, Sym};
use object::read::{File, SymbolIndex};
use object::{Endianness, Object as _, pod};
use std::ops::Range;

/// One symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// `st_value`.
    pub address: FileAddress,
    /// `st_size`; for a symbol without one, the bytes up to the end of its section.
    pub size: u64,
    /// Whether the file gives the size.
    has_size: bool,
    /// Name as in the file, mangled.
    pub name: &'static str,
}

/// Symbols of code and data, by address.
#[derive(Debug, Default)]
pub struct SymbolTable {
    sources: Vec<Source>,
    /// Numbers of the usable symbols: those of the first source count from 0, those of the next from where it ends.
    nearest: Nearest,
}

/// One table of a file.
#[derive(Debug)]
enum Source {
    Wide(Symbols<FileHeader64<Endianness>>),
    Narrow(Symbols<FileHeader32<Endianness>>),
}

/// A table with what its symbols refer to.
#[derive(Debug)]
struct Symbols<Elf: FileHeader> {
    endian: Elf::Endian,
    symbols: object::read::elf::SymbolTable<'static, Elf>,
    sections: SectionTable<'static, Elf>,
}

/// A symbol without its name.
#[derive(Clone, Copy, Debug)]
struct Entry {
    address: u64,
    size: u64,
    has_size: bool,
    /// Typed and untyped, global, weak and local; see `SymbolTable::first_named`.
    rank: u8,
    name: &'static [u8],
}

/// Which of the two tables of an ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// `.symtab`.
    Full,
    /// `.dynsym`.
    Dynamic,
}

/// How far back a symbol that encloses an address is looked for when a nearer one ends before it.
const ENCLOSING: usize = 16;

/// How many symbols at one address are looked at; libraries have a dozen names for one function.
const ALIASES: usize = 64;

impl<Elf: FileHeader<Endian = Endianness>> Symbols<Elf> {
    fn new(file: &ElfFile<'static, Elf>, table: Table) -> Symbols<Elf> {
        let symbols = match table {
            Table::Full => file.elf_symbol_table(),
            Table::Dynamic => file.elf_dynamic_symbol_table(),
        };
        Symbols { endian: file.endian(), symbols: *symbols, sections: *file.elf_section_table() }
    }

    /// The address of a symbol, if it is of code or data that is here.
    fn address(&self, symbol: &Elf::Sym, index: SymbolIndex) -> Option<u64> {
        let is_usable = rank_of_kind(symbol.st_type()).is_some()
            && matches!(self.symbols.symbol_section(self.endian, symbol, index), Ok(Some(_)));
        is_usable.then(|| symbol.st_value(self.endian).into())
    }

    /// Index and address of each usable symbol.
    fn addresses(&self) -> impl Iterator<Item = (usize, u64)> {
        self.symbols.enumerate().filter_map(|(index, symbol)| Some((index.0, self.address(symbol, index)?)))
    }

    fn entry(&self, index: SymbolIndex) -> Option<Entry> {
        let symbol = self.symbols.symbol(index).ok()?;
        let address = self.address(symbol, index)?;
        let binding_rank = match symbol.st_bind() {
            elf::STB_LOCAL => 2,
            elf::STB_WEAK => 1,
            _ => 0,
        };
        let size = symbol.st_size(self.endian).into();
        let to_end = || {
            let section = self.symbols.symbol_section(self.endian, symbol, index).ok()??;
            let section = self.sections.section(section).ok()?;
            let end = section.sh_addr(self.endian).into().saturating_add(section.sh_size(self.endian).into());
            Some(end.saturating_sub(address))
        };
        Some(Entry {
            address,
            size: if size > 0 { size } else { to_end().unwrap_or(0) },
            has_size: size > 0,
            rank: rank_of_kind(symbol.st_type())? + binding_rank,
            name: self.symbols.symbol_name(self.endian, symbol).unwrap_or_default(),
        })
    }
}

/// Typed symbols before untyped ones; `None` for what is neither code nor data.
fn rank_of_kind(kind: elf::SymbolType) -> Option<u8> {
    match kind {
        elf::STT_FUNC | elf::STT_GNU_IFUNC | elf::STT_OBJECT | elf::STT_COMMON => Some(0),
        elf::STT_NOTYPE => Some(6),
        _ => None,
    }
}

/// Does the same with the table of a source, whichever it is.
macro_rules! with {
    ($source:expr, $symbols:ident => $work:expr) => {
        match $source {
            Source::Wide($symbols) => $work,
            Source::Narrow($symbols) => $work,
        }
    };
}

impl Source {
    fn len(&self) -> usize {
        with!(self, table => table.symbols.len())
    }

    fn address(&self, index: usize) -> Option<u64> {
        let index = SymbolIndex(index);
        with!(self, table => table.address(table.symbols.symbol(index).ok()?, index))
    }

    fn addresses(&self) -> Box<dyn Iterator<Item = (usize, u64)> + '_> {
        with!(self, table => Box::new(table.addresses()))
    }

    fn entry(&self, index: usize) -> Option<Entry> {
        with!(self, table => table.entry(SymbolIndex(index)))
    }

    /// The table as the file has it.
    fn bytes(&self) -> &'static [u8] {
        with!(self, table => pod::bytes_of_slice(table.symbols.symbols()))
    }
}

impl SymbolTable {
    /// The usable symbols of these tables, which lie in `range` mostly. The pages of `image` that hold them are
    /// given back: few will be read again.
    pub(super) fn new(tables: &[(&File<'static>, Table)], range: Range<u64>, image: Image) -> SymbolTable {
        let sources = tables.iter().filter_map(|(file, table)| match file {
            File::Elf64(elf) => Some(Source::Wide(Symbols::new(elf, *table))),
            File::Elf32(elf) => Some(Source::Narrow(Symbols::new(elf, *table))),
            _ => None,
        });
        let mut table = SymbolTable { sources: sources.collect(), nearest: Nearest::default() };
        let count = table.sources.iter().map(Source::len).sum::<usize>();
        let mut before = 0;
        let things = table.sources.iter().flat_map(|source| {
            let first = before;
            before += source.len();
            source
                .addresses()
                .filter_map(move |(index, address)| Some((u32::try_from(first + index).ok()?, address)))
        });
        table.nearest = Nearest::new(things, count, range);
        table.sources.iter().for_each(|source| image.release(source.bytes()));
        table
    }

    /// The source of the symbol with this number, and its index there.
    fn locate(&self, number: u32) -> Option<(&Source, usize)> {
        let mut index = number as usize;
        for source in &self.sources {
            match index.checked_sub(source.len()) {
                None => return Some((source, index)),
                Some(rest) => index = rest,
            }
        }
        None
    }

    fn address(&self, number: u32) -> u64 {
        self.locate(number).and_then(|(source, index)| source.address(index)).unwrap_or_default()
    }

    fn entry(&self, number: u32) -> Option<Entry> {
        let (source, index) = self.locate(number)?;
        source.entry(index)
    }

    /// Address of the first symbol whose name has `part` in it. Reads all names.
    pub fn find_named_like(&self, part: &str) -> Option<FileAddress> {
        let finder = memchr::memmem::Finder::new(part);
        let all =
            self.sources.iter().flat_map(|source| (0..source.len()).filter_map(|index| source.entry(index)));
        let is_named = |name| readable(name).is_some_and(|name| finder.find(name.as_bytes()).is_some());
        let addresses = all.filter(|entry| is_named(entry.name)).map(|entry| FileAddress(entry.address));
        addresses.min()
    }

    /// The symbol that holds `address`: one whose size covers it, else the nearest before it in
    /// its section, if that has no size.
    pub fn find(&self, address: FileAddress) -> Option<Symbol> {
        let offset = |symbol: &Symbol| address.0 - symbol.address.0;
        let covers = |symbol: &Symbol| offset(symbol) < symbol.size;
        let mut nearest = None;
        let mut same_address = Vec::new();
        let mut from = address.0;
        for _ in 0..ENCLOSING {
            let mut before = self.nearest.before(from, |number| self.address(number)).peekable();
            let Some(start) = before.peek().map(|number| self.address(*number)) else { break };
            let here = before.take_while(|number| self.address(*number) == start).take(ALIASES);
            same_address.clear();
            same_address.extend(
                here.filter_map(|number| self.entry(number)).filter(|entry| entry.address <= address.0),
            );
            // Names are read only where one may be the answer.
            let may_cover = |entry: &Entry| entry.has_size && address.0 - entry.address < entry.size;
            if nearest.is_none() || same_address.iter().any(may_cover) {
                let symbol = first_named(&same_address);
                if symbol.is_some_and(|symbol| symbol.has_size && covers(&symbol)) {
                    return symbol;
                }
                nearest = nearest.or(symbol);
            }
            let Some(next) = start.checked_sub(1) else { break };
            from = next;
        }
        nearest.filter(|symbol| !symbol.has_size && covers(symbol) || offset(symbol) == 0)
    }
}

/// Of symbols at one address the one for people: a typed one goes before an untyped, a name that
/// programs use before a library's own (`poll` before `__poll`), a global before a weak before
/// a local one; of equal ones the first in the alphabet.
fn first_named(same_address: &[Entry]) -> Option<Symbol> {
    let named = same_address.iter().rev().filter_map(|entry| Some((entry, readable(entry.name)?)));
    let rank = |entry: &Entry, name: &str| entry.rank + if name.starts_with("__") { 3 } else { 0 };
    let (entry, name) = named.min_by_key(|(entry, name)| (rank(entry, name), *name))?;
    let Entry { address, size, has_size, .. } = *entry;
    Some(Symbol { address: FileAddress(address), size, has_size, name })
}

/// `$d`, `.L` and the empty name mark places for tools, not for people.
fn readable(name: &'static [u8]) -> Option<&'static str> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.is_empty() && !name.starts_with('$') && !name.starts_with(".L")).then_some(name)
}

/// The symbols of an object's `.symtab` with this raw name. The names are searched as one text and
/// then known by where they start: reading each symbol's name takes several times as long.
pub(super) fn named<'file>(object: &'file Object, name: &str) -> Vec<object::Symbol<'static, 'file>> {
    let indices = match object.file() {
        File::Elf64(elf) => indices_named(object, elf, name),
        File::Elf32(elf) => indices_named(object, elf, name),
        _ => None,
    };
    let symbol = |index| object.file().symbol_by_index(index).ok();
    indices.unwrap_or_default().into_iter().filter_map(symbol).collect()
}

fn indices_named<Elf: FileHeader>(
    object: &Object,
    file: &ElfFile<'static, Elf>,
    name: &str,
) -> Option<Vec<SymbolIndex>> {
    let (endian, symbols) = (file.endian(), file.elf_symbol_table());
    let strings = file.elf_section_table().section(symbols.string_section()).ok()?;
    let text = strings.data(endian, file.data()).ok()?;
    // A name may be the end of a longer one that shares its text.
    let starts = object.image().find_all(text, &[name.as_bytes(), &[0]].concat());
    if starts.is_empty() {
        return None;
    }
    // They rise, and are few.
    let is_named = |symbol: &Elf::Sym| {
        usize::try_from(symbol.st_name(endian)).is_ok_and(|start| starts.binary_search(&start).is_ok())
    };
    Some(symbols.enumerate().filter(|(_, symbol)| is_named(symbol)).map(|(index, _)| index).collect())
}
