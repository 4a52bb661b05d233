//! Every scenario of every program comes to the state that it promises, and the promises cover them all.

use sample_targets::{Build, Language, Optimisation, Program, Target, build};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

/// What becomes of a scenario after its `ready` line.
#[derive(Clone, Copy, Debug)]
enum Promise {
    /// All threads sleep; so many there are.
    Sleeps(usize),
    /// The process goes on computing.
    Runs,
    /// The leader is in this state of proc(5).
    Leader(char),
    /// The process ends by this signal.
    Dies(i32),
}

use Promise::{Dies, Leader, Runs, Sleeps};

const C: &[(&str, &[&str], Promise)] = &[
    ("null", &[], Dies(libc::SIGSEGV)),
    ("wild-pointer", &[], Dies(libc::SIGSEGV)),
    ("text-as-pointer", &[], Dies(libc::SIGSEGV)),
    ("wild-call", &[], Dies(libc::SIGSEGV)),
    ("null-call", &[], Dies(libc::SIGSEGV)),
    ("abort", &[], Dies(libc::SIGABRT)),
    ("divide-by-zero", &[], Dies(libc::SIGFPE)),
    ("stack-overflow", &[], Dies(libc::SIGSEGV)),
    ("bus-error", &[], Dies(libc::SIGBUS)),
    ("null-member", &[], Dies(libc::SIGSEGV)),
    ("null-argument", &[], Dies(libc::SIGSEGV)),
    ("read-only", &[], Dies(libc::SIGSEGV)),
    ("assert", &[], Dies(libc::SIGABRT)),
    ("double-free", &[], Dies(libc::SIGABRT)),
    ("smashed-stack", &[], Dies(libc::SIGSEGV)),
    ("trap", &[], Dies(libc::SIGILL)),
    ("fault-handler", &[], Leader('T')),
    ("fault-handler", &["wild-pointer"], Leader('T')),
    ("fault-handler", &["text-as-pointer"], Leader('T')),
    ("fault-handler", &["wild-call"], Leader('T')),
    ("fault-handler", &["null-call"], Leader('T')),
    ("fault-handler", &["abort"], Leader('T')),
    ("fault-handler", &["divide-by-zero"], Leader('T')),
    ("fault-handler", &["stack-overflow"], Leader('T')),
    ("fault-handler", &["bus-error"], Leader('T')),
    ("deep-recursion", &[], Sleeps(1)),
    ("deep-recursion", &["5000"], Sleeps(1)),
    ("inlined", &[], Sleeps(1)),
    ("no-frame-pointer", &[], Sleeps(1)),
    ("vla", &[], Sleeps(1)),
    ("alloca", &[], Sleeps(1)),
    ("qsort-callback", &[], Sleeps(1)),
    ("library-callback", &[], Sleeps(1)),
    ("dlopen", &[], Sleeps(1)),
    ("deadlock", &[], Sleeps(3)),
    ("busy-loop", &[], Runs),
    ("many-threads", &[], Sleeps(17)),
    ("many-threads", &["200", "20"], Sleeps(201)),
    ("leader-exited", &[], Leader('Z')),
    ("thread-churn", &[], Runs),
    ("thread-locals", &[], Sleeps(4)),
    ("signal-handler", &[], Sleeps(1)),
    ("signal-alternate-stack", &[], Sleeps(1)),
    ("signal-nested", &[], Sleeps(1)),
    ("sleeping-in-syscalls", &[], Sleeps(8)),
    ("vfork-wait", &[], Leader('D')),
    ("variables", &[], Sleeps(1)),
    ("variables-in-pieces", &[], Sleeps(1)),
    ("variables-in-vectors", &[], Sleeps(1)),
    ("server", &[], Sleeps(5)),
];

const CPP: &[(&str, &[&str], Promise)] = &[
    ("null", &[], Dies(libc::SIGSEGV)),
    ("wild-pointer", &[], Dies(libc::SIGSEGV)),
    ("wild-call", &[], Dies(libc::SIGSEGV)),
    ("null-call", &[], Dies(libc::SIGSEGV)),
    ("abort", &[], Dies(libc::SIGABRT)),
    ("divide-by-zero", &[], Dies(libc::SIGFPE)),
    ("stack-overflow", &[], Dies(libc::SIGSEGV)),
    ("broken-promise", &[], Dies(libc::SIGABRT)),
    ("pure-virtual", &[], Dies(libc::SIGABRT)),
    ("fault-handler", &[], Leader('T')),
    ("fault-handler", &["wild-pointer"], Leader('T')),
    ("fault-handler", &["wild-call"], Leader('T')),
    ("fault-handler", &["null-call"], Leader('T')),
    ("fault-handler", &["abort"], Leader('T')),
    ("fault-handler", &["divide-by-zero"], Leader('T')),
    ("fault-handler", &["stack-overflow"], Leader('T')),
    ("signal-handler", &[], Sleeps(1)),
    ("signal-alternate-stack", &[], Sleeps(1)),
    ("deep-recursion", &[], Sleeps(1)),
    ("inlined", &[], Sleeps(1)),
    ("sort-callback", &[], Sleeps(1)),
    ("function-object", &[], Sleeps(1)),
    ("deadlock", &[], Sleeps(3)),
    ("busy-loop", &[], Runs),
    ("many-threads", &[], Sleeps(17)),
    ("leader-exited", &[], Leader('Z')),
    ("thread-churn", &[], Runs),
    ("thread-locals", &[], Sleeps(4)),
    ("in-catch", &[], Sleeps(1)),
    ("in-unwinding", &[], Sleeps(1)),
    ("in-terminate", &[], Sleeps(1)),
    ("uncaught-exception", &[], Dies(libc::SIGABRT)),
    ("variables", &[], Sleeps(1)),
    ("library-callback", &[], Sleeps(1)),
];

const RUST: &[(&str, &[&str], Promise)] = &[
    ("null", &[], Dies(libc::SIGSEGV)),
    ("wild-pointer", &[], Dies(libc::SIGSEGV)),
    ("wild-call", &[], Dies(libc::SIGSEGV)),
    ("null-call", &[], Dies(libc::SIGSEGV)),
    ("abort", &[], Dies(libc::SIGABRT)),
    ("divide-by-zero", &[], Dies(libc::SIGABRT)),
    ("stack-overflow", &[], Dies(libc::SIGABRT)),
    ("in-panic-hook", &[], Sleeps(1)),
    ("in-unwinding", &[], Sleeps(1)),
    ("fault-handler", &[], Leader('T')),
    ("fault-handler", &["wild-pointer"], Leader('T')),
    ("fault-handler", &["wild-call"], Leader('T')),
    ("fault-handler", &["null-call"], Leader('T')),
    ("fault-handler", &["abort"], Leader('T')),
    ("fault-handler", &["divide-by-zero"], Leader('T')),
    ("fault-handler", &["stack-overflow"], Leader('T')),
    ("signal-handler", &[], Sleeps(1)),
    ("deep-recursion", &[], Sleeps(1)),
    ("inlined", &[], Sleeps(1)),
    ("sort-callback", &[], Sleeps(1)),
    ("trait-object", &[], Sleeps(1)),
    ("deadlock", &[], Sleeps(3)),
    ("busy-loop", &[], Runs),
    ("many-threads", &[], Sleeps(17)),
    ("leader-exited", &[], Leader('Z')),
    ("thread-churn", &[], Runs),
    ("thread-locals", &[], Sleeps(4)),
    ("sleeping-threads", &[], Sleeps(9)),
    ("variables", &[], Sleeps(1)),
];

fn promises(language: Language) -> &'static [(&'static str, &'static [&'static str], Promise)] {
    match language {
        Language::C => C,
        Language::Cpp => CPP,
        Language::Rust => RUST,
    }
}

fn program(language: Language, optimisation: Optimisation) -> Program {
    build(&Build::new(language, optimisation, 5)).unwrap_or_else(|error| panic!("{error}"))
}

fn check(program: &Program, scenario: &str, arguments: &[&str], promise: Promise) {
    let name = format!("{} {scenario} {arguments:?}", program.build());
    let mut target =
        Target::start(program, scenario, arguments).unwrap_or_else(|error| panic!("{name}: {error}"));
    let result = match promise {
        Sleeps(threads) => target.wait_until_blocked().and_then(|()| {
            assert_eq!(target.threads()?.len(), threads, "{name}");
            Ok(())
        }),
        Runs => target.wait_for_processor_time(10),
        Leader(state) => target.wait_for_state(state),
        Dies(signal) => target.wait_for_end().map(|status| {
            assert_eq!(status.signal(), Some(signal), "{name}: {status}, {}", target.messages());
        }),
    };
    result.unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn check_all(language: Language, optimisation: Optimisation) {
    let program = program(language, optimisation);
    for (scenario, arguments, promise) in promises(language) {
        check(&program, scenario, arguments, *promise);
    }
}

#[test]
fn c_scenarios_keep_their_promises_unoptimised() {
    check_all(Language::C, Optimisation::O0);
}

#[test]
fn c_scenarios_keep_their_promises_optimised() {
    check_all(Language::C, Optimisation::O2);
}

#[test]
fn cpp_scenarios_keep_their_promises_unoptimised() {
    check_all(Language::Cpp, Optimisation::O0);
}

#[test]
fn cpp_scenarios_keep_their_promises_optimised() {
    check_all(Language::Cpp, Optimisation::O2);
}

#[test]
fn rust_scenarios_keep_their_promises_unoptimised() {
    check_all(Language::Rust, Optimisation::O0);
}

#[test]
fn rust_scenarios_keep_their_promises_optimised() {
    check_all(Language::Rust, Optimisation::O2);
}

#[test]
fn every_scenario_of_a_program_has_a_promise() {
    for language in [Language::C, Language::Cpp, Language::Rust] {
        let offered = program(language, Optimisation::O0).scenarios().unwrap();
        let promised: BTreeSet<&str> = promises(language).iter().map(|(name, _, _)| *name).collect();
        assert_eq!(offered.iter().map(String::as_str).collect::<BTreeSet<_>>(), promised, "{language}");
    }
}
