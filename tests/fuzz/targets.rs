//! The fuzz targets: plain functions that take any bytes and have to come to an end without a panic.
//! Shared by the test (`main.rs`), which gives them a fixed number of mutants, and libFuzzer.

use super::program::{self, DWARF4, DWARF5};
use super::remains;
use glider::target::{maps, procfs, siginfo};

/// Something that reads bytes which a target controls.
pub(crate) struct Target {
    /// Its name, also that of its folder below `corpus`.
    pub(crate) name: &'static str,
    /// Takes any bytes.
    pub(crate) run: fn(&[u8]),
    /// Good bytes to begin with.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
}

/// A target for one section of a program, the rest of which is good.
macro_rules! of_section {
    ($name:literal, $program:ident, $section:literal) => {
        Target {
            name: $name,
            run: |bytes| analyze_section($program, $section, bytes),
            seeds: || vec![program::section($program, $section).to_vec()],
        }
    };
}

/// The whole analysis, of a program of which one part is anything.
pub(crate) static ANALYSES: [Target; 20] = [
    Target {
        name: "elf",
        run: |bytes| analyze(DWARF5, bytes),
        seeds: || vec![DWARF5.to_vec(), DWARF4.to_vec()],
    },
    of_section!("units", DWARF5, ".debug_info"),
    of_section!("units-4", DWARF4, ".debug_info"),
    of_section!("abbreviations", DWARF5, ".debug_abbrev"),
    of_section!("abbreviations-4", DWARF4, ".debug_abbrev"),
    of_section!("strings", DWARF5, ".debug_str"),
    of_section!("lines", DWARF5, ".debug_line"),
    of_section!("lines-4", DWARF4, ".debug_line"),
    of_section!("locations", DWARF5, ".debug_loclists"),
    of_section!("ranges", DWARF5, ".debug_rnglists"),
    of_section!("aranges", DWARF5, ".debug_aranges"),
    of_section!("eh_frame", DWARF5, ".eh_frame"),
    of_section!("eh_frame_hdr", DWARF5, ".eh_frame_hdr"),
    of_section!("debug_frame", DWARF4, ".debug_frame"),
    of_section!("symbols", DWARF5, ".symtab"),
    of_section!("names", DWARF5, ".strtab"),
    of_section!("notes", DWARF5, ".note.gnu.build-id"),
    of_section!("debugdata", DWARF4, ".gnu_debugdata"),
    Target {
        name: "compressed",
        run: |bytes| analyze(DWARF5, &program::with_compressed_section(DWARF5, ".debug_info", bytes)),
        seeds: || vec![program::compressed(program::section(DWARF5, ".debug_info"))],
    },
    Target {
        name: "stack",
        run: analyze_stack,
        seeds: || vec![program::stack(DWARF5), program::stack(DWARF4)],
    },
];

/// What reads a few bytes. Apart from the others, since a program without the analysis in it has a hundredth of the
/// branches that libFuzzer watches, and runs them many times as often.
pub(crate) static PARSERS: [Target; 9] = [
    Target { name: "maps", run: |bytes| drop(maps::parse_maps(bytes)), seeds: || vec![MAPS.to_vec()] },
    Target { name: "stat", run: |bytes| drop(procfs::parse_stat(bytes)), seeds: || vec![STAT.to_vec()] },
    Target {
        name: "status",
        run: |bytes| drop(procfs::parse_status(bytes)),
        seeds: || vec![STATUS.to_vec()],
    },
    Target { name: "auxv", run: |bytes| drop(procfs::parse_auxv(bytes)), seeds: || vec![AUXV.to_vec()] },
    Target { name: "spool", run: remains::read_spool, seeds: remains::spools },
    Target { name: "footer", run: remains::read_footer, seeds: remains::footers },
    Target { name: "host", run: remains::judge_host, seeds: remains::pages },
    Target { name: "siginfo", run: read_siginfo, seeds: || vec![vec![11; siginfo::SIZE]] },
    Target {
        name: "demangle",
        run: demangle,
        seeds: || SYMBOLS.iter().map(|name| name.as_bytes().to_vec()).collect(),
    },
];

const MAPS: &[u8] = b"55d0c0a00000-55d0c0a28000 r-xp 00001000 fd:00 1234 /usr/bin/a\\012b (deleted)\n\
    7ffd1000-7ffd2000 rw-p 00000000 00:00 0 [stack]\n";
const STAT: &[u8] =
    b"42 (a) R 1 (\nb) S 1 7 7 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0 0 0 0 0 0 0 0 0 0 0 1 0\n";
/// `AT_PAGESZ`, `AT_NULL`.
const AUXV: &[u8] = b"\x06\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const STATUS: &[u8] =
    b"Name:\tx\nTgid:\t7\nTracerPid:\t0\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t1 2 \n\
    CapEff:\t0000000000080000\n";
const SYMBOLS: [&str; 5] = [
    "_ZNSt6vectorIiSaIiEE9push_backERKi",
    "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE",
    "_RNvMs_NtCs4fqI2P2rA04_5crate3modNtB4_4Type6method",
    "_ZZN1aIiE1bIXadL_Z1cvEEEEDTcl1dfp_EET_ENKUlvE_clEv",
    "_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantEC1a",
];

fn analyze(program: &'static [u8], file: &[u8]) {
    program::analyze(program, file, &program::stack(program));
}

fn analyze_section(program: &'static [u8], name: &str, contents: &[u8]) {
    analyze(program, &program::with_section(program, name, contents));
}

/// The memory that values and return addresses are read from, of both programs.
fn analyze_stack(stack: &[u8]) {
    for program in [DWARF5, DWARF4] {
        program::analyze(program, program, stack);
    }
}

fn read_siginfo(bytes: &[u8]) {
    siginfo::parse_siginfo(bytes);
    if let Some(raw) = bytes.first_chunk() {
        siginfo::parse_siginfo(&siginfo::widen(raw));
    }
}

fn demangle(bytes: &[u8]) {
    if let Ok(name) = str::from_utf8(bytes) {
        glider::object::demangle(name);
    }
}
