//! The same elements and values as gdb's, for each variable of a program.

use crate::compare::difference;
use crate::program::{compile, compile_with, glider, plugin, start, trace, values, words};
use gimli_plugin_api::testing::{Report, Target};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Every variable of every frame, as gdb shows it with the library's own pretty printers.
fn gdb(target: &Target) -> Value {
    let script = format!("{}/tests/real/neutral.py", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("gdb")
        // Where it leaves a core of itself when it fails.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(["-batch", "-nx", "-iex", "set auto-load safe-path /", "-iex", "set debuginfod enabled off"])
        .args(["-p", &target.pid().to_string(), "-x", &script])
        .output()
        .unwrap_or_else(|error| panic!("gdb: {error} (Debian package gdb)"));
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("NEUTRAL "));
    let line = line.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    let found: Value = serde_json::from_str(line).unwrap();
    let kinds = [&found["hold_sequences"]["numbers"]["kind"], &found["hold_deep"]["words"]["kind"]];
    assert!(
        kinds.contains(&&Value::from("array")) || kinds.contains(&&Value::from("map")),
        "gdb has no pretty printers for libstdc++ (Debian package libstdc++6)"
    );
    found
}

/// Variables that were compared.
fn compare(report: &Report, gdb: &Value) -> usize {
    let mut compared = 0;
    let mut differences = Vec::new();
    for (function, variables) in gdb.as_object().unwrap() {
        for (name, theirs) in variables.as_object().unwrap() {
            // gdb has a printer for neither functions nor times, and fails on a view of nothing.
            let is_unknown = theirs["fields"].get("_M_invoker").is_some()
                || theirs["fields"].get("__r").is_some()
                || theirs["fields"].get("__d").is_some();
            if is_unknown || name == "no_view" {
                continue;
            }
            let ours = report.variable(function, name).map_or(&Value::Null, |variable| &variable["value"]);
            differences.extend(difference(theirs, ours, &format!("{function}: {name}")).err());
            compared += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    compared
}

/// What gdb has no words for.
fn check_the_rest(report: &Report) {
    let words = |name| words(report, "hold_others", name);
    assert_eq!(words("no_function"), "std::function, empty");
    assert_eq!(words("of_pointer"), "std::function of twice");
    assert!(words("of_lambda").starts_with("std::function of hold_others(int)::"), "{}", words("of_lambda"));
    assert_eq!(words("duration"), "1500 ms");
    assert_eq!(words("moment"), "1700000000000000000 ns since the epoch of std::chrono::system_clock");
    assert_eq!(crate::program::words(report, "hold_strings", "no_view"), "\"\"");
}

/// Traces and compares.
fn check(program: &PathBuf) {
    let target = start(program, &[]);
    let report = trace(glider().plugin(plugin()), &target);
    assert_eq!(compare(&report, &gdb(&target)), 72);
    check_the_rest(&report);
}

#[test]
fn every_value_is_what_gdb_shows() {
    check(values());
}

#[test]
fn every_value_is_what_gdb_shows_when_optimised() {
    check(&compile("values.cpp", "values_2", &["-O2"]));
}

#[test]
fn every_value_is_what_gdb_shows_of_the_older_interface() {
    // Strings that share their characters, and lists that do not know their length.
    check(&compile("values.cpp", "values_old", &["-O0", "-D_GLIBCXX_USE_CXX11_ABI=0"]));
}

#[test]
fn every_value_is_what_gdb_shows_in_a_32_bit_program() {
    check(&compile("values.cpp", "values_32", &["-O0", "-m32"]));
    check(&compile("values.cpp", "values_32_old", &["-O2", "-m32", "-D_GLIBCXX_USE_CXX11_ABI=0"]));
}

#[test]
fn containers_in_containers_are_what_gdb_shows_however_long_their_names() {
    for (name, options) in [("deep_0", ["-O0", "-gdwarf-5"]), ("deep_2", ["-O2", "-gdwarf-4"])] {
        let target = start(&compile("deep.cpp", name, &options), &[]);
        let report = trace(glider().plugin(plugin()).option("--max-depth=16"), &target);
        assert_eq!(compare(&report, &gdb(&target)), 8);
    }
}

#[test]
fn a_program_of_clang_shows_the_same() {
    // gdb's printers fail on many of clang's types: the report is compared with that of g++'s program.
    let program = compile_with("clang++", "clang", "values.cpp", "values_clang", &["-O0"]);
    let target = start(&program, &[]);
    let report = trace(glider().plugin(plugin()), &target);
    let reference = start(values(), &[]);
    assert_eq!(compare(&report, &relocated(gdb(&reference), &report)), 72);
    check_the_rest(&report);
}

/// gdb's view of one process, with the pointers of another: they are the only values that differ.
fn relocated(mut gdb: Value, report: &Report) -> Value {
    for (function, variables) in gdb.as_object_mut().unwrap() {
        for (name, value) in variables.as_object_mut().unwrap() {
            let Some(ours) = report.variable(function, name) else { continue };
            let ours = &ours["value"];
            for list in ["children", "items"] {
                let parts = value.get_mut(list).and_then(Value::as_array_mut);
                for (index, part) in parts.into_iter().flatten().enumerate() {
                    let Some(address) = part.get("address").filter(|address| *address != "nil") else {
                        continue;
                    };
                    assert!(address.is_string());
                    let member = &ours["members"][index]["value"]["text"];
                    let listed = ours["text"].as_str().and_then(|text| text.split_once(": {"));
                    let listed =
                        listed.and_then(|(_, list)| list.split(", ").nth(index)?.split([' ', '}']).next());
                    part["address"] = listed.map_or_else(|| member.clone(), Value::from);
                }
            }
        }
    }
    gdb
}
