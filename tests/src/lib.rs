//! Sets glider's JSON report beside what gdb says of the same process, and counts.
//!
//! The pipeline, in the order of the modules:
//!
//! - [`gdb`] runs gdb with `gdb/dump.py` and reads its dump; [`glider`] runs glider and reads
//!   its report: both become the plain data of [`trace`];
//! - [`names`] and [`text`] know the spellings in which two honest tools may differ;
//! - [`compare`] walks the two traces together and fills the [`figures`].
//!
//! Constraints: the tool never links glider, it sees what a user sees. The process must stand
//! still while both look at it: the targets block, or whoever started them sends SIGSTOP.
//! gdb is the reference: where it has no value, glider's is counted, not judged.

pub mod compare;
pub mod figures;
pub mod gdb;
pub mod glider;
pub mod names;
pub mod text;
pub mod trace;

/// Why a comparison could not be made; a difference found is no error but a figure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be started.
    #[error("cannot run {program}: {source} (Debian package: {package})")]
    Start {
        /// What was to run.
        program: String,
        /// Where it comes from.
        package: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A program ended without doing its job.
    #[error("{program} failed ({status}): {message}")]
    Failed {
        /// What ran.
        program: String,
        /// Its exit status.
        status: String,
        /// The end of what it wrote to its standard error.
        message: String,
    },
    /// What a program wrote is not the JSON it should be.
    #[error("{program} wrote JSON that cannot be read: {source}")]
    Json {
        /// What ran.
        program: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// gdb ran, but its dump is not whole.
    #[error("the dump of gdb is not whole: {0}")]
    Incomplete(String),
    /// A file of this tool could not be written or read.
    #[error("{what}: {source}")]
    File {
        /// Which file, for what.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}
