//! A folder in which a program is built and taken apart with the real tools, and what glider
//! shows of it.

use crate::GLIDER;
use sample_targets::Target;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian packages of the tools.
const PACKAGES: [(&str, &str); 10] = [
    ("gcc", "gcc"),
    ("clang", "clang"),
    ("objcopy", "binutils"),
    ("strip", "binutils"),
    ("nm", "binutils"),
    ("dwz", "dwz"),
    ("eu-strip", "elfutils"),
    ("llvm-dwp", "llvm"),
    ("xz", "xz-utils"),
    ("debuginfod", "debuginfod"),
];

/// The folder; it is removed when this is dropped.
pub(crate) struct Workshop(tempfile::TempDir);

impl Workshop {
    pub(crate) fn new() -> Workshop {
        Workshop(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// Runs a tool there, words separated by spaces; `$SRC` is the folder of these tests.
    pub(crate) fn run(&self, command: &str) {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/debug_info");
        let sources = sources.canonicalize().unwrap();
        let command = command.replace("$SRC", sources.to_str().unwrap());
        let mut words = command.split_whitespace();
        let tool = words.next().unwrap();
        let output = Command::new(tool).args(words).current_dir(self.0.path()).output();
        let package = PACKAGES.iter().find(|(name, _)| *name == tool).map_or(tool, |(_, package)| package);
        let output = output.unwrap_or_else(|error| panic!("{tool}: {error} (Debian package: {package})"));
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Compiles the program that is shipped.
    pub(crate) fn compile(&self, compiler: &str, flags: &str) {
        self.run(&format!("{compiler} -g -O1 {flags} -o program $SRC/shipped.c"));
    }

    /// Starts a program of the folder.
    pub(crate) fn start(&self, name: &str, arguments: &[&str]) -> Target {
        let mut command = Command::new(self.path(name));
        command.args(arguments);
        Target::start_command(&mut command, name).unwrap()
    }
}

/// The report on a target, as JSON.
pub(crate) fn report(target: &Target, options: &[&str]) -> Value {
    target.wait_until_blocked().unwrap();
    let mut command = Command::new(GLIDER);
    command.args(["--format", "json"]).args(options).arg(target.pid().to_string());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a report says of the shipped program's own functions: a list of function, file, line and
/// variables, innermost first, inlined calls among them.
pub(crate) fn frames(report: &Value) -> Vec<Value> {
    let frames = report["threads"][0]["frames"].as_array().unwrap();
    let calls = frames.iter().flat_map(|frame| {
        let inlined = frame["inlines"].as_array().into_iter().flatten().cloned();
        inlined.chain([frame.clone()]).collect::<Vec<_>>()
    });
    let own = ["wait_here", "middle", "outer", "main"];
    let is_own = |call: &Value| call["function"].as_str().is_some_and(|name| own.contains(&name));
    calls.filter(is_own).map(|call| reduced(&call)).collect()
}

/// The lines of frames.
pub(crate) fn lines(frames: &[Value]) -> Vec<(&str, u64)> {
    frames
        .iter()
        .map(|frame| (frame["function"].as_str().unwrap(), frame["line"].as_u64().unwrap_or(0)))
        .collect()
}

/// A call without what changes from run to run: addresses, and what is behind `argv`.
fn reduced(call: &Value) -> Value {
    let file = call["file"].as_str().and_then(|file| file.rsplit('/').next());
    let variables = call["variables"].as_array().unwrap().iter();
    let variables = variables.filter(|variable| variable["name"] != "argv").map(without_addresses);
    serde_json::json!({
        "function": call["function"],
        "file": file,
        "line": call["line"],
        "variables": variables.collect::<Vec<_>>(),
    })
}

fn without_addresses(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_addresses).collect(),
        Value::Object(fields) => {
            let is_pointer = fields.get("kind").is_some_and(|kind| kind == "pointer");
            let changes = |name: &str| name == "address" || is_pointer && ["text", "symbol"].contains(&name);
            let kept = fields.iter().filter(|(name, _)| !changes(name));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_addresses(value))).collect())
        }
        other => other.clone(),
    }
}

/// The module of a report whose file name ends so.
pub(crate) fn module<'r>(report: &'r Value, name: &str) -> &'r Value {
    let modules = report["modules"].as_array().unwrap();
    modules.iter().find(|module| module["filename"].as_str().unwrap().contains(name)).unwrap()
}
