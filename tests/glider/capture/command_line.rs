//! The `glider` program itself: what it refuses, how it ends, and where its output goes.

use super::target::{Target, eventually};
use glider::target::{ProcessDirectory, open_target, with_hold};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn glider(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    glider(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Fails unless glider says one line that contains this, shows nothing, and ends with this code.
fn assert_refused(output: &Output, code: i32, words: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.starts_with("glider: ") && error.contains(words), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_report_comes_as_text_and_as_json() {
    let target = Target::start("busy", 2);
    let pid = target.pid().to_string();
    let output = run(&[&pid]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains(&format!("Thread 0 (LWP {pid}) target")),
        "{}",
        text(&output.stdout)
    );
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let output = run(&["--format", "json", &pid]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["threads"].as_array().map(Vec::len), Some(2));
    target.assert_runs_on();
}

#[test]
fn wrong_command_lines_end_with_64() {
    for arguments in [&[] as &[&str], &["x"], &["0"], &["--format", "xml", "1"], &["1", "2"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes"));
}

#[test]
fn a_process_that_does_not_exist_is_refused() {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    assert_refused(&run(&[&child.id().to_string()]), 2, "no process has id");
}

#[test]
fn a_zombie_is_refused_with_its_parent() {
    let target = Target::start("zombie", 1);
    let zombie = target.progress().to_string();
    let output = run(&[&zombie]);
    assert_refused(&output, 2, "is a zombie");
    assert!(text(&output.stderr).contains(&format!("process {}", target.pid())));
}

#[test]
fn glider_itself_is_refused() {
    let script = "exec \"$0\" $$";
    let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_glider")]).output().unwrap();
    assert_refused(&output, 2, "glider cannot trace itself");
}

#[test]
fn kernel_threads_and_other_peoples_processes_are_refused() {
    // Process 1 belongs to root; without root's rights it cannot be traced. In a container
    // there may be no kernel thread to see.
    let second = ProcessDirectory::open(2).map(|directory| directory.read_thread_stat(2));
    if second.is_ok_and(|stat| stat.is_ok_and(|stat| stat.is_kernel)) {
        assert_refused(&run(&["2"]), 2, "is a kernel thread");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("glider");
    // Copied by another process: a file that a fork of this one still has open cannot be run.
    let status = Command::new("cp").arg(env!("CARGO_BIN_EXE_glider")).arg(&copy).status().unwrap();
    assert!(status.success());
    let mut command = Command::new(copy);
    command.arg("1").stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        const NOBODY: u32 = 65534;
        command.uid(NOBODY).gid(NOBODY);
    }
    assert_refused(&command.output().unwrap(), 2, "it belongs to user id 0, and you are");
}

#[test]
fn a_process_that_is_traced_already_is_refused_with_its_tracer() {
    let target = Target::start("busy", 1);
    let process = open_target(target.pid()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let output = with_hold(&process, deadline, |_| run(&[&target.pid().to_string()])).unwrap();
    assert_refused(&output, 2, "is already traced by process");
    target.assert_runs_on();
}

#[test]
fn the_id_of_a_thread_means_its_process() {
    let target = Target::start("threads", 1);
    let tasks = ProcessDirectory::open(target.pid()).unwrap().thread_ids().unwrap();
    let thread = *tasks.iter().find(|tid| **tid != target.pid()).unwrap();
    let output = run(&[&thread.to_string()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains(&format!("(LWP {})", target.pid())));
    let note = format!("glider: {thread} is a thread of process {}, which is traced\n", target.pid());
    assert_eq!(text(&output.stderr), note);
}

#[test]
fn threads_can_be_chosen_and_unknown_ones_are_said() {
    let target = Target::start("threads", 2);
    let tasks = ProcessDirectory::open(target.pid()).unwrap().thread_ids().unwrap();
    let pid = target.pid().to_string();
    let chosen = *tasks.iter().max().unwrap();
    let output = run(&["--thread", &chosen.to_string(), &pid]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains(&format!("Thread 0 (LWP {chosen})")));
    assert!(!text(&output.stdout).contains("Thread 1 "));
    let output = run(&["--thread", &format!("{chosen},1"), &pid]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("has no thread 1"));
    assert_refused(&run(&["--thread", "1", &pid]), 2, "has no thread 1");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let target = Target::start("threads", 400);
    let mut child =
        glider(&[&target.pid().to_string()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "");
    target.assert_let_go();
}

#[test]
fn a_full_disk_is_one_line() {
    let target = Target::start("busy", 1);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = glider(&[&target.pid().to_string()]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_refused(&output, 1, "cannot write the report: No space left on device");
    assert_refused(&run(&["--output", "/dev/full", &target.pid().to_string()]), 1, "No space left on device");
    target.assert_runs_on();
}

#[test]
fn a_slow_reader_does_not_keep_the_process_waiting() {
    let target = Target::start("threads", 400);
    // Nobody reads: the report does not fit into the pipe, and glider waits with the rest of it.
    let mut child = glider(&[&target.pid().to_string()]).stdout(Stdio::piped()).spawn().unwrap();
    let writes = || {
        fs::read_to_string(format!("/proc/{}/wchan", child.id()))
            .is_ok_and(|place| place.contains("pipe_write"))
    };
    eventually("glider waits for its reader", writes);
    assert!(target.tracers().iter().all(|tracer| tracer == "0"), "nothing is held meanwhile");
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_report_in_a_file_is_for_its_owner_alone() {
    let target = Target::start("busy", 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    let output = run(&["--output", path.to_str().unwrap(), &target.pid().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&path).unwrap().contains("Thread 0 (LWP "));
    let output = run(&["--output", path.to_str().unwrap(), &target.pid().to_string()]);
    assert_refused(&output, 2, "it exists, and nothing is overwritten");
    let unused = folder.path().join("unused");
    let output = run(&["--output", unused.to_str().unwrap(), "--thread", "1", &target.pid().to_string()]);
    assert_refused(&output, 2, "has no thread 1");
    assert!(!unused.exists(), "a report that was not made leaves no file");
    let missing = folder.path().join("missing/report");
    let output = run(&["--output", missing.to_str().unwrap(), &target.pid().to_string()]);
    assert_refused(&output, 2, "cannot write to ");
}

#[test]
fn a_stopped_process_is_shown_and_stays_stopped() {
    let target = Target::start("busy", 2);
    target.send(libc::SIGSTOP);
    eventually("it is stopped", || target.states() == "TT");
    let output = run(&["--format", "json", &target.pid().to_string()]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["process"]["was_stopped"], true);
    assert_eq!(report["threads"][0]["state"], "T (stopped)");
    eventually("it is stopped still", || target.states() == "TT");
}
