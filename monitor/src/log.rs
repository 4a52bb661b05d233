//! The log: each event one line, `time monitor[pid]: text`, to standard error or a file. A pipe nobody reads, or a
//! full disk, costs the line and nothing else.

use crate::event::Level;
use crate::options::Options;
use crate::{Refusal, clock};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;

/// Where lines go, and from which level on.
#[derive(Debug)]
pub(crate) struct Log {
    file: Option<File>,
    least: Level,
}

impl Log {
    /// # Errors
    /// The log file cannot be opened for appending.
    pub(crate) fn open(options: &Options) -> Result<Log, Refusal> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        let file = options.text("log-file").map(open).transpose();
        let least = match (options.toggle("debug"), options.toggle("quiet")) {
            (true, _) => Level::Debug,
            (false, false) => Level::Info,
            (false, true) => Level::Alert,
        };
        Ok(Log { file: file.map_err(|error| options.refuse("log-file", error))?, least })
    }

    /// The file, when there is one.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    pub(crate) fn line(&self, level: Level, text: &str) {
        if level < self.least {
            return;
        }
        let text = text.replace(char::is_control, " ");
        let line = format!("{} monitor[{}]: {text}\n", clock::log_stamp(), std::process::id());
        let standard = io::stderr();
        let output = self.file.as_ref().map_or(standard.as_fd(), File::as_fd);
        // A pipe that is full would block; one that has room takes a line whole (pipe(7)).
        if poll(&mut [PollFd::new(output, PollFlags::POLLOUT)], PollTimeout::ZERO) == Ok(1) {
            let _ = nix::unistd::write(output, line.as_bytes());
        }
    }
}
