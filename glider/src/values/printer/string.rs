//! Strings: what a pointer to characters points at, and arrays of characters.

use super::Printer;
use crate::address::Address;
use crate::report::Value;
use crate::types::{Count, Type};
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

    /// Characters without an end mark.
    pub(super) fn counted_text(
        &self,
        scope: &Scope<'_>,
        length: Count,
        place: &Place,
    ) -> Result<Value, Missing> {
        let length = self.counts(scope, &[length], None).into_iter().next().flatten();
        let length = length.ok_or(Missing::Unsupported("text whose length is optimized out"))?;
        let mut bytes = vec![0; length.min(self.limits.string as u64 + 1) as usize];
        place.read(scope.process.memory, &mut bytes)?;
        Ok(self.string(&bytes, length))
    }

    /// An array of characters as a string; `None` when what it holds are none.
    pub(super) fn char_array(
        &self,
        scope: &Scope<'_>,
        element: &Type,
        count: u64,
        place: &Place,
    ) -> Result<Option<Value>, Missing> {
        let shown = count.min(self.limits.string as u64 + 1);
        match element.size {
            Some(1) => {
                let mut bytes = vec![0; shown as usize];
                place.read(scope.process.memory, &mut bytes)?;
                let (end, goes_on) = end_of_text(&bytes);
                let mut value = self.string(bytes.get(..end).unwrap_or_default(), count);
                if let (Value::String { text, .. }, true) = (&mut value, goes_on) {
                    text.push_str("...");
                }
                Ok(Some(value))
            }
            Some(unit @ (2 | 4)) => {
                let units = self.wide_units(scope, place, unit, shown);
                let is_text = unit == 2 || units.iter().all(|unit| char::from_u32(*unit).is_some());
                Ok(is_text.then(|| self.wide_string(&units, count)))
            }
            _ => Err(Missing::Unsupported("an array of characters of unknown size")),
        }
    }
}

/// Where the text in an array of characters ends, and whether text behind that is left out.
///
/// It ends at the first NUL, unless what follows is text as well: the next of several strings in one
/// buffer. Anything else there is what an older use of the memory left, and so is text behind a long gap.
fn end_of_text(bytes: &[u8]) -> (usize, bool) {
    const GAP: usize = 16;
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let used_bytes = bytes.get(..used).unwrap_or_default();
    let first = used_bytes.iter().position(|byte| *byte == 0).unwrap_or(used);
    if !is_text(used_bytes.get(first..).unwrap_or_default()) {
        return (first, false);
    }
    let gap = used_bytes.windows(GAP).position(|window| window == [0; GAP]);
    (gap.unwrap_or(used), gap.is_some())
}

/// Whether bytes are text in UTF-8, NULs between its parts.
fn is_text(bytes: &[u8]) -> bool {
    let is_shown =
        |character: char| matches!(character, '\0' | '\t' | '\n' | '\r') || !character.is_control();
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_shown))
}

#[cfg(test)]
mod tests {
    use super::end_of_text;

    #[test]
    fn text_ends_at_a_nul_unless_more_text_follows() {
        assert_eq!(end_of_text(b"full"), (4, false));
        assert_eq!(end_of_text(b"ab\0\0\0"), (2, false));
        assert_eq!(end_of_text(b"a\xff\x01\0\0"), (3, false));
        assert_eq!(end_of_text(b"key\0value\0"), (9, false));
        assert_eq!(end_of_text(b"short\0\0\0\x1c\xb8{%\xfe\x7f"), (5, false));
        assert_eq!(end_of_text(b"\0\0"), (0, false));
        let mut stale = b"name".to_vec();
        stale.resize(30, 0);
        assert_eq!(end_of_text(&stale), (4, false));
        stale.push(b'x');
        assert_eq!(end_of_text(&stale), (4, true));
    }
}
