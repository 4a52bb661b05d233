//! Renders a report piece by piece, as text or as JSON.
//!
//! Pipeline place: the last step. It sees only the report, does no I/O, and appends to a
//! buffer of the caller's. The pieces, concatenated in the order header, threads, footer,
//! are one report; also with no thread at all, and whoever rendered which piece. So are those
//! of a thread: its beginning, its frames with the gap among them, its end.

use super::{Footer, Frame, Header, Status, Thread, Truncation, Variable, json, text};

/// What the report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program: one JSON object, whose fields [`super::json`] documents.
    Json,
}

/// How the text looks. JSON has no use for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours, as ECMA-48 escape sequences. Without it not one escape byte is written.
    pub color: bool,
    /// Also whole source paths, every module, and durations.
    pub verbose: bool,
}

/// Appends what precedes the threads.
pub fn render_header(header: &Header, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_header(header, style, out),
        Format::Json => json::render_header(header, out),
    }
}

/// Appends one thread; `first` says that no thread was rendered before it.
pub fn render_thread(thread: &Thread, first: bool, format: Format, style: Style, out: &mut Vec<u8>) {
    render_thread_begin(thread, first, format, style, out);
    let gap = thread.truncated.as_ref().map(|gap| (gap.before_frame.min(thread.frames.len()), gap));
    for place in 0..=thread.frames.len() {
        if let Some((_, gap)) = gap.filter(|(at, _)| *at == place) {
            render_gap(gap, format, style, out);
        }
        if let Some(frame) = thread.frames.get(place) {
            render_frame(frame, place == 0, format, style, out);
        }
    }
    render_thread_end(thread, format, style, out);
}

/// Appends what precedes the frames of a thread; `first` as in [`render_thread`].
pub fn render_thread_begin(thread: &Thread, first: bool, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_thread_begin(thread, style, out),
        Format::Json => json::render_thread_begin(thread, first, out),
    }
}

/// Appends one frame; `first` says that no frame of its thread was rendered before it.
pub fn render_frame(frame: &Frame, first: bool, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_frame(frame, style, out),
        Format::Json => json::render_frame(frame, first, out),
    }
}

/// Appends what stands in the place of frames that are left out: nothing in JSON, where the
/// thread's end tells of them.
pub fn render_gap(gap: &Truncation, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_gap(gap, style, out),
        Format::Json => {}
    }
}

/// Appends what follows the frames of a thread.
pub fn render_thread_end(thread: &Thread, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_thread_end(thread, style, out),
        Format::Json => json::render_thread_end(thread, out),
    }
}

/// Appends one variable as the text report shows it, its lines not indented.
pub fn render_variable(variable: &Variable, out: &mut Vec<u8>) {
    text::render_variable(variable, out);
}

/// Appends what follows the threads, which ends the report.
pub fn render_footer(footer: &Footer, status: Status, format: Format, style: Style, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::render_footer(footer, status, style, out),
        Format::Json => json::render_footer(footer, status, out),
    }
}
