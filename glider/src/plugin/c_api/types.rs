//! Questions about types.

use super::answer;
use super::described::{Described, Encoding, MemberInfo, kind};
use super::handles::Handle;
use super::process::is_process;
use super::stacks::{ITER_CONT, ITER_ERR};
use super::text::{borrowed, put};
use crate::address::Address;
use crate::plugin::host::Host;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// Typedefs and qualifiers that are followed: a module may build a circle of them.
const MAX_ALIASES: usize = 64;
/// Structures inside each other that a walk goes into, and all it visits.
const MAX_DEPTH: c_int = 64;
const MAX_VISITED: usize = 1 << 20;

/// `struct gimli_type_arinfo`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ArrayInfo {
    pub(super) contents: Handle,
    pub(super) count: u32,
}

/// `struct gimli_type_funcinfo`.
#[repr(C)]
pub(super) struct FunctionInfo {
    result: Handle,
    parameters: u32,
    flags: u32,
}

impl Host<'_> {
    /// What a handle of a type stands for.
    pub(super) fn describe(&self, handle: Handle) -> Option<Rc<Described>> {
        if let Some(built) = self.built.describe(handle) {
            return Some(built);
        }
        let die = self.handles.die(handle)?;
        let types = self.services.process().types;
        Some(
            self.handles.described(die.key(), || {
                Described::of(die, self.services.size_of(die), types, &self.handles)
            }),
        )
    }
}

/// What `ask` finds in the description of a type.
fn ask<R>(handle: Handle, otherwise: R, ask: impl FnOnce(&Described) -> Option<R>) -> R {
    answer(otherwise, |host| ask(&*host.describe(handle)?))
}

/// `gimli_find_type_by_name`
///
/// # Safety
/// Both names are NULL or strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_find_type_by_name(
    process: Handle,
    object: *const c_char,
    name: *const c_char,
) -> Handle {
    // SAFETY: promised by the caller.
    let (object, name) = unsafe { (borrowed(object), borrowed(name)) };
    answer(null_mut(), |host| {
        let found = host.services.find_type(object, name.filter(|_| is_process(process))?)?;
        Some(host.handles.add_type(found))
    })
}

/// `gimli_find_type_by_addr`
#[unsafe(no_mangle)]
extern "C" fn gimli_find_type_by_addr(process: Handle, address: u64) -> Handle {
    answer(null_mut(), |host| {
        let found = host.services.type_at(Address(address)).filter(|_| is_process(process))?;
        Some(host.handles.add_type(found))
    })
}

/// `gimli_type_name`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_name(handle: Handle) -> *const c_char {
    ask_string(handle, |described| described.name.as_deref())
}

/// `gimli_type_declname`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_declname(handle: Handle) -> *const c_char {
    ask_string(handle, |described| Some(&described.declared))
}

/// A string that stays until the end of the trace.
fn ask_string(handle: Handle, ask: impl FnOnce(&Described) -> Option<&CStr>) -> *const c_char {
    answer(null(), |host| Some(host.handles.string(ask(&*host.describe(handle)?)?.to_str().ok()?)))
}

/// `gimli_type_size`: bits.
#[unsafe(no_mangle)]
extern "C" fn gimli_type_size(handle: Handle) -> usize {
    ask(handle, 0, |described| usize::try_from(described.bits).ok())
}

/// `gimli_type_kind`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_kind(handle: Handle) -> c_int {
    ask(handle, 0, |described| Some(described.kind))
}

/// `gimli_type_encoding`
///
/// # Safety
/// `encoding` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_encoding(handle: Handle, encoding: *mut Encoding) -> c_int {
    ask(handle, 0, |described| {
        // SAFETY: promised by the caller.
        unsafe { put(encoding, described.encoding?) };
        Some(1)
    })
}

/// `gimli_type_resolve`
#[unsafe(no_mangle)]
pub(super) extern "C" fn gimli_type_resolve(handle: Handle) -> Handle {
    answer(null_mut(), |host| {
        let mut handle = handle;
        for _ in 0..MAX_ALIASES {
            let described = host.describe(handle)?;
            match described.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT => handle = described.target,
                _ => return Some(handle),
            }
        }
        None
    })
}

/// `gimli_type_follow_pointer`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_follow_pointer(handle: Handle) -> Handle {
    ask(handle, null_mut(), |described| (described.kind == kind::POINTER).then_some(described.target))
}

/// `gimli_type_membinfo`
///
/// # Safety
/// `name` is NULL or a string; `info` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_membinfo(
    handle: Handle,
    name: *const c_char,
    info: *mut MemberInfo,
) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    ask(handle, 0, |described| {
        let name = name?;
        let is_asked_for = |known: &Option<std::ffi::CString>| {
            known.as_ref().is_some_and(|known| known.as_bytes() == name.as_bytes())
        };
        let (_, found) = described.members.iter().find(|(known, _)| is_asked_for(known))?;
        // SAFETY: promised by the caller.
        unsafe { put(info, *found) };
        Some(1)
    })
}

/// `gimli_type_member_visit`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_member_visit(
    handle: Handle,
    visit: Option<unsafe extern "C" fn(*const c_char, *mut MemberInfo, *mut c_void) -> c_int>,
    argument: *mut c_void,
) -> c_int {
    let described = answer(None, |host| Some(host.describe(handle)));
    let (Some(visit), Some(described)) = (visit, described) else { return ITER_ERR };
    for (name, info) in &described.members {
        let mut info = *info;
        let name = name.as_ref().map_or(null(), |name| name.as_ptr());
        // SAFETY: the module's own function with the arguments that the header promises.
        let status = unsafe { visit(name, &raw mut info, argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}

/// `gimli_type_enum_resolve`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_enum_resolve(handle: Handle, value: c_int) -> *const c_char {
    ask_string(handle, |described| {
        let has_value =
            |known: i128| known == i128::from(value) || known == i128::from(value.cast_unsigned());
        described.enumerators.iter().find(|(_, known)| has_value(*known)).map(|(name, _)| name.as_c_str())
    })
}

/// `gimli_type_arinfo`
///
/// # Safety
/// `info` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_arinfo(handle: Handle, info: *mut ArrayInfo) -> c_int {
    ask(handle, 0, |described| {
        if described.kind != kind::ARRAY {
            return None;
        }
        // SAFETY: promised by the caller.
        unsafe { put(info, ArrayInfo { contents: described.target, count: described.count }) };
        Some(1)
    })
}

/// `gimli_type_funcinfo`
///
/// # Safety
/// `info` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_funcinfo(handle: Handle, info: *mut FunctionInfo) -> c_int {
    ask(handle, 0, |described| {
        if described.kind != kind::FUNCTION {
            return None;
        }
        let (parameters, flags) = described.parameters;
        // SAFETY: promised by the caller.
        unsafe { put(info, FunctionInfo { result: described.target, parameters, flags }) };
        Some(1)
    })
}

/// `gimli_type_visit_f`.
type Visit = unsafe extern "C" fn(*const c_char, Handle, u64, c_int, *mut c_void) -> c_int;

/// A walk through a type.
struct Walk {
    visit: Visit,
    argument: *mut c_void,
    visited: usize,
}

impl Walk {
    fn go(&mut self, name: Option<&CStr>, handle: Handle, offset: u64, depth: c_int) -> c_int {
        self.visited += 1;
        let described = answer(None, |host| Some(host.describe(gimli_type_resolve(handle))));
        if depth > MAX_DEPTH || self.visited > MAX_VISITED {
            return ITER_ERR;
        }
        // SAFETY: the module's own function with the arguments that the header promises.
        let status =
            unsafe { (self.visit)(name.map_or(null(), CStr::as_ptr), handle, offset, depth, self.argument) };
        if status != ITER_CONT {
            return status;
        }
        for (name, member) in described.iter().flat_map(|described| &described.members) {
            let offset = offset.saturating_add(member.offset);
            let status = self.go(name.as_deref(), member.member_type, offset, depth + 1);
            if status != ITER_CONT {
                return status;
            }
        }
        ITER_CONT
    }
}

/// `gimli_type_visit`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_visit(handle: Handle, visit: Option<Visit>, argument: *mut c_void) -> c_int {
    let is_known = ask(handle, false, |_| Some(true));
    match visit.filter(|_| is_known) {
        Some(visit) => Walk { visit, argument, visited: 0 }.go(None, handle, 0, 0),
        None => ITER_ERR,
    }
}
