//! The code of a process for the unwinder: its ELF files, read whole. A small stand-in for
//! glider's own module list, so that these tests depend on the unwinder only.

use super::process::{ProcessMemory, Target};
use glider::address::{Address, Bias};
use glider::target::Memory;
use glider::unwind::{Bytes, Code, Section, UnwindSections};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};
use std::collections::HashMap;

/// Which call frame tables the unwinder gets to see.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tables {
    /// All there are.
    All,
    /// Not the search table of `.eh_frame`.
    NoSearchTable,
    /// None of the program itself, and no symbols: as if it were stripped of them.
    NoneOfTheProgram,
}

struct Module {
    path: String,
    sections: UnwindSections,
    /// Start, end and name, by rising start.
    functions: Vec<(u64, u64, String)>,
}

struct Mapping {
    start: u64,
    end: u64,
    is_executable: bool,
    module: Option<usize>,
}

/// The mapped objects of a process.
pub(crate) struct Modules {
    tables: Tables,
    modules: Vec<Module>,
    mappings: Vec<Mapping>,
}

impl Modules {
    pub(crate) fn load(target: &Target, memory: &ProcessMemory, tables: Tables) -> Modules {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", target.pid())).expect("/proc/PID/maps");
        let mut by_path: HashMap<String, Option<usize>> = HashMap::new();
        let mut all = Modules { tables, modules: Vec::new(), mappings: Vec::new() };
        for line in maps.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (start, end) = fields[0].split_once('-').expect("a range");
            let hex = |text: &str| u64::from_str_radix(text, 16).expect("a hexadecimal number");
            let (start, end, offset) = (hex(start), hex(end), hex(fields[2]));
            let path = fields.get(5).copied().unwrap_or_default();
            let module = by_path.entry(path.to_owned()).or_insert_with(|| {
                let data: Vec<u8> = match path {
                    "[vdso]" => {
                        let mut data = vec![0; (end - start) as usize];
                        memory.read_exact(Address(start), &mut data).expect("the vdso");
                        data
                    }
                    path if path.starts_with('/') => std::fs::read(path).expect("a mapped file"),
                    _ => return None,
                };
                let module = Module::parse(path, data.leak(), start, offset, tables)?;
                all.modules.push(module);
                Some(all.modules.len() - 1)
            });
            all.mappings.push(Mapping {
                start,
                end,
                is_executable: fields[1].contains('x'),
                module: *module,
            });
        }
        all
    }

    fn mapping(&self, pc: Address) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| (mapping.start..mapping.end).contains(&pc.0))
    }

    fn module(&self, pc: Address) -> Option<&Module> {
        self.modules.get(self.mapping(pc)?.module?)
    }

    fn function(&self, pc: Address) -> Option<&(u64, u64, String)> {
        let functions = &self.module(pc)?.functions;
        let after = functions.partition_point(|(start, ..)| *start <= pc.0);
        functions.get(after.checked_sub(1)?).filter(|(_, end, _)| pc.0 < *end)
    }

    /// The function that holds an address, where a symbol table tells.
    pub(crate) fn name(&self, pc: Address) -> Option<&str> {
        Some(&self.function(pc)?.2)
    }

    /// Whether a symbol with this name (gcc's suffixes apart) starts where the function at `pc` does.
    pub(crate) fn is_named(&self, pc: Address, name: &str) -> bool {
        let base = |name: &str| name.split('.').next().map(str::to_owned);
        let start = self.function(pc).map(|(start, ..)| *start);
        let mut functions = self.module(pc).map(|module| module.functions.iter()).into_iter().flatten();
        functions.any(|function| Some(function.0) == start && base(&function.2) == base(name))
    }

    /// The file an address lies in.
    pub(crate) fn path(&self, pc: Address) -> Option<&str> {
        Some(&self.module(pc)?.path)
    }
}

impl Code for Modules {
    fn unwind_sections(&self, pc: Address) -> Option<&UnwindSections> {
        Some(&self.module(pc)?.sections)
    }

    fn is_executable(&self, pc: Address) -> bool {
        self.mapping(pc).is_some_and(|mapping| mapping.is_executable)
    }

    fn function_start(&self, pc: Address) -> Option<Address> {
        let function = self.function(pc).map(|(start, ..)| Address(*start));
        function.filter(|_| self.tables != Tables::NoneOfTheProgram)
    }
}

impl Module {
    fn parse(path: &str, data: &'static [u8], start: u64, offset: u64, tables: Tables) -> Option<Module> {
        let has_tables = tables != Tables::NoneOfTheProgram || !path.ends_with("/stacks");
        let file = object::File::parse(data).ok()?;
        let first = file.segments().find(|segment| {
            let (at, size) = segment.file_range();
            at <= offset && offset < at + size
        })?;
        let bias =
            Bias(start.wrapping_sub(offset).wrapping_add(first.file_range().0).wrapping_sub(first.address()));
        let section = |name: &str| {
            let section = file.section_by_name(name).filter(|_| has_tables)?;
            let data = section.uncompressed_data().ok()?.into_owned().leak();
            (!data.is_empty())
                .then(|| Section { address: section.address(), data: Bytes::new(data, gimli::LittleEndian) })
        };
        let mut functions: Vec<(u64, u64, String)> = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
            .map(|symbol| {
                let start = bias.to_runtime(glider::address::FileAddress(symbol.address())).0;
                (start, start + symbol.size().max(1), symbol.name().unwrap_or_default().to_owned())
            })
            .collect();
        functions.sort();
        let address = |name: &str| Some(file.section_by_name(name)?.address());
        let sections = UnwindSections {
            arch: glider::target::Arch::X86_64,
            bias,
            eh_frame: section(".eh_frame"),
            eh_frame_hdr: section(".eh_frame_hdr").filter(|_| tables != Tables::NoSearchTable),
            debug_frame: section(".debug_frame"),
            text: address(".text"),
            got: address(".got"),
        };
        Some(Module { path: path.to_owned(), sections, functions })
    }
}
