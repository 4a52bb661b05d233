//! A handle to one debugging information entry, and the references between entries.

use super::{Attribute, MAX_CHAIN, Unit, ranges};
use crate::address::FileAddress;
use crate::unwind::Bytes;
use gimli::{DwAt, UnitOffset};
use std::sync::Arc;

/// An entry as gimli parses it.
pub(crate) type Entry = gimli::DebuggingInformationEntry<Bytes>;

/// A debugging information entry: its unit and its offset there. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Die {
    /// The unit that holds it.
    pub unit: &'static Unit,
    /// Its offset from the unit's header.
    pub offset: UnitOffset,
}

impl PartialEq for Die {
    fn eq(&self, other: &Die) -> bool {
        self.key() == other.key()
    }
}

/// What stands for a parameter of a generic type.
pub(crate) struct TemplateArgument {
    /// The parameter's name.
    pub(crate) name: Option<Arc<str>>,
    /// The type that it is, or the type of the value.
    pub(crate) type_die: Option<Die>,
    /// `None` where it is a type, else the value where that is a constant.
    pub(crate) value: Option<Option<Attribute>>,
}

impl TemplateArgument {
    fn of(die: Die, entry: &Entry) -> Option<TemplateArgument> {
        let value = match entry.tag() {
            gimli::DW_TAG_template_type_parameter => None,
            gimli::DW_TAG_template_value_parameter => Some(entry.attr_value(gimli::DW_AT_const_value)),
            _ => return None,
        };
        Some(TemplateArgument {
            name: die.string(entry, gimli::DW_AT_name),
            type_die: die.reference(entry, gimli::DW_AT_type),
            value,
        })
    }
}

impl Die {
    /// What tells this entry from every other one in this process.
    pub fn key(self) -> (usize, usize) {
        (std::ptr::from_ref(self.unit) as usize, self.offset.0)
    }

    /// Parses the entry's attributes.
    pub(crate) fn entry(self) -> Option<Entry> {
        self.unit.unit.entry(self.offset).ok()
    }

    /// The DIE that a reference attribute of an entry in this DIE's unit names.
    pub(crate) fn follow(self, reference: &Attribute) -> Option<Die> {
        self.unit.follow(reference)
    }

    /// The DIE that the attribute `name` of `entry` (which is this DIE's) refers to.
    pub(crate) fn reference(self, entry: &Entry, name: DwAt) -> Option<Die> {
        self.follow(&entry.attr_value(name)?)
    }

    /// A string attribute of `entry`, invalid UTF-8 replaced.
    pub(crate) fn string(self, entry: &Entry, name: DwAt) -> Option<Arc<str>> {
        let value = entry.attr_value(name)?;
        let bytes = self.unit.file.dwarf.attr_string(&self.unit.unit, value).ok()?;
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes.slice()).into())
    }

    /// This DIE and those it completes: its abstract origin or specification, or the type in a type
    /// unit that it stands for, theirs, and so on (DWARF 5 §2.13.2, §3.3.8.1, §5.7.1), each with its
    /// parsed entry.
    pub(crate) fn chain(self) -> impl Iterator<Item = (Die, Entry)> {
        let mut next = Some(self);
        std::iter::from_fn(move || {
            let die = next.take()?;
            let entry = die.entry()?;
            next = die
                .reference(&entry, gimli::DW_AT_abstract_origin)
                .or_else(|| die.reference(&entry, gimli::DW_AT_specification))
                .or_else(|| die.reference(&entry, gimli::DW_AT_signature));
            Some((die, entry))
        })
        .take(MAX_CHAIN)
    }

    /// The first DIE of the chain that has the attribute, and its value.
    pub(crate) fn inherited(self, name: DwAt) -> Option<(Die, Attribute)> {
        self.chain().find_map(|(die, entry)| Some((die, entry.attr_value(name)?)))
    }

    /// The DIE of its type, inherited.
    pub fn type_die(self) -> Option<Die> {
        let (owner, value) = self.inherited(gimli::DW_AT_type)?;
        owner.follow(&value)
    }

    /// The expression that is its location, when it is a single one (what `DW_OP_call4` calls).
    pub(crate) fn location_expression(self) -> Option<Bytes> {
        super::expression(self.inherited(gimli::DW_AT_location)?.1)
    }

    /// `DW_AT_name`, inherited.
    pub fn name(self) -> Option<Arc<str>> {
        self.chain().find_map(|(die, entry)| die.string(&entry, gimli::DW_AT_name))
    }

    /// What sort of entry it is.
    pub fn tag(self) -> Option<gimli::DwTag> {
        self.entry().map(|entry| entry.tag())
    }

    /// Whether `entry`, which is this DIE's, has this name of its own.
    pub(super) fn is_named(self, entry: &Entry, name: &str) -> bool {
        let own = entry.attr_value(gimli::DW_AT_name).and_then(|value| self.unit.string(value));
        own.is_some_and(|own| own.slice() == name.as_bytes())
    }

    /// Whether it only declares what another entry defines.
    pub(crate) fn is_declaration(self) -> bool {
        self.entry().is_some_and(|entry| entry.has_attr(gimli::DW_AT_declaration))
    }

    /// The type that stands for the type parameter `name` of this generic type (`DW_TAG_template_type_parameter`).
    pub fn type_parameter(self, name: &str) -> Option<Die> {
        let is_it = |(die, entry): &(Die, Entry)| {
            entry.tag() == gimli::DW_TAG_template_type_parameter
                && die.string(entry, gimli::DW_AT_name).as_deref() == Some(name)
        };
        let (die, entry) = self.children().into_iter().find(is_it)?;
        die.reference(&entry, gimli::DW_AT_type)
    }

    /// What stands for the parameters of this generic type, types and values (DWARF 5 §2.23), those of packs
    /// (`DW_TAG_GNU_template_parameter_pack`) among them.
    pub(crate) fn template_arguments(self) -> Vec<TemplateArgument> {
        let mut arguments = Vec::new();
        for (die, entry) in self.children() {
            if entry.tag() == gimli::DW_TAG_GNU_template_parameter_pack {
                let pack = die.string(&entry, gimli::DW_AT_name);
                let inside = die.children().into_iter();
                let inside = inside.filter_map(|(die, entry)| TemplateArgument::of(die, &entry));
                arguments.extend(inside.map(|argument| TemplateArgument { name: pack.clone(), ..argument }));
            }
            arguments.extend(TemplateArgument::of(die, &entry));
        }
        arguments
    }

    /// The type that contains this one (`DW_AT_containing_type`): of the type of a Rust virtual
    /// table, the type whose table it is.
    pub fn containing_type(self) -> Option<Die> {
        self.reference(&self.entry()?, gimli::DW_AT_containing_type)
    }

    /// The direct children, parsed, in order.
    pub(crate) fn children(self) -> Vec<(Die, Entry)> {
        let mut found = Vec::new();
        self.find_child(|die, entry| {
            found.push((die, entry.clone()));
            None::<()>
        });
        found
    }

    /// What `find` gives for the first direct child for which it gives something.
    pub(super) fn find_child<T>(self, mut find: impl FnMut(Die, &Entry) -> Option<T>) -> Option<T> {
        let mut cursor = self.unit.unit.entries_at_offset(self.offset).ok()?;
        let has_children =
            matches!(cursor.next_entry(), Ok(true)) && cursor.current().is_some_and(Entry::has_children);
        if !has_children || !matches!(cursor.next_entry(), Ok(true)) {
            return None;
        }
        while let Some(child) = cursor.current() {
            if let Some(found) = find(Die { unit: self.unit, offset: child.offset() }, child) {
                return Some(found);
            }
            if !matches!(cursor.next_sibling(), Ok(Some(_))) {
                break;
            }
        }
        None
    }

    /// The ranges of code of this entry.
    fn ranges(self, entry: &Entry) -> impl Iterator<Item = gimli::Range> {
        ranges::of_entry(self.unit.file, &self.unit.unit, entry)
    }

    /// Whether code at `pc` belongs to this entry; `None` when it has no ranges.
    pub(crate) fn holds(self, entry: &Entry, pc: FileAddress) -> Option<bool> {
        let mut ranges = self.ranges(entry).peekable();
        ranges.peek()?;
        Some(ranges.any(|range| (range.begin..range.end).contains(&pc.0)))
    }

    /// Start of the range that holds `pc`.
    pub(crate) fn range_start(self, entry: &Entry, pc: FileAddress) -> Option<FileAddress> {
        let mut ranges = self.ranges(entry);
        ranges.find(|range| (range.begin..range.end).contains(&pc.0)).map(|range| FileAddress(range.begin))
    }
}
