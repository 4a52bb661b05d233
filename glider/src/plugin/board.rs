//! The page that the plugin host writes and the analyzer reads: which call is being made, and
//! how far the report is. It outlives the host, so that the analyzer knows whom to blame.
//!
//! A plugin can scribble on it, as on all memory of the host: what is read here is believed
//! only as far as it makes sense.

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// What the host does when it does not run a plugin.
const NOBODY: u32 = u32::MAX;

/// The shared page.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Board {
    /// Calls begun and calls ended, each counted: odd while a plugin runs.
    turns: AtomicU64,
    plugin: AtomicU32,
    hook: AtomicU32,
    thread: AtomicI32,
    frame: AtomicU32,
    /// Threads put into the spool, and the spool's size after the last of them.
    threads: AtomicU64,
    spool: AtomicU64,
    ending: AtomicU32,
}

/// A moment of a plugin: what was being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Index of the plugin.
    pub(super) plugin: usize,
    /// What was called.
    pub(super) hook: Hook,
    /// Kernel thread id, 0 outside of threads.
    pub(super) thread: i32,
    /// Physical frame, `None` outside of frames.
    pub(super) frame: Option<u32>,
}

/// What of a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Hook {
    /// Loading it: its constructors and its entry function.
    Load,
    /// Before the first thread.
    BeginTrace,
    /// Before a thread.
    BeginThread,
    /// Before a frame.
    BeforeFrame,
    /// Before a variable, or a value inside one.
    BeforeVariable,
    /// A printer for a type.
    PrintValue,
    /// After a variable.
    AfterVariable,
    /// After a frame.
    AfterFrame,
    /// After a thread.
    EndThread,
    /// After all threads.
    GlobalTrace,
}

impl Hook {
    const ALL: [Hook; 10] = [
        Hook::Load,
        Hook::BeginTrace,
        Hook::BeginThread,
        Hook::BeforeFrame,
        Hook::BeforeVariable,
        Hook::PrintValue,
        Hook::AfterVariable,
        Hook::AfterFrame,
        Hook::EndThread,
        Hook::GlobalTrace,
    ];

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Load => "loading it",
            Hook::BeginTrace => "begin of the trace",
            Hook::BeginThread => "begin of thread",
            Hook::BeforeFrame => "before frame",
            Hook::BeforeVariable => "before variable",
            Hook::PrintValue => "printing a value",
            Hook::AfterVariable => "after variable",
            Hook::AfterFrame => "after frame",
            Hook::EndThread => "end of thread",
            Hook::GlobalTrace => "global trace",
        }
    }
}

/// How the host ended, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Ending {
    /// It has not said.
    None,
    /// Everything is done.
    Done,
    /// A plugin printed more than it may.
    TooMuchOutput,
    /// A descriptor that is not the plugin's was closed or exchanged.
    Descriptors,
    /// The host itself could not be set up, or failed.
    Host,
}

impl Board {
    /// A page shared with the processes forked later. It is never unmapped: there is one in
    /// the life of an analyzer.
    pub(super) fn new() -> std::io::Result<&'static Board> {
        let size = NonZeroUsize::new(size_of::<Board>()).unwrap_or(NonZeroUsize::MIN);
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
        let place = unsafe { mmap_anonymous(None, size, protection, flags) }?;
        // SAFETY: the mapping is large and aligned enough, lives as long as the process, and its
        // zeros are valid atomics; other processes write to it through atomics as well.
        let board = unsafe { place.cast::<Board>().as_ref() };
        board.plugin.store(NOBODY, Ordering::Relaxed);
        Ok(board)
    }

    /// Before a new host begins.
    pub(super) fn reset(&self) {
        self.turns.store(0, Ordering::Relaxed);
        self.plugin.store(NOBODY, Ordering::Relaxed);
        self.ending.store(Ending::None as u32, Ordering::Relaxed);
    }

    /// A plugin is about to run.
    pub(super) fn begin(&self, call: Call) {
        self.plugin.store(u32::try_from(call.plugin).unwrap_or(NOBODY), Ordering::Relaxed);
        self.hook.store(call.hook as u32, Ordering::Relaxed);
        self.thread.store(call.thread, Ordering::Relaxed);
        self.frame.store(call.frame.unwrap_or(NOBODY), Ordering::Relaxed);
        // Written by one process, so no read-modify-write is needed.
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// It came back.
    pub(super) fn end(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// A thread is in the spool, which has this size now.
    pub(super) fn advance(&self, threads: usize, spool: u64) {
        self.spool.store(spool, Ordering::Relaxed);
        self.threads.store(threads as u64, Ordering::Release);
    }

    /// How many threads are in the spool, and its size then.
    pub(super) fn progress(&self) -> (usize, u64) {
        let threads = usize::try_from(self.threads.load(Ordering::Acquire)).unwrap_or(usize::MAX);
        (threads, self.spool.load(Ordering::Relaxed))
    }

    /// Says how it ends.
    pub(super) fn conclude(&self, ending: Ending) {
        self.ending.store(ending as u32, Ordering::Release);
    }

    /// How it said it ends.
    pub(super) fn ending(&self) -> Ending {
        let told = self.ending.load(Ordering::Acquire);
        let known = [Ending::Done, Ending::TooMuchOutput, Ending::Descriptors, Ending::Host];
        known.into_iter().find(|ending| *ending as u32 == told).unwrap_or(Ending::None)
    }

    /// The call that is being made, or the last one, and a number that is another one for
    /// every call: odd while it lasts.
    pub(super) fn last_call(&self) -> (u64, Option<Call>) {
        let turn = self.turns.load(Ordering::Acquire);
        let hook = self.hook.load(Ordering::Relaxed);
        let plugin = self.plugin.load(Ordering::Relaxed);
        let frame = self.frame.load(Ordering::Relaxed);
        let call = Hook::ALL.into_iter().find(|known| *known as u32 == hook).map(|hook| Call {
            plugin: plugin as usize,
            hook,
            thread: self.thread.load(Ordering::Relaxed),
            frame: (frame != NOBODY).then_some(frame),
        });
        (turn, call.filter(|_| plugin != NOBODY))
    }
}

impl std::fmt::Display for Call {
    /// `before frame 3 of thread 6704`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.hook.name())?;
        match (self.thread, self.frame) {
            (0, _) => Ok(()),
            (thread, Some(frame)) => write!(f, " (thread {thread}, frame {frame})"),
            (thread, None) => write!(f, " (thread {thread})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_is_told_and_whether_it_lasts() {
        let board = Board::new().unwrap();
        assert_eq!(board.last_call(), (0, None));
        let call = Call { plugin: 1, hook: Hook::BeforeFrame, thread: 7, frame: Some(3) };
        board.begin(call);
        assert_eq!(board.last_call(), (1, Some(call)));
        board.end();
        assert_eq!(board.last_call(), (2, Some(call)));
        assert_eq!(call.to_string(), "before frame (thread 7, frame 3)");
        board.conclude(Ending::Descriptors);
        board.advance(4, 1000);
        assert_eq!((board.ending(), board.progress()), (Ending::Descriptors, (4, 1000)));
        board.reset();
        assert_eq!((board.ending(), board.last_call().1, board.progress()), (Ending::None, None, (4, 1000)));
    }

    #[test]
    fn nonsense_on_the_page_is_nobody() {
        let board = Board::new().unwrap();
        board.begin(Call { plugin: 0, hook: Hook::Load, thread: 0, frame: None });
        board.hook.store(99, Ordering::Relaxed);
        board.ending.store(77, Ordering::Relaxed);
        assert_eq!((board.last_call().1, board.ending()), (None, Ending::None));
    }
}
