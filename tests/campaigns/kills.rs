//! Kills: each of glider's processes is ended by SIGKILL at moments of chance. The target runs on, no
//! process of glider's is left, and whenever the keeper lives there is a report with every thread.

use super::processes::{self, Role};
use super::stage::{Random, Running, count, glider, not_let_go, settled, start, tell};
use sample_targets::{Build, Language, Optimisation, Program, Target, build};
use serde_json::Value as Json;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Kills of each kind of process, in the short form.
const SHORT: usize = 10;
/// Kills that go on at the same time, each with targets of its own: most of a trace is waiting.
const LANES: usize = 4;
/// Between two looks for a process that is to be killed.
const LOOK: Duration = Duration::from_micros(200);
/// Tries that one kill may take: a process may have ended before its moment comes.
const TRIES: usize = 50;
/// The user `nobody`, as most systems number it.
const NOBODY: u32 = 65534;
/// Threads of the targets, and whether they are of another user: glider's processes have other rights then
/// than the one that kills. Of five kills two each are of the smaller ones.
const SUBJECTS: [(usize, bool); 5] = [(1, false), (16, true), (256, true), (1, true), (16, false)];

/// What is killed, and how glider is run so that there is such a process.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    role: Role,
    plugin: bool,
    /// Threads that the target must have.
    least: usize,
}

const KINDS: [Kind; 5] = [
    Kind { name: "keeper", role: Role::Keeper, plugin: false, least: 1 },
    Kind { name: "opener", role: Role::Opener, plugin: false, least: 1 },
    Kind { name: "analyzer", role: Role::Analyzer, plugin: false, least: 1 },
    // The workers for 16 threads end before they can be met.
    Kind { name: "worker", role: Role::Worker, plugin: false, least: 256 },
    Kind { name: "plugin host", role: Role::Worker, plugin: true, least: 1 },
];

struct Subject {
    target: Target,
    threads: usize,
}

impl Subject {
    fn start(program: &Program, (threads, is_others): (usize, bool)) -> Subject {
        let mut command = Command::new(program.path());
        let (scenario, others) = match threads {
            1 => ("variables", Vec::new()),
            // The process's own thread is one of them.
            _ => ("many-threads", vec![(threads - 1).to_string(), "4".to_owned()]),
        };
        let user = (is_others && nix::unistd::geteuid().is_root()).then_some(NOBODY);
        Subject { target: start(&mut command, scenario, &others, user), threads }
    }
}

#[test]
fn no_target_suffers_when_a_process_of_glider_is_killed() {
    let program = build(&Build::new(Language::C, Optimisation::O2, 5)).unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let plugin = folder.path().join("gimli_libc.so");
    std::fs::copy(gimli_plugin_api::testing::library("gimli-libc").unwrap(), &plugin).unwrap();
    let kills = count("GIMLI_KILLS", SHORT);
    let findings: Vec<String> = std::thread::scope(|scope| {
        let lane = |lane: usize| {
            let (program, plugin) = (&program, &plugin);
            scope.spawn(move || kill_every_lanes(lane, kills, program, plugin))
        };
        let lanes: Vec<_> = (0..LANES).map(lane).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    assert!(findings.is_empty(), "{findings:#?}");
}

/// What came of the kills of one kind of process.
#[derive(Clone, Copy, Default)]
struct Tally {
    killed: usize,
    /// Reports that say what is missing.
    partial: usize,
}

/// Does every fourth of the kills, from `lane` on, of each kind in turn; gives what was found.
fn kill_every_lanes(lane: usize, kills: usize, program: &Program, plugin: &Path) -> Vec<String> {
    let subjects = SUBJECTS.map(|subject| Subject::start(program, subject));
    let mut random = Random(lane as u64);
    let mut findings = Vec::new();
    let mut longest = [[Duration::from_millis(30); SUBJECTS.len()]; KINDS.len()];
    let mut tallies = [Tally::default(); KINDS.len()];
    for (count, number) in (lane..kills).step_by(LANES).enumerate() {
        for ((kind, longest), tally) in KINDS.into_iter().zip(&mut longest).zip(&mut tallies) {
            let mut choice = number % SUBJECTS.len();
            while SUBJECTS[choice].0 < kind.least {
                choice = (choice + 1) % SUBJECTS.len();
            }
            let subject = &subjects[choice];
            let before = tally.killed;
            for _ in 0..TRIES {
                let trial = kill_once(kind, subject, plugin, &mut longest[choice], &mut random);
                tally.killed += usize::from(trial.killed);
                tally.partial += usize::from(trial.partial);
                for finding in trial.findings {
                    let finding =
                        format!("{} of a target with {} threads: {finding}", kind.name, subject.threads);
                    tell(&finding);
                    findings.push(finding);
                }
                if trial.killed {
                    break;
                }
            }
            assert!(tally.killed > before, "{}: none was there to be killed", kind.name);
        }
        if (count + 1) % 10 == 0 || number + LANES >= kills {
            let tallies = KINDS.iter().zip(tallies);
            let tallies =
                tallies.map(|(kind, tally)| format!("{} {}/{}", kind.name, tally.killed, tally.partial));
            tell(&format!("lane {lane}, kills/partial reports: {}", tallies.collect::<Vec<_>>().join(", ")));
        }
    }
    findings
}

#[derive(Default)]
struct Trial {
    killed: bool,
    partial: bool,
    findings: Vec<String>,
}

/// Runs glider and kills one of its processes at some moment of its life, unless that never comes.
/// `longest` is how long a run took at the most.
fn kill_once(
    kind: Kind,
    subject: &Subject,
    plugin: &Path,
    longest: &mut Duration,
    random: &mut Random,
) -> Trial {
    let mut command = glider();
    command.args(["--format", "json", "--timeout", "50", "--jobs", "3"]).process_group(0);
    match kind.plugin {
        true => command.arg("--plugin").arg(plugin),
        false => command.arg("--no-plugins"),
    };
    let began = Instant::now();
    let running = Running::start(command.arg(subject.target.pid().to_string()));
    let keeper = running.pid();
    let moment = longest.mul_f64(random.below(1000) as f64 / 1000.0);
    let nth = random.below(3);
    std::thread::sleep(moment);
    let mut trial = Trial::default();
    // The keeper is reaped below only, so until then its id is its own.
    while processes::lives(keeper) && !trial.killed {
        if let Some(pid) = processes::find(keeper, kind.role, nth) {
            let pid = nix::unistd::Pid::from_raw(pid);
            trial.killed = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).is_ok();
        }
        std::thread::sleep(LOOK);
    }
    let run = running.finish();
    if !trial.killed {
        *longest = began.elapsed().min(*longest + Duration::from_millis(200));
    }
    if let Some(finding) = not_let_go(&subject.target) {
        trial.findings.push(finding);
    }
    // Of the group that the keeper was the leader of nobody may be left.
    if !settled(|| processes::of_group(keeper).is_empty()) {
        trial.findings.push(format!("processes of glider are left: {:?}", processes::of_group(keeper)));
    }
    if kind.role != Role::Keeper {
        trial.partial = run.code == Some(1);
        match run.report() {
            _ if run.hung || !matches!(run.code, Some(0 | 1)) => {
                trial.findings.push(format!("exit code {:?}, hung: {}: {}", run.code, run.hung, run.error));
            }
            None => trial.findings.push(format!("no report: {}", run.error)),
            Some(report) => trial.findings.extend(lacks(&report, subject.threads, trial.partial)),
        }
    }
    trial
}

/// What a report lacks that it must have, whatever died.
fn lacks(report: &Json, threads: usize, partial: bool) -> Option<String> {
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let shown = list(&report["threads"]);
    if shown.len() != threads {
        return Some(format!("{} of {threads} threads in the report", shown.len()));
    }
    if let Some(thread) = shown.iter().find(|thread| list(&thread["frames"]).is_empty()) {
        return Some(format!("a thread without a frame in the report: {thread} {}", report["problems"]));
    }
    let is_told = !list(&report["problems"]).is_empty()
        || list(&report["plugins"]).iter().any(|plugin| !plugin["problem"].is_null());
    (partial && !is_told).then(|| "it is partial and does not say why".into())
}
