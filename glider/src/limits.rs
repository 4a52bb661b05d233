//! Every limit that cuts what a report shows, in one place: first those that are options of the command
//! line, then those that no real program comes near. Where one has cut, the report says so at the place.
//!
//! What bounds the work of a parser on broken input stands beside the parser.

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What bounds one report. Counts are of items shown, sizes in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Threads shown (`--max-threads`); those that are about to receive a signal go first.
    pub threads: usize,
    /// Physical frames shown for a thread (`--max-frames`).
    pub frames: usize,
    /// Variables shown of a frame, those of calls inlined there included (`--max-variables`).
    pub variables: usize,
    /// Values shown of a frame, whatever the other limits allow together (`--max-values`).
    pub values: usize,
    /// Members of one structure shown (`--max-members`); generated structures can have thousands.
    pub members: usize,
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
            values: 20_000,
            members: 512,
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

/// The most that `--max-depth` may be: a stack of 8 MiB holds three times as many levels, without optimisation too.
pub const DEPTH: usize = 256;
/// Mapped objects that are looked into. Each costs an open file and a look at its headers; large servers
/// map some hundreds.
pub const MODULES: usize = 16_384;
/// Mappings kept. The kernel's default limit is 65,530 for a process; some servers raise it to millions.
pub const MAPPINGS: usize = 1 << 20;
/// Bytes of the command line kept.
pub const COMMAND_LINE: usize = 64 << 10;
/// Frames walked of one stack. The smallest frame takes 16 bytes, the usual stack of 8 MiB has room for half as many.
pub const FRAMES_WALKED: usize = 1_000_000;
/// Frames of a thread that was not analyzed.
pub const BARE_FRAMES: usize = 64;
/// Bytes of a type's name: parameters of parameters can make it grow without bound.
pub const TYPE_NAME: usize = 1024;
/// The same for plugins, which take names apart: instances of templates have long ones.
pub const WHOLE_TYPE_NAME: usize = 64 << 10;
/// Bytes of a demangled name; substitutions can make a short symbol expand without bound.
pub const SYMBOL_NAME: usize = 4096;
/// Bytes of what a program said as it gave up: `abort`, a Rust panic.
pub const MESSAGE: usize = 4096;
/// Arrays inside of arrays that are shown below the depth limit: their elements are few and short.
pub const NESTED_ARRAYS: usize = 4;
/// Bytes of a file that is read: some twenty times the largest debug file known to us.
pub const FILE: u64 = 64 << 30;
/// Plugins loaded for one trace.
pub const PLUGINS: usize = 64;
/// Plugins that may fail before the rest is dropped too: each failure costs a whole analysis.
pub const PLUGIN_FAILURES: usize = 16;
/// Bytes of what a plugin printed in its last call that are kept.
pub const PLUGIN_LAST_TEXT: usize = 64 << 10;
/// Calls of plugins noted for `--trace-plugins`.
pub const PLUGIN_CALLS: usize = 100_000;
/// Bytes of a report from each process of the analysis: far above `--max-output`, below what endangers the
/// machine.
pub const SPOOL: u64 = 1 << 30;
