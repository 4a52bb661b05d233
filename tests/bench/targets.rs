//! The processes that are looked at, and the clock inside them.

use crate::large;
use anyhow::{Context, bail};
use object::{Object as _, ObjectSection as _};
use sample_targets::Target;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STACKS: &str = include_str!("stacks.c");
const CLOCK: &str = include_str!("clock.c");
const SCRIPT: &str = include_str!("../against_gdb/threads.py");

/// How long the clock may take to answer; the target may be stopped meanwhile.
const ANSWER: Duration = Duration::from_secs(30);

/// A target.
pub(crate) struct Case {
    /// Its name, as the tables have it.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
    /// Frames on all its stacks together, inlined calls not counted: what each tool must print at least.
    pub(crate) frames: usize,
}

/// What a target is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `stacks.c`.
    Stacks {
        /// Its threads.
        threads: u32,
        /// Frames of each.
        frames: u32,
        /// MiB of memory beside the stacks.
        heap: u32,
        /// Whether the threads run instead of waiting.
        spin: bool,
    },
    /// `threads.py`, run by python3-dbg.
    Python,
    /// The program of `large.rs`.
    Large {
        /// Stamps of each of its units.
        stamps: usize,
    },
}

const fn stacks(name: &'static str, threads: u32, frames: u32, heap: u32, spin: bool) -> Case {
    // gdb does not show what is beyond main, and lldb not always what a thread begins with.
    let shown = threads * (frames - 4);
    Case { name, kind: Kind::Stacks { threads, frames, heap, spin }, frames: shown as usize }
}

const fn large(name: &'static str, stamps: usize) -> Case {
    // Of 64 threads, each in twelve units.
    Case { name, kind: Kind::Large { stamps }, frames: 64 * 12 }
}

/// Every target.
pub(crate) const CASES: [Case; 12] = [
    stacks("1 thread × 20 frames", 1, 20, 0, false),
    stacks("100 threads × 26 frames", 100, 26, 0, false),
    stacks("1,000 threads × 26 frames", 1000, 26, 0, false),
    stacks("4,000 threads × 26 frames", 4000, 26, 0, false),
    stacks("1 thread × 5,000 frames", 1, 5000, 0, false),
    stacks("1 thread × 50,000 frames", 1, 50_000, 0, false),
    stacks("5,000 frames, 300 MB heap", 1, 5000, 300, false),
    stacks("1,000 threads, 300 MB heap", 1000, 26, 300, false),
    stacks("32 threads spinning", 32, 26, 0, true),
    Case { name: "python3-dbg, 5 threads", kind: Kind::Python, frames: 5 * 10 },
    large("C++, as large as a database", 1),
    large("C++, more than 300 MB of .debug_info", 22),
];

/// Where the targets are built.
pub(crate) struct Workshop {
    folder: TempDir,
    /// What is worth keeping from run to run.
    kept: PathBuf,
}

impl Workshop {
    /// Compiles what the small targets need; the large ones are kept in the folder `kept`.
    pub(crate) fn new(kept: &Path) -> anyhow::Result<Workshop> {
        let folder = tempfile::tempdir().context("a folder for the targets")?;
        let workshop = Workshop { folder, kept: kept.to_owned() };
        let write =
            |name: &str, text: &str| std::fs::write(workshop.path(name), text).context(name.to_owned());
        write("stacks.c", STACKS)?;
        write("clock.c", CLOCK)?;
        write("threads.py", SCRIPT)?;
        workshop.compile("stacks.c", "stacks", &["-g", "-O1"])?;
        workshop.compile("clock.c", "clock.so", &["-O2", "-shared", "-fPIC"])?;
        Ok(workshop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compile(&self, source: &str, program: &str, flags: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("gcc");
        command.args(flags).arg("-o").arg(self.path(program)).arg(self.path(source)).arg("-pthread");
        let status = command.status().context("gcc cannot be run (Debian package: gcc)")?;
        if !status.success() {
            bail!("gcc refuses {source}: {status}");
        }
        Ok(())
    }

    /// Starts a target, with a clock inside it or without.
    pub(crate) fn start(&self, case: &Case, clock: Option<&Clock>) -> anyhow::Result<Target> {
        let mut command = match case.kind {
            Kind::Stacks { threads, frames, heap, spin } => {
                let mut command = Command::new(self.path("stacks"));
                command.args([threads, frames, heap].map(|count| count.to_string()));
                command.args(spin.then_some("spin"));
                command
            }
            Kind::Python => {
                let mut command = Command::new("python3-dbg");
                command.arg(self.path("threads.py"));
                command
            }
            Kind::Large { stamps } => Command::new(large::build(&self.kept, stamps)?),
        };
        if let Some(clock) = clock {
            command.env("LD_PRELOAD", self.path("clock.so")).env("GIMLI_CLOCK_FILE", &clock.path);
        }
        let target = Target::start_command(&mut command, case.name)
            .context("the target does not start (Debian package of python3-dbg: python3-dbg)")?;
        if clock.is_none() && !matches!(case.kind, Kind::Stacks { spin: true, .. }) {
            target.wait_until_blocked()?;
        }
        Ok(target)
    }
}

/// The file through which the clock in the target is read; see `clock.c`.
pub(crate) struct Clock {
    file: File,
    path: PathBuf,
}

impl Clock {
    /// A clock for one target.
    pub(crate) fn new(workshop: &Workshop) -> anyhow::Result<Clock> {
        let path = workshop.path("clock");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        file.set_len(24)?;
        Ok(Clock { file, path: Path::new(&path).to_owned() })
    }

    fn read(&self, place: u64) -> anyhow::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, place * 8).context("the clock's file")?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// Starts to measure anew, and waits until the clock does.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        let question = self.read(0)? + 1;
        self.file.write_all_at(&question.to_ne_bytes(), 0).context("the clock's file")?;
        let start = Instant::now();
        while self.read(1)? != question {
            if start.elapsed() > ANSWER {
                bail!("the clock in the target does not answer");
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The longest stop since the last restart.
    pub(crate) fn longest_stop(&self) -> anyhow::Result<Duration> {
        Ok(Duration::from_nanos(self.read(2)?))
    }
}

/// Bytes of DWARF in the program that a process runs, as the file has them.
pub(crate) fn dwarf_size(pid: i32) -> anyhow::Result<u64> {
    // Only the headers: what this program once held would count as the peak of each tool.
    let data = object::ReadCache::new(File::open(format!("/proc/{pid}/exe"))?);
    let file = object::File::parse(&data).context("the program of the target")?;
    let dwarf =
        file.sections().filter(|section| section.name().is_ok_and(|name| name.starts_with(".debug_")));
    Ok(dwarf.filter_map(|section| section.file_range()).map(|(_, size)| size).sum())
}
