//! Symbols, names of addresses, source lines.

use super::handles::Handle;
use super::text::{self, borrowed, put};
use super::{answer, process};
use crate::address::Address;
use std::ffi::{c_char, c_int};
use std::ptr::null;

/// `struct gimli_symbol`.
#[repr(C)]
pub(super) struct GimliSymbol {
    name: *const c_char,
    raw_name: *const c_char,
    address: u64,
    size: u32,
}

/// `sym_lookup` of versions 1 and 2.
///
/// # Safety
/// Both arguments are NULL or strings.
pub(super) unsafe extern "C" fn sym_lookup(object: *const c_char, name: *const c_char) -> *const GimliSymbol {
    // SAFETY: promised by the caller.
    let (object, name) = unsafe { (borrowed(object), borrowed(name)) };
    answer(null(), |host| {
        let symbol = host.services.find_symbol(object, name?)?;
        Some(host.handles.symbol(&symbol, |symbol| GimliSymbol {
            name: host.handles.string(&symbol.name),
            raw_name: host.handles.string(&symbol.raw_name),
            address: symbol.address.0,
            size: u32::try_from(symbol.size).unwrap_or(u32::MAX),
        }))
    })
}

/// `gimli_sym_lookup`
///
/// # Safety
/// Both names are NULL or strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_sym_lookup(
    process: Handle,
    object: *const c_char,
    name: *const c_char,
) -> *const GimliSymbol {
    if !process::is_process(process) {
        return null();
    }
    // SAFETY: promised by the caller.
    unsafe { sym_lookup(object, name) }
}

/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
unsafe fn name_of(process: Handle, address: u64, buffer: *mut c_char, size: c_int) -> *const c_char {
    let name = answer(String::new(), |host| {
        if !process::is_process(process) {
            return None;
        }
        host.services.name_of(Address(address))
    });
    // SAFETY: promised by the caller.
    unsafe { text::copy_to(&name, buffer, size) };
    buffer
}

/// `gimli_data_sym_name`
///
/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_data_sym_name(
    process: Handle,
    address: u64,
    buffer: *mut c_char,
    size: c_int,
) -> *const c_char {
    // SAFETY: promised by the caller.
    unsafe { name_of(process, address, buffer, size) }
}

/// `gimli_pc_sym_name`
///
/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_pc_sym_name(
    process: Handle,
    pc: u64,
    buffer: *mut c_char,
    size: c_int,
) -> *const c_char {
    // SAFETY: promised by the caller.
    unsafe { name_of(process, pc, buffer, size) }
}

/// `gimli_determine_source_line_number`
///
/// # Safety
/// `buffer` is NULL or has room for `size` bytes; `line` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_determine_source_line_number(
    process: Handle,
    pc: u64,
    buffer: *mut c_char,
    size: c_int,
    line: *mut u64,
) -> c_int {
    answer(0, |host| {
        let source = host.source_of(Address(pc)).filter(|_| process::is_process(process))?;
        // SAFETY: promised by the caller.
        unsafe {
            text::copy_to(&source.file?, buffer, size);
            put(line, u64::from(source.line?));
        }
        Some(1)
    })
}
