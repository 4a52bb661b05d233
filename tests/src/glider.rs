//! Runs glider on a process and reads its JSON report.
//!
//! Reads what a program would read, by the names in the published format; any field may be absent.

use crate::Error;
use crate::gdb::Limits;
use crate::text;
use crate::trace::{Call, End, Frame, Member, Run, Thread, Trace, Value, Variable};
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Debug, Deserialize)]
struct Report {
    #[serde(default)]
    threads: Vec<ReportThread>,
}

#[derive(Debug, Deserialize)]
struct ReportThread {
    thread_id: i64,
    truncated: Option<Truncation>,
    #[serde(default)]
    frames: Vec<ReportFrame>,
    problem: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Truncation {
    before_frame: usize,
    #[serde(default)]
    left_out: usize,
}

#[derive(Debug, Deserialize)]
struct ReportFrame {
    offset: Option<String>,
    #[serde(flatten)]
    call: ReportCall,
    signal: Option<serde_json::Value>,
    #[serde(default)]
    inlines: Vec<ReportCall>,
}

#[derive(Debug, Deserialize)]
struct ReportCall {
    function: Option<String>,
    file: Option<String>,
    line: Option<u64>,
    #[serde(default)]
    variables: Vec<ReportVariable>,
}

#[derive(Debug, Deserialize)]
struct ReportVariable {
    kind: Option<String>,
    name: Option<String>,
    #[serde(default)]
    depth: u64,
    #[serde(default)]
    value: ReportValue,
}

/// A value of any kind: each kind has some of the fields.
#[derive(Debug, Default, Deserialize)]
struct ReportValue {
    #[serde(default)]
    kind: String,
    text: Option<String>,
    number: Option<String>,
    length: Option<u64>,
    #[serde(default)]
    elements: Vec<ReportElement>,
    #[serde(default)]
    members: Vec<ReportMember>,
}

#[derive(Debug, Deserialize)]
struct ReportElement {
    index: u64,
    #[serde(default = "once")]
    repeats: u64,
    value: ReportValue,
}

fn once() -> u64 {
    1
}

#[derive(Debug, Deserialize)]
struct ReportMember {
    name: Option<String>,
    #[serde(default)]
    value: ReportValue,
}

/// Runs `glider` on process `pid` with limits above those of gdb's dump.
///
/// Errors: it cannot be started, ends with another code than 0 (complete) or 1 (partial), or
/// writes no report.
pub fn trace(glider: &Path, pid: u32, limits: &Limits) -> Result<Trace, Error> {
    let program = glider.display().to_string();
    let output = Command::new(glider)
        // gdb's values are raw, too.
        .args(["--format", "json", "--raw-values"])
        .args(["--max-frames", &(limits.frames * 2).to_string()])
        .args(["--max-depth", &(limits.depth + 2).to_string()])
        .args(["--max-array", &(limits.array * 2).to_string()])
        .args(["--max-string", &(limits.bytes * 2).to_string()])
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start {
            program: program.clone(),
            package: "none: cargo builds it",
            source,
        })?;
    if !matches!(output.status.code(), Some(0 | 1)) {
        let (status, message) = (output.status.to_string(), text::tail(&output.stderr));
        return Err(Error::Failed { program, status, message });
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

/// Reads a report. Errors: it is not JSON, or not of the published shape.
pub fn read(text: &str) -> Result<Trace, Error> {
    let report: Report =
        serde_json::from_str(text).map_err(|source| Error::Json { program: "glider".into(), source })?;
    Ok(Trace { threads: report.threads.into_iter().map(thread).collect() })
}

fn thread(from: ReportThread) -> Thread {
    let mut frames: Vec<Frame> = from.frames.into_iter().map(frame).collect();
    let end = match (from.truncated, from.problem) {
        (Some(truncation), _) if truncation.left_out > 0 => {
            frames.truncate(truncation.before_frame);
            End::Limit
        }
        (Some(_), None) => End::Lost("the walk ended early".into()),
        (_, Some(problem)) => End::Lost(problem),
        (None, None) => End::Outermost,
    };
    Thread { lwp: from.thread_id, frames, end, deduced: 0 }
}

fn frame(from: ReportFrame) -> Frame {
    let pc = from.offset.as_deref().and_then(text::address).unwrap_or(0);
    let calls = from.inlines.into_iter().chain([from.call]).map(call).collect();
    Frame { pc, signal: from.signal.is_some(), calls }
}

fn call(from: ReportCall) -> Call {
    let mut variables = from.variables;
    // Inner blocks first, as gdb walks them; the sort keeps the order within a block.
    variables.sort_by_key(|variable| std::cmp::Reverse(variable.depth));
    let variables = variables
        .into_iter()
        .map(|variable| Variable {
            name: variable.name.unwrap_or_default(),
            parameter: variable.kind.as_deref() == Some("parameter"),
            value: value(variable.value),
        })
        .collect();
    Call {
        function: from.function,
        linkage_name: None,
        files: from.file.into_iter().collect(),
        line: from.line,
        variables,
    }
}

fn value(from: ReportValue) -> Value {
    let shown = from.text.unwrap_or_default();
    let unknown = |shown: String| Value::Uncompared(format!("{} {shown}", from.kind));
    match from.kind.as_str() {
        "integer" | "bool" | "char" => text::number(&shown).map_or_else(|| unknown(shown), Value::Number),
        "enum" => from.number.as_deref().and_then(text::number).map_or_else(|| unknown(shown), Value::Number),
        "float" => Value::Float { text: shown, size: 0 },
        "pointer" => text::address(&shown).map_or_else(|| unknown(shown), Value::Pointer),
        "string" => match text::string(&shown) {
            Some((mut bytes, cut)) => {
                let length = from.length.unwrap_or(bytes.len() as u64);
                // The length counts bytes or, of wide ones, characters.
                let shown = String::from_utf8_lossy(&bytes).chars().count();
                if !cut && (shown as u64) < length {
                    // The NULs at the end are not shown: one stands for them.
                    bytes.push(0);
                }
                Value::Bytes { shown: bytes, length }
            }
            None => unknown(shown),
        },
        "array" => Value::Array {
            length: from.length.unwrap_or(0),
            runs: from
                .elements
                .into_iter()
                .map(|element| Run {
                    index: element.index,
                    count: element.repeats,
                    value: value(element.value),
                })
                .collect(),
        },
        "struct" | "union" => Value::Record(
            from.members
                .into_iter()
                .map(|member| Member { name: member.name, value: value(member.value) })
                .collect(),
        ),
        "optimized_out" => Value::OptimizedOut,
        "unreadable" => Value::Unreadable(shown),
        _ => unknown(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(json: serde_json::Value) -> Value {
        value(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let number = |text: &str| Value::Number(text.into());
        assert_eq!(one(json!({"kind": "integer", "text": "-42", "hex": "0xd6"})), number("-42"));
        assert_eq!(one(json!({"kind": "enum", "text": "FAST", "number": "7", "hex": "0x7"})), number("7"));
        assert_eq!(one(json!({"kind": "char", "text": "97 'a'"})), number("97"));
        assert_eq!(one(json!({"kind": "bool", "text": "true"})), number("1"));
        assert_eq!(one(json!({"kind": "pointer", "text": "nil"})), Value::Pointer(0));
        assert_eq!(one(json!({"kind": "optimized_out", "text": "<optimized out>"})), Value::OptimizedOut);
        assert_eq!(
            one(json!({"kind": "float", "text": "1.5"})),
            Value::Float { text: "1.5".into(), size: 0 }
        );
        assert_eq!(
            one(json!({"kind": "string", "text": "\"ab\"", "length": 16})),
            Value::Bytes { shown: b"ab\0".to_vec(), length: 16 }
        );
        assert_eq!(
            one(json!({"kind": "string", "text": "\"ab\"", "length": 2})),
            Value::Bytes { shown: b"ab".to_vec(), length: 2 }
        );
    }

    #[test]
    fn a_number_that_is_none_is_no_value() {
        assert_eq!(one(json!({"kind": "integer", "text": "many"})), Value::Uncompared("integer many".into()));
        assert_eq!(one(json!({"kind": "news", "text": "1"})), Value::Uncompared("news 1".into()));
    }

    #[test]
    fn frames_behind_a_gap_are_not_taken_for_the_next_ones() {
        let text = json!({"threads": [{"thread_id": 7, "truncated": {"before_frame": 1, "left_out": 5},
            "frames": [{"frame": 0, "offset": "0x1"}, {"frame": 6, "offset": "0x2"}]}]})
        .to_string();
        let trace = read(&text).unwrap();
        assert_eq!(trace.threads[0].frames.len(), 1);
        assert_eq!(trace.threads[0].end, End::Limit);
    }

    #[test]
    fn inlined_calls_come_before_the_function_they_are_in() {
        let text = json!({"threads": [{"thread_id": 7, "frames": [{"offset": "0x1", "function": "outer",
            "inlines": [{"function": "innermost"}, {"function": "inner"}],
            "variables": [
                {"kind": "local", "name": "x", "depth": 0, "value": {"kind": "integer", "text": "1"}},
                {"kind": "local", "name": "x", "depth": 1, "value": {"kind": "integer", "text": "2"}}]}]}]})
        .to_string();
        let trace = read(&text).unwrap();
        let calls = &trace.threads[0].frames[0].calls;
        let names: Vec<_> = calls.iter().map(|call| call.function.as_deref().unwrap()).collect();
        assert_eq!(names, ["innermost", "inner", "outer"]);
        assert_eq!(calls[2].variables[0].value, Value::Number("2".into()));
    }
}
