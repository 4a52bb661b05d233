//! The program that is traced: started, followed to its `ready`, killed in the end.

use super::Failure;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take until it is ready.
const LIMIT: Duration = Duration::from_secs(60);
/// How many lines a program may print before `ready`.
const MAX_LINES: usize = 1000;
/// How many bytes of a line are looked at.
const MAX_LINE: usize = 4096;

/// A running program. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Target {
    child: Child,
    greeting: Vec<String>,
}

impl Target {
    /// Starts a program and waits until it prints a line that begins with `ready`. What it prints afterwards is read and
    /// thrown away; its standard input is empty.
    ///
    /// # Errors
    /// When it cannot be started, ends first, or takes longer than a minute.
    pub fn start(command: &mut Command) -> Result<Target, Failure> {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| Failure::Start { program: program.clone(), source })?;
        let lines = child.stdout.take().map(follow);
        let mut target = Target { child, greeting: Vec::new() };
        let until = Instant::now() + LIMIT;
        let reason = loop {
            let left = until.saturating_duration_since(Instant::now());
            match lines.as_ref().map(|lines| lines.recv_timeout(left)) {
                Some(Ok(line)) if line.starts_with("ready") => return Ok(target),
                Some(Ok(_)) if target.greeting.len() == MAX_LINES => break "it prints on and on".to_string(),
                Some(Ok(line)) => target.greeting.push(line),
                Some(Err(RecvTimeoutError::Timeout)) => {
                    break format!("no line \"ready\" in {} s", LIMIT.as_secs());
                }
                Some(Err(RecvTimeoutError::Disconnected)) | None => break target.describe_end(),
            }
        };
        Err(Failure::NotReady { program, reason, output: target.greeting.join("\n") })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines it has printed before `ready`.
    pub fn greeting(&self) -> &[String] {
        &self.greeting
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, now that its output has.
    fn describe_end(&mut self) -> String {
        // It may have closed its output only: then it is ended here.
        match self.child.try_wait() {
            Ok(Some(status)) => format!("it ended with {status}"),
            _ => "its output ended".to_string(),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Both fail only when it has been reaped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Hands over the lines of a pipe as they come, and reads on so that the program never waits for a reader.
fn follow(pipe: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(MAX_LINES);
    thread::spawn(move || {
        let (mut reader, mut line, mut wanted) = (BufReader::new(pipe), Vec::new(), true);
        while let Ok(bytes) = reader.fill_buf() {
            let count = bytes.len();
            if count == 0 {
                break;
            }
            for &byte in bytes {
                if !wanted {
                    break;
                }
                if byte == b'\n' {
                    wanted = sender.send(String::from_utf8_lossy(&line).into_owned()).is_ok();
                    line.clear();
                } else if line.len() < MAX_LINE {
                    line.push(byte);
                }
            }
            reader.consume(count);
        }
    });
    receiver
}
