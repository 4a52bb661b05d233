//! One program for all targets: GIMLI_FUZZ names the one that it runs. Its seeds are written to the folder
//! that GIMLI_FUZZ_SEEDS names.
#![no_main]
#![allow(clippy::unwrap_used, reason = "the programs to begin with are good")]

#[path = "../program.rs"]
mod program;
#[path = "../remains.rs"]
mod remains;
#[path = "../targets.rs"]
mod targets;

use std::sync::OnceLock;

fn chosen() -> &'static targets::Target {
    static CHOSEN: OnceLock<&'static targets::Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("GIMLI_FUZZ").unwrap_or_default();
        let names: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
        let chosen = targets::TARGETS.iter().find(|target| target.name == name);
        chosen.unwrap_or_else(|| panic!("GIMLI_FUZZ is one of {names:?}"))
    })
}

fn write_seeds() {
    let Some(folder) = std::env::var_os("GIMLI_FUZZ_SEEDS") else { return };
    for (number, seed) in (chosen().seeds)().iter().enumerate() {
        std::fs::write(std::path::Path::new(&folder).join(format!("seed-{number}")), seed).unwrap();
    }
}

libfuzzer_sys::fuzz_target!(init: write_seeds(), |bytes: &[u8]| (chosen().run)(bytes));
