//! A symbol table sorted by address.

use crate::address::FileAddress;
use object::{ObjectSymbol, SectionIndex, SymbolKind, SymbolSection};
use std::collections::HashMap;

/// One symbol.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// `st_value`.
    pub address: FileAddress,
    /// `st_size`; for a symbol without one, the bytes up to the end of its section.
    pub size: u64,
    /// Whether the file gives the size.
    has_size: bool,
    /// Name as in the file, mangled.
    pub name: &'static str,
    rank: u8,
}

/// Symbols of code and data, by address, one for each address.
#[derive(Debug, Default)]
pub struct SymbolTable {
    by_address: Vec<Symbol>,
}

/// How far back a symbol that encloses an address is looked for when a nearer one ends before it.
const ENCLOSING: usize = 16;

impl SymbolTable {
    /// Sorts the usable symbols of an ELF symbol table. Of several at one address a typed one
    /// goes before an untyped, a name that programs use before a library's own (`poll` before
    /// `__poll`), a global before a weak before a local one.
    /// `section_ends` has the end address of each section, by index.
    pub fn new<'file, S: ObjectSymbol<'static>>(
        symbols: impl Iterator<Item = S> + 'file,
        section_ends: &HashMap<SectionIndex, u64>,
    ) -> SymbolTable {
        let mut by_address: Vec<Symbol> =
            symbols.filter_map(|symbol| usable(&symbol, section_ends)).collect();
        by_address.sort_unstable_by_key(|symbol| (symbol.address, symbol.rank, symbol.name));
        by_address.dedup_by_key(|symbol| symbol.address);
        by_address.shrink_to_fit();
        SymbolTable { by_address }
    }

    /// The symbols of both.
    pub(super) fn with(mut self, other: SymbolTable) -> SymbolTable {
        self.by_address.extend(other.by_address);
        self.by_address.sort_unstable_by_key(|symbol| (symbol.address, symbol.rank, symbol.name));
        self.by_address.dedup_by_key(|symbol| symbol.address);
        self
    }

    /// The symbol that holds `address`: one whose size covers it, else the nearest before it in
    /// its section, if that has no size.
    pub fn find(&self, address: FileAddress) -> Option<&Symbol> {
        let after = self.by_address.partition_point(|symbol| symbol.address <= address);
        let before = self.by_address.get(..after)?;
        let offset = |symbol: &Symbol| address.0 - symbol.address.0;
        let covers = |symbol: &&Symbol| offset(symbol) < symbol.size;
        let covering = before.iter().rev().take(ENCLOSING).find(|symbol| symbol.has_size && covers(symbol));
        covering.or_else(|| {
            before.last().filter(|symbol| !symbol.has_size && covers(symbol) || offset(symbol) == 0)
        })
    }
}

fn usable<S: ObjectSymbol<'static>>(symbol: &S, section_ends: &HashMap<SectionIndex, u64>) -> Option<Symbol> {
    let SymbolSection::Section(section) = symbol.section() else { return None };
    let kind_rank = match symbol.kind() {
        SymbolKind::Text | SymbolKind::Data => 0,
        SymbolKind::Unknown | SymbolKind::Label => 6,
        _ => return None,
    };
    let binding_rank = match (symbol.is_local(), symbol.is_weak()) {
        (false, false) => 0,
        (false, true) => 1,
        _ => 2,
    };
    let name = std::str::from_utf8(symbol.name_bytes().ok()?).ok()?;
    // `$d`, `.L` and the empty name mark places for tools, not for people.
    if name.is_empty() || name.starts_with('$') || name.starts_with(".L") {
        return None;
    }
    let (address, has_size) = (symbol.address(), symbol.size() > 0);
    let to_end = || section_ends.get(&section).map_or(0, |end| end.saturating_sub(address));
    Some(Symbol {
        address: FileAddress(address),
        size: if has_size { symbol.size() } else { to_end() },
        has_size,
        name,
        rank: kind_rank + binding_rank + if name.starts_with("__") { 3 } else { 0 },
    })
}
