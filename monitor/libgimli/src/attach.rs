//! Finds and maps the monitor's segment, and installs the handlers. Runs in ordinary code, never in a handler.

use crate::segment::{MAGIC, MAPPED_BYTES, Segment, State};
use crate::{altstack, handler};
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

static SEGMENT: AtomicPtr<Segment> = AtomicPtr::new(ptr::null_mut());

/// Maps the segment, declares STARTING on the first call, installs the handlers.
pub(crate) fn attach() -> Option<&'static Segment> {
    let (segment, first) = segment()?;
    if first || State::from_raw(segment.state.load(Ordering::Relaxed)) == State::NotSupported {
        segment.state.store(State::Starting as i32, Ordering::Relaxed);
    }
    handler::install(Some(segment), monitor_pid(true));
    altstack::install();
    if first && segment.understands_faults() {
        handler::poke_monitor(libc::SIGUSR1);
    }
    Some(segment)
}

/// Installs the handlers; they find the monitor if there is one, but no heartbeat is declared.
pub(crate) fn establish_signal_handlers() {
    let segment = segment().map(|(segment, _)| segment);
    handler::install(segment, monitor_pid(segment.is_some()));
    altstack::install();
}

/// The process to ask for a trace: `GIMLI_MONITOR_PID`; 0 when there is none, or when without a segment it is not
/// even the parent and the variable is a left-over.
fn monitor_pid(attached: bool) -> libc::pid_t {
    let parent = std::os::unix::process::parent_id() as libc::pid_t;
    variable("GIMLI_MONITOR_PID").filter(|pid| *pid > 0 && (attached || *pid == parent)).unwrap_or(0)
}

fn variable(name: &str) -> Option<c_int> {
    std::env::var(name).ok()?.parse().ok()
}

/// The mapped segment, and whether this call mapped it.
fn segment() -> Option<(&'static Segment, bool)> {
    let known = SEGMENT.load(Ordering::Acquire);
    if !known.is_null() {
        // SAFETY: SEGMENT only ever holds a page mapped below, which is never unmapped.
        return Some((unsafe { &*known }, false));
    }
    let descriptor = variable("GIMLI_HB_FD").filter(|fd| *fd > 2 && is_segment(*fd))?;
    // SAFETY: a fresh shared mapping of a descriptor just checked; nothing else lies at the address chosen.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            MAPPED_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            descriptor,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return None;
    }
    let page = page.cast::<Segment>();
    if let Err(winner) = SEGMENT.compare_exchange(ptr::null_mut(), page, Ordering::AcqRel, Ordering::Acquire)
    {
        // SAFETY: this thread's own mapping, which nobody else has seen; `winner` is never unmapped.
        unsafe {
            libc::munmap(page.cast(), MAPPED_BYTES);
            return Some((&*winner, false));
        }
    }
    // SAFETY: the descriptor is the monitor's segment, passed for this call alone. The page stays mapped for the
    // life of the process, is at least as large as Segment, and consists of atomics only.
    unsafe {
        libc::close(descriptor);
        Some((&*page, true))
    }
}

/// Whether the descriptor is a monitor's segment: an unlinked file of eight bytes, as an old monitor makes it, or an
/// unlinked page that begins its record with our magic number. The variable may be a left-over from another
/// program, and the number may be anybody's data file.
fn is_segment(descriptor: c_int) -> bool {
    let mut magic = [0; 4];
    // SAFETY: an all-zero stat is a valid value, and fstat fills it or fails; pread writes at most four bytes.
    let (stat, read) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        let known = libc::fstat(descriptor, &raw mut stat) == 0;
        let offset = std::mem::offset_of!(Segment, magic) as libc::off_t;
        (known.then_some(stat), libc::pread(descriptor, magic.as_mut_ptr().cast(), magic.len(), offset))
    };
    let ours = read == 4 && u32::from_ne_bytes(magic) == MAGIC;
    stat.is_some_and(|stat| {
        let unlinked = stat.st_mode & libc::S_IFMT == libc::S_IFREG && stat.st_nlink == 0;
        unlinked && (stat.st_size == 8 || (ours && stat.st_size == MAPPED_BYTES as i64))
    })
}
