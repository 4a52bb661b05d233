//! Servers whose heart stops: each way to beat, and what is and is not a hang.

use crate::stage::{Stage, crash_target, must_run, target_source, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::process::Command;

fn python(script: &str) -> [std::ffi::OsString; 2] {
    let path = must_run(Command::new("sh").args(["-c", "command -v python3"]), "python3");
    [path.trim().into(), target_source(script).into()]
}

/// The first server was traced as hanging and killed by `end`, and a second one was started.
fn assert_hang(stage: &Stage, end: &str) {
    let log = stage.wait_log_times(" started", 2);
    assert!(log.contains(" hangs: no beat for 1s while Running"), "{log}");
    assert!(log.contains(&format!("was killed by {end}")), "{log}");
    let traces = stage.traces();
    assert_eq!(traces.len(), 1, "{log}");
    assert!(traces[0].1.contains("Traced because: watchdog triggered\n"), "{traces:?}");
    assert!(traces[0].1.contains("TRACE of "), "{traces:?}");
}

#[test]
fn a_server_that_beats_in_the_segment_and_stops_is_traced_aborted_and_respawned() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let command = [program.as_os_str(), "hang".as_ref(), mark.as_os_str()];
    let monitor = stage.monitor(&["--watchdog-interval=1"], &command);
    assert_hang(&stage, "SIGABRT");
    assert!(stage.read("out").contains("hook"), "the shutdown function ran without a second trace");
    drop(monitor);
}

#[test]
fn a_script_that_only_sends_sigusr1_is_watched_traced_and_respawned() {
    let stage = Stage::new();
    let [python, script] = python("beats_by_signal.py");
    let mark = stage.path("mark");
    let _monitor = stage.monitor(&["--watchdog-interval=1"], &[&*python, &*script, mark.as_os_str()]);
    assert_hang(&stage, "SIGABRT");
}

#[test]
fn a_daemon_that_only_speaks_sd_notify_is_watched_traced_and_respawned() {
    let stage = Stage::new();
    let [python, script] = python("beats_by_notify.py");
    let mark = stage.path("mark");
    let _monitor = stage.monitor(&["--watchdog-interval=1"], &[&*python, &*script, mark.as_os_str()]);
    assert_hang(&stage, "SIGABRT");
    let log = stage.read("log");
    assert!(log.contains("says it is ready") && log.contains("says: listening"), "{log}");
    assert!(stage.read("out").contains("ready, watchdog 1.0"));
}

#[test]
fn a_server_under_a_debugger_does_not_hang() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let command = [program.as_os_str(), "hang".as_ref(), mark.as_os_str()];
    let _monitor = stage.monitor(&["--watchdog-interval=1"], &command);
    let server = Pid::from_raw(stage.server());
    std::thread::scope(|scope| {
        // The end of the thread that traces is the end of the debugger.
        scope.spawn(|| {
            nix::sys::ptrace::seize(server, nix::sys::ptrace::Options::empty()).unwrap();
            let log = stage.wait_log_times("is debugged; its interval starts anew", 2);
            assert!(!log.contains("hangs"), "{log}");
        });
    });
    assert_hang(&stage, "SIGABRT");
}

#[test]
fn a_monitor_that_was_itself_stopped_does_not_take_its_server_for_hung() {
    let stage = Stage::new();
    let [python, script] = python("beats_by_signal.py");
    let mark = stage.write("mark", "");
    let options = ["--watchdog-interval=2"];
    let monitor = stage.monitor(&options, &[&*python, &*script, mark.as_os_str()]);
    let beating = || {
        let own = |process: &crate::stage::Process| process.pid == monitor.pid().as_raw();
        stage
            .processes()
            .iter()
            .any(|process| own(process) && process.title.ends_with("beating"))
            .then_some(())
    };
    wait_for("the server to beat", beating);
    monitor.signal(Signal::SIGSTOP);
    std::thread::sleep(std::time::Duration::from_secs(4));
    monitor.signal(Signal::SIGCONT);
    let log = stage.wait_log("the monitor was not run for");
    assert!(!log.contains("hangs"), "{log}");
}

#[test]
fn a_hung_server_that_ignores_sigabrt_is_killed() {
    let stage = Stage::new();
    let [python, script] = python("beats_by_signal.py");
    let mark = stage.path("mark");
    let options = ["--watchdog-interval=1", "--watchdog-stop-interval=1"];
    let _monitor = stage.monitor(&options, &[&*python, &*script, mark.as_os_str(), OsStr::new("deaf")]);
    assert_hang(&stage, "SIGKILL");
}

#[test]
fn datagrams_of_strangers_are_not_beats() {
    let stage = Stage::new();
    let server = stage.script("server", "echo $NOTIFY_SOCKET\nexec sleep 1000\n");
    let _monitor = stage.monitor(&[], &[&server]);
    stage.wait_out("@");
    let name = stage.read("out").trim().trim_start_matches('@').to_owned();
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
    socket.send_to_addr(b"READY=1\nWATCHDOG=1", &address).unwrap();
    let log = stage.wait_log(&format!("ignored a notification from process {}", std::process::id()));
    assert!(!log.contains("ready"), "{log}");
}

#[test]
fn sigusr2_traces_the_healthy_server_and_lets_it_run_on() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let monitor = stage.monitor(&[], &[program.as_os_str(), "serve".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    monitor.signal(Signal::SIGUSR2);
    stage.wait_log("complete");
    let text = wait_for("the footer", || {
        stage.traces().into_iter().map(|(_, text)| text).find(|text| text.contains("runs on."))
    });
    assert!(text.contains("Traced because: trace requested\n"), "{text}");
    let server = stage.server();
    let runs =
        || stage.processes().iter().any(|process| process.pid == server && "SR".contains(process.state));
    wait_for("the server to run", || runs().then_some(()));
    assert_eq!(stage.read("log").matches(" started").count(), 1);
}

#[test]
fn a_server_that_somebody_stopped_is_left_stopped() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let options = ["--watchdog-interval=1"];
    let monitor = stage.monitor(&options, &[program.as_os_str(), "serve".as_ref(), mark.as_os_str()]);
    stage.wait_out("serving");
    let server = Pid::from_raw(stage.server());
    kill(server, Signal::SIGSTOP).unwrap();
    stage.wait_log("was stopped by SIGSTOP (Stopped (signal)) and is left so");
    monitor.signal(Signal::SIGUSR2);
    stage.wait_log("complete");
    let state = || stage.processes().iter().find(|process| process.pid == server.as_raw()).map(|p| p.state);
    assert_eq!(state(), Some('T'));
    kill(server, Signal::SIGCONT).unwrap();
    stage.wait_log("was continued; its interval starts anew");
    assert!(stage.traces().iter().all(|(_, text)| text.contains("trace requested")));
    assert_eq!(monitor.stop().code(), Some(143));
}

/// Many programs block every signal in all threads but one; without libgimli nothing catches faults in them.
#[test]
fn a_server_with_blocked_signals_that_somebody_stopped_is_left_stopped_too() {
    let stage = Stage::new();
    let text = "import signal, threading, time\ndef wait():\n    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n    print('serving', flush=True)\n    time.sleep(1000)\nthreading.Thread(target=wait).start()\n";
    let script = stage.write("blocks.py", text);
    let monitor = stage.monitor(&[], &["python3".as_ref(), script.as_os_str()]);
    stage.wait_out("serving");
    let server = Pid::from_raw(stage.server());
    kill(server, Signal::SIGSTOP).unwrap();
    stage.wait_log("is left so");
    kill(server, Signal::SIGCONT).unwrap();
    stage.wait_log("was continued; its interval starts anew");
    assert!(stage.traces().is_empty());
    assert_eq!(monitor.stop().code(), Some(143));
}
