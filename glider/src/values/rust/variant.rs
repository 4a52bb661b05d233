//! Enums by the variant that holds, tuples, and structures whose members have numbers for names.

use super::part::short_name;
use crate::report::{Member, Value};
use crate::types::{Kind, Record};
use crate::values::location::Scope;
use crate::values::printer::{Instance, Printer, active};

impl Printer<'_> {
    /// An enum: the variant that its discriminant tells. `None` when it tells none.
    pub(super) fn enumeration(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        let variants = instance.record.variants.as_deref()?;
        let [member] = active(scope, variants, instance.place) else { return None };
        let name = member.name.as_deref()?;
        let (die, found) = scope.process.types.resolve(member.type_die?)?;
        let Kind::Struct(record) = &found.kind else { return None };
        let crate::types::MemberOffset::Bits(start) = member.offset else { return None };
        let place = instance.place.offset(start / 8);
        let inner = Instance { die, found: &found, record, place: &place, depth: instance.depth };
        Some(self.named(scope, instance, &inner, name))
    }

    /// A tuple, or a structure that is written like one. `None`: its members have names, or it has none.
    pub(super) fn tuple(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        let name = &*instance.found.name;
        let is_tuple = name.starts_with('(');
        if !is_tuple && !is_numbered(instance.record) {
            return None;
        }
        let name = if is_tuple { "" } else { short_name(name) };
        Some(self.named(scope, instance, instance, name))
    }

    /// The members of `inner` behind a name.
    fn named(&mut self, scope: &Scope<'_>, outer: &Instance<'_>, inner: &Instance<'_>, name: &str) -> Value {
        let is_tuple = is_numbered(inner.record);
        let Instance { die, place, .. } = *outer;
        self.mark(place, die);
        let (mut members, cut) = match inner.record.members.is_empty() {
            true => (Vec::new(), None),
            false => self.members(scope, inner),
        };
        if is_tuple {
            members.iter_mut().for_each(unnumber);
        }
        Value::Variant {
            type_name: Some(outer.found.name.clone()),
            name: name.to_owned(),
            tuple: is_tuple,
            address: place.address(),
            members,
            cut,
        }
    }
}

/// Whether the members are `__0`, `__1`, as those of tuples are called.
fn is_numbered(record: &Record) -> bool {
    !record.members.is_empty()
        && record.members.iter().all(|member| {
            let number = member.name.as_deref().and_then(|name| name.strip_prefix("__"));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        })
}

/// `0`, as Rust calls the member, for `__0`.
fn unnumber(member: &mut Member) {
    let bare = member.name.as_deref().and_then(|name| name.strip_prefix("__")).map(Into::into);
    member.name = bare.or(member.name.take());
}
