//! What C++ keeps beside the types: pointers to members, and which class an object really is of.
//!
//! Follows the Itanium C++ ABI, which g++ and clang++ share on x86-64.

mod dynamic_type;
mod member_pointer;

pub(super) use dynamic_type::whole_object;
pub(super) use member_pointer::value as member_pointer;

use crate::dwarf::Die;
use crate::types::{Kind, MemberOffset, Record, Type, Types};
use std::rc::Rc;

/// Classes inside each other that are looked into; a broken description may be a circle.
const MAX_NESTING: u32 = 16;

/// The parts of a class without a name of their own, base classes above all, that lie at fixed places:
/// byte offset, DIE and type of each.
fn bases(types: &Types, record: &Record) -> Vec<(u64, Die, Rc<Type>)> {
    let nameless = record.members.iter().filter(|member| member.name.is_none());
    let found = nameless.filter_map(|member| {
        let MemberOffset::Bits(start) = member.offset else { return None };
        let (die, found) = types.resolve(member.type_die?)?;
        matches!(found.kind, Kind::Struct(_)).then_some((start / 8, die, found))
    });
    found.collect()
}
