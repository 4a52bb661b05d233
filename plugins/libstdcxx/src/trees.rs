//! `map`, `set`, `multimap`, `multiset`: a red-black tree.
//!
//! Walked in order from its leftmost node; every step between two elements is bounded by the
//! height that a tree may have.

use crate::elements::{Element, Sequence};
use crate::fault::{Fault, ensure};
use crate::lists::{Node, broken, without_nodes};
use crate::names::Instance;
use crate::view::View;
use gimli_plugin_api::{Address, Replacement};

/// Elements that are believed.
const MAX_LENGTH: u64 = 1 << 46;
/// Twice the logarithm of what is believed: no red-black tree is higher.
const MAX_HEIGHT: u32 = 96;

/// One of the four.
pub(crate) fn tree(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let implementation = view.path(&["_M_t", "_M_impl"])?;
    let header = implementation.member("_M_header")?;
    let length = implementation.member("_M_node_count")?.number()?;
    let link = |name| header.member(name)?.pointer();
    let (root, first, last) = (link("_M_parent")?, link("_M_left")?, link("_M_right")?);
    ensure(length < MAX_LENGTH, || format!("length {length}"))?;
    let is_empty = root.is_null() && first == header.address && last == header.address;
    ensure((length == 0) == is_empty, || {
        format!("its links and its length of {length} contradict each other")
    })?;
    let kind = instance.template.clone();
    let title = format!("{kind} of length {length}");
    if length == 0 {
        return Ok(Replacement::new(title));
    }
    let tree = view.member("_M_t")?;
    let Some(node) = Node::find(&tree, "std::_Rb_tree_node", instance) else {
        return Ok(without_nodes(&title));
    };
    let walk = Walk { node: &node, header: header.address };
    walk.check(root, header.address)?;
    ensure(node.link(first, "_M_left").is_ok_and(Address::is_null), || {
        "its first node is not the leftmost".into()
    })?;
    let steps = length.min(view.context.elements());
    let (mut addresses, mut at) = (Vec::new(), first);
    let mut visit = || {
        for index in 0..steps {
            ensure(at != header.address, || format!("it ends after {index} of {length} elements"))?;
            node.check(at, index)?;
            addresses.push(node.element_at(at)?);
            at = walk.next(at)?;
        }
        ensure(steps < length || at == header.address, || format!("it goes on after {length} elements"))
    };
    if let Err(fault) = visit() {
        return broken(fault, &kind, view, addresses, &node.element);
    }
    let sequence = Sequence { title, addresses, length };
    Ok(match node.element {
        Element::Known(pair) if kind.ends_with("map") => sequence.keyed(view, pair),
        element => sequence.numbered(view, &element),
    })
}

struct Walk<'w, 'c, 'h> {
    node: &'w Node<'c, 'h>,
    header: Address,
}

impl Walk<'_, '_, '_> {
    /// That the node is one, and its link upwards leads where it was come from.
    fn check(&self, at: Address, parent: Address) -> Result<(), Fault> {
        self.node.check_link("a link of a node", at)?;
        let back = self.node.link(at, "_M_parent")?;
        ensure(back == parent, || format!("node {at} does not lead back to its parent"))
    }

    /// The next node in order, or the header.
    fn next(&self, from: Address) -> Result<Address, Fault> {
        let right = self.node.link(from, "_M_right")?;
        let (mut at, mut parent) = (right, from);
        if !right.is_null() {
            for _ in 0..MAX_HEIGHT {
                self.check(at, parent)?;
                let left = self.node.link(at, "_M_left")?;
                if left.is_null() {
                    return Ok(at);
                }
                (parent, at) = (at, left);
            }
            return Err(Fault::invalid("its nodes are a circle"));
        }
        at = from;
        for _ in 0..MAX_HEIGHT {
            let parent = self.node.link(at, "_M_parent")?;
            if parent == self.header {
                // Up from the root: everything was visited.
                return Ok(parent);
            }
            self.node.check_link("a link of a node", parent)?;
            if self.node.link(parent, "_M_right")? != at {
                let left = self.node.link(parent, "_M_left")?;
                ensure(left == at, || format!("node {at} is no child of its parent"))?;
                return Ok(parent);
            }
            at = parent;
        }
        Err(Fault::invalid("its nodes are a circle"))
    }
}
