//! Whole traces with an analyzer that works, and with analyzers that fail in every way.

use super::fake_analyzer::{FakeAnalyzer, Then};
use super::target::{Elsewhere, Target, eventually, state_of};
use glider::limits::Limits;
use glider::report::Status;
use glider::report::redact::Redactor;
use glider::report::render::{Format, Style};
use glider::session::{Pause, Request, Trace, trace};
use glider::target::{TargetError, open_target};
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Without a copy: the target is held until the analysis is done.
fn request(seconds: u64) -> Request {
    Request {
        redactor: Redactor::default(),
        limits: Limits::default(),
        servers: None,
        threads: Vec::new(),
        timeout: Duration::from_secs(seconds),
        pause: Pause::Consistent,
        max_copy: 0,
    }
}

fn run(target: &Target, request: &Request, analyzer: &FakeAnalyzer) -> Trace {
    let process = open_target(target.pid()).unwrap();
    trace(&process, request, &mut analyzer.clone()).unwrap()
}

fn text(trace: &Trace) -> String {
    let mut bytes = Vec::new();
    trace.write(Format::Text, Style::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_the_analyzer_renders_is_the_report() {
    let target = Target::start("busy", 3);
    let trace = run(&target, &request(30), &FakeAnalyzer::new(Then::Finish));
    assert_eq!(trace.status(), Status::Complete, "{:?}", trace.footer().problems);
    let text = text(&trace);
    let pid = target.pid();
    let expected = format!("header {pid}\nthread 0 stack true\nthread 1 stack true\nthread 2 stack true\n");
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!(trace.footer().problems, ["of the analyzer"]);
    let timing = trace.footer().timing;
    assert!(timing.paused_us > 0 && timing.paused_us < timing.total_us, "{timing:?}");
    target.assert_let_go();
    target.assert_runs_on();
}

/// Traces with an analyzer that fails after its first thread, and checks that everything else is there.
fn assert_fails(then: Then, seconds: u64, reason: &str) {
    let target = Target::start("busy", 3);
    let trace = run(&target, &request(seconds), &FakeAnalyzer::new(then));
    target.assert_let_go();
    target.assert_runs_on();
    assert_eq!(trace.status(), Status::Partial);
    let text = text(&trace);
    assert!(text.starts_with(&format!("header {}\nthread 0 stack true\n", target.pid())), "{text}");
    assert!(text.contains("Thread 1 (LWP ") && text.contains("Thread 2 (LWP "), "{text}");
    let (_, of_thread_2) = text.split_once("Thread 2 (LWP ").unwrap();
    assert!(of_thread_2.contains("#1  0x"), "its callers are named by address: {of_thread_2}");
    let modules = &trace.footer().modules;
    assert!(modules.iter().any(|module| module.debug_id.is_some()), "{modules:?}");
    let [problem] = trace.footer().problems.as_slice() else { panic!("{:?}", trace.footer().problems) };
    assert!(problem.contains(reason), "{problem}");
    assert!(problem.ends_with("; 2 of 3 threads are shown without analysis"), "{problem}");
}

#[test]
fn an_analyzer_that_panics_costs_only_what_it_had_not_delivered() {
    assert_fails(Then::Panic, 30, "the analysis ended early: it panicked: a wild value (");
}

#[test]
fn an_analyzer_that_crashes_costs_only_what_it_had_not_delivered() {
    assert_fails(Then::Crash, 30, "the analysis ended early: it was ended by signal 11 (Segmentation fault)");
}

#[test]
fn an_analyzer_that_hangs_is_given_up_at_the_time_limit() {
    assert_fails(Then::Hang, 1, "the time limit of 1s was reached (--timeout)");
}

#[test]
fn an_analyzer_that_eats_memory_ends_alone() {
    assert_fails(Then::EatMemory, 30, "memory allocation of");
}

#[test]
fn an_analyzer_that_overflows_its_stack_says_so() {
    assert_fails(Then::OverflowStack, 30, "overflowed its stack");
}

#[test]
fn what_an_analyzer_prints_is_never_seen() {
    let target = Target::start("busy", 2);
    let trace = run(&target, &request(30), &FakeAnalyzer::new(Then::Babble));
    assert_eq!(trace.status(), Status::Complete, "{:?}", trace.footer().problems);
    assert!(!text(&trace).contains("not the analyzer's"));
}

#[test]
fn an_analyzer_that_fails_before_the_stop_leaves_the_bare_report() {
    for (prepare, reason) in [
        (Then::Panic, "it panicked: a wild value"),
        (Then::Crash, "it was ended by signal 11"),
        (Then::Hang, "the time limit of 1s"),
    ] {
        let target = Target::start("busy", 2);
        let analyzer = FakeAnalyzer { prepare, ..FakeAnalyzer::new(Then::Finish) };
        let trace = run(&target, &request(if prepare == Then::Hang { 1 } else { 30 }), &analyzer);
        target.assert_let_go();
        assert_eq!(trace.status(), Status::Partial);
        let text = text(&trace);
        assert!(text.contains(&format!("Process {}", target.pid())), "{text}");
        assert!(text.contains("Thread 0 (LWP ") && text.contains("Thread 1 (LWP "), "{text}");
        assert!(text.contains("#0  0x"), "{text}");
        assert!(trace.footer().problems[0].contains(reason), "{:?}", trace.footer().problems);
        target.assert_runs_on();
    }
}

#[test]
fn the_fallback_is_also_json() {
    let target = Target::start("busy", 2);
    let analyzer = FakeAnalyzer { prepare: Then::Panic, ..FakeAnalyzer::new(Then::Finish) };
    let trace = run(&target, &request(30), &analyzer);
    let mut bytes = Vec::new();
    trace.write(Format::Json, Style::default(), &mut bytes).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(report["pid"], target.pid());
    assert_eq!(report["status"], "PARTIAL");
    assert_eq!(report["threads"].as_array().map(Vec::len), Some(2));
    assert!(report["threads"][1]["frames"][0]["registers"]["rip"].is_string());
}

#[test]
fn only_the_threads_asked_for_are_shown() {
    let target = Target::start("busy", 3);
    let mut request = request(30);
    request.threads = vec![target.pid(), 1];
    let trace = run(&target, &request, &FakeAnalyzer::new(Then::Finish));
    assert!(text(&trace).contains("thread 0 stack") && !text(&trace).contains("thread 1 stack"));
    let problem = format!("process {} has no thread 1", target.pid());
    assert!(trace.footer().problems.contains(&problem), "{:?}", trace.footer().problems);
    assert_eq!(trace.status(), Status::Partial);
    request.threads = vec![1, 2];
    let process = open_target(target.pid()).unwrap();
    let error = trace_error(&process, &request);
    assert_eq!(error.to_string(), format!("process {} has no thread 1, 2", target.pid()));
}

fn trace_error(process: &glider::target::ProcessDirectory, request: &Request) -> TargetError {
    trace(process, request, &mut FakeAnalyzer::new(Then::Finish)).unwrap_err()
}

#[test]
fn a_process_killed_during_the_analysis_is_reported_as_far_as_it_goes() {
    let target = Target::start("busy", 2);
    let analyzer = FakeAnalyzer::new(Then::Hang);
    let elsewhere = Elsewhere::start(|| {
        let trace = run(&target, &request(3), &analyzer);
        let expected = format!("process {} was killed while it was held", target.pid());
        trace.footer().problems.contains(&expected) && text(&trace).contains("Thread 1 (LWP ")
    });
    eventually("the analyzer is at work", || analyzer.shared.slot(0).load(Ordering::SeqCst) != 0);
    target.send(libc::SIGKILL);
    eventually("it ends, held or not", || target.states() == "Z");
    assert!(elsewhere.succeeds());
}

#[test]
fn a_process_that_ended_between_looking_and_stopping_is_a_clear_error() {
    let target = Target::start("busy", 1);
    let process = open_target(target.pid()).unwrap();
    target.send(libc::SIGKILL);
    eventually("it is a zombie", || target.states() == "Z");
    let error = trace_error(&process, &request(30));
    assert_eq!(error.to_string(), format!("no process has id {}", target.pid()));
}

#[test]
fn a_keeper_killed_while_it_holds_leaves_nothing_behind() {
    let target = Target::start("busy", 3);
    let analyzer = FakeAnalyzer::new(Then::Hang);
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT] {
        analyzer.shared.slot(0).store(0, Ordering::SeqCst);
        let keeper = Elsewhere::start(|| run(&target, &request(60), &analyzer).status() == Status::Complete);
        let worker = analyzer.shared.slot(0);
        eventually("the target is held", || worker.load(Ordering::SeqCst) != 0);
        assert_eq!(target.states(), "ttt");
        keeper.kill(signal);
        target.assert_let_go();
        target.assert_runs_on();
        let directory = format!("/proc/{}", worker.load(Ordering::SeqCst));
        eventually("the analyzer is gone", || matches!(state_of(&directory), None | Some('Z')));
    }
}

#[test]
fn a_hundred_traces_in_a_row_leave_the_target_and_the_descriptors_as_they_were() {
    let target = Target::start("spawn", 3);
    let open_files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut most = 0;
    for round in 0..100 {
        let trace = run(&target, &request(30), &FakeAnalyzer::new(Then::Finish));
        assert_eq!(trace.status(), Status::Complete, "{:?}", trace.footer().problems);
        drop(trace);
        if round == 0 {
            most = open_files();
        }
    }
    // Other tests open and close files of their own meanwhile; a hundred left open would show.
    assert!(open_files() < most + 80, "descriptors stay open");
    target.assert_let_go();
    target.assert_runs_on();
}

#[test]
fn an_output_that_fails_gives_its_error() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let target = Target::start("busy", 1);
    let trace = run(&target, &request(30), &FakeAnalyzer::new(Then::Finish));
    let error = trace.write(Format::Text, Style::default(), &mut Full).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    target.assert_runs_on();
}
