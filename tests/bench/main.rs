//! `bench`: glider and its peers side by side on the same processes, in one run.
//!
//! Run by hand, with a release build of glider: `cargo build --release -p glider` and then
//! `cargo run --release -p gimli-tests --bin bench`. Prints Markdown. Only ratios carry over from
//! one machine to another, so the tools take turns and every figure stands beside the others'.
//!
//! - time: wall time from before the start to after the end, median of the rounds;
//! - peak memory: resident set of the largest process of the tool (wait4(2));
//! - all processes: the largest sum over the tool's processes of their proportional share
//!   (`Pss` of proc(5) smaps_rollup), sampled in runs of their own; pages that forked processes
//!   share count once;
//! - pause: the longest time for which a thread of the target was stopped, as that thread saw it
//!   (`clock.c`), median, in runs of their own: the watching thread keeps a processor busy.
//!   A tool that stops one thread after another (eu-stack) shows a short pause here although it is
//!   at work on the process for all of its time; its stacks are then not of one moment.

mod measure;
mod peers;
mod table;
mod targets;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs glider and its peers side by side and prints what they cost.
#[derive(Parser)]
struct Arguments {
    /// The glider to measure; by default the one beside this program.
    #[arg(long)]
    glider: Option<PathBuf>,
    /// How often each tool looks at each target.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only the targets whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let glider = match &arguments.glider {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("glider"),
    };
    let peers = peers::find(&glider)?;
    let workshop = targets::Workshop::new()?;
    for case in targets::CASES.iter().filter(|case| case.name.contains(&arguments.only)) {
        let mut figures = vec![measure::Figures::default(); peers.len()];
        let target = workshop.start(case, None)?;
        for _ in 0..arguments.rounds.max(1) {
            for (peer, figures) in peers.iter().zip(&mut figures) {
                figures.add_run(&measure::run(peer, target.pid())?);
            }
        }
        for (peer, figures) in peers.iter().zip(&mut figures) {
            figures.proportional = measure::proportional_peak(peer, target.pid())?;
        }
        drop(target);
        let clock = targets::Clock::new(&workshop)?;
        let target = workshop.start(case, Some(&clock))?;
        for _ in 0..arguments.rounds.max(1) {
            for (peer, figures) in peers.iter().zip(&mut figures) {
                clock.restart()?;
                measure::run(peer, target.pid())?;
                figures.pauses.push(clock.longest_stop()?);
            }
        }
        print!("{}", table::render(case.name, &peers, &figures));
    }
    Ok(())
}
