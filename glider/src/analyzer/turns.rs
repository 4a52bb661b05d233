//! What the processes that analyze threads share: whose turn it is, how large the report is,
//! and which thread's signal is the cause.

use std::sync::atomic::{AtomicU64, Ordering};

/// Taken by one process or by several.
#[derive(Debug)]
pub(super) struct Turns {
    count: u64,
    next: AtomicU64,
    size: AtomicU64,
    /// The least key of a cause met so far.
    cause: AtomicU64,
    /// The first thread so far that tells why it stopped.
    words: AtomicU64,
}

impl Turns {
    /// For `count` threads, when the report has `size` bytes already.
    pub(super) fn new(count: usize, size: u64) -> Turns {
        Turns {
            count: count as u64,
            next: AtomicU64::new(0),
            size: AtomicU64::new(size),
            cause: AtomicU64::new(u64::MAX),
            words: AtomicU64::new(u64::MAX),
        }
    }

    /// The next thread that nobody has taken.
    pub(super) fn next(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.count).then(|| usize::try_from(index).ok()).flatten()
    }

    /// How many threads nobody has taken.
    pub(super) fn left(&self) -> usize {
        let left = self.count.saturating_sub(self.next.load(Ordering::Relaxed));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Bytes of the report so far.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// So many more bytes were rendered.
    pub(super) fn grow(&self, bytes: usize) {
        self.size.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A signal was met that may be the cause; the least key is.
    pub(super) fn offer_cause(&self, key: Option<u64>) {
        self.cause.fetch_min(key.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The least key offered.
    pub(super) fn cause(&self) -> Option<u64> {
        Some(self.cause.load(Ordering::Relaxed)).filter(|key| *key != u64::MAX)
    }

    /// This thread tells why it stopped.
    pub(super) fn offer_words(&self, thread: Option<usize>) {
        self.words.fetch_min(thread.map_or(u64::MAX, |thread| thread as u64), Ordering::Relaxed);
    }

    /// The first thread that does.
    pub(super) fn words(&self) -> Option<usize> {
        usize::try_from(self.words.load(Ordering::Relaxed)).ok().filter(|thread| *thread != usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_is_taken_once_and_the_least_cause_counts() {
        let turns = Turns::new(3, 10);
        assert_eq!((turns.left(), turns.cause(), turns.words()), (3, None, None));
        assert_eq!(
            [turns.next(), turns.next(), turns.next(), turns.next()],
            [Some(0), Some(1), Some(2), None]
        );
        assert_eq!((turns.left(), turns.next()), (0, None));
        turns.grow(5);
        for key in [None, Some(7), Some(9), None] {
            turns.offer_cause(key);
            turns.offer_words(key.map(|key| key as usize));
        }
        assert_eq!((turns.size(), turns.cause(), turns.words()), (15, Some(7), Some(7)));
    }
}
