//! Strings across the border between C and Rust.

use std::ffi::{CStr, c_char, c_int};

/// A string of the plugin's; `None` for NULL and for what is not UTF-8.
///
/// # Safety
/// `string` is NULL or points at a NUL-terminated string that stays as it is during the call.
pub(super) unsafe fn borrowed<'s>(string: *const c_char) -> Option<&'s str> {
    if string.is_null() {
        return None;
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(string) }.to_str().ok()
}

/// Copies text into a buffer of `size` bytes, cut to fit with its NUL. Gives whether there was a
/// buffer at all.
///
/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
pub(super) unsafe fn copy_to(text: &str, buffer: *mut c_char, size: c_int) -> bool {
    let Some(room) = usize::try_from(size).ok().and_then(|size| size.checked_sub(1)) else { return false };
    if buffer.is_null() {
        return false;
    }
    let bytes = text.as_bytes();
    let bytes = bytes.get(..room).unwrap_or(bytes);
    // SAFETY: the buffer has room for `room` bytes and the NUL; `text` is Rust's and lies elsewhere.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), buffer, bytes.len());
        buffer.add(bytes.len()).write(0);
    }
    true
}

/// A copy made by malloc(3), for the plugin to free; NULL when memory is short.
pub(super) fn allocated(bytes: &[u8]) -> *mut c_char {
    // SAFETY: malloc(3) gives NULL or room for as many bytes as asked for, which are written.
    unsafe {
        let copy = libc::malloc(bytes.len() + 1).cast::<c_char>();
        if !copy.is_null() {
            std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy, bytes.len());
            copy.add(bytes.len()).write(0);
        }
        copy
    }
}

/// Writes through a pointer of the plugin's, unless it is NULL.
///
/// # Safety
/// `place` is NULL or can be written.
pub(super) unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: promised by the caller.
        unsafe { place.write(value) };
    }
}
