//! The Rust sample: `sample_rust SCENARIO [ARGUMENT…]` prints `ready PID` and then blocks or faults.

mod faults;
mod frames;
mod process;
mod signals;
mod threads;
mod variables;
mod variables_std;
mod waits;

use std::process::ExitCode;

/// A scenario: its name, the arguments that it takes, what it does.
type Scenario = (&'static str, &'static str, fn(&[String]));

const TABLES: &[&[Scenario]] = &[
    faults::SCENARIOS,
    signals::SCENARIOS,
    frames::SCENARIOS,
    threads::SCENARIOS,
    waits::SCENARIOS,
    variables::SCENARIOS,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprintln!("usage: sample_rust SCENARIO [ARGUMENT…]");
        return ExitCode::from(64);
    };
    if name == "--list" {
        for (name, parameters, _) in TABLES.concat() {
            println!("{}", format!("{name} {parameters}").trim_end());
        }
        return ExitCode::SUCCESS;
    }
    let Some((_, _, run)) = TABLES.concat().into_iter().find(|(known, _, _)| known == name) else {
        eprintln!("no such scenario: {name}");
        return ExitCode::from(64);
    };
    process::prepare();
    run(rest);
    ExitCode::SUCCESS
}

/// The argument at `index` as a number from 1 to `most`, `otherwise` when it is absent or not such a number.
fn argument(arguments: &[String], index: usize, otherwise: usize, most: usize) -> usize {
    match arguments.get(index).map(|word| word.parse()) {
        Some(Ok(number)) if (1..=most).contains(&number) => number,
        _ => otherwise,
    }
}
