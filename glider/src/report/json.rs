#![doc = include_str!("schema.md")]
//!
//! # About this module
//!
//! Pipeline place: one of the two renderers behind [`render`](super::render). The names of
//! fields are those of the model's structs; only the outermost object is put together
//! here, because it is written in pieces.

use super::{Footer, Header, Status, Thread, escape};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io;

/// Version of the schema: its minor part grows when fields are added, its major part when
/// one is removed or changes its meaning.
const SCHEMA_VERSION: &str = "1.0";

/// Opens the report's object and its list of threads.
pub(super) fn render_header(header: &Header, out: &mut Vec<u8>) {
    // Named one by one, so that a new field of the model cannot be forgotten here.
    let Header { pid, process, crash_info, system_info, thread_count } = header;
    out.extend_from_slice(b"{\"schema_version\":");
    push(out, SCHEMA_VERSION);
    field(out, "pid", pid);
    field(out, "process", process);
    field(out, "crash_info", crash_info);
    field(out, "system_info", system_info);
    field(out, "thread_count", thread_count);
    out.extend_from_slice(b",\n\"threads\":[");
}

/// Adds a thread to the list.
pub(super) fn render_thread(thread: &Thread, first: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if first { b"\n" } else { b",\n" });
    push(out, thread);
}

/// Closes the list of threads and the report's object.
pub(super) fn render_footer(footer: &Footer, status: Status, out: &mut Vec<u8>) {
    let Footer { modules, plugins, plugin_output, plugin_calls: _, problems, timing } = footer;
    out.extend_from_slice(b"\n]");
    field(out, "modules", modules);
    field(out, "plugins", plugins);
    field(out, "plugin_output", plugin_output);
    field(out, "problems", problems);
    field(out, "timing", timing);
    field(out, "status", &status);
    out.extend_from_slice(b"}\n");
}

/// Appends a member of the outermost object, after another one.
fn field(out: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    out.extend_from_slice(b",\n");
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
