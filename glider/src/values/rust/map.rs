//! Hash tables and B-trees as their entries.

use super::part::Part;
use super::sequence::{is_readable, not_a, sequence};
use crate::address::Address;
use crate::dwarf::Die;
use crate::report::{Element, Entry, Value};
use crate::values::hooks::ItemName;
use crate::values::location::Scope;
use crate::values::place::Place;
use crate::values::printer::Printer;
use std::cell::Cell;

/// Control bytes of one table that are read: with so many buckets the entries shown are among the first.
const MAX_BUCKETS: u64 = 1 << 20;
/// Levels of a B-tree: with eleven keys a node there are never more.
const MAX_HEIGHT: u64 = 24;
/// Keys of a B-tree's node.
const NODE_KEYS: u64 = 11;

/// Where the entries of a map are, as many as are shown, and how many there are in all.
struct Entries {
    places: Vec<(Place, Place)>,
    length: u64,
}

impl Printer<'_> {
    /// `HashMap` and `HashSet`, whose table is hashbrown's.
    pub(super) fn hash_table(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let kind = part.short_name().to_owned();
        let raw = part.raw_table(scope)?;
        let pair = Part::new(types, raw.parameter("T")?, Place::Memory(Address(0)))?;
        let size = pair.size()?;
        let mask = raw.deep(types, "bucket_mask")?.number(scope)?;
        let items = raw.deep(types, "items")?.number(scope)?;
        let control = raw.deep(types, "ctrl")?.number(scope)?;
        let buckets = mask.wrapping_add(1);
        if !buckets.is_power_of_two() || items > buckets {
            return Some(not_a(&kind, format_args!("{items} items, mask {mask:#x}")));
        }
        if !is_readable(scope, control) || !is_readable(scope, control.wrapping_add(mask)) {
            return Some(not_a(&kind, format_args!("its table at {control:#x} is not mapped")));
        }
        let wanted = if self.may_go_deeper(depth) { items.min(self.limits.array as u64) } else { 0 };
        let places =
            used_buckets(scope, control, buckets.min(MAX_BUCKETS), wanted).into_iter().map(|after| {
                let pair = Place::Memory(Address(control.wrapping_sub(size.wrapping_mul(after))));
                (pair.clone(), pair)
            });
        let entries = Entries { places: places.collect(), length: items };
        let (key, value) = (pair.member(types, "__0")?, pair.member(types, "__1")?);
        let offset = |part: &Part| part.place.address().map_or(0, |address| address.0);
        let at = (offset(&key), offset(&value));
        Some(self.entries(scope, part, kind.contains("Set"), (key.die, value.die), at, entries, depth))
    }

    /// `BTreeMap` and `BTreeSet`.
    pub(super) fn btree(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let kind = part.short_name().to_owned();
        let map = if part.member(types, "root").is_some() { part.clone() } else { part.deep(types, "map")? };
        let length = map.member(types, "length")?.number(scope)?;
        let (key, value) = (map.parameter("K")?, map.parameter("V")?);
        let root = map.member(types, "root")?;
        let root = root.active_variant(scope)?;
        let wanted = if self.may_go_deeper(depth) { length.min(self.limits.array as u64) } else { 0 };
        let mut places = Vec::new();
        if let Some(node) = root.deep(types, "node") {
            let height = root.deep(types, "height")?.number(scope)?;
            let pointer = node.pointer(types)?;
            let crate::types::Kind::Pointer { target } = pointer.found.kind else { return None };
            let tree = Tree {
                scope,
                leaf: target?,
                wanted: wanted as usize,
                nodes: Cell::new(wanted as usize + MAX_HEIGHT as usize),
            };
            if let Err(why) = tree.walk(pointer.number(scope)?, height, &mut places) {
                return Some(not_a(&kind, why));
            }
        }
        let entries = Entries { places, length };
        Some(self.entries(scope, part, kind.contains("Set"), (key, value), (0, 0), entries, depth))
    }

    #[expect(clippy::too_many_arguments, reason = "what an entry is made of")]
    fn entries(
        &mut self,
        scope: &Scope<'_>,
        part: &Part,
        is_set: bool,
        (key, value): (Die, Die),
        at: (u64, u64),
        entries: Entries,
        depth: usize,
    ) -> Value {
        let Entries { places, length } = entries;
        let omitted = length.saturating_sub(places.len() as u64);
        let keys = (0..).zip(&places).map(|(index, (place, _))| (index, place.offset(at.0)));
        if is_set {
            let elements = keys.map(|(index, place)| {
                let value = self.element(scope, key, ItemName::Index(index), &place, depth);
                Element { index, repeats: 1, value }
            });
            let elements = elements.collect();
            return sequence(part, true, elements, length, omitted);
        }
        let entries = keys.zip(&places).map(|((index, key_place), (_, place))| Entry {
            key: self.element(scope, key, ItemName::Index(index), &key_place, depth),
            value: self.element(scope, value, ItemName::Index(index), &place.offset(at.1), depth),
        });
        let entries = entries.collect();
        Value::Map { type_name: Some(part.found.name.clone()), entries, length, omitted }
    }
}

/// The first `wanted` buckets that are in use, counted from 1. A control byte without its high bit
/// marks one; bucket n ends n elements before the control bytes.
fn used_buckets(scope: &Scope<'_>, control: u64, buckets: u64, wanted: u64) -> Vec<u64> {
    let mut used = Vec::new();
    let mut chunk = [0; 1024];
    let mut first = 0;
    while first < buckets && (used.len() as u64) < wanted {
        let read = scope.process.memory.read(Address(control.wrapping_add(first)), &mut chunk);
        let bytes = chunk.get(..read).unwrap_or_default();
        let here = (first..buckets).zip(bytes).filter(|(_, byte)| **byte & 0x80 == 0);
        used.extend(here.map(|(bucket, _)| bucket + 1));
        if read < chunk.len() {
            break;
        }
        first += read as u64;
    }
    used.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    used
}

impl Part {
    /// The `hashbrown::raw::RawTable<T>` in a value.
    fn raw_table(&self, scope: &Scope<'_>) -> Option<Part> {
        let types = scope.process.types;
        let mut part = self.clone();
        for _ in 0..8 {
            if part.short_name() == "RawTable" {
                return Some(part);
            }
            part = part
                .member(types, "base")
                .or_else(|| part.member(types, "map"))
                .or_else(|| part.member(types, "table"))?;
        }
        None
    }
}

/// A B-tree that is walked in the order of its keys.
struct Tree<'a> {
    scope: &'a Scope<'a>,
    /// Type of a node, `LeafNode<K, V>`.
    leaf: Die,
    wanted: usize,
    /// Nodes that may still be looked at: each but the root holds several of the entries wanted.
    nodes: Cell<usize>,
}

impl Tree<'_> {
    /// Adds the entries below a node.
    fn walk(&self, node: u64, height: u64, places: &mut Vec<(Place, Place)>) -> Result<(), String> {
        if height > MAX_HEIGHT {
            return Err(format!("height {height}"));
        }
        let left = self.nodes.get().checked_sub(1).ok_or("its nodes hold nothing")?;
        self.nodes.set(left);
        let broken = || format!("its node at {node:#x} cannot be read");
        let types = self.scope.process.types;
        let leaf = Part::new(types, self.leaf, Place::Memory(Address(node))).ok_or_else(broken)?;
        let number = |name: &str| leaf.member(types, name)?.number(self.scope);
        let count = number("len").ok_or_else(broken)?;
        if count > NODE_KEYS {
            return Err(format!("its node at {node:#x} has {count} keys"));
        }
        let (keys, values) = leaf.member(types, "keys").zip(leaf.member(types, "vals")).ok_or_else(broken)?;
        let size = leaf.size().ok_or_else(broken)?;
        // struct InternalNode { data: LeafNode, edges: [NonNull; 12] }, repr(C).
        let edges = node.wrapping_add(size.next_multiple_of(8));
        for index in 0..=count {
            if places.len() >= self.wanted {
                return Ok(());
            }
            if height > 0 {
                let edge = self.scope.process.memory.read_u64(Address(edges.wrapping_add(8 * index)));
                self.walk(edge.ok_or_else(broken)?, height - 1, places)?;
            }
            if index < count && places.len() < self.wanted {
                let element = |part: &Part| part.element(types, index);
                places.push(element(&keys).zip(element(&values)).ok_or_else(broken)?);
            }
        }
        Ok(())
    }
}
