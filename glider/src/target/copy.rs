//! What of the target's memory is copied while it stands still: all that can change, or when there
//! is too much of it the stacks and what is nearest to them, so that the target may run while it is being
//! looked at.
//!
//! Memory that cannot change (code, constants) is not copied: it is read when it is needed.

mod reach;
mod transfer;

use self::reach::Reach;
use self::transfer::Transfer;
use super::image::{Image, Run};
use super::pagemap::PageMap;
use super::{Capture, Hold, Mapping};
use crate::address::Address;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::time::Instant;

/// The smallest page.
const PAGE: u64 = 4096;
/// Bytes below the stack pointer that belong to the frame (psABI x86-64 §3.2.2, the red zone).
const RED_ZONE: u64 = 128;
/// Bytes of a file's mapping that are copied even where they were never touched: its initialized data.
const MAX_FILE_DATA: u64 = 4 << 20;
/// How far away is what data leads to, beside what stacks lead to: of the report most comes from the stacks.
const FROM_DATA: usize = 2;

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
    pub(crate) fn any_holds(ranges: &[Range], address: u64) -> bool {
        let after = ranges.partition_point(|range| range.start <= address);
        after.checked_sub(1).and_then(|before| ranges.get(before)).is_some_and(|range| address < range.end)
    }

    /// Adds one to some that rise, as part of the last where that touches it.
    pub(super) fn join(self, ranges: &mut Vec<Range>) {
        match ranges.last_mut() {
            Some(last) if last.end == self.start => last.end = self.end,
            _ => ranges.push(self),
        }
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
    /// Everything that can change, where that is no more than so many bytes beside the stacks; else the stacks, and
    /// so many bytes of what is nearest to them.
    Writable(u64),
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
    /// Whether there was time for all that was to be copied.
    pub is_finished: bool,
}

/// Copies memory of the held process, which `memory` is too, into the image, until `deadline`. What
/// cannot be read is left out.
pub fn take(
    hold: &Hold<'_>,
    memory: &File,
    capture: &Capture,
    image: &mut Image,
    extent: Extent,
    deadline: Instant,
) -> Copied {
    let room = image.room();
    let size = room.len() as u64;
    let pid = Pid::from_raw(hold.process().memory_thread());
    let mut transfer = Transfer { pid, memory, room, used: 0, runs: Vec::new() };
    let (is_whole, is_finished, zeros) = match extent {
        Extent::Stacks => (false, transfer.copy(&plan_stacks(capture, size), deadline), Vec::new()),
        Extent::Writable(most) => {
            let stacks = plan_stacks(capture, size - most.min(size / 4));
            let limit = stacks.iter().map(|range| range.length()).sum::<u64>().saturating_add(most).min(size);
            match plan_writable(hold, capture, limit) {
                Some(Plan { ranges, zeros }) => (true, transfer.copy(&ranges, deadline), zeros),
                None => (false, take_nearest(capture, &stacks, &mut transfer, most, deadline), Vec::new()),
            }
        }
    };
    let (bytes, mut runs) = (transfer.used as u64, transfer.runs);
    runs.extend(zeros.into_iter().map(|range| Run { range, at: None }));
    runs.sort_unstable_by_key(|run| run.range.start);
    Copied { runs, bytes, is_whole: is_whole && is_finished, is_finished }
}

/// Copies the stacks, then at most so many bytes: data of files, and what both and the registers lead to, the nearest
/// first. Gives whether it came to the end in time.
fn take_nearest(
    capture: &Capture,
    stacks: &[Range],
    transfer: &mut Transfer<'_>,
    most: u64,
    deadline: Instant,
) -> bool {
    let data = without(plan_data(capture, most / 2), stacks);
    let mut copied = [stacks, data.as_slice()].concat();
    copied.sort_unstable_by_key(|range| range.start);
    let can_be_followed =
        |mapping: &&Mapping| mapping.can_change() && mapping.protection.read && !mapping.is_remote;
    let open = capture.mappings.iter().filter(can_be_followed).map(Range::of).collect();
    let registers = || capture.threads.iter().filter_map(|thread| thread.registers.as_deref());
    let mut reach = Reach::new(without(open, &copied), capture.arch().word());
    for registers in registers() {
        let general = registers.general.known().map(|(_, value)| value);
        general.chain([registers.fs_base, registers.gs_base]).for_each(|value| reach.add(value, 0));
    }
    if !transfer.copy(stacks, deadline) {
        return false;
    }
    let of_stacks = transfer.runs.len();
    if !transfer.copy(&data, deadline) {
        return false;
    }
    for (index, run) in transfer.runs.iter().enumerate() {
        if Instant::now() >= deadline {
            return false;
        }
        reach.add_all(transfer.bytes(run), if index < of_stacks { 0 } else { FROM_DATA });
    }
    let left = most.saturating_sub(data.iter().map(|range| range.length()).sum());
    reach.follow(transfer, left, deadline)
}

/// Data that programs and libraries are loaded with, the smallest first, and what they have beside it that begins
/// as zeros; at most so many bytes.
fn plan_data(capture: &Capture, most: u64) -> Vec<Range> {
    let is_data = |mapping: &Mapping| mapping.inode != 0 && mapping.can_change() && !mapping.is_remote;
    let after_data = |pair: &[Mapping]| match pair {
        [data, zeros] => {
            let is_heap = zeros.path.as_deref() == Some("[heap]");
            is_data(data) && zeros.inode == 0 && zeros.start == data.end && !is_heap && zeros.can_change()
        }
        _ => false,
    };
    let zeros = capture.mappings.windows(2).filter(|pair| after_data(pair)).filter_map(|pair| pair.last());
    let all = capture.mappings.iter().filter(|mapping| is_data(mapping)).chain(zeros);
    let mut ranges: Vec<Range> = all.filter(|mapping| mapping.protection.read).map(Range::of).collect();
    ranges.retain(|range| range.length() <= MAX_FILE_DATA);
    ranges.sort_unstable_by_key(|range| range.length());
    let mut bytes = 0;
    let fitting = ranges.iter().take_while(|range| {
        bytes += range.length();
        bytes <= most
    });
    ranges.truncate(fitting.count());
    ranges.sort_unstable_by_key(|range| range.start);
    ranges
}

/// What of some ranges is not in others; both rise.
fn without(ranges: Vec<Range>, parts: &[Range]) -> Vec<Range> {
    let rest = ranges.into_iter().flat_map(|range| {
        let first = parts.partition_point(|part| part.end <= range.start);
        let inside = parts.get(first..).unwrap_or_default().iter().take_while(|part| part.start < range.end);
        let inside: Vec<Range> = inside
            .map(|part| Range { start: part.start.max(range.start), end: part.end.min(range.end) })
            .collect();
        gaps(range, &inside)
    });
    rest.collect()
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

/// Each stack from its pointer on, of those that are too long for the room an equal share.
fn plan_stacks(capture: &Capture, room: u64) -> Vec<Range> {
    let stacks =
        tops(capture).map(|(top, mapping)| Range { start: top.max(mapping.start.0), end: mapping.end.0 });
    let mut stacks: Vec<Range> = stacks.collect();
    stacks.sort_unstable_by_key(|range| range.start);
    // Two threads may have their stacks in one mapping.
    let nexts: Vec<u64> = stacks.iter().skip(1).map(|next| next.start).chain([u64::MAX]).collect();
    for (range, next) in stacks.iter_mut().zip(nexts) {
        range.end = range.end.min(next);
    }
    let share = fair_share(stacks.iter().map(|range| range.length()).collect(), room) / PAGE * PAGE;
    for range in &mut stacks {
        range.end = range.end.min(range.start.saturating_add(share));
    }
    stacks.retain(|range| range.start < range.end);
    stacks
}

/// The most that each may have so that all of them together have no more than the room.
fn fair_share(mut lengths: Vec<u64>, mut room: u64) -> u64 {
    lengths.sort_unstable();
    for (index, length) in lengths.iter().enumerate() {
        let share = room / (lengths.len() - index) as u64;
        if *length > share {
            return share;
        }
        room -= length;
    }
    u64::MAX
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
            let existing = pages.existing(all, room.saturating_sub(needed)).ok()?;
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
            is_shared: false,
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
        assert_eq!(plan, [range(0x1_8000, 0x2_0000), range(0x3_0000, 0x5_0000)]);
        // Both in one mapping, and room for four pages in all: what the short one leaves is the other's.
        let plan = plan_stacks(&capture(&[0x3_4800, 0x3_5800]), 0x4000);
        assert_eq!(plan, [range(0x3_4000, 0x3_5000), range(0x3_5000, 0x3_8000)]);
        assert!(plan_stacks(&capture(&[0x1_8800]), 0).is_empty());
    }

    #[test]
    fn what_short_ones_leave_of_their_share_is_for_the_long_ones() {
        assert_eq!(fair_share(vec![10, 2, 30], 100), u64::MAX);
        assert_eq!(fair_share(vec![10, 2, 30], 30), 18);
        assert_eq!(fair_share(vec![10, 20, 30], 30), 10);
        assert_eq!(fair_share(vec![1, 1], 0), 0);
    }

    #[test]
    fn data_of_files_is_copied_with_the_zeros_behind_it_and_the_smallest_first() {
        let data = |start, end| Mapping { inode: 5, ..mapping(start, end) };
        let heap = Mapping { path: Some("[heap]".to_owned()), ..mapping(0x9000, 0xa000) };
        let mappings = vec![data(0x1000, 0x2000), mapping(0x2000, 0x3000), data(0x5000, 0x9000), heap];
        let capture = Capture { mappings, ..capture(&[]) };
        let range = |start, end| Range { start, end };
        assert_eq!(
            plan_data(&capture, 0x6000),
            [range(0x1000, 0x2000), range(0x2000, 0x3000), range(0x5000, 0x9000)]
        );
        assert_eq!(plan_data(&capture, 0x5000), [range(0x1000, 0x2000), range(0x2000, 0x3000)]);
    }

    #[test]
    fn what_is_copied_already_is_taken_out() {
        let range = |start, end| Range { start, end };
        let parts = [range(1, 2), range(4, 12), range(14, 15)];
        assert_eq!(
            without(vec![range(0, 5), range(5, 10), range(11, 20)], &parts),
            [range(0, 1), range(2, 4), range(12, 14), range(15, 20)]
        );
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
}
