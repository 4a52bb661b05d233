//! A process that does not exist: a small program as the only mapped object, a stack, and threads in the
//! middle of its functions. The whole analysis goes over it, from the ELF file to the rendered report.

use glider::address::Address;
use glider::analyzer::{GliderAnalyzer, Settings};
use glider::limits::Limits;
use glider::object::DebugSources;
use glider::plugin::Sources;
use glider::report::Footer;
use glider::report::redact::Redactor;
use glider::report::render::{Format, Style};
use glider::session::{Analyzer, Output};
use glider::target::{
    Arch, Capture, CapturedThread, Mapping, Memory, ProcessInfo, Protection, Registers, ThreadRegisters,
};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

/// DWARF 5, optimized, with `.eh_frame`.
pub(crate) const DWARF5: &[u8] = include_bytes!("seeds/dwarf5");
/// DWARF 4, not optimized, with `.debug_frame` and `.gnu_debugdata`.
pub(crate) const DWARF4: &[u8] = include_bytes!("seeds/dwarf4");

/// Where the program is mapped.
const BASE: u64 = 0x7000_0000_0000;
/// Where the stack begins that all threads share.
const STACK: u64 = 0x7fff_0000_0000;
/// Bytes of the stack.
pub(crate) const STACK_SIZE: usize = 2048;

type Elf = ElfFile64<'static, object::Endianness>;

/// The contents of a section of one of the two programs.
pub(crate) fn section(program: &'static [u8], name: &str) -> &'static [u8] {
    let elf = Elf::parse(program).unwrap();
    elf.section_by_name(name).unwrap_or_else(|| panic!("no {name}")).data().unwrap()
}

/// The program with other contents of one section, which lie behind all else in the file.
pub(crate) fn with_section(program: &'static [u8], name: &str, contents: &[u8]) -> Vec<u8> {
    /// Places in a section header (Elf64_Shdr), and its size.
    const OFFSET: usize = 24;
    const SIZE: usize = 32;
    const HEADER: usize = 64;
    let elf = Elf::parse(program).unwrap();
    let table = elf.elf_header().e_shoff.get(elf.endian()) as usize;
    let header = table + elf.section_by_name(name).unwrap().index().0 * HEADER;
    let mut file = program.to_vec();
    let mut put = |at: usize, word: usize| file[header + at..][..8].copy_from_slice(&word.to_le_bytes());
    put(OFFSET, program.len());
    put(SIZE, contents.len());
    file.extend_from_slice(contents);
    file
}

/// The same, said to be compressed (gABI, "Section Compression").
pub(crate) fn with_compressed_section(program: &'static [u8], name: &str, contents: &[u8]) -> Vec<u8> {
    /// Place of the flags in a section header, and the flag.
    const FLAGS: usize = 8;
    const COMPRESSED: u64 = 0x800;
    let mut file = with_section(program, name, contents);
    let elf = Elf::parse(program).unwrap();
    let table = elf.elf_header().e_shoff.get(elf.endian()) as usize;
    let header = table + elf.section_by_name(name).unwrap().index().0 * 64;
    file[header + FLAGS..][..8].copy_from_slice(&COMPRESSED.to_le_bytes());
    file
}

/// Contents of a compressed section: `Elf64_Chdr`, then zlib's format (RFC 1950) with one stored block.
pub(crate) fn compressed(contents: &[u8]) -> Vec<u8> {
    let length = contents.len() as u16;
    let sum = |(low, high): (u32, u32), byte: &u8| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    };
    let (low, high) = contents.iter().fold((1, 0), sum);
    let mut bytes = [1u64, contents.len() as u64, 1].map(u64::to_le_bytes).concat();
    bytes.extend([0x78, 0x01, 0x01]);
    bytes.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    bytes.extend_from_slice(contents);
    bytes.extend((high << 16 | low).to_be_bytes());
    bytes
}

/// The usual stack: return addresses into the program, pointers to the stack, small numbers.
pub(crate) fn stack(program: &'static [u8]) -> Vec<u8> {
    let places = places(program);
    let word = |index: usize| match index % 4 {
        0 => places[index / 4 % places.len()],
        1 => STACK + (index as u64 * 8 + 64) % STACK_SIZE as u64,
        2 => index as u64,
        _ => STACK + (index as u64 * 16) % STACK_SIZE as u64,
    };
    (0..STACK_SIZE / 8).flat_map(|index| word(index).to_le_bytes()).collect()
}

/// An address in the middle of each function.
fn places(program: &'static [u8]) -> Vec<u64> {
    let elf = Elf::parse(program).unwrap();
    let functions =
        elf.symbols().filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.size() > 0);
    functions.map(|symbol| BASE + symbol.address() + symbol.size() / 2).collect()
}

/// Analyzes a process that has `file` mapped, with the threads that `program` would have. Gives the
/// rendered parts, the first one being the header.
pub(crate) fn analyze(program: &'static [u8], file: &[u8], stack: &[u8]) -> Vec<u8> {
    let memory = Parts { file, stack };
    let capture = capture(program, file.len() as u64);
    let settings = Settings {
        limits: Limits { output: 1 << 20, frames: 16, ..Limits::default() },
        variables: true,
        raw_values: false,
        format: Format::Json,
        style: Style { color: false, verbose: false },
        redactor: Redactor::default(),
        debug: DebugSources::default(),
        jobs: Some(1),
        plugins: Sources { none: true, ..Sources::default() },
        notes_plugin_calls: false,
    };
    let mut rendered = Rendered::default();
    GliderAnalyzer::new(settings).analyze(&capture, &memory, &mut rendered);
    rendered.0
}

fn capture(program: &'static [u8], size: u64) -> Capture {
    let mapping = |start: u64, size: u64, execute: bool, path: &str| Mapping {
        start: Address(start),
        end: Address(start + size.next_multiple_of(4096)),
        protection: Protection { read: true, write: !execute, execute },
        offset: 0,
        device: (0, 0),
        inode: 0,
        is_shared: false,
        is_remote: false,
        path: Some(path.to_owned()),
    };
    let thread = |(index, pc): (usize, u64)| {
        let mut registers = Registers::of(Arch::X86_64);
        for number in 0..16 {
            registers.set(number, Some(STACK + u64::from(number) * 24));
        }
        registers.set(Arch::X86_64.pc(), Some(pc));
        registers.set(Arch::X86_64.sp(), Some(STACK + 64));
        registers.set(Arch::X86_64.frame_pointer(), Some(STACK + 256));
        let registers = Some(Box::new(ThreadRegisters { general: registers, ..ThreadRegisters::default() }));
        CapturedThread {
            tid: index as i32 + 1,
            state: "R (running)".into(),
            registers,
            ..CapturedThread::default()
        }
    };
    Capture {
        process: ProcessInfo { pid: i32::MAX, ..ProcessInfo::default() },
        // The one object that is read from memory and from no file.
        mappings: vec![
            mapping(BASE, size, true, "[vdso]"),
            mapping(STACK, STACK_SIZE as u64, false, "[stack]"),
        ],
        auxv: Vec::new(),
        threads: places(program).into_iter().enumerate().map(thread).collect(),
        problems: Vec::new(),
    }
}

struct Parts<'a> {
    file: &'a [u8],
    stack: &'a [u8],
}

impl Memory for Parts<'_> {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        let (start, bytes) = if address.0 < STACK { (BASE, self.file) } else { (STACK, self.stack) };
        let offset = address.0.checked_sub(start).and_then(|offset| usize::try_from(offset).ok());
        let available = offset.and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        length
    }
}

/// All that was put, one after the other.
#[derive(Default)]
struct Rendered(Vec<u8>);

impl Output for Rendered {
    fn put_header(&mut self, rendered: &[u8]) {
        self.0.extend_from_slice(rendered);
    }
    fn begin_thread(&mut self, _: usize) {}
    fn append(&mut self, rendered: &[u8]) {
        self.0.extend_from_slice(rendered);
    }
    fn end_thread(&mut self) {}
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn set_size(&mut self, _: u64) {}
    fn put_footer(&mut self, _: &Footer) -> Result<(), String> {
        Ok(())
    }
    fn branch(&self, _: usize) -> Option<Box<dyn Output>> {
        None
    }
}
