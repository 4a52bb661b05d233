//! Arrays, element by element, equal neighbours folded.

use super::{Printer, item};
use crate::dwarf::{Die, MAX_CHAIN};
use crate::report::{Element, Value};
use crate::types::{Count, Kind, Type};
use crate::values::hooks::{ItemName, Part};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};

/// Equal neighbours in an array that are folded into one.
const MIN_REPEATS: u64 = 4;

impl Printer<'_> {
    /// The number of elements of each dimension; `None` where it cannot be told.
    pub(super) fn counts(&self, scope: &Scope<'_>, dimensions: &[Count]) -> Vec<Option<u64>> {
        let above =
            |upper: u64, lower: i64| u64::try_from(i128::from(upper as i64) - i128::from(lower) + 1).ok();
        dimensions
            .iter()
            .map(|count| match count {
                Count::Fixed(count) => Some(*count),
                Count::Unknown => None,
                Count::Expression(bytes) => scope.number(*bytes),
                Count::UpperBound(bytes, lower) => above(scope.number(*bytes)?, *lower),
                Count::Variable(die) => scope.number_of(*die),
                Count::UpperBoundVariable(die, lower) => above(scope.number_of(*die)?, *lower),
            })
            .collect()
    }

    pub(super) fn array(
        &mut self,
        scope: &Scope<'_>,
        found: &Type,
        element: Option<Die>,
        counts: &[Option<u64>],
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        let type_name = Some(found.name.clone());
        let types = scope.process.types;
        let (Some(element_die), Some((&count, inner))) = (element, counts.split_first()) else {
            return Err(Missing::Unsupported("an array without elements or dimensions"));
        };
        let Some((_, element_type)) = types.resolve(element_die) else {
            return Err(Missing::Unsupported("an array of a type that is not described"));
        };
        let empty =
            Value::Array { type_name: type_name.clone(), elements: Vec::new(), length: 0, omitted: 0 };
        let count = match count {
            Some(count) => count,
            // A flexible array member.
            None if !found.is_variable_length() => return Ok(empty),
            None => return Err(Missing::Unsupported("an array whose length is optimized out")),
        };
        if inner.is_empty() && matches!(element_type.kind, Kind::Char { .. }) && count > 0 {
            return self.char_array(scope, &element_type, count, place);
        }
        let element_size =
            inner.iter().try_fold(self.size_of(scope, element_die, MAX_CHAIN).unwrap_or(0), |size, count| {
                size.checked_mul((*count)?)
            });
        let Some(stride) = element_size.filter(|size| *size > 0) else { return Ok(empty) };
        let mut elements: Vec<Element> = Vec::new();
        let mut next = 0;
        while next < count && elements.len() < self.limits.array {
            let at = place.offset(next.saturating_mul(stride));
            let repeats = self.equal_neighbours(scope, place, next, count, stride);
            let value = match inner {
                [] => {
                    let item = item(Part::Element, ItemName::Index(next), Some(element_die), &at, depth + 1);
                    let value =
                        self.hooked(scope, &item, |printer| printer.value(scope, element, &at, depth + 1));
                    value.unwrap_or(Value::HIDDEN)
                }
                _ => self
                    .array(scope, found, element, inner, &at, depth + 1)
                    .unwrap_or_else(|missing| missing.value()),
            };
            elements.push(Element { index: next, repeats, value });
            next += repeats;
        }
        Ok(Value::Array { type_name, elements, length: count, omitted: count - next })
    }

    /// How many elements from `index` on have the same bytes; 1 when they are fewer than are
    /// worth folding. Looks no further than a bounded number of bytes.
    fn equal_neighbours(&self, scope: &Scope<'_>, place: &Place, index: u64, count: u64, stride: u64) -> u64 {
        const MAX_STRIDE: usize = 256;
        const MAX_COMPARED: u64 = 1 << 16;
        let (mut first, mut other) = ([0; MAX_STRIDE], [0; MAX_STRIDE]);
        let size = usize::try_from(stride).unwrap_or(usize::MAX);
        let (Some(first), Some(other)) = (first.get_mut(..size), other.get_mut(..size)) else { return 1 };
        let memory = scope.process.memory;
        let read = |index: u64, bytes: &mut [u8]| {
            place.offset(index.saturating_mul(stride)).read(memory, bytes).is_ok()
        };
        if !read(index, first) {
            return 1;
        }
        let limit = (count - index).min(MAX_COMPARED / stride);
        let run =
            1 + (1..limit).take_while(|next| read(index + next, other) && first == other).count() as u64;
        if run >= MIN_REPEATS { run } else { 1 }
    }

    /// Size of a type in bytes, arrays up to `levels` deep included.
    fn size_of(&self, scope: &Scope<'_>, die: Die, levels: usize) -> Option<u64> {
        let (_, found) = scope.process.types.resolve(die)?;
        match (&found.kind, found.size) {
            (_, Some(size)) => Some(size),
            (Kind::Array { element, dimensions }, None) => {
                let element = self.size_of(scope, (*element)?, levels.checked_sub(1)?)?;
                self.counts(scope, dimensions)
                    .into_iter()
                    .try_fold(element, |size, count| size.checked_mul(count?))
            }
            _ => None,
        }
    }
}
