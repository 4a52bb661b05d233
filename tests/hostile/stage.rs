//! Targets, plugins and runs of glider for these tests.

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user `nobody`, as most systems number it: whoever runs these tests as root is somebody else.
pub(crate) const NOBODY: u32 = 65534;

/// Fails where the tests are not run by root, who alone can start a target as another user.
pub(crate) fn assert_root() {
    assert!(rustix::process::geteuid().is_root(), "this test needs root, to start a target as another user");
}

/// An empty folder of a test's own that glider may load plugins from.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/hostile").join(name)
}

/// Compiles one of the C files here.
pub(crate) fn compile(name: &str, into: &Path, options: &[&str]) {
    let mut command = Command::new("cc");
    command.args(["-std=gnu11", "-g", "-O0", "-Wall", "-Wextra", "-Werror", "-pthread"]).args(options);
    command.arg("-I").arg(source("../../plugin-api/include"));
    let output = command.arg(source(name)).arg("-o").arg(into).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run cc: {error} (Debian package: gcc)"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Compiles `NAME.c` to a plugin in a folder.
pub(crate) fn plugin(folder: &Path, name: &str) -> PathBuf {
    let into = folder.join(format!("gimli_{name}.so"));
    compile(&format!("{name}.c"), &into, &["-shared", "-fPIC"]);
    into
}

/// A running target, killed and reaped on drop.
pub(crate) struct Target(Child);

impl Target {
    /// Starts a program, as another user if one is given, and waits until it says that it is ready.
    pub(crate) fn start(program: &Path, user: Option<u32>) -> Target {
        let mut command = Command::new(program);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        Target::run(&mut command)
    }

    /// Starts a program as root that becomes another user by itself: its first argument.
    pub(crate) fn start_then_become(program: &Path, user: u32) -> Target {
        Target::run(Command::new(program).arg(user.to_string()))
    }

    /// Runs a program until it says that it is ready.
    pub(crate) fn run(command: &mut Command) -> Target {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).current_dir("/");
        let mut target = Target(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(target.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        target
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// What the kernel says of it, proc_pid_status(5).
    fn status(&self) -> String {
        let status = std::fs::read(format!("/proc/{}/status", self.pid())).unwrap();
        String::from_utf8_lossy(&status).into_owned()
    }

    pub(crate) fn is_traced(&self) -> bool {
        !self.status().contains("TracerPid:\t0\n")
    }

    /// Fails unless the target lives, is not stopped and nobody traces it.
    pub(crate) fn assert_let_go(&self) {
        let status = self.status();
        assert!(status.contains("TracerPid:\t0\n"), "{status}");
        assert!(!status.contains("State:\tT") && !status.contains("State:\tZ"), "{status}");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What one run of glider gave.
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    pub(crate) error: String,
    pub(crate) json: Json,
}

/// Runs glider on a target for a JSON report; fails when it takes long.
pub(crate) fn trace(target: &Target, arguments: &[&str]) -> Report {
    trace_with(target, arguments, &[])
}

/// The same with variables in glider's environment.
pub(crate) fn trace_with(target: &Target, arguments: &[&str], variables: &[(&str, &str)]) -> Report {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    command.arg("--format=json").args(arguments).arg(target.pid().to_string()).stdin(Stdio::null());
    let output = command.env_remove("GIMLI_PLUGIN_PATH").envs(variables.iter().copied()).output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(55), "{arguments:?} took {:?}", began.elapsed());
    let error = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_slice(&output.stdout);
    let json = json.unwrap_or_else(|why| panic!("no report: {why}: {error}"));
    target.assert_let_go();
    Report { code: output.status.code(), error, json }
}

impl Report {
    /// Names of the functions of the first thread, the innermost first.
    pub(crate) fn functions(&self) -> Vec<&str> {
        let frames = self.json["threads"][0]["frames"].as_array().map(Vec::as_slice).unwrap_or_default();
        frames.iter().filter_map(|frame| frame["function"].as_str()).collect()
    }

    /// What plugins printed after the threads.
    pub(crate) fn printed(&self) -> String {
        let texts = self.json["plugin_output"].as_array().map(Vec::as_slice).unwrap_or_default();
        texts.iter().filter_map(|text| text["text"].as_str()).collect()
    }
}
