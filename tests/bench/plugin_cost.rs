//! `plugin-cost`: what loading and running a plugin adds to a trace when its hooks do nothing.
//!
//! Run by hand, with a release build of glider: `cargo build --release -p glider` and then
//! `cargo run --release -p gimli-tests --bin plugin-cost`. The two ways of running glider take
//! turns on the same process of many threads; medians and their ratio are printed.

mod runs;

use anyhow::{Context, bail};
use clap::Parser;
use runs::Runs;
use sample_targets::Target;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PLUGIN: &str = include_str!("../plugins/modules/idle.c");
const HEADER: &str = include_str!("../../plugin-api/include/libgimli_ana.h");
const TARGET: &str = include_str!("stacks.c");

/// Measures what an idle plugin adds to a trace.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// Threads of the process.
    #[arg(long, default_value_t = 1000)]
    threads: u32,
    /// Frames of each of them.
    #[arg(long, default_value_t = 26)]
    frames: u32,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let beside = std::env::current_exe()?;
    let glider = arguments.runs.glider()?;
    // Not in /tmp: glider loads nothing from where others may write.
    let folder = tempfile::tempdir_in(beside.parent().context("a folder for the plugin")?)?;
    let compile = |source: &str, text: &str, into: &str, flags: &[&str]| -> anyhow::Result<PathBuf> {
        let (source, into) = (folder.path().join(source), folder.path().join(into));
        std::fs::write(&source, text)?;
        let status = Command::new("cc")
            .args(flags)
            .arg("-I")
            .arg(folder.path())
            .arg(&source)
            .arg("-o")
            .arg(&into)
            .status();
        match status.context("cc cannot be run (Debian package: gcc)")? {
            status if status.success() => Ok(into),
            status => bail!("cc refuses {}: {status}", source.display()),
        }
    };
    std::fs::write(folder.path().join("libgimli_ana.h"), HEADER)?;
    let plugin = compile("idle.c", PLUGIN, "gimli_idle.so", &["-O2", "-shared", "-fPIC"])?;
    let program = compile("stacks.c", TARGET, "stacks", &["-g", "-O1", "-pthread"])?;
    let mut command = Command::new(program);
    command.arg(arguments.threads.to_string()).arg(arguments.frames.to_string());
    let target = Target::start_command(&mut command, "stacks")?;
    target.wait_until_blocked()?;
    let ways: [&[&Path]; 2] = [&["--no-plugins".as_ref()], &["--plugin".as_ref(), &plugin]];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..arguments.runs.rounds.max(1) {
        for (way, times) in ways.iter().zip(&mut times) {
            times.push(run(&glider, way, target.pid())?);
        }
    }
    let calls = calls(&glider, &plugin, target.pid(), arguments.threads)?;
    let [without, with] = times.map(median);
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "{} threads of {} frames, median of {} runs each",
        arguments.threads, arguments.frames, arguments.runs.rounds
    );
    println!("without plugins:     {:.1} ms", without.as_secs_f64() * 1e3);
    println!("with an idle plugin: {:.1} ms ({:+.1} %)", with.as_secs_f64() * 1e3, (ratio - 1.0) * 100.0);
    println!("it was {calls}");
    Ok(())
}

/// One trace; gives the wall time from before its start to after its end.
fn run(glider: &Path, way: &[&Path], pid: i32) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut command = Command::new(glider);
    let status = command.args(way).arg(pid.to_string()).stdout(Stdio::null()).status();
    let time = start.elapsed();
    match status.with_context(|| format!("{} cannot be run", glider.display()))? {
        status if status.success() => Ok(time),
        status => bail!("glider: {status}"),
    }
}

/// What the plugin says it was called for: a figure of a plugin that was not called is none.
fn calls(glider: &Path, plugin: &Path, pid: i32, threads: u32) -> anyhow::Result<String> {
    let mut command = Command::new(glider);
    let output = command.arg("--plugin").arg(plugin).arg(pid.to_string()).output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    let told = report
        .lines()
        .rev()
        .find_map(|line| Some(line.trim()).filter(|line| line.starts_with("called for ")));
    let told = told.context("the plugin was not called")?;
    let counts: Vec<u64> = told.split(' ').filter_map(|word| word.parse().ok()).collect();
    match counts.as_slice() {
        [hooked, frames, values, ends]
            if *hooked == u64::from(threads) && frames > hooked && values > frames && ends > frames =>
        {
            Ok(told.to_owned())
        }
        _ => bail!("the plugin was not called for everything: {told}"),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
