//! Why a process cannot be traced: one clear line each, with the remedy where there is one.

use std::io;
use thiserror::Error;

/// A refusal. Nothing was done to the target.
#[derive(Debug, Error)]
pub enum TargetError {
    /// No process has this id (any more).
    #[error("no process has id {pid}")]
    NoSuchProcess {
        /// The id asked for.
        pid: i32,
    },
    /// The process is the one that asks.
    #[error("glider cannot trace itself (process {pid})")]
    Itself {
        /// The id asked for.
        pid: i32,
    },
    /// A thread of the kernel: it has no memory and no stack of its own to show.
    #[error("process {pid} ({name}) is a kernel thread: it has no user-space stack")]
    KernelThread {
        /// The id asked for.
        pid: i32,
        /// Its name.
        name: String,
    },
    /// The process has ended and only waits for its parent to notice.
    #[error(
        "process {pid} ({name}) is a zombie: it has ended and waits for its parent, process {parent}, to collect it"
    )]
    Zombie {
        /// The id asked for.
        pid: i32,
        /// Its name.
        name: String,
        /// Its parent.
        parent: i32,
    },
    /// The kernel refuses; the remedy says what would help.
    #[error("not permitted to trace process {pid}: {remedy}")]
    NotPermitted {
        /// The id asked for.
        pid: i32,
        /// Which rule applies, and what to do.
        remedy: String,
    },
    /// A process has one tracer at most.
    #[error("process {pid} is already traced by process {tracer} ({tracer_name}): end that first")]
    AlreadyTraced {
        /// The id asked for.
        pid: i32,
        /// Who traces it.
        tracer: i32,
        /// The tracer's name.
        tracer_name: String,
    },
    /// The program is not one for x86-64.
    #[error("process {pid} runs {what}: only 64-bit x86-64 programs can be traced")]
    Architecture {
        /// The id asked for.
        pid: i32,
        /// What it runs, `an x32 program`.
        what: String,
    },
    /// None of the threads asked for exists.
    #[error("process {pid} has no thread {list}")]
    NoSuchThread {
        /// The process.
        pid: i32,
        /// The thread ids, separated by commas.
        list: String,
    },
    /// Anything else the system refuses.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried, `read /proc/7/status`.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl TargetError {
    /// An error of the system while doing `what`.
    pub fn system(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        TargetError::System { what: what.into(), source: source.into() }
    }
}
