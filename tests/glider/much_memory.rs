//! Programs with more memory than is copied: what their stacks lead to is, so that nothing is marked.

use super::{Result, report_of};
use sample_targets::{Build, Language, Optimisation, Target, build};
use std::path::Path;
use std::process::Command;

#[test]
fn of_samples_with_much_memory_every_value_is_of_the_stop() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("ballast.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/ballast.c");
    let flags = ["-O2", "-shared", "-fPIC", "-o"];
    assert!(Command::new("gcc").args(flags).args([&library, &source]).status()?.success());
    for language in [Language::C, Language::Cpp, Language::Rust] {
        let program = build(&Build::new(language, Optimisation::O1, 5))?;
        for scenario in ["variables", "many-threads"] {
            let mut command = Command::new(program.path());
            let target = Target::start_command(command.arg(scenario).env("LD_PRELOAD", &library), scenario)?;
            target.wait_until_blocked()?;
            let report = report_of(target.pid().unsigned_abs())?;
            assert!(report.contains("(not all memory was copied: --max-copy)"), "{report}");
            assert!(!report.contains("while running"), "{report}");
        }
    }
    Ok(())
}
