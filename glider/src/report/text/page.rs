//! What the text report is written on: every word passes the escaping, colour is
//! applied only when it was asked for.
//!
//! Pipeline place: the bottom of the text renderer. It knows bytes, columns and colours,
//! nothing of the report.

use crate::report::escape;
use anstyle::{AnsiColor, Style as Paint};
use std::fmt;

/// Where the eye should land first: the heading of a thread, the number of a frame.
pub(super) const HEADING: Paint = Paint::new().bold();
/// A function's name.
pub(super) const FUNCTION: Paint = AnsiColor::Yellow.on_default();
/// A signal, and whatever else went wrong.
pub(super) const ALARM: Paint = AnsiColor::Red.on_default().bold();
/// What is not there: `<optimized out>`, frames left out, how a frame was guessed.
pub(super) const FAINT: Paint = Paint::new().dimmed();

/// The end of a rendered report that is being written.
pub(super) struct Page<'a> {
    out: &'a mut Vec<u8>,
    color: bool,
    /// Bytes of text on the current line.
    column: usize,
}

impl<'a> Page<'a> {
    /// A page that appends to `out`, where a line starts.
    pub(super) fn new(out: &'a mut Vec<u8>, color: bool) -> Self {
        Page { out, color, column: 0 }
    }

    /// Text, escaped: no line ends, no control character gets through.
    pub(super) fn text(&mut self, text: &str) {
        let start = self.out.len();
        escape::push_escaped(self.out, text);
        self.column += self.out.len() - start;
    }

    /// Texts behind each other, escaped like [`Page::text`]; as formatted text they would take several times as long.
    pub(super) fn texts<const PARTS: usize>(&mut self, parts: [&str; PARTS]) {
        for part in parts {
            self.text(part);
        }
    }

    /// Formatted text, escaped like [`Page::text`].
    pub(super) fn put(&mut self, arguments: fmt::Arguments<'_>) {
        // `write_str` below never fails, and a `Display` that does leaves its text short.
        let _ = fmt::Write::write_fmt(self, arguments);
    }

    /// Formatted text in a colour, when there are colours.
    pub(super) fn paint(&mut self, paint: Paint, arguments: fmt::Arguments<'_>) {
        if self.color {
            self.out.extend_from_slice(paint.render().to_string().as_bytes());
        }
        self.put(arguments);
        if self.color {
            self.out.extend_from_slice(paint.render_reset().to_string().as_bytes());
        }
    }

    /// Spaces.
    pub(super) fn indent(&mut self, columns: usize) {
        self.out.resize(self.out.len() + columns, b' ');
        self.column += columns;
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    /// How long the current line is.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Text of several lines, each indented; line ends and tabs stay, all else is escaped.
    pub(super) fn lines(&mut self, columns: usize, text: &str) {
        for line in text.lines() {
            self.line_open(columns, line);
            self.end_line();
        }
    }

    /// One line of such text, left open.
    pub(super) fn line_open(&mut self, columns: usize, line: &str) {
        if !line.is_empty() {
            self.indent(columns);
        }
        for (place, part) in line.split('\t').enumerate() {
            if place > 0 {
                self.out.push(b'\t');
            }
            self.text(part);
        }
    }
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}
