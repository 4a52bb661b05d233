//! How long a fault takes: `cargo bench -p monitor --bench latency [-- ROUNDS]`. A plain program.
//!
//! It is server, tracer and judge in one: it starts a monitor over itself as a server that notes the time and
//! faults, with itself as the tracer that notes when it starts and when it ends. From the notes: fault to the
//! first instruction of the tracer's main, and the tracer's end to the first instruction of the next server's.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn now() -> i64 {
    // SAFETY: clock_gettime fills the local timespec; CLOCK_MONOTONIC is the same for all processes.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time);
        time
    };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn note(notes: &str, what: &str) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(notes)?
        .write_all(format!("{what} {}\n", now()).as_bytes())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let notes = std::env::var("LATENCY_NOTES");
    match (notes, arguments.get(1).map(String::as_str)) {
        (Ok(notes), Some("server")) => {
            note(&notes, "start")?;
            libgimli::Heartbeat::attach();
            note(&notes, "fault")?;
            // SAFETY: none, it is meant to fault.
            unsafe { std::ptr::without_provenance_mut::<u8>(0x2a).write_volatile(1) };
            Ok(())
        }
        (Ok(notes), Some(_)) => {
            note(&notes, "trace")?;
            note(&notes, "traced")
        }
        _ => measure(arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(200)),
    }
}

fn measure(rounds: usize) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes");
    let own = std::env::current_exe()?;
    let option = |name: &str, path: &Path| {
        let mut option = std::ffi::OsString::from(format!("--{name}="));
        option.push(std::ffi::OsStr::from_bytes(path.as_os_str().as_bytes()));
        option
    };
    let mut monitor = Command::new(env!("CARGO_BIN_EXE_monitor"))
        .args(["--detach=0", "--respawn-frequency=0", "--max-traces=0"])
        .args([option("trace-dir", folder.path()), option("glider", &own)])
        .arg(&own)
        .arg("server")
        .env("LATENCY_NOTES", &notes)
        .stderr(Stdio::from(File::create(folder.path().join("log"))?))
        .spawn()?;
    let text = loop {
        let text = std::fs::read_to_string(&notes).unwrap_or_default();
        if text.matches("start ").count() > rounds {
            break text;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    monitor.kill()?;
    monitor.wait()?;
    let events: Vec<(&str, i64)> = text
        .lines()
        .filter_map(|line| {
            let (what, time) = line.split_once(' ')?;
            Some((what, time.parse().ok()?))
        })
        .collect();
    for (from, to, words) in [
        ("fault", "trace", "fault to tracer's start"),
        ("traced", "start", "tracer's end to next server's start"),
    ] {
        let mut spans: Vec<i64> = events
            .windows(2)
            .filter_map(|pair| match pair {
                [(first, begin), (second, end)] if *first == from && *second == to => Some(end - begin),
                _ => None,
            })
            .collect();
        spans.sort_unstable();
        let at = |share: usize| spans.get((spans.len() - 1) * share / 100).map_or(0.0, |ns| *ns as f64 / 1e6);
        println!(
            "{words}: median {:.2} ms, 99 % {:.2} ms, worst {:.2} ms ({} times)",
            at(50),
            at(99),
            at(100),
            spans.len()
        );
    }
    Ok(())
}
