//! Containers of nodes in a row: `list`, `forward_list`, and the unordered ones.
//!
//! A walk takes as many steps as elements are shown, and where only the walk can tell the length a fixed number more;
//! it ends where a link is implausible or leads back.

use crate::elements::{Element, Sequence};
use crate::fault::{Fault, ensure};
use crate::names::{self, Instance};
use crate::view::View;
use gimli_plugin_api::{Address, Replacement, TypeId};
use std::collections::HashSet;

/// Steps of a walk that counts the elements of a list that does not know their number.
const MAX_STEPS: u64 = 4096;
/// Elements that are believed.
const MAX_LENGTH: u64 = 1 << 46;

/// A node type, and the elements in its nodes.
pub(crate) struct Node<'c, 'h> {
    view: View<'c, 'h>,
    /// What lies at `_M_storage` or `_M_data`.
    pub(crate) element: Element,
}

impl<'c, 'h> Node<'c, 'h> {
    /// The node type of a container: what its allocator allocates. By the name of that, or of its elements, where the
    /// debug information has no arguments of templates.
    ///
    /// No member of a container is of that type: only links are.
    pub(crate) fn find(view: &View<'c, 'h>, template: &str, instance: &Instance<'_>) -> Option<Node<'c, 'h>> {
        let inner = view.member("_M_impl").or_else(|_| view.member("_M_h")).ok()?;
        let bases = inner.bases().ok()?;
        let is_node = |id: &TypeId| {
            let info = view.with(Address::NULL, *id).info();
            info.is_ok_and(|info| names::parse(&info.name).is_some_and(|name| name.template == template))
        };
        let allocated =
            bases.iter().find_map(|(_, base)| view.context.argument(base.type_id, 0).filter(is_node));
        if let Some(node) = allocated {
            let element = Element::argument(&view.context, node, 0, "");
            return Some(Node { view: view.with(Address::NULL, node), element });
        }
        let named = bases.iter().find_map(|(name, _)| names::find_inside(name, template));
        let made_up = format!("{template}<{}>", instance.arguments.first().copied().unwrap_or_default());
        let name = named.unwrap_or(&made_up);
        let node = view.context.named(name)?;
        let arguments = names::parse(name).map(|parsed| parsed.arguments).unwrap_or_default();
        let element = arguments.first().copied().unwrap_or_default();
        let element = Element::argument(&view.context, node, 0, element);
        Some(Node { view: view.with(Address::NULL, node), element })
    }

    /// Where the element of the node at `address` is.
    pub(crate) fn element_at(&self, address: Address) -> Result<Address, Fault> {
        let node = self.view.with(address, self.view.type_id);
        Ok(node.member("_M_storage").or_else(|_| node.member("_M_data"))?.address)
    }

    /// A link of the node at `address`, or of any other of its links' targets.
    pub(crate) fn link(&self, address: Address, name: &'static str) -> Result<Address, Fault> {
        self.view.with(address, self.view.type_id).member(name)?.pointer()
    }

    /// That the node of element `index` may be at `address`.
    pub(crate) fn check(&self, address: Address, index: u64) -> Result<(), Fault> {
        self.check_link(&format!("the link to [{index}]"), address)
    }

    /// That a node may be at `address`, which `what` leads to.
    pub(crate) fn check_link(&self, what: &str, address: Address) -> Result<(), Fault> {
        // Aligned as its pointers are.
        self.view.context.ensure_points(what, address, self.view.context.word(), self.view.size()?)
    }
}

/// What can be said of a container whose nodes are not described.
pub(crate) fn without_nodes(title: &str) -> Replacement {
    Replacement::new(format!("{title}, of nodes that are not described"))
}

/// A container that is corrupt from an element on: the elements before it are shown.
pub(crate) fn broken(
    fault: Fault,
    kind: &str,
    view: &View<'_, '_>,
    addresses: Vec<Address>,
    element: &Element,
) -> Result<Replacement, Fault> {
    match fault {
        Fault::Invalid(why) if !addresses.is_empty() => {
            let length = addresses.len() as u64;
            let title = format!("<not a valid {kind}: {why}>");
            Ok(Sequence { title, addresses, length }.numbered(view, element))
        }
        fault => Err(fault),
    }
}

/// `std::list`: a ring through the object itself, linked both ways.
pub(crate) fn list(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let head = view.path(&["_M_impl", "_M_node"])?;
    let noted = head.member("_M_size").ok().map(|size| size.number()).transpose()?;
    let next = head.member("_M_next")?.pointer()?;
    let previous = head.member("_M_prev")?.pointer()?;
    if noted == Some(0) || next == head.address {
        ensure(next == head.address && previous == head.address && noted.unwrap_or(0) == 0, || {
            format!("its links and its length of {} contradict each other", noted.unwrap_or(0))
        })?;
        return Ok(Replacement::new("std::list of length 0"));
    }
    ensure(noted.unwrap_or(0) < MAX_LENGTH, || format!("length {}", noted.unwrap_or(0)))?;
    let Some(node) = Node::find(view, "std::_List_node", instance) else {
        let length = noted.map(|noted| format!(" of length {noted}")).unwrap_or_default();
        return Ok(without_nodes(&format!("std::list{length}")));
    };
    node.check(previous, noted.map_or(MAX_STEPS, |noted| noted - 1))?;
    let back = node.link(previous, "_M_next")?;
    ensure(back == head.address, || "its last node does not lead back to it".into())?;
    let limit = view.context.elements();
    let (mut addresses, mut length) = (Vec::new(), 0);
    let mut walk = || {
        let (mut before, mut at) = (head.address, next);
        let steps = noted.map_or(MAX_STEPS, |noted| noted.min(limit));
        while at != head.address && length < steps {
            node.check(at, length)?;
            let back = node.link(at, "_M_prev")?;
            ensure(back == before, || format!("[{length}] does not lead back to the one before it"))?;
            if length < limit {
                addresses.push(node.element_at(at)?);
            }
            length += 1;
            (before, at) = (at, node.link(at, "_M_next")?);
        }
        let is_end = at == head.address;
        match noted {
            Some(noted) => ensure(is_end == (length == noted), || match is_end {
                true => format!("it ends after {length} of {noted} elements"),
                false => format!("it goes on after {noted} elements"),
            })
            .map(|()| String::new()),
            None => Ok(if is_end { String::new() } else { "more than ".into() }),
        }
    };
    let walked = walk();
    let more = match walked {
        Ok(more) => more,
        Err(fault) => return broken(fault, "std::list", view, addresses, &node.element),
    };
    let length = noted.unwrap_or(length);
    let title = format!("std::list of length {more}{length}");
    Ok(Sequence { title, addresses, length }.numbered(view, &node.element))
}

/// `std::forward_list`: it knows its first node only.
pub(crate) fn forward_list(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let mut at = view.path(&["_M_impl", "_M_head", "_M_next"])?.pointer()?;
    if at.is_null() {
        return Ok(Replacement::new("std::forward_list of length 0"));
    }
    let Some(node) = Node::find(view, "std::_Fwd_list_node", instance) else {
        return Ok(without_nodes("std::forward_list"));
    };
    let limit = view.context.elements();
    let (mut addresses, mut seen) = (Vec::new(), HashSet::new());
    let mut walk = || {
        while !at.is_null() && (seen.len() as u64) < MAX_STEPS {
            let index = seen.len() as u64;
            node.check(at, index)?;
            ensure(seen.insert(at), || format!("it is a circle: the link after [{}] leads back", index - 1))?;
            if index < limit {
                addresses.push(node.element_at(at)?);
            }
            at = node.link(at, "_M_next")?;
        }
        Ok(())
    };
    if let Err(fault) = walk() {
        return broken(fault, "std::forward_list", view, addresses, &node.element);
    }
    let length = seen.len() as u64;
    let more = if at.is_null() { "" } else { "more than " };
    let title = format!("std::forward_list of length {more}{length}");
    Ok(Sequence { title, addresses, length }.numbered(view, &node.element))
}

/// The unordered containers: buckets, and all nodes in one row.
pub(crate) fn unordered(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let table = view.member("_M_h")?;
    let length = table.member("_M_element_count")?.number()?;
    let buckets = table.member("_M_bucket_count")?.number()?;
    let array = table.member("_M_buckets")?.pointer()?;
    let mut at = table.path(&["_M_before_begin", "_M_nxt"])?.pointer()?;
    ensure((1..MAX_LENGTH).contains(&buckets), || format!("{buckets} buckets"))?;
    let word = view.context.word();
    view.context.ensure_points("its array of buckets", array, word, buckets * word)?;
    ensure(length < MAX_LENGTH, || format!("length {length}"))?;
    ensure((length == 0) == at.is_null(), || {
        format!("its first link {at} and its length of {length} contradict each other")
    })?;
    let kind = instance.template.clone();
    let of = format!("{kind} of length {length}");
    if length == 0 {
        return Ok(Replacement::new(of));
    }
    let Some(node) = Node::find(view, "std::__detail::_Hash_node", instance) else {
        return Ok(without_nodes(&of));
    };
    let steps = length.min(view.context.elements());
    let (mut addresses, mut seen) = (Vec::new(), HashSet::new());
    let mut walk = || {
        for index in 0..steps {
            ensure(!at.is_null(), || format!("it ends after {index} of {length} elements"))?;
            node.check(at, index)?;
            ensure(seen.insert(at), || format!("it is a circle: the link to [{index}] leads back"))?;
            addresses.push(node.element_at(at)?);
            at = node.link(at, "_M_nxt")?;
        }
        ensure(steps < length || at.is_null(), || format!("it goes on after {length} elements"))
    };
    if let Err(fault) = walk() {
        return broken(fault, &kind, view, addresses, &node.element);
    }
    let sequence = Sequence { title: of, addresses, length };
    Ok(match node.element {
        Element::Known(pair) if kind.contains("map") => sequence.keyed(view, pair),
        element => sequence.numbered(view, &element),
    })
}
