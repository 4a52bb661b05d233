//! Mutants: a program runs from its good file, then bytes of the file's headers, tables and debug
//! information are changed under it, and it is traced. glider has to come to an end with a report, the
//! program to run on, and where symbol and unwind tables are as they were, every frame to have a name.
//!
//! A program is mutated in one of two ways. *In place*: it is started through the dynamic linker, so
//! that its file may be written to, and the very file that it has mapped changes. *Beside*: it is
//! stripped, and the file with its debug information changes, which `--debug-dir` leads to.

use super::regions::{self, Region};
use super::stage::{Random, Run, Running, count, glider, not_let_go, start, tell};
use object::{Object as _, ObjectSection as _};
use sample_targets::{Build, Language, Optimisation, Target, build};
use serde_json::Value as Json;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Mutants of the short form.
const SHORT: usize = 60;
/// From so many mutants on, every language is tried with every version of DWARF.
const MANY: usize = 1000;
/// glider's own limit, seconds: no mutant may make an analysis take that long.
const TIME_LIMIT: &str = "40";

/// Where the bytes are that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    InPlace,
    Beside,
}

/// A running program and the file that is mutated.
struct Subject {
    name: String,
    target: Target,
    file: File,
    bytes: Vec<u8>,
    regions: Vec<Region>,
    /// Options that lead glider to the file.
    options: Vec<String>,
    /// Addresses of the frames of each thread that have a name as long as the file is good.
    named: Vec<Vec<String>>,
    _folder: TempDir,
}

impl Subject {
    fn start(recipe: &Build, scenario: &str, way: Way) -> Subject {
        let program = build(recipe).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(program.path().parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            if path == program.path() || path.extension().is_some_and(|ending| ending == "so") {
                fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let copy = folder.path().join(program.path().file_name().unwrap());
        let (mut command, mutated, options) = match way {
            Way::InPlace => (through_the_linker(&copy), copy, Vec::new()),
            Way::Beside => {
                let debug = split_off(&copy, folder.path());
                let options = vec!["--debug-dir".into(), folder.path().display().to_string()];
                (Command::new(&copy), debug, options)
            }
        };
        let target = start(&mut command, scenario, &[], None);
        target.wait_until_blocked().unwrap();
        let bytes = fs::read(&mutated).unwrap();
        let regions = regions::find(&bytes);
        let file = File::options().write(true).open(&mutated).unwrap();
        let name = format!("{recipe} {scenario} {way:?}");
        let mut subject =
            Subject { name, target, file, bytes, regions, options, named: Vec::new(), _folder: folder };
        let run = subject.trace();
        let report = run.report().unwrap_or_else(|| panic!("{}: no report: {}", subject.name, run.error));
        assert_eq!(run.code, Some(0), "{}: {}{}", subject.name, report["problems"], run.error);
        subject.named = named_frames(&report);
        assert!(subject.named.iter().map(Vec::len).sum::<usize>() > 5, "{}", subject.name);
        subject.assert_the_file_is_read(&report);
        subject
    }

    fn trace(&self) -> Run {
        let mut command = glider();
        command.args(["--format", "json", "--no-plugins", "--timeout", TIME_LIMIT]).args(&self.options);
        Running::start(command.arg(self.target.pid().to_string())).finish()
    }

    /// A change of `main`'s name must be seen in the report, or else mutants would be of no use.
    fn assert_the_file_is_read(&self, good: &Json) {
        let is_debug = |region: &&Region| region.name.starts_with(".debug_");
        let within = |region: &Region| {
            let names = self.bytes[region.bytes.clone()].windows(5).enumerate();
            let start = region.bytes.start;
            names.filter(|(_, name)| name == b"main\0").map(|(at, _)| start + at).collect::<Vec<_>>()
        };
        let places: Vec<usize> = self.regions.iter().filter(is_debug).flat_map(within).collect();
        places.iter().for_each(|at| self.file.write_all_at(b"niam", *at as u64).unwrap());
        let changed = self.trace().report().unwrap();
        places.iter().for_each(|at| self.file.write_all_at(b"main", *at as u64).unwrap());
        assert!(good.to_string().contains("\"main\""), "{}", self.name);
        assert!(changed.to_string().contains("\"niam\""), "{}: the file is not read", self.name);
    }

    /// Traces a mutant; gives what is wrong, and how many frames had to have a name and had none.
    fn try_mutant(&self, mutant: &Mutant, figures: &mut Figures) -> Vec<String> {
        for (at, byte) in &mutant.changes {
            self.file.write_all_at(&[*byte], *at as u64).unwrap();
        }
        let run = self.trace();
        for (at, _) in &mutant.changes {
            self.file.write_all_at(&self.bytes[*at..=*at], *at as u64).unwrap();
        }
        let mut findings: Vec<String> = not_let_go(&self.target).into_iter().collect();
        if run.hung || !matches!(run.code, Some(0 | 1)) {
            findings.push(format!("exit code {:?}, hung: {}: {}", run.code, run.hung, run.error));
        }
        let Some(report) = run.report() else {
            findings.push("the report is no JSON".into());
            return findings;
        };
        findings.extend(failures(&report));
        figures.mutants += 1;
        if mutant.region.is_dispensable() {
            let now = named_frames(&report);
            let is_named = |thread: usize, pc: &String| now.get(thread).is_some_and(|pcs| pcs.contains(pc));
            let all =
                self.named.iter().enumerate().flat_map(|(index, pcs)| pcs.iter().map(move |pc| (index, pc)));
            let expected = all.clone().count();
            let named = all.filter(|(thread, pc)| is_named(*thread, pc)).count();
            figures.expected += expected;
            figures.named += named;
            if named < expected {
                figures.unnamed.push(format!(
                    "{} of {expected} frames: {}",
                    expected - named,
                    mutant.describe(self)
                ));
            }
        }
        findings
    }
}

/// A change to a file.
struct Mutant<'a> {
    number: usize,
    region: &'a Region,
    changes: Vec<(usize, u8)>,
}

impl Mutant<'_> {
    /// The mutant with this number: always the same for the same file.
    fn make(number: usize, subject: &Subject) -> Mutant<'_> {
        let mut random = Random(number as u64);
        let region = &subject.regions[random.below(subject.regions.len())];
        let places = [1, 1, 2, 4, 16, 64][random.below(6)];
        let mut changes = Vec::new();
        for _ in 0..places {
            let at = region.bytes.start + random.below(region.bytes.len());
            let was = subject.bytes[at];
            let byte = match random.below(6) {
                0 => was ^ (1 << random.below(8)),
                1 => 0,
                2 => 0xff,
                3 => [0x7f, 0x80, 1][random.below(3)],
                4 => was.wrapping_add(if random.below(2) == 0 { 1 } else { 0xff }),
                _ => random.next() as u8,
            };
            // A number of several bytes becomes a very large one only when all of them change.
            let run = if random.below(4) == 0 { 8 } else { 1 };
            changes.extend((at..region.bytes.end.min(at + run)).map(|at| (at, byte)));
        }
        Mutant { number, region, changes }
    }

    fn describe(&self, subject: &Subject) -> String {
        let first = &self.changes[..self.changes.len().min(8)];
        format!("mutant {} of {}, {}: bytes {first:x?}", self.number, subject.name, self.region.name)
    }
}

#[derive(Default)]
struct Figures {
    mutants: usize,
    expected: usize,
    named: usize,
    /// The mutants that cost a frame its name.
    unnamed: Vec<String>,
}

#[test]
fn mutated_files_of_running_programs_cost_neither_the_report_nor_the_program() {
    let mutants = count("GIMLI_MUTANTS", SHORT);
    let subjects = subjects(mutants >= MANY);
    // One mutant alone, by its number.
    let only = std::env::var("GIMLI_MUTANT").ok().map(|number| number.parse::<usize>().unwrap());
    let mut figures = Figures::default();
    let mut findings = Vec::new();
    for number in only.map_or(0..mutants, |number| number..number + 1) {
        let subject = &subjects[number % subjects.len()];
        let mutant = Mutant::make(number, subject);
        for finding in subject.try_mutant(&mutant, &mut figures) {
            let finding = format!("{}: {finding}", mutant.describe(subject));
            tell(&finding);
            findings.push(finding);
        }
        if number % 500 == 499 {
            tell(&format!("{} mutants, {} findings", number + 1, findings.len()));
        }
    }
    figures.unnamed.iter().for_each(|line| tell(line));
    tell(&format!(
        "{} mutants of {} programs: {} findings; {} of {} frames named",
        figures.mutants,
        subjects.len(),
        findings.len(),
        figures.named,
        figures.expected
    ));
    assert!(findings.is_empty(), "{findings:#?}");
    let share = figures.named as f64 / figures.expected as f64;
    assert!(share >= 0.999, "{} of {} frames named: {:#?}", figures.named, figures.expected, figures.unnamed);
}

/// The programs that are mutated: few, or all languages with all versions of DWARF.
fn subjects(all: bool) -> Vec<Subject> {
    use Language::{C, Cpp, Rust};
    use Optimisation::{O0, O2};
    let few = [
        (C, O2, 5, "variables", Way::InPlace),
        (C, O2, 2, "deadlock", Way::Beside),
        (Cpp, O0, 4, "variables", Way::InPlace),
        (Cpp, O2, 3, "inlined", Way::Beside),
        (Rust, O2, 5, "deadlock", Way::InPlace),
    ];
    let mut chosen = few.to_vec();
    if all {
        chosen.clear();
        for dwarf in 2..=5 {
            for (language, level) in [(C, O0), (C, O2), (Cpp, O0), (Cpp, O2)] {
                chosen.push((language, level, dwarf, "variables", Way::InPlace));
                chosen.push((language, level, dwarf, "deadlock", Way::Beside));
            }
            chosen.push((Rust, O0, dwarf, "variables", Way::InPlace));
            chosen.push((Rust, O2, dwarf, "deadlock", Way::InPlace));
        }
    }
    let start = |(language, level, dwarf, scenario, way)| {
        Subject::start(&Build::new(language, level, dwarf), scenario, way)
    };
    chosen.into_iter().map(start).collect()
}

/// The command that starts a program through its dynamic linker, all functions bound at the start: the
/// kernel lets nobody write to the file that a program was started from, and this one is only mapped.
fn through_the_linker(program: &Path) -> Command {
    let bytes = fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let linker = file.section_by_name(".interp").unwrap().data().unwrap().strip_suffix(b"\0").unwrap();
    let mut command = Command::new(str::from_utf8(linker).unwrap());
    command.arg(program).env("LD_BIND_NOW", "1");
    command
}

/// Strips a program, its debug information put where `--debug-dir FOLDER` finds it.
fn split_off(program: &Path, folder: &Path) -> PathBuf {
    let bytes = fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let id: String = file.build_id().unwrap().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let below = folder.join(".build-id").join(&id[..2]);
    fs::create_dir_all(&below).unwrap();
    let debug = below.join(format!("{}.debug", &id[2..]));
    run("objcopy", &["--only-keep-debug".as_ref(), program, &debug]);
    run("strip", &[program]);
    debug
}

fn run(program: &str, arguments: &[&Path]) {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("cannot run {program}: {error} (Debian package: binutils)"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// For each thread the addresses of the frames that have a function's name.
fn named_frames(report: &Json) -> Vec<Vec<String>> {
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let is_named = |frame: &Json| frame["function"].as_str().is_some_and(|name| !name.is_empty());
    let named = |thread: &Json| {
        let frames = list(&thread["frames"]).into_iter().filter(is_named);
        frames.map(|frame| frame["offset"].as_str().unwrap_or_default().to_owned()).collect()
    };
    list(&report["threads"]).iter().map(named).collect()
}

/// What the report says of an analysis that did not come to its end.
fn failures(report: &Json) -> Vec<String> {
    let problems = report["problems"].as_array().cloned().unwrap_or_default();
    let is_failure =
        |text: &&str| ["ended early", "time limit", "left out"].iter().any(|words| text.contains(words));
    problems.iter().filter_map(Json::as_str).filter(is_failure).map(str::to_owned).collect()
}
