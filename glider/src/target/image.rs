//! A copy of the target's memory, taken by the keeper while the target stands still and read
//! by the analyzer: a memory file that both map.

use super::copy::Range;
use memmap2::{Mmap, MmapMut, MmapOptions};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes before the copied memory: a page with what the two processes say to each other.
const HEAD: usize = 4096;

/// The keeper's end: room that is filled from the start.
#[derive(Debug)]
pub struct Image {
    file: File,
    map: MmapMut,
}

/// A piece of the target's memory that the image answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its addresses.
    pub range: Range,
    /// Where its bytes begin in the image; `None` for memory that was never touched, all zero.
    pub at: Option<u64>,
}

impl Image {
    /// Makes room for `capacity` bytes, of which the first `expected` cost nothing more when they are filled.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(capacity: usize, expected: usize) -> io::Result<Image> {
        let file = File::from(memfd_create("glider-image", MemfdFlags::CLOEXEC)?);
        let length = HEAD.saturating_add(capacity);
        ftruncate(&file, length as u64)?;
        // SAFETY: the file has just been made and grows no shorter; the analyzer, which gets it
        // too, only reads, and only what was written before.
        let map = unsafe { MmapOptions::new().len(length).map_mut(&file)? };
        // An old kernel does not know this advice; then pages are made as they are filled.
        let _ = map.advise_range(memmap2::Advice::PopulateWrite, 0, HEAD + expected.min(capacity));
        Ok(Image { file, map })
    }

    /// The file to hand to the analyzer.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The room.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.map.get_mut(HEAD..).unwrap_or_default()
    }

    /// Says that the target is about to run: whatever is read of it from now on may be of any later moment.
    pub fn mark_released(&self) {
        released(&self.map).store(1, Ordering::SeqCst);
    }
}

/// The word in which the keeper says that the target runs.
fn released(map: &[u8]) -> &AtomicU32 {
    // SAFETY: a map begins at a page, so the word is aligned; it is there since the map has at
    // least HEAD bytes; both processes touch it only as an atomic.
    unsafe { &*map.as_ptr().cast::<AtomicU32>() }
}

/// The analyzer's end.
#[derive(Debug)]
pub struct ImageView {
    map: Mmap,
    /// By rising address.
    runs: Vec<Run>,
    /// The run read last: the next read is most often of the same.
    last: Cell<usize>,
}

impl ImageView {
    /// Maps the image; `runs` say what is where in it, by rising address.
    ///
    /// # Errors
    /// When it cannot be mapped, or is too short to be an image.
    pub fn open(file: &File, runs: Vec<Run>) -> io::Result<ImageView> {
        // SAFETY: the keeper never shortens the file and does not write where it has copied to.
        let map = unsafe { Mmap::map(file)? };
        if map.len() < HEAD {
            return Err(io::Error::other("the image has no head"));
        }
        Ok(ImageView { map, runs, last: Cell::new(0) })
    }

    /// Whether the target may have run since the image was taken.
    pub fn is_released(&self) -> bool {
        released(&self.map).load(Ordering::SeqCst) != 0
    }

    fn find(&self, address: u64) -> Option<&Run> {
        let has_it = |run: &&Run| run.range.start <= address && address < run.range.end;
        if let Some(run) = self.runs.get(self.last.get()).filter(has_it) {
            return Some(run);
        }
        let after = self.runs.partition_point(|run| run.range.start <= address);
        let index = after.checked_sub(1)?;
        self.last.set(index);
        self.runs.get(index).filter(has_it)
    }

    /// Copies what one run has from `address` on. `None` where no run is.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Option<usize> {
        let run = self.find(address)?;
        let count =
            usize::try_from(run.range.end - address).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let buffer = buffer.get_mut(..count)?;
        match run.at {
            None => buffer.fill(0),
            Some(at) => {
                let from = HEAD + usize::try_from(at + (address - run.range.start)).ok()?;
                buffer.copy_from_slice(self.map.get(from..from.checked_add(count)?)?);
            }
        }
        Some(count)
    }
}
