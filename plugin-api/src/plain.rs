//! Types that can be copied out of the traced process as they are: any bytes make a valid value.

use crate::address::{Address, Size};

/// A type of which every pattern of bytes is a value, so that memory of another process may
/// be read as one.
///
/// Implemented for integers, floating point numbers, [`Address`] (a pointer of the target) and
/// arrays of these; [`plain_struct!`](crate::plain_struct) makes structures that are. `bool`,
/// `char`, references and Rust enums are not: the target may hold anything.
///
/// # Safety
/// An implementor has no invalid bit patterns and no pointers, and its layout is that of C.
pub unsafe trait Plain: Copy + 'static {
    /// A value whose bytes are all 0.
    fn zeroed() -> Self {
        // SAFETY: the trait's contract: any bytes are a value.
        unsafe { std::mem::zeroed() }
    }

    /// The value's bytes, to be written over.
    #[doc(hidden)]
    fn with_bytes<R>(&mut self, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let (start, length) = (std::ptr::from_mut(self).cast::<u8>(), size_of::<Self>());
        // SAFETY: start and length are those of a value borrowed for as long as the slice lives.
        // Padding is given a value first, and any bytes written leave a valid value behind.
        let bytes = unsafe {
            start.write_bytes(0, length);
            std::slice::from_raw_parts_mut(start, length)
        };
        fill(bytes)
    }
}

macro_rules! plain {
    ($($name:ty),*) => {$(
        // SAFETY: a number of fixed size without invalid values.
        unsafe impl Plain for $name {}
    )*};
}
plain!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, usize, isize, f32, f64);

// SAFETY: transparent around a number.
unsafe impl Plain for Address {}
// SAFETY: transparent around a number.
unsafe impl Plain for Size {}
// SAFETY: elements without padding between them, each valid whatever its bytes.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Declares structures laid out as in C that can be read from the traced process.
///
/// Every field must be [`Plain`]: use `u8` for a `bool`, [`Address`](crate::Address) for a
/// pointer, an integer for an enumeration.
///
/// ```
/// gimli_plugin_api::plain_struct! {
///     /// `struct log_ring` of the server.
///     pub struct LogRing {
///         pub next: u32,
///         pub written: u64,
///         pub first: gimli_plugin_api::Address,
///     }
/// }
/// assert_eq!(size_of::<LogRing>(), 24);
/// ```
#[macro_export]
macro_rules! plain_struct {
    ($($(#[$attribute:meta])* $visibility:vis struct $name:ident {
        $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident: $type:ty),* $(,)?
    })+) => {$(
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $type,)*
        }
        const _: () = {
            const fn plain<T: $crate::Plain>() {}
            $(plain::<$type>();)*
        };
        // SAFETY: laid out as in C, and every field was just checked to be plain.
        unsafe impl $crate::Plain for $name {}
    )+};
}
