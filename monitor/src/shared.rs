//! The monitor's side of the segment it shares with one server: made anew for each start, so that processes left
//! over from an earlier one cannot beat or fault in it. Everything read from it is the server's word only.

use crate::event::Pid;
use crate::heart::Beats;
use crate::signals;
use libgimli::segment::{MAGIC, MAPPED_BYTES, OWNER_DIED, Segment};
use memmap2::{MmapOptions, MmapRaw};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use rustix::thread::futex;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The segment, mapped. The memfd is sealed against resizing: a server that shrinks it could kill the monitor.
#[derive(Debug)]
pub(crate) struct Shared {
    memory: OwnedFd,
    page: MmapRaw,
}

/// The list of get_robust_list(2), which the kernel walks when this process dies: first node, offset of the futex
/// from its node, none pending, and the only node, which points back at the head. The node lies here, out of the
/// server's reach; the offset leads from it into the segment, the one made last. Should that be unmapped by then,
/// the kernel goes by without a word.
static ROBUST: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

impl Shared {
    pub(crate) fn create() -> io::Result<Shared> {
        let memory = memfd_create("gimli-heartbeat", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&memory, MAPPED_BYTES as i64)?;
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl(&memory, FcntlArg::F_ADD_SEALS(seals))?;
        let page = MmapOptions::new().len(MAPPED_BYTES).map_raw(&memory)?;
        let shared = Shared { memory, page };
        shared.own();
        Ok(shared)
    }

    /// Makes `owner` a robust futex of this process: whatever ends it, the kernel marks the word.
    fn own(&self) {
        let segment = self.segment();
        segment.owner.store(owner(), Ordering::Relaxed);
        segment.magic.store(MAGIC, Ordering::Release);
        let [first, offset, _, node] = &ROBUST;
        let (head, node_address) = (first.as_ptr() as usize, node.as_ptr() as usize);
        offset.store((segment.owner.as_ptr() as usize).wrapping_sub(node_address), Ordering::Relaxed);
        node.store(head, Ordering::Relaxed);
        first.store(node_address, Ordering::Relaxed);
        // SAFETY: the list is static. It replaces the C library's list, which is empty: nothing here uses robust
        // pthread mutexes.
        unsafe { libc::syscall(libc::SYS_set_robust_list, head, size_of::<[usize; 3]>()) };
    }

    fn segment(&self) -> &Segment {
        // SAFETY: a live mapping of MAPPED_BYTES, page-aligned and zeroed at first; Segment consists of atomics,
        // so that concurrent writes by the server are no data race.
        unsafe { &*self.page.as_ptr().cast() }
    }

    /// What the server left last.
    pub(crate) fn beats(&self) -> Beats {
        let segment = self.segment();
        let (state, ticks) = (segment.state.load(Ordering::Relaxed), segment.ticks.load(Ordering::Relaxed));
        Beats { state, ticks, at: Duration::from_nanos(segment.beat_at.load(Ordering::Relaxed)) }
    }

    /// The process that waits in its handler, until it is taken or released.
    pub(crate) fn faulted(&self) -> Option<Pid> {
        Some(self.segment().ready.load(Ordering::Acquire) as Pid).filter(|pid| *pid != 0)
    }

    /// What that process wrote of its fault, in words.
    pub(crate) fn describe_fault(&self) -> String {
        let Segment { signal, code, address, thread, .. } = self.segment();
        let signal = signal.load(Ordering::Relaxed);
        let code = signals::describe_code(signal, code.load(Ordering::Relaxed));
        let (address, thread) = (address.load(Ordering::Relaxed), thread.load(Ordering::Relaxed));
        format!("{}, {code}, at {address:#x}, thread {thread}", signals::describe(signal))
    }

    /// The record of this process has been read; it goes on waiting.
    pub(crate) fn take(&self, pid: Pid) {
        let _ = self.segment().ready.compare_exchange(pid as u32, 0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Lets the process go if it is the one that waits, and wakes everybody who waits for the record.
    pub(crate) fn release(&self, pid: Pid) {
        self.take(pid);
        let claim = &self.segment().claim;
        let _ = claim.compare_exchange(pid as u32, 0, Ordering::AcqRel, Ordering::Relaxed);
        self.wake(owner());
    }

    /// The server is gone, and a process that it left behind waits for nobody: to those it looks as if the monitor
    /// had died.
    pub(crate) fn abandon(&self) {
        self.close();
        self.wake(OWNER_DIED);
    }

    /// Wakes everybody who waits for the record.
    fn wake(&self, owner: u32) {
        self.segment().owner.store(owner, Ordering::Release);
        let _ = futex::wake(&self.segment().owner, futex::Flags::empty(), i32::MAX as u32);
    }

    /// From now on a handler does not wait.
    pub(crate) fn close(&self) {
        self.segment().closed.store(1, Ordering::Release);
    }
}

/// The value of an owned futex: the id of the owner's thread, which is the process id in a program of one.
fn owner() -> u32 {
    std::process::id()
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}
