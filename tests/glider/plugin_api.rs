//! Plugins written against the published interfaces, loaded by the real glider: the module of the talk, one that asks
//! for stacks and types by version 3 of the C interface, and the example on the front page of `gimli-plugin-api`. One
//! plugin in every version of the interface is in `tests/plugins/twins.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gimli_plugin_api::testing::{Glider, Report, Target};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A running target, a plugin for it, and the folder that both are in.
struct Scene {
    folder: tempfile::TempDir,
    target: Target,
    plugin: PathBuf,
}

fn plugin_api() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("plugin-api")
}

/// A folder that only its owner can write to, as are those above it: glider loads no plugin from others.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn run(command: &mut Command, package: &str) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {name}: {error} ({package})"));
    let (said, wrote) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{said}\n{wrote}", output.status);
    output
}

/// Starts `tests/c/target.c`.
fn start(folder: &Path) -> Target {
    let program = folder.join("target");
    let sources = plugin_api().join("tests/c");
    let mut compiler = Command::new("gcc");
    compiler.current_dir(sources).args(["-g", "-O0", "target.c", "-o"]).arg(&program);
    run(&mut compiler, "Debian package: gcc");
    Target::start(&mut Command::new(program)).unwrap()
}

/// Compiles a module of `tests/c`.
fn c_module(source: &str) -> Scene {
    let folder = folder();
    let plugin = folder.path().join(source).with_extension("so");
    let mut compiler = Command::new("gcc");
    compiler.current_dir(plugin_api().join("tests/c")).args([
        "-g",
        "-Wall",
        "-shared",
        "-fPIC",
        "-I../../include",
    ]);
    run(compiler.arg(source).arg("-o").arg(&plugin), "Debian package: gcc");
    Scene { target: start(folder.path()), folder, plugin }
}

/// Runs cargo in a target folder of its own, one cargo at a time: the outer one may hold the lock of the usual one, and
/// variants of a plugin have one name.
fn with_cargo<R>(command: &str, work: impl FnOnce(&mut Command, &Path) -> R) -> R {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    fs::create_dir_all(&target).unwrap();
    let turn = File::create(target.join("turn")).unwrap();
    turn.lock().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    work(cargo.args([command, "--offline", "--target-dir"]).arg(&target), &target)
}

/// Builds a Rust plugin of `plugin-api/tests`.
fn rust_plugin(name: &str, variables: &[(&str, &str)]) -> Scene {
    let folder = folder();
    let plugin = folder.path().join(name).with_extension("so");
    with_cargo("build", |build, target| {
        let manifest = plugin_api().join("tests").join(name).join("Cargo.toml");
        run(
            build.args(["--locked", "--manifest-path"]).arg(manifest).envs(variables.iter().copied()),
            "cargo",
        );
        fs::copy(target.join(format!("debug/lib{name}.so")), &plugin).unwrap();
    });
    Scene { target: start(folder.path()), folder, plugin }
}

impl Scene {
    fn trace(&self) -> Report {
        let report = self.trace_perhaps_in_part();
        assert!(report.is_complete(), "{:?}", report.problems());
        report
    }

    fn trace_perhaps_in_part(&self) -> Report {
        let glider = Glider::at(env!("CARGO_BIN_EXE_glider")).plugin(&self.plugin);
        glider.trace(&self.target).unwrap()
    }

    fn section(&self, report: &Report) -> Vec<String> {
        let name = self.plugin.file_name().unwrap().to_str().unwrap();
        report.section(name).lines().map(str::to_string).collect()
    }

    fn program(&self) -> String {
        self.folder.path().join("target").to_str().unwrap().to_string()
    }
}

/// What every module prints of the talk's example.
fn check_globals(scene: &Scene, section: &[String]) {
    let (values, names) = section.split_at(5);
    assert_eq!(values, ["hello", "my_int: 42", "my_str: a buffer", "foo.value: 7", "foo_ptr->value: 7"]);
    let (address, name) = names[0].split_once(" = ").unwrap();
    assert!(address.starts_with("0x") && address.len() > 6, "{address}");
    assert_eq!(name, format!("{}`a_function", scene.program()));
}

/// And where it can ask for sources.
fn check_source(section: &[String]) {
    let place = section[6].split_once(" => ").unwrap().1;
    let source = fs::read_to_string(plugin_api().join("tests/c/target.c")).unwrap();
    let line = 1 + source.lines().position(|line| line.contains("a_function(void)")).unwrap();
    assert!(
        place.ends_with(&format!("target.c:{line}")) || place.ends_with(&format!("target.c:{}", line + 1)),
        "{place}"
    );
}

#[test]
fn the_module_of_the_talk_prints_the_right_values() {
    let scene = c_module("slides.c");
    let section = scene.section(&scene.trace());
    check_globals(&scene, &section);
    check_source(&section);
    assert_eq!(section.len(), 7);
}

#[test]
fn a_module_of_version_3_works_unchanged() {
    let scene = c_module("module_v3.c");
    let report = scene.trace();
    let section = scene.section(&report);
    check_globals(&scene, &section);
    check_source(&section);
    let expected = ["the argument", "int value at bit 0", "0 bytes written"];
    assert_eq!(section[7], format!("process {}", scene.target.pid()));
    assert_eq!(section[8..11], expected);
    let rest = section[11..].join("\n");
    for line in ["#1 ", "`blocked+", "at ", "struct foo local has 32 bits", "again", "value = 9"] {
        assert!(rest.contains(line), "no {line:?} in\n{rest}");
    }
    assert!(report.text().contains("foo local holds 9"), "{}", report.text());
}

#[test]
fn the_example_on_the_front_page_works_from_cargo_new_to_its_own_test() {
    // Beside no other package: cargo would add it to that one's workspace.
    let folder = tempfile::tempdir().unwrap();
    run(
        Command::new(env!("CARGO"))
            .args(["new", "--lib", "--vcs", "none", "gimli-server"])
            .current_dir(&folder),
        "cargo",
    );
    let package = folder.path().join("gimli-server");
    let example = plugin_api().join("example");
    fs::create_dir(package.join("tests")).unwrap();
    for file in ["src/lib.rs", "tests/trace.rs", "server.c"] {
        fs::copy(example.join(file), package.join(file)).unwrap();
    }
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let place = format!("path = \"{}\"", plugin_api().display());
    fs::write(package.join("Cargo.toml"), manifest.replace("path = \"..\"", &place)).unwrap();
    // The versions of dependencies that are at hand.
    fs::copy(plugin_api().parent().unwrap().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = with_cargo("test", |test, _| {
        run(test.current_dir(&package).env("GLIDER", env!("CARGO_BIN_EXE_glider")), "cargo")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("a_busy_server_says_what_it_does ... ok"), "{said}");
}

#[test]
fn a_plugin_built_against_an_older_minor_version_runs() {
    let scene = rust_plugin("older_minor", &[]);
    let report = scene.trace_perhaps_in_part();
    let section = scene.section(&report);
    let frames = report.json()["threads"][0]["frame_count"].as_u64().unwrap();
    assert_eq!(section, [format!("{frames} frames, my_int 42 of 4 bytes")]);
    assert_eq!(report.value("blocked", "password").unwrap()["text"], "not shown");
    // It gives up at the end of the thread, which is said and costs nothing else.
    let said = format!("no end for thread {}", scene.target.pid());
    assert!(report.problems().iter().any(|line| line.contains(&said)), "{:?}", report.problems());
    assert_eq!(report.plugin("older_minor.so").unwrap()["api_version"], "1.0.0");
}

#[test]
fn a_plugin_of_another_major_version_is_refused_in_one_line() {
    let scene = rust_plugin("older_minor", &[("GIMLI_FIXTURE_CLAIMS", "2.0.0")]);
    let report = scene.trace_perhaps_in_part();
    let line = "older-minor wants plugin API 2.0.0, this glider offers 1.";
    let told: Vec<_> = report.problems().into_iter().filter(|problem| problem.contains(line)).collect();
    assert_eq!(told.len(), 1, "{:?}", report.problems());
    assert!(report.frame("main").is_some() && scene.section(&report).is_empty());
}
