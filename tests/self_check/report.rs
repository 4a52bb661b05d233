//! Writes a trace in glider's JSON format, as far as the comparison reads it.

use gimli_tests::trace::{Call, End, Frame, Trace, Value, Variable};
use serde_json::{Value as Json, json};

/// The report glider would write if it knew what the trace holds.
pub(crate) fn write(trace: &Trace) -> Json {
    let threads: Vec<Json> = trace
        .threads
        .iter()
        .map(|thread| {
            let frames: Vec<Json> = thread.frames.iter().map(frame).collect();
            let truncated = match thread.end {
                End::Outermost => Json::Null,
                End::Limit | End::Lost(_) => json!({"before_frame": frames.len(), "left_out": 1}),
            };
            json!({"thread_id": thread.lwp, "truncated": truncated, "frames": frames})
        })
        .collect();
    json!({"threads": threads})
}

fn frame(frame: &Frame) -> Json {
    let mut calls: Vec<Json> = frame.calls.iter().map(call).collect();
    let mut json = calls.pop().unwrap_or_else(|| json!({}));
    json["offset"] = json!(format!("{:#x}", frame.pc));
    json["signal"] = if frame.signal { json!({"number": 10}) } else { Json::Null };
    json["inlines"] = Json::Array(calls);
    json
}

fn call(call: &Call) -> Json {
    let variables: Vec<Json> = call.variables.iter().map(variable).collect();
    json!({"function": call.function, "file": call.files.first(), "line": call.line, "variables": variables})
}

fn variable(variable: &Variable) -> Json {
    let kind = if variable.parameter { "parameter" } else { "local" };
    json!({"kind": kind, "name": variable.name, "value": value(&variable.value)})
}

fn value(from: &Value) -> Json {
    match from {
        Value::Number(text) => json!({"kind": "integer", "text": text}),
        Value::Float { text, .. } => json!({"kind": "float", "text": text}),
        Value::Pointer(0) => json!({"kind": "pointer", "text": "nil"}),
        Value::Pointer(address) => json!({"kind": "pointer", "text": format!("{address:#x}")}),
        Value::Bytes { shown, length } => {
            let text: String = shown.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            let cut = if (shown.len() as u64) < *length { "..." } else { "" };
            json!({"kind": "string", "text": format!("\"{text}\"{cut}"), "length": length})
        }
        Value::Array { length, runs } => {
            let elements: Vec<Json> = runs
                .iter()
                .map(|run| json!({"index": run.index, "repeats": run.count, "value": value(&run.value)}))
                .collect();
            json!({"kind": "array", "length": length, "elements": elements})
        }
        Value::Record(members) => {
            let members: Vec<Json> = members
                .iter()
                .map(|member| json!({"name": member.name, "value": value(&member.value)}))
                .collect();
            json!({"kind": "struct", "members": members})
        }
        Value::OptimizedOut | Value::Clobbered(_) => {
            json!({"kind": "optimized_out", "text": "<optimized out>"})
        }
        Value::Unreadable(why) | Value::Uncompared(why) => json!({"kind": "unreadable", "text": why}),
    }
}
