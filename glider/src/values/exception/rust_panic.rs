//! A Rust panic on its way: destructors run for it. The code that resumes it afterwards keeps the
//! address of its exception, as with C++ (`thrown`).

use super::rust_text::{owned, text, words};
use super::thrown::kept_words;
use super::{Exception, Process};
use crate::address::Address;
use crate::target::Arch;
use crate::unwind::Frame;
use crate::values::rust::dropped_type;

/// `exception_class` of std's panics, in the order of its bytes.
const CLASS: u64 = u64::from_le_bytes(*b"MOZ\0RUST");
/// How many threads are panicking: a static variable of std with this in its name, whose mangled form ends
/// differently from build to build.
const COUNT: &str = "panic_count18GLOBAL_PANIC_COUNT";
/// The bit of it that says that every panic is to abort.
const ALWAYS_ABORT: u64 = 1 << 63;

/// Whether a function is a destructor.
pub(crate) fn is_destructor(function: &str) -> bool {
    function.starts_with("core::ptr::drop_in_place") || function.ends_with("as core::ops::drop::Drop>::drop")
}

/// Where the process counts the threads that panic; `None` where that is not found.
pub(crate) fn count_place(process: &Process<'_>) -> Option<Address> {
    process.modules.iter().find_map(|module| {
        let object = module.object.as_ref().ok().filter(|_| process.modules.is_main(module))?;
        Some(module.bias.to_runtime(object.symbols().find_named_like(COUNT)?))
    })
}

/// The panic that a thread with these frames unwinds for, when `count` says that one does.
pub(crate) fn find(process: &Process<'_>, count: Address, frames: &[Frame]) -> Option<Exception> {
    let is_any = process.memory.read_u64(count)? & !ALWAYS_ABORT > 0;
    let words = if is_any { kept_words(process, Arch::X86_64, frames) } else { Vec::new() };
    let mut found = words.into_iter().filter_map(|word| read(process, word));
    // Of several it is not told which one it is.
    found.next().filter(|_| found.next().is_none())
}

/// `Exception { _Unwind_Exception, canary: *const u8, cause: Box<dyn Any + Send> }`, which is marked with
/// repr(C), at an address.
fn read(process: &Process<'_>, address: u64) -> Option<Exception> {
    let memory = process.memory;
    (memory.read_u64(Address(address))? == CLASS).then_some(())?;
    let [canary, data, table] =
        *words(memory, address.checked_add(32)?, address.checked_add(56)?).as_array()?;
    process.modules.find(Address(canary))?;
    process.modules.find(Address(table))?;
    let [drop, size, ..] = *words(memory, table, table.checked_add(24)?).as_array::<3>()?;
    let name = process.modules.name(Address(drop)).and_then(|name| name.symbol);
    let name = name.as_deref().and_then(dropped_type);
    let (type_name, what) = match (name, drop, size) {
        (Some("alloc::string::String"), _, 24) => ("alloc::string::String", owned(memory, data)),
        // Nothing is to be dropped.
        (None, 0, 16) => ("&str", text(memory, data)),
        (Some(other), ..) => (other, None),
        _ => ("a panic's payload", None),
    };
    Some(Exception { object: Address(data), type_name: type_name.to_owned(), what })
}
