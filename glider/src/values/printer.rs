//! From a place and a type to a value: structures member by member, arrays element by
//! element, pointers followed, each within its limit.

use super::hooks::{self, Child, Item, ItemName, Part, Replaced, Shown, ValueHooks};
use super::location::Scope;
use super::place::{Missing, Place};
use super::{scalar, text};
use crate::address::Address;
use crate::dwarf::{Die, MAX_CHAIN, VariableDie};
use crate::limits::Limits;
use crate::report::{Element, Member, Pointee, Value, Variable};
use crate::target::{Memory, siginfo};
use crate::types::{self, Count, Kind, MemberOffset, Record, Type, Variants};
use rustc_hash::FxHashSet;
use std::rc::Rc;
use std::sync::Arc;

/// Members of one structure that are shown; generated structures can have thousands.
const MAX_MEMBERS: usize = 512;
/// Equal neighbours in an array that are folded into one.
const MIN_REPEATS: u64 = 4;

/// Arrays inside of arrays that are shown below the depth limit: their elements are few and short.
const MAX_NESTED_ARRAYS: usize = 4;
/// Values of one frame that are shown, whatever the other limits allow together.
const MAX_VALUES: usize = 20_000;

/// Prints the variables of one thread: what was expanded once is not expanded again.
pub struct Printer<'a> {
    limits: &'a Limits,
    hooks: Option<&'a dyn ValueHooks>,
    expanded: FxHashSet<(Address, (usize, usize))>,
    /// Pointers that may still be followed for the frame at hand.
    pointers: usize,
    /// Values that may still be read for the frame at hand.
    values: usize,
}

impl<'a> Printer<'a> {
    /// A printer for one thread; `hooks` may step in at every value.
    pub fn new(limits: &'a Limits, hooks: Option<&'a dyn ValueHooks>) -> Printer<'a> {
        Printer { limits, hooks, expanded: FxHashSet::default(), pointers: 0, values: 0 }
    }

    /// Allows for as many pointers and values as one frame may have.
    pub fn refill(&mut self) {
        self.pointers = self.limits.pointers;
        self.values = MAX_VALUES;
    }

    /// The variables of one function in scope, in order.
    pub fn variables(&mut self, scope: &Scope<'_>, variables: &[VariableDie]) -> Vec<Variable> {
        self.refill();
        variables.iter().filter_map(|variable| self.variable(scope, variable)).collect()
    }

    /// `None` when it was hidden.
    fn variable(&mut self, scope: &Scope<'_>, variable: &VariableDie) -> Option<Variable> {
        let place = scope.place(&variable.location);
        let type_name = variable.type_die.map(|die| scope.process.types.get(die).name.clone());
        let part = Part::Variable(variable.kind);
        let item = item(part, ItemName::Text(&variable.name), variable.type_die, &place, 0);
        let value =
            self.hooked(scope, &item, |printer| printer.value(scope, variable.type_die, &place, 0))?;
        Some(Variable {
            kind: variable.kind,
            name: variable.name.clone(),
            type_name,
            address: place.address(),
            depth: variable.depth,
            value,
        })
    }

    /// The value that `show` gives, unless hooks step in; `None` when they hide it.
    fn hooked(
        &mut self,
        scope: &Scope<'_>,
        item: &Item<'_>,
        show: impl FnOnce(&mut Self) -> Value,
    ) -> Option<Value> {
        let Some(hooks) = self.hooks else { return Some(show(self)) };
        let (before, shown) = hooks.before(item);
        let value = match shown {
            Shown::AsIs => show(self),
            Shown::Taken => return hooks::with_texts(None, before, Vec::new()),
            Shown::Replaced(replaced) => {
                let Replaced { plugin, text, children, omitted } = *replaced;
                let members =
                    children.iter().filter_map(|child| self.child(scope, child, item.depth)).collect();
                Value::Replaced { plugin, text, members, omitted }
            }
        };
        hooks::with_texts(Some(value), before, hooks.after(item))
    }

    fn child(&mut self, scope: &Scope<'_>, child: &Child, depth: usize) -> Option<Member> {
        let Child { name, place, type_die } = child;
        let depth = depth + 1;
        let value = self.hooked(
            scope,
            &item(Part::Child, ItemName::Text(name), *type_die, place, depth),
            |printer| {
                match (type_die, place) {
                    // Without a type the place itself is all there is to show.
                    (None, Place::Memory(address)) => Value::Pointer {
                        text: address.to_string(),
                        symbol: scope.process.modules.name(*address).map(|name| name.to_string()),
                        pointee: Pointee::None,
                    },
                    _ if depth > printer.limits.depth => {
                        Value::unreadable(format_args!("--max-depth {}", printer.limits.depth))
                    }
                    _ => printer.value(scope, *type_die, place, depth),
                }
            },
        )?;
        let type_name = type_die.map(|die| scope.process.types.get(die).name.clone());
        Some(Member { name: Some(name.as_str().into()), type_name, bits: None, value })
    }

    /// The value of a type at a place, `depth` levels inside of the variable.
    pub fn value(&mut self, scope: &Scope<'_>, type_die: Option<Die>, place: &Place, depth: usize) -> Value {
        if let Place::Missing(missing) = place {
            return missing.value();
        }
        let Some(left) = self.values.checked_sub(1) else {
            return Value::unreadable(format_args!("more than {MAX_VALUES} values in one frame"));
        };
        self.values = left;
        let Some((die, found)) = type_die.and_then(|die| scope.process.types.resolve(die)) else {
            return Value::unreadable("its type is not described");
        };
        self.resolved_value(scope, die, &found, place, depth).unwrap_or_else(|missing| missing.value())
    }

    fn resolved_value(
        &mut self,
        scope: &Scope<'_>,
        die: Die,
        found: &Type,
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        let memory = scope.process.memory;
        let bits = found.size.unwrap_or(0).saturating_mul(8);
        let raw = || place.read_bits(memory, 0, bits);
        Ok(match &found.kind {
            Kind::Integer { signed } => scalar::integer(raw()?, bits, *signed),
            Kind::Char { signed } => scalar::character(raw()?, bits, *signed),
            Kind::Bool => scalar::boolean(raw()?),
            Kind::Enum { enumerators, signed } => scalar::enumerator(raw()?, bits, *signed, enumerators),
            Kind::Float => self.float(scope, found, place)?,
            Kind::Complex => self.complex(scope, found, place)?,
            Kind::Pointer { target } | Kind::Reference { target } => {
                self.pointer(scope, *target, place, depth)?
            }
            Kind::Array { .. } if depth > self.limits.depth + MAX_NESTED_ARRAYS => {
                return Err(Missing::Unsupported("arrays nested too deeply"));
            }
            Kind::Array { element, dimensions } => {
                let counts = self.counts(scope, dimensions);
                self.array(scope, found, *element, &counts, place, depth)?
            }
            Kind::Struct(record) => {
                let (members, cut) = self.record(scope, die, record, place, depth);
                let type_name = Some(found.name.clone());
                let words = is_siginfo(record).then(|| signal_in_words(memory, place)).flatten();
                Value::Struct { type_name, words, address: place.address(), members, cut }
            }
            Kind::Union(record) => {
                let (members, cut) = self.record(scope, die, record, place, depth);
                let type_name = Some(found.name.clone());
                Value::Union { type_name, address: place.address(), members, cut }
            }
            Kind::Void => Value::Struct {
                type_name: Some(found.name.clone()),
                words: None,
                address: None,
                members: Vec::new(),
                cut: None,
            },
            Kind::Function => match place.address() {
                Some(address) => Value::Function {
                    text: scope
                        .process
                        .modules
                        .name(address)
                        .map_or_else(|| address.to_string(), |name| name.to_string()),
                },
                None => Value::OPTIMIZED_OUT,
            },
            Kind::Incomplete => Value::unreadable("its type is not described in this object"),
            Kind::Alias { .. } | Kind::Opaque => match bits {
                1..=128 => scalar::integer(raw()?, bits, false),
                _ => Value::unreadable("its type is of a kind that is not supported"),
            },
        })
    }

    fn float(&self, scope: &Scope<'_>, found: &Type, place: &Place) -> Result<Value, Missing> {
        let mut bytes = vec![0; found.size.unwrap_or(0).min(16) as usize];
        // x87 registers hold ten bytes of the sixteen that a `long double` takes in memory.
        if bytes.len() > 10 && found.name.contains("long double") {
            bytes.truncate(10);
        }
        place.read(scope.process.memory, &mut bytes)?;
        scalar::float(&bytes, &found.name)
            .map(|text| Value::Float { text })
            .ok_or(Missing::Unsupported("a floating point format that is not supported"))
    }

    fn complex(&self, scope: &Scope<'_>, found: &Type, place: &Place) -> Result<Value, Missing> {
        let half = found.size.unwrap_or(0).min(64) / 2;
        let part = |offset: u64| {
            let mut bytes = vec![0; half as usize];
            place.offset(offset).read(scope.process.memory, &mut bytes)?;
            scalar::float(&bytes, &found.name)
                .ok_or(Missing::Unsupported("a complex format that is not supported"))
        };
        Ok(Value::Float { text: format!("{} + {}i", part(0)?, part(half)?) })
    }

    fn pointer(
        &mut self,
        scope: &Scope<'_>,
        target: Option<Die>,
        place: &Place,
        depth: usize,
    ) -> Result<Value, Missing> {
        if let Some((pointee, offset)) = place.implicit_pointer() {
            return Ok(self.removed_pointer(scope, pointee, offset, depth));
        }
        let raw = place.read_bits(scope.process.memory, 0, 64)?;
        let address = Address(raw as u64);
        if address.0 == 0 {
            return Ok(Value::Pointer { text: "nil".to_owned(), symbol: None, pointee: Pointee::None });
        }
        let symbol = scope.process.modules.name(address).map(|name| name.to_string());
        let pointee = match target.and_then(|target| scope.process.types.resolve(target)) {
            Some((die, found)) => self.pointee(scope, target, die, &found, address, depth),
            None => unfollowed(scope.process.memory, address),
        };
        Ok(Value::Pointer { text: address.to_string(), symbol, pointee })
    }

    /// A pointer without bits: the compiler kept only what it points at.
    fn removed_pointer(&mut self, scope: &Scope<'_>, pointee: Die, offset: i64, depth: usize) -> Value {
        let place = scope.place_of(pointee);
        let type_die = pointee.type_die();
        let value = match (u64::try_from(offset), self.may_go_deeper(depth)) {
            (Ok(0), true) => Pointee::Value(Box::new(self.value(scope, type_die, &place, depth + 1))),
            _ => Pointee::None,
        };
        Value::Pointer { text: "<optimized out pointer>".to_owned(), symbol: None, pointee: value }
    }

    fn may_go_deeper(&self, depth: usize) -> bool {
        depth < self.limits.depth
    }

    fn pointee(
        &mut self,
        scope: &Scope<'_>,
        declared: Option<Die>,
        die: Die,
        found: &Rc<Type>,
        address: Address,
        depth: usize,
    ) -> Pointee {
        let place = Place::Memory(address);
        let memory = scope.process.memory;
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

    /// The string a `char *` points at, up to its NUL or the limit.
    fn c_string(&self, scope: &Scope<'_>, found: &Type, address: Address) -> Option<Value> {
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

    fn string(&self, bytes: &[u8], length: u64) -> Value {
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

    /// The number of elements of each dimension; `None` where it cannot be told.
    fn counts(&self, scope: &Scope<'_>, dimensions: &[Count]) -> Vec<Option<u64>> {
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

    fn array(
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
        const MAX_STRIDE: u64 = 256;
        const MAX_COMPARED: u64 = 1 << 16;
        if stride > MAX_STRIDE {
            return 1;
        }
        let memory = scope.process.memory;
        let bytes = |index: u64| {
            let mut bytes = vec![0; stride as usize];
            place.offset(index.saturating_mul(stride)).read(memory, &mut bytes).ok().map(|()| bytes)
        };
        let Some(first) = bytes(index) else { return 1 };
        let limit = (count - index).min(MAX_COMPARED / stride);
        let run =
            (1..limit).take_while(|next| bytes(index + next).as_ref() == Some(&first)).count() as u64 + 1;
        if run >= MIN_REPEATS { run } else { 1 }
    }

    fn char_array(
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

    fn record(
        &mut self,
        scope: &Scope<'_>,
        die: Die,
        record: &Record,
        place: &Place,
        depth: usize,
    ) -> (Vec<Member>, Option<String>) {
        if !self.may_go_deeper(depth) {
            return (Vec::new(), Some(format!("--max-depth {}", self.limits.depth)));
        }
        if let Some(address) = place.address() {
            self.expanded.insert((address, die.key()));
        }
        let variant =
            record.variants.as_deref().map(|variants| active(scope, variants, place)).unwrap_or_default();
        let all = record.members.len() + variant.len();
        let cut = (all > MAX_MEMBERS).then(|| format!("{} of {all} members", all - MAX_MEMBERS));
        let members = record.members.iter().chain(variant).take(MAX_MEMBERS);
        (members.filter_map(|member| self.member(scope, die, member, place, depth)).collect(), cut)
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

    fn bit_field(
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

/// A value of its type's size.
fn item<'v>(
    part: Part,
    name: ItemName<'v>,
    type_die: Option<Die>,
    place: &'v Place,
    depth: usize,
) -> Item<'v> {
    Item { part, name, type_die, place, size: None, depth }
}

/// Whether a structure is a `siginfo_t`, whatever name its type goes by.
fn is_siginfo(record: &Record) -> bool {
    let names = record.members.iter().map(|member| member.name.as_deref());
    names.take(3).eq([Some("si_signo"), Some("si_errno"), Some("si_code")])
}

/// A `siginfo_t` as a signal frame shows it.
fn signal_in_words(memory: &dyn Memory, place: &Place) -> Option<String> {
    let mut raw = [0; siginfo::SIZE];
    place.read(memory, &mut raw).ok()?;
    let signal = siginfo::parse_siginfo(&raw)?;
    let address = signal.address.map(|address| format!(" ({address})")).unwrap_or_default();
    Some(format!("Signal {}: {}. {}{address}", signal.number, signal.description, signal.message))
}

/// What is shown behind a pointer to something without a value.
fn unfollowed(memory: &dyn Memory, address: Address) -> Pointee {
    match memory.read(address, &mut [0]) {
        0 => Pointee::Note("<invalid>"),
        _ => Pointee::None,
    }
}

/// The members of the variant that the discriminant tells (DWARF 5 §5.7.10).
fn active<'v>(scope: &Scope<'_>, variants: &'v Variants, place: &Place) -> &'v [types::Member] {
    let value = variants.discriminant.as_ref().and_then(|member| {
        let MemberOffset::Bits(start) = member.offset else { return None };
        let (_, found) = scope.process.types.resolve(member.type_die?)?;
        let bits = member.bit_size.or(found.size.map(|size| size.saturating_mul(8)))?;
        let raw = place.read_bits(scope.process.memory, start, bits).ok()?;
        Some((raw, bits))
    });
    // Discriminant values come signed or unsigned, whatever the producer found shorter.
    let holds = |listed: &Option<i128>| match (listed, value) {
        (Some(listed), Some((raw, bits))) => super::place::mask(*listed as u128, bits) == raw,
        _ => false,
    };
    let chosen = variants.variants.iter().find(|(listed, _)| holds(listed));
    let default = || variants.variants.iter().find(|(listed, _)| listed.is_none());
    chosen.or_else(default).map_or(&[], |(_, members)| members.as_slice())
}
