//! gdb as the oracle: the same stacks as gdb finds them.

use super::process::Target;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// A physical frame as gdb sees it.
#[derive(Debug, Deserialize)]
pub(crate) struct GdbFrame {
    pub(crate) pc: u64,
    pub(crate) name: Option<String>,
    pub(crate) registers: HashMap<String, u64>,
}

/// The frames of every thread, by thread id.
pub(crate) fn frames(target: &Target) -> HashMap<i32, Vec<GdbFrame>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/unwind/gdb_frames.py");
    let output = Command::new("gdb")
        // Where it leaves a core of itself when it fails.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(["-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "set backtrace past-main on"])
        .args(["-ex", "set auto-load off", "-p", &target.pid().to_string(), "-x"])
        .arg(script)
        .output()
        .expect("gdb must run; on Debian it is in the package gdb");
    let text = String::from_utf8_lossy(&output.stdout);
    let frames = text.lines().find_map(|line| line.strip_prefix("FRAMES "));
    let frames = frames.unwrap_or_else(|| panic!("gdb: {text}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(frames).expect("what gdb_frames.py prints")
}
