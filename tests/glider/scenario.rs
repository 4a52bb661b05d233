//! The JSON report of a sample in one of its scenarios.

use sample_targets::{Build, Target, build};
use std::process::{Command, Stdio};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Traces the sample of this recipe, blocked in the scenario that the first of `words` names; the others are its
/// arguments.
pub(crate) fn report(recipe: &Build, words: &[&str]) -> Result<serde_json::Value> {
    let (scenario, arguments) = words.split_first().ok_or("no scenario")?;
    let target = Target::start(&build(recipe)?, scenario, arguments)?;
    target.wait_until_blocked()?;
    let output = Command::new(env!("CARGO_BIN_EXE_glider"))
        .args(["--format", "json", "--no-plugins", &target.pid().to_string()])
        .stdin(Stdio::null())
        .output()?;
    let report = serde_json::from_slice(&output.stdout);
    report.map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
