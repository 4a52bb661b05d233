//! Ways through the structures of Rust's library by the names and types of their members: newtypes
//! are seen through, so that a layer more or less from one version to the next does not matter.

use crate::dwarf::Die;
use crate::types::{Kind, Member, MemberOffset, Record, Type, Types};
use crate::values::location::Scope;
use crate::values::place::Place;
use crate::values::printer::active;
use std::rc::Rc;

/// Structures inside of structures that are searched.
const MAX_NESTING: usize = 8;
/// Members that are searched for one name.
const MAX_SEARCHED: usize = 256;

/// A part of a value: its type and where it is.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) die: Die,
    pub(super) found: Rc<Type>,
    pub(super) place: Place,
}

impl Part {
    /// A value of the type that `die` describes.
    pub(super) fn new(types: &Types, die: Die, place: Place) -> Option<Part> {
        let (die, found) = types.resolve(die)?;
        Some(Part { die, found, place })
    }

    fn record(&self) -> Option<&Record> {
        match &self.found.kind {
            Kind::Struct(record) | Kind::Union(record) => Some(record),
            _ => None,
        }
    }

    /// What a member of this value is.
    pub(super) fn of(&self, types: &Types, member: &Member) -> Option<Part> {
        let MemberOffset::Bits(start) = member.offset else { return None };
        Part::new(types, member.type_die?, self.place.offset(start / 8))
    }

    /// The variant of this enum that its discriminant tells.
    pub(super) fn active_variant(&self, scope: &Scope<'_>) -> Option<Part> {
        self.of(scope.process.types, self.active_member(scope)?)
    }

    /// The name of that variant.
    pub(super) fn active_name(&self, scope: &Scope<'_>) -> Option<&str> {
        self.active_member(scope)?.name.as_deref()
    }

    fn active_member(&self, scope: &Scope<'_>) -> Option<&Member> {
        match active(scope, self.record()?.variants.as_deref()?, &self.place) {
            [member] => Some(member),
            _ => None,
        }
    }

    /// The member of this name.
    pub(super) fn member(&self, types: &Types, name: &str) -> Option<Part> {
        let member = self.record()?.members.iter().find(|member| member.name.as_deref() == Some(name))?;
        self.of(types, member)
    }

    /// The nearest member of this name, of this value or of a structure in it.
    pub(super) fn deep(&self, types: &Types, name: &str) -> Option<Part> {
        self.search(types, |member, _| member.name.as_deref() == Some(name))
    }

    /// The nearest pointer in this value.
    pub(super) fn pointer(&self, types: &Types) -> Option<Part> {
        if matches!(self.found.kind, Kind::Pointer { .. }) {
            return Some(self.clone());
        }
        self.search(types, |_, part| matches!(part.found.kind, Kind::Pointer { .. }))
    }

    /// The nearest part that is asked for, level by level.
    fn search(&self, types: &Types, is_wanted: impl Fn(&Member, &Part) -> bool) -> Option<Part> {
        let mut level = vec![self.clone()];
        let mut searched = 0;
        for _ in 0..MAX_NESTING {
            let mut next = Vec::new();
            for part in &level {
                for member in part.record().into_iter().flat_map(|record| &record.members) {
                    searched += 1;
                    if searched > MAX_SEARCHED {
                        return None;
                    }
                    let Some(inner) = part.of(types, member) else { continue };
                    if is_wanted(member, &inner) {
                        return Some(inner);
                    }
                    next.push(inner);
                }
            }
            level = next;
        }
        None
    }

    /// Where an element of this array is.
    pub(super) fn element(&self, types: &Types, index: u64) -> Option<Place> {
        let Kind::Array { element, .. } = self.found.kind else { return None };
        let size = types.resolve(element?)?.1.size?;
        Some(self.place.offset(index.checked_mul(size)?))
    }

    /// The value inside of structures that have one member with a size: `Cell<UnsafeCell<usize>>`.
    pub(super) fn peeled(&self, types: &Types) -> Option<Part> {
        let mut part = self.clone();
        for _ in 0..MAX_NESTING {
            let Some(record) = part.record().filter(|record| record.variants.is_none()) else {
                return Some(part);
            };
            let parts = record.members.iter().filter_map(|member| part.of(types, member));
            let mut sized = parts.filter(|part| part.found.size.is_some_and(|size| size > 0));
            let only = sized.next().filter(|_| sized.next().is_none())?;
            part = only;
        }
        None
    }

    /// The bits of the number or pointer that is in this value alone.
    pub(super) fn number(&self, scope: &Scope<'_>) -> Option<u64> {
        let part = self.peeled(scope.process.types)?;
        let size = part.found.size.filter(|size| *size <= 8)?;
        part.place.read_bits(scope.process.memory, 0, size * 8).ok().map(|bits| bits as u64)
    }

    /// The same as two's complement.
    pub(super) fn signed(&self, scope: &Scope<'_>) -> Option<i64> {
        self.number(scope).map(u64::cast_signed)
    }

    /// The type that stands for a type parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<Die> {
        self.die.type_parameter(name)
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> Option<u64> {
        self.found.size
    }

    /// The name without its path and parameters: `Vec` of `alloc::vec::Vec<i32>`.
    pub(super) fn short_name(&self) -> &str {
        short_name(&self.found.name)
    }
}

/// The last segment of a type's name, without its parameters.
pub(super) fn short_name(name: &str) -> &str {
    let bare = name.split('<').next().unwrap_or(name);
    bare.rsplit("::").next().unwrap_or(bare)
}
