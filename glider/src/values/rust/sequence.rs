//! Strings, slices, vectors and deques.

use super::part::Part;
use crate::address::Address;
use crate::dwarf::Die;
use crate::report::{Element, Value};
use crate::types::Kind;
use crate::values::hooks::{ItemName, Part as ItemPart};
use crate::values::location::Scope;
use crate::values::place::Place;
use crate::values::printer::{Printer, item};

/// A run of elements in memory.
pub(super) struct Run {
    /// Type of an element.
    pub(super) element: Die,
    /// Where the first one is.
    pub(super) start: u64,
    /// How many there are.
    pub(super) length: u64,
}

impl Printer<'_> {
    /// A fat pointer: `&str`, `&[T]`, `Box<[T]>`, `&Path`. `None` when it is none.
    pub(super) fn fat_pointer(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let data = part.member(types, "data_ptr")?;
        let length = part.member(types, "length")?.number(scope)?;
        let start = data.number(scope)?;
        let Kind::Pointer { target } = data.found.kind else { return None };
        let name = &*part.found.name;
        let pointee = name.rsplit(['&', ' ']).next().unwrap_or(name);
        let is_text = |end: &str| pointee == end || pointee.ends_with(&format!("::{end}"));
        let boxed = [
            "alloc::boxed::Box<str",
            "alloc::boxed::Box<std::path::Path",
            "alloc::boxed::Box<std::ffi::os_str::OsStr",
        ];
        if ["str", "Path", "OsStr"].into_iter().any(is_text)
            || boxed.iter().any(|start| name.starts_with(start))
        {
            return Some(self.text(scope, "str", start, length));
        }
        if is_text("CStr") || name.starts_with("alloc::boxed::Box<core::ffi::c_str::CStr") {
            return Some(self.text(scope, "CStr", start, length.checked_sub(1)?));
        }
        name.contains('[').then_some(())?;
        Some(self.run(scope, part, "slice", &Run { element: target?, start, length }, depth))
    }

    /// `String`, `OsString`, `PathBuf` and `CString`: text in a vector or box of bytes.
    pub(super) fn owned_text(&mut self, scope: &Scope<'_>, part: &Part) -> Option<Value> {
        let types = scope.process.types;
        let kind = part.short_name();
        if kind == "CString" {
            let data = part.deep(types, "data_ptr")?.number(scope)?;
            let length = part.deep(types, "length")?.number(scope)?;
            return Some(match length.checked_sub(1) {
                Some(length) => self.text(scope, kind, data, length),
                None => not_a(kind, "it has no room for its NUL"),
            });
        }
        let (start, length, capacity) = vector(scope, part)?;
        if length > capacity {
            return Some(not_a(kind, format_args!("length {length} exceeds capacity {capacity}")));
        }
        Some(self.text(scope, kind, start, length))
    }

    /// The text of a string: bytes that should be UTF-8, escaped where they are not.
    pub(super) fn text(&self, scope: &Scope<'_>, kind: &str, start: u64, length: u64) -> Value {
        let shown = length.min(self.limits.string as u64 + 1);
        let mut bytes = vec![0; shown as usize];
        let end = start.checked_add(length);
        // An empty string may point anywhere.
        if length > 0 && scope.process.memory.read_exact(Address(start), &mut bytes).is_none()
            || end.is_none_or(|end| end > start && !is_readable(scope, end - 1))
        {
            return not_a(kind, format_args!("its {length} bytes at {start:#x} are not mapped"));
        }
        self.string(&bytes, length)
    }

    /// `Vec<T>`.
    pub(super) fn vector(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let element = part.parameter("T")?;
        let (start, length, capacity) = vector(scope, part)?;
        let (_, found) = scope.process.types.resolve(element)?;
        if length > capacity && found.size? > 0 {
            return Some(not_a("Vec", format_args!("length {length} exceeds capacity {capacity}")));
        }
        Some(self.run(scope, part, "Vec", &Run { element, start, length }, depth))
    }

    /// `VecDeque<T>`: a ring.
    pub(super) fn deque(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let element = part.parameter("T")?;
        let head = part.member(types, "head")?.number(scope)?;
        let length = part.member(types, "len")?.number(scope)?;
        let buffer = part.member(types, "buf")?;
        let capacity = buffer.deep(types, "cap")?.number(scope)?;
        let start = buffer.pointer(types)?.number(scope)?;
        let size = types.resolve(element)?.1.size?;
        if size > 0 && (length > capacity || head > capacity) {
            let why = format_args!("length {length} or head {head} exceeds capacity {capacity}");
            return Some(not_a("VecDeque", why));
        }
        let at = |index: u64| {
            let place = head.wrapping_add(index);
            let place = if place >= capacity { place.wrapping_sub(capacity) } else { place };
            Place::Memory(Address(start.wrapping_add(place.wrapping_mul(size))))
        };
        let (elements, omitted) = self.elements(scope, element, length, depth, at);
        Some(sequence(part, false, elements, length, omitted))
    }

    /// Elements behind each other in memory.
    pub(super) fn run(
        &mut self,
        scope: &Scope<'_>,
        part: &Part,
        kind: &str,
        run: &Run,
        depth: usize,
    ) -> Value {
        let Run { element, start, length } = *run;
        let size = scope.process.types.resolve(element).and_then(|(_, found)| found.size).unwrap_or(0);
        let end = length.checked_mul(size).and_then(|bytes| start.checked_add(bytes));
        let is_mapped = |end: u64| end == start || is_readable(scope, start) && is_readable(scope, end - 1);
        if !end.is_some_and(is_mapped) {
            return not_a(kind, format_args!("its {length} elements at {start:#x} are not mapped"));
        }
        let at = |index: u64| Place::Memory(Address(start.wrapping_add(index.wrapping_mul(size))));
        let (elements, omitted) = self.elements(scope, element, length, depth, at);
        sequence(part, false, elements, length, omitted)
    }

    /// The elements that the limits allow, and how many there are beyond them.
    pub(super) fn elements(
        &mut self,
        scope: &Scope<'_>,
        element: Die,
        length: u64,
        depth: usize,
        at: impl Fn(u64) -> Place,
    ) -> (Vec<Element>, u64) {
        let shown = if self.may_go_deeper(depth) { length.min(self.limits.array as u64) } else { 0 };
        let elements: Vec<Element> = (0..shown)
            .map(|index| {
                let place = at(index);
                let value = self.element(scope, element, ItemName::Index(index), &place, depth);
                Element { index, repeats: 1, value }
            })
            .collect();
        (elements, length - shown)
    }

    /// One element, key or value.
    pub(super) fn element(
        &mut self,
        scope: &Scope<'_>,
        element: Die,
        name: ItemName<'_>,
        place: &Place,
        depth: usize,
    ) -> Value {
        let item = item(ItemPart::Element, name, Some(element), place, depth + 1);
        let value =
            self.hooked(scope, &item, |printer| printer.value(scope, Some(element), place, depth + 1));
        value.unwrap_or(Value::HIDDEN)
    }
}

/// A sequence or set.
pub(super) fn sequence(part: &Part, set: bool, elements: Vec<Element>, length: u64, omitted: u64) -> Value {
    Value::Sequence { type_name: Some(part.found.name.clone()), set, elements, length, omitted }
}

/// Start, length and capacity of the `Vec` that a value is or has in it.
fn vector(scope: &Scope<'_>, part: &Part) -> Option<(u64, u64, u64)> {
    let types = scope.process.types;
    let buffer = part.deep(types, "buf")?;
    let length = part.deep(types, "len")?.number(scope)?;
    let capacity = buffer.deep(types, "cap")?.number(scope)?;
    let start = buffer.pointer(types)?.number(scope)?;
    Some((start, length, capacity))
}

/// What is shown of a value that cannot be one of its type: it is not initialised yet, moved from or overwritten.
pub(super) fn not_a(kind: &str, why: impl std::fmt::Display) -> Value {
    Value::Unreadable { text: format!("<not a {kind}: {why}>") }
}

pub(super) fn is_readable(scope: &Scope<'_>, address: u64) -> bool {
    scope.process.memory.read(Address(address), &mut [0]) == 1
}
