//! Which plugins are found for a process, where, and which of them are refused.

use crate::module;
use crate::report::{Report, text};
use sample_targets::Target;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of the test's own, empty: what an earlier run left there would be found.
fn empty_folder(name: &str) -> PathBuf {
    let folder = module::folder(name);
    fs::remove_dir_all(&folder).unwrap();
    module::folder(name)
}

fn start(program: &Path) -> Target {
    let target = Target::start_command(&mut Command::new(program), "target").unwrap();
    target.wait_until_blocked().unwrap();
    target
}

fn discovered(folder: &Path, name: &str) -> PathBuf {
    module::module(folder, "discovered", name, &[&format!("-DNAME=\"{name}\"")])
}

fn list<A: AsRef<std::ffi::OsStr>>(pid: i32, arguments: &[A]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    let output = command
        .env_remove("GIMLI_PLUGIN_PATH")
        .arg("plugins")
        .args(arguments)
        .arg(pid.to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn plugins_are_found_by_section_symbol_and_name_in_this_order() {
    for (form, options) in [("array", &[] as &[&str]), ("pointer", &["-DAS_POINTER"])] {
        let folder = empty_folder(&format!("found-{form}"));
        let target = start(&module::target(&folder, "target.2", options));
        let plugins: Vec<PathBuf> = ["gimli_by_section.so", "gimli_by_symbol.so", "gimli_target.so"]
            .map(|name| discovered(&folder, name))
            .into();
        let report = Report::of(target.pid(), &[] as &[&str]);
        let object = folder.join("target.2");
        let listed: Vec<(&str, &str)> = report.json["plugins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|plugin| (plugin["found_by"].as_str().unwrap(), plugin["status"].as_str().unwrap()))
            .collect();
        let expected =
            [("section", "loaded"), ("symbol", "loaded"), ("name", "loaded"), ("section", "not_found")];
        assert_eq!(listed, expected, "{form}");
        for plugin in &plugins {
            let name = plugin.file_name().unwrap().to_str().unwrap();
            assert_eq!(report.section(plugin), format!("{name} for {}\n", object.display()));
        }
        let order: Vec<&str> = report.json["plugin_output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text["plugin"].as_str().unwrap())
            .collect();
        assert_eq!(order, ["gimli_by_section.so", "gimli_by_symbol.so", "gimli_target.so"]);
        // What a process asks for and is not there is said; it makes the report no less complete.
        assert_eq!(report.code, 0);
        let problems = report.problems();
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains("gimli_not_there.so") && problem.contains("not found"))
        );
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains("../gimli_elsewhere") && problem.contains("not a path"))
        );
        assert_eq!(problems.len(), 2, "{problems:?}");
        let none = Report::of(target.pid(), &["--no-plugins"]);
        assert!(none.problems().is_empty() && none.json["plugins"].as_array().unwrap().is_empty());
    }
}

#[test]
fn the_folder_of_the_object_comes_before_those_of_the_user() {
    let folder = empty_folder("order");
    let (beside, one, two) = (folder.join("beside"), folder.join("one"), folder.join("two"));
    for folder in [&beside, &one, &two] {
        fs::create_dir(folder).unwrap();
    }
    let target = start(&module::target(&beside, "target", &[]));
    let path = format!("--plugin-path={}:{}", one.display(), two.display());
    let loaded = || {
        let report = Report::of(target.pid(), &[path.as_str()]);
        report.json["plugins"][0]["path"].as_str().unwrap().to_owned()
    };
    for folder in [&two, &one, &beside] {
        let plugin = discovered(folder, "gimli_by_section.so");
        assert_eq!(loaded(), plugin.to_str().unwrap());
    }
    // One plugin under two names of one file is one plugin.
    fs::hard_link(beside.join("gimli_by_section.so"), beside.join("gimli_target.so")).unwrap();
    let report = Report::of(target.pid(), &[path.as_str()]);
    assert_eq!(report.json["plugin_output"].as_array().unwrap().len(), 1);
}

#[test]
fn paths_may_be_relative_to_the_working_directory() {
    let folder = empty_folder("relative");
    let target = start(&module::target(&empty_folder("relative/program"), "target", &[]));
    discovered(&folder, "gimli_target.so");
    for (arguments, expected) in [
        (&["--plugin", "gimli_target.so"] as &[&str], "gimli_target.so for "),
        (&["--plugin", "./program/../gimli_target.so"], "gimli_target.so for "),
        (&["--plugin-path", "."], "gimli_target.so for "),
        (&["--plugin", "./gimli_none.so"], "relative/gimli_none.so for "),
    ] {
        let mut glider = Command::new(env!("CARGO_BIN_EXE_glider"));
        let pid = target.pid().to_string();
        let output = glider.current_dir(&folder).args(arguments).arg(pid).output().unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.contains(expected), "{arguments:?}: {report}");
        assert!(!report.contains("not loaded"), "{report}");
    }
}

#[test]
fn what_others_may_have_written_is_refused_and_so_is_what_is_no_plugin() {
    let folder = empty_folder("refused");
    let target = start(&module::target(&folder, "target", &[]));
    let plugin = discovered(&folder, "gimli_target.so");
    let no_plugin = folder.join("gimli_by_symbol.so");
    fs::write(&no_plugin, "not an object\n").unwrap();
    fs::set_permissions(&plugin, Permissions::from_mode(0o775)).unwrap();
    let report = Report::of(target.pid(), &["--plugin".as_ref(), plugin.as_path()]);
    let refused = report.plugin(&plugin);
    assert_eq!(refused["status"], "refused");
    assert!(refused["problem"].as_str().unwrap().contains("can be written by other users"), "{refused}");
    assert_eq!(report.plugin(&no_plugin)["status"], "refused");
    assert!(report.json["plugin_output"].as_array().unwrap().is_empty());
    assert_eq!((report.code, report.json["status"].as_str()), (1, Some("PARTIAL")), "they were named");
    let report = text(target.pid(), &["--plugin".as_ref(), plugin.as_path()]);
    assert_eq!(report.matches("can be written by other users").count(), 2, "as named and as found: {report}");
}

#[test]
fn a_plugin_that_is_inferred_and_refused_is_said_and_no_more() {
    let folder = empty_folder("inferred");
    let plain = Path::new("/bin/sleep").canonicalize().unwrap();
    let program = folder.join("sleeper");
    fs::copy(plain, &program).unwrap();
    let plugin = discovered(&folder, "gimli_sleeper.so");
    fs::set_permissions(&plugin, Permissions::from_mode(0o666)).unwrap();
    // A target that prints `ready` itself: a shell, which becomes the program.
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("echo ready $$; exec {} 1000", program.display()));
    let target = Target::start_command(&mut command, "sleeper").unwrap();
    wait_for_program(&target, &program);
    let report = Report::of(target.pid(), &[] as &[&str]);
    assert_eq!((report.plugin(&plugin)["status"].as_str(), report.code), (Some("refused"), 0));
    assert_eq!(report.problems().len(), 1, "{:?}", report.problems());
}

/// Until exec has happened, or a minute has passed.
fn wait_for_program(target: &Target, program: &Path) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while fs::read_link(format!("/proc/{}/exe", target.pid())).ok().as_deref() != Some(program) {
        assert!(std::time::Instant::now() < until, "it never ran {}", program.display());
        std::thread::yield_now();
    }
    target.wait_until_blocked().unwrap();
}

#[test]
fn plugins_are_listed_without_being_run() {
    let folder = empty_folder("listed");
    let target = start(&module::target(&folder, "target", &[]));
    let plugin = discovered(&folder, "gimli_by_section.so");
    let talkative = module::module(&folder, "constructor", "gimli_by_symbol.so", &[]);
    let other = folder.join("other");
    let path = format!("--plugin-path={}", other.display());
    let listed = list(target.pid(), &[path.as_str()]);
    let expected = [
        format!("{}\n", folder.join("target").display()),
        "    gimli_by_section.so (named in the section gimli_trace)\n".to_owned(),
        format!("        {}: to be loaded, C (version 1 or 2) interface\n", plugin.display()),
        "    gimli_by_symbol.so (named by gimli_tracer_module_name)\n".to_owned(),
        format!("        {}: to be loaded, C (version 3) interface\n", talkative.display()),
        "    gimli_target.so (from the file name)\n".to_owned(),
        format!("        {}: not there\n", folder.join("gimli_target.so").display()),
        format!("        {}: not there\n", other.join("gimli_target.so").display()),
        "gimli_libc.so (from the file name)\n".to_owned(),
        "2 to load\n".to_owned(),
    ];
    for line in &expected {
        assert!(listed.contains(line.as_str()), "{line} in {listed}");
    }
    assert!(!listed.contains("a constructor ran"), "{listed}");
    let report = Report::of(target.pid(), &[path.as_str()]);
    assert!(report.json.to_string().contains("a constructor ran"), "unlike when it is loaded");
}
