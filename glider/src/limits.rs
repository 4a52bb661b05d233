//! Every limit that keeps a report finite, in one place; each is an option of the command line
//! or a constant with its reason.

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Mapped objects that are looked into. Each costs an open file and a look at its headers; large servers
/// map some hundreds.
pub const MODULES: usize = 16_384;

/// What bounds one report. Counts are of items shown, sizes in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Threads shown (`--max-threads`); those that are about to receive a signal go first.
    pub threads: usize,
    /// Physical frames shown for a thread (`--max-frames`).
    pub frames: usize,
    /// Variables shown of a frame, those of calls inlined there included (`--max-variables`).
    pub variables: usize,
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
    /// Bytes that each process of the analysis may allocate, mapped files apart (`--max-memory`).
    pub memory: u64,
    /// Time that one call of a plugin may take (`--plugin-call-time`).
    pub plugin_call: Duration,
    /// Time that all calls of one plugin may take (`--plugin-time`).
    pub plugin_time: Duration,
    /// Bytes that one plugin may print (`--max-plugin-output`).
    pub plugin_output: u64,
    /// Bytes that plugins may allocate (`--max-plugin-memory`).
    pub plugin_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            threads: 65_536,
            frames: 256,
            variables: 2000,
            depth: 4,
            array: 16,
            string: 256,
            pointers: 256,
            output: 256 << 20,
            memory: 2 << 30,
            plugin_call: Duration::from_secs(5),
            plugin_time: Duration::from_secs(15),
            plugin_output: 16 << 20,
            plugin_memory: 512 << 20,
        }
    }
}
