//! The values that are being printed, one inside the other: what hooks are told of each.
//!
//! There are very many values, so that buffers are used again, and what was found out before a
//! value is not looked up again after it.

use super::c_api::foreign;
use crate::dwarf::Die;
use crate::values::{Item, ItemName, Part};
use std::ffi::{c_char, c_void};

/// Types whose declaration is at hand: a power of two.
const TYPES_AT_HAND: usize = 1024;

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
    told: Told,
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

impl Default for Told {
    fn default() -> Self {
        Told { name: c"".as_ptr(), data_type: c"".as_ptr(), address: std::ptr::null_mut(), size: 0 }
    }
}

impl Default for Nest {
    fn default() -> Self {
        Nest { levels: Vec::new(), types: vec![None; TYPES_AT_HAND] }
    }
}

impl Nest {
    /// A value is about to be printed. Gives what C hooks are told of it; `declare` tells how its
    /// type is declared.
    #[inline]
    pub(super) fn enter(&mut self, item: &Item<'_>, declare: impl FnOnce(Die) -> Declared) -> Option<Told> {
        if self.levels.len() <= item.depth {
            self.deepen(item.depth);
        }
        let (outer, rest) = self.levels.split_at_mut_checked(item.depth)?;
        let level = rest.first_mut()?;
        match (item.part, item.name) {
            (Part::Pointee, _) => name_pointee(&mut level.name, outer),
            (_, ItemName::Text(text)) => name_text(&mut level.name, text),
            (_, ItemName::Index(index)) => name_index(&mut level.name, index),
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
        level.told = told;
        Some(told)
    }

    #[cold]
    fn deepen(&mut self, depth: usize) {
        self.levels.resize_with(depth + 1, Level::default);
    }

    /// What C hooks were told of the value that was entered at this depth.
    #[inline]
    pub(super) fn told(&self, depth: usize) -> Option<Told> {
        self.levels.get(depth).map(|level| level.told)
    }

    /// The complete name of the value at this depth.
    pub(super) fn name(&self, depth: usize) -> String {
        let name = self.levels.get(depth).and_then(|level| level.name.split_last()).map(|(_, name)| name);
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }
}

#[inline]
fn declared(
    types: &mut [Option<((usize, usize), Declared)>],
    die: Die,
    declare: impl FnOnce(Die) -> Declared,
) -> Declared {
    let key = die.key();
    // Fibonacci hashing: offsets of types that are used together often end alike.
    let mixed = (key.1 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let slot = types.get_mut(mixed as usize % TYPES_AT_HAND);
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

#[inline]
fn name_text(name: &mut Vec<u8>, text: &str) {
    name.clear();
    name.reserve(text.len() + 1);
    name.extend_from_slice(text.as_bytes());
    name.push(0);
}

/// What a pointer points at goes by the pointer's name.
fn name_pointee(name: &mut Vec<u8>, outer: &[Level]) {
    let pointer = outer.last().map_or(&[][..], |level| level.name.as_slice());
    name.clear();
    name.push(b'*');
    name.extend(pointer.iter().take_while(|byte| **byte != 0));
    name.push(0);
}

/// `[12]`.
#[inline]
fn name_index(name: &mut Vec<u8>, index: u64) {
    name.clear();
    match index {
        // Most are.
        0..10 => name.extend_from_slice(&[b'[', b'0' + index as u8, b']', 0]),
        _ => name_long_index(name, index),
    }
}

fn name_long_index(name: &mut Vec<u8>, index: u64) {
    name.push(b'[');
    name.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
    name.extend_from_slice(b"]\0");
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
            let told = nest.enter(&item, |_| unreachable!("it has no type")).unwrap();
            let kept = nest.told(depth).unwrap();
            assert_eq!((kept.name, kept.address, kept.size), (told.name, told.address, told.size));
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
        assert_eq!(enter(Part::Element, ItemName::Index(9), 1), "[9]");
        assert_eq!(enter(Part::Member, ItemName::Text(""), 4), "");
    }
}
