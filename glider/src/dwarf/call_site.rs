//! Call sites: what the caller knows of the arguments it passed (DWARF 5 §3.4), in the
//! standard's form and in the earlier GNU one.

use super::die::Entry;
use super::{Attribute, Die};
use crate::address::FileAddress;
use crate::unwind::Bytes;
use gimli::AttributeValue;

/// One call in a function.
pub struct CallSite {
    /// DIE of the called function; `None` for an indirect call.
    pub callee: Option<Die>,
    /// For an indirect call, the expression that gives the callee's address.
    pub target: Option<Bytes>,
    /// The arguments whose values can be told after the call.
    pub parameters: Vec<CallSiteParameter>,
}

/// An argument.
pub struct CallSiteParameter {
    /// Expression of the place it was passed in, as an entry value names it.
    pub location: Bytes,
    /// Expression of the value it had, in terms of the caller's registers.
    pub value: Bytes,
}

impl CallSite {
    /// The call in `function` that returns to `return_address`.
    pub fn find(function: Die, return_address: FileAddress) -> Option<CallSite> {
        let mut cursor = function.unit.unit.entries_at_offset(function.offset).ok()?;
        cursor.next_entry().ok()?;
        while cursor.next_entry().ok()? && cursor.depth() > 0 {
            let Some(entry) = cursor.current() else { continue };
            let is_call = matches!(entry.tag(), gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site);
            let die = Die { unit: function.unit, offset: entry.offset() };
            if is_call && die.return_address(entry) == Some(return_address) {
                return Some(CallSite::new(die, entry));
            }
        }
        None
    }

    fn new(die: Die, entry: &Entry) -> CallSite {
        let either =
            |entry: &Entry, standard, gnu| entry.attr_value(standard).or_else(|| entry.attr_value(gnu));
        let parameters = die.children().into_iter().filter_map(|(_, parameter)| {
            let location = expression(parameter.attr_value(gimli::DW_AT_location)?)?;
            let value = either(&parameter, gimli::DW_AT_call_value, gimli::DW_AT_GNU_call_site_value)?;
            Some(CallSiteParameter { location, value: expression(value)? })
        });
        CallSite {
            callee: die
                .reference(entry, gimli::DW_AT_call_origin)
                .or_else(|| die.reference(entry, gimli::DW_AT_abstract_origin)),
            target: either(entry, gimli::DW_AT_call_target, gimli::DW_AT_GNU_call_site_target)
                .and_then(expression),
            parameters: parameters.collect(),
        }
    }
}

impl Die {
    /// Where the call of a call site entry returns to. GNU's early form keeps it in `DW_AT_low_pc`.
    fn return_address(self, entry: &Entry) -> Option<FileAddress> {
        let value = entry
            .attr_value(gimli::DW_AT_call_return_pc)
            .or_else(|| entry.attr_value(gimli::DW_AT_low_pc))?;
        self.unit.file.dwarf.attr_address(&self.unit.unit, value).ok().flatten().map(FileAddress)
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
