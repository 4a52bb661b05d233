//! What can go wrong when a sample is built, started or waited for.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a sample is not there, or not where its scenario should have brought it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A compiler is not installed.
    #[error("cannot run {program}: not found; install the Debian package {package}")]
    CompilerMissing {
        /// The command that was tried.
        program: String,
        /// The package that has it.
        package: &'static str,
    },
    /// The compiler ran and refused.
    #[error("cannot build {build}: {program} ended with {status}:\n{messages}")]
    CompilerFailed {
        /// The build, as its name.
        build: String,
        /// The command that was run.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its standard error.
        messages: String,
    },
    /// No compiler writes this version of DWARF here.
    #[error("DWARF version {0} is not one of 2, 3, 4, 5")]
    DwarfVersion(u8),
    /// A word is not the name of one of the choices.
    #[error("{word} is not {expected}")]
    UnknownName {
        /// The word given.
        word: String,
        /// The choices.
        expected: &'static str,
    },
    /// A file, folder or command could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The program ended before it said that it was ready.
    #[error("{scenario} ended with {status} before it was ready: {messages}")]
    NotReady {
        /// The scenario asked for.
        scenario: String,
        /// How the program ended.
        status: ExitStatus,
        /// What it wrote to its standard error.
        messages: String,
    },
    /// Something bounded did not happen in time.
    #[error("{what} did not happen within {seconds} s; {seen}")]
    TimedOut {
        /// What was awaited.
        what: String,
        /// The bound.
        seconds: u64,
        /// What was the case instead.
        seen: String,
    },
    /// The server of the "server" scenario closed the connection or never said where it listens.
    #[error("no answer from the server of process {pid}: {reason}")]
    NoAnswer {
        /// The process id.
        pid: i32,
        /// In words.
        reason: String,
    },
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}
