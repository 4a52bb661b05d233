//! Copying ranges of the held process's memory, many with one call.

use super::Range;
use crate::target::image::Run;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// Bytes copied between two looks at the clock: a third of a millisecond.
const CHUNK: u64 = 1 << 20;
/// Ranges that one call takes (`UIO_MAXIOV`).
const MAX_RANGES: usize = 1024;

/// Copying into the room, from its start.
pub(super) struct Transfer<'r> {
    /// A thread that has the memory.
    pub(super) pid: Pid,
    /// The same memory as a file, for where process_vm_readv(2) is forbidden.
    pub(super) memory: &'r File,
    pub(super) room: &'r mut [u8],
    /// How much of it is filled.
    pub(super) used: usize,
    /// What is where in it.
    pub(super) runs: Vec<Run>,
}

impl Transfer<'_> {
    /// What cannot be read is left out. Gives whether it came to the end in time.
    pub(super) fn copy(&mut self, ranges: &[Range], deadline: Instant) -> bool {
        let ranges: Vec<Range> = ranges.iter().flat_map(|range| pieces(*range)).collect();
        let mut next = 0;
        while let Some(rest) = ranges.get(next..).filter(|rest| !rest.is_empty()) {
            if Instant::now() >= deadline {
                return false;
            }
            next += self.copy_some(batch(rest));
        }
        true
    }

    /// What was copied of a run.
    pub(super) fn bytes(&self, run: &Run) -> &[u8] {
        let from = run.at.and_then(|at| usize::try_from(at).ok());
        let room = from.and_then(|from| self.room.get(from..)).unwrap_or_default();
        room.get(..run.range.length() as usize).unwrap_or_default()
    }

    /// Copies ranges up to the first that cannot be read to its end; gives how many it has dealt with.
    fn copy_some(&mut self, ranges: &[Range]) -> usize {
        let wanted: usize = ranges.iter().map(|range| range.length() as usize).sum();
        let remote: Vec<RemoteIoVec> = ranges
            .iter()
            .map(|range| RemoteIoVec { base: range.start as usize, len: range.length() as usize })
            .collect();
        let Some(room) = self.room.get_mut(self.used..).and_then(|room| room.get_mut(..wanted)) else {
            return ranges.len();
        };
        let mut count = match process_vm_readv(self.pid, &mut [IoSliceMut::new(room)], &remote) {
            Ok(count) => count,
            Err(nix::Error::EFAULT) => 0,
            Err(_) => read_file(self.memory, ranges, room),
        };
        for (dealt, range) in ranges.iter().enumerate() {
            let got = (range.length() as usize).min(count);
            if got > 0 {
                let range = Range { start: range.start, end: range.start + got as u64 };
                self.runs.push(Run { range, at: Some(self.used as u64) });
            }
            self.used += got;
            count -= got;
            if (got as u64) < range.length() {
                return dealt + 1;
            }
        }
        ranges.len()
    }
}

/// Parts of a range that one call takes.
fn pieces(range: Range) -> impl Iterator<Item = Range> {
    let starts = (range.start..range.end).step_by(CHUNK as usize);
    starts.map(move |start| Range { start, end: range.end.min(start.saturating_add(CHUNK)) })
}

/// As many of the first ranges as one call takes.
fn batch(ranges: &[Range]) -> &[Range] {
    let mut bytes = 0;
    let fitting = ranges.iter().take(MAX_RANGES).take_while(|range| {
        bytes += range.length();
        bytes <= CHUNK
    });
    ranges.get(..fitting.count().max(1)).unwrap_or(ranges)
}

/// The first of the ranges, through `/proc/PID/mem`.
fn read_file(memory: &File, ranges: &[Range], room: &mut [u8]) -> usize {
    let Some(first) = ranges.first() else { return 0 };
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..first.length() as usize).filter(|rest| !rest.is_empty()) {
        match memory.read_at(rest, first.start + done as u64) {
            Ok(count) if count > 0 => done += count,
            _ => break,
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::copy::PAGE;

    #[test]
    fn a_large_range_is_copied_in_pieces_so_that_a_deadline_is_kept() {
        let length = 2 * CHUNK + PAGE;
        let source = vec![7u8; length as usize];
        let start = source.as_ptr() as u64;
        let range = Range { start, end: start + length };
        assert_eq!(pieces(range).map(Range::length).collect::<Vec<_>>(), [CHUNK, CHUNK, PAGE]);
        assert_eq!(pieces(Range { start, end: start }).count(), 0);
        let (mut room, memory) = (vec![0; length as usize], File::open("/proc/self/mem").unwrap());
        let pid = Pid::from_raw(std::process::id().cast_signed());
        let mut transfer = Transfer { pid, memory: &memory, room: &mut room, used: 0, runs: Vec::new() };
        assert!(transfer.copy(&[range], Instant::now() + std::time::Duration::from_secs(60)));
        let copied: u64 = transfer.runs.iter().map(|run| run.range.length()).sum();
        assert_eq!((copied, room == source), (length, true));
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_the_rest_is_copied() {
        use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
        let page = PAGE as usize;
        let length = std::num::NonZeroUsize::new(8 * page).unwrap();
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe { mmap_anonymous(None, length, protection, flags) }.unwrap();
        // SAFETY: the mapping was made above and belongs to this test alone.
        unsafe { start.as_ptr().cast::<u8>().write_bytes(7, 8 * page) };
        // SAFETY: two pages inside the mapping, to which no reference is left.
        unsafe { munmap(start.byte_add(2 * page), 2 * page) }.unwrap();
        let at = |pages: u64| start.as_ptr() as u64 + pages * PAGE;
        let ranges = [Range { start: at(0), end: at(4) }, Range { start: at(5), end: at(8) }];
        for pid in [std::process::id().cast_signed(), 0] {
            let mut room = vec![0; 8 * page];
            let memory = File::open("/proc/self/mem").unwrap();
            let pid = Pid::from_raw(pid);
            let mut transfer = Transfer { pid, memory: &memory, room: &mut room, used: 0, runs: Vec::new() };
            assert!(transfer.copy(&ranges, Instant::now() + std::time::Duration::from_secs(60)));
            let runs = [(at(0), at(2), 0), (at(5), at(8), 2 * PAGE)];
            let runs = runs.map(|(start, end, to)| Run { range: Range { start, end }, at: Some(to) });
            assert_eq!((transfer.runs.as_slice(), transfer.used), (runs.as_slice(), 5 * page));
            assert_eq!(room.iter().filter(|byte| **byte == 7).count(), 5 * page);
        }
    }
}
