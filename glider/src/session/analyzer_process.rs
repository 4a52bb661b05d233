//! The analyzer as a process of its own: forked before the target is stopped, confined,
//! and watched. Whatever it does, and however it ends, it costs only what it had not yet
//! put into the spool.

use super::link::Link;
use super::spool::{self, SpoolWriter};
use crate::confine::{self, child, fetcher::Fetcher, opener::Opener};
use crate::target::Owner;
use crate::target::siginfo;
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Characters of its last words that are passed on.
const MAX_LAST_WORDS: usize = 300;
/// Exit status after a panic, as Rust's own runtime has it.
const EXIT_PANIC: i32 = 101;
/// Exit status when the analysis gave up with a message.
const EXIT_FAILED: i32 = 1;

/// What the analyzer gives up, and what it may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights<'a> {
    /// Heap and stack it may use, bytes; mapped files do not count.
    pub(super) memory: u64,
    /// Whose rights it takes.
    pub(super) owner: &'a Owner,
    /// The process that opens files for it.
    pub(super) opener: &'a Opener,
    /// The process that asks debuginfod servers for it.
    pub(super) fetcher: Option<&'a Fetcher>,
}

/// A running analyzer. Dropping it ends and reaps the process.
#[derive(Debug)]
pub(super) struct AnalyzerProcess {
    pid: Pid,
    /// The line to it.
    pub(super) link: Link,
    last_words: File,
    ended: Option<WaitStatus>,
}

impl AnalyzerProcess {
    /// Forks. The child does `work` and ends; it never returns.
    ///
    /// # Errors
    /// When the system gives no process, descriptor or memory.
    pub(super) fn start(
        spool: &File,
        rights: Rights<'_>,
        work: impl FnOnce(&Link, SpoolWriter) -> Result<(), String>,
    ) -> io::Result<Self> {
        let (link, other_end) = Link::pair()?;
        let last_words = File::from(memfd_create("glider-messages", MemfdFlags::CLOEXEC)?);
        let spool = spool.try_clone()?;
        let keeper = getpid();
        // SAFETY: glider has one thread when it comes here, so the child may allocate and lock.
        // Where a test has more, glibc makes malloc usable in the child, and the child uses
        // nothing else of the standard library that another thread may have held.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(AnalyzerProcess { pid: child, link, last_words, ended: None }),
            ForkResult::Child => {
                let status = run_child(keeper, &last_words, &other_end, spool, rights, work);
                // SAFETY: ends this process without running anything that belongs to the keeper.
                unsafe { libc::_exit(status) }
            }
        }
    }

    /// Ends the process if it has not ended, and says in words how it ended.
    pub(super) fn end(&mut self) -> String {
        let mut words = match self.reap() {
            WaitStatus::Exited(_, EXIT_PANIC) => "it panicked".to_owned(),
            WaitStatus::Exited(_, EXIT_FAILED) => "it gave up".to_owned(),
            WaitStatus::Exited(_, status) => format!("it exited with status {status}"),
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => "it was killed (SIGKILL)".to_owned(),
            WaitStatus::Signaled(_, signal, _) => {
                format!("it was ended by signal {} ({})", signal as i32, siginfo::description(signal as i32))
            }
            _ => "nobody knows how".to_owned(),
        };
        if let Some(last) = self.last_words() {
            // What the runtime says before it aborts.
            let remedy = if last.starts_with("memory allocation of") { " (--max-memory)" } else { "" };
            words = format!("{words}: {last}{remedy}");
        }
        words
    }

    fn reap(&mut self) -> WaitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        let status = child::end(self.pid);
        *self.ended.insert(status)
    }

    /// The first line it wrote to its standard error: a panic, or what the runtime says before it aborts.
    fn last_words(&self) -> Option<String> {
        let mut bytes = [0; 4096];
        let count = self.last_words.read_at(&mut bytes, 0).ok()?;
        let text = String::from_utf8_lossy(bytes.get(..count)?).into_owned();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        Some(
            line.chars()
                .map(|char| if char.is_control() { ' ' } else { char })
                .take(MAX_LAST_WORDS)
                .collect(),
        )
    }
}

impl Drop for AnalyzerProcess {
    fn drop(&mut self) {
        self.reap();
    }
}

/// The whole life of the child. Gives its exit status.
fn run_child(
    keeper: Pid,
    last_words: &File,
    link: &Link,
    spool: File,
    rights: Rights<'_>,
    work: impl FnOnce(&Link, SpoolWriter) -> Result<(), String>,
) -> i32 {
    let in_force = match confine(keeper, last_words, link, &spool, rights) {
        Ok(in_force) => in_force,
        Err(error) => {
            say(&format!("it could not give up its rights: {error}"));
            return EXIT_FAILED;
        }
    };
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        say(&format!("{message}{place}"));
    }));
    let mut spool = SpoolWriter::new(spool);
    spool.put_rights(&in_force);
    match catch_unwind(AssertUnwindSafe(|| work(link, spool))) {
        Ok(Ok(())) => 0,
        Ok(Err(message)) => {
            say(&message);
            EXIT_FAILED
        }
        Err(_) => EXIT_PANIC,
    }
}

/// Writes a line to standard error past Rust's own locks and buffers, which another thread may
/// have held when this process was forked.
fn say(message: &str) {
    let line = format!("{message}\n");
    // SAFETY: descriptor 2 is open for the whole life of the process and not owned by anything else.
    let mut error = std::mem::ManuallyDrop::new(unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(2) });
    let _ = error.write_all(line.as_bytes());
}

/// Takes from the child what it does not need; gives in words what that is.
fn confine(
    keeper: Pid,
    last_words: &File,
    link: &Link,
    spool: &File,
    rights: Rights<'_>,
) -> io::Result<String> {
    confine::limit(Resource::RLIMIT_CORE, 0)?;
    confine::limit(Resource::RLIMIT_DATA, rights.memory)?;
    confine::limit(Resource::RLIMIT_FSIZE, spool::MAX_FILE)?;
    // Should memory run short, this process is the one to end, not the server it looks at.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let mut kept = vec![link.as_fd().as_raw_fd(), spool.as_raw_fd(), rights.opener.descriptor()];
    kept.extend(rights.fetcher.map(Fetcher::descriptor));
    confine::descriptors::keep_only(&kept, Some(last_words.as_fd()))?;
    rights.opener.use_here();
    rights.fetcher.inspect(|fetcher| fetcher.use_here());
    let in_force = confine::give_up(rights.owner)?;
    // Behind the change of user, which makes the kernel forget it.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != keeper {
        // The keeper died before the line above: nobody is left to work for.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(in_force)
}
