//! Either side may be the C original's: its server under our monitor, our server under its monitor.

use crate::stage::{Stage, crash_target, must_run, target_source, wait_for};
use std::path::Path;
use std::process::Command;

fn old_server(stage: &Stage) -> std::path::PathBuf {
    let program = stage.path("old_server");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]).arg(target_source("old_server.c"));
    must_run(cc.arg("-o").arg(&program), "gcc");
    program
}

#[test]
fn an_old_server_that_faults_under_our_monitor_is_traced_and_respawned() {
    for how in ["plain", "usr2"] {
        let stage = Stage::new();
        let (program, mark) = (old_server(&stage), stage.path("mark"));
        let _monitor = stage.monitor(&[], &[program.as_os_str(), how.as_ref(), mark.as_os_str()]);
        stage.wait_out("serving");
        let log = stage.wait_log_times(" started", 2);
        assert!(log.contains("was killed by SIGSEGV"), "{log}");
        let traces = stage.traces();
        assert_eq!(traces.len(), 1, "{log}");
        assert!(traces[0].1.contains("State:\tT (stopped)"), "{traces:?}");
    }
}

#[test]
fn an_old_server_that_hangs_under_our_monitor_is_traced_and_respawned() {
    let stage = Stage::new();
    let (program, mark) = (old_server(&stage), stage.path("mark"));
    let options = ["--watchdog-interval=1"];
    let _monitor = stage.monitor(&options, &[program.as_os_str(), "hang".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert!(log.contains(" hangs: no beat for 1s") && log.contains("was killed by SIGABRT"), "{log}");
}

fn under_old_monitor(stage: &Stage, how: &str, program: &Path) {
    let python = must_run(Command::new("sh").args(["-c", "command -v python3"]), "python3");
    let mut command = stage.command(python.trim());
    command.arg(target_source("old_monitor.py")).arg(how);
    command.arg(program).arg("null-write").arg(stage.path("mark"));
    let mut monitor = stage.start(command);
    assert!(monitor.wait().success());
}

#[test]
fn our_server_under_an_old_monitor_stops_is_continued_and_dies_of_its_signal() {
    for (how, asked) in [("usr2", 1), ("deaf", 0)] {
        let stage = Stage::new();
        under_old_monitor(&stage, how, crash_target());
        let out = stage.read("out");
        assert!(
            out.contains(&format!("stopped, state 2, asked {asked}\nhook\nended by 11, state 3, ticks 2\n")),
            "{out}"
        );
    }
}

#[test]
fn our_server_does_not_stay_stopped_when_an_old_monitor_dies() {
    let stage = Stage::new();
    under_old_monitor(&stage, "die", crash_target());
    wait_for("the server to die of its signal", || stage.processes().is_empty().then_some(()));
    assert!(stage.read("out").ends_with("stopped, state 2, asked 0\nhook\n"), "{}", stage.read("out"));
}
