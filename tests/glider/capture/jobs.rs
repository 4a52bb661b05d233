//! Several processes that analyze threads at the same time give the report that one gives.

use super::target::Target;
use serde_json::Value;
use std::process::Command;

/// The report, without how long it took.
fn trace(target: &Target, options: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    let output =
        command.args(["--format", "json"]).args(options).arg(target.pid().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["timing"] = Value::Null;
    report
}

#[test]
fn the_report_is_the_same_however_many_processes_make_it() {
    let target = Target::start("handler-in-last", 40);
    let one = trace(&target, &["--jobs", "1"]);
    assert_eq!(one["threads"].as_array().map(Vec::len), Some(42));
    // The signal is in the thread that is looked at last.
    assert_eq!(one["crash_info"]["crashing_thread"], 41);
    for jobs in ["2", "7", "100"] {
        assert_eq!(trace(&target, &["--jobs", jobs]), one, "{jobs} processes");
    }
    target.assert_let_go();
}
