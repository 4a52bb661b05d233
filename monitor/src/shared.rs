//! The monitor's side of the segment it shares with one server: made anew for each start, so that processes left
//! over from an earlier one cannot beat or fault in it. Everything read from it is the server's word only.

use crate::event::Pid;
use libgimli::segment::{MAGIC, MAPPED_BYTES, OWNER_DIED, Segment};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use nix::unistd::ftruncate;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a process wrote about its fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) pid: Pid,
    pub(crate) thread: i32,
    pub(crate) signal: i32,
    pub(crate) code: i32,
    pub(crate) address: u64,
}

/// The segment, mapped. The memfd is sealed against resizing: a server that shrinks it could kill the monitor.
#[derive(Debug)]
pub(crate) struct Shared {
    memory: OwnedFd,
    page: NonNull<Segment>,
}

/// The list of get_robust_list(2), which the kernel walks when this process dies: first node, offset of the futex
/// from its node, none pending, and the only node, which points back at the head. The node lies here, out of the
/// server's reach; the offset leads from it into the segment.
static ROBUST: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

impl Shared {
    pub(crate) fn create() -> nix::Result<Shared> {
        let memory = memfd_create("gimli-heartbeat", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        ftruncate(&memory, MAPPED_BYTES as i64)?;
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl(&memory, FcntlArg::F_ADD_SEALS(seals))?;
        let length = std::num::NonZeroUsize::new(MAPPED_BYTES).ok_or(nix::Error::EINVAL)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh shared mapping of a memfd made above; the kernel chooses a free address.
        let page = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, &memory, 0) }?;
        let shared = Shared { memory, page: page.cast() };
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
        // SAFETY: the list is static and the futex mapped until `drop` takes it off the list. It replaces the C
        // library's list, which is empty: nothing here uses robust pthread mutexes.
        unsafe { libc::syscall(libc::SYS_set_robust_list, head, size_of::<[usize; 3]>()) };
    }

    fn segment(&self) -> &Segment {
        // SAFETY: a live mapping of MAPPED_BYTES, page-aligned and zeroed at first; Segment consists of atomics,
        // so that concurrent writes by the server are no data race.
        unsafe { self.page.as_ref() }
    }

    /// State and ticks, as the server left them.
    pub(crate) fn beats(&self) -> (i32, i32) {
        let segment = self.segment();
        (segment.state.load(Ordering::Relaxed), segment.ticks.load(Ordering::Relaxed))
    }

    /// The record of a process that waits in its handler, until it is taken or released.
    pub(crate) fn fault(&self) -> Option<Record> {
        let segment = self.segment();
        let pid = segment.ready.load(Ordering::Acquire);
        (pid != 0).then(|| Record {
            pid: pid as Pid,
            thread: segment.thread.load(Ordering::Relaxed) as i32,
            signal: segment.signal.load(Ordering::Relaxed),
            code: segment.code.load(Ordering::Relaxed),
            address: segment.address.load(Ordering::Relaxed),
        })
    }

    /// The record of this process has been read; it goes on waiting.
    pub(crate) fn take(&self, pid: Pid) {
        let _ = self.segment().ready.compare_exchange(pid as u32, 0, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Lets the process go if it is the one that waits, and wakes everybody who waits for the record.
    pub(crate) fn release(&self, pid: Pid) {
        let segment = self.segment();
        self.take(pid);
        let _ = segment.claim.compare_exchange(pid as u32, 0, Ordering::AcqRel, Ordering::Relaxed);
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
        let futex = &self.segment().owner;
        futex.store(owner, Ordering::Release);
        // SAFETY: the word is mapped; waking touches no memory.
        unsafe { libc::syscall(libc::SYS_futex, futex.as_ptr(), libc::FUTEX_WAKE, i32::MAX, 0, 0, 0) };
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

impl Drop for Shared {
    fn drop(&mut self) {
        let [first, offset, _, node] = &ROBUST;
        let futex = (node.as_ptr() as usize).wrapping_add(offset.load(Ordering::Relaxed));
        // The next segment is made before the last one is dropped, and then has taken its place on the list.
        if futex == self.segment().owner.as_ptr() as usize {
            first.store(first.as_ptr() as usize, Ordering::Relaxed);
        }
        // SAFETY: made by mmap in `create`, with this length; nothing refers to it any more.
        let _ = unsafe { nix::sys::mman::munmap(self.page.cast(), MAPPED_BYTES) };
    }
}
