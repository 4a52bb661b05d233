//! The values that are being printed, one inside the other: what hooks are told of each.
//!
//! There are very many values, so that buffers are used again, and what was found out before a
//! value is not looked up again after it.

use super::c_api::foreign;
use crate::dwarf::Die;
use crate::values::{Item, ItemName, Part};
use std::ffi::{CStr, c_char, c_void};

/// Types whose declaration is at hand: a power of two.
const TYPES_AT_HAND: usize = 1024;

/// Bytes there is room for in most names, their NUL included.
const USUAL_NAME: usize = 64;

/// The names of the first elements of arrays.
const INDICES: [&CStr; 16] = [
    c"[0]", c"[1]", c"[2]", c"[3]", c"[4]", c"[5]", c"[6]", c"[7]", c"[8]", c"[9]", c"[10]", c"[11]",
    c"[12]", c"[13]", c"[14]", c"[15]",
];

/// The value at hand and those around it.
pub(super) struct Nest {
    levels: Vec<Level>,
    types: Vec<Option<((usize, usize), Declared)>>,
}

/// A value at one depth, or the last one that was there.
struct Level {
    /// Room for a name and its NUL.
    name: Vec<u8>,
    told: Told,
}

/// The declared name of a type as C has it, and its size in bytes.
pub(super) type Declared = (*const c_char, u64);

/// What C hooks are told of a value.
pub(super) struct Told {
    /// The complete name; stays until the next value of the same depth.
    pub(super) name: *const c_char,
    pub(super) data_type: *const c_char,
    pub(super) address: *mut c_void,
    pub(super) size: u64,
}

impl Told {
    /// The complete name.
    pub(super) fn name(&self) -> &CStr {
        // SAFETY: it is a string of this program, or lies in its level's room, with a NUL; the room is written to, or
        // given back, only while nobody has borrowed what was told.
        unsafe { CStr::from_ptr(self.name) }
    }
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
    #[inline(always)]
    pub(super) fn enter(&mut self, item: &Item<'_>, declare: impl FnOnce(Die) -> Declared) -> Option<&Told> {
        if self.levels.len() <= item.depth {
            self.deepen(item.depth);
        }
        let (data_type, size) = match item.type_die {
            Some(die) => declared(&mut self.types, die, declare),
            None => (c"<optimized out>".as_ptr(), 0),
        };
        let name = match (item.part, item.name) {
            (Part::Pointee, _) => self.name_pointee(item.depth)?,
            (_, ItemName::Text(text)) => self.levels.get_mut(item.depth)?.name_text(text),
            (_, ItemName::Index(index)) => match INDICES.get(index as usize) {
                Some(name) => name.as_ptr(),
                None => self.name_index(item.depth, index)?,
            },
        };
        // One by one where it is kept: put together elsewhere and copied, it would cost a wait for the stores.
        let told = &mut self.levels.get_mut(item.depth)?.told;
        told.name = name;
        told.data_type = data_type;
        told.address = item.place.address().map_or(std::ptr::null_mut(), foreign);
        told.size = item.size.unwrap_or(size);
        Some(told)
    }

    #[cold]
    fn deepen(&mut self, depth: usize) {
        self.levels.resize_with(depth + 1, || Level { name: vec![0; USUAL_NAME], told: Told::default() });
    }

    /// What C hooks were told of the value that was entered at this depth.
    #[inline(always)]
    pub(super) fn told(&self, depth: usize) -> Option<&Told> {
        self.levels.get(depth).map(|level| &level.told)
    }

    /// What a pointer points at goes by the pointer's name.
    #[inline(never)]
    fn name_pointee(&mut self, depth: usize) -> Option<*const c_char> {
        let pointer = depth.checked_sub(1).and_then(|outer| self.told(outer)).map_or(c"", Told::name);
        let name = [b"*", pointer.to_bytes()].concat();
        self.levels.get_mut(depth).map(|level| level.name_bytes(&name))
    }

    #[cold]
    fn name_index(&mut self, depth: usize, index: u64) -> Option<*const c_char> {
        self.levels.get_mut(depth).map(|level| level.name_text(&format!("[{index}]")))
    }
}

impl Level {
    #[inline(always)]
    fn name_text(&mut self, text: &str) -> *const c_char {
        self.name_bytes(text.as_bytes())
    }

    /// A NUL ends it: also one in it.
    #[inline(always)]
    fn name_bytes(&mut self, name: &[u8]) -> *const c_char {
        if self.name.len() <= name.len() {
            self.widen(name.len() + 1);
        }
        if let Some((room, [end, ..])) = self.name.split_at_mut_checked(name.len()) {
            room.copy_from_slice(name);
            *end = 0;
        }
        self.name.as_ptr().cast()
    }

    #[cold]
    fn widen(&mut self, size: usize) {
        self.name.resize(size, 0);
    }
}

#[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::report::VariableKind;
    use crate::values::Place;

    #[test]
    fn names_are_completed_by_those_of_the_pointers_around_them() {
        let place = Place::Memory(Address(0x10));
        let mut nest = Nest::default();
        let mut enter = |part, name, depth| {
            let item = Item { part, name, type_die: None, place: &place, size: Some(4), depth };
            let told = nest.enter(&item, |_| unreachable!("it has no type")).unwrap();
            assert_eq!((told.address.addr(), told.size), (0x10, 4));
            // SAFETY: the type is a constant.
            assert_eq!(unsafe { CStr::from_ptr(told.data_type) }, c"<optimized out>");
            let name = told.name().to_str().unwrap().to_owned();
            assert_eq!(nest.told(depth).unwrap().name().to_str().unwrap(), name, "it is kept");
            name
        };
        let list = ItemName::Text("list");
        assert_eq!(enter(Part::Variable(VariableKind::Local), list, 0), "list");
        assert_eq!(enter(Part::Pointee, ItemName::Text("*"), 1), "*list");
        assert_eq!(enter(Part::Pointee, ItemName::Text("*"), 2), "**list");
        assert_eq!(enter(Part::Element, ItemName::Index(12), 1), "[12]");
        assert_eq!(enter(Part::Element, ItemName::Index(1 << 40), 1), "[1099511627776]");
        assert_eq!(enter(Part::Element, ItemName::Index(9), 1), "[9]");
        assert_eq!(enter(Part::Member, ItemName::Text(""), 4), "");
        let long = "x".repeat(1000);
        assert_eq!(enter(Part::Member, ItemName::Text(&long), 2), long);
        assert_eq!(enter(Part::Pointee, ItemName::Text("*"), 3), format!("*{long}"));
    }
}
