//! The figures as Markdown: a table for each measure, targets down and tools across, and the bounds.

use crate::Row;
use crate::bounds;
use crate::measure::{Figures, median};
use crate::peers::{Peer, Tool};
use std::fmt::{self, Write};

/// Everything that RESULTS.md says.
pub(crate) fn render(rows: &[Row], peers: &[Peer], rounds: usize) -> Result<String, fmt::Error> {
    let mut text = String::from("# glider next to its peers\n\n");
    writeln!(
        text,
        "Written by `target/release/bench --record`; `tests/bench/main.rs` says how everything is measured."
    )?;
    writeln!(
        text,
        "Medians of {rounds}; in parentheses how many times glider's figure it is. glider, gdb and lldb print every frame; glider and"
    )?;
    writeln!(
        text,
        "gdb every variable, eu-stack and lldb none. The *floor* holds every thread, reads registers and 16 KiB of stack, and lets go;"
    )?;
    writeln!(
        text,
        "*whole stacks*: it reads each stack from its pointer to its end, which showing every frame takes."
    )?;
    writeln!(text, "\n![time against threads, frames and DWARF](results.svg)")?;
    let seconds = |figures: &Figures| median(&figures.times).as_secs_f64();
    measure(&mut text, "Time", rows, peers, |figures| milliseconds(seconds(figures)), seconds)?;
    let peak = |figures: &Figures| mebibytes(figures.peak_kib);
    measure(
        &mut text,
        "Peak memory of the largest process, MiB",
        rows,
        peers,
        |figures| number(peak(figures)),
        peak,
    )?;
    let all = |figures: &Figures| mebibytes(figures.proportional);
    measure(
        &mut text,
        "Peak memory of all processes together, MiB",
        rows,
        peers,
        |figures| number(all(figures)),
        all,
    )?;
    let pause = |figures: &Figures| median(&figures.pauses).as_secs_f64();
    measure(
        &mut text,
        "Pause, as a thread of the target sees it",
        rows,
        peers,
        |figures| milliseconds(pause(figures)),
        pause,
    )?;
    writeln!(
        text,
        "\neu-stack stops one thread after another, and is at work on the process for all of its time.\n\
         A tool that takes more than {} s is measured once here.",
        crate::SLOW.as_secs()
    )?;
    let printed = |figures: &Figures| figures.output_bytes as f64;
    measure(&mut text, "Printed, KiB", rows, peers, |figures| number(printed(figures) / 1024.0), printed)?;
    writeln!(text, "\n## Asked and got\n\n| target | asked | got | |\n|---|---|--:|---|")?;
    for bound in bounds::judge(rows, peers) {
        let verdict = if bound.holds() { "pass" } else { "**fail**" };
        writeln!(text, "| {} | {} | {} | {verdict} |", bound.target, bound.asked, bound.got())?;
    }
    Ok(text)
}

/// One table; `value` is what ratios are made of.
fn measure(
    text: &mut String,
    heading: &str,
    rows: &[Row],
    peers: &[Peer],
    shown: impl Fn(&Figures) -> String,
    value: impl Fn(&Figures) -> f64,
) -> fmt::Result {
    write!(text, "\n## {heading}\n\n| target | DWARF |")?;
    for peer in peers {
        write!(text, " {} |", peer.name)?;
    }
    writeln!(text, "\n|---|--:|{}", "--:|".repeat(peers.len()))?;
    for row in rows {
        write!(text, "| {} | {} |", row.case.name, size(row.dwarf))?;
        let base = row.of(peers, Tool::Glider).map_or(0.0, &value);
        for (peer, figures) in peers.iter().zip(&row.figures) {
            write!(text, " {}", shown(figures))?;
            let ratio = value(figures) / base;
            if peer.tool != Tool::Glider && base > 0.0 {
                write!(text, " ({})", times(ratio))?;
            }
            write!(text, " |")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", number(seconds * 1e3))
}

/// Three significant digits.
fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A ratio for people.
pub(crate) fn times(ratio: f64) -> String {
    format!("{}×", number(ratio))
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KB", bytes >> 10),
        mebibytes => format!("{mebibytes} MB"),
    }
}
