//! Structures and unions, member by member.

use super::{Printer, item};
use crate::dwarf::{Die, MAX_CHAIN};
use crate::report::{Member, Value};
use crate::types::{self, MemberOffset, Record, Selector, Type, Variants};
use crate::values::hooks::{Item, ItemName, Part};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};
use std::sync::Arc;

/// A structure or union that is about to be shown.
pub(in crate::values) struct Instance<'v> {
    /// The DIE of its type.
    pub die: Die,
    /// Its type.
    pub found: &'v Type,
    /// The type's members.
    pub record: &'v Record,
    /// Where it is.
    pub place: &'v Place,
    /// How deep it is nested: 0 for a variable.
    pub depth: usize,
}

impl Printer<'_> {
    /// A structure, member by member; `words` say what it means.
    pub(in crate::values) fn structure(
        &mut self,
        scope: &Scope<'_>,
        instance: &Instance<'_>,
        words: Option<String>,
    ) -> Value {
        let (members, cut) = self.members(scope, instance);
        let (type_name, address) = (Some(instance.found.name.clone()), instance.place.address());
        Value::Struct { type_name, words, address, members, cut }
    }

    /// A union with all its members.
    pub(super) fn union(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Value {
        let (members, cut) = self.members(scope, instance);
        let (type_name, address) = (Some(instance.found.name.clone()), instance.place.address());
        let largest = self.largest(scope, instance.record);
        Value::Union { type_name, address, largest, members, cut }
    }

    /// The name of the member that is larger than the others.
    fn largest(&self, scope: &Scope<'_>, record: &Record) -> Option<Arc<str>> {
        let size = |member: &types::Member| {
            let whole = || self.size_of(scope, member.type_die?, MAX_CHAIN)?.checked_mul(8);
            member.bit_size.or_else(whole).unwrap_or(0)
        };
        let mut sizes: Vec<_> =
            record.members.iter().take(self.limits.members).map(|member| (size(member), member)).collect();
        sizes.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        match sizes.as_slice() {
            [(most, largest), (next, _), ..] if most > next => largest.name.clone(),
            _ => None,
        }
    }

    pub(in crate::values) fn members(
        &mut self,
        scope: &Scope<'_>,
        instance: &Instance<'_>,
    ) -> (Vec<Member>, Option<String>) {
        let Instance { die, record, place, depth, .. } = *instance;
        if !self.may_go_deeper(depth) {
            return (Vec::new(), Some(format!("--max-depth {}", self.limits.depth)));
        }
        if let Some(address) = place.address() {
            self.expanded.insert((address, die.key()));
        }
        let variant =
            record.variants.as_deref().map(|variants| active(scope, variants, place)).unwrap_or_default();
        let all = record.members.len() + variant.len();
        let most = self.limits.members;
        let cut = (all > most).then(|| format!("{} of {all} members (--max-members {most})", all - most));
        // Nearly all are shown, so there is room for all.
        let mut members = Vec::with_capacity(all.min(most));
        for member in record.members.iter().chain(variant).take(most) {
            members.extend(self.member(scope, die, member, place, depth));
        }
        (members, cut)
    }

    fn member(
        &mut self,
        scope: &Scope<'_>,
        die: Die,
        member: &types::Member,
        place: &Place,
        depth: usize,
    ) -> Option<Member> {
        let type_name: Option<Arc<str>> =
            member.type_die.map(|die| scope.process.types.get(die).name.clone());
        let inner = match (member.offset, place.address()) {
            (MemberOffset::Bits(start), _) => place.offset(start / 8),
            (MemberOffset::Expression(bytes), Some(object)) => {
                scope.evaluate(bytes, die.unit, Some(object.0)).unwrap_or_else(Place::Missing)
            }
            (MemberOffset::Expression(_), None) => Place::Missing(Missing::OptimizedOut),
        };
        let name: &str = member.name.as_deref().unwrap_or_default();
        let size = member.bit_size.map(|bits| bits.div_ceil(8));
        let item =
            Item { size, ..item(Part::Member, ItemName::Text(name), member.type_die, &inner, depth + 1) };
        let value = self.hooked(scope, &item, |printer| match (member.offset, member.bit_size) {
            (MemberOffset::Bits(start), Some(size)) => printer.bit_field(scope, member, place, start, size),
            _ => printer.value(scope, member.type_die, &inner, depth + 1),
        })?;
        Some(Member { name: member.name.clone(), type_name, bits: member.bit_size, value })
    }
}

/// The members of the variant that the discriminant tells (DWARF 5 §5.7.10).
pub(in crate::values) fn active<'v>(
    scope: &Scope<'_>,
    variants: &'v Variants,
    place: &Place,
) -> &'v [types::Member] {
    let value = variants.discriminant.as_ref().and_then(|member| {
        let MemberOffset::Bits(start) = member.offset else { return None };
        let (_, found) = scope.process.types.resolve(member.type_die?)?;
        let bits = member.bit_size.or(found.size.map(|size| size.saturating_mul(8)))?;
        let raw = place.read_bits(scope.process.memory, start, bits).ok()?;
        Some((raw, bits))
    });
    let holds = |selector: &Selector| value.is_some_and(|(raw, bits)| selector.selects(raw, bits));
    let chosen = variants.variants.iter().find(|(selector, _)| holds(selector));
    let default = || variants.variants.iter().find(|(selector, _)| *selector == Selector::Default);
    chosen.or_else(default).map_or(&[], |(_, members)| members.as_slice())
}
