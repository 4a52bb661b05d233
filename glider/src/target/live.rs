//! The memory of a living process: what was copied while it was held, and for the rest
//! `/proc/PID/mem` behind a small cache of pages.
//!
//! Pipeline place: below unwinding and variables, which read a word here and a word there;
//! the cache makes most of those reads a copy. A page that is read after the target was let go
//! may be of another moment than the rest: such reads are counted, so that what is made of them
//! can be marked. Memory that cannot be written looks the same at all times.

#![cfg_attr(not(test), forbid(unsafe_code))]

use super::copy::Range;
use super::image::ImageView;
use super::{Mapping, Memory, pagemap};
use crate::address::Address;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Unit of caching: the smallest page, so that a page is readable as a whole or not at all.
const PAGE: usize = 4096;
/// Pages cached: 2 MiB, of which only those used are ever touched.
const SLOTS: usize = 256;
/// Reads longer than this go past the cache.
const BYPASS: usize = 4 * PAGE;

/// Memory of a process that is or was held.
pub struct LiveMemory {
    file: File,
    image: Option<ImageView>,
    /// Memory that can change, by rising address.
    changing: Vec<Range>,
    cache: RefCell<Cache>,
    /// The page map, and memory of which only what is there already is read, by rising address.
    page_map: Option<File>,
    remote: Vec<Range>,
    /// Reads that may be of another moment.
    moving: Cell<u64>,
}

/// A direct-mapped cache: each page has one slot it may be in.
struct Cache {
    slots: Vec<Slot>,
    bytes: Vec<u8>,
}

/// What a slot holds.
#[derive(Clone, Copy)]
struct Slot {
    /// Page number; `u64::MAX`, which no page has, while it is empty.
    page: u64,
    /// Bytes of the page that could be read, from its start.
    valid: usize,
    /// Whether it may have changed since the target was held.
    is_moving: bool,
}

impl LiveMemory {
    /// Takes an open `/proc/PID/mem` of a process that stands still.
    pub fn new(file: File) -> Self {
        let slot = Slot { page: u64::MAX, valid: 0, is_moving: false };
        let cache = Cache { slots: vec![slot; SLOTS], bytes: vec![0; SLOTS * PAGE] };
        LiveMemory {
            file,
            image: None,
            changing: Vec::new(),
            page_map: None,
            remote: Vec::new(),
            cache: RefCell::new(cache),
            moving: Cell::new(0),
        }
    }

    /// The memory of a target with these mappings, by rising address: with what was copied of it, where something was;
    /// the image tells when the target may run. Of files that others answer for only what is in memory is read, which
    /// does not wait for them; `page_map`, the process's, tells what that is.
    pub fn of_target(
        file: File,
        image: Option<ImageView>,
        page_map: Option<File>,
        mappings: &[Mapping],
    ) -> Self {
        let ranges = |is_meant: fn(&Mapping) -> bool| {
            mappings.iter().filter(|mapping| is_meant(mapping)).map(Range::of).collect()
        };
        let changing = if image.is_some() { ranges(Mapping::can_change) } else { Vec::new() };
        let remote = ranges(|mapping| mapping.is_remote);
        LiveMemory { image, changing, page_map, remote, ..LiveMemory::new(file) }
    }

    /// How many bytes from `address` on can be read without waiting for anybody.
    fn at_hand(&self, address: u64, wanted: usize) -> usize {
        let end = address.saturating_add(wanted as u64);
        let mut page = address / PAGE as u64;
        while page.saturating_mul(PAGE as u64) < end && self.is_at_hand(page) {
            page += 1;
        }
        let most = page.saturating_mul(PAGE as u64).saturating_sub(address);
        usize::try_from(most).map_or(wanted, |most| most.min(wanted))
    }

    fn is_at_hand(&self, page: u64) -> bool {
        !Range::any_holds(&self.remote, page.saturating_mul(PAGE as u64))
            || self.page_map.as_ref().is_some_and(|map| pagemap::is_present(map, page))
    }

    /// Whether what was just read from `address` on may be of another moment than the stop.
    fn is_moving(&self, address: u64) -> bool {
        self.is_released() && Range::any_holds(&self.changing, address)
    }

    /// Reads past the cache. The kernel gives a short count at the end of what is mapped.
    fn read_through(&self, address: u64, buffer: &mut [u8]) -> usize {
        // File offsets are signed: the upper half, which is the kernel's but for the
        // vsyscall page, cannot be asked for.
        let most = usize::try_from((i64::MAX as u64).saturating_sub(address)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(most);
        let wanted = if self.remote.is_empty() { wanted } else { self.at_hand(address, wanted) };
        let mut done = 0;
        while done < wanted {
            let Some(rest) = buffer.get_mut(done..wanted) else { break };
            match self.file.read_at(rest, address + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        done
    }

    /// Copies what one page has from `offset` on and gives how much that was.
    fn read_in_page(&self, page: u64, offset: usize, buffer: &mut [u8]) -> usize {
        // Stacks lie at equal distances: the multiplication (Knuth's) spreads them over the slots.
        let index = (page.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SLOTS;
        let mut cache = self.cache.borrow_mut();
        let Cache { slots, bytes } = &mut *cache;
        let (Some(slot), Some(bytes)) =
            (slots.get_mut(index), bytes.get_mut(index * PAGE..(index + 1) * PAGE))
        else {
            return 0;
        };
        if slot.page != page {
            let start = page * PAGE as u64;
            let valid = self.read_through(start, bytes);
            *slot = Slot { page, valid, is_moving: self.is_moving(start) };
        }
        if slot.is_moving {
            self.moving.set(self.moving.get() + 1);
        }
        let Some(source) = bytes.get(offset..slot.valid) else { return 0 };
        let count = source.len().min(buffer.len());
        buffer[..count].copy_from_slice(&source[..count]);
        count
    }
}

impl Memory for LiveMemory {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = address.0.checked_add(done as u64) else { break };
            if let Some(count) = self.image.as_ref().and_then(|image| image.read(at, rest)) {
                done += count;
                continue;
            }
            if self.image.is_none() && rest.len() > BYPASS {
                return done + self.read_through(at, rest);
            }
            let offset = (at % PAGE as u64) as usize;
            let wanted = rest.len().min(PAGE - offset);
            let Some(part) = rest.get_mut(..wanted) else { break };
            let count = self.read_in_page(at / PAGE as u64, offset, part);
            done += count;
            if count < wanted {
                break;
            }
        }
        done
    }

    fn is_released(&self) -> bool {
        self.image.as_ref().is_some_and(ImageView::is_released)
    }

    fn moving_reads(&self) -> u64 {
        self.moving.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    /// Own memory: nothing moves while a test looks at it.
    fn own_memory() -> LiveMemory {
        LiveMemory::new(File::open("/proc/self/mem").unwrap())
    }

    /// Four pages of a known pattern, the last of them not mapped. Gives the first address.
    fn three_pages_and_a_hole() -> u64 {
        use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
        let length = NonZeroUsize::new(4 * PAGE).unwrap();
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe { mmap_anonymous(None, length, protection, flags) }.unwrap();
        // SAFETY: the four pages were mapped above and belong to this function alone.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), 4 * PAGE) };
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = (index % 251) as u8;
        }
        // SAFETY: the last page lies inside the mapping and no reference to it is used afterwards.
        unsafe { munmap(start.byte_add(3 * PAGE), PAGE) }.unwrap();
        start.as_ptr() as u64
    }

    #[test]
    fn reads_cross_pages_and_end_where_memory_ends() {
        let (memory, start) = (own_memory(), three_pages_and_a_hole());
        for length in [1, 8, 4096, 8192, 3 * PAGE, 5 * PAGE] {
            for offset in [0usize, 1, 4090, 8191, 3 * PAGE - 8, 3 * PAGE] {
                let mut buffer = vec![0xee; length];
                let count = memory.read(Address(start + offset as u64), &mut buffer);
                assert_eq!(count, length.min(3 * PAGE - offset), "{length} bytes at {offset}");
                let expected: Vec<u8> = (offset..offset + count).map(|index| (index % 251) as u8).collect();
                assert_eq!(&buffer[..count], expected, "{length} bytes at {offset}");
            }
        }
    }

    #[test]
    fn nothing_is_read_where_nothing_is_mapped() {
        let memory = own_memory();
        for address in [0, 8, i64::MAX as u64 - 4, 1 << 63, u64::MAX - 7, u64::MAX] {
            for length in [1, 64, 8 * PAGE] {
                assert_eq!(
                    memory.read(Address(address), &mut vec![0; length]),
                    0,
                    "{length} bytes at {address:#x}"
                );
            }
        }
        assert_eq!(memory.read_u64(Address(u64::MAX - 3)), None);
    }

    #[test]
    fn a_page_stays_as_it_was_first_read() {
        let (memory, start) = (own_memory(), three_pages_and_a_hole());
        let before = memory.read_u64(Address(start));
        // SAFETY: the first page is mapped, writable and used by nobody else.
        unsafe { (start as *mut u64).write_volatile(0x1122_3344) };
        assert_eq!(memory.read_u64(Address(start)), before);
    }

    #[test]
    fn pages_that_share_a_slot_replace_each_other_rightly() {
        let memory = own_memory();
        let table: Vec<u64> = (0..(4 * SLOTS * PAGE / 8) as u64).collect();
        for _ in 0..2 {
            for index in (0..table.len()).step_by(PAGE / 8) {
                let address = Address(&raw const table[index] as u64);
                assert_eq!(memory.read_u64(address), Some(index as u64));
            }
        }
    }
}
