//! A sample that runs: started in a process group of its own, followed to its `ready` line, and
//! ended when the guard is dropped, whatever state it or the test is in.

use crate::proc_status::{self, ThreadStatus};
use crate::{Client, Error, Program};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as not happening.
const LIMIT: Duration = Duration::from_secs(60);
/// How often /proc is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(5);
/// How much of a target's standard error is kept.
const MESSAGES_LIMIT: u64 = 64 * 1024;

/// How long a program that ended may take to be read to its end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A running sample. Dropping it kills its process group and reaps it.
#[derive(Debug)]
pub struct Target {
    child: Child,
    scenario: String,
    greeting: Vec<String>,
    lines: Receiver<String>,
    messages: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when all messages have come.
    collector: Receiver<()>,
}

impl Target {
    /// Starts `program SCENARIO ARGUMENT…` and waits until it has printed its `ready` line.
    ///
    /// # Errors
    /// When it cannot be started, ends first (its own words are in the error), or takes too long.
    pub fn start(program: &Program, scenario: &str, arguments: &[&str]) -> Result<Target, Error> {
        let mut command = Command::new(program.path());
        command.arg(scenario).args(arguments);
        Target::start_command(&mut command, scenario)
    }

    /// Starts any command that keeps to the samples' protocol, under a name for error texts.
    ///
    /// # Errors
    /// As [`Target::start`].
    pub fn start_command(command: &mut Command, name: &str) -> Result<Target, Error> {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Error::io("run", command.get_program()))?;
        let messages = Arc::new(Mutex::new(Vec::new()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut target = Target {
            child,
            scenario: name.to_string(),
            greeting: Vec::new(),
            lines: follow_lines(stdout),
            messages: Arc::clone(&messages),
            collector: collect_messages(stderr, messages),
        };
        target.wait_until_ready()?;
        Ok(target)
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The lines printed before `ready`, the server's port among them.
    pub fn greeting(&self) -> &[String] {
        &self.greeting
    }

    /// The pipe to its standard input; `None` once taken.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The next line that it prints after `ready`; `None` at the end of its output.
    ///
    /// # Errors
    /// When none comes for a minute.
    pub fn read_line(&self) -> Result<Option<String>, Error> {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.timed_out("a line of output")),
        }
    }

    /// What it has written to its standard error so far.
    pub fn messages(&self) -> String {
        let bytes = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The ids of its threads, the leader's first; the leader counts also when it has ended.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn threads(&self) -> Result<Vec<i32>, Error> {
        let threads = proc_status::read_threads(self.pid());
        if threads.is_empty() {
            let path = format!("/proc/{}/task", self.pid());
            return Err(Error::io("read", path)(std::io::ErrorKind::NotFound.into()));
        }
        Ok(threads)
    }

    /// The state letter of one thread as proc(5) has it, `None` when it is gone.
    pub fn state(&self, tid: i32) -> Option<char> {
        proc_status::read_status(self.pid(), tid).map(|status| status.state)
    }

    /// Waits until the leader is in this state: R, S, D, T, t, Z.
    ///
    /// # Errors
    /// When a minute passes first; the error says in what states the threads are.
    pub fn wait_for_state(&self, state: char) -> Result<(), Error> {
        self.wait_for(&format!("state {state}"), || self.state(self.pid()) == Some(state))
    }

    /// Waits until every thread sleeps, is stopped, or is an ended leader, and stays so between two looks.
    ///
    /// # Errors
    /// When a minute passes first.
    pub fn wait_until_blocked(&self) -> Result<(), Error> {
        let mut before: Vec<ThreadStatus> = Vec::new();
        self.wait_for("every thread asleep", || {
            let now = proc_status::read_all(self.pid());
            let asleep = !now.is_empty() && now.iter().all(|thread| "SDTtZ".contains(thread.state));
            let settled = asleep && now == before;
            before = now;
            settled
        })
    }

    /// Waits until it has computed for so many ticks of the scheduler's clock (usually of 10 ms each).
    ///
    /// # Errors
    /// When a minute passes first, as it does when all of its threads sleep.
    pub fn wait_for_processor_time(&self, ticks: u64) -> Result<(), Error> {
        self.wait_for("processor time", || {
            proc_status::read_processor_ticks(self.pid()).is_some_and(|used| used >= ticks)
        })
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When a minute passes first.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus, Error> {
        let until = Instant::now() + LIMIT;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < until => thread::sleep(PAUSE),
                Ok(None) => return Err(self.timed_out("its end")),
                Err(error) => return Err(Error::io("wait for", &self.scenario)(error)),
            }
        }
    }

    /// Connects to the "server" scenario.
    ///
    /// # Errors
    /// When the scenario is another one, or the server does not answer.
    pub fn connect(&self) -> Result<Client, Error> {
        Client::connect(self.pid(), &self.greeting)
    }

    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let ready = format!("ready {}", self.pid());
        loop {
            match self.read_line()? {
                Some(line) if line == ready => return Ok(()),
                Some(line) => self.greeting.push(line),
                None => {
                    let status = self.wait_for_end()?;
                    // Whatever it left in the pipe; a child of its own may keep that open.
                    let _ = self.collector.recv_timeout(LAST_WORDS);
                    let (scenario, messages) = (self.scenario.clone(), self.messages());
                    return Err(Error::NotReady { scenario, status, messages });
                }
            }
        }
    }

    fn wait_for(&self, what: &str, mut happened: impl FnMut() -> bool) -> Result<(), Error> {
        let until = Instant::now() + LIMIT;
        while !happened() {
            if Instant::now() > until {
                return Err(self.timed_out(what));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn timed_out(&self, what: &str) -> Error {
        let states: String =
            proc_status::read_all(self.pid()).iter().map(|thread| thread.state).take(64).collect();
        let seen = format!("thread states \"{states}\", messages \"{}\"", self.messages());
        Error::TimedOut { what: format!("{}: {what}", self.scenario), seconds: LIMIT.as_secs(), seen }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let pid = self.pid();
        // A process that was reaped already no longer owns its number: signal nobody then.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // SIGKILL ends stopped processes too. An error means that the group is gone.
            let _gone = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            let ended = self.wait_for_end();
            if !thread::panicking() {
                assert!(ended.is_ok(), "target {pid} outlived its guard: {ended:?}");
                assert!(!Path::new(&format!("/proc/{pid}")).exists(), "target {pid} was not reaped");
            }
        }
    }
}

/// Hands over the lines of a pipe as they come, so that waiting for one can be bounded.
fn follow_lines(pipe: Option<ChildStdout>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// Keeps the first part of what a pipe brings and drains the rest. What it gives is disconnected
/// at the pipe's end.
fn collect_messages(pipe: Option<ChildStderr>, messages: Arc<Mutex<Vec<u8>>>) -> Receiver<()> {
    let (collecting, collector) = channel();
    let Some(mut pipe) = pipe else {
        return collector;
    };
    thread::spawn(move || {
        let _collecting = collecting;
        let mut chunk = [0; 4096];
        while let Ok(count) = pipe.read(&mut chunk) {
            let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            let mut kept = messages.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MESSAGES_LIMIT.saturating_sub(kept.len() as u64);
            kept.extend(bytes.iter().take(room as usize));
        }
    });
    collector
}
