//! What is asked of glider, and whether it holds.

use crate::Row;
use crate::measure::{Figures, median};
use crate::peers::{Peer, Tool};
use crate::targets::Kind;

/// The most memory that the largest program may take, KiB.
const MOST_MEMORY_KIB: u64 = 200 << 10;

/// One demand: that a ratio is no more, or no less, than a figure.
pub(crate) struct Bound {
    /// The targets it is about.
    pub(crate) target: String,
    /// What is asked, in words.
    pub(crate) asked: String,
    got: f64,
    limit: Limit,
}

enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    /// Whether it is met. A figure that could not be had meets nothing.
    pub(crate) fn holds(&self) -> bool {
        self.got.is_finite()
            && match self.limit {
                Limit::AtMost(limit) => self.got <= limit,
                Limit::AtLeast(limit) => self.got >= limit,
            }
    }

    /// The ratio as it came out.
    pub(crate) fn got(&self) -> String {
        if self.got.is_finite() { crate::table::times(self.got) } else { "no figure".to_owned() }
    }
}

/// Every demand on these rows.
pub(crate) fn judge(rows: &[Row], peers: &[Peer]) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for row in rows {
        bounds.extend(of_row(row, peers));
    }
    for (smaller, larger) in rows.iter().zip(rows.iter().skip(1)) {
        bounds.extend(growth(smaller, larger, peers));
    }
    bounds
}

fn seconds(figures: &Figures) -> f64 {
    median(&figures.times).as_secs_f64()
}

fn pause(figures: &Figures) -> f64 {
    median(&figures.pauses).as_secs_f64()
}

fn of_row(row: &Row, peers: &[Peer]) -> Vec<Bound> {
    let mut bounds = Vec::new();
    let mut add = |asked: String, got: Option<f64>, limit| {
        bounds.push(Bound { target: row.case.name.to_owned(), asked, got: got.unwrap_or(f64::NAN), limit });
    };
    let of = |tool| row.of(peers, tool);
    let time = |tool| of(tool).map(seconds);
    let slower = |tool| Some(time(tool)? / time(Tool::Glider)?);
    let is_huge = matches!(row.case.kind, Kind::Large { stamps } if stamps > 10);
    let least = if is_huge { 20.0 } else { 1.0 };
    add(format!("eu-stack takes at least {least}× the time"), slower(Tool::EuStack), Limit::AtLeast(least));
    match row.case.kind {
        Kind::Stacks { threads: 100.., .. } => {
            add("gdb takes at least 8× the time".into(), slower(Tool::Gdb), Limit::AtLeast(8.0));
        }
        Kind::Large { .. } if is_huge => {
            add("gdb takes at least 20× the time".into(), slower(Tool::Gdb), Limit::AtLeast(20.0));
            let memory = |figures: &Figures| figures.peak_kib.max(figures.proportional) as f64;
            let got = of(Tool::Glider).map(|figures| memory(figures) / MOST_MEMORY_KIB as f64);
            add("at most 200 MB of memory (1×)".into(), got, Limit::AtMost(1.0));
        }
        _ => {}
    }
    let to_floor = || Some(pause(of(Tool::Snapshot)?) / pause(of(Tool::Floor)?));
    add("--snapshot: at most 3× the pause of the floor".into(), to_floor(), Limit::AtMost(3.0));
    let to_whole = || Some(pause(of(Tool::Snapshot)?) / pause(of(Tool::WholeFloor)?));
    let asked = "--snapshot: at most 3× the pause of the floor that reads whole stacks";
    add(asked.into(), to_whole(), Limit::AtMost(3.0));
    let to_eu_stack = || Some(pause(of(Tool::Glider)?) / time(Tool::EuStack)?);
    add("a pause of at most 0.25× the time of eu-stack".into(), to_eu_stack(), Limit::AtMost(0.25));
    bounds
}

/// Cost grows with what is shown, and not with what is not: 4 times the threads or frames take at most 4.5 times
/// the time (1.125 times for each), unrelated DWARF 1.2 times in all.
fn growth(smaller: &Row, larger: &Row, peers: &[Peer]) -> Option<Bound> {
    let time = |row: &Row| row.of(peers, Tool::Glider).map(seconds);
    let ratio = match (smaller.case.kind, larger.case.kind) {
        (
            Kind::Stacks { threads, frames, heap: 0, spin: false },
            Kind::Stacks { threads: more_threads, frames: more_frames, heap: 0, spin: false },
        ) if (threads == more_threads || frames == more_frames)
            && larger.case.frames > smaller.case.frames =>
        {
            larger.case.frames as f64 / smaller.case.frames as f64
        }
        (Kind::Large { .. }, Kind::Large { .. }) => 1.2 / 1.125,
        _ => return None,
    };
    let got = Some(()).and_then(|()| Some(time(larger)? / time(smaller)?)).unwrap_or(f64::NAN);
    let most = ratio * 1.125;
    let more = match larger.case.kind {
        Kind::Large { .. } => format!("{:.0}× the DWARF", larger.dwarf as f64 / smaller.dwarf as f64),
        _ => format!("{ratio:.0}× the frames"),
    };
    Some(Bound {
        target: format!("{} → {}", smaller.case.name, larger.case.name),
        asked: format!("{more} in at most {most:.3}× the time"),
        got,
        limit: Limit::AtMost(most),
    })
}
