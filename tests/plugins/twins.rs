//! One plugin for the sample server in four languages: C against versions 1, 2 and 3 of the
//! interface, and Rust. What is asserted is the same for each.

use crate::module;
use crate::report::{Report, joined, text};
use gimli_plugin_api::testing::library;
use sample_targets::{Build, Client, Language, Optimisation, Program, Target, build};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

pub(crate) fn program() -> Program {
    build(&Build::new(Language::C, Optimisation::O0, 5)).unwrap()
}

/// A server with a client whose three requests it has answered.
pub(crate) fn server(program: &Program) -> (Target, Client) {
    let target = Target::start(program, "server", &[]).unwrap();
    let mut client = target.connect().unwrap();
    for (request, answer) in [("hello", "hello"), ("set colour blue", "ok"), ("ping", "pong")] {
        assert_eq!(client.ask(request).unwrap(), answer);
    }
    target.wait_until_blocked().unwrap();
    (target, client)
}

/// What each of the twins says of that server.
pub(crate) fn section(program: &Program) -> String {
    format!(
        "greeting: hello\nrequests: 3\nlatest: ping\nkeys: 1\nstate: 1\n\
         stats: 1 connections, 3 requests, 0 errors\nlog: 5 lines, first: listening\n{}`server_log+0x8\n",
        program.path().canonicalize().unwrap().display()
    )
}

fn c_twin(version: u32) -> PathBuf {
    let name = format!("server_v{version}");
    module::module(&module::folder("twins"), &name, &format!("gimli_{name}.so"), &[])
}

fn rust_twin() -> PathBuf {
    library("rust-twin").unwrap().canonicalize().unwrap()
}

/// Those that have hooks at threads and frames.
fn twins_with_frame_hooks() -> [PathBuf; 2] {
    [c_twin(2), rust_twin()]
}

/// Those that print values.
fn twins_with_printers() -> [PathBuf; 3] {
    [c_twin(2), c_twin(3), rust_twin()]
}

fn option(plugin: &Path) -> [&Path; 2] {
    ["--plugin".as_ref(), plugin]
}

#[test]
fn every_twin_tells_the_same_of_the_server() {
    let program = program();
    let (target, mut client) = server(&program);
    for (plugin, version) in
        [(c_twin(1), "1"), (c_twin(2), "2"), (c_twin(3), "3"), (rust_twin(), gimli_plugin_api::API_VERSION)]
    {
        let report = Report::of(target.pid(), &option(&plugin));
        assert_eq!(report.section(&plugin), section(&program), "{}", plugin.display());
        assert_eq!((report.code, report.problems().len()), (0, 0), "{:?}", report.problems());
        let entry = report.plugin(&plugin);
        assert_eq!(
            (entry["status"].as_str(), entry["api_version"].as_str()),
            (Some("loaded"), Some(version))
        );
        let text = text(target.pid(), &option(&plugin));
        let name = plugin.file_name().unwrap().to_str().unwrap();
        let indented: String = section(&program).lines().map(|line| format!("    {line}\n")).collect();
        assert!(text.contains(&format!("\nPlugin {name}\n{indented}")), "{text}");
    }
    assert_eq!(client.ask("ping").unwrap(), "pong", "the server runs on");
}

#[test]
fn twins_print_around_threads_and_frames_and_hide_frames() {
    let program = program();
    let (target, _client) = server(&program);
    let plain = Report::of(target.pid(), &["--no-plugins"]);
    assert_eq!(plain.threads().len(), 5);
    for plugin in twins_with_frame_hooks() {
        let report = Report::of(target.pid(), &option(&plugin));
        assert_eq!(report.problems(), [""; 0]);
        let mut connections = 0;
        for (thread, plain) in report.threads().iter().zip(plain.threads()) {
            let (id, frames) = (&thread["thread_id"], &plain["frame_count"]);
            assert_eq!(joined(&thread["text_before"], &plugin), format!("thread {id}: {frames} frames\n"));
            assert_eq!(joined(&thread["text_after"], &plugin), format!("end of thread {id}\n"));
            let functions = |thread: &Json| -> Vec<String> {
                let frames = thread["frames"].as_array().unwrap().iter();
                frames.map(|frame| frame["function"].as_str().unwrap_or("?").to_owned()).collect()
            };
            let mut expected = functions(plain);
            expected.retain(|function| function != "run_worker");
            assert_eq!(functions(thread), expected, "run_worker is hidden, and nothing else");
            for frame in thread["frames"].as_array().unwrap() {
                let (before, after) = match frame["function"].as_str() {
                    Some("serve_connection") => {
                        connections += 1;
                        ("int of 4 bytes is open: yes, service.c\n", "that was a connection\n")
                    }
                    _ => ("", ""),
                };
                assert_eq!(joined(&frame["text_before"], &plugin), before);
                assert_eq!(joined(&frame["text_after"], &plugin), after);
            }
        }
        assert_eq!(connections, 1);
        let text = text(target.pid(), &option(&plugin));
        assert!(text.contains("\n    int of 4 bytes is open: yes, service.c\n#"), "{text}");
        assert!(text.contains("\n    that was a connection\n"), "{text}");
    }
}

#[test]
fn twins_replace_values_at_any_depth_and_hide_variables() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    target.wait_until_blocked().unwrap();
    for plugin in twins_with_printers() {
        let report = text(target.pid(), &option(&plugin));
        // A variable, a member of a structure, an element of an array, what a pointer points at.
        for line in [
            "    point origin is (1|-1)\n",
            "        point corner is (1|2)\n        point size is (30|40)\n",
            "        point [0] is (0|0)\n        point [1] is (1|0)\n        point [2] is (1|1)\n",
        ] {
            assert!(report.contains(line), "{line} in {report}");
        }
        assert!(
            !report.contains("struct point origin") && !report.contains("struct point corner"),
            "{report}"
        );
        assert!(!report.contains(" unnamed"), "{report}");
        assert!(report.contains("struct wire_header header = {"), "others are as ever: {report}");
    }
    for plugin in twins_with_frame_hooks() {
        let report = text(target.pid(), &option(&plugin));
        assert!(report.contains("    }\n    that was the header\n"), "{report}");
    }
}
