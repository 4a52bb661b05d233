//! One trace from start to end: the processes, what they say to each other, and the
//! order in which things happen. See ARCHITECTURE.md, "Processes".

mod analyzer_process;
pub mod bare;
mod controls;
mod debug_packages;
pub mod fallback;
mod keeper;
pub mod last_resort;
mod link;
mod look;
pub mod outlet;
pub mod own_limits;
pub mod own_signals;
mod processes;
pub mod shared_memory;
pub mod spool;
pub mod workers;

pub use keeper::{Pause, Request, Trace, trace};
pub use look::look;

use crate::report::Footer;
use crate::target::{Capture, Mapping, Memory, ProcessInfo};
use std::os::fd::RawFd;

/// What the analyzer process does; the keeper starts it and survives it.
pub trait Analyzer {
    /// Loads what can be loaded while the target still runs: called before it is stopped,
    /// with the memory map as it is then. May be called with a map that is out of date a
    /// moment later; must not print.
    fn prepare(&mut self, process: &ProcessInfo, mappings: &[Mapping]);

    /// Analyzes the held target and hands the rendered parts over, header first, then
    /// each thread. Where not all memory could be copied, the target is let go when this returns.
    /// The keeper adds the problems of the capture and the timing to the footer.
    fn analyze(&mut self, capture: &Capture, memory: &dyn Memory, output: &mut dyn Output) -> Footer;
}

/// Where the analyzer puts the rendered parts of the report. What was put here survives
/// the analyzer's death.
pub trait Output {
    /// The rendered header: everything before the first thread.
    fn put_header(&mut self, rendered: &[u8]);
    /// Begins the thread with this index in [`Capture::threads`]. It counts only once it was
    /// ended, and is not shown when nothing was appended to it.
    fn begin_thread(&mut self, index: usize);
    /// The next part of the rendered thread.
    fn append(&mut self, rendered: &[u8]);
    /// The thread is complete.
    fn end_thread(&mut self);
    /// Bytes put so far, without those of a thread that was not ended.
    fn size(&self) -> u64;
    /// Takes over what a process forked from this one has put: `size` is what that process
    /// had put when it was last in order. What is behind that is dropped.
    fn set_size(&mut self, size: u64);
    /// Puts what is to be said after the threads, by whoever put them. Those of all branches are
    /// put together.
    ///
    /// # Errors
    /// When it, or any part before it, could not be put.
    fn put_footer(&mut self, footer: &Footer) -> Result<(), String>;
    /// A place of its own for threads that a process forked from this one analyzes, with a number
    /// from 1 on; `None` when there are no more.
    fn branch(&self, number: usize) -> Option<Box<dyn Output>>;
    /// The descriptor that it all goes through, where there is one.
    fn descriptor(&self) -> Option<RawFd> {
        None
    }
}
