#![doc = include_str!("schema.md")]
//!
//! # About this module
//!
//! Pipeline place: one of the two renderers behind [`render`](super::render). The names of
//! fields are those of the model's structs; only the outermost object and the threads are put
//! together here, because they are written in pieces.

use super::{Footer, Frame, Header, Status, Thread, escape};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io;

/// Version of the schema: its minor part grows when fields are added, its major part when
/// one is removed or changes its meaning.
const SCHEMA_VERSION: &str = "1.0";

/// Opens the report's object and its list of threads.
pub(super) fn render_header(header: &Header, out: &mut Vec<u8>) {
    // Named one by one, so that a new field of the model cannot be forgotten here.
    let Header { pid, process, crash_info, cause, system_info, thread_count } = header;
    out.extend_from_slice(b"{\"schema_version\":");
    push(out, SCHEMA_VERSION);
    field(out, ",\n", "pid", pid);
    field(out, ",\n", "process", process);
    field(out, ",\n", "crash_info", crash_info);
    field(out, ",\n", "cause", cause);
    field(out, ",\n", "system_info", system_info);
    field(out, ",\n", "thread_count", thread_count);
    out.extend_from_slice(b",\n\"threads\":[");
}

/// Opens the object of a thread, in the list of threads, and its list of frames.
pub(super) fn render_thread_begin(thread: &Thread, first: bool, out: &mut Vec<u8>) {
    // Here, too, all are named, those that the end has among them.
    let Thread { index: _, thread_id, thread_name, state, wait_channel, system_call, .. } = thread;
    let Thread { exceptions, frame_count, .. } = thread;
    let Thread { text_before, frames: _, truncated: _, problem: _, text_after: _, .. } = thread;
    field(out, if first { "\n{" } else { ",\n{" }, "thread_id", thread_id);
    field(out, ",", "thread_name", thread_name);
    field(out, ",", "state", state);
    field(out, ",", "wait_channel", wait_channel);
    field(out, ",", "system_call", system_call);
    field(out, ",", "exceptions", exceptions);
    field(out, ",", "frame_count", frame_count);
    field(out, ",", "text_before", text_before);
    out.extend_from_slice(b",\"frames\":[");
}

/// Adds a frame to the list of frames.
pub(super) fn render_frame(frame: &Frame, first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
    push(out, frame);
}

/// Closes the list of frames and the object of the thread.
pub(super) fn render_thread_end(thread: &Thread, out: &mut Vec<u8>) {
    out.push(b']');
    field(out, ",", "truncated", &thread.truncated);
    field(out, ",", "problem", &thread.problem);
    field(out, ",", "text_after", &thread.text_after);
    out.push(b'}');
}

/// Closes the list of threads and the report's object.
pub(super) fn render_footer(footer: &Footer, status: Status, out: &mut Vec<u8>) {
    let Footer { modules, plugins, plugin_output, plugin_calls: _, problems, variables_left_out: _, timing } =
        footer;
    out.extend_from_slice(b"\n]");
    field(out, ",\n", "modules", modules);
    field(out, ",\n", "plugins", plugins);
    field(out, ",\n", "plugin_output", plugin_output);
    field(out, ",\n", "problems", problems);
    field(out, ",\n", "timing", timing);
    field(out, ",\n", "status", &status);
    out.extend_from_slice(b"}\n");
}

/// Appends a member of an object, after what separates it from what precedes it.
fn field(out: &mut Vec<u8>, separator: &str, name: &str, value: &impl Serialize) {
    out.extend_from_slice(separator.as_bytes());
    push(out, name);
    out.push(b':');
    push(out, value);
}

/// Appends a value. The model's types always serialize; should one ever not,
/// `null` in its place keeps the document valid, since every field may be null.
fn push<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let start = out.len();
    if value.serialize(&mut Serializer::with_formatter(&mut *out, Printable)).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Compact JSON in which the characters a terminal would obey are escaped, too: JSON
/// itself demands it for U+0000 to U+001F only.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices().filter(|(_, character)| escape::is_hostile(*character))
        {
            writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(character))?;
            plain = at + character.len_utf8();
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}
