//! Where a test happens: a folder, programs compiled on demand, and monitors with everything they started.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Nothing in these tests takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until the answer is there; panics with the question when it does not come.
pub(crate) fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("monitor lies in the workspace")
}

pub(crate) fn target_source(name: &str) -> PathBuf {
    repository().join("tests/monitor/targets").join(name)
}

pub(crate) fn header_folder() -> PathBuf {
    repository().join("monitor/libgimli")
}

/// The folder that holds the libgimli.so and libgimli.a that were built with this test.
pub(crate) fn library_folder() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_monitor")).with_file_name("deps")
}

/// Runs a command that has to succeed, and says which package has it when it is missing.
pub(crate) fn must_run(command: &mut Command, package: &str) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program} (Debian package {package}): {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The crash target, compiled once for all tests.
pub(crate) fn crash_target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
        let mut cc = Command::new("cc");
        cc.args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-infinite-recursion",
            "-g",
            "-pthread",
            "-I",
        ]);
        cc.arg(header_folder()).arg(target_source("crash.c")).arg("-L").arg(library_folder());
        cc.arg("-lgimli").arg(format!("-Wl,-rpath,{}", library_folder().display())).arg("-o").arg(&program);
        must_run(&mut cc, "gcc");
        program
    })
}

/// A process as /proc shows it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) title: String,
}

/// A folder, and a mark in the environment of everything that is started in it.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    mark: String,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Servers that change their user go on writing here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(folder.path(), open).expect("the test's own folder");
        let stage = Stage { folder, mark: format!("GIMLI_TEST_STAGE={}-{count}", std::process::id()) };
        stage.script("tracer", "echo \"TRACE of $1\"; grep -E 'State|Threads' /proc/$1/status\n");
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).expect("the test's own file");
        self.path(name)
    }

    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.write(name, &format!("#!/bin/sh\n{body}"));
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, executable).expect("the test's own file");
        path
    }

    /// A command marked as belonging to this stage.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        let (name, value) = self.mark.split_once('=').expect("the mark is an assignment");
        command.env(name, value).stdin(Stdio::null());
        // A test that runs under nohup(1) ignores SIGHUP, and so would all that it starts.
        // SAFETY: between fork and exec, signal(2) is one system call and touches no memory.
        unsafe {
            command.pre_exec(|| {
                nix::sys::signal::signal(Signal::SIGHUP, nix::sys::signal::SigHandler::SigDfl)?;
                Ok(())
            })
        };
        command
    }

    /// A monitor in the foreground that traces into this folder with the script `tracer`, at once and without limit.
    pub(crate) fn monitor<S: AsRef<std::ffi::OsStr>>(&self, options: &[&str], command: &[S]) -> Monitor<'_> {
        let mut monitor = self.command(env!("CARGO_BIN_EXE_monitor"));
        monitor.arg("--detach=0").arg("--respawn-frequency=0").arg("--max-traces=0").arg("--debug");
        monitor.arg(format!("--trace-dir={}", self.folder.path().display()));
        monitor.arg(format!("--glider={}", self.path("tracer").display()));
        monitor.args(options).args(command);
        self.start(monitor)
    }

    /// Starts a command with its output in the files `out` and `log`.
    pub(crate) fn start(&self, mut command: Command) -> Monitor<'_> {
        let append = |name: &str| {
            let file = fs::OpenOptions::new().create(true).append(true).open(self.path(name));
            file.expect("the test's own file")
        };
        let child = command.stdout(append("out")).stderr(append("log")).spawn().expect("it starts");
        Monitor { stage: self, child }
    }

    /// Every process of this stage that is not a zombie.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter_map(|pid| self.process(pid)).collect()
    }

    fn process(&self, pid: i32) -> Option<Process> {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mark = self.mark.as_bytes();
        environment.split(|byte| *byte == 0).find(|variable| *variable == mark)?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let title = String::from_utf8_lossy(&title).trim_end_matches('\0').replace('\0', " ");
        Some(Process { pid, state, parent: fields.next()?.parse().ok()?, title })
    }

    /// The trace files, oldest pid first, with their text.
    pub(crate) fn traces(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.folder.path()).expect("the test's own folder").flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut traces: Vec<_> =
            names.filter(|name| name.contains(".trc")).map(|name| (name.clone(), self.read(&name))).collect();
        traces.sort();
        traces
    }

    pub(crate) fn wait_log(&self, text: &str) -> String {
        self.wait_log_times(text, 1)
    }

    /// Waits until the log holds `text` so many times, and gives the whole log.
    pub(crate) fn wait_log_times(&self, text: &str, times: usize) -> String {
        let what = || format!("`{text}` {times} times in the log:\n{}", self.read("log"));
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.read("log");
            if log.matches(text).count() >= times {
                return log;
            }
            assert!(Instant::now() < end, "waited in vain for {}", what());
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    pub(crate) fn wait_out(&self, text: &str) {
        wait_for(&format!("`{text}` in the output"), || self.read("out").contains(text).then_some(()));
    }

    /// The pid in the last log line `server N started`; the server may be quicker than that line.
    pub(crate) fn server(&self) -> i32 {
        wait_for("the server's start in the log", || {
            let log = self.read("log");
            let line = log.lines().rev().find(|line| line.ends_with(" started"))?;
            line.rsplit(' ').nth(1)?.parse().ok()
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > end {
                return;
            }
            for process in left {
                let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

/// A monitor that was started in a stage; killed and waited for when dropped.
pub(crate) struct Monitor<'a> {
    stage: &'a Stage,
    child: Child,
}

impl Monitor<'_> {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the monitor is this process's child");
    }

    /// Waits for the monitor to exit by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let what = format!("the monitor to exit; its log: {}", self.stage.read("log"));
        wait_for(&what, || self.child.try_wait().expect("the monitor is this process's child"))
    }

    /// Ends it by SIGTERM and gives its status.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Kills it with -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the monitor is this process's child");
        self.child.wait().expect("the monitor is this process's child");
    }
}

impl Drop for Monitor<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
