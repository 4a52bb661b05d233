//! Pointers and what they point at.

use super::{Printer, item};
use crate::address::Address;
use crate::dwarf::Die;
use crate::report::{Pointee, Value};
use crate::target::Memory;
use crate::types::{Kind, Type};
use crate::values::hooks::{ItemName, Part};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};
use crate::values::{cpp, scalar};
use compact_str::CompactString;
use std::rc::Rc;

impl Printer<'_> {
    pub(super) fn pointer(
        &mut self,
        scope: &Scope<'_>,
        target: Option<Die>,
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        if let Some((pointee, offset)) = place.implicit_pointer() {
            return Ok(self.removed_pointer(scope, pointee, offset, depth));
        }
        let bits = 8 * scope.thread.general.arch().word();
        let raw = place.read_bits(scope.process.memory, 0, bits)?;
        let address = Address(raw as u64);
        if address.0 == 0 {
            return Ok(scalar::nil());
        }
        let symbol = scope.process.modules.name(address).map(|name| name.to_string());
        let pointee = match target.and_then(|target| scope.process.types.resolve(target)) {
            Some((die, found)) => self.pointee(scope, target, die, &found, address, depth),
            None => unfollowed(scope.process.memory, address),
        };
        Ok(Value::Pointer { text: scalar::address(address), symbol, pointee })
    }

    /// A pointer without bits: the compiler kept only what it points at.
    fn removed_pointer(&mut self, scope: &Scope<'_>, pointee: Die, offset: i64, depth: usize) -> Value {
        let place = scope.place_of(pointee);
        let type_die = pointee.type_die();
        let value = match (u64::try_from(offset), self.may_go_deeper(depth)) {
            (Ok(0), true) => Pointee::Value(Box::new(self.value(scope, type_die, &place, depth + 1))),
            _ => Pointee::None,
        };
        Value::Pointer {
            text: CompactString::const_new("<optimized out pointer>"),
            symbol: None,
            pointee: value,
        }
    }

    pub(in crate::values) fn pointee(
        &mut self,
        scope: &Scope<'_>,
        declared: Option<Die>,
        die: Die,
        found: &Rc<Type>,
        address: Address,
        depth: usize,
    ) -> Pointee {
        let memory = scope.process.memory;
        if scope.process.environment.holds(address) {
            return Pointee::Note("<environment, not shown>");
        }
        if &*found.name == "__vtbl_ptr_type" {
            // Of a class's vtable the symbol says all there is to say.
            return Pointee::None;
        }
        let is_followed =
            || self.may_go_deeper(depth) && self.pointers > 0 && memory.read(address, &mut [0]) > 0;
        let completed = match found.kind {
            Kind::Incomplete if is_followed() => scope.process.defined(die, found),
            _ => None,
        };
        let (die, found) = completed.as_ref().map_or((die, found), |(die, found)| (*die, found));
        match &found.kind {
            Kind::Function | Kind::Void | Kind::Incomplete | Kind::Opaque | Kind::Alias { .. } => {
                return unfollowed(memory, address);
            }
            Kind::Char { .. } => {
                return match self.c_string(scope, found, address) {
                    Some(value) => Pointee::Value(Box::new(value)),
                    None => Pointee::Note("<invalid>"),
                };
            }
            _ => {}
        }
        if memory.read(address, &mut [0]) == 0 {
            return Pointee::Note("<invalid>");
        }
        let whole = match &found.kind {
            Kind::Struct(part) => cpp::whole_object(scope, part, address),
            _ => None,
        };
        let (die, found, address) = match &whole {
            Some((die, found, address)) => (*die, found, *address),
            None => (die, found, address),
        };
        let place = Place::Memory(address);
        let is_record = matches!(found.kind, Kind::Struct(_) | Kind::Union(_));
        if is_record && self.expanded.contains(&(address, die.key())) {
            return Pointee::Note("[deref'd above]");
        }
        if !self.may_go_deeper(depth) {
            return Pointee::Note("[not followed: --max-depth]");
        }
        let Some(left) = self.pointers.checked_sub(1) else {
            return Pointee::Note("[not followed: --max-pointers]");
        };
        self.pointers = left;
        let item = item(Part::Pointee, ItemName::Text("*"), declared, &place, depth + 1);
        let value = self.hooked(scope, &item, |printer| {
            let value = printer.resolved_value(scope, die, found, &place, depth + 1);
            let mut value = value.unwrap_or_else(|missing| missing.value());
            // What has no name of its own goes by the name of its typedef.
            if let (Value::Struct { type_name, .. } | Value::Union { type_name, .. }, Some(declared)) =
                (&mut value, declared)
                && found.is_anonymous()
            {
                *type_name = Some(scope.process.types.get(declared).name.clone());
            }
            value
        });
        value.map_or(Pointee::None, |value| Pointee::Value(Box::new(value)))
    }
}

/// What is shown behind a pointer to something without a value.
fn unfollowed(memory: &dyn Memory, address: Address) -> Pointee {
    match memory.read(address, &mut [0]) {
        0 => Pointee::Note("<invalid>"),
        _ => Pointee::None,
    }
}
