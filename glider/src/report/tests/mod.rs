//! Tests of the renderers: what a report looks like as text, that its JSON is what the
//! schema says, and that no report whatever makes either of them misbehave.

mod arbitrary;
mod json;
mod sample;
mod schema;
mod text;

use super::render::{Format, Style, render_footer, render_header, render_thread};
use super::{Footer, Header, Status, Thread};

/// A whole report, put together from its pieces.
fn render(
    (header, threads, footer): &(Header, Vec<Thread>, Footer),
    status: Status,
    format: Format,
    style: Style,
) -> String {
    let mut out = Vec::new();
    render_header(header, format, style, &mut out);
    for (place, thread) in threads.iter().enumerate() {
        render_thread(thread, place == 0, format, style, &mut out);
    }
    render_footer(footer, status, format, style, &mut out);
    String::from_utf8(out).unwrap()
}
