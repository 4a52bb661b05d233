//! `bare`: how long after the stop the keeper has what it reports whatever becomes of the analysis, namely
//! signals, registers, memory map and build-ids. That is to be within 50 ms. No other tool has such a part.
//!
//! Run by hand, with a release build of glider: `cargo build --release -p glider` and then
//! `cargo run --release -p gimli-tests --bin bare`. The median, the best and the worst of all rounds are printed; how long
//! stopping every thread took by itself, and for how long the target was held, stand beside it.

mod runs;

use anyhow::{Context, bail};
use clap::Parser;
use runs::Runs;
use sample_targets::{Build, Language, Optimisation, Target, build};
use serde_json::Value as Json;
use std::path::Path;
use std::process::Command;

/// Threads of the targets.
const THREADS: [u32; 3] = [1, 100, 1000];

/// Measures how soon the keeper has the bare report.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    runs: Runs,
}

fn main() -> anyhow::Result<()> {
    let Arguments { runs } = Arguments::parse();
    let glider = runs.glider()?;
    let program = build(&Build::new(Language::C, Optimisation::O2, 5))?;
    println!("| threads | bare report | best | worst | of it stopping | held |\n|--:|--:|--:|--:|--:|--:|");
    for threads in THREADS {
        let target = match threads {
            1 => Target::start(&program, "variables", &[])?,
            // The process's own thread is one of them.
            _ => Target::start(&program, "many-threads", &[&(threads - 1).to_string(), "4"])?,
        };
        target.wait_until_blocked()?;
        let rounds = (0..runs.rounds.max(1)).map(|_| trace(&glider, target.pid()));
        let rounds = rounds.collect::<anyhow::Result<Vec<Json>>>()?;
        let times = |pointer: &str| -> anyhow::Result<Vec<f64>> {
            let mut times = rounds
                .iter()
                .map(|timing| timing.pointer(pointer).and_then(Json::as_f64).map(|us| us / 1e3))
                .collect::<Option<Vec<f64>>>()
                .with_context(|| format!("no {pointer} in the report"))?;
            times.sort_by(f64::total_cmp);
            Ok(times)
        };
        let median = |times: &[f64]| times.get(times.len() / 2).copied().unwrap_or_default();
        let bare = times("/phases/bare_us")?;
        let best = bare.first().copied().unwrap_or_default();
        let worst = bare.last().copied().unwrap_or_default();
        let (stop, held) = (times("/phases/stop_us")?, times("/paused_us")?);
        println!(
            "| {threads} | {:.1} ms | {best:.1} ms | {worst:.1} ms | {:.1} ms | {:.1} ms |",
            median(&bare),
            median(&stop),
            median(&held)
        );
    }
    Ok(())
}

/// The timing of one trace.
fn trace(glider: &Path, pid: i32) -> anyhow::Result<Json> {
    let mut command = Command::new(glider);
    command.args(["--no-plugins", "--format=json"]).arg(pid.to_string());
    let output = command.output().with_context(|| format!("{} cannot be run", glider.display()))?;
    if !output.status.success() {
        bail!("glider: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let mut report: Json = serde_json::from_slice(&output.stdout)?;
    Ok(report.get_mut("timing").context("no timing in the report")?.take())
}
