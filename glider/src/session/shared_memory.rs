//! Memory that this process and those forked from it later see alike.

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use std::num::NonZeroUsize;

/// Puts `value`, which is to consist of atomics, where every process forked from this one from now
/// on sees what the others store in it. It stays there as long as any of them lives.
///
/// # Errors
/// When there is no memory.
pub fn share<T: Sync + 'static>(value: T) -> nix::Result<&'static T> {
    const { assert!(align_of::<T>() <= 4096) };
    let length = NonZeroUsize::new(size_of::<T>()).unwrap_or(NonZeroUsize::MIN);
    let (protection, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
    let place = unsafe { mmap_anonymous(None, length, protection, flags) }?.cast::<T>();
    // SAFETY: the mapping is large enough, begins at a page, nobody else knows it yet, and it is
    // never unmapped. What other processes change later they change as `T` allows it to threads.
    unsafe {
        place.write(value);
        Ok(place.as_ref())
    }
}
