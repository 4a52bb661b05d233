//! `instructions`: fails when a trace takes more instructions than it used to.
//!
//! Time depends on the machine and on who else is using it; how many instructions the processor
//! executes for the same trace hardly does. Valgrind's callgrind counts them, over all of glider's processes, in three
//! fixed scenarios. Each is compared with the count recorded in `instructions.txt`; more than a tenth above it fails.
//!
//! The targets are linked statically, so that the debug information of the machine's libraries plays no part.
//!
//! Run by `./check`. After a change that is meant to cost more, or that saves much, record anew:
//! `cargo build --release -p glider && cargo run -p gimli-tests --bin instructions -- --record`.

use anyhow::{Context, bail, ensure};
use clap::Parser;
use sample_targets::Target;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/instructions.txt");
const AGAIN: &str =
    "cargo build --release -p glider && cargo run -p gimli-tests --bin instructions -- --record";

/// How much more a trace may take than was recorded.
const GROWTH: f64 = 0.10;

/// Counts the instructions of fixed traces and compares them with the record.
#[derive(Parser)]
struct Arguments {
    /// The glider to measure, a release build; by default the one of the same target folder.
    #[arg(long)]
    glider: Option<PathBuf>,
    /// Write the record anew instead of comparing with it.
    #[arg(long)]
    record: bool,
    /// Keep callgrind's files in this folder, for callgrind_annotate(1).
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// A trace that is counted.
struct Scenario {
    name: &'static str,
    /// Arguments of the target.
    target: &'static [&'static str],
    /// Whether the target is the C++ one.
    is_cxx: bool,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario { name: "100 threads of 26 frames", target: &["100", "26"], is_cxx: false },
    Scenario { name: "1 thread of 2,000 frames", target: &["1", "2000"], is_cxx: false },
    Scenario { name: "C++, 64 threads in 6 units", target: &[], is_cxx: true },
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let built = || Some(own.parent()?.parent()?.join("release/glider"));
    let glider = arguments.glider.clone().or_else(built).context("--glider")?;
    ensure!(
        glider.is_file(),
        "{} is not there; build it with cargo build --release -p glider",
        glider.display()
    );
    let folder = tempfile::tempdir()?;
    let counts = folder.path().join("counts");
    let counts = arguments.keep.as_deref().unwrap_or(&counts);
    fs::write(folder.path().join("patience.c"), include_str!("patience.c"))?;
    compile("gcc", folder.path(), &["-O1", "-shared", "-fPIC", "-o", "patience.so", "patience.c"])?;
    let patience = folder.path().join("patience.so");
    let mut found = Vec::new();
    for scenario in &SCENARIOS {
        let program = build(folder.path(), scenario)?;
        let mut command = Command::new(program);
        let target = Target::start_command(command.args(scenario.target), scenario.name)?;
        target.wait_until_blocked()?;
        let counts = counts.join(scenario.name.replace(' ', "-"));
        found.push((scenario.name, count(&glider, &patience, target.pid(), &counts)?));
    }
    if arguments.record {
        fs::write(RECORD, record(&found)?).context(RECORD)?;
        println!("recorded in {RECORD}");
        return Ok(());
    }
    compare(&found, &fs::read_to_string(RECORD).context(RECORD)?)
}

const DEBUG: [&str; 3] = ["-g", "-gdwarf-5", "-pthread"];
const FEW: [&str; 3] = ["-DSTORAGE_TABLES=1", "-DPLANNER_KINDS=1", "-DNETWORK_SORTS=1"];

fn compile(compiler: &str, folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(compiler);
    let status = command.current_dir(folder).args(arguments).status();
    match status.with_context(|| format!("{compiler} cannot be run (Debian package: {compiler})"))? {
        status if status.success() => Ok(()),
        status => bail!("{compiler} refuses {}: {status}", arguments.join(" ")),
    }
}

/// A static program: the one of the benchmark's many stacks, or a small edition of its large one.
fn build(folder: &Path, scenario: &Scenario) -> anyhow::Result<PathBuf> {
    let program = folder.join(if scenario.is_cxx { "units" } else { "stacks" });
    if program.is_file() {
        return Ok(program);
    }
    if !scenario.is_cxx {
        fs::write(folder.join("stacks.c"), include_str!("stacks.c"))?;
        compile("gcc", folder, &[&DEBUG[..], &["-O1", "-static", "-o", "stacks", "stacks.c"]].concat())?;
        return Ok(program);
    }
    fs::write(folder.join("large.hpp"), include_str!("large/large.hpp"))?;
    fs::write(folder.join("main.cpp"), include_str!("large/main.cpp"))?;
    let sources = [
        ("storage", include_str!("large/storage.cpp")),
        ("planner", include_str!("large/planner.cpp")),
        ("network", include_str!("large/network.cpp")),
    ];
    let mut objects = Vec::new();
    let mut units = String::new();
    for (source, text) in sources {
        fs::write(folder.join(source).with_extension("cpp"), text)?;
        for level in ["O0", "O1"] {
            let unit = format!("{source}_{level}");
            let (file, object) = (format!("{source}.cpp"), format!("{unit}.o"));
            let (name, level) = (format!("-DUNIT={unit}"), format!("-{level}"));
            let way = ["-std=c++17", &level, &name, "-c", &file, "-o", &object];
            compile("g++", folder, &[&DEBUG[..], &FEW, &way].concat())?;
            write!(units, "UNIT({unit})")?;
            objects.push(object);
        }
    }
    let units = format!("-DUNITS={units}");
    let way = ["-std=c++17", "-O0", "-static", "-o", "units", "main.cpp", &units];
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    compile("g++", folder, &[&DEBUG[..], &way, &objects].concat())?;
    Ok(program)
}

/// The instructions of one trace of a process, over all of glider's own.
fn count(glider: &Path, patience: &Path, pid: i32, folder: &Path) -> anyhow::Result<u64> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    // A new one: what is in it is added up.
    fs::create_dir(folder).with_context(|| folder.display().to_string())?;
    // Without randomized addresses, so that hash tables and sorts see the same numbers each time.
    let mut command = Command::new("setarch");
    command
        .args(["-R", "valgrind", "-q", "--tool=callgrind", "--trace-children=yes"])
        .arg(format!("--callgrind-out-file={}/%p", folder.display()))
        .arg(glider)
        .args(["--no-plugins", "--max-frames", "100000", "--timeout", "600"])
        .arg(pid.to_string())
        .env("LD_PRELOAD", patience)
        .env_remove("DEBUGINFOD_URLS")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let output =
        command.output().context("setarch and valgrind cannot be run (Debian: util-linux, valgrind)")?;
    ensure!(
        output.status.success(),
        "glider under valgrind: {} (Debian package: valgrind)\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let mut sum = 0;
    for file in fs::read_dir(folder)? {
        let text = fs::read_to_string(file?.path())?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
        sum += total.context("callgrind wrote no totals")?.trim().parse::<u64>()?;
    }
    // Less than any program's start: then it was not glider that was counted.
    ensure!(sum > 1_000_000, "only {sum} instructions were counted");
    Ok(sum)
}

/// The text of the record.
fn record(found: &[(&str, u64)]) -> anyhow::Result<String> {
    let mut text = String::from("# Instructions of three traces, written by the program `instructions`.\n");
    writeln!(text, "# Record anew with:\n# {AGAIN}\n# Recorded with:")?;
    for tool in ["rustc", "gcc", "valgrind"] {
        let output = Command::new(tool).arg("--version").output().with_context(|| tool.to_owned())?;
        let version = String::from_utf8_lossy(&output.stdout);
        writeln!(text, "#   {}", version.lines().next().unwrap_or_default())?;
    }
    for (name, count) in found {
        writeln!(text, "{name}: {count}")?;
    }
    Ok(text)
}

fn compare(found: &[(&str, u64)], record: &str) -> anyhow::Result<()> {
    let mut grown = Vec::new();
    for (name, count) in found {
        let recorded = record.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let recorded: u64 = recorded.with_context(|| format!("{RECORD} lacks `{name}`: {AGAIN}"))?.parse()?;
        let change = *count as f64 / recorded as f64 - 1.0;
        println!("{name}: {count} instructions, {:+.1} % of the {recorded} recorded", change * 100.0);
        if change > GROWTH {
            grown.push(*name);
        } else if change < -GROWTH {
            println!("    much fewer than recorded: record it, so that it stays so: {AGAIN}");
        }
    }
    ensure!(
        grown.is_empty(),
        "more than {:.0} % over the record: {}. If that is meant, record it: {AGAIN}",
        GROWTH * 100.0,
        grown.join(", ")
    );
    Ok(())
}
