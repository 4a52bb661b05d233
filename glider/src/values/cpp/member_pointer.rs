//! C++ pointers to members (Itanium C++ ABI §2.3), by the name of the member.

use super::{MAX_NESTING, bases};
use crate::address::Address;
use crate::dwarf::{Die, expression};
use crate::report::{Pointee, Value};
use crate::types::{Kind, MemberOffset, MemberPointer, Types};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};
use crate::values::scalar;
use compact_str::format_compact;
use std::sync::Arc;

/// The value of a pointer to a member whose words have `bits` bits.
pub(in crate::values) fn value(
    scope: &Scope<'_>,
    pointer: &MemberPointer,
    bits: u64,
    place: &Place,
) -> Result<Value, Missing> {
    let word = place.read_bits(scope.process.memory, 0, bits)?;
    let Ok(word) = u64::try_from(word) else {
        return Err(Missing::Unsupported("a wide pointer to a member"));
    };
    if !pointer.is_function {
        return Ok(data(scope.process.types, pointer.class, scalar::number(word.into(), bits, true)));
    }
    let adjustment = scalar::number(place.read_bits(scope.process.memory, bits, bits)?, bits, true);
    // The lowest bit tells a slot of the vtable, in bytes, from an address.
    let name = match word & 1 {
        _ if word == 0 => return Ok(scalar::nil()),
        0 => scope.process.modules.name(Address(word)).map(|name| name.to_string()),
        _ => {
            let slot = (word - 1) / (bits / 8).max(1);
            let base = u64::try_from(adjustment).ok();
            let name =
                base.and_then(|base| virtual_function(scope.process.types, pointer.class?, base, slot));
            Some(name.map_or_else(|| format!("virtual function {slot}"), |name| format!("virtual {name}")))
        }
    };
    let symbol = match (name, adjustment) {
        (name, 0) => name,
        (name, other) => Some(format!("{}, this{other:+}", name.unwrap_or_default())),
    };
    Ok(Value::Pointer { text: scalar::address(Address(word)), symbol, pointee: Pointee::None })
}

/// A pointer to a data member: its offset, -1 for none.
fn data(types: &Types, class: Option<Die>, offset: i128) -> Value {
    if offset == -1 {
        return scalar::nil();
    }
    let symbol = u64::try_from(offset).ok().and_then(|offset| member(types, class?, offset, MAX_NESTING));
    Value::Pointer { text: format_compact!("{offset:#x}"), symbol, pointee: Pointee::None }
}

/// The member at a byte offset, behind the name of the class that declares it.
fn member(types: &Types, class: Die, offset: u64, levels: u32) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    let (_, found) = types.resolve(class)?;
    let (Kind::Struct(record) | Kind::Union(record)) = &found.kind else { return None };
    let starts_there = |start: MemberOffset| matches!(start, MemberOffset::Bits(bits) if Some(bits) == offset.checked_mul(8));
    let named = record.members.iter().find(|member| member.name.is_some() && starts_there(member.offset));
    if let Some(name) = named.and_then(|member| member.name.as_ref()) {
        return Some(format!("{}::{name}", found.name));
    }
    bases(types, record)
        .into_iter()
        .find_map(|(start, base, _)| member(types, base, offset.checked_sub(start)?, levels))
}

/// The function in a slot of the vtable of the part of a class that begins at byte `offset`.
fn virtual_function(types: &Types, class: Die, offset: u64, slot: u64) -> Option<Arc<str>> {
    declared_in(types, class, offset, slot, MAX_NESTING)
}

fn declared_in(types: &Types, class: Die, offset: u64, slot: u64, levels: u32) -> Option<Arc<str>> {
    let levels = levels.checked_sub(1)?;
    let (die, found) = types.resolve(class)?;
    let Kind::Struct(record) = &found.kind else { return None };
    let has_slot = |entry: &crate::dwarf::Entry| {
        let value = entry.attr_value(gimli::DW_AT_vtable_elem_location).and_then(expression);
        let mut operations = value.map(|bytes| gimli::Expression(bytes).operations(die.unit.encoding()));
        let first = operations.as_mut().and_then(|operations| operations.next().ok().flatten());
        matches!(first, Some(gimli::Operation::UnsignedConstant { value }) if value == slot)
    };
    let own = || die.children().into_iter().find(|(_, entry)| has_slot(entry));
    if offset == 0
        && let Some((function, _)) = own()
    {
        return function.function_name();
    }
    bases(types, record)
        .into_iter()
        .find_map(|(start, base, _)| declared_in(types, base, offset.checked_sub(start)?, slot, levels))
}
