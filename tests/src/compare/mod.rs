//! Walks gdb's trace and glider's together and counts what is equal.
//!
//! Threads meet by kernel thread id, frames by order and program counter, inlined calls by order
//! and name, variables by name. A frame that one of them lacks costs that frame, not those behind
//! it: the walk looks for the next program counter both have.

mod values;
mod variables;

use crate::figures::{Difference, Figures, Place, Subject, Verdict};
use crate::names::{same_file, same_function};
use crate::trace::{Call, End, Frame, Thread, Trace};

/// How many frames or calls ahead the next common one is looked for.
const LOOK_AHEAD: usize = 64;

/// Compares two traces of one process.
pub fn compare(gdb: &Trace, glider: &Trace) -> Figures {
    let mut figures = Figures::default();
    let find = |trace: &Trace, lwp| trace.threads.iter().position(|thread| thread.lwp == lwp);
    for thread in &gdb.threads {
        match find(glider, thread.lwp).and_then(|at| glider.threads.get(at)) {
            Some(ours) => {
                figures.equal(Subject::Threads, 1);
                threads(thread, ours, &mut figures);
            }
            None => {
                let place = Place { thread: thread.lwp, ..Place::default() };
                note(&mut figures, Subject::Threads, Verdict::Missing, &place, "has it", "has it not");
            }
        }
    }
    for thread in &glider.threads {
        if find(gdb, thread.lwp).is_none() {
            let place = Place { thread: thread.lwp, ..Place::default() };
            note(&mut figures, Subject::Threads, Verdict::Extra, &place, "has it not", "has it");
        }
    }
    figures
}

/// Counts one difference.
fn note(
    figures: &mut Figures,
    subject: Subject,
    verdict: Verdict,
    place: &Place,
    gdb: impl Into<String>,
    glider: impl Into<String>,
) {
    let difference =
        Difference { subject, verdict, place: place.clone(), gdb: gdb.into(), glider: glider.into() };
    figures.differ(1, difference);
}

/// Pairs two lists in order: (left, right), where `None` stands for one that the other has not.
///
/// Where they do not meet, the nearest place where they meet again decides what is left out.
fn align<'a, L, R>(
    left: &'a [L],
    right: &'a [R],
    same: impl Fn(&L, &R) -> bool,
) -> Vec<(Option<&'a L>, Option<&'a R>)> {
    let mut pairs = Vec::new();
    let (mut left, mut right) = (left, right);
    while let ([first, ..], [other, ..]) = (left, right) {
        let (skip_left, skip_right) = if same(first, other) {
            (0, 0)
        } else {
            // Nothing common ahead: the two heads stand for each other, different as they are.
            meeting(left, right, &same).unwrap_or((0, 0))
        };
        let (gone_left, rest_left) = left.split_at(skip_left);
        let (gone_right, rest_right) = right.split_at(skip_right);
        pairs.extend(gone_left.iter().map(|item| (Some(item), None)));
        pairs.extend(gone_right.iter().map(|item| (None, Some(item))));
        pairs.push((rest_left.first(), rest_right.first()));
        left = rest_left.get(1..).unwrap_or_default();
        right = rest_right.get(1..).unwrap_or_default();
    }
    pairs.extend(left.iter().map(|item| (Some(item), None)));
    pairs.extend(right.iter().map(|item| (None, Some(item))));
    pairs
}

/// How many to leave out on either side, as few as possible, so that the next ones are the same.
fn meeting<L, R>(left: &[L], right: &[R], same: impl Fn(&L, &R) -> bool) -> Option<(usize, usize)> {
    (1..=LOOK_AHEAD).find_map(|distance| {
        (0..=distance).find_map(|skip_left| {
            let skip_right = distance - skip_left;
            let (item, other) = (left.get(skip_left)?, right.get(skip_right)?);
            same(item, other).then_some((skip_left, skip_right))
        })
    })
}

fn threads(gdb: &Thread, glider: &Thread, figures: &mut Figures) {
    figures.deduced_frames += gdb.deduced as u64;
    let (mut theirs, mut ours) = (gdb.frames.as_slice(), glider.frames.as_slice());
    // Where one was asked for no more frames, the other's further ones are not compared.
    if gdb.end == End::Limit {
        ours = ours.get(..theirs.len()).unwrap_or(ours);
    }
    if glider.end == End::Limit {
        theirs = theirs.get(..ours.len()).unwrap_or(theirs);
    }
    let mut pairs = align(theirs, ours, |frame, other| frame.pc == other.pc);
    if matches!(gdb.end, End::Lost(_)) {
        // gdb knows of nothing behind its last frame, and says so.
        while let Some((None, Some(_))) = pairs.last() {
            pairs.pop();
            figures.frames_gdb_lost += 1;
        }
    }
    for (number, pair) in pairs.iter().enumerate() {
        let place = Place { thread: gdb.lwp, frame: Some(number), ..Place::default() };
        let name = |frame: &Frame| {
            let function = frame.calls.last().and_then(|call| call.function.as_deref());
            format!("{:#x} {}", frame.pc, function.unwrap_or("??"))
        };
        match *pair {
            (Some(frame), Some(other)) if frame.pc == other.pc => {
                figures.equal(Subject::Frames, 1);
                frames(frame, other, &place, figures);
            }
            (Some(frame), Some(other)) => {
                note(figures, Subject::Frames, Verdict::Different, &place, name(frame), name(other));
            }
            (Some(frame), None) => {
                note(figures, Subject::Frames, Verdict::Missing, &place, name(frame), "-");
            }
            (None, Some(other)) => {
                note(figures, Subject::Frames, Verdict::Extra, &place, "-", name(other));
            }
            (None, None) => {}
        }
    }
}

fn frames(gdb: &Frame, glider: &Frame, place: &Place, figures: &mut Figures) {
    if gdb.signal || glider.signal {
        if gdb.signal == glider.signal {
            figures.equal(Subject::SignalFrames, 1);
        } else {
            let verdict = if gdb.signal { Verdict::Missing } else { Verdict::Extra };
            let word = |signal| if signal { "signal frame" } else { "none" };
            note(figures, Subject::SignalFrames, verdict, place, word(gdb.signal), word(glider.signal));
        }
        // gdb has `<signal handler called>` here: no function, line or variable.
        return;
    }
    let (Some((function, inlined)), Some((other, other_inlined))) =
        (gdb.calls.split_last(), glider.calls.split_last())
    else {
        return;
    };
    let name_of = |call: &Call| call.function.clone().unwrap_or_else(|| "??".into());
    let name = name_of(function);
    calls(function, other, &place.within(&name), figures);
    for (call, other) in align(inlined, other_inlined, same_call) {
        match (call, other) {
            (Some(call), Some(other)) => {
                if same_call(call, other) {
                    figures.equal(Subject::InlinedCalls, 1);
                } else {
                    let verdict = Verdict::Different;
                    note(figures, Subject::InlinedCalls, verdict, place, name_of(call), name_of(other));
                }
                calls(call, other, &place.within(&format!("{name} inlined {}", name_of(call))), figures);
            }
            (Some(call), None) => {
                note(figures, Subject::InlinedCalls, Verdict::Missing, place, name_of(call), "-");
            }
            (None, Some(other)) => {
                note(figures, Subject::InlinedCalls, Verdict::Extra, place, "-", name_of(other));
            }
            (None, None) => {}
        }
    }
}

fn same_call(gdb: &Call, glider: &Call) -> bool {
    match (&gdb.function, &glider.function) {
        (Some(name), Some(other)) => same_function(name, gdb.linkage_name.as_deref(), other),
        (name, other) => name == other,
    }
}

fn calls(gdb: &Call, glider: &Call, place: &Place, figures: &mut Figures) {
    let function = gdb.function.clone();
    either(figures, Subject::Functions, place, function, glider.function.clone(), |_, _| {
        same_call(gdb, glider)
    });
    let file = gdb.files.first().cloned();
    either(figures, Subject::Files, place, file, glider.files.first().cloned(), |_, ours| {
        same_file(&gdb.files, ours)
    });
    let line = |line: Option<u64>| line.map(|line| line.to_string());
    either(figures, Subject::Lines, place, line(gdb.line), line(glider.line), |theirs, ours| {
        // gdb keeps the line of an inlined call (DW_AT_call_line) in 16 bits.
        let cut = glider.line.map(|line| (line % (1 << 16)).to_string());
        theirs == ours || cut.as_deref() == Some(theirs)
    });
    variables::compare(&gdb.variables, &glider.variables, place, figures);
}

/// Compares a fact that either tool may lack.
fn either(
    figures: &mut Figures,
    subject: Subject,
    place: &Place,
    gdb: Option<String>,
    glider: Option<String>,
    same: impl Fn(&str, &str) -> bool,
) {
    match (gdb, glider) {
        (Some(theirs), Some(ours)) if same(&theirs, &ours) => figures.equal(subject, 1),
        (Some(theirs), Some(ours)) => note(figures, subject, Verdict::Different, place, theirs, ours),
        (Some(theirs), None) => note(figures, subject, Verdict::Missing, place, theirs, "-"),
        (None, Some(ours)) => note(figures, subject, Verdict::Extra, place, "-", ours),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(left: &[u8], right: &[u8]) -> String {
        let letter = |item: Option<&u8>| item.map_or("-".into(), |item| char::from(*item).to_string());
        align(left, right, |a, b| a == b)
            .into_iter()
            .map(|(left, right)| letter(left) + &letter(right))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn lists_meet_again_behind_what_one_lacks() {
        assert_eq!(pairs(b"abc", b"abc"), "aa bb cc");
        assert_eq!(pairs(b"abc", b"ac"), "aa b- cc");
        assert_eq!(pairs(b"ac", b"abc"), "aa -b cc");
        assert_eq!(pairs(b"axc", b"ayc"), "aa x- -y cc");
        assert_eq!(pairs(b"ab", b"a"), "aa b-");
        assert_eq!(pairs(b"x", b"y"), "xy");
        assert_eq!(pairs(b"", b"y"), "-y");
    }
}
