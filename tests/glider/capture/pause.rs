//! For how long a process is held, and of which moment the report is, on one that never stands still.

use super::target::Target;
use serde_json::Value;
use std::process::Command;

/// A report on the target, and what stands in its innermost frame: the two numbers, and whether they
/// are marked as read while the target ran.
fn trace(target: &Target, options: &[&str]) -> (Value, u64, u64, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    let output =
        command.args(["--format", "json"]).args(options).arg(target.pid().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let frames = report["threads"][0]["frames"].as_array().unwrap();
    let frame = frames.iter().find(|frame| frame["function"] == "keep_step").unwrap();
    let steps = &frame["variables"][0];
    assert_eq!(steps["name"], "steps");
    let member = |index: usize| {
        let member = &steps["value"]["pointee"]["members"][index]["value"]["text"];
        member.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{steps:#}"))
    };
    let (first, second) = (member(0), member(1));
    let is_marked = steps["read_while_running"] == true;
    (report, first, second, is_marked)
}

#[test]
fn by_default_all_of_the_report_is_of_one_moment_copied_or_not() {
    let target = Target::start("steps", 1);
    for options in [&[] as &[&str], &["--max-copy", "0"], &["--max-pause", "60000"]] {
        for _ in 0..5 {
            let (report, first, second, is_marked) = trace(&target, options);
            assert!(first - second <= 1, "{first} and {second} with {options:?}");
            assert!(!is_marked);
            let timing = &report["timing"];
            assert_eq!(timing["copied_bytes"].as_u64() > Some(0), options != ["--max-copy", "0"], "{timing}");
            target.assert_let_go();
        }
    }
    target.assert_runs_on();
}

#[test]
fn a_snapshot_reads_the_heap_while_the_process_runs_and_says_so() {
    let target = Target::start("steps", 1);
    let (report, _, _, is_marked) = trace(&target, &["--snapshot"]);
    assert!(is_marked);
    assert_eq!(report["timing"]["mode"], "snapshot");
    // What is on the stack was copied.
    let threads = report["threads"].as_array().unwrap();
    assert!(threads.iter().all(|thread| thread["problem"].is_null()), "{threads:?}");
    target.assert_runs_on();
}

#[test]
fn past_the_longest_pause_the_process_runs_and_what_is_read_then_is_marked() {
    let target = Target::start("steps", 1);
    // So short that it is over when the threads have stopped.
    let (report, _, _, is_marked) = trace(&target, &["--max-pause", "0.001", "--max-copy", "0"]);
    assert!(is_marked);
    assert_eq!(report["timing"]["mode"], "max_pause");
    target.assert_let_go();
    target.assert_runs_on();
}

#[test]
fn of_much_memory_what_the_stacks_lead_to_is_copied_and_all_of_the_report_is_of_one_moment() {
    let target = Target::start("steps-in-much-memory", 1);
    for (options, mode) in [
        (&[] as &[&str], "nearest"),
        (&["--max-copy", "1M"], "nearest"),
        (&["--max-pause", "60000"], "max_pause"),
        (&["--max-copy", "0"], "consistent"),
    ] {
        let (report, first, second, is_marked) = trace(&target, options);
        assert!(first - second <= 1, "{first} and {second} with {options:?}");
        assert!(!is_marked, "with {options:?}");
        let timing = &report["timing"];
        assert_eq!(timing["mode"], mode);
        // The stack of the one thread takes less than a megabyte.
        let copied = timing["copied_bytes"].as_u64().unwrap();
        let most = match options {
            ["--max-copy", "0"] => 0..=0,
            ["--max-copy", "1M"] => 1..=2 << 20,
            _ => 1..=9 << 20,
        };
        assert!(most.contains(&copied), "{copied} bytes with {options:?}");
        target.assert_let_go();
    }
    target.assert_runs_on();
}
