//! Pairs the variables of one function by name and compares each pair.

use super::{note, values};
use crate::figures::{Figures, Place, Subject, Verdict};
use crate::trace::Variable;

/// Compares the variables of one function or inlined call.
///
/// A name may stand several times, in blocks inside each other or as Rust shadows them. Each of
/// gdb's takes the first of glider's with this name and an equal value, else the first left over:
/// within one block the order of the debug information is not kept by gdb.
pub(super) fn compare(gdb: &[Variable], glider: &[Variable], place: &Place, figures: &mut Figures) {
    let mut left: Vec<&Variable> = glider.iter().collect();
    let mut unmatched = Vec::new();
    for variable in gdb {
        let equal = left
            .iter()
            .position(|other| other.name == variable.name && values::equal(&variable.value, &other.value));
        match equal {
            Some(at) => pair(variable, left.remove(at), place, figures),
            None => unmatched.push(variable),
        }
    }
    for variable in unmatched {
        match left.iter().position(|other| other.name == variable.name) {
            Some(at) => pair(variable, left.remove(at), place, figures),
            None => {
                let name = variable.name.as_str();
                note(figures, Subject::VariableNames, Verdict::Missing, place, name, "-");
                values::missing(
                    &variable.value,
                    &place.within(&format!(": {name}")),
                    "no such variable",
                    figures,
                );
            }
        }
    }
    for variable in left {
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
