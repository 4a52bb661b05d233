//! A symbol table sorted by address.

use crate::address::FileAddress;
use object::{ObjectSymbol, SymbolKind, SymbolSection};

/// One symbol.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// `st_value`.
    pub address: FileAddress,
    /// `st_size`; zero when the symbol has none.
    pub size: u64,
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
    /// goes before an untyped, a global before a weak before a local one.
    pub fn new<'file, S: ObjectSymbol<'static>>(symbols: impl Iterator<Item = S> + 'file) -> SymbolTable {
        let mut by_address: Vec<Symbol> = symbols.filter_map(|symbol| usable(&symbol)).collect();
        by_address.sort_unstable_by_key(|symbol| (symbol.address, symbol.rank, symbol.name));
        by_address.dedup_by_key(|symbol| symbol.address);
        by_address.shrink_to_fit();
        SymbolTable { by_address }
    }

    /// The symbol that holds `address`: one whose size covers it, else the nearest before it
    /// that has no size.
    pub fn find(&self, address: FileAddress) -> Option<&Symbol> {
        let after = self.by_address.partition_point(|symbol| symbol.address <= address);
        let before = self.by_address.get(..after)?;
        let offset = |symbol: &Symbol| address.0 - symbol.address.0;
        let covering = before.iter().rev().take(ENCLOSING).find(|symbol| offset(symbol) < symbol.size);
        covering.or_else(|| before.last().filter(|symbol| symbol.size == 0 || offset(symbol) == 0))
    }
}

fn usable<S: ObjectSymbol<'static>>(symbol: &S) -> Option<Symbol> {
    if !matches!(symbol.section(), SymbolSection::Section(_)) {
        return None;
    }
    let kind_rank = match symbol.kind() {
        SymbolKind::Text | SymbolKind::Data => 0,
        SymbolKind::Unknown | SymbolKind::Label => 4,
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
    Some(Symbol {
        address: FileAddress(symbol.address()),
        size: symbol.size(),
        name,
        rank: kind_rank + binding_rank,
    })
}
