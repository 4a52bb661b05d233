//! Builds a sample program and prints where it is, for scripts.

use sample_targets::{Build, Error, Language, Optimisation, build};
use std::process::ExitCode;

const USAGE: &str = "\
usage: sample-targets build c|cpp|rust [--opt O0|O1|O2|O3|Os] [--dwarf 2|3|4|5] [--compiler gcc|clang] [--flag FLAG]...
           builds that program and prints the path of its executable
       sample-targets list [c|cpp|rust]
           prints the scenarios of that program (of all) with the arguments that they take
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["build", language, options @ ..] => print_path(language, options),
        ["list"] => ["c", "cpp", "rust"].into_iter().try_for_each(print_scenarios),
        ["list", language] => print_scenarios(language),
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::UnknownName { .. }) => {
            eprintln!("sample-targets: {error}");
            ExitCode::from(64)
        }
        Err(error) => {
            eprintln!("sample-targets: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_path(language: &str, options: &[&str]) -> Result<(), Error> {
    let program = build(&parse_build(language, options)?)?;
    println!("{}", program.path().display());
    Ok(())
}

fn print_scenarios(language: &str) -> Result<(), Error> {
    let program = build(&parse_build(language, &[])?)?;
    for line in program.usage()?.lines() {
        println!("{language} {line}");
    }
    Ok(())
}

fn parse_build(language: &str, options: &[&str]) -> Result<Build, Error> {
    let mut build = Build::new(language.parse()?, Optimisation::O0, 5);
    for option in options.chunks(2) {
        match *option {
            ["--opt", level] => build.optimisation = level.parse()?,
            ["--dwarf", version] => build.dwarf = parse_version(version)?,
            ["--compiler", name] if build.language != Language::Rust => build.compiler = name.parse()?,
            ["--flag", flag] => build.flags.push(flag.to_string()),
            _ => return Err(unknown(&option.join(" "), "an option with its value")),
        }
    }
    Ok(build)
}

fn parse_version(word: &str) -> Result<u8, Error> {
    word.parse().map_err(|_| unknown(word, "a DWARF version"))
}

fn unknown(word: &str, expected: &'static str) -> Error {
    Error::UnknownName { word: word.to_string(), expected }
}
