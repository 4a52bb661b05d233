//! One program for all targets that read a few bytes.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, reason = "seeds are good; the other program has the other targets")]

mod chosen;
#[path = "../program.rs"]
mod program;
#[path = "../remains.rs"]
mod remains;
#[path = "../targets.rs"]
mod targets;

use chosen::{chosen, write_seeds};
use targets::PARSERS;

libfuzzer_sys::fuzz_target!(init: write_seeds(chosen(&PARSERS)), |bytes: &[u8]| (chosen(&PARSERS).run)(bytes));
