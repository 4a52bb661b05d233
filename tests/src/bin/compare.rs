//! `compare --glider PATH --pid PID`: prints how glider's report of a process stands to gdb's.
//!
//! Exit codes: 0 every figure reaches its threshold, 1 one does not, 2 there is no comparison.

use clap::Parser;
use gimli_tests::{compare::compare, gdb, glider};
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares glider's report of a process with gdb's.
///
/// The process must stand still meanwhile: let it block, or stop it with SIGSTOP.
#[derive(Parser)]
struct Arguments {
    /// The glider to run.
    #[arg(long, default_value = "glider")]
    glider: PathBuf,
    /// The process to look at.
    #[arg(long)]
    pid: u32,
    /// Print the differences; those that are the same in several threads or frames once.
    #[arg(long)]
    verbose: bool,
    /// Print at most this many differences.
    #[arg(long, default_value_t = 200)]
    differences: usize,
    /// Share of every figure that must be equal, threads excepted: those must all be.
    #[arg(long, default_value_t = 0.99)]
    threshold: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let limits = gdb::Limits::default();
    // glider first: it must leave a stopped process stopped, and gdb's dump would show if not.
    let ours = glider::trace(&arguments.glider, arguments.pid, &limits)?;
    let theirs = gdb::trace(arguments.pid, &limits)?;
    let figures = compare(&theirs, &ours);
    print!("{figures}");
    if arguments.verbose {
        println!();
        for (count, difference) in figures.grouped().into_iter().take(arguments.differences) {
            println!("{count} × {difference}");
        }
    }
    let short = figures.short_of(arguments.threshold);
    for subject in &short {
        println!("short of the threshold: {}", subject.name());
    }
    Ok(if short.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
