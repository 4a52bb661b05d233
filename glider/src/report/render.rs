//! Renders a report piece by piece, as text or as JSON.
//!
//! Pipeline place: the last step. It sees only the report, does no I/O, and appends to a
//! buffer of the caller's. The pieces, concatenated in the order header, threads, footer,
//! are one report; also with no thread at all, and whoever rendered which piece.

use super::{Footer, Header, Status, Thread, Variable, json, text};

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
    match format {
        Format::Text => text::render_thread(thread, style, out),
        Format::Json => json::render_thread(thread, first, out),
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
