//! Runs gdb on a process and reads the dump that `gdb/dump.py` writes.
//!
//! Knows the dump's format; what the values mean to the comparison is the business of
//! [`crate::compare`].

use crate::Error;
use crate::trace::{Call, End, Frame, Member, Run, Thread, Trace, Value, Variable};
use serde::Deserialize;
use std::process::{Command, Stdio};

const SCRIPT: &str = include_str!("../gdb/dump.py");

/// What bounds gdb's dump. glider is asked for more than this, so that a value it leaves out is
/// one it does not have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Frames of a thread, inlined ones included.
    pub frames: usize,
    /// Levels of structures and arrays inside each other.
    pub depth: usize,
    /// Elements of an array.
    pub array: usize,
    /// Bytes of a byte array.
    pub bytes: usize,
    /// Scalars, structures and arrays of one variable together.
    pub nodes: usize,
    /// Seconds after which gdb is to stop reading.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { frames: 2000, depth: 6, array: 32, bytes: 1024, nodes: 3000, seconds: 120 }
    }
}

/// gdb's dump, as `gdb/dump.py` writes it.
#[derive(Debug, Deserialize)]
pub struct Dump {
    problem: Option<String>,
    threads: Vec<DumpThread>,
}

#[derive(Debug, Deserialize)]
struct DumpThread {
    lwp: i64,
    end: Option<String>,
    frames: Vec<DumpFrame>,
}

#[derive(Debug, Deserialize)]
struct DumpFrame {
    kind: String,
    pc: u64,
    function: Option<String>,
    linkage_name: Option<String>,
    file: Option<String>,
    full_file: Option<String>,
    line: Option<u64>,
    variables: Vec<DumpVariable>,
}

#[derive(Debug, Deserialize)]
struct DumpVariable {
    name: String,
    parameter: bool,
    value: DumpValue,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
enum DumpValue {
    Number { v: String },
    Float { v: String, size: u64 },
    Pointer { v: u64 },
    Bytes { length: u64, hex: String },
    Array { length: u64, elements: Vec<DumpValue> },
    Record { members: Vec<DumpMember> },
    OptimizedOut,
    Clobbered { v: String },
    Error { v: String },
    Uncompared { v: String },
    Cut,
}

#[derive(Debug, Deserialize)]
struct DumpMember {
    name: Option<String>,
    value: DumpValue,
}

/// Runs gdb on process `pid`. The process runs on afterwards unless it was stopped before.
///
/// Errors: gdb is not there, fails, or does not finish within its limits.
pub fn trace(pid: u32, limits: &Limits) -> Result<Trace, Error> {
    let folder = tempfile::tempdir().map_err(|source| Error::File { what: "a folder for gdb", source })?;
    let script = folder.path().join("dump.py");
    let out = folder.path().join("dump.json");
    std::fs::write(&script, SCRIPT).map_err(|source| Error::File { what: "the script for gdb", source })?;
    let output = Command::new("gdb")
        // Where it leaves a core of itself when it fails.
        .current_dir(folder.path())
        // Scripts that come with the target's libraries would print values their own way.
        .args(["-q", "-batch", "-nx", "-iex", "set debuginfod enabled off"])
        .args(["-iex", "set auto-load python-scripts off", "-iex", "set auto-load gdb-scripts off"])
        .arg("-p")
        .arg(pid.to_string())
        .arg("-x")
        .arg(&script)
        .env("GIMLI_DUMP_OUT", &out)
        .env("GIMLI_DUMP_FRAMES", limits.frames.to_string())
        .env("GIMLI_DUMP_DEPTH", limits.depth.to_string())
        .env("GIMLI_DUMP_ARRAY", limits.array.to_string())
        .env("GIMLI_DUMP_BYTES", limits.bytes.to_string())
        .env("GIMLI_DUMP_NODES", limits.nodes.to_string())
        .env("GIMLI_DUMP_SECONDS", limits.seconds.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start { program: "gdb".into(), package: "gdb", source })?;
    let text = std::fs::read_to_string(&out).map_err(|_| Error::Failed {
        program: "gdb".into(),
        status: output.status.to_string(),
        message: crate::text::tail(&output.stderr),
    })?;
    read(&text)
}

/// Reads a dump. Errors: it is no dump, or gdb ran out of time.
pub fn read(text: &str) -> Result<Trace, Error> {
    let dump: Dump =
        serde_json::from_str(text).map_err(|source| Error::Json { program: "gdb".into(), source })?;
    if let Some(problem) = dump.problem {
        return Err(Error::Incomplete(problem));
    }
    Ok(Trace { threads: dump.threads.into_iter().map(thread).collect() })
}

fn thread(from: DumpThread) -> Thread {
    let mut frames = Vec::new();
    let mut calls = Vec::new();
    let mut deduced = 0;
    for frame in from.frames {
        let (kind, pc) = (frame.kind.clone(), frame.pc);
        calls.push(call(frame));
        match kind.as_str() {
            "inline" => {}
            // gdb deduces these from call sites; no return address of theirs is on the stack.
            "tail_call" => {
                deduced += calls.len();
                calls.clear();
            }
            kind => {
                frames.push(Frame { pc, signal: kind == "signal", calls: std::mem::take(&mut calls) });
            }
        }
    }
    let end = match from.end.as_deref() {
        Some("outermost") => End::Outermost,
        Some("limit") => End::Limit,
        other => End::Lost(other.unwrap_or("no reason given").to_owned()),
    };
    Thread { lwp: from.lwp, frames, end, deduced }
}

fn call(from: DumpFrame) -> Call {
    let variables = from
        .variables
        .into_iter()
        .map(|variable| Variable {
            name: variable.name,
            parameter: variable.parameter,
            value: value(variable.value),
        })
        .collect();
    Call {
        function: from.function,
        linkage_name: from.linkage_name,
        files: from.file.into_iter().chain(from.full_file).collect(),
        line: from.line,
        variables,
    }
}

fn value(from: DumpValue) -> Value {
    match from {
        DumpValue::Number { v } => Value::Number(v),
        DumpValue::Float { v, size } => Value::Float { text: v, size },
        DumpValue::Pointer { v } => Value::Pointer(v),
        DumpValue::Bytes { length, hex } => Value::Bytes { shown: bytes(&hex), length },
        DumpValue::Array { length, elements } => {
            let runs = (0u64..)
                .zip(elements)
                .map(|(index, element)| Run { index, count: 1, value: value(element) })
                .collect();
            Value::Array { length, runs }
        }
        DumpValue::Record { members } => Value::Record(
            members
                .into_iter()
                .map(|member| Member { name: member.name, value: value(member.value) })
                .collect(),
        ),
        DumpValue::OptimizedOut => Value::OptimizedOut,
        DumpValue::Clobbered { v } => Value::Clobbered(v),
        DumpValue::Error { v } => Value::Unreadable(v),
        DumpValue::Uncompared { v } => Value::Uncompared(v),
        DumpValue::Cut => Value::Uncompared("past the limits of the comparison".into()),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
