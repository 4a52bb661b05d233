//! A server that answers requests all the while is traced again and again: it answers each of them, and
//! neither in it nor beside it is anything left of the traces.

use super::processes;
use super::stage::{Running, count, glider, not_let_go, settled, start, tell};
use sample_targets::{Build, Client, Language, Optimisation, Target, build};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Traces of the short form.
const SHORT: usize = 30;
/// Clients at a time: the server has four workers.
const CLIENTS: usize = 3;
/// Traces until the server's own memory no longer grows.
const WARM: usize = 5;
/// What the allocator of the server may still do meanwhile, KiB.
const SLACK: u64 = 512;

#[test]
fn a_busy_server_answers_every_request_and_keeps_nothing_of_its_traces() {
    let program = build(&Build::new(Language::C, Optimisation::O2, 5)).unwrap();
    let target = start(&mut Command::new(program.path()), "server", &[], None);
    let traces = count("GIMLI_TRACES", SHORT);
    let done = AtomicBool::new(false);
    let mut before = None;
    let (answered, findings) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let (client, done) = (target.connect().unwrap(), &done);
                scope.spawn(move || ask(client, index, done))
            })
            .collect();
        let mut findings = Vec::new();
        for number in 0..traces {
            if number == WARM.min(traces - 1) {
                before = Some(Holdings::of(target.pid()));
            }
            findings.extend(trace(&target));
        }
        done.store(true, Ordering::SeqCst);
        let answered: Vec<u64> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (answered, findings)
    });
    let (before, after) = (before.unwrap(), Holdings::of(target.pid()));
    tell(&format!("{traces} traces, {answered:?} requests answered; before {before:?}, after {after:?}"));
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(answered.iter().all(|count| *count >= traces as u64), "the server was not busy: {answered:?}");
    // The clients have gone: their connections are no more among the descriptors.
    assert!(after.descriptors <= before.descriptors, "{before:?} {after:?}");
    assert_eq!((before.threads, before.children), (after.threads, after.children));
    assert!(after.memory <= before.memory + SLACK, "{before:?} {after:?}");
}

/// A client: one request after the other, each answered as it must be, until all is done.
fn ask(mut client: Client, index: usize, done: &AtomicBool) -> u64 {
    let mut answered = 0;
    while !done.load(Ordering::SeqCst) {
        let value = (answered % 10).to_string();
        client.ask(&format!("set key{index} {value}")).unwrap();
        assert_eq!(client.ask(&format!("get key{index}")).unwrap(), value);
        assert_eq!(client.ask("ping").unwrap(), "pong");
        answered += 3;
        // The machine is not the server's alone.
        std::thread::sleep(Duration::from_millis(1));
    }
    answered
}

/// One trace; gives what is wrong.
fn trace(target: &Target) -> Vec<String> {
    let mut command = glider();
    let command = command.args(["--format", "json", "--no-plugins"]).arg(target.pid().to_string());
    let running = Running::start(command.process_group(0));
    let group = running.pid();
    let run = running.finish();
    let mut findings: Vec<String> = not_let_go(target).into_iter().collect();
    let report = run.report().unwrap_or_default();
    if run.code != Some(0) || run.hung {
        findings.push(format!("exit code {:?}: {} {}", run.code, report["problems"], run.error));
    }
    if !settled(|| processes::of_group(group).is_empty()) {
        findings.push(format!("processes of glider are left: {:?}", processes::of_group(group)));
    }
    findings
}

/// What the kernel says that a process holds.
#[derive(Debug)]
struct Holdings {
    descriptors: usize,
    threads: usize,
    children: usize,
    /// Anonymous memory, KiB.
    memory: u64,
}

impl Holdings {
    fn of(pid: i32) -> Holdings {
        let entries = |folder: &str| fs::read_dir(format!("/proc/{pid}/{folder}")).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let memory =
            status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
        Holdings {
            descriptors: entries("fd"),
            threads: entries("task"),
            children: super::processes::children(pid).len(),
            memory: memory.unwrap().trim().parse().unwrap(),
        }
    }
}
