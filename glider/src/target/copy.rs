//! What of the target's memory is copied while it stands still, and the copying: stacks, and
//! when there is not too much of it all memory that can change, so that the target may run
//! while it is being looked at.
//!
//! Memory that cannot change (code, constants) is not copied: it is read when it is needed.

use super::image::{Image, Run};
use super::pagemap::PageMap;
use super::{Capture, Hold, Mapping};
use crate::address::Address;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::time::Instant;

const PAGE: u64 = 4096;
/// Bytes below the stack pointer that belong to the frame (psABI x86-64 §3.2.2, the red zone).
const RED_ZONE: u64 = 128;
/// Bytes copied between two looks at the clock: a third of a millisecond.
const CHUNK: u64 = 1 << 20;
/// Ranges that one call takes (`UIO_MAXIOV`).
const MAX_RANGES: usize = 1024;
/// Bytes of a file's mapping that are copied even where they were never touched: its initialized data.
const MAX_FILE_DATA: u64 = 4 << 20;

/// Addresses from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
}

impl Range {
    /// The addresses of a mapping.
    pub(super) fn of(mapping: &Mapping) -> Range {
        Range { start: mapping.start.0, end: mapping.end.0 }
    }

    /// Whether one of these, which rise, holds an address.
    pub(super) fn any_holds(ranges: &[Range], address: u64) -> bool {
        let after = ranges.partition_point(|range| range.start <= address);
        after.checked_sub(1).and_then(|before| ranges.get(before)).is_some_and(|range| address < range.end)
    }

    fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// How much of the memory is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What lies above each thread's stack pointer.
    Stacks,
    /// Everything that can change, where it fits.
    Writable,
}

/// What was copied.
#[derive(Debug, Default)]
pub struct Copied {
    /// Where it is in the image, by rising address.
    pub runs: Vec<Run>,
    /// Bytes copied.
    pub bytes: u64,
    /// Whether all memory that can change is among it.
    pub is_whole: bool,
}

/// Copies memory of the held process, which `memory` is too, into the image, until `deadline`. What
/// cannot be read is left out. Memory that can change is copied only if all of it fits.
pub fn take(
    hold: &Hold<'_>,
    memory: &File,
    capture: &Capture,
    image: &mut Image,
    extent: Extent,
    deadline: Instant,
) -> Copied {
    let room = image.room();
    let plan = match extent {
        Extent::Stacks => Some(plan_stacks(capture, room.len() as u64)),
        Extent::Writable => plan_writable(hold, capture, room.len() as u64),
    };
    let Some(Plan { ranges, zeros }) = plan else { return Copied::default() };
    let mut transfer = Transfer {
        pid: Pid::from_raw(hold.process().memory_thread()),
        memory,
        room,
        used: 0,
        runs: Vec::new(),
    };
    let is_finished = transfer.copy(&ranges, deadline);
    let (bytes, mut runs) = (transfer.used as u64, transfer.runs);
    runs.extend(zeros.into_iter().map(|range| Run { range, at: None }));
    runs.sort_unstable_by_key(|run| run.range.start);
    Copied { runs, bytes, is_whole: is_finished && extent == Extent::Writable }
}

/// What is to be copied, in this order, and what is known to be zero.
#[derive(Debug, Default)]
struct Plan {
    ranges: Vec<Range>,
    zeros: Vec<Range>,
}

/// The page of each thread's stack pointer, and the mapping it is in.
fn tops<'c>(capture: &'c Capture) -> impl Iterator<Item = (u64, &'c Mapping)> + 'c {
    let pointers = capture.threads.iter().filter_map(|thread| thread.registers.as_ref()?.general.sp());
    pointers.filter_map(|pointer| {
        let first = capture.mappings.partition_point(|mapping| mapping.end <= Address(pointer));
        let mapping = capture.mappings.get(first).filter(|mapping| mapping.start <= Address(pointer))?;
        Some((pointer.saturating_sub(RED_ZONE) / PAGE * PAGE, mapping))
    })
}

/// Each stack from its pointer on, an equal share of the room for each.
fn plan_stacks(capture: &Capture, room: u64) -> Plan {
    let share = (room / capture.threads.len().max(1) as u64 / PAGE * PAGE).max(PAGE);
    let stacks = tops(capture).map(|(top, mapping)| {
        let start = top.max(mapping.start.0);
        Range { start, end: mapping.end.0.min(start.saturating_add(share)) }
    });
    let mut stacks: Vec<Range> = stacks.collect();
    stacks.sort_unstable_by_key(|range| range.start);
    let mut ranges: Vec<Range> = Vec::new();
    let mut room = room;
    for mut range in stacks {
        // Two threads may have their stacks in one mapping.
        range.start = range.start.max(ranges.last().map_or(0, |last| last.end));
        range.end = range.end.min(range.start.saturating_add(room));
        if range.start < range.end {
            room -= range.length();
            ranges.push(range);
        }
    }
    Plan { ranges, zeros: Vec::new() }
}

/// All memory that can change and exists, that with stacks first; `None` when it does not fit
/// or nobody can tell.
fn plan_writable(hold: &Hold<'_>, capture: &Capture, room: u64) -> Option<Plan> {
    let mut pages = PageMap::new(hold.process().open_page_map().ok()?);
    let mut with_stacks: Vec<u64> = tops(capture).map(|(_, mapping)| mapping.start.0).collect();
    with_stacks.sort_unstable();
    let (mut stacks, mut others, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
    let mut needed = 0;
    for mapping in &capture.mappings {
        let all = Range::of(mapping);
        if !mapping.can_change() || !mapping.protection.read || all.length() == 0 {
            continue;
        }
        let ranges = if mapping.inode != 0 && all.length() <= MAX_FILE_DATA {
            vec![all]
        } else {
            let existing = pages.existing(all).ok()?;
            if mapping.inode == 0 {
                zeros.extend(gaps(all, &existing));
            }
            existing
        };
        needed += ranges.iter().map(|range| range.length()).sum::<u64>();
        if needed > room {
            return None;
        }
        let has_stack = with_stacks.binary_search(&all.start).is_ok();
        if has_stack { &mut stacks } else { &mut others }.extend(ranges);
    }
    stacks.append(&mut others);
    Some(Plan { ranges: stacks, zeros })
}

/// What of `all` is not in `parts`, which rise.
fn gaps(all: Range, parts: &[Range]) -> Vec<Range> {
    let ends = [all.start].into_iter().chain(parts.iter().map(|part| part.end));
    let starts = parts.iter().map(|part| part.start).chain([all.end]);
    ends.zip(starts).map(|(start, end)| Range { start, end }).filter(|gap| gap.start < gap.end).collect()
}

/// Copying into the room, from its start.
struct Transfer<'r> {
    /// A thread that has the memory.
    pid: Pid,
    /// The same memory as a file, for where process_vm_readv(2) is forbidden.
    memory: &'r File,
    room: &'r mut [u8],
    used: usize,
    runs: Vec<Run>,
}

impl Transfer<'_> {
    /// Gives whether it came to the end in time.
    fn copy(&mut self, ranges: &[Range], deadline: Instant) -> bool {
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
    use crate::target::{CapturedThread, ProcessInfo, Protection, ThreadRegisters};

    fn mapping(start: u64, end: u64) -> Mapping {
        Mapping {
            start: Address(start),
            end: Address(end),
            protection: Protection { read: true, write: true, execute: false },
            offset: 0,
            device: (0, 0),
            inode: 0,
            is_remote: false,
            path: None,
        }
    }

    fn thread(sp: u64) -> CapturedThread {
        let mut registers = ThreadRegisters::default();
        registers.general.set(registers.general.arch().sp(), Some(sp));
        CapturedThread { registers: Some(Box::new(registers)), ..CapturedThread::default() }
    }

    fn capture(stack_pointers: &[u64]) -> Capture {
        Capture {
            process: ProcessInfo::default(),
            mappings: vec![mapping(0x1_0000, 0x2_0000), mapping(0x3_0000, 0x5_0000)],
            auxv: Vec::new(),
            threads: stack_pointers.iter().map(|sp| thread(*sp)).collect(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn stacks_are_copied_from_their_pointer_on_and_nothing_twice() {
        let range = |start, end| Range { start, end };
        // The red zone reaches into the page below; the third points nowhere.
        let plan = plan_stacks(&capture(&[0x3_1040, 0x1_8800, 0x9_0000]), 1 << 20);
        assert_eq!(plan.ranges, [range(0x1_8000, 0x2_0000), range(0x3_0000, 0x5_0000)]);
        // Both in one mapping, and room for four pages in all.
        let plan = plan_stacks(&capture(&[0x3_4800, 0x3_5800]), 0x4000);
        assert_eq!(plan.ranges, [range(0x3_4000, 0x3_6000), range(0x3_6000, 0x3_7000)]);
        assert!(plan_stacks(&capture(&[0x1_8800]), 0).ranges.is_empty());
    }

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
    fn data_without_a_file_can_change_also_where_it_is_read_only() {
        let with = |write, execute, inode| Mapping {
            protection: Protection { read: true, write, execute },
            inode,
            ..mapping(0, PAGE)
        };
        let can_change = [with(true, false, 5), with(true, false, 0), with(false, false, 0)];
        assert!(can_change.iter().all(Mapping::can_change));
        assert!(![with(false, false, 5), with(false, true, 0)].iter().any(Mapping::can_change));
    }

    #[test]
    fn gaps_are_what_the_parts_leave() {
        let range = |start, end| Range { start, end };
        assert_eq!(gaps(range(0, 9), &[range(0, 2), range(4, 5)]), [range(2, 4), range(5, 9)]);
        assert_eq!(gaps(range(0, 9), &[]), [range(0, 9)]);
        assert!(gaps(range(0, 9), &[range(0, 9)]).is_empty());
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
