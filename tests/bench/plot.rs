//! The time of each tool against threads, frames and DWARF, as an SVG: three panels, both axes logarithmic.

use crate::Row;
use crate::measure::median;
use crate::peers::{Peer, Tool};
use crate::targets::Kind;
use std::fmt::Write;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 30.0;
const PANEL: f64 = WIDTH + LEFT + 20.0;

/// Where a row stands on a panel's horizontal axis; `None` for a row of another panel.
type Place = fn(&Row) -> Option<f64>;

const PANELS: [(&str, Place); 3] = [
    ("threads, 26 frames each", |row| match row.case.kind {
        Kind::Stacks { threads, frames: 26, heap: 0, spin: false } => Some(f64::from(threads)),
        _ => None,
    }),
    ("frames of one thread", |row| match row.case.kind {
        Kind::Stacks { threads: 1, frames, heap: 0, .. } => Some(f64::from(frames)),
        _ => None,
    }),
    ("MB of DWARF, the same frames", |row| match row.case.kind {
        Kind::Large { .. } => Some(row.dwarf as f64 / f64::from(1 << 20)),
        _ => None,
    }),
];

/// The plot.
pub(crate) fn render(rows: &[Row], peers: &[Peer]) -> String {
    let (width, height) = (PANEL * PANELS.len() as f64, HEIGHT + TOP + 70.0);
    // Writing to a String cannot fail.
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"
    );
    for (index, (title, place)) in PANELS.into_iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate({} {TOP})\">", LEFT + PANEL * index as f64);
        panel(&mut svg, title, rows, peers, place);
        svg.push_str("</g>\n");
    }
    for (index, peer) in peers.iter().enumerate() {
        let x = LEFT + 150.0 * index as f64;
        let y = height - 12.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"2\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            y - 4.0,
            x + 20.0,
            y - 4.0,
            colour(peer.tool),
            x + 26.0,
            peer.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, title: &str, rows: &[Row], peers: &[Peer], place: Place) {
    let shown: Vec<(f64, &Row)> = rows.iter().filter_map(|row| Some((place(row)?, row))).collect();
    let milliseconds = |row: &Row, peer: usize| {
        row.figures.get(peer).map(|figures| median(&figures.times).as_secs_f64() * 1e3)
    };
    let times = shown.iter().flat_map(|(_, row)| (0..peers.len()).filter_map(|peer| milliseconds(row, peer)));
    let across = Axis::around(shown.iter().map(|(x, _)| *x), WIDTH);
    let up = Axis::around(times, HEIGHT);
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"-10\" font-weight=\"bold\">ms against {title}</text>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#888\"/>"
    );
    for power in across.powers() {
        let x = across.at(10f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{HEIGHT}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT + 15.0,
            10f64.powi(power)
        );
    }
    for power in up.powers() {
        let y = HEIGHT - up.at(10f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"0\" y1=\"{y:.1}\" x2=\"{WIDTH}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"-6\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            y + 4.0,
            10f64.powi(power)
        );
    }
    for (index, peer) in peers.iter().enumerate() {
        let points: Vec<String> = shown
            .iter()
            .filter_map(|(x, row)| {
                Some(format!("{:.1},{:.1}", across.at(*x), HEIGHT - up.at(milliseconds(row, index)?)))
            })
            .collect();
        let colour = colour(peer.tool);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        for point in &points {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
}

fn colour(tool: Tool) -> &'static str {
    match tool {
        Tool::Glider => "#d62728",
        Tool::Snapshot => "#ff9896",
        Tool::EuStack => "#1f77b4",
        Tool::Gdb => "#2ca02c",
        Tool::Lldb => "#9467bd",
        Tool::Floor => "#7f7f7f",
        Tool::WholeFloor => "#c7c7c7",
    }
}

/// A logarithmic axis.
struct Axis {
    low: f64,
    high: f64,
    length: f64,
}

impl Axis {
    /// From the power of ten below all values to the one above them.
    fn around(values: impl Iterator<Item = f64>, length: f64) -> Axis {
        let (low, high) =
            values.filter(|value| *value > 0.0).fold((f64::MAX, f64::MIN), |(low, high), value| {
                (low.min(value.log10()), high.max(value.log10()))
            });
        if low > high {
            Axis { low: 0.0, high: 1.0, length }
        } else {
            Axis { low: low.floor(), high: high.ceil().max(low.floor() + 1.0), length }
        }
    }

    fn at(&self, value: f64) -> f64 {
        (value.max(1e-9).log10() - self.low) / (self.high - self.low) * self.length
    }

    fn powers(&self) -> impl Iterator<Item = i32> {
        self.low as i32..=self.high as i32
    }
}
