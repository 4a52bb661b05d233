//! The processes that are looked at, and the clock inside them.

use anyhow::{Context, bail};
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
    /// Its name, as the heading has it.
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    Stacks { threads: u32, frames: u32 },
    Python,
}

/// Every target.
pub(crate) const CASES: [Case; 4] = [
    Case { name: "1 thread, 20 frames", kind: Kind::Stacks { threads: 1, frames: 20 } },
    Case { name: "1,000 threads, 26 frames each", kind: Kind::Stacks { threads: 1000, frames: 26 } },
    Case { name: "1 thread, 5,000 frames", kind: Kind::Stacks { threads: 1, frames: 5000 } },
    Case { name: "python3-dbg, 5 threads", kind: Kind::Python },
];

/// A folder in which the targets are built.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// Compiles what the targets need.
    pub(crate) fn new() -> anyhow::Result<Workshop> {
        let folder = tempfile::tempdir().context("a folder for the targets")?;
        let workshop = Workshop { folder };
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
            Kind::Stacks { threads, frames } => {
                let mut command = Command::new(self.path("stacks"));
                command.arg(threads.to_string()).arg(frames.to_string());
                command
            }
            Kind::Python => {
                let mut command = Command::new("python3-dbg");
                command.arg(self.path("threads.py"));
                command
            }
        };
        if let Some(clock) = clock {
            command.env("LD_PRELOAD", self.path("clock.so")).env("GIMLI_CLOCK_FILE", &clock.path);
        }
        let target = Target::start_command(&mut command, case.name)
            .context("the target does not start (Debian package of python3-dbg: python3-dbg)")?;
        if clock.is_none() {
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
