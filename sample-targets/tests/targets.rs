//! The guard ends what it started, errors speak plainly, and the server serves, crashes and hangs as asked.

use sample_targets::{Build, Error, Language, Optimisation, Program, Target, build};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

fn c_program() -> Result<Program, Error> {
    build(&Build::new(Language::C, Optimisation::O0, 5))
}

fn is_alive(pid: i32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

#[test]
fn dropping_the_guard_ends_a_stopped_target() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "fault-handler", &["abort"])?;
    target.wait_for_state('T')?;
    let pid = target.pid();
    assert!(is_alive(pid));
    drop(target);
    assert!(!is_alive(pid));
    Ok(())
}

#[test]
fn a_panicking_test_leaves_no_target_behind() -> Result<(), Error> {
    let program = c_program()?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let target = Target::start(&program, "busy-loop", &[]).unwrap();
        sender.send(target.pid()).unwrap();
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    let pid = receiver.recv().unwrap();
    assert!(!is_alive(pid));
    Ok(())
}

#[test]
fn a_child_of_a_target_ends_with_it() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "vfork-wait", &[])?;
    target.wait_for_state('D')?;
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", target.pid())).unwrap();
    let child: i32 = children.trim().parse().unwrap();
    assert!(is_alive(child));
    drop(target);
    // Killed with its parent, it lasts at most as a zombie, until init reaps it.
    let has_ended = || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_none_or(|fields| !fields.starts_with(" D") && !fields.starts_with(" S"))
    };
    let ended = (0..12_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        has_ended()
    });
    assert!(ended, "child {child} is still there");
    Ok(())
}

#[test]
fn a_program_that_never_gets_ready_is_quoted() -> Result<(), Error> {
    let error = Target::start(&c_program()?, "no-such-scenario", &[]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("no-such-scenario ended with exit status: 64 before it was ready: usage:"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_target_ends_in_order_when_asked_to() -> Result<(), Error> {
    let mut target = Target::start(&c_program()?, "vla", &[])?;
    target.wait_until_blocked()?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(target.pid()), nix::sys::signal::SIGTERM).unwrap();
    assert_eq!(target.read_line()?.as_deref(), Some("sum 204"));
    assert!(target.wait_for_end()?.success());
    Ok(())
}

#[test]
fn the_server_answers_and_keeps_what_it_is_told() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "server", &[])?;
    let mut client = target.connect()?;
    let mut other = target.connect()?;
    assert_eq!(client.ask("ping")?, "pong");
    assert_eq!(client.ask("hello")?, "hello");
    assert_eq!(client.ask("set color green")?, "ok");
    assert_eq!(other.ask("get color")?, "green");
    assert_eq!(other.ask("get shape")?, "(none)");
    assert_eq!(other.ask("dance")?, "what?");
    assert_eq!(client.ask("stats")?, "connections 2 requests 7 errors 1");
    assert_eq!(client.ask("quit")?, "bye");
    Ok(())
}

#[test]
fn the_server_crashes_when_asked_to() -> Result<(), Error> {
    let mut target = Target::start(&c_program()?, "server", &[])?;
    target.connect()?.send("crash")?;
    assert_eq!(target.wait_for_end()?.signal(), Some(libc::SIGSEGV));
    Ok(())
}

#[test]
fn a_crash_of_the_server_can_be_caught_by_its_handler() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "server", &["0", "stop-on-fault"])?;
    target.connect()?.send("crash")?;
    target.wait_for_state('T')
}

#[test]
fn a_hanging_server_sleeps_with_its_store_locked() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "server", &[])?;
    let mut client = target.connect()?;
    client.send("hang")?;
    target.connect()?.send("ping")?;
    target.wait_until_blocked()?;
    assert_eq!(target.threads()?.len(), 5);
    Ok(())
}

#[test]
fn only_a_server_can_be_connected_to() -> Result<(), Error> {
    let target = Target::start(&c_program()?, "vla", &[])?;
    let error = target.connect().unwrap_err().to_string();
    assert_eq!(error, format!("no answer from the server of process {}: it told no port", target.pid()));
    Ok(())
}

fn tool() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sample-targets"))
}

#[test]
fn the_tool_prints_the_path_of_what_it_built() {
    let output = tool().args(["build", "c", "--opt", "O2", "--dwarf", "4"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let path = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end());
    let expected = build(&Build::new(Language::C, Optimisation::O2, 4)).unwrap();
    assert_eq!(path, expected.path());
    assert!(path.is_file());
}

#[test]
fn the_tool_lists_scenarios_with_their_arguments() {
    let output = tool().args(["list", "c"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line == "c many-threads [THREADS [FRAMES]]"), "{text}");
    assert!(text.lines().any(|line| line == "c null"), "{text}");
}

#[test]
fn the_tool_refuses_what_it_does_not_know() {
    for words in [&["build", "fortran"][..], &["build", "c", "--opt"], &["build", "c", "--dwarf", "x"], &[]] {
        let output = tool().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{words:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn a_missing_compiler_is_told_with_its_package() {
    for (language, compiler, package) in
        [("c", "gcc", "gcc"), ("cpp", "gcc", "g++"), ("c", "clang", "clang"), ("cpp", "clang", "clang")]
    {
        let output = tool()
            .args(["build", language, "--compiler", compiler])
            .env("PATH", "/nonexistent")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.ends_with(&format!("not found; install the Debian package {package}\n")), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}
