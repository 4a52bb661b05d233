//! Strings: what a pointer to characters points at, and arrays of characters.

use super::Printer;
use crate::address::Address;
use crate::report::Value;
use crate::types::Type;
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};
use crate::values::text;

impl Printer<'_> {
    /// The string a `char *` points at, up to its NUL or the limit.
    pub(super) fn c_string(&self, scope: &Scope<'_>, found: &Type, address: Address) -> Option<Value> {
        match found.size {
            Some(1) => {
                // One byte more than is shown tells whether the string goes on.
                let mut bytes = vec![0; self.limits.string.saturating_add(1)];
                let read = scope.process.memory.read(address, &mut bytes);
                bytes.truncate(read);
                if bytes.is_empty() {
                    return None;
                }
                let end = bytes.iter().position(|byte| *byte == 0);
                let length = end.unwrap_or(bytes.len());
                Some(self.string(bytes.get(..length)?, length as u64))
            }
            Some(unit @ (2 | 4)) => {
                let units =
                    self.wide_units(scope, &Place::Memory(address), unit, self.limits.string as u64 + 1);
                (!units.is_empty()).then(|| self.wide_string(&units, units.len() as u64))
            }
            _ => None,
        }
    }

    pub(in crate::values) fn string(&self, bytes: &[u8], length: u64) -> Value {
        let shown = bytes.get(..self.limits.string).unwrap_or(bytes);
        let mut text = text::quote(shown);
        if bytes.len() > shown.len() {
            text.push_str("...");
        }
        Value::String { text, length }
    }

    fn wide_string(&self, units: &[u32], length: u64) -> Value {
        let shown = units.get(..self.limits.string).unwrap_or(units);
        let mut text = text::quote_wide(shown);
        if units.len() > shown.len() {
            text.push_str("...");
        }
        Value::String { text, length }
    }

    /// Code units up to the first zero, at most `count`.
    fn wide_units(&self, scope: &Scope<'_>, place: &Place, unit: u64, count: u64) -> Vec<u32> {
        let unit_at = |index: u64| {
            let bits = place.offset(index.saturating_mul(unit)).read_bits(scope.process.memory, 0, unit * 8);
            bits.ok().and_then(|bits| u32::try_from(bits).ok()).filter(|unit| *unit != 0)
        };
        (0..count).map_while(unit_at).collect()
    }

    pub(super) fn char_array(
        &self,
        scope: &Scope<'_>,
        element: &Type,
        count: u64,
        place: &Place,
    ) -> Result<Value, Missing> {
        let shown = count.min(self.limits.string as u64 + 1);
        match element.size {
            Some(1) => {
                let mut bytes = vec![0; shown as usize];
                place.read(scope.process.memory, &mut bytes)?;
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Ok(self.string(bytes.get(..end).unwrap_or_default(), count))
            }
            Some(unit @ (2 | 4)) => Ok(self.wide_string(&self.wide_units(scope, place, unit, shown), count)),
            _ => Err(Missing::Unsupported("an array of characters of unknown size")),
        }
    }
}
