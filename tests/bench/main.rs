//! `bench`: glider and its peers side by side on the same processes, in one run.
//!
//! Run by hand, on a quiet machine: `cargo build --release -p glider -p gimli-tests && target/release/bench`. Prints
//! Markdown; with `--record` it also writes `tests/bench/RESULTS.md` and the plot beside it. Only ratios carry
//! over from one machine to another, so the tools take turns and every figure stands beside the others'.
//!
//! - time: wall time from before the start to after the end, median of the rounds;
//! - peak memory: resident set of the largest process of the tool (wait4(2));
//! - all processes: the largest sum over the tool's processes of their proportional share
//!   (`Pss` of proc(5) smaps_rollup), sampled in a run of its own; pages that forked processes
//!   share count once;
//! - pause: the longest time for which a thread of the target was stopped, as that thread saw it
//!   (`clock.c`), median, in runs of their own: the watching thread keeps a processor busy.
//!   A tool that stops one thread after another (eu-stack) shows a short pause here although it is
//!   at work on the process for all of its time; its stacks are then not of one moment;
//! - floor: the shortest stop in which the stacks can be had (`floor.rs`), measured as another tool, with 16 KiB of
//!   each stack; and the same with the whole of each stack, which is what has to be read to show every frame of it.

mod bounds;
mod large;
mod measure;
mod peers;
mod plot;
mod table;
mod targets;

use anyhow::Context;
use clap::Parser;
use measure::{Figures, median};
use peers::Peer;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use targets::{CASES, Case, Clock, Workshop};

/// A tool that takes longer than this is run only once for each figure: no median is needed to tell how much longer.
const SLOW: Duration = Duration::from_secs(8);

/// Runs glider and its peers side by side and prints what they cost.
#[derive(Parser)]
struct Arguments {
    /// The glider to measure; by default the one beside this program.
    #[arg(long)]
    glider: Option<PathBuf>,
    /// How often each tool looks at each target.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the targets whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the results to this folder, as RESULTS.md and results.svg.
    #[arg(long, num_args = 0..=1, default_missing_value = "tests/bench")]
    record: Option<PathBuf>,
}

/// What all tools took on one target, in the order of the tools.
struct Row {
    case: &'static Case,
    /// Bytes of DWARF in the program, its libraries' not counted.
    dwarf: u64,
    figures: Vec<Figures>,
}

impl Row {
    fn of(&self, peers: &[Peer], tool: peers::Tool) -> Option<&Figures> {
        let place = peers.iter().position(|peer| peer.tool == tool)?;
        self.figures.get(place)
    }
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
    let own = std::env::current_exe()?;
    let glider = arguments.glider.clone().unwrap_or_else(|| own.with_file_name("glider"));
    let peers = peers::find(&glider, &own.with_file_name("floor"))?;
    // Beside this program's profile, where cargo keeps what was built.
    let kept = own.parent().and_then(Path::parent).context("a folder for the large programs")?.join("bench");
    let workshop = Workshop::new(&kept)?;
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&arguments.only)) {
        eprintln!("bench: {}", case.name);
        rows.push(measure_case(&workshop, case, &peers, arguments.rounds.max(1))?);
    }
    let results = table::render(&rows, &peers, arguments.rounds.max(1))?;
    print!("{results}");
    if let Some(folder) = &arguments.record {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())
        };
        write("RESULTS.md", &results)?;
        write("results.svg", &plot::render(&rows, &peers))?;
    }
    Ok(())
}

fn measure_case(
    workshop: &Workshop,
    case: &'static Case,
    peers: &[Peer],
    rounds: usize,
) -> anyhow::Result<Row> {
    let mut figures = vec![Figures::default(); peers.len()];
    let target = workshop.start(case, None)?;
    let dwarf = targets::dwarf_size(target.pid())?;
    for round in 0..rounds {
        for (peer, figures) in peers.iter().zip(&mut figures) {
            if round > 0 && median(&figures.times) > SLOW {
                continue;
            }
            figures.add_run(&measure::run(peer, target.pid(), case.frames)?);
        }
    }
    for (peer, figures) in peers.iter().zip(&mut figures) {
        figures.proportional = measure::proportional_peak(peer, target.pid())?;
    }
    drop(target);
    let clock = Clock::new(workshop)?;
    let target = workshop.start(case, Some(&clock))?;
    for round in 0..rounds {
        for (peer, figures) in peers.iter().zip(&mut figures) {
            if round > 0 && median(&figures.times) > SLOW {
                continue;
            }
            clock.restart()?;
            measure::run(peer, target.pid(), case.frames)?;
            figures.pauses.push(clock.longest_stop()?);
        }
    }
    Ok(Row { case, dwarf, figures })
}
