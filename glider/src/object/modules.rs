//! The table of mapped objects, and naming of addresses by it.

#![forbid(unsafe_code)]

use super::cache::{Mapped, ObjectCache};
use super::demangle;
use super::elf::Object;
use super::image::Image;
use super::perf_map::PerfMap;
use super::search::Search;
use crate::address::{Address, Bias};
use crate::limits::MODULES;
use crate::target::{Capture, Mapping, Memory};
use crate::unwind::{Code, UnwindSections};
use rustc_hash::FxHashMap;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// `AT_ENTRY` of getauxval(3): where the program, not its interpreter, starts.
const AT_ENTRY: u64 = 9;
/// Names of addresses that are kept.
const NAMES: usize = 1 << 14;

/// One object where it is mapped.
pub struct Module {
    /// Path as the kernel gives it.
    pub path: Arc<str>,
    /// First mapped address.
    pub start: Address,
    /// First address after it, `.bss` included.
    pub end: Address,
    /// What was added to the file's addresses.
    pub bias: Bias,
    /// The file, or why it cannot be used.
    pub object: Result<&'static Object, String>,
    unwind: OnceCell<UnwindSections>,
}

/// Every object of the target.
#[derive(Default)]
pub struct Modules {
    list: Vec<Module>,
    /// Start, end and index in `list`, by start.
    ranges: Vec<(Address, Address, usize)>,
    /// Mappings of objects beyond [`MODULES`].
    left_out: usize,
    /// Executable mappings, by start.
    executable: Vec<(Address, Address)>,
    /// The process and where its files are, for the names of generated code.
    process: Option<(i32, &'static Search)>,
    generated: OnceCell<PerfMap>,
    /// `AT_ENTRY` of the auxiliary vector: where the program starts.
    entry: Option<Address>,
    /// What was named last: threads point at the same things.
    names: RefCell<FxHashMap<Address, Option<SymbolName>>>,
}

/// What lies at an address: `object`symbol+0x10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolName {
    /// Path of the object.
    pub module: Arc<str>,
    /// Demangled symbol; `None` when no symbol covers the address.
    pub symbol: Option<Arc<str>>,
    /// Bytes from the symbol's start, or the file address where there is no symbol.
    pub offset: u64,
}

impl fmt::Display for SymbolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.symbol, self.offset) {
            (Some(symbol), 0) => write!(f, "{}`{symbol}", self.module),
            (Some(symbol), offset) => write!(f, "{}`{symbol}+{offset:#x}", self.module),
            (None, offset) => write!(f, "{}`{offset:#x}", self.module),
        }
    }
}

impl Module {
    /// Whether it is the C library, by its file name.
    pub fn is_libc(&self) -> bool {
        self.path
            .rsplit('/')
            .next()
            .is_some_and(|file| file.starts_with("libc.so") || file.starts_with("libc-"))
    }
}

impl Modules {
    /// Builds the table from a memory map. `memory` gives the vdso, which no file backs;
    /// without it (before the stop) the vdso is left out.
    pub fn load(
        pid: i32,
        mappings: &[Mapping],
        memory: Option<&dyn Memory>,
        cache: &mut ObjectCache,
    ) -> Modules {
        let process = Some((pid, cache.search(pid)));
        let mut modules = Modules { process, ..Modules::default() };
        for (index, mapping) in mappings.iter().enumerate().filter(|(_, mapping)| mapping.protection.execute)
        {
            modules.executable.push((mapping.start, mapping.end));
            match mapping.path.as_deref() {
                Some("[vdso]") => modules.add_vdso(mapping, memory),
                Some(path) if path.starts_with('/') && mapping.inode != 0 => {
                    if modules.list.len() >= MODULES {
                        modules.left_out += 1;
                        continue;
                    }
                    let before = mappings.get(..=index).unwrap_or_default();
                    let object = cache.object(&Mapped { pid, mapping, before, memory });
                    if object.is_ok() || !is_plain_memory(path) {
                        modules.add_file(mapping, path, object);
                    }
                }
                _ => {}
            }
        }
        modules.list.sort_by_key(|module| module.start);
        modules.index_ranges();
        modules
    }

    fn add_vdso(&mut self, mapping: &Mapping, memory: Option<&dyn Memory>) {
        /// The vdso has a handful of pages; more is not a vdso.
        const MAX_VDSO: u64 = 1 << 20;
        let Some(memory) = memory else { return };
        let size = mapping.end.0.saturating_sub(mapping.start.0).min(MAX_VDSO);
        let mut bytes = vec![0; size as usize];
        let read = memory.read(mapping.start, &mut bytes);
        bytes.truncate(read);
        let object = Object::parse(Path::new("[vdso]"), Image::from_bytes(bytes))
            .map(|object| &*Box::leak(Box::new(object)))
            .map_err(|error| error.to_string());
        self.add_file(mapping, "[vdso]", object);
    }

    fn add_file(&mut self, mapping: &Mapping, path: &str, object: Result<&'static Object, String>) {
        let bias = object.as_ref().ok().and_then(|object| object.bias(mapping));
        let known = self.list.iter_mut().rev().find(|module| {
            *module.path == *path && (bias.is_none() || module.bias == bias.unwrap_or_default())
        });
        if let Some(module) = known {
            module.start = module.start.min(mapping.start);
            module.end = module.end.max(mapping.end);
            return;
        }
        let (mut start, mut end) = (mapping.start, mapping.end);
        if let (Ok(object), Some(bias)) = (&object, bias) {
            for load in object.loads().filter(|load| load.size > 0) {
                let address = bias.to_runtime(load.address);
                start = start.min(address);
                end = end.max(address.checked_add(load.size).unwrap_or(end));
            }
        }
        self.list.push(Module {
            path: path.into(),
            start,
            end,
            bias: bias.unwrap_or_default(),
            object,
            unwind: OnceCell::new(),
        });
    }

    fn index_ranges(&mut self) {
        self.executable.sort_unstable();
        for (index, module) in self.list.iter().enumerate() {
            match &module.object {
                Ok(object) => {
                    for load in object.loads().filter(|load| load.size > 0) {
                        let start = module.bias.to_runtime(load.address);
                        if let Some(end) = start.checked_add(load.size) {
                            self.ranges.push((start, end, index));
                        }
                    }
                }
                Err(_) => self.ranges.push((module.start, module.end, index)),
            }
        }
        self.ranges.sort_unstable();
    }

    /// The same of a process that was captured, and which module is the program itself.
    pub fn of_capture(capture: &Capture, memory: &dyn Memory, cache: &mut ObjectCache) -> Modules {
        let mut modules = Modules::load(capture.process.pid, &capture.mappings, Some(memory), cache);
        let entry = capture.auxv.iter().find(|(kind, _)| *kind == AT_ENTRY);
        modules.entry = entry.map(|(_, entry)| Address(*entry));
        modules
    }

    /// Where the C library, or the program that it is linked into, has the variable of one of these names.
    pub fn c_library_variable(&self, names: &[&str]) -> Option<Address> {
        self.iter().filter(|module| module.is_libc() || self.is_main(module)).find_map(|module| {
            let object = module.object.as_ref().ok()?;
            let symbol = names.iter().find_map(|name| object.find_symbol(name))?;
            Some(module.bias.to_runtime(symbol.address))
        })
    }

    /// What of the memory map was not looked into, in words.
    pub fn gap(&self) -> Option<String> {
        let Modules { left_out, .. } = self;
        (*left_out > 0).then(|| {
            format!("{left_out} mappings were not looked into: there are more than {MODULES} objects")
        })
    }

    /// Whether the module is the program itself, not a library.
    pub fn is_main(&self, module: &Module) -> bool {
        let entry = module.object.as_ref().ok().map(|object| module.bias.to_runtime(object.entry()));
        entry.is_some() && entry == self.entry
    }

    /// The modules by rising start address.
    pub fn iter(&self) -> impl Iterator<Item = &Module> {
        self.list.iter()
    }

    /// The module whose code or data holds `address`.
    pub fn find(&self, address: Address) -> Option<&Module> {
        let after = self.ranges.partition_point(|(start, _, _)| *start <= address);
        let (_, end, index) = self.ranges.get(after.checked_sub(1)?)?;
        (address < *end).then(|| self.list.get(*index)).flatten()
    }

    /// Name and start of the generated code at an address, where its compiler left a map of it.
    pub fn generated(&self, address: Address) -> Option<(&str, Address)> {
        let (pid, search) = self.process.filter(|_| self.is_executable(address))?;
        let map = self.generated.get_or_init(|| PerfMap::load(pid, search.roots()));
        map.find(address.0).map(|(name, start)| (name, Address(start)))
    }

    /// Names an address of code or data by object and symbol; `None` outside of every object.
    pub fn name(&self, address: Address) -> Option<SymbolName> {
        if let Some(known) = self.names.borrow().get(&address) {
            return known.clone();
        }
        let name = self.find_name(address);
        let mut names = self.names.borrow_mut();
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(address, name.clone());
        name
    }

    fn find_name(&self, address: Address) -> Option<SymbolName> {
        let module = self.find(address)?;
        let file_address = module.bias.to_file(address);
        let symbol = module.object.as_ref().ok().and_then(|object| object.symbols().find(file_address));
        Some(match symbol {
            Some(symbol) => SymbolName {
                module: module.path.clone(),
                symbol: Some(demangle(symbol.name).unwrap_or_else(|| symbol.name.to_owned()).into()),
                offset: file_address.0 - symbol.address.0,
            },
            None => SymbolName { module: module.path.clone(), symbol: None, offset: file_address.0 },
        })
    }
}

/// Whether the kernel gives memory that no file holds this name: shared, or of huge pages, or a memfd.
/// Compilers of generated code use it.
fn is_plain_memory(path: &str) -> bool {
    let names = ["/memfd:", "/dev/zero", "/SYSV", "/anon_hugepage"];
    path.ends_with(" (deleted)") && names.iter().any(|name| path.starts_with(name))
}

impl Code for Modules {
    fn unwind_sections(&self, pc: Address) -> Option<&UnwindSections> {
        let module = self.find(pc)?;
        let object = module.object.as_ref().ok()?;
        Some(module.unwind.get_or_init(|| object.unwind_sections(module.bias)))
    }

    fn is_executable(&self, pc: Address) -> bool {
        let after = self.executable.partition_point(|(start, _)| *start <= pc);
        after.checked_sub(1).and_then(|last| self.executable.get(last)).is_some_and(|(_, end)| pc < *end)
    }

    fn function_start(&self, pc: Address) -> Option<Address> {
        let module = self.find(pc)?;
        let symbol = module.object.as_ref().ok()?.symbols().find(module.bias.to_file(pc))?;
        Some(module.bias.to_runtime(symbol.address))
    }
}
