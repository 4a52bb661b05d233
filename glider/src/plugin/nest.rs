//! The values that are being printed, one inside the other: what hooks are told of each.
//!
//! There are very many values, so that buffers are used again, and what was found out before a
//! value is not looked up again after it.

use super::c_api::foreign;
use crate::dwarf::Die;
use crate::values::{Item, ItemName, Part};
use std::ffi::{c_char, c_void};

/// Types whose declaration is at hand: a power of two.
const TYPES_AT_HAND: usize = 256;

/// The value at hand and those around it.
pub(super) struct Nest {
    levels: Vec<Level>,
    types: Vec<Option<((usize, usize), Declared)>>,
}

/// A value at one depth, or the last one that was there.
#[derive(Default)]
struct Level {
    /// The complete name, with a NUL.
    name: Vec<u8>,
    told: Option<Told>,
}

/// The declared name of a type as C has it, and its size in bytes.
pub(super) type Declared = (*const c_char, u64);

/// What C hooks are told of a value.
#[derive(Clone, Copy)]
pub(super) struct Told {
    /// Up to a NUL in it; stays until the next value of the same depth.
    pub(super) name: *const c_char,
    pub(super) data_type: *const c_char,
    pub(super) address: *mut c_void,
    pub(super) size: u64,
}

impl Default for Nest {
    fn default() -> Self {
        Nest { levels: Vec::new(), types: vec![None; TYPES_AT_HAND] }
    }
}

impl Nest {
    /// A value is about to be printed.
    #[inline]
    pub(super) fn enter(&mut self, item: &Item<'_>) {
        if self.levels.len() <= item.depth {
            self.levels.resize_with(item.depth + 1, Level::default);
        }
        let Some(Level { name, told }) = self.levels.get_mut(item.depth) else { return };
        *told = None;
        name.clear();
        match (item.part, item.name) {
            (Part::Pointee, _) => return self.enter_pointee(item.depth),
            (_, ItemName::Text(text)) => {
                name.reserve(text.len() + 1);
                name.extend_from_slice(text.as_bytes());
            }
            (_, ItemName::Index(index)) => push_index(name, index),
        }
        name.push(0);
    }

    /// What a pointer points at goes by the pointer's name.
    fn enter_pointee(&mut self, depth: usize) {
        let (outer, rest) = self.levels.split_at_mut(depth);
        let (Some(Level { name, .. }), Some(pointer)) = (rest.first_mut(), outer.last()) else { return };
        name.push(b'*');
        name.extend(pointer.name.iter().take_while(|byte| **byte != 0));
        name.push(0);
    }

    /// The complete name of the value at this depth.
    pub(super) fn name(&self, depth: usize) -> String {
        let name = self.levels.get(depth).and_then(|level| level.name.split_last()).map(|(_, name)| name);
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }

    /// What C hooks are told of a value that was entered; `declare` tells how its type is declared.
    #[inline]
    pub(super) fn told(&mut self, item: &Item<'_>, declare: impl FnOnce(Die) -> Declared) -> Option<Told> {
        let level = self.levels.get_mut(item.depth)?;
        if let Some(told) = level.told {
            return Some(told);
        }
        let (data_type, size) = match item.type_die {
            Some(die) => declared(&mut self.types, die, declare),
            None => (c"<optimized out>".as_ptr(), 0),
        };
        let told = Told {
            name: level.name.as_ptr().cast(),
            data_type,
            address: item.place.address().map_or(std::ptr::null_mut(), foreign),
            size: item.size.unwrap_or(size),
        };
        level.told = Some(told);
        Some(told)
    }
}

#[inline]
fn declared(
    types: &mut [Option<((usize, usize), Declared)>],
    die: Die,
    declare: impl FnOnce(Die) -> Declared,
) -> Declared {
    let key = die.key();
    let slot = types.get_mut(key.1 % TYPES_AT_HAND);
    match &slot {
        Some(Some((known, declared))) if *known == key => *declared,
        _ => {
            let declared = declare(die);
            if let Some(slot) = slot {
                *slot = Some((key, declared));
            }
            declared
        }
    }
}

/// `[12]`.
fn push_index(name: &mut Vec<u8>, index: u64) {
    name.push(b'[');
    name.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
    name.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::report::VariableKind;
    use crate::values::Place;
    use std::ffi::CStr;

    #[test]
    fn names_are_completed_by_those_of_the_pointers_around_them() {
        let place = Place::Memory(Address(0x10));
        let mut nest = Nest::default();
        let mut enter = |part, name, depth| {
            let item = Item { part, name, type_die: None, place: &place, size: Some(4), depth };
            nest.enter(&item);
            let told = nest.told(&item, |_| unreachable!("it has no type")).unwrap();
            assert_eq!((told.address.addr(), told.size), (0x10, 4));
            // SAFETY: a name that was just kept ends with a NUL, and the type is a constant.
            let (as_c, data_type) = unsafe { (CStr::from_ptr(told.name), CStr::from_ptr(told.data_type)) };
            assert_eq!((as_c.to_str().unwrap(), data_type), (&*nest.name(depth), c"<optimized out>"));
            nest.name(depth)
        };
        let list = ItemName::Text("list");
        assert_eq!(enter(Part::Variable(VariableKind::Local), list, 0), "list");
        assert_eq!(enter(Part::Pointee, ItemName::Text("*"), 1), "*list");
        assert_eq!(enter(Part::Pointee, ItemName::Text("*"), 2), "**list");
        assert_eq!(enter(Part::Element, ItemName::Index(12), 1), "[12]");
        assert_eq!(enter(Part::Member, ItemName::Text(""), 4), "");
    }
}
