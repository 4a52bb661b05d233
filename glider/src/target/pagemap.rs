//! Which pages of the target exist, in memory or swapped out: `/proc/PID/pagemap`,
//! proc_pid_pagemap(5) and Documentation/admin-guide/mm/pagemap.rst of the kernel.

use super::copy::Range;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// Unit of the map.
const PAGE: u64 = 4096;
/// Pages looked at one by one where the kernel has no `PAGEMAP_SCAN`: 4 GiB of them.
const MAX_PAGES: u64 = 1 << 20;
/// Runs asked for at a time.
const REGIONS: usize = 512;
/// `PAGE_IS_PRESENT | PAGE_IS_SWAPPED` of include/uapi/linux/fs.h.
const EXISTS: u64 = 1 << 3 | 1 << 4;
/// `_IOWR('f', 16, struct pm_scan_arg)`: since Linux 6.7.
const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    region_count: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// Whether a page is in memory or swapped out, by its number, as an open `/proc/PID/pagemap` tells.
pub(super) fn is_present(map: &File, page: u64) -> bool {
    let mut word = [0; 8];
    map.read_exact_at(&mut word, page.saturating_mul(8)).is_ok() && u64::from_le_bytes(word) >> 62 != 0
}

/// An open page map.
pub(super) struct PageMap {
    file: File,
    scans: bool,
    pages_left: u64,
}

impl PageMap {
    /// Takes an open `/proc/PID/pagemap`.
    pub(super) fn new(file: File) -> Self {
        PageMap { file, scans: true, pages_left: MAX_PAGES }
    }

    /// The pages of `range` that exist, as runs by rising address; when they are more than `most` bytes, the first
    /// of them, which are more.
    ///
    /// # Errors
    /// Those of the kernel, and when there are too many pages to look at one by one.
    pub(super) fn existing(&mut self, range: Range, most: u64) -> io::Result<Vec<Range>> {
        if self.scans {
            match self.scan(range, most) {
                // ENOTTY: a kernel without the call.
                Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => self.scans = false,
                result => return result,
            }
        }
        self.look(range, most)
    }

    /// The kernel walks the page tables: absent parts cost nothing.
    fn scan(&self, range: Range, most: u64) -> io::Result<Vec<Range>> {
        let mut found = Vec::new();
        let (mut start, mut bytes) = (range.start, 0);
        let mut regions = [Region::default(); REGIONS];
        while start < range.end && bytes <= most {
            let mut arguments = ScanArguments {
                size: size_of::<ScanArguments>() as u64,
                start,
                end: range.end,
                regions: regions.as_mut_ptr() as u64,
                region_count: REGIONS as u64,
                max_pages: (most - bytes) / PAGE + 1,
                category_anyof_mask: EXISTS,
                return_mask: EXISTS,
                ..ScanArguments::default()
            };
            // SAFETY: the kernel reads and writes `arguments`, and writes at most `REGIONS` regions
            // to the array that it points at; both live through the call.
            let count = unsafe { libc::ioctl(self.file.as_raw_fd(), PAGEMAP_SCAN, &raw mut arguments) };
            let Ok(count) = usize::try_from(count) else { return Err(io::Error::last_os_error()) };
            for region in regions.iter().take(count) {
                bytes += region.end.saturating_sub(region.start);
                Range { start: region.start, end: region.end }.join(&mut found);
            }
            if arguments.walk_end <= start {
                break;
            }
            start = arguments.walk_end;
        }
        Ok(found)
    }

    /// A word for each page: bit 63 says that it is in memory, bit 62 that it is swapped out.
    fn look(&mut self, range: Range, most: u64) -> io::Result<Vec<Range>> {
        let pages = (range.end - range.start) / PAGE;
        self.pages_left = self
            .pages_left
            .checked_sub(pages)
            .ok_or_else(|| io::Error::other("it has too many pages to look at each"))?;
        let mut found = Vec::new();
        let mut words = vec![0; 64 << 10];
        let (mut page, end, mut bytes) = (range.start / PAGE, range.end / PAGE, 0);
        while page < end && bytes <= most {
            let wanted = words.len().min(usize::try_from((end - page) * 8).unwrap_or(words.len()));
            let chunk = words.get_mut(..wanted).unwrap_or_default();
            let count = self.file.read_at(chunk, page * 8)? / 8;
            if count == 0 {
                break;
            }
            for word in chunk.as_chunks::<8>().0.iter().take(count) {
                if u64::from_le_bytes(*word) >> 62 != 0 {
                    bytes += PAGE;
                    Range { start: page * PAGE, end: (page + 1) * PAGE }.join(&mut found);
                }
                page += 1;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
    use std::num::NonZeroUsize;

    #[test]
    fn touched_pages_exist_and_others_do_not_however_they_are_looked_at() {
        let length = NonZeroUsize::new(64 * PAGE as usize).unwrap();
        let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
        let start = unsafe { mmap_anonymous(None, length, protection, flags) }.unwrap().as_ptr() as u64;
        for page in [3, 4, 9, 63] {
            // SAFETY: inside the mapping made above, which nobody else uses.
            unsafe { ((start + page * PAGE) as *mut u8).write_volatile(1) };
        }
        let range = Range { start, end: start + 64 * PAGE };
        let expected = [(3, 5), (9, 10), (63, 64)]
            .map(|(from, to)| Range { start: start + from * PAGE, end: start + to * PAGE });
        let open = || File::open("/proc/self/pagemap").unwrap();
        assert_eq!(PageMap::new(open()).existing(range, 64 * PAGE).unwrap(), expected);
        let some = PageMap::new(open()).existing(range, PAGE).unwrap();
        assert_eq!(some, [Range { end: expected[0].end, ..expected[0] }], "one more than asked for");
        let mut old = PageMap { file: open(), scans: false, pages_left: 64 };
        assert_eq!(old.existing(range, 64 * PAGE).unwrap(), expected);
        assert!(old.existing(range, 64 * PAGE).is_err(), "there are limits");
    }
}
