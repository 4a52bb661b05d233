//! Floating point numbers and bit-fields.

use super::Printer;
use crate::report::Value;
use crate::types::{self, Kind, Type};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};
use crate::values::scalar;
use compact_str::format_compact;

impl Printer<'_> {
    pub(super) fn float(&self, scope: &Scope<'_>, found: &Type, place: &Place) -> Result<Value, Missing> {
        let mut bytes = [0; 16];
        let size = match found.size.unwrap_or(0).min(16) {
            // x87 registers hold ten bytes of the sixteen that a `long double` takes in memory.
            11.. if found.name.contains("long double") => 10,
            size => size as usize,
        };
        let bytes = bytes.get_mut(..size).unwrap_or_default();
        place.read(scope.process.memory, bytes)?;
        scalar::float(bytes, &found.name)
            .map(|text| Value::Float { text })
            .ok_or(Missing::Unsupported("a floating point format that is not supported"))
    }

    pub(super) fn complex(&self, scope: &Scope<'_>, found: &Type, place: &Place) -> Result<Value, Missing> {
        let half = found.size.unwrap_or(0).min(64) / 2;
        let part = |offset: u64| {
            let mut bytes = vec![0; half as usize];
            place.offset(offset).read(scope.process.memory, &mut bytes)?;
            scalar::float(&bytes, &found.name)
                .ok_or(Missing::Unsupported("a complex format that is not supported"))
        };
        Ok(Value::Float { text: format_compact!("{} + {}i", part(0)?, part(half)?) })
    }

    pub(super) fn bit_field(
        &self,
        scope: &Scope<'_>,
        member: &types::Member,
        place: &Place,
        start: u64,
        size: u64,
    ) -> Value {
        let raw = match place.read_bits(scope.process.memory, start, size) {
            Ok(raw) => raw,
            Err(missing) => return missing.value(),
        };
        match member
            .type_die
            .and_then(|die| scope.process.types.resolve(die))
            .as_ref()
            .map(|(_, found)| &found.kind)
        {
            Some(Kind::Bool) => scalar::boolean(raw),
            Some(Kind::Enum { enumerators, signed }) => scalar::enumerator(raw, size, *signed, enumerators),
            Some(Kind::Char { signed } | Kind::Integer { signed }) => scalar::integer(raw, size, *signed),
            _ => scalar::integer(raw, size, false),
        }
    }
}
