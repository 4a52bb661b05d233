//! Every limit that keeps a report finite, in one place; each is an option of the command line
//! or a constant with its reason.

use serde::{Deserialize, Serialize};

/// What bounds one report. Counts are of items shown, sizes in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Physical frames shown for a thread (`--max-frames`).
    pub frames: usize,
    /// Levels of structures, arrays and pointers shown inside each other (`--max-depth`).
    pub depth: usize,
    /// Array elements shown (`--max-array`).
    pub array: usize,
    /// Bytes of a string shown (`--max-string`).
    pub string: usize,
    /// Pointers followed for one frame's variables (`--max-pointers`).
    pub pointers: usize,
    /// Size of the report; past it variables are left out, frames never (`--max-output`).
    pub output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { frames: 256, depth: 4, array: 16, string: 256, pointers: 256, output: 256 << 20 }
    }
}
