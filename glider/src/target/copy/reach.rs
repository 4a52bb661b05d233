//! What lies nearest to the stacks, where there is more memory than is copied: the pages that words
//! of the stacks and registers lead to, then those that words there lead to, and so on.
//!
//! A step is the longer the more ways lead on from where it begins: an array full of pointers keeps
//! nothing back that a list leads to.

use super::transfer::Transfer;
use super::{PAGE, Range};
use crate::target::image::Run;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

/// Bytes before and after the place that a word leads to that are copied with it. Hash tables of
/// Rust are pointed at from behind their elements.
const BEFORE: u64 = 256;
/// See [`BEFORE`].
const AFTER: u64 = 1024;
/// Bytes after such a place whose words are followed in their turn.
const FOLLOWED: u64 = 512;
/// The longest way that is gone; a list of two words for each element is followed for 31 elements.
const FARTHEST: usize = 63;
/// Places that are looked at: each costs a tenth of a microsecond.
const MOST_PLACES: usize = 1 << 16;
/// Places no farther apart than this are one.
const LINE: u64 = 64;

/// The places that are known, and how far away they are.
pub(super) struct Reach {
    /// Memory into which words are followed, by rising address.
    open: Vec<Range>,
    /// Bytes of a word.
    word: u64,
    /// Where to look next, by distance.
    waiting: Vec<Vec<u64>>,
    known: HashSet<u64>,
    /// The pages that were asked for, by number: where they are in the room, if they could be read.
    pages: HashMap<u64, Option<usize>>,
}

impl Reach {
    /// Follows words of `word` bytes into `open` memory, whose ranges rise.
    pub(super) fn new(open: Vec<Range>, word: u64) -> Reach {
        let waiting = vec![Vec::new(); FARTHEST + 1];
        Reach { open, word, waiting, known: HashSet::new(), pages: HashMap::new() }
    }

    /// Takes note of a place, if it is new and in open memory.
    pub(super) fn add(&mut self, place: u64, distance: usize) {
        if Range::any_holds(&self.open, place)
            && self.known.len() < MOST_PLACES
            && let Some(waiting) = self.waiting.get_mut(distance)
            && self.known.insert(place / LINE)
        {
            waiting.push(place);
        }
    }

    /// Takes note of every place that these bytes lead to.
    pub(super) fn add_all(&mut self, bytes: &[u8], distance: usize) {
        for word in words(bytes, self.word) {
            self.add(word, distance);
        }
    }

    /// Copies what the known places lead to, the nearest first, at most so many bytes. Gives whether that
    /// came to its end in time.
    pub(super) fn follow(&mut self, transfer: &mut Transfer<'_>, bytes: u64, deadline: Instant) -> bool {
        let mut pages_left = usize::try_from(bytes / PAGE).unwrap_or(usize::MAX);
        for distance in 0..=FARTHEST {
            let Some(places) = self.waiting.get_mut(distance).map(std::mem::take) else { break };
            let mut pages: Vec<u64> = places.iter().flat_map(|place| around(*place)).collect();
            pages.sort_unstable();
            pages.dedup();
            pages.retain(|page| {
                !self.pages.contains_key(page) && Range::any_holds(&self.open, page.saturating_mul(PAGE))
            });
            pages.truncate(pages_left);
            pages_left -= pages.len();
            self.pages.extend(pages.iter().map(|page| (*page, None)));
            let first_new = transfer.runs.len();
            if !transfer.copy(&joined(&pages), deadline) {
                return false;
            }
            for run in transfer.runs.get(first_new..).unwrap_or_default() {
                self.take_note(run);
            }
            if pages_left == 0 {
                break;
            }
            for place in places {
                if self.known.len() == MOST_PLACES {
                    break;
                }
                self.look_around(place, distance, transfer.room);
            }
        }
        true
    }

    /// Where the pages of a run are.
    fn take_note(&mut self, run: &Run) {
        let Some(at) = run.at else { return };
        for start in (run.range.start..run.range.end).step_by(PAGE as usize) {
            let at = usize::try_from(at + (start - run.range.start)).ok();
            self.pages.insert(start / PAGE, at);
        }
    }

    /// Takes note of where the words around a place lead.
    fn look_around(&mut self, place: u64, distance: usize, room: &[u8]) {
        let place = place / self.word * self.word;
        let end = place.saturating_add(FOLLOWED);
        // malloc(3) of the GNU C library writes the size of a piece before it, with three flags.
        let size = place.checked_sub(self.word).and_then(|before| {
            words(self.bytes(before, place, room), self.word).next().map(|word| word / 8 * 8)
        });
        let piece_end = match size {
            Some(size) if size >= 4 * self.word && size < FOLLOWED => place + size - self.word,
            _ => end,
        };
        let inside = self.ways(place, piece_end, room);
        let mut outside = self.ways(piece_end, end, room);
        outside.extend(self.ways(place.saturating_sub(BEFORE), place, room));
        let step = |count: usize| distance + 1 + count.checked_ilog2().unwrap_or(0) as usize;
        let (near, far) = (step(inside.len()), step(inside.len() + outside.len()));
        for way in inside {
            self.add(way, near);
        }
        for way in outside {
            self.add(way, far);
        }
    }

    /// The new places that the words in a range lead to.
    fn ways(&self, start: u64, end: u64, room: &[u8]) -> Vec<u64> {
        let mut found = Vec::new();
        let mut at = start;
        while at < end {
            let page_end = (at / PAGE + 1).saturating_mul(PAGE).min(end);
            let words = words(self.bytes(at, page_end, room), self.word);
            found.extend(
                words.filter(|word| {
                    Range::any_holds(&self.open, *word) && !self.known.contains(&(word / LINE))
                }),
            );
            at = page_end;
        }
        found
    }

    /// The bytes of a range within a page; none if they were not copied here.
    fn bytes<'r>(&self, start: u64, end: u64, room: &'r [u8]) -> &'r [u8] {
        let Some(Some(at)) = self.pages.get(&(start / PAGE)) else { return &[] };
        let from = at + (start % PAGE) as usize;
        room.get(from..from + (end - start) as usize).unwrap_or_default()
    }
}

/// The pages around a place.
fn around(place: u64) -> std::ops::RangeInclusive<u64> {
    place.saturating_sub(BEFORE) / PAGE..=place.saturating_add(AFTER - 1) / PAGE
}

/// Pages as ranges of addresses, joined where they touch.
fn joined(pages: &[u64]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for page in pages {
        Range { start: page.saturating_mul(PAGE), end: page.saturating_add(1).saturating_mul(PAGE) }
            .join(&mut ranges);
    }
    ranges
}

/// The words of these bytes.
fn words(bytes: &[u8], word: u64) -> impl Iterator<Item = u64> {
    let (long, short) = if word == 8 { (bytes, &[] as &[u8]) } else { (&[] as &[u8], bytes) };
    let long = long.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    long.chain(short.as_chunks::<4>().0.iter().map(|word| u64::from(u32::from_le_bytes(*word))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::Pid;
    use std::fs::File;
    use std::time::Duration;

    /// Own memory: as many pages, at an address that is known.
    struct Pages(Vec<[u64; 512]>);

    impl Pages {
        fn new(count: usize) -> Pages {
            Pages(vec![[0; 512]; count + 1])
        }

        /// The address of a word of a page.
        fn at(&self, page: usize, word: usize) -> u64 {
            (self.0.as_ptr() as u64).next_multiple_of(PAGE) + page as u64 * PAGE + word as u64 * 8
        }

        /// Writes an address of these pages into a word of them.
        fn point(&mut self, (page, word): (usize, usize), to: u64) {
            let index = (self.at(page, word) - self.0.as_ptr() as u64) as usize / 8;
            self.0[index / 512][index % 512] = to;
        }

        fn all(&self) -> Range {
            Range { start: self.at(0, 0), end: self.at(self.0.len() - 1, 0) }
        }

        /// The pages that are copied from a seed on, with room for as many.
        fn reached(&self, open: Vec<Range>, seed: u64, most: usize) -> Vec<u64> {
            let memory = File::open("/proc/self/mem").unwrap();
            let mut room = vec![0; self.0.len() * PAGE as usize];
            let pid = Pid::from_raw(std::process::id().cast_signed());
            let mut transfer = Transfer { pid, memory: &memory, room: &mut room, used: 0, runs: Vec::new() };
            let mut reach = Reach::new(open, 8);
            reach.add_all(&seed.to_le_bytes(), 0);
            let deadline = Instant::now() + Duration::from_secs(60);
            assert!(reach.follow(&mut transfer, most as u64 * PAGE, deadline));
            let ranges = transfer.runs.iter().map(|run| run.range);
            let starts = ranges.flat_map(|range| (range.start..range.end).step_by(PAGE as usize));
            starts.map(|start| (start - self.at(0, 0)) / PAGE).collect()
        }
    }

    #[test]
    fn words_are_followed_from_page_to_page_and_each_page_is_copied_once() {
        let mut pages = Pages::new(9);
        pages.point((3, 100), pages.at(7, 100));
        pages.point((7, 103), pages.at(1, 100));
        pages.point((1, 100), pages.at(3, 100));
        // Too far from where the word leads to.
        pages.point((3, 400), pages.at(5, 100));
        assert_eq!(pages.reached(vec![pages.all()], pages.at(3, 100), 9), [3, 7, 1]);
        assert_eq!(pages.reached(vec![pages.all()], pages.at(3, 100), 2), [3, 7]);
        let open = vec![Range { start: pages.at(0, 0), end: pages.at(7, 0) }];
        assert_eq!(pages.reached(open, pages.at(3, 100), 9), [3]);
        assert!(pages.reached(vec![pages.all()], 8, 9).is_empty());
    }

    #[test]
    fn near_the_edge_of_a_page_its_neighbour_is_copied_too() {
        let pages = Pages::new(5);
        assert_eq!(pages.reached(vec![pages.all()], pages.at(2, 500), 5), [2, 3]);
        assert_eq!(pages.reached(vec![pages.all()], pages.at(2, 2), 5), [1, 2]);
        assert_eq!(pages.reached(vec![pages.all()], pages.at(4, 500), 5), [4]);
    }

    #[test]
    fn a_list_is_followed_before_what_an_array_of_pointers_leads_to() {
        let mut pages = Pages::new(100);
        for element in 0..60 {
            pages.point((0, 100 + element), pages.at(40 + element, 100));
        }
        for element in 1..6 {
            pages.point((element, 100), pages.at(element + 1, 100));
        }
        // The second word of the array begins the list.
        pages.point((0, 99), pages.at(1, 100));
        let reached = pages.reached(vec![pages.all()], pages.at(0, 100), 70);
        assert_eq!(reached.len(), 67);
        // Of a piece of memory whose size is before it only its own words are near.
        pages.point((0, 99), 32 | 1);
        pages.point((0, 100), pages.at(1, 100));
        assert_eq!(pages.reached(vec![pages.all()], pages.at(0, 100), 7), [0, 1, 41, 42, 2, 3, 4]);
    }

    #[test]
    fn pages_that_cannot_be_read_are_passed_over() {
        let mut pages = Pages::new(3);
        pages.point((0, 100), 0x1000);
        pages.point((0, 101), pages.at(2, 100));
        let open = vec![Range { start: 0x1000, end: 0x2000 }, pages.all()];
        assert_eq!(pages.reached(open, pages.at(0, 100), 3), [0, 2]);
    }

    #[test]
    fn short_words_are_found_in_programs_of_32_bits() {
        let bytes = [1u32, 2, 3].map(u32::to_le_bytes).concat();
        assert_eq!(words(&bytes, 4).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(words(&bytes, 8).collect::<Vec<_>>(), [1 | 2 << 32]);
    }
}
