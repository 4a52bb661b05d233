//! glider against gdb on living programs: what it shows of them must be what gdb shows.
//!
//! Each test sums the figures of its programs, prints their table (`--nocapture` shows it) and
//! asks for all threads and 99 % of everything else. This is a test of the package glider, so
//! that cargo builds the glider it runs.

use gimli_tests::compare::compare;
use gimli_tests::figures::Figures;
use gimli_tests::{gdb, glider};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sample_targets::{Build, Compiler, Language, Optimisation, Target, build, matrix};
use std::path::Path;
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What must be equal, except for threads, of which all must be.
const THRESHOLD: f64 = 0.99;

/// Differences printed when a figure falls short.
const SHOWN: usize = 100;

/// Scenarios that a look would change: a thread that runs, and system calls that no kernel restarts
/// after a tracer's stop (epoll_wait, semop; see signal(7)). SIGSTOP holds them for both looks.
const RESTLESS: &[&str] = &["busy-loop", "sleeping-in-syscalls", "sleeping-threads"];

/// Sets glider's report of a target beside gdb's. The target must stand still.
fn figures_of(target: &Target) -> Result<Figures> {
    let (pid, limits) = (target.pid().unsigned_abs(), gdb::Limits::default());
    let ours = glider::trace(Path::new(env!("CARGO_BIN_EXE_glider")), pid, &limits)?;
    let theirs = gdb::trace(pid, &limits)?;
    Ok(compare(&theirs, &ours))
}

/// Figures of one scenario of one build; its name is put before each difference.
fn try_scenario(recipe: &Build, scenario: &[&str]) -> Result<Figures> {
    let words = scenario.join(" ");
    let (name, arguments) = scenario.split_first().ok_or("a scenario without a name")?;
    let run = || -> Result<Figures> {
        let target = Target::start(&build(recipe)?, name, arguments)?;
        if RESTLESS.contains(name) {
            kill(Pid::from_raw(target.pid()), Signal::SIGSTOP)?;
        }
        target.wait_until_blocked()?;
        figures_of(&target)
    };
    let mut figures = run().map_err(|error| format!("{recipe} {words}: {error}"))?;
    for difference in &mut figures.differences {
        difference.place.program = format!("{recipe} {words}");
    }
    Ok(figures)
}

fn try_all(title: &str, builds: &[Build], scenarios: &[&[&str]]) -> Result<()> {
    let mut sum = Figures::default();
    for recipe in builds {
        for scenario in scenarios {
            sum.add(&try_scenario(recipe, scenario)?);
        }
    }
    judge(title, &sum);
    Ok(())
}

/// Fails when a figure falls short, with the differences behind it.
fn judge(title: &str, figures: &Figures) {
    println!("{title}\n\n{figures}");
    for (count, difference) in figures.grouped().into_iter().take(SHOWN) {
        println!("{count} × {difference}");
    }
    let short = figures.short_of(THRESHOLD);
    assert!(short.is_empty(), "{title} falls short in {short:?}");
    assert!(figures.count(gimli_tests::figures::Subject::Values).equal > 0, "{title}: no value was compared");
}

fn matrix_of(language: Language) -> Vec<Build> {
    matrix().into_iter().filter(|build| build.language == language).collect()
}

fn few_builds_of(language: Language) -> Vec<Build> {
    [(Optimisation::O0, 5), (Optimisation::O2, 5), (Optimisation::Os, 4)]
        .map(|(optimisation, dwarf)| Build::new(language, optimisation, dwarf))
        .into()
}

#[test]
fn c_programs_of_every_optimisation_and_dwarf_version() -> Result<()> {
    let scenarios: &[&[&str]] =
        &[&["variables"], &["variables-in-pieces"], &["inlined"], &["signal-handler"]];
    try_all("C, -O0 -O2 -Os, DWARF 2 to 5", &matrix_of(Language::C), scenarios)
}

#[test]
fn c_programs_in_every_situation() -> Result<()> {
    let scenarios: &[&[&str]] = &[
        &["fault-handler", "null"],
        &["fault-handler", "null-call"],
        &["fault-handler", "wild-call"],
        &["fault-handler", "abort"],
        &["fault-handler", "divide-by-zero"],
        &["deep-recursion", "500"],
        &["no-frame-pointer"],
        &["vla"],
        &["alloca"],
        &["qsort-callback"],
        &["library-callback"],
        &["dlopen"],
        &["deadlock"],
        &["busy-loop"],
        &["many-threads"],
        &["thread-locals"],
        &["signal-alternate-stack"],
        &["signal-nested"],
        &["sleeping-in-syscalls"],
        &["variables-in-vectors"],
    ];
    try_all("C, every situation", &few_builds_of(Language::C), scenarios)
}

#[test]
fn programs_of_another_compiler() -> Result<()> {
    for (language, title) in [(Language::C, "C by clang"), (Language::Cpp, "C++ by clang")] {
        let builds = [(Optimisation::O0, 5), (Optimisation::O2, 4)]
            .map(|(optimisation, dwarf)| Build::new(language, optimisation, dwarf).compiler(Compiler::Clang));
        try_all(title, &builds, &[&["variables"], &["inlined"]])?;
    }
    Ok(())
}

#[test]
fn cpp_programs_of_every_optimisation_and_dwarf_version() -> Result<()> {
    let scenarios: &[&[&str]] = &[&["variables"], &["inlined"], &["signal-handler"]];
    try_all("C++, -O0 -O2 -Os, DWARF 2 to 5", &matrix_of(Language::Cpp), scenarios)
}

#[test]
fn cpp_programs_in_every_situation() -> Result<()> {
    let scenarios: &[&[&str]] = &[
        &["fault-handler", "null"],
        &["fault-handler", "wild-call"],
        &["deep-recursion", "500"],
        &["sort-callback"],
        &["function-object"],
        &["deadlock"],
        &["busy-loop"],
        &["many-threads"],
        &["thread-locals"],
        &["signal-alternate-stack"],
        &["in-catch"],
        &["in-unwinding"],
        &["in-terminate"],
        &["library-callback"],
    ];
    try_all("C++, every situation", &few_builds_of(Language::Cpp), scenarios)
}

#[test]
fn rust_programs_with_threads_and_without() -> Result<()> {
    let scenarios: &[&[&str]] = &[
        &["variables"],
        &["inlined"],
        &["signal-handler"],
        &["fault-handler", "null"],
        &["in-panic-hook"],
        &["in-unwinding"],
        &["deep-recursion", "500"],
        &["sort-callback"],
        &["trait-object"],
        &["deadlock"],
        &["busy-loop"],
        &["many-threads"],
        &["thread-locals"],
        &["sleeping-threads"],
    ];
    let builds = [Optimisation::O0, Optimisation::O2].map(|level| Build::new(Language::Rust, level, 5));
    try_all("Rust, opt-level 0 and 2", &builds, scenarios)
}

#[test]
fn python_with_threads() -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/against_gdb/threads.py");
    let mut command = Command::new("python3-dbg");
    command.arg(script);
    let target = Target::start_command(&mut command, "python3-dbg")
        .map_err(|error| format!("{error} (Debian package: python3-dbg)"))?;
    target.wait_until_blocked()?;
    judge("python3-dbg, five threads", &figures_of(&target)?);
    Ok(())
}
