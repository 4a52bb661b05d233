//! From a place and a type to a value: structures member by member, arrays element by
//! element, pointers followed, each within its limit.

mod array;
mod number;
mod pointer;
mod record;
mod string;

pub(super) use record::{Instance, active};

use self::array::Shape;
use super::hooks::{self, Before, Child, Item, ItemName, Part, Replaced, Shown, ValueHooks};
use super::location::Scope;
use super::place::{Missing, Place};
use super::{cpp, scalar};
use crate::address::Address;
use crate::dwarf::{Die, VariableDie};
use crate::limits::{Limits, NESTED_ARRAYS};
use crate::report::{Member, Pointee, Value, Variable};
use crate::types::{Kind, Type};
use rustc_hash::FxHashSet;

/// Prints the variables of one thread: what was expanded once is not expanded again.
pub struct Printer<'a> {
    pub(super) limits: &'a Limits,
    hooks: Option<&'a dyn ValueHooks>,
    /// Whether values are shown as their types are laid out, and not as their language writes them.
    raw: bool,
    expanded: FxHashSet<(Address, (usize, usize))>,
    /// Pointers that may still be followed for the frame at hand.
    pointers: usize,
    /// Values that may still be read for the frame at hand.
    values: usize,
}

impl<'a> Printer<'a> {
    /// A printer for one thread; `hooks` may step in at every value.
    pub fn new(limits: &'a Limits, hooks: Option<&'a dyn ValueHooks>) -> Printer<'a> {
        Printer { limits, hooks, raw: false, expanded: FxHashSet::default(), pointers: 0, values: 0 }
    }

    /// The same printer, which shows values as their types are laid out when `raw`.
    pub fn raw(self, raw: bool) -> Printer<'a> {
        Printer { raw, ..self }
    }

    /// Allows for as many pointers and values as one frame may have.
    pub fn refill(&mut self) {
        self.pointers = self.limits.pointers;
        self.values = self.limits.values;
    }

    /// The variables of one function in scope, in order.
    pub fn variables(&mut self, scope: &Scope<'_>, variables: &[VariableDie]) -> Vec<Variable> {
        self.refill();
        variables.iter().filter_map(|variable| self.variable(scope, variable)).collect()
    }

    /// `None` when it was hidden.
    fn variable(&mut self, scope: &Scope<'_>, variable: &VariableDie) -> Option<Variable> {
        let moving = scope.process.memory.moving_reads();
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
            read_while_running: scope.process.memory.moving_reads() != moving,
        })
    }

    /// The value that `show` gives, unless hooks step in; `None` when they hide it.
    pub(super) fn hooked(
        &mut self,
        scope: &Scope<'_>,
        item: &Item<'_>,
        show: impl FnOnce(&mut Self) -> Value,
    ) -> Option<Value> {
        // A value is large and there are many: it is made where it is given back from.
        let mut value;
        match self.hooks.and_then(|hooks| hooks.before(scope, item)) {
            Some(before) => value = self.intervened(scope, item, *before, show),
            None => {
                value = Some(show(self));
                if let Some(after) = self.hooks.and_then(|hooks| hooks.after(scope, item)) {
                    value = hooks::with_texts(value, Vec::new(), after.texts);
                }
            }
        }
        value
    }

    /// The value where hooks printed something before it, or decide how it is shown.
    #[cold]
    fn intervened(
        &mut self,
        scope: &Scope<'_>,
        item: &Item<'_>,
        before: Before,
        show: impl FnOnce(&mut Self) -> Value,
    ) -> Option<Value> {
        let Before { texts, shown } = before;
        let value = match shown {
            Shown::AsIs => show(self),
            Shown::Taken => return hooks::with_texts(None, texts, Vec::new()),
            Shown::Replaced(replaced) => self.replaced(scope, *replaced, item.depth),
        };
        let after = self.hooks.and_then(|hooks| hooks.after(scope, item)).unwrap_or_default();
        hooks::with_texts(Some(value), texts, after.texts)
    }

    fn replaced(&mut self, scope: &Scope<'_>, replaced: Replaced, depth: usize) -> Value {
        let Replaced { plugin, text, children, omitted } = replaced;
        let members = children.iter().filter_map(|child| self.child(scope, child, depth)).collect();
        Value::Replaced { plugin, text, members, omitted }
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
                        text: scalar::address(*address),
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
            let most = self.limits.values;
            return Value::unreadable(format_args!("more than {most} values in one frame (--max-values)"));
        };
        self.values = left;
        let Some((die, found)) = type_die.and_then(|die| scope.process.resolve_defined(die)) else {
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
            Kind::Array { .. } if depth > self.limits.depth + NESTED_ARRAYS => {
                return Err(Missing::Unsupported("arrays nested too deeply"));
            }
            Kind::Array { descriptor: Some(descriptor), .. } => {
                self.described_array(scope, die, found, descriptor, place, depth)?
            }
            Kind::Array { element, dimensions, .. } => {
                let counts = self.counts(scope, dimensions, None);
                let shape = Shape { counts: &counts, strides: &[] };
                self.array(scope, found, *element, shape, place, depth)?
            }
            Kind::Text { length } => self.counted_text(scope, *length, place)?,
            Kind::Struct(record) => {
                let instance = Instance { die, found, record, place, depth };
                self.shown_as(scope, &instance).unwrap_or_else(|| self.structure(scope, &instance, None))
            }
            Kind::Union(record) => self.union(scope, &Instance { die, found, record, place, depth }),
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
            Kind::Incomplete => Value::unreadable("its type is only declared"),
            Kind::MemberPointer(pointer) => {
                let words = if pointer.is_function { 2 } else { 1 };
                cpp::member_pointer(scope, pointer, bits / words, place)?
            }
            Kind::Alias { .. } | Kind::Opaque => match bits {
                1..=128 => scalar::integer(raw()?, bits, false),
                _ => Value::unreadable("its type is of a kind that is not supported"),
            },
        })
    }

    /// The value of a structure that reads better than its members do, where its type is known
    /// by its language or by name; `None`: it is shown member by member.
    fn shown_as(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        let known = self.siginfo(scope, instance).or_else(|| self.go_string(scope, instance));
        known.or_else(|| (!self.raw).then(|| self.rust(scope, instance))?)
    }

    pub(super) fn may_go_deeper(&self, depth: usize) -> bool {
        depth < self.limits.depth
    }

    /// Notes that a structure is shown: further pointers to it say so.
    pub(super) fn mark(&mut self, place: &Place, die: Die) {
        if let Some(address) = place.address() {
            self.expanded.insert((address, die.key()));
        }
    }
}

/// A value of its type's size.
pub(super) fn item<'v>(
    part: Part,
    name: ItemName<'v>,
    type_die: Option<Die>,
    place: &'v Place,
    depth: usize,
) -> Item<'v> {
    Item { part, name, type_die, place, size: None, depth }
}
