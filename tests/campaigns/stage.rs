//! What all campaigns need: how long they are, chance that can be repeated, runs of glider that end.

use sample_targets::Target;
use serde_json::Value as Json;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// After which a run of glider counts as one that hangs: far above its own limit.
const HANGS: Duration = Duration::from_secs(100);

/// How often something is done: a number from the environment, or the one of the short form.
pub(crate) fn count(variable: &str, short: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => short,
    }
}

/// Starts a sample with a scenario and its other arguments, as another user if one is given. It ends with the thread that
/// starts it, so that a campaign that is stopped leaves none.
pub(crate) fn start(command: &mut Command, scenario: &str, others: &[String], user: Option<u32>) -> Target {
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    // SAFETY: between fork and exec, prctl(2) is one system call and touches no memory.
    let command = unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?))
    };
    Target::start_command(command.arg(scenario).args(others), scenario).unwrap()
}

/// glider: the one that was built for these tests, or that GIMLI_GLIDER names, a release build say.
pub(crate) fn glider() -> Command {
    let program = std::env::var_os("GIMLI_GLIDER");
    let mut command = Command::new(program.unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_glider"))));
    for variable in ["GIMLI_PLUGIN_PATH", "GIMLI_TIMEOUT"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Numbers that look random and are the same in each run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// One below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// How a run of glider ended.
pub(crate) struct Run {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) hung: bool,
    pub(crate) text: Vec<u8>,
    pub(crate) error: String,
}

impl Run {
    /// Its report, if it is JSON.
    pub(crate) fn report(&self) -> Option<Json> {
        serde_json::from_slice(&self.text).ok()
    }
}

/// A glider that runs, whose output is read from the start: one that nobody reads would wait, not end.
pub(crate) struct Running {
    child: Child,
    text: JoinHandle<io::Result<Vec<u8>>>,
    error: JoinHandle<io::Result<Vec<u8>>>,
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<io::Result<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).map(|_| text)
    })
}

impl Running {
    /// Starts a glider, whose output goes to pipes.
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child = command.spawn().unwrap();
        let text = read(child.stdout.take().unwrap());
        let error = read(child.stderr.take().unwrap());
        Running { child, text, error }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Waits for its end; one that hangs is killed.
    pub(crate) fn finish(mut self) -> Run {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        let (running, ended) = channel::<()>();
        let watch = std::thread::spawn(move || {
            let hung = ended.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout);
            if hung {
                // It is reaped only after this thread has ended.
                nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
            }
            hung
        });
        let text = self.text.join().unwrap().unwrap();
        let error = self.error.join().unwrap().unwrap();
        drop(running);
        let hung = watch.join().unwrap();
        let error = String::from_utf8_lossy(&error).into_owned();
        Run { code: self.child.wait().unwrap().code(), hung, text, error }
    }
}

/// Whether something comes to hold within seconds.
pub(crate) fn settled(holds: impl Fn() -> bool) -> bool {
    [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096].into_iter().any(|pause| {
        std::thread::sleep(Duration::from_millis(pause));
        holds()
    })
}

/// What is wrong with a target after a trace: it is gone, stopped, or still traced.
pub(crate) fn not_let_go(target: &Target) -> Option<String> {
    // One that was just let go may not have come to run yet.
    let is_free =
        || target.threads().is_ok_and(|threads| threads.iter().all(|tid| is_free(target.pid(), *tid)));
    if settled(is_free) {
        return None;
    }
    let threads = target.threads().unwrap_or_default();
    let states: String = threads.iter().filter_map(|tid| target.state(*tid)).collect();
    Some(format!("process {} is gone, stopped or traced: threads {states}", target.pid()))
}

fn is_free(pid: i32, tid: i32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")) else { return false };
    let state = status.lines().find_map(|line| line.strip_prefix("State:\t"));
    status.contains("\nTracerPid:\t0\n")
        && state.is_some_and(|state| !state.starts_with(['T', 't', 'Z', 'X']))
}

/// A line to whoever waits for a long form, where the tests run with `--nocapture`.
pub(crate) fn tell(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}
