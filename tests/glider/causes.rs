//! The cause in words that the report begins with, on programs that fault or end themselves: what
//! the source says, at both ends of the optimisation levels, or nothing.

mod scenario;

use sample_targets::{Build, Language, Optimisation};
use scenario::{Result, report};

/// The cause in the JSON report of a sample in a scenario: kind, text and location; empty where there is none.
fn cause(recipe: &Build, words: &[&str]) -> Result<[String; 3]> {
    let report = report(recipe, words)?;
    let field = |name: &str| report["cause"][name].as_str().unwrap_or_default().to_owned();
    if report["cause"].is_object() {
        assert!(!field("known_by").is_empty(), "{words:?} does not say how it is known");
    }
    Ok([field("kind"), field("text"), field("location")])
}

/// Each scenario with the kind that the cause must have and what its text must hold.
fn check(language: Language, optimisation: Optimisation, expected: &[(&[&str], &str, &str)]) -> Result<()> {
    for (words, kind, part) in expected {
        let [found, text, _] = cause(&Build::new(language, optimisation, 5), words)?;
        assert!(
            found == *kind && text.contains(part),
            "{language:?} {optimisation:?} {words:?}: {found:?} {text:?}, not {kind:?} {part:?}"
        );
    }
    Ok(())
}

#[test]
fn c_faults_name_the_expression_that_was_bad() -> Result<()> {
    check(
        Language::C,
        Optimisation::O0,
        &[
            (&["fault-handler", "null"], "null_pointer", "`session` is NULL: `session->requests` was read"),
            (
                &["fault-handler", "wild-pointer"],
                "bad_pointer",
                "`session` is 0x7ead0000bee0, where nothing is mapped: `session->id` was read",
            ),
            (
                &["fault-handler", "text-as-pointer"],
                "bad_pointer",
                "`session` is 0x4141414141414141, not an address of this processor",
            ),
            (&["fault-handler", "null-call"], "null_pointer", "`session->on_line` is NULL: it was called"),
            (&["fault-handler", "wild-call"], "bad_pointer", "`session->on_line` is 0x7ead0000c0de"),
            (
                &["fault-handler", "null-member"],
                "null_pointer",
                "`request->next->header` is NULL: `request->next->header->flags` was read",
            ),
            (
                &["fault-handler", "null-argument"],
                "null_pointer",
                "`request->header->name` of `name_length` is NULL",
            ),
            (&["fault-handler", "read-only"], "bad_pointer", "`&text[3]` is 0x"),
            (&["fault-handler", "divide-by-zero"], "division", "division by zero: `requests` is 0"),
            (&["fault-handler", "stack-overflow"], "stack_overflow", "of them of `read_nested` fill its"),
            (&["fault-handler", "bus-error"], "mapped_file", "byte 16 of the mapped file /memfd:journal"),
            (&["fault-handler", "trap"], "trap", "`ud2`"),
        ],
    )
}

#[test]
fn optimised_c_faults_name_what_can_still_be_told() -> Result<()> {
    check(
        Language::C,
        Optimisation::O2,
        &[
            (
                &["fault-handler", "null"],
                "null_pointer",
                "`session` is NULL: `session->requests` was changed",
            ),
            (&["fault-handler", "wild-pointer"], "bad_pointer", "`session` is 0x7ead0000bee0"),
            (&["fault-handler", "null-call"], "null_pointer", "`session->on_line` is NULL: it was called"),
            (
                &["fault-handler", "null-member"],
                "null_pointer",
                "`incoming->next->header` of `null_member` is NULL",
            ),
            // strlen was reached by a jump from a function that is not on the stack any more.
            (&["fault-handler", "null-argument"], "null_pointer", "what it is called is not known"),
            (&["fault-handler", "divide-by-zero"], "division", "`requests` is 0"),
            (&["fault-handler", "stack-overflow"], "stack_overflow", "`read_nested`"),
            (&["fault-handler", "trap"], "trap", "`ud2`"),
        ],
    )
}

#[test]
fn what_the_c_library_says_is_the_cause() -> Result<()> {
    for optimisation in [Optimisation::O0, Optimisation::O2] {
        check(
            Language::C,
            optimisation,
            &[
                (
                    &["fault-handler", "assert"],
                    "abort_message",
                    "check_header: Assertion `request->header != NULL",
                ),
                (&["fault-handler", "double-free"], "abort_message", "double free or corruption"),
                // It called abort() without a word.
                (&["fault-handler", "abort"], "", ""),
            ],
        )?;
    }
    let checked = Build::new(Language::C, Optimisation::O0, 5).flag("-fstack-protector-strong");
    let [kind, text, _] = cause(&checked, &["fault-handler", "smashed-stack"])?;
    assert_eq!(kind, "abort_message");
    assert!(text.contains("stack smashing detected"), "{text}");
    Ok(())
}

#[test]
fn cpp_says_which_exception_ended_the_program() -> Result<()> {
    let parse_error =
        "no handler for the C++ exception (anonymous namespace)::ParseError: no '=' in \"verbose\"";
    for optimisation in [Optimisation::O0, Optimisation::O2] {
        check(
            Language::Cpp,
            optimisation,
            &[
                (&["fault-handler", "uncaught-exception"], "cpp_terminate", parse_error),
                (&["in-terminate"], "cpp_terminate", parse_error),
                (&["fault-handler", "broken-promise"], "cpp_terminate", "Refused: the peer refused"),
                (&["in-catch"], "", ""),
                (&["fault-handler", "null"], "null_pointer", "`this` is NULL: `this->requests_` was read"),
                (&["fault-handler", "null-call"], "null_pointer", "`session->_vptr.Session[2]`"),
            ],
        )?;
    }
    check(
        Language::Cpp,
        Optimisation::O0,
        &[(&["fault-handler", "pure-virtual"], "cpp_terminate", "a pure virtual function was called")],
    )
}

#[test]
fn a_rust_panic_is_told_with_its_message_and_place() -> Result<()> {
    for optimisation in [Optimisation::O0, Optimisation::O2] {
        let [kind, text, location] = cause(&Build::new(Language::Rust, optimisation, 5), &["in-panic-hook"])?;
        assert_eq!([kind.as_str(), &text], ["rust_panic", "panic: no '=' in \"verbose\" on line 2"]);
        assert!(location.contains("faults.rs:") && location.matches(':').count() == 2, "{location}");
        let [kind, text, location] =
            cause(&Build::new(Language::Rust, optimisation, 5), &["fault-handler", "divide-by-zero"])?;
        assert_eq!([kind.as_str(), &text], ["rust_panic", "panic: attempt to divide by zero"]);
        assert!(location.contains("faults.rs:"), "{location}");
        check(
            Language::Rust,
            optimisation,
            &[
                (
                    &["fault-handler", "null"],
                    "null_pointer",
                    "`session` is null: `session.requests` was read",
                ),
                (&["fault-handler", "null-call"], "null_pointer", "`session.on_line`"),
                (&["fault-handler", "stack-overflow"], "stack_overflow", "read_nested"),
                (&["variables"], "", ""),
            ],
        )?;
    }
    Ok(())
}

#[test]
fn causes_of_32_bit_programs_are_told_as_well() -> Result<()> {
    let recipe = Build::new(Language::C, Optimisation::O0, 5).flag("-m32");
    let expected: [(&[&str], &str, &str); 8] = [
        (&["fault-handler", "null"], "null_pointer", "`session` is NULL: `session->requests` was read"),
        (&["fault-handler", "null-call"], "null_pointer", "`session->on_line` is NULL: it was called"),
        (
            &["fault-handler", "null-member"],
            "null_pointer",
            "`request->next->header` is NULL: `request->next->header->flags` was read",
        ),
        (
            &["fault-handler", "text-as-pointer"],
            "bad_pointer",
            "`session` is 0x41414141, where nothing is mapped",
        ),
        (&["fault-handler", "divide-by-zero"], "division", "division by zero: `requests` is 0"),
        (&["fault-handler", "stack-overflow"], "stack_overflow", "of them of `read_nested` fill its"),
        (&["fault-handler", "assert"], "abort_message", "check_header: Assertion `request->header != NULL"),
        (&["fault-handler", "trap"], "trap", "`ud2`"),
    ];
    for (words, kind, part) in expected {
        let [found, text, _] = cause(&recipe, words)?;
        assert!(found == kind && text.contains(part), "{words:?}: {found:?} {text:?}, not {kind:?} {part:?}");
    }
    for (scenario, part) in
        [("uncaught-exception", "ParseError: no '='"), ("broken-promise", "Refused: the peer refused")]
    {
        for level in [Optimisation::O0, Optimisation::O2] {
            let recipe = Build::new(Language::Cpp, level, 5).flag("-m32");
            let [kind, text, _] = cause(&recipe, &["fault-handler", scenario])?;
            assert!(kind == "cpp_terminate" && text.contains(part), "{recipe} {scenario}: {kind:?} {text:?}");
        }
    }
    Ok(())
}
