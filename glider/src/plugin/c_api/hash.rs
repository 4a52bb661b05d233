//! Hash tables for modules: items by string, by number or by address.

use super::answer;
use super::handles::{self, Handle, Sort};
use super::stacks::{ITER_CONT, ITER_ERR};
use super::text::put;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::rc::Rc;

/// Tables of all modules together.
const MAX_TABLES: usize = 1 << 20;
/// Items for which room is made beforehand, however many are announced.
const MAX_ROOM: usize = 1 << 16;
/// `GIMLI_HASH_PTR_KEYS`.
const ADDRESS_KEYS: u32 = 2;
/// `GIMLI_HASH_U64_KEYS`.
const NUMBER_KEYS: u32 = 4;

/// `gimli_hash_free_func_t`.
type Free = unsafe extern "C" fn(*mut c_void);
/// `gimli_hash_iter_func_t`.
type Visit = unsafe extern "C" fn(*const c_char, c_int, *mut c_void, *mut c_void) -> c_int;

/// A key. Strings are always copied: whether the module keeps its own makes no difference then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Text(CString),
    Number(u64),
    Address(usize),
}

/// One table.
struct Table {
    free: Option<Free>,
    flags: u32,
    items: RefCell<HashMap<Key, *mut c_void>>,
}

/// All tables; `None` for those that were destroyed.
#[derive(Default)]
pub(in crate::plugin) struct Tables(RefCell<Vec<Option<Rc<Table>>>>);

impl Table {
    /// Whether keys of this sort are the table's.
    fn takes(&self, key: &Key) -> bool {
        match key {
            Key::Text(_) => self.flags & (ADDRESS_KEYS | NUMBER_KEYS) == 0,
            Key::Number(_) => self.flags & NUMBER_KEYS != 0,
            Key::Address(_) => self.flags & ADDRESS_KEYS != 0,
        }
    }

    fn free(&self, item: *mut c_void) {
        if let Some(free) = self.free {
            // SAFETY: the module's own function for the items that it put in.
            unsafe { free(item) };
        }
    }

    fn clear(&self) {
        // Taken out first: freeing an item may come back to this table.
        let items = std::mem::take(&mut *self.items.borrow_mut());
        items.into_values().for_each(|item| self.free(item));
    }
}

/// The table that a handle stands for.
fn table(handle: Handle) -> Option<Rc<Table>> {
    answer(None, |host| {
        let index = handles::index(handle, Sort::Hash)?;
        Some(host.tables.0.borrow().get(index)?.clone())
    })
}

/// `gimli_hash_new_size`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_new_size(free: Option<Free>, flags: u32, size: usize) -> Handle {
    answer(null_mut(), |host| {
        let mut tables = host.tables.0.borrow_mut();
        if tables.len() >= MAX_TABLES {
            return None;
        }
        let items = RefCell::new(HashMap::with_capacity(size.min(MAX_ROOM)));
        tables.push(Some(Rc::new(Table { free, flags, items })));
        Some(handles::handle(Sort::Hash, tables.len() - 1))
    })
}

/// `gimli_hash_new`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_new(free: Option<Free>) -> Handle {
    gimli_hash_new_size(free, 0, 0)
}

/// `gimli_hash_size`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_size(handle: Handle) -> c_int {
    let count = table(handle).map_or(0, |table| table.items.borrow().len());
    c_int::try_from(count).unwrap_or(c_int::MAX)
}

/// `gimli_hash_destroy`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_destroy(handle: Handle) {
    let taken = answer(None, |host| {
        let index = handles::index(handle, Sort::Hash)?;
        Some(host.tables.0.borrow_mut().get_mut(index)?.take())
    });
    if let Some(table) = taken {
        table.clear();
    }
}

/// `gimli_hash_delete_all`: the memory is given back in any case.
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_delete_all(handle: Handle, _: c_int) {
    if let Some(table) = table(handle) {
        table.clear();
    }
}

/// `gimli_hash_iter`
///
/// # Safety
/// `visit` is a function of that type.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_iter(handle: Handle, visit: Option<Visit>, argument: *mut c_void) -> c_int {
    let (Some(visit), Some(table)) = (visit, table(handle)) else { return ITER_ERR };
    let keys: Vec<Key> = table.items.borrow().keys().cloned().collect();
    for key in keys {
        let item = table.items.borrow().get(&key).copied();
        let Some(item) = item else { continue };
        let (place, length) = match &key {
            Key::Text(text) => (text.as_ptr(), text.as_bytes().len()),
            Key::Number(number) => (std::ptr::from_ref(number).cast(), size_of::<u64>()),
            Key::Address(address) => (std::ptr::from_ref(address).cast(), size_of::<usize>()),
        };
        let length = c_int::try_from(length).unwrap_or(c_int::MAX);
        // SAFETY: the module's own function with the arguments that the header promises; the key
        // is a copy that outlives the call.
        let status = unsafe { visit(place, length, item, argument) };
        if status != ITER_CONT {
            return status;
        }
    }
    ITER_CONT
}

/// 1 when the key was not there and is now.
fn insert(handle: Handle, key: Option<Key>, item: *mut c_void) -> c_int {
    let (Some(table), Some(key)) = (table(handle), key) else { return 0 };
    let mut items = table.items.borrow_mut();
    if !table.takes(&key) || items.contains_key(&key) {
        return 0;
    }
    items.insert(key, item);
    1
}

/// 1 when the key is there; its item is put at `item`.
///
/// # Safety
/// `item` is NULL or can be written.
unsafe fn find(handle: Handle, key: Option<Key>, item: *mut *mut c_void) -> c_int {
    let (Some(table), Some(key)) = (table(handle), key) else { return 0 };
    let Some(found) = table.items.borrow().get(&key).copied() else { return 0 };
    // SAFETY: promised by the caller.
    unsafe { put(item, found) };
    1
}

/// 1 when the key was there; its item is freed.
fn delete(handle: Handle, key: Option<Key>) -> c_int {
    let (Some(table), Some(key)) = (table(handle), key) else { return 0 };
    let item = table.items.borrow_mut().remove(&key);
    item.inspect(|item| table.free(*item)).is_some().into()
}

/// # Safety
/// `key` is NULL or a string.
unsafe fn text(key: *const c_char) -> Option<Key> {
    // SAFETY: promised by the caller.
    (!key.is_null()).then(|| Key::Text(unsafe { CStr::from_ptr(key) }.to_owned()))
}

/// `gimli_hash_insert`
///
/// # Safety
/// `key` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_insert(handle: Handle, key: *const c_char, item: *mut c_void) -> c_int {
    // SAFETY: promised by the caller.
    insert(handle, unsafe { text(key) }, item)
}

/// `gimli_hash_find`
///
/// # Safety
/// `key` is NULL or a string, `item` NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_find(handle: Handle, key: *const c_char, item: *mut *mut c_void) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { find(handle, text(key), item) }
}

/// `gimli_hash_delete`
///
/// # Safety
/// `key` is NULL or a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_delete(handle: Handle, key: *const c_char) -> c_int {
    // SAFETY: promised by the caller.
    delete(handle, unsafe { text(key) })
}

/// `gimli_hash_insert_u64`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_insert_u64(handle: Handle, key: u64, item: *mut c_void) -> c_int {
    insert(handle, Some(Key::Number(key)), item)
}

/// `gimli_hash_find_u64`
///
/// # Safety
/// `item` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_find_u64(handle: Handle, key: u64, item: *mut *mut c_void) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { find(handle, Some(Key::Number(key)), item) }
}

/// `gimli_hash_delete_u64`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_delete_u64(handle: Handle, key: u64) -> c_int {
    delete(handle, Some(Key::Number(key)))
}

/// `gimli_hash_insert_ptr`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_insert_ptr(handle: Handle, key: *mut c_void, item: *mut c_void) -> c_int {
    insert(handle, Some(Key::Address(key.addr())), item)
}

/// `gimli_hash_find_ptr`
///
/// # Safety
/// `item` is NULL or can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_hash_find_ptr(handle: Handle, key: *mut c_void, item: *mut *mut c_void) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { find(handle, Some(Key::Address(key.addr())), item) }
}

/// `gimli_hash_delete_ptr`
#[unsafe(no_mangle)]
extern "C" fn gimli_hash_delete_ptr(handle: Handle, key: *mut c_void) -> c_int {
    delete(handle, Some(Key::Address(key.addr())))
}
