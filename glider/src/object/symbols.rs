//! A symbol table sorted by address. Names are read when they are asked for: the strings of a
//! large program's symbols are several times as large as the table.

#![forbid(unsafe_code)]

use super::elf::Object;
use crate::address::FileAddress;
use object::Object as _;
use object::elf;
use object::read::elf::{ElfFile, FileHeader, SectionHeader, Sym};
use object::read::{File, StringTable, SymbolIndex};
use rustc_hash::FxHashSet;

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
    by_address: Vec<Entry>,
    strings: Vec<StringTable<'static>>,
}

/// A symbol without its name.
#[derive(Clone, Copy, Debug)]
struct Entry {
    address: u64,
    size: u64,
    /// `st_name`.
    name: u32,
    /// Which of the string tables has it.
    strings: u8,
    has_size: bool,
    /// Typed and untyped, global, weak and local; see `SymbolTable::first_named`.
    rank: u8,
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

impl SymbolTable {
    /// The usable symbols of these tables, sorted.
    pub(super) fn new(tables: &[(&File<'static>, Table)]) -> SymbolTable {
        let mut symbols = SymbolTable::default();
        for (file, table) in tables {
            match file {
                File::Elf64(elf) => symbols.add(elf, *table),
                File::Elf32(elf) => symbols.add(elf, *table),
                _ => {}
            }
        }
        // Stable, because that sort finds what is in order already: linkers leave long runs.
        symbols.by_address.sort_by_key(|entry| (entry.address, entry.rank));
        symbols
    }

    fn add<Elf: FileHeader>(&mut self, file: &ElfFile<'static, Elf>, table: Table) {
        let endian = file.endian();
        let symbols = match table {
            Table::Full => file.elf_symbol_table(),
            Table::Dynamic => file.elf_dynamic_symbol_table(),
        };
        let Ok(strings) = u8::try_from(self.strings.len()) else { return };
        self.strings.push(symbols.strings());
        let section_end = |index| {
            let section = file.elf_section_table().section(index).ok()?;
            Some(section.sh_addr(endian).into().saturating_add(section.sh_size(endian).into()))
        };
        self.by_address.reserve_exact(symbols.len());
        for (index, symbol) in symbols.enumerate() {
            let kind_rank = match symbol.st_type() {
                elf::STT_FUNC | elf::STT_GNU_IFUNC | elf::STT_OBJECT | elf::STT_COMMON => 0,
                elf::STT_NOTYPE => 6,
                _ => continue,
            };
            let binding_rank = match symbol.st_bind() {
                elf::STB_LOCAL => 2,
                elf::STB_WEAK => 1,
                _ => 0,
            };
            let Ok(Some(section)) = symbols.symbol_section(endian, symbol, index) else { continue };
            let (address, size) = (symbol.st_value(endian).into(), symbol.st_size(endian).into());
            let to_end = || section_end(section).map_or(0, |end: u64| end.saturating_sub(address));
            self.by_address.push(Entry {
                address,
                size: if size > 0 { size } else { to_end() },
                name: symbol.st_name(endian),
                strings,
                has_size: size > 0,
                rank: kind_rank + binding_rank,
            });
        }
    }

    /// Address of the first symbol whose name has `part` in it. Reads all names.
    pub fn find_named_like(&self, part: &str) -> Option<FileAddress> {
        let finder = memchr::memmem::Finder::new(part);
        let is_named =
            |entry: &&Entry| self.name(entry).is_some_and(|name| finder.find(name.as_bytes()).is_some());
        self.by_address.iter().find(is_named).map(|entry| FileAddress(entry.address))
    }

    /// The symbol that holds `address`: one whose size covers it, else the nearest before it in
    /// its section, if that has no size.
    pub fn find(&self, address: FileAddress) -> Option<Symbol> {
        let end = self.by_address.partition_point(|entry| entry.address <= address.0);
        let mut before = self.by_address.get(..end)?;
        let offset = |symbol: &Symbol| address.0 - symbol.address.0;
        let covers = |symbol: &Symbol| offset(symbol) < symbol.size;
        let mut nearest = None;
        for _ in 0..ENCLOSING {
            let Some((rest, same_address)) = split_last_address(before) else { break };
            before = rest;
            // Names are read only where one may be the answer.
            let may_cover = |entry: &Entry| entry.has_size && address.0 - entry.address < entry.size;
            if nearest.is_some() && !same_address.iter().take(ALIASES).any(may_cover) {
                continue;
            }
            let Some(symbol) = self.first_named(same_address) else { continue };
            if symbol.has_size && covers(&symbol) {
                return Some(symbol);
            }
            nearest = nearest.or(Some(symbol));
        }
        nearest.filter(|symbol| !symbol.has_size && covers(symbol) || offset(symbol) == 0)
    }

    /// Of symbols at one address the one for people: a typed one goes before an untyped, a name that
    /// programs use before a library's own (`poll` before `__poll`), a global before a weak before
    /// a local one; of equal ones the first in the alphabet.
    fn first_named(&self, same_address: &[Entry]) -> Option<Symbol> {
        let named = same_address.iter().take(ALIASES).filter_map(|entry| Some((entry, self.name(entry)?)));
        let rank = |entry: &Entry, name: &str| entry.rank + if name.starts_with("__") { 3 } else { 0 };
        let (entry, name) = named.min_by_key(|(entry, name)| (rank(entry, name), *name))?;
        let Entry { address, size, has_size, .. } = *entry;
        Some(Symbol { address: FileAddress(address), size, has_size, name })
    }

    fn name(&self, entry: &Entry) -> Option<&'static str> {
        let name = self.strings.get(usize::from(entry.strings))?.get(entry.name).ok()?;
        let name = std::str::from_utf8(name).ok()?;
        // `$d`, `.L` and the empty name mark places for tools, not for people.
        (!name.is_empty() && !name.starts_with('$') && !name.starts_with(".L")).then_some(name)
    }
}

/// Splits off those entries at the end that have one address; `None` when there are none. Sorted by address.
fn split_last_address(entries: &[Entry]) -> Option<(&[Entry], &[Entry])> {
    let (last, before) = entries.split_last()?;
    let start = match before.last() {
        // Most have their address to themselves.
        Some(other) if other.address < last.address => before.len(),
        _ => before.partition_point(|entry| entry.address < last.address),
    };
    entries.split_at_checked(start)
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
    let starts: FxHashSet<usize> = starts.into_iter().collect();
    let is_named = |symbol: &Elf::Sym| {
        usize::try_from(symbol.st_name(endian)).is_ok_and(|start| starts.contains(&start))
    };
    Some(symbols.enumerate().filter(|(_, symbol)| is_named(symbol)).map(|(index, _)| index).collect())
}
