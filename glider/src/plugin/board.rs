//! The page that the plugin host writes and the analyzer reads: which call is being made, and
//! how far the report is. It outlives the host, so that the analyzer knows whom to blame.
//!
//! A plugin can scribble on it, as on all memory of the host: what is read here is believed
//! only as far as it makes sense.

use super::hook::Hook;
use crate::session::shared_memory::share;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// The plugin that runs before the first call.
const NOBODY: u16 = u16::MAX;
/// The frame outside of frames.
const NOWHERE: u32 = u32::MAX;
const PLUGIN_SHIFT: u32 = 8;
const TURN_SHIFT: u32 = 24;

/// A call in one word, which is written at once: the hook, the plugin, and how many calls have
/// begun and ended, each counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment(u64);

impl Moment {
    /// What counts the turns.
    const TURN: u64 = 1 << TURN_SHIFT;

    /// The call that comes after this one.
    #[inline(always)]
    pub(super) fn next(self, plugin: usize, hook: Hook) -> Moment {
        let turns = (self.0 & !(Moment::TURN - 1)) + Moment::TURN;
        Moment(turns | (plugin as u64 & 0xffff) << PLUGIN_SHIFT | hook as u64)
    }

    /// The same call when it is over.
    #[inline(always)]
    pub(super) fn end(self) -> Moment {
        Moment(self.0 + Moment::TURN)
    }
}

/// The shared page.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The last call, a [`Moment`].
    moment: AtomicU64,
    /// Thread and frame at hand.
    thread: AtomicI32,
    frame: AtomicU32,
    /// Threads put into the spool, and its size after the last of them.
    progress: Progress,
    /// The same, when all descriptors were last found to be what they should.
    sound: Progress,
    ending: AtomicU32,
}

/// How far the report is.
#[derive(Debug, Default)]
struct Progress {
    threads: AtomicU64,
    spool: AtomicU64,
}

impl Progress {
    fn set(&self, threads: usize, spool: u64) {
        self.spool.store(spool, Ordering::Relaxed);
        self.threads.store(threads as u64, Ordering::Release);
    }

    fn get(&self) -> (usize, u64) {
        let threads = usize::try_from(self.threads.load(Ordering::Acquire)).unwrap_or(usize::MAX);
        (threads, self.spool.load(Ordering::Relaxed))
    }
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
    /// The number that the report prints for the frame, `None` outside of frames.
    pub(super) frame: Option<u32>,
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
        let board = share(Board::default())?;
        board.reset();
        Ok(board)
    }

    /// Before a new host begins.
    pub(super) fn reset(&self) {
        self.moment.store(u64::from(NOBODY) << PLUGIN_SHIFT, Ordering::Relaxed);
        self.ending.store(Ending::None as u32, Ordering::Relaxed);
        self.come_to(0, None);
    }

    /// Which thread and frame the calls that follow are for.
    pub(super) fn come_to(&self, thread: i32, frame: Option<u32>) {
        self.thread.store(thread, Ordering::Relaxed);
        self.frame.store(frame.unwrap_or(NOWHERE), Ordering::Relaxed);
    }

    /// A plugin is about to run, or came back: the number of turns is odd while it runs. The host counts, so that
    /// the page is only written, and waited for by nobody.
    #[inline(always)]
    pub(super) fn tell(&self, moment: Moment) {
        self.moment.store(moment.0, Ordering::Release);
    }

    /// So many threads are in the spool, which has this size now; `is_sound`: with every descriptor as it should be.
    pub(super) fn advance(&self, threads: usize, spool: u64, is_sound: bool) {
        self.progress.set(threads, spool);
        if is_sound {
            self.sound.set(threads, spool);
        }
    }

    /// How many threads are in the spool as they should be, and its size then.
    pub(super) fn progress(&self) -> (usize, u64) {
        match self.ending() {
            Ending::Descriptors => self.sound.get(),
            _ => self.progress.get(),
        }
    }

    /// Says how it ends.
    pub(super) fn conclude(&self, ending: Ending) {
        self.ending.store(ending as u32, Ordering::Release);
    }

    /// Puts words there that mean anything or nothing: the moment, thread and frame, threads, the spool's
    /// size, the ending.
    pub(super) fn put(&self, [moment, place, threads, spool, ending]: [u64; 5]) {
        self.moment.store(moment, Ordering::Relaxed);
        self.thread.store(place as i32, Ordering::Relaxed);
        self.frame.store((place >> 32) as u32, Ordering::Relaxed);
        let threads = usize::try_from(threads).unwrap_or(usize::MAX);
        self.advance(threads, spool, true);
        self.ending.store(ending as u32, Ordering::Release);
    }

    /// How it said it ends.
    pub(super) fn ending(&self) -> Ending {
        let told = self.ending.load(Ordering::Acquire);
        let known = [Ending::Done, Ending::TooMuchOutput, Ending::Descriptors, Ending::Host];
        known.into_iter().find(|ending| *ending as u32 == told).unwrap_or(Ending::None)
    }

    /// The call that is being made.
    pub(super) fn running(&self) -> Option<Call> {
        let (turn, call) = self.last_call();
        call.filter(|_| turn % 2 == 1)
    }

    /// The call that is being made, or the last one, and a number that is another one for
    /// every call: odd while it lasts.
    pub(super) fn last_call(&self) -> (u64, Option<Call>) {
        let moment = self.moment.load(Ordering::Acquire);
        let (hook, plugin) = (moment & 0xff, (moment >> PLUGIN_SHIFT) as u16);
        let frame = self.frame.load(Ordering::Relaxed);
        let call = Hook::ALL.into_iter().find(|known| *known as u64 == hook).map(|hook| Call {
            plugin: usize::from(plugin),
            hook,
            thread: self.thread.load(Ordering::Relaxed),
            frame: (frame != NOWHERE).then_some(frame),
        });
        (moment >> TURN_SHIFT, call.filter(|_| plugin != NOBODY))
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
        board.come_to(7, Some(3));
        let moment = Moment::default().next(1, Hook::BeforeFrame);
        board.tell(moment);
        assert_eq!((board.last_call(), board.running()), ((1, Some(call)), Some(call)));
        board.tell(moment.end());
        assert_eq!((board.last_call(), board.running()), ((2, Some(call)), None));
        assert_eq!(call.to_string(), "before frame (thread 7, frame 3)");
        board.advance(4, 1000, true);
        board.advance(5, 1200, false);
        assert_eq!(board.progress(), (5, 1200));
        board.conclude(Ending::Descriptors);
        assert_eq!((board.ending(), board.progress()), (Ending::Descriptors, (4, 1000)), "what is certain");
        board.reset();
        assert_eq!((board.ending(), board.last_call().1), (Ending::None, None));
    }

    #[test]
    fn nonsense_on_the_page_is_nobody() {
        let board = Board::new().unwrap();
        board.moment.store(99, Ordering::Relaxed);
        board.ending.store(77, Ordering::Relaxed);
        assert_eq!((board.last_call().1, board.ending()), (None, Ending::None));
    }
}
