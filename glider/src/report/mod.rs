//! The report: plain data, no type of any parser, of ptrace or of a plugin in it.
//!
//! Pipeline place: the last step before rendering. The renderers behind [`render`] see
//! only what is here. The order of fields and their names are those of the JSON report.
//! A report is built and rendered in pieces, so that its memory grows neither with the number
//! of threads nor with that of their frames: [`Header`], then each [`Thread`], then
//! [`Footer`]; a thread again as what precedes its frames, each [`Frame`], and what follows them.

#![forbid(unsafe_code)]

mod cause;
mod date;
mod escape;
pub mod json;
pub mod redact;
pub mod render;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use cause::{Cause, CauseKind};
pub(crate) use date::rfc3339;
pub use value::{Element, Entry, Member, Pointee, Value};

use crate::address::Address;
use serde::{Deserialize, Serialize, Serializer};
use std::sync::Arc;

/// Text of a target on one line, with every character spelled out that a terminal would obey.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = Vec::new();
    escape::push_escaped(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// What precedes the threads.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Process id.
    pub pid: i32,
    /// The process as a whole.
    pub process: Process,
    /// Why it stopped, when it was stopped by a signal or is inside a handler.
    pub crash_info: Option<CrashInfo>,
    /// Why that happened, in words, where the process tells it.
    pub cause: Option<Cause>,
    /// The machine.
    pub system_info: SystemInfo,
    /// How many threads there are.
    pub thread_count: usize,
}

/// What follows the threads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Footer {
    /// Every ELF object mapped.
    pub modules: Vec<Module>,
    /// Every plugin that was loaded, and those that should have been.
    pub plugins: Vec<Plugin>,
    /// What plugins print after the threads.
    pub plugin_output: Vec<PluginText>,
    /// Calls of plugins, when they were asked for (`--trace-plugins`); not part of the report.
    pub plugin_calls: Vec<PluginCall>,
    /// What could not be had, one line each.
    pub problems: Vec<String>,
    /// Whether a limit left out variables that were asked for: the report's status tells it.
    pub variables_left_out: bool,
    /// How long it took.
    pub timing: Timing,
}

impl Footer {
    /// Adds what another process found that analyzed other threads of the same trace.
    pub fn merge(&mut self, other: Footer) {
        self.problems.extend(other.problems);
        self.variables_left_out |= other.variables_left_out;
        if self.modules.is_empty() {
            self.modules = other.modules;
            return;
        }
        for (module, other) in self.modules.iter_mut().zip(other.modules) {
            // Whoever had code of the module on a stack knows of its debug information.
            if module.debug_info.is_none() && module.problem.is_none() {
                *module = other;
            }
        }
    }
}

/// Whether the report holds everything that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    /// Every thread, to its outermost frame or to a limit the user set.
    #[serde(rename = "OK")]
    Complete,
    /// Something is missing; the footer's or a thread's problems say what.
    #[serde(rename = "PARTIAL")]
    Partial,
}

/// How long it took: durations in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Timing {
    /// How long the target was held.
    pub paused_us: u64,
    /// The whole run.
    pub total_us: u64,
    /// What was to end the pause.
    pub mode: PauseMode,
    /// Bytes of memory copied while the target was held.
    pub copied_bytes: u64,
    /// The parts of it.
    pub phases: Phases,
}

/// The parts of a trace, one after the other.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Phases {
    /// Reading what does not change, while the target runs.
    pub prepare_us: u64,
    /// Stopping every thread.
    pub stop_us: u64,
    /// Registers and the memory map.
    pub registers_us: u64,
    /// Copying memory.
    pub copy_us: u64,
    /// From the first thread that was stopped until the keeper had what it reports whatever becomes of the
    /// analysis: signals, registers, memory map, build-ids. The analysis is at work meanwhile.
    pub bare_us: u64,
    /// Unwinding, variables and rendering. The target was held for `paused_us` less the three before.
    pub analysis_us: u64,
}

impl Timing {
    /// What the target was held for before the analysis began.
    pub fn before_analysis_us(&self) -> u64 {
        self.phases.stop_us + self.phases.registers_us + self.phases.copy_us
    }
}

/// What ends the pause of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseMode {
    /// That all memory has been read.
    #[default]
    Consistent,
    /// That stacks and the memory nearest to them have been copied: all was too much.
    Nearest,
    /// The same as either, or a deadline (`--max-pause`).
    MaxPause,
    /// That registers and stacks have been read (`--snapshot`).
    Snapshot,
}

/// The traced process.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    /// Path of the executable.
    pub exe: Option<String>,
    /// Command line.
    pub cmdline: Vec<String>,
    /// RFC 3339, UTC.
    pub start_time: Option<String>,
    /// Working directory.
    pub cwd: Option<String>,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Whether it was already stopped (SIGSTOP) before the trace.
    pub was_stopped: bool,
}

/// The machine the process runs on.
#[derive(Clone, Debug, Serialize)]
pub struct SystemInfo {
    /// `Linux`.
    pub os: String,
    /// Kernel release.
    pub os_ver: String,
    /// `amd64`.
    pub cpu_arch: String,
}

/// The fault, as minidump-stackwalk names its parts.
#[derive(Clone, Debug, Serialize)]
pub struct CrashInfo {
    /// Signal name, `SIGSEGV`.
    #[serde(rename = "type")]
    pub signal_name: String,
    /// Number of the signal.
    pub number: i32,
    /// `si_code` by name, `SEGV_MAPERR`; a number where it has none.
    pub code: String,
    /// Fault address, for the signals that have one.
    pub address: Option<Address>,
    /// What `address` points at: `object`symbol+0x…`, a stack, the heap; `None` when nothing is known.
    pub address_symbol: Option<String>,
    /// Index of the thread in the report.
    pub crashing_thread: Option<usize>,
    /// The code in words: `address not mapped to object`.
    pub message: String,
    /// Sender, when the signal was sent by a process.
    pub sender_pid: Option<i32>,
    /// See `sender_pid`.
    pub sender_uid: Option<u32>,
}

/// A signal as it stands at a signal frame.
#[derive(Clone, Debug, Serialize)]
pub struct Signal {
    /// Number of the signal; 0 when the frame does not tell which it was.
    pub number: i32,
    /// `SIGSEGV`.
    pub name: String,
    /// strsignal(3): `Segmentation fault`.
    pub description: String,
    /// `si_code` by name.
    pub code: String,
    /// The code in words, or who sent it.
    pub message: String,
    /// Fault address, for the signals that have one.
    pub address: Option<Address>,
    /// What `address` points at, as in [`CrashInfo::address_symbol`].
    pub address_symbol: Option<String>,
    /// Sender, when the signal was sent by a process.
    pub sender_pid: Option<i32>,
    /// See `sender_pid`.
    pub sender_uid: Option<u32>,
}

/// A mapped ELF object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Module {
    /// Absolute path.
    pub filename: Arc<str>,
    /// First mapped address.
    pub base_addr: Address,
    /// First address after it.
    pub end_addr: Address,
    /// Build-id, hex.
    pub debug_id: Option<String>,
    /// Where the file itself was read, when not at its path.
    pub read_from: Option<String>,
    /// Where its debug information came from: a path, or `None` when there is none or none was needed.
    pub debug_info: Option<String>,
    /// What is wrong with it, one line.
    pub problem: Option<String>,
    /// What would bring the debug information that is missing: a package, an option.
    pub remedy: Option<String>,
}

/// One thread. What stands above `frames` here must be known before the first frame is
/// rendered, what stands below only after the last.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its place in the report, from 0.
    pub index: usize,
    /// Kernel thread id.
    pub thread_id: i32,
    /// Name.
    pub thread_name: String,
    /// State before the trace, `S (sleeping)`.
    pub state: String,
    /// Kernel function it was blocked in.
    pub wait_channel: Option<String>,
    /// System call it is in, by name.
    pub system_call: Option<String>,
    /// Exceptions and panics that it is not done with.
    pub exceptions: Vec<Exception>,
    /// How many frames the stack has, shown or not, inlined ones not counted.
    pub frame_count: usize,
    /// What plugins print before the thread.
    pub text_before: Vec<PluginText>,
    /// Physical frames, innermost first.
    pub frames: Vec<Frame>,
    /// Set when frames were left out.
    pub truncated: Option<Truncation>,
    /// Why there are no frames, or fewer than there should be.
    pub problem: Option<String>,
    /// What plugins print after the thread.
    pub text_after: Vec<PluginText>,
}

/// An exception or panic of a thread.
#[derive(Clone, Debug, Serialize)]
pub struct Exception {
    /// Whose it is.
    pub language: ExceptionLanguage,
    /// What became of it so far.
    pub state: ExceptionState,
    /// Its class, `std::runtime_error`, or the type of a panic's payload; `None` where it was not found.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// What its `what()` says, or the value of a number or text that was thrown.
    pub what: Option<String>,
    /// Where the object is.
    pub address: Option<Address>,
}

/// Which language has thrown an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionLanguage {
    /// C++.
    Cpp,
    /// Rust: it is a panic.
    Rust,
    /// Another one: it is not of libstdc++.
    Unknown,
}

/// How far an exception got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// A handler has it, and has not ended.
    Caught,
    /// It is on its way to a handler: destructors run.
    Thrown,
}

/// Frames that are not shown: those between the first and the last part of the stack.
#[derive(Clone, Debug, Serialize)]
pub struct Truncation {
    /// Index in `frames` of the first frame after the gap.
    pub before_frame: usize,
    /// How many physical frames are left out there.
    pub left_out: usize,
    /// The limit that cut, as the user knows it: `--max-frames 256`.
    pub limit: String,
}

/// A plugin: loaded, or not although it was named.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plugin {
    /// Its file; where none was found, the name looked for.
    pub path: String,
    /// The mapped object it was loaded for.
    #[serde(rename = "for")]
    pub object: String,
    /// How it was found.
    pub found_by: FoundBy,
    /// The interface it is loaded through; `None` where that is not known.
    pub door: Option<Door>,
    /// The version of that interface it asks for.
    pub api_version: Option<String>,
    /// What became of it.
    pub status: PluginStatus,
    /// Why it was not loaded, or how it failed, one line.
    pub problem: Option<String>,
}

impl Plugin {
    /// Whether the report lacks something for it that somebody asked for.
    pub fn is_missed(&self) -> bool {
        match self.status {
            PluginStatus::Failed => true,
            PluginStatus::Refused => self.found_by != FoundBy::Name,
            PluginStatus::NotFound => self.found_by == FoundBy::Option,
            PluginStatus::Loaded | PluginStatus::Idle => false,
        }
    }
}

/// How a plugin was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The user named its file (`--plugin`).
    #[default]
    Option,
    /// A string in the section `gimli_trace` of the object names it.
    Section,
    /// The object's symbol `gimli_tracer_module_name` names it.
    Symbol,
    /// By the file name of the object.
    Name,
}

/// The interface a plugin is loaded through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// `libgimli_ana.h`.
    C,
    /// The Rust interface.
    Rust,
}

/// What became of a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginStatus {
    /// It ran to the end of the trace.
    #[default]
    Loaded,
    /// It was loaded and had nothing to do for this process.
    Idle,
    /// It was named, but no such file was found.
    NotFound,
    /// It was found, but not loaded.
    Refused,
    /// It ran, and was dropped before the end of the trace.
    Failed,
}

/// One call of a plugin and what it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginCall {
    /// File name of the plugin.
    pub plugin: String,
    /// Which hook, and where: `before_print_frame of thread 7, frame 3`.
    pub hook: String,
    /// Nanoseconds.
    pub nanoseconds: u64,
    /// Bytes it printed.
    pub printed: usize,
}

/// Text of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginText {
    /// File name of the plugin.
    pub plugin: String,
    /// What it printed.
    pub text: String,
}

/// How the frame was found (minidump-stackwalk's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// From the thread's registers.
    Context,
    /// From call frame information.
    Cfi,
    /// From the frame pointer chain.
    FramePointer,
    /// Guessed: a word on the stack that looks like a return address.
    Scan,
}

/// Registers by name, in the order of their DWARF numbers; a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisterValues(Box<[(&'static str, Address)]>);

impl RegisterValues {
    /// The value of the register with this name.
    pub fn get(&self, name: &str) -> Option<Address> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

impl FromIterator<(&'static str, Address)> for RegisterValues {
    fn from_iter<I: IntoIterator<Item = (&'static str, Address)>>(values: I) -> RegisterValues {
        RegisterValues(values.into_iter().collect())
    }
}

impl Serialize for RegisterValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// One physical frame.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    /// The number the text report prints. Inlined frames count, so numbers may jump.
    pub frame: usize,
    /// Program counter: the address of the next instruction to run in this frame.
    pub offset: Address,
    /// Path of the object the pc lies in.
    pub module: Option<Arc<str>>,
    /// The pc relative to the object's load bias.
    pub module_offset: Option<Address>,
    /// The function, demangled; the one all `inlines` were inlined into.
    pub function: Option<Arc<str>>,
    /// Bytes from the function's start.
    pub function_offset: Option<Address>,
    /// Source file of the function's own code here (of the outermost call site, when there are inlined calls).
    pub file: Option<Arc<str>>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// How the frame was found.
    pub trust: Trust,
    /// General registers that are known in this frame.
    pub registers: RegisterValues,
    /// Set on a signal frame: the kernel called a handler here.
    pub signal: Option<Signal>,
    /// Inlined calls at this pc, innermost first.
    pub inlines: Vec<Inline>,
    /// Parameters and locals of the function itself.
    pub variables: Vec<Variable>,
    /// What plugins print before the frame.
    pub text_before: Vec<PluginText>,
    /// What plugins print after the frame.
    pub text_after: Vec<PluginText>,
}

/// An inlined call.
#[derive(Clone, Debug, Serialize)]
pub struct Inline {
    /// The number the text report prints.
    pub frame: usize,
    /// The inlined function, demangled.
    pub function: Option<Arc<str>>,
    /// Bytes from the start of the inlined code.
    pub function_offset: Option<Address>,
    /// Source file of the code at the pc (of the next inner call site, when inlined calls nest).
    pub file: Option<Arc<str>>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// Its parameters and locals.
    pub variables: Vec<Variable>,
}

/// What a variable is to its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// A formal parameter.
    Parameter,
    /// A local, static ones included.
    Local,
}

/// A parameter or local.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// Parameter or local.
    pub kind: VariableKind,
    /// Name.
    pub name: Arc<str>,
    /// Type in the spelling of its language, `struct request *`; `None` when the debug information has none.
    #[serde(rename = "type")]
    pub type_name: Option<Arc<str>>,
    /// Where it lives; `None` in registers.
    pub address: Option<Address>,
    /// Nesting of the lexical block it was declared in: 0 is the function's own.
    pub depth: u32,
    /// What it holds.
    pub value: Value,
    /// Whether part of it was read after the process was let go, and may be of another moment than the rest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_while_running: bool,
}
