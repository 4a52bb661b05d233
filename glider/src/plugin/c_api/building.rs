//! Types that a module builds for itself.

use super::answer;
use super::described::{Described, Encoding, MemberInfo, c_string, kind};
use super::handles::{self, Handle, Sort};
use super::stacks::{ITER_CONT, ITER_ERR};
use super::text::borrowed;
use super::types::ArrayInfo;
use crate::plugin::host::Host;
use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

/// Types of all collections together.
const MAX_TYPES: usize = 1 << 20;
/// Bits of a pointer on x86-64.
const POINTER_BITS: u64 = 64;

/// A type and its collection; `None` when that was deleted.
type Slot = Option<(usize, Rc<Described>)>;

/// All collections and their types. Numbers are never used again, so that a handle of a
/// collection that was deleted stands for nothing.
#[derive(Default)]
pub(in crate::plugin) struct Built {
    /// Reference counts; 0 when deleted.
    collections: RefCell<Vec<u32>>,
    types: RefCell<Vec<Slot>>,
}

impl Built {
    /// What the handle of a built type stands for.
    pub(super) fn describe(&self, handle: Handle) -> Option<Rc<Described>> {
        let index = handles::index(handle, Sort::Built)?;
        self.types.borrow().get(index)?.as_ref().map(|(_, described)| described.clone())
    }

    fn collection(&self, handle: Handle) -> Option<usize> {
        let index = handles::index(handle, Sort::Collection)?;
        (*self.collections.borrow().get(index)? > 0).then_some(index)
    }

    /// The types of a collection, in the order they were made.
    fn types_of(&self, collection: usize) -> Vec<(Handle, Rc<Described>)> {
        let types = self.types.borrow();
        let own = |(index, slot): (usize, &Slot)| {
            let (owner, described) = slot.as_ref()?;
            (*owner == collection).then(|| (handles::handle(Sort::Built, index), described.clone()))
        };
        types.iter().enumerate().filter_map(own).collect()
    }

    /// Adds a type; one of that declared name and kind that is there already is given instead.
    fn add(&self, collection: usize, described: Described) -> Option<Handle> {
        let same = |(_, known): &(Handle, Rc<Described>)| {
            known.declared == described.declared && known.kind == described.kind
        };
        if let Some((known, _)) = self.types_of(collection).into_iter().find(same) {
            return Some(known);
        }
        let mut types = self.types.borrow_mut();
        if types.len() >= MAX_TYPES {
            return None;
        }
        types.push(Some((collection, Rc::new(described))));
        Some(handles::handle(Sort::Built, types.len() - 1))
    }

    /// Changes a built type of that kind.
    fn change(
        &self,
        handle: Handle,
        is_kind: impl Fn(c_int) -> bool,
        change: impl FnOnce(&mut Described),
    ) -> Option<c_int> {
        let index = handles::index(handle, Sort::Built)?;
        let mut types = self.types.borrow_mut();
        let (_, described) = types.get_mut(index)?.as_mut()?;
        if !is_kind(described.kind) {
            return None;
        }
        change(Rc::make_mut(described));
        Some(1)
    }

    fn count(&self, handle: Handle, by: i32) -> Option<()> {
        let index = self.collection(handle)?;
        let mut collections = self.collections.borrow_mut();
        let count = collections.get_mut(index)?;
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            let mut types = self.types.borrow_mut();
            types
                .iter_mut()
                .filter(|slot| slot.as_ref().is_some_and(|(owner, _)| *owner == index))
                .for_each(|slot| *slot = None);
        }
        Some(())
    }
}

/// `gimli_type_collection_new`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_collection_new() -> Handle {
    answer(null_mut(), |host| {
        let mut collections = host.built.collections.borrow_mut();
        if collections.len() >= MAX_TYPES {
            return None;
        }
        collections.push(1);
        Some(handles::handle(Sort::Collection, collections.len() - 1))
    })
}

/// `gimli_type_collection_addref`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_collection_addref(collection: Handle) {
    answer((), |host| host.built.count(collection, 1));
}

/// `gimli_type_collection_delete`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_collection_delete(collection: Handle) {
    answer((), |host| host.built.count(collection, -1));
}

/// The first type of a collection that `is_asked_for`.
fn find(collection: Handle, name: Option<&str>, is_asked_for: impl Fn(&Described, &str) -> bool) -> Handle {
    answer(null_mut(), |host| {
        let (collection, name) = (host.built.collection(collection)?, name?);
        let mut types = host.built.types_of(collection).into_iter();
        types.find(|(_, described)| is_asked_for(described, name)).map(|(handle, _)| handle)
    })
}

/// `gimli_type_collection_find_type`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_collection_find_type(collection: Handle, name: *const c_char) -> Handle {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    find(collection, name, |described, name| described.declared.as_bytes() == name.as_bytes())
}

/// `gimli_type_collection_find_function`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_collection_find_function(collection: Handle, name: *const c_char) -> Handle {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    find(collection, name, |described, name| {
        let own = described.name.as_ref().map(|own| own.as_bytes());
        described.kind == kind::FUNCTION && own == Some(name.as_bytes())
    })
}

/// `gimli_type_collection_visit`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_collection_visit(
    collection: Handle,
    visit: Option<unsafe extern "C" fn(Handle, *mut c_void) -> c_int>,
    argument: *mut c_void,
) -> c_int {
    let types = answer(None, |host| Some(Some(host.built.types_of(host.built.collection(collection)?))));
    let (Some(visit), Some(types)) = (visit, types) else { return ITER_ERR };
    for (handle, _) in types {
        // SAFETY: the module's own function with the arguments that the header promises.
        let status = unsafe { visit(handle, argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}

/// Makes a type and adds it to a collection.
fn add(collection: Handle, make: impl FnOnce(&Host<'_>) -> Option<Described>) -> Handle {
    answer(null_mut(), |host| {
        let collection = host.built.collection(collection)?;
        host.built.add(collection, make(host)?)
    })
}

/// A type with an encoding.
///
/// # Safety
/// `name` is NULL or a string, `encoding` NULL or a structure.
unsafe fn add_encoded(
    collection: Handle,
    name: *const c_char,
    encoding: *const Encoding,
    kind: c_int,
    keyword: &str,
) -> Handle {
    // SAFETY: promised by the caller.
    let (name, encoding) = unsafe { (borrowed(name), encoding.as_ref()) };
    add(collection, |_| {
        let (name, encoding) = (name?, *encoding?);
        let mut described = Described::new(Some(name), &format!("{keyword}{name}"), kind);
        described.bits = u64::from(encoding.offset) + u64::from(encoding.bits);
        described.encoding = Some(encoding);
        Some(described)
    })
}

/// `gimli_type_new_integer`
///
/// # Safety
/// `name` is NULL or a string, `encoding` NULL or a structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_integer(
    collection: Handle,
    name: *const c_char,
    encoding: *const Encoding,
) -> Handle {
    // SAFETY: promised by the caller.
    unsafe { add_encoded(collection, name, encoding, kind::INTEGER, "") }
}

/// `gimli_type_new_float`
///
/// # Safety
/// `name` is NULL or a string, `encoding` NULL or a structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_float(
    collection: Handle,
    name: *const c_char,
    encoding: *const Encoding,
) -> Handle {
    // SAFETY: promised by the caller.
    unsafe { add_encoded(collection, name, encoding, kind::FLOAT, "") }
}

/// `gimli_type_new_enum`
///
/// # Safety
/// `name` is NULL or a string, `encoding` NULL or a structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_enum(
    collection: Handle,
    name: *const c_char,
    encoding: *const Encoding,
) -> Handle {
    // SAFETY: promised by the caller.
    unsafe { add_encoded(collection, name, encoding, kind::ENUM, "enum ") }
}

/// A type made of another one; NULL stands for void. `spell` makes its name from the other's.
fn add_derived(
    collection: Handle,
    target: Handle,
    kind: c_int,
    own_bits: Option<u64>,
    spell: impl FnOnce(&str) -> (Option<String>, String),
) -> Handle {
    add(collection, |host| {
        let (name, bits) = match host.describe(target) {
            Some(described) => (described.declared.to_str().ok()?.to_owned(), described.bits),
            None if target.is_null() => ("void".to_owned(), 0),
            None => return None,
        };
        let (own, declared) = spell(&name);
        let mut described = Described::new(own.as_deref(), &declared, kind);
        (described.target, described.bits) = (target, own_bits.unwrap_or(bits));
        Some(described)
    })
}

fn add_qualified(collection: Handle, target: Handle, kind: c_int, word: &str) -> Handle {
    add_derived(collection, target, kind, None, |name| match name.ends_with('*') {
        true => (None, format!("{name} {word}")),
        false => (None, format!("{word} {name}")),
    })
}

/// `gimli_type_new_volatile`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_new_volatile(collection: Handle, target: Handle) -> Handle {
    add_qualified(collection, target, kind::VOLATILE, "volatile")
}

/// `gimli_type_new_const`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_new_const(collection: Handle, target: Handle) -> Handle {
    add_qualified(collection, target, kind::CONST, "const")
}

/// `gimli_type_new_restrict`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_new_restrict(collection: Handle, target: Handle) -> Handle {
    add_qualified(collection, target, kind::RESTRICT, "restrict")
}

/// `gimli_type_new_pointer`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_new_pointer(collection: Handle, target: Handle) -> Handle {
    add_derived(collection, target, kind::POINTER, Some(POINTER_BITS), |name| {
        let gap = if name.ends_with('*') { "" } else { " " };
        (None, format!("{name}{gap}*"))
    })
}

/// `gimli_type_new_typedef`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_typedef(
    collection: Handle,
    target: Handle,
    name: *const c_char,
) -> Handle {
    // SAFETY: promised by the caller.
    let Some(name) = (unsafe { borrowed(name) }) else { return null_mut() };
    add_derived(collection, target, kind::TYPEDEF, None, |_| (Some(name.to_owned()), name.to_owned()))
}

/// `gimli_type_new_array`
///
/// # Safety
/// `info` is NULL or a structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_array(collection: Handle, info: *const ArrayInfo) -> Handle {
    // SAFETY: promised by the caller.
    let Some(info) = (unsafe { info.as_ref() }) else { return null_mut() };
    add(collection, |host| {
        let contents = host.describe(info.contents)?;
        let declared = format!("{} [{}]", contents.declared.to_str().ok()?, info.count);
        let mut described = Described::new(None, &declared, kind::ARRAY);
        described.bits = contents.bits.checked_mul(u64::from(info.count))?;
        (described.target, described.count) = (info.contents, info.count);
        Some(described)
    })
}

/// `gimli_type_new_function`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_function(
    collection: Handle,
    name: *const c_char,
    flags: u32,
    result: Handle,
) -> Handle {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    let handle = add_derived(collection, result, kind::FUNCTION, Some(0), |result| {
        (name.map(str::to_owned), format!("{result} {}()", name.unwrap_or_default()))
    });
    answer((), |host| {
        host.built.change(handle, |kind| kind == kind::FUNCTION, |described| described.parameters.1 = flags);
        Some(())
    });
    handle
}

/// `gimli_type_function_add_parameter`
#[unsafe(no_mangle)]
extern "C" fn gimli_type_function_add_parameter(
    function: Handle,
    _: *const c_char,
    parameter: Handle,
) -> c_int {
    answer(0, |host| {
        host.describe(parameter)?;
        host.built.change(function, |kind| kind == kind::FUNCTION, |described| described.parameters.0 += 1)
    })
}

/// `gimli_type_new_struct`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_struct(collection: Handle, name: *const c_char) -> Handle {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    add(collection, |_| Some(Described::new(name, &format!("struct {}", name?), kind::STRUCT)))
}

/// `gimli_type_new_union`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_new_union(collection: Handle, name: *const c_char) -> Handle {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    add(collection, |_| Some(Described::new(name, &format!("union {}", name?), kind::UNION)))
}

/// `gimli_type_add_member`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_add_member(
    record: Handle,
    name: *const c_char,
    member_type: Handle,
    size: u64,
    offset: u64,
) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    answer(0, |host| {
        let bits = host.describe(member_type)?.bits;
        let size = if size == 0 { bits } else { size };
        let end = offset.checked_add(size)?;
        host.built.change(
            record,
            |kind| kind == kind::STRUCT || kind == kind::UNION,
            |described| {
                described.members.push((name.map(c_string), MemberInfo { member_type, offset, size }));
                described.bits = described.bits.max(end);
            },
        )
    })
}

/// `gimli_type_enum_add`
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_type_enum_add(enumeration: Handle, name: *const c_char, value: c_int) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { borrowed(name) };
    answer(0, |host| {
        let name = c_string(name?);
        host.built.change(
            enumeration,
            |kind| kind == kind::ENUM,
            |described| described.enumerators.push((name, value.into())),
        )
    })
}
