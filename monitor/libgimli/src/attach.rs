//! Finds and maps the monitor's segment, and installs the handlers. Runs in ordinary code, never in a handler.

use crate::segment::{MAGIC, MAPPED_BYTES, Segment, State};
use crate::{altstack, handler};
use std::ffi::c_int;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

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
    static SEGMENT: OnceLock<Option<&'static Segment>> = OnceLock::new();
    let mut first = false;
    let segment = *SEGMENT.get_or_init(|| {
        first = true;
        map(variable("GIMLI_HB_FD").filter(|descriptor| *descriptor > 2)?)
    });
    segment.map(|segment| (segment, first))
}

/// Maps the segment and closes its descriptor. A descriptor that is not a segment is left alone: the variable may be
/// a left-over from another program, and the number may be anybody's data file.
fn map(descriptor: c_int) -> Option<&'static Segment> {
    // SAFETY: only borrowed, and never used when it is not open, until it is known to be the monitor's.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
    if !is_segment(&file) {
        return None;
    }
    let _closed = ManuallyDrop::into_inner(file);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh shared mapping; nothing else lies at the address chosen. It stays for the life of the process,
    // is at least as large as Segment, and consists of atomics only.
    unsafe {
        let page = libc::mmap(ptr::null_mut(), MAPPED_BYTES, access, libc::MAP_SHARED, descriptor, 0);
        (page != libc::MAP_FAILED).then(|| &*page.cast())
    }
}

/// Whether this is a monitor's segment: an unlinked file of eight bytes, as an old monitor makes it, or an unlinked
/// page that begins its record with our magic number.
fn is_segment(file: &File) -> bool {
    let mut magic = [0; 4];
    let marked = file.read_exact_at(&mut magic, std::mem::offset_of!(Segment, magic) as u64).is_ok();
    let ours = marked && u32::from_ne_bytes(magic) == MAGIC;
    file.metadata().is_ok_and(|file| {
        let unlinked = file.is_file() && file.nlink() == 0;
        unlinked && (file.len() == 8 || (ours && file.len() == MAPPED_BYTES as u64))
    })
}
