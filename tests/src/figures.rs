//! What a comparison found: figures, and the differences behind them.

use std::collections::BTreeMap;
use std::fmt;

/// What is counted, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Threads, by their kernel thread id.
    Threads,
    /// Physical frames, by their program counter.
    Frames,
    /// Signal frames, marked as such.
    SignalFrames,
    /// Inlined calls, each in its frame and place.
    InlinedCalls,
    /// Names of the functions of frames and inlined calls.
    Functions,
    /// Source files.
    Files,
    /// Lines.
    Lines,
    /// Names of variables, in their frame or inlined call.
    VariableNames,
    /// Whether a variable is a parameter.
    Parameters,
    /// Scalars: whole variables, members, elements; a byte array is one.
    Values,
}

impl Subject {
    /// Every subject, in the order of the table.
    pub const ALL: [Subject; 10] = [
        Subject::Threads,
        Subject::Frames,
        Subject::SignalFrames,
        Subject::InlinedCalls,
        Subject::Functions,
        Subject::Files,
        Subject::Lines,
        Subject::VariableNames,
        Subject::Parameters,
        Subject::Values,
    ];

    /// The word the table has for it.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Threads => "threads",
            Subject::Frames => "frames",
            Subject::SignalFrames => "signal frames",
            Subject::InlinedCalls => "inlined calls",
            Subject::Functions => "function names",
            Subject::Files => "source files",
            Subject::Lines => "lines",
            Subject::VariableNames => "variable names",
            Subject::Parameters => "parameter or local",
            Subject::Values => "values",
        }
    }
}

/// How one thing of gdb's stands to glider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Both have it, equal.
    Equal,
    /// Both have it, not equal.
    Different,
    /// gdb has it, glider does not (for a value: says it is optimized out or unreadable).
    Missing,
    /// glider has it, gdb does not.
    Extra,
}

/// Where a difference lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What program was looked at; empty when there is but one.
    pub program: String,
    /// Kernel thread id.
    pub thread: i64,
    /// Physical frame, from 0.
    pub frame: Option<usize>,
    /// Function, variable, member: the same in whatever thread, frame or program.
    pub inside: String,
}

impl Place {
    /// A place inside this one: `more` is put behind it.
    pub fn within(&self, more: &str) -> Place {
        Place { inside: format!("{}{more}", self.inside), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.program.is_empty() {
            write!(f, "{} ", self.program)?;
        }
        write!(f, "LWP {}", self.thread)?;
        if let Some(frame) = self.frame {
            write!(f, " frame {frame}")?;
        }
        write!(f, " {}", self.inside)
    }
}

/// One difference, for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub subject: Subject,
    /// How.
    pub verdict: Verdict,
    /// Where.
    pub place: Place,
    /// What gdb has.
    pub gdb: String,
    /// What glider has.
    pub glider: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { subject, verdict, place, gdb, glider } = self;
        let verdict = match verdict {
            Verdict::Equal => "equal",
            Verdict::Different => "different",
            Verdict::Missing => "missing",
            Verdict::Extra => "extra",
        };
        write!(f, "{} {verdict} in {place}: gdb {gdb}, glider {glider}", subject.name())
    }
}

/// The counts of one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Equal in both.
    pub equal: u64,
    /// In both, not equal.
    pub different: u64,
    /// Only gdb has it.
    pub missing: u64,
    /// Only glider has it.
    pub extra: u64,
}

/// Differences kept for the reader; all are counted.
const KEPT: usize = 2000;

/// The counts of a comparison, or of several together.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    counts: BTreeMap<Subject, Count>,
    /// The first differences found.
    pub differences: Vec<Difference>,
    /// Tail-call frames gdb deduced from call sites: they stand on no stack and are not compared.
    pub deduced_frames: u64,
    /// Frames of glider past the place where gdb itself lost the stack.
    pub frames_gdb_lost: u64,
    /// Variables that gdb reads from a register although the frame made a call that does not preserve
    /// it (gdb then shows what some inner function left there), and for which glider has no value.
    pub clobbered: u64,
    /// Names that gdb lists, without a value, in addition to those in scope.
    pub names_without_value: u64,
    /// Variables and members for which neither has a value.
    pub no_value_in_both: u64,
}

impl Figures {
    /// Counts `count` equal things.
    pub fn equal(&mut self, subject: Subject, count: u64) {
        self.counts.entry(subject).or_default().equal += count;
    }

    /// Counts `count` things that differ, and keeps the difference for the reader.
    pub fn differ(&mut self, count: u64, difference: Difference) {
        let counts = self.counts.entry(difference.subject).or_default();
        match difference.verdict {
            Verdict::Equal => counts.equal += count,
            Verdict::Different => counts.different += count,
            Verdict::Missing => counts.missing += count,
            Verdict::Extra => counts.extra += count,
        }
        if self.differences.len() < KEPT {
            self.differences.push(difference);
        }
    }

    /// The counts of a subject.
    pub fn count(&self, subject: Subject) -> Count {
        self.counts.get(&subject).copied().unwrap_or_default()
    }

    /// How much of a subject is equal, from 0 to 1; 1 where there was nothing to compare.
    ///
    /// What only glider has counts against it, except for values: there gdb has none, and that
    /// may be gdb's lack as well as glider's invention; the table shows the number.
    pub fn ratio(&self, subject: Subject) -> f64 {
        let Count { equal, different, missing, extra } = self.count(subject);
        let extra = if subject == Subject::Values { 0 } else { extra };
        match equal + different + missing + extra {
            0 => 1.0,
            total => equal as f64 / total as f64,
        }
    }

    /// The subjects that fall short: of 1 for threads, of `threshold` for all others.
    pub fn short_of(&self, threshold: f64) -> Vec<Subject> {
        let least = |subject| if subject == Subject::Threads { 1.0 } else { threshold };
        Subject::ALL.into_iter().filter(|&subject| self.ratio(subject) < least(subject)).collect()
    }

    /// The differences, those that differ only in program, thread and frame as one: how many, and
    /// the first of them. The most frequent come first.
    pub fn grouped(&self) -> Vec<(usize, &Difference)> {
        let mut groups: Vec<(usize, &Difference)> = Vec::new();
        for difference in &self.differences {
            let same = groups.iter_mut().find(|(_, first)| {
                (first.subject, first.verdict, &first.place.inside, &first.gdb, &first.glider)
                    == (
                        difference.subject,
                        difference.verdict,
                        &difference.place.inside,
                        &difference.gdb,
                        &difference.glider,
                    )
            });
            match same {
                Some((count, _)) => *count += 1,
                None => groups.push((1, difference)),
            }
        }
        groups.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        groups
    }

    /// Adds the figures of another comparison.
    pub fn add(&mut self, other: &Figures) {
        for (&subject, count) in &other.counts {
            let sum = self.counts.entry(subject).or_default();
            sum.equal += count.equal;
            sum.different += count.different;
            sum.missing += count.missing;
            sum.extra += count.extra;
        }
        let room = KEPT.saturating_sub(self.differences.len());
        self.differences.extend(other.differences.iter().take(room).cloned());
        self.deduced_frames += other.deduced_frames;
        self.frames_gdb_lost += other.frames_gdb_lost;
        self.clobbered += other.clobbered;
        self.names_without_value += other.names_without_value;
        self.no_value_in_both += other.no_value_in_both;
    }
}

impl fmt::Display for Figures {
    /// A Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| compared with gdb  |   equal | different | missing | extra |   equal % |")?;
        writeln!(f, "|--------------------|--------:|----------:|--------:|------:|----------:|")?;
        for subject in Subject::ALL {
            let Count { equal, different, missing, extra } = self.count(subject);
            // Rounded down: 100.00 means all.
            let percent = (self.ratio(subject) * 10_000.0).floor() / 100.0;
            writeln!(
                f,
                "| {:<18} | {equal:>7} | {different:>9} | {missing:>7} | {extra:>5} | {percent:>7.2} % |",
                subject.name()
            )?;
        }
        writeln!(
            f,
            "\nNot compared: {} tail-call frames gdb deduced; {} frames past gdb's last; {} values gdb takes from \
             registers that a call has overwritten; {} names gdb repeats from abstract instances, without a \
             value; {} values neither has.",
            self.deduced_frames,
            self.frames_gdb_lost,
            self.clobbered,
            self.names_without_value,
            self.no_value_in_both
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(subject: Subject, verdict: Verdict) -> Difference {
        Difference { subject, verdict, place: Place::default(), gdb: "1".into(), glider: "2".into() }
    }

    #[test]
    fn every_verdict_lowers_the_ratio() {
        for verdict in [Verdict::Different, Verdict::Missing, Verdict::Extra] {
            let mut figures = Figures::default();
            figures.equal(Subject::Lines, 3);
            figures.differ(1, difference(Subject::Lines, verdict));
            assert_eq!(figures.ratio(Subject::Lines), 0.75, "{verdict:?}");
            assert_eq!(figures.short_of(0.99), [Subject::Lines]);
            assert_eq!(figures.short_of(0.75), []);
        }
    }

    #[test]
    fn one_thread_of_many_is_enough_to_fall_short() {
        let mut figures = Figures::default();
        figures.equal(Subject::Threads, 1_000_000);
        figures.differ(1, difference(Subject::Threads, Verdict::Missing));
        assert_eq!(figures.short_of(0.5), [Subject::Threads]);
        assert!(figures.to_string().contains("|   99.99 % |"));
    }

    #[test]
    fn a_value_gdb_lacks_is_shown_but_not_judged() {
        let mut figures = Figures::default();
        figures.equal(Subject::Values, 1);
        figures.differ(5, difference(Subject::Values, Verdict::Extra));
        assert_eq!(figures.ratio(Subject::Values), 1.0);
        assert_eq!(figures.count(Subject::Values).extra, 5);
    }

    #[test]
    fn a_difference_in_many_threads_is_told_once() {
        let mut figures = Figures::default();
        for thread in 0..3 {
            let mut difference = difference(Subject::Lines, Verdict::Different);
            difference.place.thread = thread;
            figures.differ(1, difference);
        }
        figures.differ(1, difference(Subject::Files, Verdict::Different));
        let counts: Vec<usize> = figures.grouped().iter().map(|(count, _)| *count).collect();
        assert_eq!(counts, [3, 1]);
    }

    #[test]
    fn sums_are_sums() {
        let mut one = Figures::default();
        one.equal(Subject::Frames, 2);
        one.differ(1, difference(Subject::Frames, Verdict::Different));
        let mut sum = Figures::default();
        sum.add(&one);
        sum.add(&one);
        assert_eq!(sum.count(Subject::Frames), Count { equal: 4, different: 2, missing: 0, extra: 0 });
        assert_eq!(sum.differences.len(), 2);
    }
}
