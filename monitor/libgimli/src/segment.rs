//! The memory that monitor and server share, and the words in it.
//!
//! The first eight bytes are the layout of the C original, `{ int state; int ticks; }`; either side may be the
//! old one. Everything behind them is ours: zero when the monitor is an old one, unused when the server is.
//! This module knows the layout and nothing about signals or processes.
//!
//! How a fault travels: the faulting process claims the record (`claim`: 0 → its pid), fills it, publishes it
//! (`ready` = its pid), sends SIGUSR2 to the monitor and waits on the futex `owner`. The monitor traces it and
//! lets it go by clearing `claim` and waking `owner`. `owner` is a robust futex held by the monitor: when the
//! monitor dies in any way, the kernel marks it `FUTEX_OWNER_DIED` and wakes a waiter (futex(2),
//! get_robust_list(2)), so nobody waits for a dead monitor.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// The state a server declares with each beat; the numbers are those of `libgimli.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum State {
    /// No beat was ever sent.
    NotSupported = 0,
    /// Starting up: the start interval applies.
    Starting = 1,
    /// Serving: the watchdog interval applies.
    Running = 2,
    /// Shutting down: the stop interval applies.
    Stopping = 3,
}

impl State {
    /// The state behind a number read from the segment; anything unknown counts as running.
    pub fn from_raw(raw: i32) -> State {
        match raw {
            0 => State::NotSupported,
            1 => State::Starting,
            3 => State::Stopping,
            _ => State::Running,
        }
    }
}

/// The value of [`Segment::magic`] when the monitor understands the fault record.
pub const MAGIC: u32 = 0x324c_4d47;
/// Bytes that are mapped: one page, of which an old monitor's file fills eight bytes.
pub const MAPPED_BYTES: usize = 4096;

/// The shared memory. Every word may be changed by the other side at any time.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Segment {
    /// What the server is doing, a [`State`].
    pub state: AtomicI32,
    /// Counts beats; wraps.
    pub ticks: AtomicI32,
    /// When the last beat was, by CLOCK_MONOTONIC_COARSE, in nanoseconds; 0 when the server is an old one.
    pub beat_at: AtomicU64,
    /// Keeps the beats and the fault record in different cache lines.
    pub reserved: [u32; 12],
    /// [`MAGIC`] when the monitor understands what follows.
    pub magic: AtomicU32,
    /// Robust futex: the monitor's thread id, `FUTEX_WAITERS`, `FUTEX_OWNER_DIED`.
    pub owner: AtomicU32,
    /// The process that fills or has filled the record, 0 when it is free.
    pub claim: AtomicU32,
    /// The process whose record waits to be read by the monitor, 0 when none.
    pub ready: AtomicU32,
    /// The thread that faulted.
    pub thread: AtomicU32,
    /// Its signal.
    pub signal: AtomicI32,
    /// `si_code` of the signal.
    pub code: AtomicI32,
    /// Not 0: the monitor wants no more faults from the server, it was traced or is being ended.
    pub closed: AtomicU32,
    /// `si_addr` of the signal.
    pub address: AtomicU64,
}

/// Set in [`Segment::owner`] by a process that is about to wait.
pub const WAITERS: u32 = libc::FUTEX_WAITERS;
/// Set in [`Segment::owner`] by the kernel when the monitor died.
pub const OWNER_DIED: u32 = libc::FUTEX_OWNER_DIED;

const _: () = assert!(size_of::<Segment>() <= MAPPED_BYTES && std::mem::offset_of!(Segment, magic) == 64);

impl Segment {
    /// Stores the state and the time and counts one beat; an atomic add, so that beats of several threads never
    /// cancel out. The coarse clock is read without a system call (vdso(7)).
    #[inline]
    pub fn beat(&self, state: i32) {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills the local timespec; async-signal-safe (signal-safety(7)).
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
        self.beat_at.store(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64, Ordering::Relaxed);
        self.state.store(state, Ordering::Relaxed);
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the monitor at the other end understands the fault record.
    pub fn understands_faults(&self) -> bool {
        self.magic.load(Ordering::Relaxed) == MAGIC
    }
}
