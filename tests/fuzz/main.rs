//! Every fuzz target over its seeds, what was kept of long runs, and a fixed number of mutants, the same
//! in each run. `run` beside this file has libFuzzer search for more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;
mod remains;
mod targets;

use targets::{ANALYSES, PARSERS, Target};

/// Mutants of each seed.
const MUTANTS: u64 = 100;

/// Numbers that look random and are the same in each run (splitmix64).
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((word ^ (word >> 31)) >> 1) as usize
}

/// A seed with some bytes changed, and perhaps cut short.
fn mutate(seed: &[u8], number: u64) -> Vec<u8> {
    let (mut bytes, mut state) = (seed.to_vec(), number);
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..=random(&mut state) % 8 {
        let at = random(&mut state) % bytes.len();
        bytes[at] = match random(&mut state) % 4 {
            0 => 0,
            1 => 0xff,
            2 => bytes[at] ^ (1 << (random(&mut state) % 8)),
            _ => random(&mut state) as u8,
        };
    }
    if random(&mut state).is_multiple_of(8) {
        bytes.truncate(random(&mut state) % bytes.len());
    }
    bytes
}

/// What long runs found worth keeping for a target.
fn kept(target: &Target) -> Vec<Vec<u8>> {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target.name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Runs the targets whose place in the list leaves this rest: tests run side by side.
fn run(rest: usize) {
    for target in ANALYSES.iter().chain(&PARSERS).skip(rest).step_by(4) {
        for seed in (target.seeds)().into_iter().chain(kept(target)) {
            for number in 0..=MUTANTS {
                let bytes = if number == 0 { seed.clone() } else { mutate(&seed, number) };
                let result = std::panic::catch_unwind(|| (target.run)(&bytes));
                assert!(result.is_ok(), "{}, mutant {number} of {seed:x?}", target.name);
            }
        }
    }
}

#[test]
fn targets_stand_their_mutants_1_of_4() {
    run(0);
}

#[test]
fn targets_stand_their_mutants_2_of_4() {
    run(1);
}

#[test]
fn targets_stand_their_mutants_3_of_4() {
    run(2);
}

#[test]
fn targets_stand_their_mutants_4_of_4() {
    run(3);
}

#[test]
fn a_compressed_section_is_understood() {
    let contents = program::compressed(program::section(program::DWARF5, ".debug_info"));
    let file = program::with_compressed_section(program::DWARF5, ".debug_info", &contents);
    let report = program::analyze(program::DWARF5, &file, &program::stack(program::DWARF5));
    assert!(String::from_utf8(report).unwrap().contains("\"name\":\"depth\""));
}

#[test]
fn what_is_good_is_understood() {
    for program in [program::DWARF5, program::DWARF4] {
        let report = program::analyze(program, program, &program::stack(program));
        let report = String::from_utf8(report).unwrap();
        for words in ["\"function\":\"inner\"", "program.c", "\"name\":\"node\"", "\"name\":\"depth\""] {
            assert!(report.contains(words), "{words} in {report}");
        }
    }
}
