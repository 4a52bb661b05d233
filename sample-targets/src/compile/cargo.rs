//! The Rust sample: built by cargo with the profile that the recipe asks for, in a target folder of its own.
//!
//! Other packages' tests get no `CARGO_BIN_EXE_…` for it, and it is wanted at several levels, so the
//! one that a surrounding `cargo test` may have built is never used.

use super::{check_compiler, package_folder, run_compiler};
use crate::{Build, Error, Optimisation};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Gives the path of the executable.
pub(super) fn build(build: &Build, cache: &Path) -> Result<PathBuf, Error> {
    let mut hasher = DefaultHasher::new();
    build.flags.hash(&mut hasher);
    let target = cache.join(format!("{build}-{:016x}", hasher.finish()));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(package_folder());
    command.args(["build", "--quiet", "--package", "sample-targets", "--bin", "sample_rust"]);
    command.arg("--target-dir").arg(&target);
    for setting in profile(build.optimisation) {
        command.arg("--config").arg(setting);
    }
    let mut flags = vec![format!("-Cdwarf-version={}", build.dwarf)];
    flags.extend(build.flags.iter().cloned());
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    for inherited in ["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"] {
        command.env_remove(inherited);
    }
    let output = run_compiler(&mut command, "cargo")?;
    check_compiler(build, &command, &output)?;
    Ok(target.join("debug/sample_rust"))
}

/// A profile as a release with full debugging information, at the given level: no debug assertions,
/// which would turn the faults into panics.
fn profile(optimisation: Optimisation) -> [String; 4] {
    let level = match optimisation {
        Optimisation::O0 => "0",
        Optimisation::O1 => "1",
        Optimisation::O2 => "2",
        Optimisation::O3 => "3",
        Optimisation::Os => "\"s\"",
    };
    [
        format!("profile.dev.opt-level={level}"),
        "profile.dev.debug=2".to_string(),
        "profile.dev.debug-assertions=false".to_string(),
        "profile.dev.incremental=false".to_string(),
    ]
}
