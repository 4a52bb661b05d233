//! Exceptions in flight, of C++ and Rust: those in handlers and those on their way to one, with type and words.

mod scenario;

use sample_targets::{Build, Compiler, Language, Optimisation};
use scenario::{Result, report};

/// State, type and what() of the exceptions of the only thread of a sample in a scenario.
fn exceptions(recipe: &Build, scenario: &str) -> Result<Vec<[String; 3]>> {
    let report = report(recipe, &[scenario])?;
    let found = report["threads"][0]["exceptions"].as_array().ok_or("no list of exceptions")?;
    let field = |of: &serde_json::Value, name: &str| of[name].as_str().unwrap_or("-").to_owned();
    Ok(found.iter().map(|of| [field(of, "state"), field(of, "type"), field(of, "what")]).collect())
}

fn builds() -> Vec<Build> {
    let mut builds: Vec<Build> = [Optimisation::O0, Optimisation::O2]
        .into_iter()
        .flat_map(|level| {
            let build = Build::new(Language::Cpp, level, 5);
            [build.clone(), build.compiler(Compiler::Clang)]
        })
        .collect();
    builds.push(Build::new(Language::Cpp, Optimisation::O2, 5).flag("-static-libstdc++"));
    builds.push(Build::new(Language::Cpp, Optimisation::O0, 5).flag("-m32"));
    builds.push(Build::new(Language::Cpp, Optimisation::O2, 5).flag("-m32").flag("-static-libstdc++"));
    builds
}

const PARSE_ERROR: &str = "(anonymous namespace)::ParseError";

/// Fails unless the thread has one exception in the scenario, in this state.
fn check_parse_error(scenario: &str, state: &str) -> Result<()> {
    for recipe in builds() {
        let found = exceptions(&recipe, scenario)?;
        assert_eq!(found.len(), 1, "{recipe}: {found:?}");
        assert_eq!(found[0][..2], [state, PARSE_ERROR], "{recipe}");
        assert!(found[0][2].contains("no '='"), "{recipe}: {found:?}");
    }
    Ok(())
}

#[test]
fn an_exception_in_its_handler_is_told_with_what_it_says() -> Result<()> {
    check_parse_error("in-catch", "caught")
}

#[test]
fn an_exception_is_told_while_destructors_run_on_its_way() -> Result<()> {
    check_parse_error("in-unwinding", "thrown")
}

#[test]
fn a_thread_without_an_exception_has_none() -> Result<()> {
    let recipe = Build::new(Language::Cpp, Optimisation::O0, 5);
    assert!(exceptions(&recipe, "variables")?.is_empty());
    Ok(())
}

#[test]
fn a_rust_panic_is_told_while_destructors_run_for_it() -> Result<()> {
    for level in [Optimisation::O0, Optimisation::O2] {
        let found = exceptions(&Build::new(Language::Rust, level, 5), "in-unwinding")?;
        let expected = ["thrown", "alloc::string::String", "no '=' in \"verbose\" on line 3"];
        assert_eq!(found, [expected.map(str::to_owned)], "{level:?}");
    }
    // Destructors run when there is no panic, too.
    assert!(exceptions(&Build::new(Language::Rust, Optimisation::O0, 5), "in-panic-hook")?.is_empty());
    Ok(())
}
