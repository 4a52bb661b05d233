//! What would keep glider from letting a process go: a process that changes under its hands, a terminal that
//! stops glider.

use super::stage::{Target, assert_root, compile, folder, trace};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// While a thread executes a program it holds a lock that attaching needs, until the end of all others was taken note of.
#[test]
fn a_process_that_executes_a_program_while_it_is_seized_does_not_hold_glider_up() {
    assert_root();
    let program = folder("evasion").join("evades");
    compile("evades.c", &program, &["-static"]);
    let target = Target::start(&program, Some(65534));
    for _ in 0..15 {
        let report = trace(&target, &["--timeout", "20"]);
        assert!(matches!(report.code, Some(0 | 1)), "{:?}: {}", report.code, report.error);
        assert!(!report.json["threads"].as_array().unwrap().is_empty());
        target.assert_let_go();
    }
}

#[test]
fn glider_does_not_stop_with_its_terminal_while_it_holds_a_process() {
    let program = folder("terminal").join("crowd");
    compile("crowd.c", &program, &["-static"]);
    let target = Target::start(&program, None);
    let mut signals = 0;
    for _ in 0..5 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
        command.args(["--format=json", "--max-copy=0"]).arg(target.pid().to_string()).process_group(0);
        let mut glider = command.stdout(Stdio::null()).spawn().unwrap();
        let group = Pid::from_child(&glider);
        let code = loop {
            if let Some(status) = glider.try_wait().unwrap() {
                break status.code();
            }
            // Ctrl-Z, and what a program in the background gets that uses the terminal.
            if target.is_traced() {
                signals += 1;
                for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
                    kill_process_group(group, signal).unwrap();
                }
            }
        };
        assert_eq!(code, Some(0));
    }
    assert!(signals > 0, "it was never seen to be held");
    target.assert_let_go();
}
