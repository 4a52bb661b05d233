//! What a lock's memory says of who holds it. Knows bytes only.
//!
//! The layouts are those of glibc on x86_64 (`struct_mutex.h`, `struct_rwlock.h`): programs have them
//! compiled in, so they stay. Nothing is concluded from memory that does not look like a lock.

use gimli_plugin_api::plain_struct;

plain_struct! {
    /// The start of `pthread_mutex_t`.
    pub(crate) struct Mutex {
        /// 0 free, 1 taken, 2 taken and waited for; the holder's id and flags for robust and PI ones.
        pub(crate) lock: u32,
        /// How often a recursive one is taken.
        pub(crate) count: u32,
        /// The holder's thread id.
        pub(crate) owner: i32,
        /// Holders and waiting conditions.
        pub(crate) users: u32,
        /// Type and attributes.
        pub(crate) kind: u32,
    }
    /// The start of `pthread_rwlock_t`.
    pub(crate) struct RwLock {
        /// Readers in the upper bits, flags in the lower three.
        pub(crate) readers: u32,
        /// Waiting writers.
        pub(crate) writers: u32,
        /// Waited on for the phase to change.
        pub(crate) write_phase_futex: u32,
        /// Waited on by writers.
        pub(crate) writers_futex: u32,
        /// Unused.
        pub(crate) padding: [u32; 2],
        /// The writer's thread id.
        pub(crate) writer: i32,
        /// Whether other processes may use it.
        pub(crate) shared: i32,
    }
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// The thread with this id.
    Thread(i32),
    /// A thread with this id of another process: the lock is shared between processes.
    Shared(i32),
    /// A thread that had this id and has ended, so that nobody can let it go.
    Ended(i32),
    /// So many readers; the C library does not note which.
    Readers(u32),
    /// Nobody: it was just let go.
    Nobody,
    /// Somebody who has not written down that it is him, yet.
    Unnoted,
    /// There is no such thing as a holder.
    None,
    /// The memory is not that of a lock; why not.
    Corrupt(String),
    /// It is not known where the lock lies, or its memory cannot be read.
    Unknown,
}

/// Every bit that `__kind` may have: type, robust, inheriting, protecting, shared, (no) elision.
const KIND_BITS: u32 = 0x3f3;
const ROBUST_OR_PRIORITY: u32 = 0x70;
const MUTEX_SHARED: u32 = 0x80;
/// The most that the kernel gives as a thread id (`PID_MAX_LIMIT`).
const MAX_TID: i32 = 4 << 20;
const WRITE_PHASE: u32 = 1;
const WRITE_LOCKED: u32 = 2;
const READER_SHIFT: u32 = 3;

/// Who holds a mutex.
pub(crate) fn mutex_holder(mutex: &Mutex) -> Holder {
    let Mutex { lock, owner, kind, .. } = *mutex;
    if kind & !KIND_BITS != 0 {
        return Holder::Corrupt(format!("no mutex is of kind {kind:#x}"));
    }
    if kind & ROBUST_OR_PRIORITY == 0 && lock > 2 {
        return Holder::Corrupt(format!("the state of a mutex of kind {kind:#x} is not {lock:#x}"));
    }
    if !(0..=MAX_TID).contains(&owner) {
        // INT_MAX and INT_MAX - 1 note that a robust mutex's holder died.
        if kind & ROBUST_OR_PRIORITY != 0 && owner >= i32::MAX - 1 {
            return Holder::Nobody;
        }
        return Holder::Corrupt(format!("no thread has the id {owner}"));
    }
    match (lock, owner) {
        (0, _) => Holder::Nobody,
        (_, 0) => Holder::Unnoted,
        _ if kind & MUTEX_SHARED != 0 => Holder::Shared(owner),
        _ => Holder::Thread(owner),
    }
}

/// Who holds a read-write lock.
pub(crate) fn rwlock_holder(lock: &RwLock) -> Holder {
    let RwLock { readers, writer, shared, .. } = *lock;
    if !(0..=MAX_TID).contains(&writer) {
        return Holder::Corrupt(format!("no thread has the id {writer}"));
    }
    let count = readers >> READER_SHIFT;
    if i64::from(count) > i64::from(MAX_TID) {
        return Holder::Corrupt(format!("there are no {count} readers"));
    }
    let is_writing = readers & WRITE_PHASE != 0;
    match (is_writing, readers & WRITE_LOCKED != 0, writer) {
        (true, true, 0) => Holder::Unnoted,
        (true, true, writer) if shared != 0 => Holder::Shared(writer),
        (true, true, writer) => Holder::Thread(writer),
        (false, _, _) if count > 0 => Holder::Readers(count),
        _ => Holder::Nobody,
    }
}

/// How far the word that a thread waits on lies from the start of its read-write lock.
///
/// The word is one of three. Locks are aligned to 8, so an odd word is that of the writers. Of the
/// others `__readers` is waited on only by readers of a lock that prefers writers, and never holds the 3 (or 2)
/// that the phase's word has while somebody waits: `value` tells.
pub(crate) fn rwlock_offset(word: u64, value: u32) -> u64 {
    if !word.is_multiple_of(8) {
        12
    } else if value == 2 || value == 3 {
        8
    } else {
        0
    }
}

/// Whether it is a reader who sleeps on this word of a read-write lock, which has this value: writers sleep on
/// the last word, and on the phase's only while it is one of readers.
pub(crate) fn is_reader(word: u64, value: u32) -> bool {
    word.is_multiple_of(8) && value != 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutex(lock: u32, owner: i32, kind: u32) -> Holder {
        mutex_holder(&Mutex { lock, count: 0, owner, users: 1, kind })
    }

    fn rwlock(readers: u32, writer: i32) -> Holder {
        let (writers, write_phase_futex, writers_futex) = (0, 0, 0);
        let padding = [0; 2];
        rwlock_holder(&RwLock {
            readers,
            writers,
            write_phase_futex,
            writers_futex,
            padding,
            writer,
            shared: 0,
        })
    }

    #[test]
    fn a_mutex_names_its_holder() {
        assert_eq!(mutex(2, 4711, 0), Holder::Thread(4711));
        assert_eq!(mutex(1, 4711, 1), Holder::Thread(4711), "recursive");
        assert_eq!(mutex(0x8000_1267, 4711, 0x20), Holder::Thread(4711), "priority inheriting");
        assert_eq!(mutex(2, 4711, 0x80), Holder::Shared(4711));
        assert_eq!(mutex(0, 0, 0), Holder::Nobody);
        assert_eq!(mutex(2, 0, 0), Holder::Unnoted);
        assert_eq!(mutex(1, i32::MAX, 0x10), Holder::Nobody, "its holder died");
    }

    #[test]
    fn what_is_no_mutex_is_not_taken_for_one() {
        for (lock, owner, kind) in
            [(2, 4711, 0x4141_4141), (77, 4711, 0), (2, -1, 0), (2, 0x4141_4141, 0), (2, i32::MAX, 0)]
        {
            assert!(matches!(mutex(lock, owner, kind), Holder::Corrupt(_)), "{lock} {owner} {kind:#x}");
        }
    }

    #[test]
    fn a_read_write_lock_names_its_writer_and_counts_its_readers() {
        assert_eq!(rwlock(WRITE_PHASE | WRITE_LOCKED, 4711), Holder::Thread(4711));
        assert_eq!(rwlock(2 << READER_SHIFT | WRITE_LOCKED, 0), Holder::Readers(2), "a writer waits");
        assert_eq!(rwlock(0, 0), Holder::Nobody);
        assert_eq!(rwlock(WRITE_PHASE, 0), Holder::Nobody);
        assert!(matches!(rwlock(WRITE_PHASE | WRITE_LOCKED, -5), Holder::Corrupt(_)));
        assert!(matches!(rwlock(u32::MAX - 1, 0), Holder::Corrupt(_)));
    }

    #[test]
    fn the_start_of_a_read_write_lock_follows_from_the_word() {
        assert_eq!(rwlock_offset(0x100c, 1), 12);
        assert_eq!(rwlock_offset(0x1008, 3), 8);
        assert_eq!(rwlock_offset(0x1000, 0xc), 0);
        assert!(is_reader(0x1008, 3) && is_reader(0x1000, 0xc));
        assert!(!is_reader(0x100c, 1) && !is_reader(0x1008, 2));
    }
}
