//! Tracers that fail, files that cannot be written: the server is respawned all the same, and the log says why.

use crate::stage::{Stage, crash_target, must_run};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A server that faults once, under a monitor with these options and this tracer.
fn fault_once(stage: &Stage, options: &[&str]) -> String {
    let (program, mark) = (crash_target(), stage.path("mark"));
    let _monitor = stage.monitor(options, &[program.as_os_str(), "null-write".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert!(
        log.contains("faulted: SIGSEGV (Segmentation fault), address not mapped to object, at 0x2a, thread")
    );
    log
}

#[test]
fn a_tracer_that_crashes_costs_only_its_own_output() {
    let stage = Stage::new();
    stage.script("tracer", "echo half a report\nkill -SEGV $$\n");
    let log = fault_once(&stage, &[]);
    assert!(
        log.contains("glider was killed by SIGSEGV (Segmentation fault), what it wrote is kept"),
        "{log}"
    );
    let text = &stage.traces()[0].1;
    assert!(text.contains("half a report\n\nTrace program: glider was killed by SIGSEGV"), "{text}");
}

#[test]
fn a_tracer_that_hangs_is_killed_with_its_helpers_and_what_it_wrote_is_kept() {
    let stage = Stage::new();
    stage.script("tracer", "echo half a report\nsleep 1000 &\nwait\n");
    let log = fault_once(&stage, &["--trace-interval=1"]);
    assert!(log.contains("takes too long"), "{log}");
    let text = &stage.traces()[0].1;
    assert!(text.contains("half a report\n\nTrace program: it took too long and was stopped"), "{text}");
    assert!(!stage.processes().iter().any(|process| process.title.contains("sleep 1000")));
}

#[test]
fn a_tracer_is_told_to_take_half_of_its_time_and_bytes() {
    let stage = Stage::new();
    stage.script("tracer", "echo limits: $GIMLI_TIMEOUT $GIMLI_MAX_OUTPUT\n");
    fault_once(&stage, &["--trace-interval=5", "--max-trace-bytes=100000"]);
    assert!(stage.traces()[0].1.contains("limits: 2.5 50000\n"), "{}", stage.traces()[0].1);
}

#[test]
fn exit_codes_of_the_tracer_are_told() {
    for (code, words) in [(1, "partial"), (2, "could show nothing"), (9, "exited with status 9")] {
        let stage = Stage::new();
        stage.script("tracer", &format!("exit {code}\n"));
        assert!(fault_once(&stage, &[]).contains(words));
    }
}

#[test]
fn a_missing_tracer_is_told_in_log_and_file() {
    let stage = Stage::new();
    let log = fault_once(&stage, &["--glider=/nonexistent/glider"]);
    assert!(log.contains("cannot start /nonexistent/glider: No such file or directory"), "{log}");
    assert!(stage.traces()[0].1.contains("Trace program: cannot start /nonexistent/glider"));
}

#[test]
fn a_trace_folder_that_is_gone_or_full_costs_only_the_trace() {
    let stage = Stage::new();
    let log = fault_once(&stage, &["--trace-dir=/nonexistent"]);
    assert!(log.contains("cannot create a trace file in /nonexistent: No such file"), "{log}");

    let full = Stage::new();
    let folder = full.path("full");
    std::fs::create_dir(&folder).unwrap();
    let mut unshare = full.command("unshare");
    let script = "mount -t tmpfs -o size=4k none \"$0\" && head -c 4096 /dev/zero > \"$0/fill\"; exec \"$@\"";
    unshare.args(["--mount", "sh", "-c", script]).arg(&folder).arg(env!("CARGO_BIN_EXE_monitor"));
    unshare.args(["--detach=0", "--respawn-frequency=0"]).arg(format!("--trace-dir={}", folder.display()));
    unshare.arg(crash_target()).arg("null-write").arg(full.path("mark"));
    let _monitor = full.start(unshare);
    full.wait_out("serving");
    let log = full.wait_log_times(" started", 2);
    assert!(log.contains("No space left on device") && log.contains("faulted: SIGSEGV"), "{log}");
    assert!(log.contains("cannot create a trace file"), "{log}");
}

#[test]
fn a_tracer_that_never_ends_to_print_is_cut_at_the_limit() {
    let stage = Stage::new();
    stage.script("tracer", "exec yes a line of a very long report\n");
    let log = fault_once(&stage, &["--max-trace-bytes=100000"]);
    assert!(log.contains("it reached max-trace-bytes"), "{log}");
    let length = stage.traces()[0].1.len();
    assert!((100_000..101_000).contains(&length), "{length}");
}

#[test]
fn a_crash_loop_keeps_the_first_traces_and_counts_the_rest() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let command = [program.as_os_str(), "crash-loop".as_ref(), mark.as_os_str()];
    let _monitor = stage.monitor(&["--max-traces=2"], &command);
    let log = stage.wait_log("5 left out");
    assert!(log.contains("not traced: 2 traces of "), "{log}");
    assert_eq!(stage.traces().len(), 2);
}

#[test]
fn trace_files_are_private_and_never_follow_a_link() {
    let stage = Stage::new();
    fault_once(&stage, &["--arg0=../odd name"]);
    let (name, _) = &stage.traces()[0];
    assert!(name.starts_with("odd name."), "{name}");
    let mode = std::fs::metadata(stage.path(name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_tracer_gets_no_descriptor_but_the_standard_ones() {
    let stage = Stage::new();
    stage.script("tracer", "echo descriptors: $(ls /proc/self/fd)\n");
    fault_once(&stage, &[]);
    let text = stage.traces()[0].1.clone();
    assert!(text.contains("descriptors: 0 1 2 3\n"), "3 is the listing's own: {text}");
    must_run(Command::new("ls").arg("/proc/self/fd"), "coreutils");
}
