//! Prints the figures of one target as a Markdown table.

use crate::measure::{Figures, median};
use crate::peers::Peer;
use std::fmt::Write;
use std::time::Duration;

/// The table. In parentheses: how many times glider's figure it is.
pub(crate) fn render(name: &str, peers: &[Peer], figures: &[Figures]) -> String {
    let mut text = format!("\n### {name}\n\n");
    text.push_str("| tool | time | peak memory | all processes | pause of the target | output |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    let Some(glider) = figures.first() else {
        return text;
    };
    let milliseconds = |durations: &[Duration]| median(durations).as_secs_f64() * 1e3;
    for (peer, figures) in peers.iter().zip(figures) {
        let columns = [
            (milliseconds(&figures.times), milliseconds(&glider.times), "ms"),
            (mebibytes(figures.peak_kib), mebibytes(glider.peak_kib), "MiB"),
            (mebibytes(figures.proportional), mebibytes(glider.proportional), "MiB"),
            (milliseconds(&figures.pauses), milliseconds(&glider.pauses), "ms"),
        ];
        // Writing to a String cannot fail.
        let _ = write!(text, "| {} |", peer.name);
        for (value, base, unit) in columns {
            let _ = write!(text, " {value:.1} {unit}{} |", times(value, base));
        }
        let _ = writeln!(text, " {} KiB |", figures.output_bytes / 1024);
    }
    text
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn times(value: f64, base: f64) -> String {
    if value == base || base <= 0.0 { String::new() } else { format!(" ({:.1}×)", value / base) }
}
