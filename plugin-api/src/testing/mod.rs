//! For tests of a plugin: start a program, trace it with the plugin, look at the report.
//!
//! ```no_run
//! use gimli_plugin_api::testing::{Failure, Glider, Target, library};
//! use std::process::Command;
//!
//! # fn test() -> Result<(), Failure> {
//! let server = Target::start(&mut Command::new("./server"))?; // waits for its line "ready"
//! let report = Glider::find()?.plugin(library("gimli-libserver")?).trace(&server)?;
//! assert!(report.text().contains("3 requests"));
//! assert_eq!(report.value("handle", "request").unwrap()["text"], "GET /");
//! # Ok(()) }
//! ```
//!
//! The program under test prints a line that begins with `ready` when it has come to the place of interest,
//! and stays there. It is killed and reaped when its [`Target`] is dropped, also when the test panics.
//! glider is the one that the variable `GLIDER` names, or the one beside the folder of the test's own executable
//! (`target/debug/glider`), or that in `PATH`.

mod glider;
mod report;
mod target;

pub use glider::{Glider, library};
pub use report::Report;
pub use target::Target;

use std::path::PathBuf;

/// Why there is no report to look at.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A program cannot be run.
    #[error("cannot run {program}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// In the system's words.
        source: std::io::Error,
    },
    /// The program under test ended, or said nothing in time.
    #[error("{program} is not ready: {reason}; it wrote {output:?}")]
    NotReady {
        /// Its name.
        program: String,
        /// What happened instead.
        reason: String,
        /// What it has written to its standard output.
        output: String,
    },
    /// There is no such file.
    #[error("{what} is in none of {places:?}{remedy}")]
    Missing {
        /// What was looked for.
        what: String,
        /// Where.
        places: Vec<PathBuf>,
        /// What to do about it.
        remedy: &'static str,
    },
    /// glider made no report.
    #[error("glider gave no report ({status}): {message}")]
    NoReport {
        /// How it ended.
        status: String,
        /// Its own words.
        message: String,
    },
    /// glider's JSON cannot be read.
    #[error("glider's JSON cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}
