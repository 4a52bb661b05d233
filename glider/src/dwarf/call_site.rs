//! Call sites: what the caller knows of the arguments it passed (DWARF 5 §3.4), in the
//! standard's form and in the earlier GNU one.

use super::die::Entry;
use super::{Attribute, Die};
use crate::address::FileAddress;
use crate::unwind::Bytes;
use gimli::AttributeValue;
use std::rc::Rc;

/// One call in a function.
#[derive(Clone)]
pub struct CallSite {
    /// Its own DIE.
    pub die: Die,
    /// DIE of the called function; `None` for an indirect call.
    pub callee: Option<Die>,
    /// For an indirect call, the expression that gives the callee's address.
    pub target: Option<Bytes>,
    /// Where the call returns to; `None` when that is not told.
    pub return_address: Option<FileAddress>,
    /// Whether the calling function ended with it, and has no frame while the callee runs.
    pub is_tail: bool,
    /// The arguments whose values can be told after the call.
    pub parameters: Rc<[CallSiteParameter]>,
}

/// Which argument a call passed.
#[derive(Clone, Copy, PartialEq)]
pub enum Argument {
    /// The one in the place that this expression gives, as an entry value names it.
    In(Bytes),
    /// The one that the function declares by this DIE, and that was optimized away: as
    /// `DW_OP_GNU_parameter_ref` names it.
    Of(Die),
}

/// An argument.
pub struct CallSiteParameter {
    /// Which one.
    pub argument: Argument,
    /// Expression of the value it had, in terms of the caller's registers.
    pub value: Bytes,
}

impl Die {
    /// The calls in the function that this DIE describes, those in inlined code included.
    pub fn call_sites(self) -> Rc<[CallSite]> {
        if let Some(known) = self.unit.call_sites.borrow().get(&self.offset) {
            return known.clone();
        }
        // A broken entry ends the search; what was found before it stays.
        let mut found = Vec::new();
        let _ = self.read_call_sites(&mut found);
        let found: Rc<[CallSite]> = found.into();
        self.unit.call_sites.borrow_mut().insert(self.offset, found.clone());
        found
    }

    fn read_call_sites(self, found: &mut Vec<CallSite>) -> gimli::Result<()> {
        let mut cursor = self.unit.unit.entries_at_offset(self.offset)?;
        cursor.next_entry()?;
        while cursor.next_entry()? && cursor.depth() > 0 {
            let Some(entry) = cursor.current() else { continue };
            if matches!(entry.tag(), gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site) {
                found.push(CallSite::new(Die { unit: self.unit, offset: entry.offset() }, entry));
            }
        }
        Ok(())
    }
}

impl CallSite {
    fn new(die: Die, entry: &Entry) -> CallSite {
        let either =
            |entry: &Entry, standard, gnu| entry.attr_value(standard).or_else(|| entry.attr_value(gnu));
        let parameter = |parameter: &Entry| {
            let argument = match parameter.attr_value(gimli::DW_AT_location) {
                Some(location) => Argument::In(expression(location)?),
                None => Argument::Of(
                    die.reference(parameter, gimli::DW_AT_call_parameter)
                        .or_else(|| die.reference(parameter, gimli::DW_AT_abstract_origin))?,
                ),
            };
            let value = either(parameter, gimli::DW_AT_call_value, gimli::DW_AT_GNU_call_site_value)?;
            Some(CallSiteParameter { argument, value: expression(value)? })
        };
        let callee = die.reference(entry, gimli::DW_AT_call_origin);
        // GNU's early form keeps the return address in `DW_AT_low_pc`.
        let return_address = either(entry, gimli::DW_AT_call_return_pc, gimli::DW_AT_low_pc)
            .and_then(|value| die.unit.file.dwarf.attr_address(&die.unit.unit, value).ok().flatten());
        CallSite {
            die,
            callee: callee.or_else(|| die.reference(entry, gimli::DW_AT_abstract_origin)),
            target: either(entry, gimli::DW_AT_call_target, gimli::DW_AT_GNU_call_site_target)
                .and_then(expression),
            return_address: return_address.map(FileAddress),
            is_tail: entry.has_attr(gimli::DW_AT_call_tail_call)
                || entry.has_attr(gimli::DW_AT_GNU_tail_call),
            parameters: die.children().iter().filter_map(|(_, entry)| parameter(entry)).collect(),
        }
    }
}

/// The bytes of an expression attribute; before DWARF 4 these came as blocks.
pub(crate) fn expression(value: Attribute) -> Option<Bytes> {
    match value {
        AttributeValue::Exprloc(expression) => Some(expression.0),
        AttributeValue::Block(bytes) => Some(bytes),
        _ => None,
    }
}
