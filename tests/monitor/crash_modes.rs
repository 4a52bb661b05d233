//! Ways to crash. Each one is traced, or the log says why not, and the server is started again.

use crate::stage::{Stage, crash_target, wait_for};

/// What has to be seen of a crash.
enum Seen {
    /// Traced, with this signal in the log; the process then dies of the second.
    Traced(&'static str, &'static str),
    /// Not traced, for this reason in the log.
    Untraced(&'static str),
}
use Seen::{Traced, Untraced};

fn crash(mode: &str, seen: &Seen) -> Stage {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let command = [program.as_os_str(), mode.as_ref(), mark.as_os_str()];
    let monitor = stage.monitor(&["--watchdog-stop-interval=1"], &command);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    let first = log.lines().find_map(|line| line.strip_suffix(" started")?.rsplit(' ').next()).unwrap();
    match seen {
        Traced(signal, end) => {
            assert!(log.contains(&format!("server {first} faulted: {signal}")), "{log}");
            assert!(log.contains(&format!("server {first} was killed by {end}")), "{log}");
            let traces = stage.traces();
            assert_eq!(traces.len(), 1, "one report: {traces:?}");
            let (name, text) = &traces[0];
            assert!(name.ends_with(&format!(".{first}.trc")), "{name}");
            for part in [
                format!("Process: pid={first} "),
                "Traced because: fault detected\n".to_owned(),
                format!("TRACE of {first}\n"),
                format!("Process {first} was killed by {end}"),
            ] {
                assert!(text.contains(&part), "no `{part}` in {text}");
            }
        }
        Untraced(reason) => {
            assert!(log.contains(reason), "{log}");
            assert_eq!(stage.traces().len(), 0);
        }
    }
    assert!(monitor.stop().code() == Some(143), "it ends as its server does");
    wait_for("every process to be gone", || stage.processes().is_empty().then_some(()));
    stage
}

macro_rules! crash_modes {
    ($($name:ident: $mode:literal => $seen:expr;)*) => {
        $(#[test]
        fn $name() {
            crash($mode, &$seen);
        })*
    };
}

crash_modes! {
    write_through_a_bad_pointer: "null-write" => Traced("SIGSEGV", "SIGSEGV");
    write_to_read_only_memory: "read-only-write" => Traced("SIGSEGV", "SIGSEGV");
    call_of_a_null_pointer: "jump-to-null" => Traced("SIGSEGV", "SIGSEGV");
    execution_of_data: "run-data" => Traced("SIGSEGV", "SIGSEGV");
    stack_pointer_lost: "lost-stack" => Traced("SIGSEGV", "SIGSEGV");
    segv_sent_by_kill: "kill-segv" => Traced("SIGSEGV", "SIGSEGV");
    abort: "abort" => Traced("SIGABRT", "SIGABRT");
    bus_error: "bus" => Traced("SIGBUS", "SIGBUS");
    illegal_instruction: "illegal" => Traced("SIGILL", "SIGILL");
    division_by_zero: "divide" => Traced("SIGFPE", "SIGFPE");
    system_call_refused_by_seccomp: "bad-call" => Traced("SIGSYS", "SIGSYS");
    breakpoint_without_debugger: "trap" => Traced("SIGTRAP", "SIGTRAP");
    cpu_limit: "cpu-limit" => Traced("SIGXCPU", "SIGXCPU");
    file_size_limit: "file-limit" => Traced("SIGXFSZ", "SIGXFSZ");
    stack_overflow_in_main: "overflow-main" => Traced("SIGSEGV", "SIGSEGV");
    stack_overflow_in_a_thread: "overflow-thread" => Traced("SIGSEGV", "SIGSEGV");
    fault_in_a_thread: "fault-thread" => Traced("SIGSEGV", "SIGSEGV");
    fault_after_the_main_thread_is_gone: "main-thread-gone" => Traced("SIGSEGV", "SIGSEGV");
    fault_in_a_signal_handler: "in-signal-handler" => Traced("SIGSEGV", "SIGSEGV");
    fault_in_the_shutdown_function: "fault-in-hook" => Traced("SIGSEGV", "SIGSEGV");
    abort_in_the_shutdown_function: "abort-in-hook" => Traced("SIGSEGV", "SIGABRT");
    shutdown_function_that_never_returns: "hang-in-hook" => Traced("SIGSEGV", "SIGKILL");
    double_free_with_the_heap_locked: "double-free" => Traced("SIGABRT", "SIGABRT");
    smashed_heap: "heap-smashed" => Traced("SIGABRT", "SIGABRT");
    fault_with_stdio_locked: "stdio-lock" => Traced("SIGSEGV", "SIGSEGV");
    fault_with_the_loader_locked: "loader-lock" => Traced("SIGSEGV", "SIGSEGV");
    fault_at_exit: "at-exit" => Traced("SIGSEGV", "SIGSEGV");
    fault_without_free_descriptors: "no-descriptors" => Traced("SIGSEGV", "SIGSEGV");
    fault_with_all_descriptors_closed: "all-closed" => Traced("SIGSEGV", "SIGSEGV");
    fault_with_every_signal_blocked: "signals-blocked" => Untraced("SIGSEGV (Segmentation fault) after 0.0 s, not traced: no handler held it");
    fault_before_main: "before-main" => Untraced("not traced: no handler held it");
    kill_that_nothing_can_catch: "kill-kill" => Untraced("SIGKILL (Killed) after 0.0 s, not traced");
}

#[test]
fn many_threads_at_once_give_one_report_that_shows_them_all() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let _monitor = stage.monitor(&[], &[program.as_os_str(), "many-threads".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert_eq!(log.matches("faulted: ").count(), 1, "{log}");
    let traces = stage.traces();
    assert_eq!(traces.len(), 1);
    assert!(traces[0].1.contains("Threads:\t25"), "{traces:?}");
}

#[test]
fn a_server_that_overwrote_the_words_it_shares_is_traced() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let _monitor = stage.monitor(&[], &[program.as_os_str(), "segment-smashed".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert!(log.contains("faulted and stopped in its handler"), "{log}");
    assert_eq!(stage.traces().len(), 1);
}

#[test]
fn a_crashed_vfork_child_does_not_take_the_report_of_its_parent() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let _monitor = stage.monitor(&[], &[program.as_os_str(), "vfork-child".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert_eq!(log.matches(" faulted: ").count(), 2, "{log}");
    assert_eq!(stage.traces().len(), 2);
}

#[test]
fn a_server_that_became_another_user_is_traced() {
    assert!(nix::unistd::Uid::effective().is_root(), "this test has to run as root");
    crash("other-user", &Traced("SIGSEGV", "SIGSEGV"));
}

#[test]
fn a_worker_that_became_another_user_is_traced_at_once() {
    assert!(nix::unistd::Uid::effective().is_root(), "this test has to run as root");
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let command = [program.as_os_str(), "other-users-worker".as_ref(), mark.as_os_str()];
    // The monitor does not look by itself for as long as this test waits.
    let _monitor = stage.monitor(&[], &command);
    stage.wait_out("worker gone");
    assert_eq!(stage.traces().len(), 1, "{}", stage.read("log"));
}

#[test]
fn a_hook_that_leaves_with_status_0_does_not_hide_the_fault() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let _monitor = stage.monitor(&[], &[program.as_os_str(), "exit-in-hook".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let log = stage.wait_log_times(" started", 2);
    assert!(log.contains("exited with status 0"), "{log}");
    assert_eq!(stage.traces().len(), 1);
}

#[test]
fn a_forked_worker_is_traced_and_its_master_serves_on() {
    for (mode, gone, traces) in [("worker", "worker gone", 1), ("two-workers", "workers gone", 2)] {
        let stage = Stage::new();
        let (program, mark) = (crash_target(), stage.path("mark"));
        let _monitor = stage.monitor(&[], &[program.as_os_str(), mode.as_ref(), mark.as_os_str()]);
        stage.wait_out(gone);
        stage.wait_out("serving");
        assert_eq!(stage.traces().len(), traces);
        let log = stage.read("log");
        assert_eq!(log.matches(" started").count(), 1, "the server was not started again: {log}");
        assert!(log.contains("faulted: SIGSEGV"), "{log}");
        assert!(stage.traces()[0].1.contains("is let go to die of its signal."));
    }
}

#[test]
fn a_worker_that_faults_after_its_master_is_gone_waits_for_nobody() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let monitor = stage.monitor(&[], &[program.as_os_str(), "orphan".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    stage.wait_out("hook");
    wait_for("the worker to be gone", || (stage.processes().len() == 2).then_some(()));
    assert_eq!(stage.traces().len(), 0);
    drop(monitor);
}
