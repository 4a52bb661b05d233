//! A panic in a plugin is an error with its message and its place, in every hook, and the plugin is called on.

use crate::fixture::{build, declaration};
use crate::made_up::{MadeUp, frame, thread, variable};
use gimli_plugin_api::load;
use gimli_plugin_api::{Analyzer, Error, ErrorKind, Flow, Hooks, Host};
use std::fmt::Debug;

fn panicked<T: Debug>(outcome: Result<T, Error>, message: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PANIC, "{error}");
    let (place, said) = error.message().split_once(": ").unwrap();
    assert!(place.starts_with("panicked at ") && place.contains("lib.rs:"), "{error}");
    assert_eq!(said, message);
}

#[test]
fn every_hook_may_panic() {
    let fixture = build("panicking", &[], &[]);
    let plugin = load::load(&fixture.path, &declaration(&fixture.path)).unwrap();
    let (process, frame, variable) = (MadeUp::new(&[]), frame(0, "main"), variable("x"));
    let mut analyzer = plugin.new_analyzer();
    panicked(analyzer.begin_thread(&process, &thread()), "thread 42");
    panicked(analyzer.before_variable(&process, &frame, &variable), "before a variable");
    panicked(analyzer.print_value(&process, &frame, &variable), "a value");
    panicked(analyzer.after_variable(&process, &frame, &variable), "after a variable");
    panicked(analyzer.after_frame(&process, &frame), "after a frame");
    panicked(analyzer.end_thread(&process, &thread()), "the end of a thread");
    // What does not panic works before, between and after.
    assert_eq!(analyzer.begin_trace(&process), Ok(Hooks::ALL));
    assert_eq!(analyzer.before_frame(&process, &frame), Ok(Flow::Continue));
    assert_eq!(analyzer.global_trace(&process), Ok(()));
    assert_eq!(process.printed(), "1 calls\n");
}

#[test]
fn every_sort_of_panic_is_caught() {
    let fixture = build("panicking", &[], &[]);
    let plugin = load::load(&fixture.path, &declaration(&fixture.path)).unwrap();
    let process = MadeUp::new(&[]);
    let mut analyzer = plugin.new_analyzer();
    let mut enter = |function| analyzer.before_frame(&process, &frame(0, function));
    panicked(enter("index"), "index out of bounds: the len is 0 but the index is 1");
    panicked(enter("any"), "no message");
    panicked(enter("bomb"), "no message");
    assert_eq!(enter("error").unwrap_err(), Error::from("an error of its own"));
    assert_eq!(enter("nested"), Ok(Flow::Hide));
    assert_eq!(enter("main"), Ok(Flow::Continue));
}

struct Idle;

impl Analyzer for Idle {}

#[test]
fn hooks_that_an_analyzer_does_not_have_say_so() {
    let process = MadeUp::new(&[]);
    let (host, frame, variable) = (Host::from_services(&process), frame(0, "main"), variable("x"));
    let unused = || Error::unused();
    assert_eq!(Idle.begin_trace(&host), Ok(Hooks::ALL));
    assert_eq!(Idle.begin_thread(&host, &thread()), Err(unused()));
    assert_eq!(Idle.before_frame(&host, &frame), Err(unused()));
    assert_eq!(Idle.before_variable(&host, &frame, &variable), Err(unused()));
    assert_eq!(Idle.print_value(&host, &frame, &variable), Err(unused()));
    assert_eq!(Idle.after_variable(&host, &frame, &variable), Err(unused()));
    assert_eq!(Idle.after_frame(&host, &frame), Err(unused()));
    assert_eq!(Idle.end_thread(&host, &thread()), Err(unused()));
    assert_eq!(Idle.global_trace(&host), Err(unused()));
    assert!(Hooks::ALL.without(Hooks::BEFORE_FRAME).contains(Hooks::END_THREAD));
    assert!(!Hooks::ALL.without(Hooks::BEFORE_FRAME).contains(Hooks::BEFORE_FRAME));
}
