//! The log: each event one line, `time monitor[pid]: text`, to standard error or a file. A pipe nobody reads, or a
//! full disk, costs the line and nothing else.

use crate::clock;
use crate::event::Level;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// Where lines go, and from which level on.
#[derive(Debug)]
pub(crate) struct Log {
    file: Option<File>,
    least: Level,
}

impl Log {
    /// # Errors
    /// The log file cannot be opened for appending.
    pub(crate) fn open(path: Option<&str>, quiet: bool, debug: bool) -> io::Result<Log> {
        let open = |path| OpenOptions::new().append(true).create(true).open(path);
        let least = match (debug, quiet) {
            (true, _) => Level::Debug,
            (false, false) => Level::Info,
            (false, true) => Level::Alert,
        };
        Ok(Log { file: path.map(open).transpose()?, least })
    }

    /// The file, when there is one.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    pub(crate) fn line(&self, level: Level, text: &str) {
        if level < self.least {
            return;
        }
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = format!("{} monitor[{}]: {text}\n", clock::log_stamp(), std::process::id());
        let _ = match &self.file {
            Some(file) => (&*file).write_all(line.as_bytes()),
            None => io::stderr().write_all(line.as_bytes()),
        };
    }
}
