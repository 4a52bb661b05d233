//! A look at a process that is not stopped for it: by the same confined process that analyzes one that is.

use super::keeper::{Outcome, await_done, page_map};
use super::processes::Processes;
use super::spool::SpoolReader;
use super::{Analyzer, Request};
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
    let page_map = page_map(process, &capture);
    let (info, mappings) = (&capture.process, &capture.mappings);
    let Processes { analyzer: mut child, opener: _opener, spool, .. } =
        Processes::start(process, request.limits.memory, None, analyzer, info, mappings)?;
    let handed_over = child.link.hand_over(&capture, &memory, page_map.as_ref(), None, &[]);
    let outcome = handed_over.map_or(Outcome::Died, |()| await_done(None, &child.link, deadline));
    let failure = outcome.failure(&mut child, request.timeout);
    SpoolReader::new(spool, 0).footer.ok_or_else(|| {
        let why = failure.unwrap_or_else(|| "it left no answer".to_owned());
        failed("look at the process")(io::Error::other(why))
    })
}
