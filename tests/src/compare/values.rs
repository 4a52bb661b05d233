//! Compares two values down to their scalars.

use crate::figures::{Difference, Figures, Place, Subject, Verdict};
use crate::text::same_float;
use crate::trace::{Member, Run, Value};

/// Elements glider must show of a byte array that it prints as numbers and not as a string: array
/// limits, not string limits, bound those.
const BYTES_AS_NUMBERS: usize = 32;

/// Compares gdb's value with glider's and counts every scalar.
pub(super) fn compare(gdb: &Value, glider: &Value, place: &Place, figures: &mut Figures) {
    match (gdb, glider) {
        // The reference has no value, or none that can be judged here.
        (Value::OptimizedOut | Value::Unreadable(_) | Value::Clobbered(_), other) => match other.leaves() {
            0 if matches!(gdb, Value::Clobbered(_)) => figures.clobbered += 1,
            0 => figures.no_value_in_both += 1,
            leaves => count(figures, leaves, Verdict::Extra, place, show(gdb), show(other)),
        },
        (Value::Uncompared(_), _) => {}
        (_, Value::OptimizedOut | Value::Unreadable(_) | Value::Clobbered(_) | Value::Uncompared(_)) => {
            missing(gdb, place, &show(glider), figures);
        }
        (Value::Record(members), Value::Record(others)) => record(members, others, place, figures),
        (Value::Array { length, runs }, Value::Array { length: other_length, runs: other_runs }) => {
            if length != other_length {
                let (theirs, ours) = (format!("length {length}"), format!("length {other_length}"));
                return count(figures, gdb.leaves().max(1), Verdict::Different, place, theirs, ours);
            }
            array(runs, other_runs, place, figures);
        }
        (Value::Array { runs, .. }, Value::Bytes { shown, .. }) if same_wide(runs, shown) => {
            figures.equal(Subject::Values, gdb.leaves());
        }
        _ if same_scalar(gdb, glider) => figures.equal(Subject::Values, 1),
        _ => count(figures, gdb.leaves().max(1), Verdict::Different, place, show(gdb), show(glider)),
    }
}

/// Whether a comparison of the two would find no difference.
pub(super) fn equal(gdb: &Value, glider: &Value) -> bool {
    let mut figures = Figures::default();
    compare(gdb, glider, &Place::default(), &mut figures);
    figures.differences.is_empty()
}

/// Counts every scalar of gdb's value as one glider does not have.
pub(super) fn missing(gdb: &Value, place: &Place, why: &str, figures: &mut Figures) {
    let leaves = gdb.leaves();
    if leaves > 0 {
        count(figures, leaves, Verdict::Missing, place, show(gdb), why.to_owned());
    }
}

fn count(figures: &mut Figures, leaves: u64, verdict: Verdict, place: &Place, gdb: String, glider: String) {
    let place = place.clone();
    figures.differ(leaves, Difference { subject: Subject::Values, verdict, place, gdb, glider });
}

/// Members meet by name; base classes and anonymous members, that have none, by order.
fn record(gdb: &[Member], glider: &[Member], place: &Place, figures: &mut Figures) {
    let mut left: Vec<&Member> = glider.iter().collect();
    for member in gdb {
        let place = place.within(&format!(".{}", name_of(member)));
        match left.iter().position(|other| other.name == member.name) {
            Some(at) => compare(&member.value, &left.remove(at).value, &place, figures),
            None => {
                // An empty structure counts too: it may be the variant of a Rust enum.
                let least = u64::from(member.value == Value::Record(Vec::new()));
                let leaves = member.value.leaves().max(least);
                if leaves > 0 {
                    let (theirs, ours) = (show(&member.value), "no such member".to_owned());
                    count(figures, leaves, Verdict::Missing, &place, theirs, ours);
                }
            }
        }
    }
    for member in left {
        let place = place.within(&format!(".{}", name_of(member)));
        let leaves = member.value.leaves().max(1);
        count(figures, leaves, Verdict::Extra, &place, "no such member".into(), show(&member.value));
    }
}

fn name_of(member: &Member) -> &str {
    member.name.as_deref().unwrap_or("<unnamed>")
}

/// Elements meet by index. glider is asked for more than gdb: those it does not show are missing.
fn array(gdb: &[Run], glider: &[Run], place: &Place, figures: &mut Figures) {
    for run in gdb {
        let place = place.within(&format!("[{}]", run.index));
        match element(glider, run.index) {
            Some(value) => compare(&run.value, value, &place, figures),
            None => missing(&run.value, &place, "element not shown", figures),
        }
    }
}

fn element(runs: &[Run], index: u64) -> Option<&Value> {
    runs.iter().find(|run| run.index <= index && index - run.index < run.count).map(|run| &run.value)
}

fn same_scalar(gdb: &Value, glider: &Value) -> bool {
    match (gdb, glider) {
        (Value::Number(number), Value::Number(other)) => number == other,
        (Value::Pointer(address), Value::Pointer(other)) => address == other,
        (Value::Float { text, size }, Value::Float { text: other, .. }) => same_float(text, other, *size),
        (Value::Bytes { shown, length }, Value::Bytes { shown: other, length: other_length }) => {
            length == other_length && same_bytes(shown, other, shown.len())
        }
        (Value::Bytes { shown, length }, Value::Array { length: other_length, runs }) => {
            let other: Option<Vec<u8>> =
                (0..shown.len() as u64).map_while(|index| element(runs, index)).map(byte).collect();
            length == other_length
                && other.is_some_and(|other| {
                    other.len() >= shown.len().min(BYTES_AS_NUMBERS) && shown.starts_with(&other)
                })
        }
        _ => false,
    }
}

/// Whether a string shows the characters of an array of wide ones, all of them or up to a zero.
fn same_wide(runs: &[Run], shown: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(shown) else {
        return false;
    };
    let mut characters = text.chars().map(u32::from);
    for run in runs {
        let Value::Number(number) = &run.value else {
            return false;
        };
        let character = characters.next();
        if character.map(|character| character.to_string()).as_ref() != Some(number) {
            return false;
        }
        if character == Some(0) {
            return true;
        }
    }
    true
}

/// Whether `other` is what a string shows of `bytes`: all of the first `wanted`, or up to a NUL.
fn same_bytes(bytes: &[u8], other: &[u8], wanted: usize) -> bool {
    let common = bytes.len().min(other.len());
    bytes.get(..common) == other.get(..common) && (other.len() >= wanted || other.last() == Some(&0))
}

fn byte(value: &Value) -> Option<u8> {
    match value {
        Value::Number(text) => {
            let number: i16 = text.parse().ok()?;
            u8::try_from(number).or_else(|_| i8::try_from(number).map(i8::cast_unsigned)).ok()
        }
        _ => None,
    }
}

/// The value for a line of the list of differences.
fn show(value: &Value) -> String {
    let mut text = match value {
        Value::Number(text) | Value::Float { text, .. } => text.clone(),
        Value::Pointer(address) => format!("{address:#x}"),
        Value::Bytes { shown, length } => format!("{length} bytes \"{}\"", shown.escape_ascii()),
        Value::Array { length, .. } => format!("array of {length}"),
        Value::Record(members) => {
            let names: Vec<_> = members.iter().map(name_of).collect();
            format!("{{{}}}", names.join(", "))
        }
        Value::OptimizedOut => "<optimized out>".into(),
        Value::Clobbered(register) => format!("<in {register}, which the call does not preserve>"),
        Value::Unreadable(why) => format!("<unreadable: {why}>"),
        Value::Uncompared(text) => text.clone(),
    };
    if let Some((end, _)) = text.char_indices().nth(120) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(text.into())
    }

    fn bytes(shown: &[u8], length: u64) -> Value {
        Value::Bytes { shown: shown.to_vec(), length }
    }

    fn member(name: Option<&str>, value: Value) -> Member {
        Member { name: name.map(Into::into), value }
    }

    fn runs(runs: &[(u64, u64, &str)]) -> Vec<Run> {
        runs.iter().map(|&(index, count, text)| Run { index, count, value: number(text) }).collect()
    }

    fn counts(gdb: &Value, glider: &Value) -> (u64, u64, u64, u64) {
        let mut figures = Figures::default();
        compare(gdb, glider, &Place::default(), &mut figures);
        let count = figures.count(Subject::Values);
        (count.equal, count.different, count.missing, count.extra)
    }

    #[test]
    fn scalars_are_equal_only_to_themselves() {
        assert_eq!(counts(&number("1"), &number("1")), (1, 0, 0, 0));
        assert_eq!(counts(&number("1"), &number("2")), (0, 1, 0, 0));
        assert_eq!(counts(&number("255"), &number("-1")), (0, 1, 0, 0));
        assert_eq!(counts(&Value::Pointer(16), &Value::Pointer(16)), (1, 0, 0, 0));
        assert_eq!(counts(&Value::Pointer(16), &Value::Pointer(17)), (0, 1, 0, 0));
        assert_eq!(counts(&Value::Pointer(16), &number("16")), (0, 1, 0, 0));
    }

    #[test]
    fn a_value_only_one_has_is_counted_for_it() {
        assert_eq!(counts(&number("1"), &Value::OptimizedOut), (0, 0, 1, 0));
        assert_eq!(counts(&number("1"), &Value::Unreadable("no".into())), (0, 0, 1, 0));
        assert_eq!(counts(&number("1"), &Value::Uncompared("integer many".into())), (0, 0, 1, 0));
        assert_eq!(counts(&Value::OptimizedOut, &number("1")), (0, 0, 0, 1));
        assert_eq!(counts(&Value::Clobbered("$rdi".into()), &number("1")), (0, 0, 0, 1));
        assert_eq!(counts(&Value::Clobbered("$rdi".into()), &Value::OptimizedOut), (0, 0, 0, 0));
        assert_eq!(counts(&Value::OptimizedOut, &Value::OptimizedOut), (0, 0, 0, 0));
    }

    #[test]
    fn a_record_is_its_members() {
        let gdb = Value::Record(vec![
            member(Some("a"), number("1")),
            member(None, Value::Record(vec![member(Some("u"), number("2"))])),
            member(Some("b"), number("3")),
        ]);
        assert_eq!(counts(&gdb, &gdb), (3, 0, 0, 0));
        assert_eq!(counts(&gdb, &Value::OptimizedOut), (0, 0, 3, 0));
        let glider = Value::Record(vec![
            member(Some("a"), number("1")),
            member(None, Value::Record(vec![member(Some("u"), number("9"))])),
            member(Some("c"), number("3")),
        ]);
        assert_eq!(counts(&gdb, &glider), (1, 1, 1, 1));
        let unit = Value::Record(vec![member(Some("None"), Value::Record(vec![]))]);
        let other = Value::Record(vec![member(Some("Some"), Value::Record(vec![]))]);
        assert_eq!(counts(&unit, &unit), (0, 0, 0, 0));
        assert_eq!(counts(&unit, &other), (0, 0, 1, 1));
    }

    #[test]
    fn elements_meet_by_index_folded_or_not() {
        let gdb =
            Value::Array { length: 4, runs: runs(&[(0, 1, "7"), (1, 1, "7"), (2, 1, "7"), (3, 1, "8")]) };
        let folded = |last| Value::Array { length: 4, runs: runs(&[(0, 3, "7"), (3, 1, last)]) };
        assert_eq!(counts(&gdb, &folded("8")), (4, 0, 0, 0));
        assert_eq!(counts(&gdb, &folded("9")), (3, 1, 0, 0));
        assert_eq!(counts(&gdb, &Value::Array { length: 4, runs: runs(&[(0, 3, "7")]) }), (3, 0, 1, 0));
        assert_eq!(counts(&gdb, &Value::Array { length: 5, runs: runs(&[(0, 5, "7")]) }), (0, 4, 0, 0));
    }

    #[test]
    fn wide_characters_are_equal_to_their_text() {
        let gdb = Value::Array { length: 3, runs: runs(&[(0, 1, "8364"), (1, 1, "0"), (2, 1, "7")]) };
        assert_eq!(counts(&gdb, &bytes("\u{20ac}\0".as_bytes(), 12)), (3, 0, 0, 0));
        assert_eq!(counts(&gdb, &bytes("\u{20ad}\0".as_bytes(), 12)), (0, 3, 0, 0));
        assert_eq!(counts(&gdb, &bytes("\u{20ac}".as_bytes(), 12)), (0, 3, 0, 0));
    }

    #[test]
    fn bytes_are_equal_up_to_the_nul_that_ends_the_text() {
        let gdb = bytes(b"ab\0junk\0", 8);
        assert_eq!(counts(&gdb, &bytes(b"ab\0", 8)), (1, 0, 0, 0));
        assert_eq!(counts(&gdb, &bytes(b"ab\0junk\0", 8)), (1, 0, 0, 0));
        assert_eq!(counts(&gdb, &bytes(b"a\0", 8)), (0, 1, 0, 0));
        assert_eq!(counts(&gdb, &bytes(b"ab", 8)), (0, 1, 0, 0));
        assert_eq!(counts(&gdb, &bytes(b"ab\0", 9)), (0, 1, 0, 0));
        let numbers = |last| Value::Array { length: 3, runs: runs(&[(0, 2, "1"), (2, 1, last)]) };
        assert_eq!(counts(&bytes(&[1, 1, 255], 3), &numbers("255")), (1, 0, 0, 0));
        assert_eq!(counts(&bytes(&[1, 1, 255], 3), &numbers("-1")), (1, 0, 0, 0));
        assert_eq!(counts(&bytes(&[1, 1, 255], 3), &numbers("2")), (0, 1, 0, 0));
    }
}
