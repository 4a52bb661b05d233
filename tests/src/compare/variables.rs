//! Pairs the variables of one function by name and compares each pair.

use super::{note, values};
use crate::figures::{Figures, Place, Subject, Verdict};
use crate::trace::{Value, Variable};

/// Compares the variables of one function or inlined call.
///
/// A name may stand several times, in blocks inside each other or as Rust shadows them. Each of
/// gdb's takes the first of glider's with this name that is most like it: within one block gdb does
/// not keep the order of the debug information.
pub(super) fn compare(gdb: &[Variable], glider: &[Variable], place: &Place, figures: &mut Figures) {
    let mut theirs: Vec<&Variable> = gdb.iter().collect();
    let mut ours: Vec<&Variable> = glider.iter().collect();
    let likeness: [fn(&Variable, &Variable) -> bool; 4] = [
        |one, other| one.parameter == other.parameter && values::equal(&one.value, &other.value),
        |one, other| values::equal(&one.value, &other.value),
        |one, other| one.parameter == other.parameter,
        |_, _| true,
    ];
    for alike in likeness {
        theirs.retain(|variable| {
            let same = |other: &&Variable| other.name == variable.name && alike(variable, other);
            match ours.iter().position(same) {
                Some(at) => {
                    pair(variable, ours.remove(at), place, figures);
                    false
                }
                None => true,
            }
        });
    }
    for variable in theirs {
        // gdb lists what the abstract instance of an inlined function declares once more, also when
        // the concrete one has it or says that the pc is not in its block. It has no value for these.
        if has_no_value(&variable.value) {
            figures.names_without_value += 1;
            continue;
        }
        let name = variable.name.as_str();
        note(figures, Subject::VariableNames, Verdict::Missing, place, name, "-");
        let place = place.within(&format!(": {name}"));
        values::missing(&variable.value, &place, "no such variable", figures);
    }
    for variable in ours {
        note(figures, Subject::VariableNames, Verdict::Extra, place, "-", variable.name.as_str());
    }
}

fn pair(gdb: &Variable, glider: &Variable, place: &Place, figures: &mut Figures) {
    let place = place.within(&format!(": {}", gdb.name));
    figures.equal(Subject::VariableNames, 1);
    if gdb.parameter == glider.parameter {
        figures.equal(Subject::Parameters, 1);
    } else {
        let word = |parameter| if parameter { "parameter" } else { "local" };
        let (theirs, ours) = (word(gdb.parameter), word(glider.parameter));
        note(figures, Subject::Parameters, Verdict::Different, &place, theirs, ours);
    }
    values::compare(&gdb.value, &glider.value, &place, figures);
}

/// Whether gdb shows nothing of it: neither of the whole nor of any member.
fn has_no_value(value: &Value) -> bool {
    match value {
        Value::OptimizedOut => true,
        Value::Record(members) => members.iter().all(|member| has_no_value(&member.value)),
        _ => false,
    }
}
