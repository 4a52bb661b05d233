//! A file mapped read-only for as long as the process lives.

use super::root::Root;
use super::shrinking;
use crate::limits;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a file that may be a hole altogether.
const MAX_HOLE: u64 = 1 << 30;
/// A larger one must be stored to this part; file systems that compress store less than there is.
const SPARSE: u64 = 64;
/// Unit of `st_blocks` (inode(7)).
const BLOCK: u64 = 512;

/// Why a file cannot be used as an ELF object or debug file.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It could not be opened or mapped.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// Larger than any program, or nearly all of it a hole.
    #[error("{} is not read: it has {size} bytes, {on_disk} of them on disk", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length, bytes.
        size: u64,
        /// What of it is stored.
        on_disk: u64,
    },
    /// Not an ELF file, or a broken one.
    #[error("{} is not a usable ELF file: {source}", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// The parser's word.
        source: object::Error,
    },
}

/// A mapped file.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Its bytes.
    pub data: &'static [u8],
    /// Inode, to tell whether it is still the file that the target mapped.
    pub inode: u64,
    is_file: bool,
}

impl Image {
    /// Maps the regular file at `path` of a root.
    pub(super) fn open(root: &Root, path: &Path) -> Result<Image, ImageError> {
        let file = root.open(path).map_err(|source| ImageError::Open { path: path.to_owned(), source })?;
        Image::map(path, &file)
    }

    /// Maps an open regular file, which was found at `path`.
    pub(super) fn map(path: &Path, file: &File) -> Result<Image, ImageError> {
        let open_error = |source| ImageError::Open { path: path.to_owned(), source };
        let metadata = file.metadata().map_err(open_error)?;
        // A hole costs nothing to make and as much as its size to read.
        let on_disk = metadata.blocks().saturating_mul(BLOCK);
        if metadata.len() > limits::FILE || metadata.len() > MAX_HOLE && on_disk < metadata.len() / SPARSE {
            return Err(ImageError::Size { path: path.to_owned(), size: metadata.len(), on_disk });
        }
        // SAFETY: the mapping is private and read-only. What somebody cuts off the file while it
        // is in use reads as zeros: see `shrinking`.
        let map = unsafe { memmap2::Mmap::map(file) }.map_err(open_error)?;
        let map: &'static memmap2::Mmap = Box::leak(Box::new(map));
        shrinking::guard(map, path);
        Ok(Image { data: map, inode: metadata.ino(), is_file: true })
    }

    /// The part of it from `start` on; empty past its end.
    pub(super) fn from(self, start: u64) -> Image {
        let rest = usize::try_from(start).ok().and_then(|start| self.data.get(start..));
        Image { data: rest.unwrap_or_default(), ..self }
    }

    /// Bytes that are not from a file, such as the vdso read from the target.
    pub fn from_bytes(bytes: Vec<u8>) -> Image {
        Image { data: Vec::leak(bytes), inode: 0, is_file: false }
    }

    /// Where `needle` stands in `text`, which may be a large part of this file: of that a few MB are in memory at a time.
    pub(crate) fn find_all(&self, text: &[u8], needle: &[u8]) -> Vec<usize> {
        const PART: usize = 4 << 20;
        let finder = memchr::memmem::Finder::new(needle);
        let mut found = Vec::new();
        for from in (0..text.len()).step_by(PART) {
            let to = text.len().min(from + PART + needle.len().saturating_sub(1));
            let part = text.get(from..to).unwrap_or_default();
            found.extend(finder.find_iter(part).map(|at| from + at));
            self.release(part);
        }
        found
    }

    /// Gives the memory back in which `part` of the file was read, when it is a part of this file as it is mapped;
    /// it is read again when it is looked at again. For what is gone through once.
    pub(crate) fn release(&self, part: &[u8]) {
        const PAGE: usize = 4096;
        let (whole, part) = (self.data.as_ptr_range(), part.as_ptr_range());
        if !self.is_file || part.start < whole.start || part.end > whole.end {
            return;
        }
        // Whole pages only, so that a neighbour that is in use stays.
        let start = (part.start as usize).next_multiple_of(PAGE);
        let length = (part.end as usize / PAGE * PAGE).saturating_sub(start);
        // SAFETY: these pages belong to a private, read-only mapping of a file: their contents
        // are the file's before and after, and references to them stay valid.
        unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_across_two_parts_is_found_once_and_the_file_stays_as_it_is() {
        let mut bytes = vec![b'.'; (8 << 20) + 5];
        for at in [0, (4 << 20) - 1, 6 << 20, (8 << 20) + 3] {
            bytes[at..at + 2].copy_from_slice(b"xy");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        for image in [Image::map(file.path(), file.as_file()).unwrap(), Image::from_bytes(bytes.clone())] {
            assert_eq!(image.find_all(image.data, b"xy"), [0, (4 << 20) - 1, 6 << 20, (8 << 20) + 3]);
            assert!(image.data == bytes);
        }
    }
}
