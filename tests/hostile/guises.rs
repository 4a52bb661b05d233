//! Targets in guises that are made to mislead, and callers that leave glider short of something.

use super::stage::{NOBODY, Target, assert_root, compile, folder, trace_with};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn guises(name: &str) -> PathBuf {
    let program = folder(name).join("guises");
    compile("guises.c", &program, &["-static"]);
    program
}

fn start(program: &Path, guise: &str) -> Target {
    Target::run(Command::new(program).arg(guise))
}

/// The text report of a target, and the exit code.
fn text(target: &Target) -> (String, Option<i32>) {
    let glider = Command::new(env!("CARGO_BIN_EXE_glider")).arg(target.pid().to_string()).output().unwrap();
    target.assert_let_go();
    (String::from_utf8(glider.stdout).unwrap(), glider.status.code())
}

#[test]
fn what_a_process_calls_itself_is_no_line_of_the_report_and_no_command_to_the_terminal() {
    let guise =
        "names, and a long argument, which a line of a report is written over: it has as much room as this";
    let (text, code) = text(&start(&guises("names-of-processes"), guise));
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("Thread ")).count(), 1, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("#0  0x0 ")), "{text}");
}

#[test]
fn every_guise_is_seen_through() {
    let program = guises("guises");
    for guise in ["mappings", "undumpable", "wiped", "cut", "generated"] {
        let report = trace_with(&start(&program, guise), &[], &[]);
        assert!(matches!(report.code, Some(0 | 1)), "{guise}: {:?}: {}", report.code, report.error);
        let functions = report.functions();
        assert!(functions.contains(&"inner") && functions.contains(&"main"), "{guise}: {}", report.json);
    }
}

#[test]
fn a_process_of_another_user_that_may_not_be_looked_at_by_that_user_is_looked_at_by_root() {
    assert_root();
    let mut command = Command::new(guises("undumpable-others"));
    let target = Target::run(command.arg("undumpable").uid(NOBODY).gid(NOBODY));
    let report = trace_with(&target, &[], &[]);
    assert!(report.functions().contains(&"inner"), "{}", report.json);
}

#[test]
fn a_caller_that_leaves_little_gets_a_report_or_one_line() {
    let target = start(&guises("little"), "");
    for little in [
        "ulimit -f 0",
        "ulimit -n 12",
        "ulimit -n 24",
        "ulimit -v 300000",
        "ulimit -s 64",
        "ulimit -t 20",
        "trap '' ALRM CHLD HUP PIPE TERM XFSZ",
        "exec <&-",
        "exec 2>&-",
        "umask 777",
        "cd /proc/self/fd",
    ] {
        let mut shell = Command::new("sh");
        let line = format!("{little}; exec \"$0\" --format=json \"$1\"");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_glider"), &target.pid().to_string()]);
        let output = shell.stdin(Stdio::null()).output().unwrap();
        target.assert_let_go();
        let error = String::from_utf8_lossy(&output.stderr);
        let lines = error.lines().filter(|line| line.starts_with("glider: ")).count();
        match output.status.code() {
            Some(0 | 1) => {
                let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                assert!(report["threads"][0]["frames"][0]["offset"].is_string(), "{little}: {report}");
            }
            code => assert_eq!((code, lines), (Some(2), 1), "{little}: {error}"),
        }
    }
}
