//! debuginfod: a real server on the loopback interface, and one that never answers.

use crate::GLIDER;
use crate::shipping::claim;
use crate::workshop::{Workshop, frames, module, report};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Serves the debug files of a folder; ready when it has looked through it.
fn serve(folder: &Path, port: u16) -> Server {
    let mut command = Command::new("debuginfod");
    command.args(["-F", "-p", &port.to_string(), "-d", ":memory:"]).arg(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).env_remove("DEBUGINFOD_URLS");
    let child =
        command.spawn().unwrap_or_else(|error| panic!("debuginfod: {error} (Debian package: debuginfod)"));
    Server(child)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_has_the_debug_file() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    let target = shop.start("program", &[]);
    let found = report(&target, &[]);
    let expected = frames(&found);
    let id = module(&found, "program")["debug_id"].as_str().unwrap().to_owned();
    drop(target);
    for command in ["mkdir served", "objcopy --only-keep-debug program served/p.debug", "strip program"] {
        shop.run(command);
    }
    let port = free_port();
    let _server = serve(&shop.path("served"), port);
    let url = format!("http://127.0.0.1:{port}");
    wait_until("the server does not listen", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let has_it = || {
        let mut command = Command::new("debuginfod-find");
        command.args(["debuginfo", &id]).env("DEBUGINFOD_URLS", &url);
        command.env("DEBUGINFOD_CACHE_PATH", shop.path("probe")).env("HOME", shop.path(""));
        let _ = std::fs::remove_dir_all(shop.path("probe"));
        command.output().unwrap().status.success()
    };
    wait_until("the server does not have the file", has_it);

    let target = shop.start("program", &[]);
    target.wait_until_blocked().unwrap();
    let trace = |options: &[&str]| {
        let mut command = Command::new(GLIDER);
        command.args(["--format", "json"]).args(options).arg(target.pid().to_string());
        command.env("DEBUGINFOD_URLS", &url).env("DEBUGINFOD_CACHE_PATH", shop.path("cache"));
        let output = command.output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let without = trace(&[]);
    assert!(module(&without, "program")["debug_info"].is_null(), "nothing is asked for unasked");
    assert!(!shop.path("cache").exists());
    let found = trace(&["--debuginfod"]);
    assert_eq!(frames(&found), expected, "{} {}", found["modules"], found["problems"]);
    let came_from = module(&found, "program")["debug_info"].as_str().unwrap();
    assert!(came_from.starts_with(shop.path("cache").to_str().unwrap()), "{came_from}");
    claim("stripped, `--debuginfod`", "yes | yes | yes");
}

#[test]
fn a_server_that_never_answers_holds_nobody_up() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    shop.run("strip program");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let target = shop.start("program", &[]);
    target.wait_until_blocked().unwrap();
    let mut command = Command::new(GLIDER);
    command.args(["--format", "json", "--debuginfod", "--debuginfod-time", "0.5"]);
    command.arg(target.pid().to_string()).env("DEBUGINFOD_URLS", &url);
    command.env("DEBUGINFOD_CACHE_PATH", shop.path("cache"));
    let output = command.output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["problems"].to_string().contains("--debuginfod-time"), "{}", found["problems"]);
    assert_eq!(found["status"], "OK", "the report is complete all the same");
    assert_eq!(module(&found, "program")["remedy"], "--debug-dir");
}

#[test]
fn without_servers_it_is_told() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    shop.run("strip program");
    let target = shop.start("program", &[]);
    target.wait_until_blocked().unwrap();
    let mut command = Command::new(GLIDER);
    command.env("GIMLI_DEBUGINFOD", "1").env_remove("DEBUGINFOD_URLS").arg(target.pid().to_string());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("DEBUGINFOD_URLS, which is not set"), "{text}");
}
