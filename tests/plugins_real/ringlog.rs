//! The plugin for the sample server's log, statistics and state: the same assertions for its Rust and its C form.

use crate::process::{folder, install, repository, run, trace};
use sample_targets::{Build, Language, Optimisation, Program, Target, build};
use std::path::Path;
use std::process::Command;

/// The name under which glider looks for a plugin of the program `server`.
const PLUGIN: &str = "gimli_server.so";

fn install_rust(folder: &Path) {
    install("gimli-ringlog", PLUGIN, folder);
}

fn install_c(folder: &Path) {
    let top = repository();
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I"]);
    compiler.arg(top.join("plugin-api/include")).arg("-I").arg(top.join("sample-targets/c"));
    compiler.arg("-o").arg(folder.join(PLUGIN)).arg(top.join("plugins/ringlog/c/ringlog.c"));
    run(&mut compiler, "gcc");
}

fn server() -> Program {
    build(&Build::new(Language::C, Optimisation::O2, 5)).unwrap()
}

/// What the plugin prints of a server now.
fn section(target: &Target, install: fn(&Path)) -> String {
    let plugins = folder();
    install(plugins.path());
    let report = trace(target, &["--plugin-path", plugins.path().to_str().unwrap()]);
    report.assert_loaded(&[PLUGIN]);
    assert!(report.problems().is_empty(), "{:?}", report.problems());
    report.section(PLUGIN)
}

/// The texts of the log lines; that each begins with a time of day is checked.
fn log_lines(section: &str) -> Vec<&str> {
    let lines = section.lines().skip_while(|line| !line.starts_with("log:")).skip(1);
    let start_of_text = |line: &str| {
        let (time, _) = line.trim_start().split_once(' ').unwrap();
        let parts: Vec<u32> = time.split(':').map(|part| part.parse().unwrap()).collect();
        assert!(matches!(parts[..], [0..24, 0..60, 0..60]), "{time}");
        line.find(time).unwrap() + time.len() + 1
    };
    lines.map(|line| &line[start_of_text(line)..]).collect()
}

fn a_server_tells_what_it_did(install: fn(&Path)) {
    let target = Target::start(&server(), "server", &[]).unwrap();
    let fresh = section(&target, install);
    assert!(
        fresh.starts_with("state: STATE_LISTENING\nconnections: 0\nrequests: 0, 0 of them errors\n"),
        "{fresh}"
    );
    assert!(fresh.contains("log: the last 1 of 1 lines\n"), "{fresh}");
    assert_eq!(log_lines(&fresh), ["listening"]);

    let mut client = target.connect().unwrap();
    for (request, answer) in
        [("ping", "pong"), ("set colour blue", "ok"), ("get colour", "blue"), ("foo", "what?")]
    {
        assert_eq!(client.ask(request).unwrap(), answer);
    }
    let busy = section(&target, install);
    assert!(
        busy.starts_with("state: STATE_LISTENING\nconnections: 1\nrequests: 4, 1 of them errors\nbusy: "),
        "{busy}"
    );
    let lines = log_lines(&busy);
    assert_eq!(lines[0], "listening");
    assert!(lines[1].starts_with("connection ") && lines[1].ends_with(" opened"), "{busy}");
    let requests = ["request: ping", "request: set colour blue", "request: get colour", "request: foo"];
    assert_eq!(lines[2..], requests);

    // Six lines so far; with 60 more the ring of 32 has gone round.
    for number in 0..60 {
        assert_eq!(client.ask(&format!("get key-{number}")).unwrap(), "(none)");
    }
    let full = section(&target, install);
    assert!(full.contains("log: the last 32 of 66 lines\n"), "{full}");
    let last: Vec<String> = (28..60).map(|number| format!("request: get key-{number}")).collect();
    assert_eq!(log_lines(&full), last, "the oldest first");
}

#[test]
fn a_server_tells_what_it_did_in_rust() {
    a_server_tells_what_it_did(install_rust);
}

#[test]
fn a_server_tells_what_it_did_in_c() {
    a_server_tells_what_it_did(install_c);
}

/// A program with the server's globals, which holds nonsense in them.
fn corrupt_server(folder: &Path) -> Target {
    let source = folder.join("corrupt.c");
    std::fs::write(
        &source,
        r#"#include "service.h"
        #include <stdio.h>
        #include <string.h>
        #include <unistd.h>
        struct log_ring server_log;
        struct server_stats server_stats;
        enum server_state server_state;
        int main(void) {
            memset(&server_log, 0xff, sizeof server_log);
            memset(&server_state, 0x77, sizeof server_state);
            printf("ready %d\n", (int)getpid());
            fflush(stdout);
            for (;;) pause();
        }"#,
    )
    .unwrap();
    let program = folder.join("server");
    let mut compiler = Command::new("cc");
    compiler.args(["-g", "-I"]).arg(repository().join("sample-targets/c"));
    run(compiler.arg("-o").arg(&program).arg(&source), "gcc");
    Target::start_command(&mut Command::new(program), "corrupt").unwrap()
}

#[test]
fn what_is_corrupt_is_said_to_be() {
    let bench = folder();
    let target = corrupt_server(bench.path());
    for install in [install_rust, install_c] {
        let section = section(&target, install);
        let state = format!("state: {}, which is none: server_state is corrupt", 0x7777_7777);
        let log = format!("log: corrupt, the next line would be number {} of 32", u32::MAX);
        assert!(section.lines().any(|line| line == state), "{section}");
        assert!(section.lines().any(|line| line == log), "{section}");
        assert!(section.contains("requests: 0, 0 of them errors"), "{section}");
    }
}

/// A program that is called server, and is not ours.
#[test]
fn a_program_without_these_variables_costs_a_line_each() {
    let bench = folder();
    let program = bench.path().join("server");
    let source = bench.path().join("other.c");
    let text = "#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf(\"ready %d\\n\", (int)getpid()); fflush(stdout); for (;;) pause(); }\n";
    std::fs::write(&source, text).unwrap();
    run(Command::new("cc").arg("-o").arg(&program).arg(&source), "gcc");
    let target = Target::start_command(&mut Command::new(program), "other").unwrap();
    for install in [install_rust, install_c] {
        let plugins = folder();
        install(plugins.path());
        let section = trace(&target, &["--plugin-path", plugins.path().to_str().unwrap()]).section(PLUGIN);
        assert_eq!(section.lines().count(), 3, "{section}");
        for name in ["server_state", "server_stats", "server_log"] {
            assert!(section.lines().any(|line| line.contains(name)), "{section}");
        }
    }
}
