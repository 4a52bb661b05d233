//! The harness for authors: its target's life, and what it makes of what glider says. Here a shell script stands for glider,
//! so that what is asked of it can be seen; the tests of glider run the harness with the real one.

use gimli_plugin_api::testing::{Failure, Glider, Target, library};
use std::path::{Path, PathBuf};
use std::process::Command;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A script that stands for glider.
fn stand_in(name: &str) -> Glider {
    Glider::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_in").join(name))
}

#[test]
fn a_target_is_ready_when_it_says_so_and_gone_when_it_is_dropped() {
    let mut target =
        Target::start(&mut shell("echo port 80; echo ready $$; echo more; exec sleep 600")).unwrap();
    assert_eq!(target.greeting(), ["port 80"]);
    assert!(target.is_running());
    let folder = PathBuf::from(format!("/proc/{}", target.pid()));
    assert!(folder.exists());
    drop(target);
    assert!(!folder.exists());
}

#[test]
fn a_target_is_gone_also_when_the_test_panics() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let outcome = std::thread::spawn(move || {
        let target = Target::start(&mut shell("echo ready; exec sleep 600")).unwrap();
        sender.send(target.pid()).unwrap();
        panic!("as meant");
    })
    .join();
    assert!(outcome.is_err());
    assert!(!PathBuf::from(format!("/proc/{}", receiver.recv().unwrap())).exists());
}

#[test]
fn a_target_that_does_not_get_ready_is_a_failure_that_says_why() {
    let early = Target::start(&mut shell("echo no such file; exit 3")).unwrap_err().to_string();
    assert!(early.starts_with("sh is not ready: ") && early.contains("no such file"), "{early}");
    let endless = Target::start(&mut shell("while :; do echo again; done")).unwrap_err().to_string();
    assert!(endless.contains("it prints on and on"), "{endless}");
    let none = Target::start(&mut Command::new("/nonexistent")).unwrap_err();
    assert!(matches!(none, Failure::Start { .. }), "{none}");
}

#[test]
fn a_report_is_had_as_text_and_as_json() {
    let target = Target::start(&mut shell("echo ready; exec sleep 600")).unwrap();
    let glider = stand_in("reports").plugin("/lib/gimli_x.so").option("-v");
    let report = glider.trace(&target).unwrap();
    let asked = format!("arguments: --format text --plugin /lib/gimli_x.so -v {}\n", target.pid());
    assert_eq!(report.text(), asked);
    assert!(!report.is_complete());
    assert_eq!(report.section("gimli_x.so"), "one\ntwo\n");
    assert_eq!(report.variable("handle", "n").unwrap()["value"]["text"], "3");
    assert_eq!(report.value("handle", "n").unwrap()["text"], "3");
    assert_eq!(report.value("handle", "noted").unwrap()["text"], "4");
    assert!(report.value("handle", "hidden").is_none() && report.variable("handle", "hidden").is_some());
    assert!(report.variable("main", "n").is_none() && report.frame("none").is_none());
    assert_eq!(report.problems(), ["gimli_x.so: slow"]);
    assert_eq!(report.plugin("gimli_x.so").unwrap()["status"], "loaded");
    assert_eq!(report.json()["threads"].as_array().unwrap().len(), 1);
}

#[test]
fn no_report_is_a_failure_in_gliders_words() {
    let target = Target::start(&mut shell("echo ready; exec sleep 600")).unwrap();
    let failure = stand_in("refuses").trace(&target).unwrap_err().to_string();
    assert_eq!(failure, "glider gave no report (exit status: 2): no right to trace");
    let broken = stand_in("breaks_off").trace(&target).unwrap_err();
    assert!(matches!(broken, Failure::Json(_)), "{broken}");
}

#[test]
fn a_plugin_that_was_not_built_is_a_failure_that_says_what_to_do() {
    let failure = library("no-such-plugin").unwrap_err().to_string();
    assert!(failure.contains("libno_such_plugin.so") && failure.contains("crate-type"), "{failure}");
}
