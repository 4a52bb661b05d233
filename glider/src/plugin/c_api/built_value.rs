//! Values of types that a module built, shown as those of the debug information are.

use super::described::{BOOL, CHAR, Described, MemberInfo, SIGNED, kind};
use super::handles::Handle;
use super::types::gimli_type_resolve;
use crate::address::Address;
use crate::plugin::host::Host;
use crate::report::{Element, Member, Pointee, Value};
use crate::values::{Missing, Place, Printer, Scope, scalar, text};
use std::ffi::CStr;
use std::sync::Arc;

/// Values of one printing that are shown.
const MAX_VALUES: usize = 10_000;

/// Shows one value and what is inside it.
pub(super) struct BuiltPrinter<'p, 'a> {
    host: &'p Host<'a>,
    scope: &'p Scope<'p>,
    left: usize,
}

/// A number of bits from a bit on, of a place.
#[derive(Clone, Copy)]
struct Bits {
    start: u64,
    size: u64,
}

impl<'p, 'a> BuiltPrinter<'p, 'a> {
    pub(super) fn new(host: &'p Host<'a>, scope: &'p Scope<'p>) -> BuiltPrinter<'p, 'a> {
        BuiltPrinter { host, scope, left: MAX_VALUES }
    }

    /// The value of a type at an address, `depth` levels inside of the outermost.
    pub(super) fn value(
        &mut self,
        printer: &mut Printer<'_>,
        handle: Handle,
        address: Address,
        depth: usize,
    ) -> Value {
        let place = Place::Memory(address);
        if let Some(die) = self.host.handles.die(handle) {
            return printer.value(self.scope, Some(die), &place, depth);
        }
        let Some(described) = self.host.describe(handle) else {
            return Value::unreadable("its type is not known");
        };
        let bits = Bits { start: 0, size: described.bits };
        self.described(printer, &described, &place, bits, depth).unwrap_or_else(|missing| missing.value())
    }

    fn described(
        &mut self,
        printer: &mut Printer<'_>,
        described: &Described,
        place: &Place,
        bits: Bits,
        depth: usize,
    ) -> Result<Value, Missing> {
        let limits = self.host.services.limits;
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(Value::unreadable(format_args!("more than {MAX_VALUES} values")));
        };
        self.left = left;
        let memory = self.scope.process.memory;
        let raw = || place.read_bits(memory, bits.start, bits.size);
        let format = described.encoding.map_or(0, |encoding| encoding.format);
        let is_signed = format & SIGNED != 0;
        let type_name = || Some(shared(&described.declared));
        Ok(match described.kind {
            kind::INTEGER if format & BOOL != 0 => scalar::boolean(raw()?),
            kind::INTEGER if format & CHAR != 0 => scalar::character(raw()?, bits.size, is_signed),
            kind::INTEGER => scalar::integer(raw()?, bits.size, is_signed),
            kind::ENUM => {
                let names: Vec<(i128, Arc<str>)> =
                    described.enumerators.iter().map(|(name, value)| (*value, shared(name))).collect();
                scalar::enumerator(raw()?, bits.size, true, &names)
            }
            kind::FLOAT => {
                let name = described.declared.to_string_lossy();
                let text = scalar::float(&bytes_of(raw()?, bits.size), &name);
                Value::Float {
                    text: text
                        .ok_or(Missing::Unsupported("a floating point format that is not supported"))?,
                }
            }
            kind::POINTER => self.pointer(printer, described, Address(raw()? as u64), depth),
            kind::TYPEDEF | kind::CONST | kind::VOLATILE | kind::RESTRICT if depth <= limits.depth => {
                return self.part(printer, described.target, place, bits, depth + 1);
            }
            kind::STRUCT | kind::UNION => {
                let cut = (depth >= limits.depth).then(|| format!("--max-depth {}", limits.depth));
                let members = match cut {
                    Some(_) => Vec::new(),
                    None => self.members(printer, described, place, depth),
                };
                let (type_name, address) = (type_name(), place.address());
                match described.kind {
                    kind::STRUCT => Value::Struct { type_name, words: None, address, members, cut },
                    _ => Value::Union { type_name, address, largest: None, members, cut },
                }
            }
            kind::ARRAY => {
                let (length, shown) = (u64::from(described.count), described.count as usize);
                let shown = shown.min(limits.array) as u64;
                let size = bits.size.checked_div(length).unwrap_or(0);
                let element = |index: u64| {
                    let bits = Bits { start: index * size, size };
                    let value = self.part(printer, described.target, place, bits, depth + 1);
                    let value = value.unwrap_or_else(|missing| missing.value());
                    Element { index, repeats: 1, value }
                };
                let elements = (0..shown).map(element).collect();
                Value::Array { type_name: type_name(), elements, length, omitted: length - shown }
            }
            _ => Value::unreadable("its type is of a kind that has no values"),
        })
    }

    /// A part of a place: of a type of the debug information, or a built one.
    fn part(
        &mut self,
        printer: &mut Printer<'_>,
        handle: Handle,
        place: &Place,
        bits: Bits,
        depth: usize,
    ) -> Result<Value, Missing> {
        let inner = place.offset(bits.start / 8);
        match (self.host.handles.die(handle), self.host.describe(handle)) {
            (Some(die), _) => Ok(printer.value(self.scope, Some(die), &inner, depth)),
            (None, Some(described)) => {
                let bits = Bits { start: bits.start % 8, size: bits.size };
                self.described(printer, &described, &inner, bits, depth)
            }
            (None, None) => Err(Missing::Unsupported("a type that is not known any more")),
        }
    }

    fn members(
        &mut self,
        printer: &mut Printer<'_>,
        described: &Described,
        place: &Place,
        depth: usize,
    ) -> Vec<Member> {
        let mut members = Vec::new();
        for (name, MemberInfo { member_type, offset, size }) in &described.members {
            let bits = Bits { start: *offset, size: *size };
            let own = self.host.describe(*member_type);
            let value = self.part(printer, *member_type, place, bits, depth + 1);
            members.push(Member {
                name: name.as_deref().map(shared),
                type_name: own.as_ref().map(|own| shared(&own.declared)),
                bits: own.filter(|own| own.bits != *size).map(|_| *size),
                value: value.unwrap_or_else(|missing| missing.value()),
            });
        }
        members
    }

    fn pointer(
        &mut self,
        printer: &mut Printer<'_>,
        described: &Described,
        address: Address,
        depth: usize,
    ) -> Value {
        if address.0 == 0 {
            return scalar::nil();
        }
        let target = self.host.describe(gimli_type_resolve(described.target));
        let has_value = |kind: i32| kind != kind::FUNCTION && kind != 0;
        let pointee = match target {
            Some(target) if is_character(&target) => match self.string(address) {
                Some(text) => Pointee::Value(Box::new(text)),
                None => Pointee::Note("<invalid>"),
            },
            Some(target) if has_value(target.kind) && depth < self.host.services.limits.depth => {
                Pointee::Value(Box::new(self.value(printer, described.target, address, depth + 1)))
            }
            _ => Pointee::None,
        };
        let symbol = self.host.services.name_of(address);
        Value::Pointer { text: scalar::address(address), symbol, pointee }
    }

    fn string(&self, address: Address) -> Option<Value> {
        let bytes = self.host.services.read_string(address)?;
        let shown = bytes.get(..self.host.services.limits.string).unwrap_or(&bytes);
        let end = if shown.len() < bytes.len() { "..." } else { "" };
        Some(Value::String { text: text::quote(shown) + end, length: bytes.len() as u64 })
    }
}

/// Whether values of a type are characters of one byte.
fn is_character(described: &Described) -> bool {
    let is_character = described.encoding.is_some_and(|encoding| encoding.format & CHAR != 0);
    described.kind == kind::INTEGER && is_character && described.bits == 8
}

fn shared(text: &CStr) -> Arc<str> {
    text.to_string_lossy().into()
}

/// The bytes of a number of so many bits, little-endian.
fn bytes_of(raw: u128, bits: u64) -> Vec<u8> {
    raw.to_le_bytes().into_iter().take((bits / 8) as usize).collect()
}
