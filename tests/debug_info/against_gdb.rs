//! glider beside gdb, on samples built in one way.

use crate::GLIDER;
use gimli_tests::compare::compare;
use gimli_tests::figures::{Figures, Subject};
use gimli_tests::{gdb, glider};
use sample_targets::{Build, Target, build};
use std::path::Path;

/// What must be equal, except for threads, of which all must be.
const THRESHOLD: f64 = 0.99;
/// Differences printed when a figure falls short.
const SHOWN: usize = 100;

/// Fails when glider shows less than gdb of any scenario, each a name and its arguments, of a build.
pub(crate) fn agree(recipe: &Build, scenarios: &[&[&str]]) {
    let program = build(recipe).unwrap();
    let mut sum = Figures::default();
    for scenario in scenarios {
        let (name, arguments) = scenario.split_first().unwrap();
        let target = Target::start(&program, name, arguments).unwrap();
        target.wait_until_blocked().unwrap();
        let (pid, limits) = (target.pid().unsigned_abs(), gdb::Limits::default());
        let ours = glider::trace(Path::new(GLIDER), pid, &limits).unwrap();
        let mut figures = compare(&gdb::trace(pid, &limits).unwrap(), &ours);
        for difference in &mut figures.differences {
            difference.place.program = format!("{recipe} {}", scenario.join(" "));
        }
        sum.add(&figures);
    }
    println!("{recipe} {}\n\n{sum}", recipe.flags.join(" "));
    for (count, difference) in sum.grouped().into_iter().take(SHOWN) {
        println!("{count} × {difference}");
    }
    let short = sum.short_of(THRESHOLD);
    assert!(short.is_empty(), "{recipe} {} falls short in {short:?}", recipe.flags.join(" "));
    assert!(sum.count(Subject::Values).equal > 0, "no value was compared");
}
