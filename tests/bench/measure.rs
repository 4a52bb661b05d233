//! Runs one tool once and measures what it took.

use crate::peers::{Peer, Tool};
use anyhow::Context;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

/// How often memory is looked at.
const SAMPLING: Duration = Duration::from_millis(1);

/// What one run took.
pub(crate) struct Run {
    /// Wall time.
    pub(crate) time: Duration,
    peak_kib: u64,
    output_bytes: u64,
}

/// What a tool took on one target, over all rounds.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    /// Wall time of each round.
    pub(crate) times: Vec<Duration>,
    /// Resident set of the largest process, KiB, the largest of all rounds.
    pub(crate) peak_kib: u64,
    /// Proportional set of all processes together, KiB.
    pub(crate) proportional: u64,
    /// Bytes printed.
    pub(crate) output_bytes: u64,
    /// The longest stop of the target in each round.
    pub(crate) pauses: Vec<Duration>,
}

impl Figures {
    /// Adds one round.
    pub(crate) fn add_run(&mut self, run: &Run) {
        self.times.push(run.time);
        self.peak_kib = self.peak_kib.max(run.peak_kib);
        self.output_bytes = self.output_bytes.max(run.output_bytes);
    }
}

/// The middle one; zero when there is none.
pub(crate) fn median(durations: &[Duration]) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Has a tool look at a process with this many frames, and measures. Its output goes to a file. It is an error when
/// it prints fewer frames, or when glider says that something is missing: a figure for less would mean nothing.
pub(crate) fn run(peer: &Peer, pid: i32, frames: usize) -> anyhow::Result<Run> {
    let out = tempfile::NamedTempFile::new().context("a file for the output")?;
    let start = Instant::now();
    let child = peer.command(pid).stdout(out.reopen()?).spawn().with_context(|| peer.name.clone())?;
    let (status, peak_kib) = wait(&child).with_context(|| peer.name.clone())?;
    let time = start.elapsed();
    let output_bytes = out.as_file().metadata()?.len();
    if !matches!(peer.tool, Tool::Floor | Tool::WholeFloor) {
        let shown = count_frames(&mut BufReader::new(out.reopen()?))?;
        anyhow::ensure!(shown >= frames, "{} printed {shown} of {frames} frames of process {pid}", peer.name);
    }
    let is_ours = !matches!(peer.tool, Tool::EuStack | Tool::Gdb | Tool::Lldb);
    anyhow::ensure!(!is_ours || status == 0, "{} ended with status {status:#x}", peer.name);
    Ok(Run { time, peak_kib, output_bytes })
}

/// Lines that begin a frame: `#12 …` of most tools, `frame #12: …` of lldb.
fn count_frames(text: &mut dyn BufRead) -> io::Result<usize> {
    let mut count = 0;
    for line in text.split(b'\n') {
        let line = line?;
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"* ").unwrap_or(line);
        let line = line.strip_prefix(b"frame ").unwrap_or(line);
        count += usize::from(line.first() == Some(&b'#') && line.get(1).is_some_and(u8::is_ascii_digit));
    }
    Ok(count)
}

/// Waits for a child; gives its status, and the peak resident set of the largest of it and those it waited for, KiB.
///
/// execve(2) keeps the peak of what ran before it: no figure is below this program's own size.
fn wait(child: &Child) -> io::Result<(i32, u64)> {
    let mut status = 0;
    // SAFETY: all bits zero are a valid `rusage`, a structure of integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live variables of the types that wait4(2) fills in.
        let result = unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) };
        if result >= 0 {
            return Ok((status, u64::try_from(usage.ru_maxrss).unwrap_or(0)));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// The largest sum of the proportional sets of a tool and its descendants, KiB, over one run.
pub(crate) fn proportional_peak(peer: &Peer, pid: i32) -> anyhow::Result<u64> {
    let out = tempfile::tempfile().context("a file for the output")?;
    let mut child = peer.command(pid).stdout(out).spawn().with_context(|| peer.name.clone())?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let sum = family(child.id()).into_iter().filter_map(proportional).sum();
        peak = peak.max(sum);
        std::thread::sleep(SAMPLING);
    }
    Ok(peak)
}

/// A process and its descendants.
fn family(root: u32) -> Vec<u32> {
    let mut members = vec![root];
    let mut next = 0;
    while let Some(&pid) = members.get(next) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            members.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
    }
    members
}

fn proportional(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
