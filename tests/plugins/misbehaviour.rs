//! Whatever a plugin does: every thread and frame is in the report, other plugins have their
//! say, one line tells what went wrong, and the process runs on.

use crate::module;
use crate::report::{Report, joined};
use crate::twins::{program, section, server};
use gimli_plugin_api::testing::library;
use sample_targets::{Client, Target};
use std::path::{Path, PathBuf};

/// How often each way is tried; `GIMLI_REPETITIONS` asks for more.
fn repetitions() -> u32 {
    std::env::var("GIMLI_REPETITIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(3)
}

/// Memory and output small, so that filling them does not take long.
const LIMITS: [&str; 2] = ["--max-plugin-output=1M", "--max-plugin-memory=32M"];
/// For what never ends. The other ways have glider's own limit: they take no time, but the machine may be slow.
const SHORT: &str = "--plugin-call-time=0.5";

struct Trial {
    target: Target,
    client: Client,
    section: String,
    /// Threads and frames as they are with the good plugin alone.
    skeleton: Vec<(i64, Vec<String>)>,
    good: PathBuf,
    limits: Vec<&'static str>,
}

impl Trial {
    fn new() -> Trial {
        Trial::with(&LIMITS)
    }

    fn with(limits: &[&'static str]) -> Trial {
        let program = program();
        let (target, client) = server(&program);
        let good = module::module(&module::folder("misbehaviour"), "server_v2", "gimli_good.so", &[]);
        let report = Report::of(target.pid(), &["--plugin".as_ref(), good.as_path()]);
        let skeleton = report.skeleton();
        let frames: usize = skeleton.iter().map(|(_, frames)| frames.len()).sum();
        assert!(report.code == 0 && skeleton.len() == 5 && frames > 20, "{skeleton:?}");
        Trial { target, client, section: section(&program), skeleton, good, limits: limits.to_vec() }
    }

    /// Traces with a bad plugin and a good one, which is loaded after it.
    fn trace(&self, bad: &Path) -> Report {
        let mut arguments: Vec<&Path> = self.limits.iter().map(Path::new).collect();
        arguments.extend(["--plugin".as_ref(), bad, "--plugin".as_ref(), self.good.as_path()]);
        let report = Report::of(self.target.pid(), &arguments);
        let about = format!("{}: {:?}", bad.display(), report.problems());
        assert_eq!(report.skeleton(), self.skeleton, "{about}");
        assert_eq!(report.section(&self.good), self.section, "{about}");
        for thread in report.threads() {
            let id = &thread["thread_id"];
            assert_eq!(joined(&thread["text_after"], &self.good), format!("end of thread {id}\n"), "{about}");
        }
        assert_eq!(report.plugin(&self.good)["status"], "loaded", "{about}");
        for thread in self.target.threads().unwrap() {
            let state = self.target.state(thread);
            assert!(
                !matches!(state, None | Some('T' | 't' | 'Z' | 'X')),
                "thread {thread} is {state:?}; {about}"
            );
        }
        report
    }

    /// The bad plugin fails each time, in the way that is `expected`.
    fn fails(&self, bad: &Path, expected: &str) {
        for round in 0..repetitions() {
            let report = self.trace(bad);
            let about = format!("{} round {round}: {:?}", bad.display(), report.problems());
            assert_eq!((report.code, report.json["status"].as_str()), (1, Some("PARTIAL")), "{about}");
            assert_eq!(report.problems().len(), 1, "{about}");
            let problem = report.problems()[0];
            assert!(problem.contains(bad.to_str().unwrap()) && problem.contains(expected), "{about}");
            assert_eq!(report.plugin(bad)["status"], "failed", "{about}");
        }
    }

    fn c_fails(&self, how: &str, place: &str, expected: &str) {
        let bad = misbehaving(how, place);
        self.fails(&bad, expected);
        assert!(self.trace(&bad).section(&bad).contains("before it went wrong"), "its last words are kept");
    }

    fn ends_well(mut self) {
        assert_eq!(self.client.ask("hello").unwrap(), "hello", "the server runs on");
    }
}

fn misbehaving(how: &str, place: &str) -> PathBuf {
    let name = format!("gimli_{how}_{}.so", place.to_lowercase());
    let options =
        [format!("-DHOW=\"{how}\""), format!("-DWHERE={place}"), "-Wno-infinite-recursion".to_owned()];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    module::module(&module::folder("misbehaviour"), "misbehave", &name, &options)
}

#[test]
fn crashes_cost_the_plugin_alone() {
    let trial = Trial::new();
    trial.c_fails("segv", "FRAME", "signal 11 (Segmentation fault), at before frame (thread ");
    trial.c_fails("segv", "GLOBAL", "signal 11 (Segmentation fault), at global trace");
    trial.c_fails("segv", "LOAD", "signal 11 (Segmentation fault), at loading it");
    trial.c_fails("abort", "FRAME", "signal 6 (Aborted)");
    trial.c_fails("stack", "FRAME", "signal 11 (Segmentation fault)");
    trial.c_fails("free", "FRAME", "it was ended by signal ");
    trial.c_fails("kill", "FRAME", "signal 9 (Killed)");
    trial.c_fails("group", "FRAME", "signal 15 (Terminated)");
    trial.ends_well();
}

#[test]
fn leaving_costs_the_plugin_alone() {
    let trial = Trial::new();
    trial.c_fails("exit", "FRAME", "it called exit with status 0");
    trial.c_fails("_exit", "GLOBAL", "it called exit with status 0");
    trial.c_fails("stop", "FRAME", "it stopped itself");
    trial.ends_well();
}

#[test]
fn hanging_costs_the_plugin_alone() {
    let trial = Trial::with(&[SHORT]);
    trial.c_fails("loop", "FRAME", "it took longer than 500ms (--plugin-call-time)");
    trial.c_fails("deadlock", "GLOBAL", "it took longer than 500ms (--plugin-call-time)");
    trial.c_fails("thread", "FRAME", "it took longer than 500ms (--plugin-call-time)");
    trial.ends_well();
}

#[test]
fn taking_too_much_costs_the_plugin_alone() {
    let trial = Trial::new();
    trial.c_fails("flood", "FRAME", "it printed more than 1048576 bytes (--max-plugin-output)");
    trial.c_fails("memory", "FRAME", "signal 6 (Aborted)");
    trial.ends_well();
}

#[test]
fn damage_to_descriptors_costs_the_plugin_alone() {
    let trial = Trial::new();
    for how in ["close", "dup2"] {
        trial.fails(&misbehaving(how, "FRAME"), "it closed or exchanged a descriptor of glider's");
        trial.fails(&misbehaving(how, "GLOBAL"), "it closed or exchanged a descriptor of glider's");
    }
    trial.ends_well();
}

#[test]
fn a_panic_costs_the_plugin_alone() {
    let trial = Trial::new();
    let bad = library("rust-panic").unwrap().canonicalize().unwrap();
    trial.fails(&bad, "twelve is too many");
    let report = trial.trace(&bad);
    let frames = report.threads().iter().flat_map(|thread| thread["frames"].as_array().unwrap());
    let said: String = frames.map(|frame| joined(&frame["text_before"], &bad)).collect();
    assert!(said.starts_with("frame 1 of all\nframe 2 of all\n"), "what it said before stays: {said}");
    assert!(!said.contains("frame 12 of all") && !said.contains("frame 13 of all"), "{said}");
    trial.ends_well();
}

#[test]
fn a_plugin_that_forks_goes_on_alone() {
    let trial = Trial::new();
    let forking = misbehaving("fork", "FRAME");
    for _ in 0..repetitions() {
        let report = trial.trace(&forking);
        assert_eq!((report.code, report.problems()), (0, vec![]));
        assert_eq!(report.plugin(&forking)["status"], "loaded");
    }
    trial.ends_well();
}

#[test]
fn two_bad_plugins_are_both_dropped() {
    let trial = Trial::new();
    let (first, second) = (misbehaving("segv", "FRAME"), misbehaving("close", "GLOBAL"));
    let arguments: Vec<&Path> = [
        "--plugin".as_ref(),
        first.as_path(),
        "--plugin".as_ref(),
        &trial.good,
        "--plugin".as_ref(),
        &second,
    ]
    .into();
    let report = Report::of(trial.target.pid(), &arguments);
    assert_eq!(report.skeleton(), trial.skeleton);
    assert_eq!((report.section(&trial.good), report.problems().len()), (trial.section.clone(), 2));
    assert_eq!(
        (&report.plugin(&first)["status"], &report.plugin(&second)["status"]),
        (&"failed".into(), &"failed".into())
    );
    trial.ends_well();
}
