//! What the small benchmarks share: which glider they run, and how often.

use std::io;
use std::path::PathBuf;

/// Options of a benchmark of glider alone.
#[derive(clap::Args)]
pub(crate) struct Runs {
    /// The glider to measure; by default the one beside this program.
    #[arg(long)]
    glider: Option<PathBuf>,
    /// How often glider runs in each way.
    #[arg(long, default_value_t = 15)]
    pub(crate) rounds: usize,
}

impl Runs {
    /// The glider to run.
    ///
    /// # Errors
    /// When the system does not tell where this program is.
    pub(crate) fn glider(&self) -> io::Result<PathBuf> {
        match &self.glider {
            Some(path) => Ok(path.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("glider")),
        }
    }
}
