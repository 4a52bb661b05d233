//! Arrays, element by element, equal neighbours folded.

use super::{Printer, item};
use crate::dwarf::{Die, MAX_CHAIN, Unit};
use crate::report::{Element, Value};
use crate::types::{Count, Descriptor, Kind, Type};
use crate::unwind::Bytes;
use crate::values::hooks::{ItemName, Part};
use crate::values::location::Scope;
use crate::values::place::{Missing, Place};

/// Elements that room is made for at once.
const EXPECTED: u64 = 8;

/// Equal neighbours in an array that are folded into one.
const MIN_REPEATS: u64 = 4;

/// Where expressions are evaluated that are over an object's address.
#[derive(Clone, Copy)]
pub(super) struct Object {
    unit: &'static Unit,
    address: u64,
}

/// The dimensions of an array, outermost first.
#[derive(Clone, Copy)]
pub(super) struct Shape<'v> {
    /// How many elements each has; `None` where that cannot be told.
    pub counts: &'v [Option<u64>],
    /// How many bytes lie between the starts of two elements, where that is more than an element's size.
    pub strides: &'v [Option<u64>],
}

impl Printer<'_> {
    /// The number of elements of each dimension; `None` where it cannot be told.
    ///
    /// `object` is where the expressions are evaluated that are over a descriptor.
    pub(super) fn counts(
        &self,
        scope: &Scope<'_>,
        dimensions: &[Count],
        object: Option<Object>,
    ) -> Vec<Option<u64>> {
        let above =
            |upper: u64, lower: i64| u64::try_from(i128::from(upper as i64) - i128::from(lower) + 1).ok();
        let number = |bytes: Bytes| match object {
            Some(Object { unit, address }) => scope.number_over(bytes, unit, address),
            None => scope.number(bytes),
        };
        dimensions
            .iter()
            .map(|count| match count {
                Count::Fixed(count) => Some(*count),
                Count::Unknown => None,
                Count::Expression(bytes) => number(*bytes),
                Count::UpperBound(bytes, lower) => above(number(*bytes)?, *lower),
                Count::Bounds(lower, upper) => above(number(*upper)?, number(*lower)? as i64),
                Count::At(bytes, size) => scope.stored_number(*bytes, *size),
                Count::Variable(die) => scope.number_of(*die),
                Count::UpperBoundVariable(die, lower) => above(scope.number_of(*die)?, *lower),
            })
            .collect()
    }

    /// An array whose elements are where a descriptor says.
    pub(super) fn described_array(
        &mut self,
        scope: &Scope<'_>,
        die: Die,
        found: &Type,
        descriptor: &Descriptor,
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        let Kind::Array { element, dimensions, .. } = &found.kind else {
            return Err(Missing::Unsupported("a descriptor of something else than an array"));
        };
        let address = place.address().ok_or(Missing::OptimizedOut)?.0;
        let unit = die.unit;
        if descriptor.is_present.is_some_and(|bytes| scope.number_over(bytes, unit, address) == Some(0)) {
            return Err(Missing::Unsupported("an array that is not allocated"));
        }
        let data = scope.evaluate(descriptor.data, unit, Some(address))?;
        let counts = self.counts(scope, dimensions, Some(Object { unit, address }));
        let stride = |bytes: &Option<Bytes>| scope.number_over((*bytes)?, unit, address);
        let strides: Vec<Option<u64>> = descriptor.strides.iter().map(stride).collect();
        self.array(scope, found, *element, Shape { counts: &counts, strides: &strides }, &data, depth)
    }

    pub(super) fn array(
        &mut self,
        scope: &Scope<'_>,
        found: &Type,
        element: Option<Die>,
        shape: Shape<'_>,
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        let type_name = Some(found.name.clone());
        let types = scope.process.types;
        let (Some(element_die), Some((&count, inner))) = (element, shape.counts.split_first()) else {
            return Err(Missing::Unsupported("an array without elements or dimensions"));
        };
        let Some((_, element_type)) = types.resolve(element_die) else {
            return Err(Missing::Unsupported("an array of a type that is not described"));
        };
        let empty =
            Value::Array { type_name: type_name.clone(), elements: Vec::new(), length: 0, omitted: 0 };
        let count = match count {
            Some(count) => count,
            // A flexible array member: only the program knows how long it is.
            None if !found.is_variable_length() => {
                // Plain `char` is taken for text.
                let is_text = inner.is_empty() && matches!(element_type.kind, Kind::Char { signed: true });
                return match place.address().filter(|_| is_text) {
                    Some(address) => {
                        self.c_string(scope, &element_type, address).ok_or(Missing::Unmapped(address))
                    }
                    None => Err(Missing::Unsupported("its length is not in the debug information")),
                };
            }
            None => return Err(Missing::Unsupported("an array whose length is optimized out")),
        };
        if inner.is_empty()
            && matches!(element_type.kind, Kind::Char { .. })
            && count > 0
            && let Some(value) = self.char_array(scope, &element_type, count, place)?
        {
            return Ok(value);
        }
        let element_size =
            inner.iter().try_fold(self.size_of(scope, element_die, MAX_CHAIN).unwrap_or(0), |size, count| {
                size.checked_mul((*count)?)
            });
        let stride = shape.strides.first().copied().flatten().or(element_size);
        let Some(stride) = stride.filter(|size| *size > 0) else { return Ok(empty) };
        let mut elements: Vec<Element> = Vec::with_capacity(count.min(EXPECTED) as usize);
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
                    .array(
                        scope,
                        found,
                        element,
                        Shape { counts: inner, strides: shape.strides.get(1..).unwrap_or_default() },
                        &at,
                        depth + 1,
                    )
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
    pub(super) fn size_of(&self, scope: &Scope<'_>, die: Die, levels: usize) -> Option<u64> {
        let (_, found) = scope.process.resolve_defined(die)?;
        match (&found.kind, found.size) {
            (_, Some(size)) => Some(size),
            (Kind::Array { element, dimensions, .. }, None) => {
                let element = self.size_of(scope, (*element)?, levels.checked_sub(1)?)?;
                self.counts(scope, dimensions, None)
                    .into_iter()
                    .try_fold(element, |size, count| size.checked_mul(count?))
            }
            _ => None,
        }
    }
}
