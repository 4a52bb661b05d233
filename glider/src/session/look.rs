//! A look at a process that is not stopped for it: by the same confined process that analyzes one that is.

use super::analyzer_process::{AnalyzerProcess, Rights};
use super::keeper::{Outcome, analyze, await_done};
use super::spool::{self, SpoolReader};
use super::{Analyzer, Request};
use crate::confine::opener::Opener;
use crate::report::Footer;
use crate::target::{Capture, ProcessDirectory, TargetError};
use std::io;
use std::time::Instant;

/// Has an analyzer look at a running process; gives its footer. There are no threads in the capture that it gets.
///
/// # Errors
/// When the process cannot be read, the system gives no process or memory, or the analyzer ends early.
pub fn look(
    process: &ProcessDirectory,
    request: &Request,
    analyzer: &mut dyn Analyzer,
) -> Result<Footer, TargetError> {
    let deadline = Instant::now() + request.timeout;
    let failed = |what: &'static str| move |error| TargetError::system(what, error);
    let capture = Capture {
        process: process.read_process_info(),
        mappings: process.read_maps().map_err(failed("read the memory map"))?.mappings,
        auxv: process.read_auxv().unwrap_or_default(),
        threads: Vec::new(),
        problems: Vec::new(),
    };
    let memory = process.open_memory().map_err(failed("read the memory"))?;
    let page_map = process.open_page_map().ok();
    let owner = process.read_owner().map_err(failed("read whose process it is"))?;
    let opener = Opener::start(process, &owner).map_err(failed("start the process that opens files"))?;
    let spool = spool::create().map_err(failed("make a memory file"))?;
    let rights = Rights { owner: &owner, opener: &opener, fetcher: None, memory: request.limits.memory };
    let mut child = AnalyzerProcess::start(&spool, rights, |link, spool| {
        analyze(analyzer, &capture.process, &capture.mappings, link, spool)
    })
    .map_err(failed("start the analyzer process"))?;
    let handed_over = child.link.hand_over(&capture, &memory, page_map.as_ref(), None, &[]);
    let outcome = handed_over.map(|()| await_done(None, &child.link, deadline));
    let why = match outcome {
        Ok(Outcome::Done) => "it left no answer".to_owned(),
        Ok(Outcome::TimedOut) => format!("the time limit of {:?} was reached (--timeout)", request.timeout),
        _ => child.end(),
    };
    let footer = SpoolReader::new(spool, 0).footer;
    footer.ok_or_else(|| failed("look at the process")(io::Error::other(why)))
}
