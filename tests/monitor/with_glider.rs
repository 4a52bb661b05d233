//! Monitor and the real glider together: what a reader finds in the trace file.

use crate::stage::{Stage, crash_target, must_run, wait_for};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Glider, built in the profile of this test; nothing is to be done when the whole workspace is tested.
fn glider() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_monitor")).with_file_name("glider");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "-p", "glider"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if path.parent().is_some_and(|folder| folder.ends_with("release")) {
        cargo.arg("--release");
    }
    must_run(&mut cargo, "cargo");
    path
}

/// The text of the only trace, which is complete, once a server has been dealt with in this way.
fn trace_of(mode: &str, options: &[&str]) -> String {
    trace_within(mode, options, "complete")
}

/// The same with another outcome.
fn trace_within(mode: &str, options: &[&str], outcome: &str) -> String {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let glider = format!("--glider={}", glider().display());
    let options: Vec<&str> = options.iter().copied().chain([glider.as_str()]).collect();
    let _monitor = stage.monitor(&options, &[program.as_os_str(), mode.as_ref(), mark.as_os_str()]);
    let log = stage.wait_log_times(" started", 2);
    let traces = stage.traces();
    assert!(log.contains(&format!(": {outcome}, ")), "{log}");
    traces.into_iter().next().expect("one trace").1
}

#[test]
fn a_fault_is_shown_with_its_signal_line_and_variables() {
    let text = trace_of("null-write", &[]);
    for part in [
        "Traced because: fault detected\n",
        "Signal 11: Segmentation fault. address not mapped to object (0x2a)",
        "crash.c:",
        "`main+0x",
        "int argc = 3",
        "\nTrace program: complete",
        "was killed by SIGSEGV",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

#[test]
fn a_stack_overflow_in_a_thread_is_shown_with_its_frames() {
    let text = trace_of("overflow-thread", &[]);
    assert!(text.contains("`deeper+0x") && text.contains("Signal 11"), "{text}");
}

#[test]
fn a_small_limit_on_bytes_costs_variables_and_not_the_report() {
    let text =
        trace_within("overflow-thread", &["--max-trace-bytes=40000"], "glider says that it is partial");
    assert!(text.contains("`deeper+0x") && text.contains("Signal 11") && text.len() < 41_000, "{text}");
}

#[test]
fn a_hang_is_shown_where_it_hangs() {
    let text = trace_of("hang", &["--watchdog-interval=1"]);
    assert!(text.contains("Traced because: watchdog triggered\n") && text.contains("pause+0x"), "{text}");
    assert!(text.contains("was killed by SIGABRT"), "{text}");
}

#[test]
fn a_healthy_server_is_traced_and_beats_on() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let options = [format!("--glider={}", glider().display())];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let monitor = stage.monitor(&options, &[program.as_os_str(), "serve".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let server = stage.server();
    monitor.signal(Signal::SIGUSR2);
    let log = stage.wait_log(": complete, ");
    assert!(!log.contains("was stopped"), "{log}");
    wait_for("the footer", || stage.traces()[0].1.contains("runs on.").then_some(()));
    assert!(stage.traces()[0].1.contains("crash.c:"));
    wait_for("the server to run", || {
        stage
            .processes()
            .iter()
            .any(|process| process.pid == server && "SR".contains(process.state))
            .then_some(())
    });
}
