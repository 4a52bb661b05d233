//! The contents of a section, which may be compressed in the file (gABI, "Compressed Sections").
//!
//! Debian's debug files are: inflating libc's is most of what a small trace costs, so libdeflate does it, which
//! takes half as long as what the ELF reader would use.

#![forbid(unsafe_code)]

use memmap2::MmapOptions;
use object::{CompressedData, CompressionFormat, ObjectSection, Section};
use std::borrow::Cow;

/// Deflate makes no more than this of a byte, so a header that says more is wrong (zlib's "Technical Details").
const MAX_RATIO: usize = 1032;

/// The contents of a section as they were before they were compressed; `None` when they are broken.
pub(super) fn contents(section: &Section<'static, '_>) -> Option<&'static [u8]> {
    let stored = section.compressed_data().ok()?;
    match stored.format {
        CompressionFormat::Zlib => inflate(&stored),
        _ => match stored.decompress().ok()? {
            Cow::Borrowed(data) => Some(data),
            Cow::Owned(data) => Some(Vec::leak(data)),
        },
    }
}

/// What zlib compressed; `None` where that is not as long as the header says, or its checksum is wrong.
fn inflate(stored: &CompressedData<'_>) -> Option<&'static [u8]> {
    let size = usize::try_from(stored.uncompressed_size).ok()?;
    if size > stored.data.len().saturating_mul(MAX_RATIO) {
        return None;
    }
    // All pages at once: a fault for each, as it is written to, takes several times as long.
    let mut contents = MmapOptions::new().len(size).populate().map_anon().ok()?;
    let inflated = libdeflater::Decompressor::new().zlib_decompress(stored.data, &mut contents).ok()?;
    (inflated == size).then(|| &**Box::leak(Box::new(contents)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zlib.compress(b"abc" * 20)`.
    const ABC: [u8; 14] =
        [0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x4e, 0x24, 0x17, 0x01, 0x00, 0xbc, 0xbe, 0x16, 0xf9];

    fn inflated(data: &[u8], uncompressed_size: u64) -> Option<&'static [u8]> {
        inflate(&CompressedData { format: CompressionFormat::Zlib, data, uncompressed_size })
    }

    #[test]
    fn only_what_is_as_long_as_promised_and_whole_is_taken() {
        assert_eq!(inflated(&ABC, 60), Some(&*b"abc".repeat(20)));
        for size in [0, 59, 61, u64::MAX] {
            assert_eq!(inflated(&ABC, size), None, "{size}");
        }
        for length in 0..ABC.len() {
            assert_eq!(inflated(&ABC[..length], 60), None, "{length}");
        }
        let mut changed = ABC;
        changed[3] ^= 1;
        assert_eq!(inflated(&changed, 60), None);
    }
}
