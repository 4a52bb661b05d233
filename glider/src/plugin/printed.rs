//! What plugins print: standard output and standard error of the plugin host, a memory file of
//! fixed size that is read after every call.
//!
//! The file is mapped, so that the usual case, nothing printed, takes no system call: C's own
//! buffer is empty and the first byte of the file is still zero. Its size is sealed: a flood ends
//! in write errors, not in memory.

use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU8, Ordering};

unsafe extern "C" {
    /// C's standard output (stdio(3)).
    static stdout: *mut libc::FILE;
    /// Bytes in the buffer of a stream (`__fpending`, stdio_ext(3)).
    fn __fpending(stream: *mut libc::FILE) -> usize;
}

/// Room beyond the limit: the kernel refuses a write that does not fit as a whole, so a flood
/// ends somewhere before the end of the file.
const SLACK: u64 = 1 << 20;

/// The buffer of C's standard output in the host: its first byte tells whether something is in it.
static BUFFER: [AtomicU8; 4096] = [const { AtomicU8::new(0) }; 4096];

/// C's standard output.
pub(super) fn stream() -> *mut libc::FILE {
    // SAFETY: the C library sets the variable before main, and nothing here changes it.
    unsafe { stdout }
}

/// The captured output of a process.
#[derive(Debug)]
pub(super) struct Printed {
    file: File,
    map: MmapRaw,
    limit: u64,
}

impl Printed {
    /// A file for `limit` bytes.
    pub(super) fn new(limit: u64) -> io::Result<Printed> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let file = File::from(memfd_create("glider-plugin-output", flags)?);
        file.set_len(limit.saturating_add(SLACK))?;
        let seals = libc::F_SEAL_GROW | libc::F_SEAL_SHRINK;
        // SAFETY: fcntl with F_ADD_SEALS takes an integer and touches no memory.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } == -1 {
            return Err(io::Error::last_os_error());
        }
        let map = MmapOptions::new().map_raw(&file)?;
        Ok(Printed { file, map, limit })
    }

    /// The same file, mapped once more: for the host.
    pub(super) fn try_clone(&self) -> io::Result<Printed> {
        let file = self.file.try_clone()?;
        let map = MmapOptions::new().map_raw(&file)?;
        Ok(Printed { file, map, limit: self.limit })
    }

    /// Makes it the standard output and standard error of this process.
    pub(super) fn take_over(&self) -> io::Result<()> {
        for number in [1, 2] {
            // SAFETY: the standard descriptors belong to the whole process, which has one thread here.
            if unsafe { libc::dup2(self.file.as_raw_fd(), number) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        // Line by line, so that a plugin that dies has said what it said. Nothing was printed yet.
        // SAFETY: `stdout` is the C library's own stream, and the buffer lives as long and is written by nobody else.
        unsafe { libc::setvbuf(stdout, BUFFER.as_ptr().cast_mut().cast(), libc::_IOLBF, BUFFER.len()) };
        Ok(())
    }

    /// Whether something was printed since the last [`take`](Printed::take). Cheap; misses what
    /// begins with a NUL byte, or is in the buffer of another stream than C's standard output.
    pub(super) fn is_pending(&self) -> bool {
        // SAFETY: `stdout` is the C library's own stream; this process has one thread here.
        unsafe { __fpending(stdout) > 0 || self.has_begun() }
    }

    /// The same, cheaper still: misses also what is in a buffer that a plugin gave to C's standard output.
    #[inline(always)]
    pub(super) fn has_begun(&self) -> bool {
        let [first, ..] = &BUFFER;
        // SAFETY: the file has at least `SLACK` bytes, and keeps them since its size is sealed.
        first.load(Ordering::Relaxed) != 0 || unsafe { self.map.as_ptr().read_volatile() } != 0
    }

    /// Takes what was printed. `None` when it is more than the limit.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        // SAFETY: with a null pointer fflush(3) flushes all of C's own streams.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        let [first, ..] = &BUFFER;
        first.store(0, Ordering::Relaxed);
        let text = self.peek().to_vec();
        if text.is_empty() {
            return Some(text);
        }
        let is_too_much = text.len() as u64 > self.limit;
        self.clear();
        (!is_too_much).then_some(text)
    }

    /// What is in the file. Also for the analyzer, after the host has died.
    pub(super) fn peek(&self) -> &[u8] {
        let end = (&self.file).stream_position().ok().and_then(|end| usize::try_from(end).ok()).unwrap_or(0);
        // SAFETY: the length is no more than the mapping's, which stays valid since the file's size is sealed.
        // Whoever writes to it does so with write(2); bytes are read as what they are then.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), end.min(self.map.len())) }
    }

    /// Empties the file, also for the next host.
    pub(super) fn clear(&self) {
        let used = self.peek().len();
        // SAFETY: as in `peek`; nobody holds a slice of it here.
        unsafe { self.map.as_mut_ptr().write_bytes(0, used) };
        // Should it fail, the next text begins with zeros.
        let _ = (&self.file).seek(SeekFrom::Start(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_written_is_taken_once_and_a_flood_is_cut() {
        let printed = Printed::new(100).unwrap();
        assert_eq!(printed.take().as_deref(), Some(&b""[..]));
        (&printed.file).write_all(b"hello").unwrap();
        assert!(printed.is_pending());
        assert_eq!(printed.take().as_deref(), Some(&b"hello"[..]));
        assert!(!printed.is_pending());
        (&printed.file).write_all(b"again").unwrap();
        assert_eq!(printed.peek(), b"again");
        printed.clear();
        assert!(printed.peek().is_empty());
        let flood = std::iter::repeat_with(|| (&printed.file).write_all(&[b'x'; 60_000]));
        assert_eq!(flood.take(1000).take_while(Result::is_ok).count(), 17, "the size is sealed");
        assert_eq!(printed.take(), None);
        assert_eq!(printed.take().as_deref(), Some(&b""[..]), "and it can be used again");
    }
}
