//! A symbol by its name, in all tables of an object: the one lookup that entry values,
//! thread-local storage and plugins share.

#![forbid(unsafe_code)]

use super::{Object, symbols};
use crate::address::FileAddress;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolIndex, SymbolKind, SymbolSection};

/// Set in an entry of `.gnu.version` whose symbol is there for programs linked long ago (Linux
/// Standard Base, Symbol Versioning).
const HIDDEN: u16 = 0x8000;

/// Where a symbol is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// `st_value`; of a thread-local variable the offset in its object's block.
    pub address: FileAddress,
    /// `st_size`.
    pub size: u64,
}

/// How well a symbol answers to its name, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// What other objects are bound to.
    Exported,
    /// Of an old version.
    Hidden,
    Local,
}

impl Object {
    /// The function or variable with this raw name: a global one before a local one, a symbol's
    /// default version before old ones. Looks through whole tables: keep the answer.
    pub fn find_symbol(&self, name: &str) -> Option<Definition> {
        self.find(name, self.with_symbols().or_else(|| self.mini()), is_code_or_data)
    }

    /// The same from the tables of this file alone; no debug file is looked for.
    pub fn find_own_symbol(&self, name: &str) -> Option<Definition> {
        self.find(name, Some(self), is_code_or_data)
    }

    /// The thread-local variable with this raw name.
    pub fn find_thread_local(&self, name: &str) -> Option<Definition> {
        self.find(name, self.with_symbols(), |kind| kind == SymbolKind::Tls)
    }

    fn find(
        &self,
        name: &str,
        with_symbols: Option<&Object>,
        is_sought: impl Fn(SymbolKind) -> bool,
    ) -> Option<Definition> {
        let versions = self.file().section_by_name(".gnu.version").and_then(|section| section.data().ok());
        let is_hidden = |index: SymbolIndex| {
            let start = index.0.checked_mul(2)?;
            let entry = versions?.get(start..)?.first_chunk()?;
            Some(u16::from_le_bytes(*entry) & HIDDEN != 0)
        };
        // The small table first: what it has is most often what is asked for.
        let dynamic = self.file().dynamic_symbols().map(|symbol| (symbol, true));
        let all = with_symbols.into_iter().flat_map(|object| symbols::named(object, name));
        let mut best: Option<(Rank, Definition)> = None;
        for (symbol, is_dynamic) in dynamic.chain(all.map(|symbol| (symbol, false))) {
            if symbol.name_bytes() != Ok(name.as_bytes())
                || !matches!(symbol.section(), SymbolSection::Section(_))
                || !is_sought(symbol.kind())
            {
                continue;
            }
            let rank = match is_dynamic && is_hidden(symbol.index()) == Some(true) {
                _ if symbol.is_local() => Rank::Local,
                true => Rank::Hidden,
                false => Rank::Exported,
            };
            if best.is_none_or(|(known, _)| rank < known) {
                let found = Definition { address: FileAddress(symbol.address()), size: symbol.size() };
                best = Some((rank, found));
            }
            if rank == Rank::Exported {
                break;
            }
        }
        best.map(|(_, found)| found)
    }
}

fn is_code_or_data(kind: SymbolKind) -> bool {
    !matches!(kind, SymbolKind::Tls | SymbolKind::File | SymbolKind::Section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    const LIBRARY: &str = r#"
        int counter = 1;
        __thread int mine;
        int scale_v1(int x) { return x; }
        __attribute__((noinline)) int scale_v2(int x) { return 2 * x; }
        __asm__(".symver scale_v1, scale@V1");
        __asm__(".symver scale_v2, scale@@V2");
        static char same[3];
        void *local(void) { return same; }
    "#;
    const OTHER: &str = "char same[5]; static int only_here; void *other(void) { return &only_here; }";

    fn build(folder: &Path) -> Object {
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("library.c", LIBRARY);
        write("other.c", OTHER);
        write("versions", "V1 { global: scale; }; V2 { global: scale; counter; mine; same; local: *; } V1;");
        let mut compiler = Command::new("gcc");
        let compiler = compiler.current_dir(folder).args([
            "-g",
            "-shared",
            "-fPIC",
            "-Wl,--version-script=versions",
            "library.c",
            "other.c",
            "-o",
            "library.so",
        ]);
        let output = compiler.output().expect("gcc cannot be run (Debian package: gcc)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Object::open(&folder.join("library.so")).unwrap()
    }

    #[test]
    fn a_global_symbol_goes_before_a_local_one_and_the_default_version_before_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let library = build(folder.path());
        let find = |name| library.find_symbol(name);
        assert_eq!(find("same").unwrap().size, 5, "the other one of that name is local");
        assert_eq!(find("scale"), find("scale_v2"));
        assert_ne!(find("scale"), find("scale_v1"));
        assert_eq!(find("only_here").unwrap().size, 4);
        assert_eq!((find("mine"), find("malloc"), find("library.c")), (None, None, None));
        assert_eq!(library.find_thread_local("mine").unwrap().size, 4);
        assert_eq!(library.find_thread_local("counter"), None);
        assert_eq!(library.find_own_symbol("counter"), find("counter"));
    }
}
