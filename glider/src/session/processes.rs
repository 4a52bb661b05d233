//! The processes that look at a target for the keeper: started together, each with the rights that it needs.

use super::analyzer_process::{AnalyzerProcess, Rights};
use super::link::Link;
use super::spool::{self, SpoolWriter};
use super::{Analyzer, Output};
use crate::confine::fetcher::Fetcher;
use crate::confine::opener::Opener;
use crate::target::{Mapping, ProcessDirectory, ProcessInfo, TargetError};
use std::fs::File;
use std::io;
use std::time::Duration;

/// They run; each is ended when it is dropped.
pub(super) struct Processes {
    pub(super) analyzer: AnalyzerProcess,
    pub(super) opener: Opener,
    pub(super) fetcher: Option<Fetcher>,
    /// Where the analyzer puts what it finds.
    pub(super) spool: File,
}

impl Processes {
    /// Starts them; the analyzer, which may use so much memory, begins to prepare. With a time for `servers` there is a
    /// process that asks those of debuginfod.
    ///
    /// # Errors
    /// When the system gives no process or memory, or does not say whose the target is.
    pub(super) fn start(
        process: &ProcessDirectory,
        memory: u64,
        servers: Option<Duration>,
        analyzer: &mut dyn Analyzer,
        info: &ProcessInfo,
        mappings: &[Mapping],
    ) -> Result<Processes, TargetError> {
        let spool = spool::create().map_err(|error| TargetError::system("make a memory file", error))?;
        let owner = process
            .read_owner()
            .map_err(|error| TargetError::system(format!("read /proc/{}/status", process.pid()), error))?;
        let opener = Opener::start(process, &owner)
            .map_err(|error| TargetError::system("start the process that opens files", error))?;
        let fetcher = servers.map(Fetcher::start).transpose();
        let fetcher =
            fetcher.map_err(|error| TargetError::system("start the process that asks debuginfod", error))?;
        let rights = Rights { owner: &owner, opener: &opener, fetcher: fetcher.as_ref(), memory };
        let analyzer = AnalyzerProcess::start(&spool, rights, |link, spool| {
            analyze(analyzer, info, mappings, link, spool)
        })
        .map_err(|error| TargetError::system("start the analyzer process", error))?;
        Ok(Processes { analyzer, opener, fetcher, spool })
    }
}

/// What the analyzer process does, from its first to its last moment.
fn analyze(
    analyzer: &mut dyn Analyzer,
    info: &ProcessInfo,
    mappings: &[Mapping],
    link: &Link,
    mut spool: SpoolWriter,
) -> Result<(), String> {
    analyzer.prepare(info, mappings);
    let lost = |error: io::Error| format!("the line to the keeper broke: {error}");
    link.say_warm().map_err(lost)?;
    let Some((capture, memory)) = link.await_hand_over().map_err(lost)? else { return Ok(()) };
    let footer = analyzer.analyze(&capture, &memory, &mut spool);
    spool.put_footer(&footer)?;
    link.say_done().map_err(lost)
}
