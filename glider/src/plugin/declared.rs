//! What a mapped object says of plugins for it: strings in its section `gimli_trace`, a string
//! at its symbol `gimli_tracer_module_name`, and its own file name.

#![forbid(unsafe_code)]

use crate::address::FileAddress;
use crate::object::{Module, Object};
use crate::report::FoundBy;
use crate::target::Memory;
use std::collections::HashMap;

const SECTION: &str = "gimli_trace";
const SYMBOL: &str = "gimli_tracer_module_name";
/// Names read from one section.
const MAX_NAMES: usize = 32;
/// Bytes of a name; a file name has no more (NAME_MAX).
const MAX_NAME: usize = 255;

/// A plugin asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who asks.
    pub found_by: FoundBy,
    /// File name.
    pub name: String,
}

/// What the files of objects declare, read once each.
#[derive(Default)]
pub(super) struct Declarations {
    known: HashMap<*const Object, Declared>,
}

/// What one file declares.
#[derive(Clone, Default)]
struct Declared {
    section: Vec<Vec<u8>>,
    symbol: Option<(FileAddress, u64)>,
}

impl Declarations {
    /// Reads what can be read without the process.
    pub(super) fn prepare(&mut self, module: &Module) {
        if let Ok(object) = module.object {
            self.known.entry(std::ptr::from_ref(object)).or_insert_with(|| Declared::read(object));
        }
    }

    /// The plugins that a mapped object wants, in the order in which they are loaded. Names that
    /// cannot be used are problems.
    pub(super) fn wanted(
        &mut self,
        module: &Module,
        memory: &dyn Memory,
        problems: &mut Vec<String>,
    ) -> Vec<Wanted> {
        self.prepare(module);
        let declared = match module.object {
            Ok(object) => self.known.get(&std::ptr::from_ref(object)).cloned().unwrap_or_default(),
            Err(_) => Declared::default(),
        };
        let by_section = declared.section.into_iter().map(|name| (FoundBy::Section, name));
        let by_symbol = declared.symbol.and_then(|(address, size)| {
            read_name(memory, module.bias.to_runtime(address), size).map(|name| (FoundBy::Symbol, name))
        });
        let mut wanted: Vec<Wanted> = Vec::new();
        for (found_by, name) in by_section.chain(by_symbol) {
            match file_name(&name) {
                Ok(name) => wanted.push(Wanted { found_by, name }),
                Err(why) => problems.push(format!(
                    "{} names a plugin {:?}, which is not looked for: {why}",
                    module.path,
                    String::from_utf8_lossy(&name)
                )),
            }
        }
        wanted.extend(inferred(&module.path).map(|name| Wanted { found_by: FoundBy::Name, name }));
        wanted
    }
}

impl Declared {
    fn read(object: &Object) -> Declared {
        let section = match object.has_section(SECTION).then(|| object.section(SECTION)).flatten() {
            Some(section) => section
                .data
                .slice()
                .split(|byte| *byte == 0)
                .filter(|name| !name.is_empty())
                .take(MAX_NAMES)
                .map(|name| name.get(..=MAX_NAME).unwrap_or(name).to_vec())
                .collect(),
            None => Vec::new(),
        };
        let symbol = object.find_own_symbol(SYMBOL).map(|symbol| (symbol.address, symbol.size));
        Declared { section, symbol }
    }
}

/// The name at a symbol that is a `char[]` or a `char *`. A pointer has eight bytes that point
/// at a name; eight bytes of letters point nowhere.
fn read_name(memory: &dyn Memory, address: crate::address::Address, size: u64) -> Option<Vec<u8>> {
    let string = |address| {
        let mut bytes = vec![0; MAX_NAME + 1];
        let read = memory.read(address, &mut bytes);
        bytes.truncate(read);
        bytes.truncate(bytes.iter().position(|byte| *byte == 0)?);
        Some(bytes)
    };
    if size == 8
        && let Some(pointed) = memory.read_u64(address).map(crate::address::Address).and_then(string)
        && file_name(&pointed).is_ok()
    {
        return Some(pointed);
    }
    let most = usize::try_from(size).ok()?.min(MAX_NAME + 1);
    let mut bytes = vec![0; most];
    memory.read_exact(address, &mut bytes)?;
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(most));
    (!bytes.is_empty()).then_some(bytes)
}

/// The file name that a declared name stands for; the suffix may be left out.
fn file_name(name: &[u8]) -> Result<String, &'static str> {
    let name = std::str::from_utf8(name).map_err(|_| "it is not UTF-8")?;
    if name.is_empty() || name.len() > MAX_NAME - 3 {
        return Err("a file name has 1 to 252 bytes");
    }
    // The process may be anybody's: it says which plugin it wants, not where files are.
    if name.contains('/') {
        return Err("it must be a file name, not a path");
    }
    if name.chars().any(char::is_control) {
        return Err("it has control characters");
    }
    Ok(if name.ends_with(".so") { name.to_owned() } else { format!("{name}.so") })
}

/// `gimli_libfoo.so` for `/usr/lib/libfoo.so.1.2`.
fn inferred(path: &str) -> Option<String> {
    let file = path.trim_end_matches(" (deleted)").rsplit('/').next()?;
    let stem = file.split('.').next().filter(|stem| !stem.is_empty() && !stem.starts_with('['))?;
    Some(format!("gimli_{stem}.so"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    /// Bytes that lie at 0x1000.
    struct Bytes(Vec<u8>);

    impl Memory for Bytes {
        fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
            let start = address.0.checked_sub(0x1000).and_then(|start| usize::try_from(start).ok());
            let Some(source) = start.and_then(|start| self.0.get(start..)) else { return 0 };
            let count = source.len().min(buffer.len());
            buffer[..count].copy_from_slice(&source[..count]);
            count
        }
    }

    #[test]
    fn a_name_is_read_from_an_array_or_through_a_pointer() {
        let mut bytes = 0x1010u64.to_le_bytes().to_vec();
        bytes.extend(b"gimli_a\0gimli_pointed_at\0");
        let memory = Bytes(bytes);
        let read = |address, size| {
            read_name(&memory, Address(address), size).map(|name| String::from_utf8(name).unwrap())
        };
        assert_eq!(read(0x1000, 8).as_deref(), Some("gimli_pointed_at"));
        assert_eq!(read(0x1008, 8).as_deref(), Some("gimli_a"), "an array that happens to have eight bytes");
        assert_eq!(read(0x1010, 17).as_deref(), Some("gimli_pointed_at"));
        assert_eq!(read(0x1010, 5).as_deref(), Some("gimli"), "an array without a NUL");
        assert_eq!(read(0x9000, 8), None);
        assert_eq!(read(0x1000, u64::MAX), None);
    }

    #[test]
    fn names_get_their_suffix_and_paths_are_refused() {
        assert_eq!(file_name(b"gimli_x").as_deref(), Ok("gimli_x.so"));
        assert_eq!(file_name(b"gimli_x.so").as_deref(), Ok("gimli_x.so"));
        for bad in [&b"../x"[..], b"/tmp/x.so", b"a\nb", b"", b"\xff", &[b'a'; 300]] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_inferred_up_to_the_first_dot() {
        assert_eq!(inferred("/usr/lib/libfoo.so.1.2").as_deref(), Some("gimli_libfoo.so"));
        assert_eq!(inferred("/usr/lib/libstdc++.so.6").as_deref(), Some("gimli_libstdc++.so"));
        assert_eq!(inferred("/srv/faulty-app").as_deref(), Some("gimli_faulty-app.so"));
        assert_eq!(inferred("/srv/app (deleted)").as_deref(), Some("gimli_app.so"));
        assert_eq!(inferred("[vdso]"), None);
        assert_eq!(inferred("/srv/.so"), None);
    }
}
