//! Printing memory as a variable.

use super::built_value::BuiltPrinter;
use super::handles::Handle;
use super::text::borrowed;
use super::{answer, process};
use crate::address::Address;
use std::ffi::{c_char, c_int};

/// `gimli_print_addr_as_type`: through C's standard output, so that it stands between what the
/// module prints before and after it.
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_print_addr_as_type(
    process: Handle,
    frame: Handle,
    name: *const c_char,
    type_handle: Handle,
    address: u64,
) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) }.unwrap_or_default();
    answer(0, |host| {
        if !process::is_process(process) {
            return None;
        }
        let described = host.describe(type_handle)?;
        let type_name = described.declared.to_string_lossy().into();
        let frame = host.handles.frame(frame);
        let place = frame.as_ref().map(|(stack, frame)| (&**stack, *frame));
        let address = Address(address);
        let text = host.services.format(place, name, type_name, address, |printer, scope| {
            BuiltPrinter::new(host, scope).value(printer, type_handle, address, 0)
        })?;
        // SAFETY: the text is Rust's own; puts of this length to C's standard output, which is
        // the stream that the module prints to.
        let written =
            unsafe { libc::fwrite(text.as_ptr().cast(), 1, text.len(), super::super::printed::stream()) };
        (written == text.len()).then_some(1)
    })
}
