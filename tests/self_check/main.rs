//! Is the oracle to be trusted? gdb's dump of real programs, written in glider's format and read
//! back, must be equal to itself in every figure; and each kind of change must be found.

mod report;

use gimli_tests::compare::compare;
use gimli_tests::figures::{Figures, Subject};
use gimli_tests::trace::{Call, End, Trace, Value};
use gimli_tests::{gdb, glider};
use sample_targets::{Build, Language, Optimisation, Target, build};
use serde_json::{Value as Json, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn trace_sample(recipe: &Build, scenario: &str) -> Result<Trace> {
    let target = Target::start(&build(recipe)?, scenario, &[])?;
    target.wait_until_blocked()?;
    Ok(gdb::trace(target.pid().unsigned_abs(), &gdb::Limits::default())?)
}

fn c(optimisation: Optimisation, dwarf: u8) -> Build {
    Build::new(Language::C, optimisation, dwarf)
}

fn compare_with_report(trace: &Trace, report: &Json) -> Result<Figures> {
    Ok(compare(trace, &glider::read(&report.to_string())?))
}

#[test]
fn a_dump_equals_itself_written_as_a_report() -> Result<()> {
    let mut sum = Figures::default();
    for (recipe, scenario) in [
        (c(Optimisation::O0, 5), "variables"),
        (c(Optimisation::O2, 4), "variables"),
        (c(Optimisation::O2, 5), "inlined"),
        (c(Optimisation::Os, 3), "signal-handler"),
        (c(Optimisation::O0, 2), "many-threads"),
    ] {
        let trace = trace_sample(&recipe, scenario)?;
        let figures = compare_with_report(&trace, &report::write(&trace))?;
        assert_eq!(figures.differences, [], "{recipe} {scenario}");
        sum.add(&figures);
    }
    for subject in Subject::ALL {
        assert!(sum.count(subject).equal > 0, "nothing counted for {}:\n{sum}", subject.name());
    }
    assert!(sum.count(Subject::Values).equal > 1000, "{sum}");
    Ok(())
}

/// The first variable of this name in a function of this name.
fn variable<'a>(trace: &'a Trace, function: &str, name: &str) -> Result<&'a Value> {
    let calls = trace.threads.iter().flat_map(|thread| &thread.frames).flat_map(|frame| &frame.calls);
    let of_function = |call: &&Call| call.function.as_deref() == Some(function);
    let found = calls.filter(of_function).flat_map(|call| &call.variables).find(|v| v.name == name);
    Ok(&found.ok_or_else(|| format!("gdb shows no {name} in {function}"))?.value)
}

#[test]
fn the_dump_holds_what_the_source_says() -> Result<()> {
    let trace = trace_sample(&c(Optimisation::O0, 5), "variables")?;
    let number = |text: &str| Value::Number(text.into());
    for (function, name, text) in [
        ("hold_integers", "negative", "-1"),
        ("hold_integers", "mask", "3735928559"),
        ("hold_integers", "smallest", "-9223372036854775808"),
        ("hold_integers", "counter", "18446744073709551615"),
        ("hold_integers", "wide", "1267650600228229401496703205383"),
        ("hold_integers", "unsigned_wide", "340282366920938463463374607431768211454"),
        ("hold_integers", "letter", "65"),
        ("hold_integers", "yes", "1"),
        ("hold_enumerations", "negative", "-5"),
        ("hold_enumerations", "wide", "4294967296"),
        ("hold_statics", "calls_in_thread", "4"),
    ] {
        assert_eq!(variable(&trace, function, name)?, &number(text), "{function}: {name}");
    }
    assert_eq!(variable(&trace, "hold_pointers", "null")?, &Value::Pointer(0));
    let unterminated = Value::Bytes { shown: b"full".to_vec(), length: 4 };
    assert_eq!(variable(&trace, "hold_arrays", "unterminated")?, &unterminated);
    match variable(&trace, "hold_bits_and_unions", "flags")? {
        Value::Record(members) => {
            let offset = members.iter().find(|member| member.name.as_deref() == Some("offset"));
            assert_eq!(offset.map(|member| &member.value), Some(&number("-7")));
        }
        other => panic!("flags is no structure but {other:?}"),
    }
    match variable(&trace, "hold_arrays", "numbers")? {
        Value::Array { length: 5, runs } => {
            let elements: Vec<_> = runs.iter().map(|run| run.value.clone()).collect();
            assert_eq!(elements, ["1", "2", "3", "5", "8"].map(number));
        }
        other => panic!("numbers is no array of 5 but {other:?}"),
    }
    assert!(trace.threads.iter().all(|thread| thread.end == End::Outermost));
    Ok(())
}

/// One way to spoil a report: gives whether it found something to spoil in this JSON object.
type Change = fn(&mut serde_json::Map<String, Json>) -> bool;

/// Applies a change to the first object that it fits, outermost first.
fn spoil(json: &mut Json, change: Change) -> bool {
    match json {
        Json::Object(object) => change(object) || object.values_mut().any(|value| spoil(value, change)),
        Json::Array(items) => items.iter_mut().any(|item| spoil(item, change)),
        _ => false,
    }
}

/// Replaces a field of an object that has it, and whose `kind` is `kind` when that is not empty.
fn replace(object: &mut serde_json::Map<String, Json>, kind: &str, field: &str, by: Json) -> bool {
    let fits = kind.is_empty() || object.get("kind").and_then(Json::as_str) == Some(kind);
    match object.get_mut(field) {
        Some(old) if fits && !old.is_null() && *old != by => {
            *old = by;
            true
        }
        _ => false,
    }
}

/// Removes the first item of a list.
fn remove(object: &mut serde_json::Map<String, Json>, list: &str) -> bool {
    match object.get_mut(list).and_then(Json::as_array_mut) {
        Some(items) if !items.is_empty() => {
            items.remove(0);
            true
        }
        _ => false,
    }
}

#[test]
fn every_kind_of_change_is_found() -> Result<()> {
    let variables = trace_sample(&c(Optimisation::O0, 5), "variables")?;
    let inlined = trace_sample(&c(Optimisation::O2, 5), "inlined")?;
    let signal = trace_sample(&c(Optimisation::O0, 5), "signal-handler")?;
    let changes: [(&str, &Trace, Subject, Change); 24] = [
        ("a thread less", &variables, Subject::Threads, |o| remove(o, "threads")),
        ("another thread", &variables, Subject::Threads, |o| replace(o, "", "thread_id", json!(1))),
        ("a frame less", &variables, Subject::Frames, |o| remove(o, "frames")),
        ("another pc", &variables, Subject::Frames, |o| replace(o, "", "offset", json!("0x1"))),
        ("no signal frame", &signal, Subject::SignalFrames, |o| replace(o, "", "signal", Json::Null)),
        ("another function", &variables, Subject::Functions, |o| replace(o, "", "function", json!("f"))),
        ("no function", &variables, Subject::Functions, |o| replace(o, "", "function", Json::Null)),
        ("another file", &variables, Subject::Files, |o| replace(o, "", "file", json!("/f.c"))),
        ("another line", &variables, Subject::Lines, |o| replace(o, "", "line", json!(100_000))),
        ("an inlined call less", &inlined, Subject::InlinedCalls, |o| remove(o, "inlines")),
        ("another inlined call", &inlined, Subject::InlinedCalls, |o| match o.get_mut("inlines") {
            Some(inlines) => spoil(inlines, |o| replace(o, "", "function", json!("f"))),
            None => false,
        }),
        ("a variable less", &variables, Subject::VariableNames, |o| remove(o, "variables")),
        ("a variable's value less", &variables, Subject::Values, |o| remove(o, "variables")),
        ("a variable more", &variables, Subject::VariableNames, |o| match o.get_mut("variables") {
            Some(Json::Array(list)) => {
                list.push(
                    json!({"kind": "local", "name": "invented", "value": {"kind": "integer", "text": "1"}}),
                );
                true
            }
            _ => false,
        }),
        ("a local made a parameter", &variables, Subject::Parameters, |o| {
            replace(o, "local", "kind", json!("parameter"))
        }),
        ("another integer", &variables, Subject::Values, |o| {
            replace(o, "integer", "text", json!("123454321"))
        }),
        ("another float", &variables, Subject::Values, |o| replace(o, "float", "text", json!("0.30000001"))),
        ("another pointer", &variables, Subject::Values, |o| replace(o, "pointer", "text", json!("0x77"))),
        ("another string", &variables, Subject::Values, |o| replace(o, "string", "text", json!("\"other\""))),
        ("a shorter string", &variables, Subject::Values, |o| replace(o, "string", "length", json!(1))),
        ("a member less", &variables, Subject::Values, |o| remove(o, "members")),
        ("an element less", &variables, Subject::Values, |o| remove(o, "elements")),
        ("a longer array", &variables, Subject::Values, |o| replace(o, "array", "length", json!(1000))),
        ("a value less", &variables, Subject::Values, |o| {
            replace(o, "integer", "kind", json!("optimized_out"))
        }),
    ];
    for (name, trace, subject, change) in changes {
        let mut report = report::write(trace);
        assert!(spoil(&mut report, change), "nothing to change for: {name}");
        let figures = compare_with_report(trace, &report)?;
        assert!(figures.ratio(subject) < 1.0, "not found: {name}\n{figures}");
        assert!(figures.short_of(1.0).contains(&subject), "{name}");
        assert!(figures.differences.iter().any(|difference| difference.subject == subject), "{name}");
    }
    Ok(())
}
