//! Starting, detaching, identity, pidfile, signals, exit codes.

use crate::stage::{Stage, crash_target, must_run, wait_for};
use nix::sys::signal::Signal;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};

fn run(stage: &Stage, arguments: &[&str]) -> Output {
    stage.command(env!("CARGO_BIN_EXE_monitor")).args(arguments).output().expect("monitor starts")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_wrong_option_starts_nothing_and_is_told_with_file_and_line() {
    let stage = Stage::new();
    let file = stage.write("config", "# a comment\nwatchdog-interval = 5\nrespawn = 3\n");
    let server = stage.script("server", "touch started\n");
    let config = format!("--config-file={}", file.display());
    let output = run(&stage, &[&config, &server.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(errors(&output), format!("monitor: {}:3: unknown option `respawn`\n", file.display()));
    for wrong in [
        &["--config-file=/nonexistent", "x"][..],
        &["--uid=no-such-user", "x"],
        &[],
        &["--trace-interval=x", "x"],
    ] {
        let output = run(&stage, wrong);
        assert_eq!((output.status.code(), errors(&output).lines().count()), (Some(64), 1), "{wrong:?}");
    }
    assert!(!stage.path("started").exists());
}

#[test]
fn show_config_prints_values_and_sources() {
    let stage = Stage::new();
    let mut monitor = stage.command(env!("CARGO_BIN_EXE_monitor"));
    monitor.env("GIMLI_TRACE_DIR", "/var/traces").args(["-show-config", "-watchdog-interval=9"]);
    let text = must_run(&mut monitor, "monitor");
    let line = |start: &str| text.lines().any(|line| line.starts_with(start));
    assert!(line("watchdog-interval = 9") && line("trace-dir = /var/traces"), "{text}");
    assert!(text.contains("# command line\n") && text.contains("# environment GIMLI_TRACE_DIR\n"), "{text}");
}

#[test]
fn the_monitor_leaves_with_the_status_of_its_server() {
    for (script, code) in [("exit 7", 7), ("exit 0", 0), ("kill -TERM $$", 143)] {
        let stage = Stage::new();
        let server = stage.script("server", script);
        assert_eq!(stage.monitor(&[], &[server]).wait().code(), Some(code), "{script}");
    }
    let stage = Stage::new();
    let server = stage.script("server", "kill -SEGV $$");
    assert_eq!(stage.monitor(&["--run-once"], &[server]).wait().code(), Some(139));
    assert!(stage.read("log").contains("killed by SIGSEGV (Segmentation fault)"));
}

#[test]
fn a_command_that_cannot_be_run_is_told_at_once_with_errno() {
    let stage = Stage::new();
    assert_eq!(stage.monitor(&[], &["/nonexistent/server"]).wait().code(), Some(127));
    assert!(
        stage.read("log").contains("cannot run /nonexistent/server: No such file or directory (os error 2)")
    );
    let file = stage.write("plain", "not a program");
    assert_eq!(stage.monitor(&[], &[file]).wait().code(), Some(126));
    assert!(stage.read("log").contains("plain: Permission denied (os error 13)"));
}

#[test]
fn signals_are_relayed_and_sighup_restarts() {
    let stage = Stage::new();
    let script =
        "trap 'echo int; exit 5' INT\ntrap 'echo term; exit 6' TERM\necho up\nwhile :; do sleep 0.01; done\n";
    let server = stage.script("server", script);
    let mut monitor = stage.monitor(&[], &[server]);
    stage.wait_out("up");
    monitor.signal(Signal::SIGHUP);
    stage.wait_out("term\nup");
    monitor.signal(Signal::SIGINT);
    assert_eq!(monitor.wait().code(), Some(5));
    assert!(stage.read("out").ends_with("int\n"));
}

#[test]
fn a_server_that_ignores_its_signal_is_killed_after_the_stop_interval() {
    let stage = Stage::new();
    let server = stage.script("server", "trap '' TERM\necho up\nwhile :; do sleep 0.01; done\n");
    let monitor = stage.monitor(&["--watchdog-stop-interval=1"], &[server]);
    stage.wait_out("up");
    assert_eq!(monitor.stop().code(), Some(137));
}

#[test]
fn a_second_monitor_with_the_same_pidfile_is_refused_and_told_the_owner() {
    let stage = Stage::new();
    let server = stage.script("server", "echo up\nexec sleep 1000\n");
    let pidfile = format!("--pidfile={}", stage.path("pid").display());
    let monitor = stage.monitor(&[&pidfile], &[&server]);
    stage.wait_out("up");
    assert_eq!(stage.read("pid"), format!("{}\n", monitor.pid()));
    let output = run(&stage, &["--detach=0", &pidfile, &server.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(75));
    assert!(errors(&output).contains(&format!("process {}, owns the pidfile", monitor.pid())));
    assert_eq!(stage.read("out"), "up\n");
    monitor.stop();
    assert!(!stage.path("pid").exists() && !stage.path("pid.server").exists());
}

#[test]
fn the_command_that_detaches_returns_when_the_server_runs_or_cannot() {
    let stage = Stage::new();
    let options = [
        format!("--pidfile={}", stage.path("pid").display()),
        format!("--log-file={}", stage.path("log").display()),
    ];
    let launch =
        |server: &str| stage.command(env!("CARGO_BIN_EXE_monitor")).args(&options).arg(server).status();
    assert_eq!(launch("/nonexistent/server").unwrap().code(), Some(127));
    assert!(!stage.path("pid").exists(), "nothing is left");
    let server = stage.script("server", "exec sleep 1000\n");
    assert_eq!(launch(&server.to_string_lossy()).unwrap().code(), Some(0));
    let monitor: i32 = stage.read("pid").trim().parse().unwrap();
    assert!(stage.processes().iter().any(|process| process.parent == monitor), "{:?}", stage.processes());
    assert_eq!(launch(&server.to_string_lossy()).unwrap().code(), Some(75), "a second one is refused");
}

#[test]
fn it_detaches_logs_to_its_file_and_runs_the_server_in_a_group_of_its_own() {
    let stage = Stage::new();
    let server =
        stage.script("server", "echo up $(cut -d' ' -f5,6 /proc/$$/stat) in $(pwd)\nexec sleep 1000\n");
    let options = [
        format!("--pidfile={}", stage.path("pid").display()),
        format!("--log-file={}", stage.path("log").display()),
    ];
    let mut monitor = stage.command(env!("CARGO_BIN_EXE_monitor"));
    assert!(monitor.args(&options).arg(server).status().unwrap().success());
    let log = wait_for("the server's output in the log file", || {
        Some(stage.read("log")).filter(|log| log.contains("up "))
    });
    let monitor: i32 = stage.read("pid").trim().parse().unwrap();
    wait_for("the title", || {
        let title = stage.processes().into_iter().find(|process| process.pid == monitor)?.title;
        title.starts_with("monitor: server ").then_some(())
    });
    let processes = stage.processes();
    let server = processes.iter().find(|process| process.parent == monitor).unwrap().pid;
    let session = nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(monitor))).unwrap();
    assert!(log.contains(&format!("up {server} {session} in /\n")), "{log}");
    assert_ne!(session, nix::unistd::getsid(None).unwrap());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor), Signal::SIGTERM).unwrap();
    wait_for("both to be gone", || stage.processes().is_empty().then_some(()));
}

#[test]
fn a_title_longer_than_the_command_line_is_shown_and_the_server_gets_the_environment() {
    let stage = Stage::new();
    let server = stage.script("s", "echo got $AAA\nexec sleep 1000\n");
    let mut command = stage.command(env!("CARGO_BIN_EXE_monitor"));
    // The first of the environment, which lies behind the arguments.
    command.env_clear().env("AAA", "all of it").env("GIMLI_DETACH", "0").env("PATH", "/usr/bin:/bin");
    let monitor = stage.start({
        std::os::unix::process::CommandExt::arg0(&mut command, "m").arg(server);
        command
    });
    stage.wait_out("got all of it\n");
    let title = format!("monitor: server {} running", stage.server());
    let shown = || std::fs::read_to_string(format!("/proc/{}/cmdline", monitor.pid())).unwrap();
    wait_for("the title", || (shown().trim_end_matches('\0') == title).then_some(()));
    assert_eq!(monitor.stop().code(), Some(143));
}

#[test]
fn the_server_gets_its_segment_and_no_other_descriptor_no_mask_and_no_ignored_signal() {
    let stage = Stage::new();
    let script = "echo segment $GIMLI_HB_FD monitor $GIMLI_MONITOR_PID parent $PPID\ngrep -E 'SigBlk|SigIgn' /proc/self/status\nexec ls /proc/self/fd\n";
    let server = stage.script("server", script);
    let pidfile = format!("--pidfile={}", stage.path("pid").display());
    let log_file = format!("--log-file={}", stage.path("log").display());
    let mut monitor = stage.monitor(&[&pidfile, &log_file], &[server]);
    let pid = monitor.pid();
    assert!(monitor.wait().success());
    let out = stage.read("out");
    let lines: Vec<&str> = out.lines().collect();
    let segment = lines[0].split(' ').nth(1).unwrap();
    assert_eq!(lines[0], format!("segment {segment} monitor {pid} parent {pid}"));
    // Signals 32 and 33 belong to the C library, which lets nobody change them.
    let mask = |line: &str| u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16).unwrap() & !(3 << 31);
    assert_eq!((mask(lines[1]), mask(lines[2])), (0, 0), "{out}");
    // The listing itself has the lowest free number open.
    let own = if segment == "3" { "4" } else { "3" };
    let unexpected = |fd: &&&str| !["0", "1", "2", own, segment].contains(*fd);
    assert_eq!(lines[3..].iter().find(unexpected), None, "{out}");
}

#[test]
fn uid_and_gid_are_assumed_and_other_groups_dropped() {
    assert!(nix::unistd::Uid::effective().is_root(), "this test has to run as root");
    let stage = Stage::new();
    let server = stage.script("server", "id -u; id -g; id -G; echo up; exec sleep 1000\n");
    let _monitor = stage.monitor(&["--uid=nobody", "--gid=daemon"], &[server]);
    stage.wait_out("up");
    let daemon = must_run(Command::new("getent").args(["group", "daemon"]), "libc-bin");
    let daemon = daemon.split(':').nth(2).unwrap();
    let nobody = must_run(Command::new("id").args(["-u", "nobody"]), "coreutils");
    assert_eq!(stage.read("out"), format!("{}\n{daemon}\n{daemon}\nup\n", nobody.trim()));
}

#[test]
fn as_process_1_it_reaps_what_it_inherits() {
    let stage = Stage::new();
    // The orphan's parent is gone before it ends.
    let server = stage.script("server", "(sh -c 'exit 3' & ) \necho up\nwhile :; do sleep 0.01; done\n");
    let mut unshare = stage.command("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_monitor"), "--detach=0", "--debug"]);
    let mut monitor = stage.start({
        unshare.arg(server);
        unshare
    });
    stage.wait_out("up");
    stage.wait_log("reaped process ");
    let inside = wait_for("the inner monitor", || {
        stage.processes().into_iter().find(|process| process.title.starts_with("monitor: server"))
    });
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(inside.pid), Signal::SIGTERM).unwrap();
    assert_eq!(monitor.wait().code(), Some(143));
}

#[test]
fn readiness_status_and_stopping_are_forwarded_to_a_service_manager() {
    let stage = Stage::new();
    let manager = UnixDatagram::bind(stage.path("notify")).unwrap();
    manager.set_read_timeout(Some(crate::stage::PATIENCE)).unwrap();
    let mut command = stage.command(env!("CARGO_BIN_EXE_monitor"));
    command.env("NOTIFY_SOCKET", stage.path("notify")).arg("--detach=0");
    command.arg(crash_target()).arg("serve").arg(stage.path("mark"));
    let monitor = stage.start(command);
    let next = || {
        let mut text = [0; 100];
        let length = wait_for("a datagram", || manager.recv(&mut text).ok());
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    assert_eq!(next(), "READY=1");
    monitor.signal(Signal::SIGTERM);
    assert_eq!(next(), "STOPPING=1");
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_it() {
    let stage = Stage::new();
    let (program, mark) = (crash_target(), stage.path("mark"));
    let mut command = stage.command(env!("CARGO_BIN_EXE_monitor"));
    command
        .args(["--detach=0", "--respawn-frequency=0"])
        .arg(format!("--trace-dir={}", stage.path("").display()));
    command
        .arg(format!("--glider={}", stage.path("tracer").display()))
        .arg(program)
        .arg("null-write")
        .arg(mark);
    let out = std::fs::File::create(stage.path("out")).unwrap();
    let mut child = command.stdout(out).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    stage.wait_out("serving");
    assert_eq!(stage.traces().len(), 1);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_full_pipe_that_nobody_reads_does_not_stop_it() {
    let stage = Stage::new();
    let mut command = stage.command(env!("CARGO_BIN_EXE_monitor"));
    command.args(["--detach=0", "--respawn-frequency=0", "--immortal", "true"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = command.stdout(std::process::Stdio::null()).stderr(writer).spawn().unwrap();
    // Two pages; the kernel calls it full when the second is begun.
    nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETPIPE_SZ(8192)).unwrap();
    let full = || {
        let mut waiting = 0;
        // SAFETY: FIONREAD fills the int.
        unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(&reader), libc::FIONREAD, &raw mut waiting) };
        (waiting > 4096).then_some(())
    };
    wait_for("the pipe to be full", full);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    wait_for("the monitor to exit", || child.try_wait().unwrap());
}

#[test]
fn signals_that_its_parent_ignored_arrive_all_the_same() {
    let stage = Stage::new();
    let server = stage.script("server", "echo up\nexit 7\n");
    let mut shell = stage.command("sh");
    shell.args([
        "-c",
        "trap '' CHLD USR1 USR2 TERM INT QUIT; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_monitor"),
    ]);
    shell.arg("--detach=0").arg(server);
    assert_eq!(stage.start(shell).wait().code(), Some(7));
}
