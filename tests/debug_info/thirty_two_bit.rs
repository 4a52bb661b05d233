//! 32-bit programs (i386), traced by the 64-bit glider.

use crate::against_gdb::agree;
use sample_targets::{Build, Language, Optimisation};

#[test]
fn of_32_bit_c_programs_gdb_shows_the_same() {
    let scenarios: &[&[&str]] = &[
        &["variables"],
        &["variables-in-pieces"],
        &["inlined"],
        &["signal-handler"],
        &["signal-nested"],
        &["fault-handler", "null-call"],
        &["no-frame-pointer"],
        &["thread-locals"],
    ];
    agree(&Build::new(Language::C, Optimisation::O2, 5).flag("-m32"), scenarios);
}

#[test]
fn of_32_bit_cpp_programs_gdb_shows_the_same() {
    let scenarios: &[&[&str]] = &[&["variables"], &["inlined"], &["in-catch"], &["fault-handler", "null"]];
    agree(&Build::new(Language::Cpp, Optimisation::O0, 4).flag("-m32"), scenarios);
}
