//! Programs of this folder: compiled, started, traced.

use gimli_plugin_api::testing::{Glider, Report, Target, library};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The glider of this build.
///
/// cargo builds no programs of other packages for the tests of this one.
pub(crate) fn glider() -> Glider {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os("GLIDER").is_none() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--package", "glider", "--bin", "glider"]);
            if !cfg!(debug_assertions) {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "glider cannot be built");
        }
    });
    Glider::find().unwrap_or_else(|error| panic!("{error}"))
}

/// The plugin of this build.
pub(crate) fn plugin() -> PathBuf {
    library("gimli-libstdcxx").unwrap_or_else(|error| panic!("{error}"))
}

/// Compiles one of the programs beside this file, as `name`.
pub(crate) fn compile(source: &str, name: &str, options: &[&str]) -> PathBuf {
    compile_with("c++", "g++", source, name, options)
}

/// Compiles with a compiler that `package` brings.
pub(crate) fn compile_with(
    compiler: &str,
    package: &str,
    source: &str,
    name: &str,
    options: &[&str],
) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = format!("{}/tests/real/{source}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(compiler);
    command.args(["-std=c++17", "-g"]).args(options).arg(&source).arg("-o").arg(&program);
    let status = command.status();
    let status = status.unwrap_or_else(|error| panic!("{compiler}: {error} (Debian package {package})"));
    assert!(status.success(), "{compiler} cannot compile {source}");
    program
}

/// Starts a program and waits until it is ready.
pub(crate) fn start(program: &PathBuf, arguments: &[&str]) -> Target {
    let target = Target::start(Command::new(program).args(arguments));
    target.unwrap_or_else(|error| panic!("{error}"))
}

/// Traces with the plugin; nothing may be missing from the report.
pub(crate) fn trace(glider: Glider, target: &Target) -> Report {
    let report = glider.trace(target).unwrap_or_else(|error| panic!("{error}"));
    assert!(report.is_complete(), "{:?}", report.problems());
    assert_eq!(report.problems(), [""; 0]);
    report
}

/// What the report shows of a variable.
pub(crate) fn value<'r>(report: &'r Report, function: &str, name: &str) -> &'r Value {
    let variable = report.variable(function, name);
    &variable.unwrap_or_else(|| panic!("no variable {name} in {function}:\n{}", report.text()))["value"]
}

/// The plugin's words for a variable.
pub(crate) fn words<'r>(report: &'r Report, function: &str, name: &str) -> &'r str {
    let value = value(report, function, name);
    assert_eq!(value["kind"], "replaced", "{name}: {value}");
    value["text"].as_str().unwrap()
}

/// Members of a value of the report, name and value.
pub(crate) fn members(value: &Value) -> Vec<(&str, &Value)> {
    let members = value["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    members.iter().map(|member| (member["name"].as_str().unwrap_or_default(), &member["value"])).collect()
}
