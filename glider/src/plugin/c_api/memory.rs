//! Reading memory and global variables; writing is refused.

use super::handles::{Handle, MemoryCopy};
use super::text::{allocated, borrowed, put};
use super::{answer, process};
use crate::address::Address;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

/// `GIMLI_ERR_OK`, `_BAD_ADDR`, `_NO_PROC`, `_PERM`.
const OK: c_int = 0;
const BAD_ADDRESS: c_int = 1;
const NO_PROCESS: c_int = 2;
const NOT_PERMITTED: c_int = 4;
/// Bytes of one copy.
const MAX_COPY: usize = 1 << 30;

/// Copies memory of the process; gives how many bytes could be read.
///
/// # Safety
/// `into` is NULL or has room for `length` bytes.
pub(super) unsafe fn read(from: Address, into: *mut c_void, length: c_int) -> c_int {
    let Some(room) = usize::try_from(length).ok().filter(|length| *length > 0 && !into.is_null()) else {
        return 0;
    };
    answer(0, |host| {
        // SAFETY: promised by the caller. The bytes may not be initialized yet, so they are
        // zeroed before they become a slice.
        let buffer = unsafe {
            std::ptr::write_bytes(into.cast::<u8>(), 0, room);
            std::slice::from_raw_parts_mut(into.cast::<u8>(), room)
        };
        c_int::try_from(host.services.read(from, buffer)).ok()
    })
}

/// `get_string_symbol` of versions 1 and 2.
///
/// # Safety
/// Both arguments are NULL or strings.
pub(super) unsafe extern "C" fn string_symbol(object: *const c_char, name: *const c_char) -> *mut c_char {
    // SAFETY: promised by the caller.
    let (object, name) = unsafe { (borrowed(object), borrowed(name)) };
    answer(null_mut(), |host| {
        let address = host.services.global(object, name?, 1)?;
        Some(allocated(&host.services.read_string(address)?))
    })
}

/// `gimli_copy_from_symbol`, and `copy_from_symbol` of versions 1 and 2.
///
/// # Safety
/// Both names are NULL or strings; `into` has room for `size` bytes.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn gimli_copy_from_symbol(
    object: *const c_char,
    name: *const c_char,
    dereferences: c_int,
    into: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: promised by the caller.
    let (object, name) = unsafe { (borrowed(object), borrowed(name)) };
    let address =
        answer(None, |host| Some(host.services.global(object, name?, u32::try_from(dereferences).ok()?)));
    let (Some(address), Ok(size)) = (address, c_int::try_from(size)) else { return 0 };
    // SAFETY: promised by the caller.
    c_int::from(unsafe { read(address, into, size) } == size)
}

/// `gimli_read_mem`
///
/// # Safety
/// `into` is NULL or has room for `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_read_mem(process: Handle, from: u64, into: *mut c_void, length: c_int) -> c_int {
    if !process::is_process(process) {
        return 0;
    }
    // SAFETY: promised by the caller.
    unsafe { read(Address(from), into, length) }
}

/// `gimli_write_mem`: glider changes nothing in the process it looks at.
#[unsafe(no_mangle)]
extern "C" fn gimli_write_mem(_: Handle, _: u64, _: *const c_void, _: c_int) -> c_int {
    0
}

/// `gimli_read_pointer`
///
/// # Safety
/// `value` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_read_pointer(process: Handle, from: u64, value: *mut u64) -> c_int {
    answer(0, |host| {
        let word = host.services.process().memory.read_u64(Address(from));
        // SAFETY: promised by the caller.
        unsafe { put(value, word.filter(|_| process::is_process(process))?) };
        Some(1)
    })
}

/// `gimli_read_string`
#[unsafe(no_mangle)]
extern "C" fn gimli_read_string(process: Handle, from: u64) -> *mut c_char {
    answer(null_mut(), |host| {
        let string = host.services.read_string(Address(from)).filter(|_| process::is_process(process))?;
        Some(allocated(&string))
    })
}

/// `gimli_get_string_symbol`
///
/// # Safety
/// Both names are NULL or strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_get_string_symbol(
    process: Handle,
    object: *const c_char,
    name: *const c_char,
) -> *mut c_char {
    if !process::is_process(process) {
        return null_mut();
    }
    // SAFETY: promised by the caller.
    unsafe { string_symbol(object, name) }
}

/// `gimli_proc_mem_ref`
///
/// # Safety
/// `copy` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_proc_mem_ref(process: Handle, from: u64, size: usize, copy: *mut Handle) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { put(copy, null_mut()) };
    if !process::is_process(process) {
        return NO_PROCESS;
    }
    answer(BAD_ADDRESS, |host| {
        let mut bytes = vec![0; size.min(MAX_COPY)];
        let read = host.services.read(Address(from), &mut bytes);
        bytes.truncate(read);
        if bytes.is_empty() {
            return None;
        }
        let handle = host.handles.add_copy(MemoryCopy { address: from, bytes: bytes.into() })?;
        // SAFETY: promised by the caller.
        unsafe { put(copy, handle) };
        Some(OK)
    })
}

/// `gimli_proc_mem_commit`: refused, as all writing.
#[unsafe(no_mangle)]
extern "C" fn gimli_proc_mem_commit(_: Handle) -> c_int {
    NOT_PERMITTED
}

/// `gimli_mem_ref_target`
#[unsafe(no_mangle)]
extern "C" fn gimli_mem_ref_target(copy: Handle) -> u64 {
    answer(0, |host| Some(host.handles.copy(copy)?.address))
}

/// `gimli_mem_ref_local`: the module may write to its copy.
#[unsafe(no_mangle)]
extern "C" fn gimli_mem_ref_local(copy: Handle) -> *mut c_void {
    answer(null_mut(), |host| Some(host.handles.copy(copy)?.bytes.as_ptr().cast_mut().cast()))
}

/// `gimli_mem_ref_size`
#[unsafe(no_mangle)]
extern "C" fn gimli_mem_ref_size(copy: Handle) -> usize {
    answer(0, |host| Some(host.handles.copy(copy)?.bytes.len()))
}

/// `gimli_mem_ref_addref`
#[unsafe(no_mangle)]
extern "C" fn gimli_mem_ref_addref(copy: Handle) {
    answer((), |host| host.handles.count_copy(copy, 1));
}

/// `gimli_mem_ref_delete`
#[unsafe(no_mangle)]
extern "C" fn gimli_mem_ref_delete(copy: Handle) {
    answer((), |host| host.handles.count_copy(copy, -1));
}
