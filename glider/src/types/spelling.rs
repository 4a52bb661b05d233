//! Type names in the spelling of their language: `struct request *`, `int (*)(char *)`,
//! `char [32]`.

use super::parse;
use crate::dwarf::{Die, Entry};
use crate::limits::{TYPE_NAME, WHOLE_TYPE_NAME};
use std::sync::Arc;

/// Levels of pointers, arrays and functions that are spelled out; deeper ones are `...`.
const MAX_LEVELS: u32 = 24;
/// Parameters spelled out in a function type.
const MAX_PARAMETERS: usize = 16;

/// What stands before and after the place where a declaration puts the name.
struct Spelling {
    before: String,
    after: String,
    /// Whether a pointer to this needs parentheses.
    is_array_or_function: bool,
}

/// The name of the type a DIE describes, as it is shown.
pub(super) fn spell(die: Die) -> Arc<str> {
    spell_within(die, TYPE_NAME)
}

/// The name, for programs.
pub(super) fn spell_whole(die: Die) -> Arc<str> {
    spell_within(die, WHOLE_TYPE_NAME)
}

/// Whether a name may not be the whole.
pub(super) fn is_cut(name: &str) -> bool {
    name.len() >= TYPE_NAME && name.ends_with("...")
}

fn spell_within(die: Die, length: usize) -> Arc<str> {
    let Spelling { before, after, .. } = spelling(Some(die), MAX_LEVELS);
    let gap = if after.is_empty() || after.starts_with(')') { "" } else { " " };
    let mut name = format!("{before}{gap}{after}");
    if name.len() > length {
        let end = (0..=length).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
        name.push_str("...");
    }
    name.into()
}

fn plain(name: impl Into<String>) -> Spelling {
    Spelling { before: name.into(), after: String::new(), is_array_or_function: false }
}

fn spelling(die: Option<Die>, levels: u32) -> Spelling {
    let Some((die, entry)) = die.and_then(|die| Some((die, die.entry()?))) else { return plain("void") };
    let Some(levels) = levels.checked_sub(1) else { return plain("...") };
    let target = || spelling(die.reference(&entry, gimli::DW_AT_type), levels);
    match entry.tag() {
        gimli::DW_TAG_pointer_type => match die.unit.is_c() {
            // Rust and others name their pointers: `*const u8`, `&str`.
            false if entry.has_attr(gimli::DW_AT_name) => plain(named(die, &entry)),
            _ => pointer(target(), "*"),
        },
        gimli::DW_TAG_reference_type => pointer(target(), "&"),
        gimli::DW_TAG_rvalue_reference_type => pointer(target(), "&&"),
        gimli::DW_TAG_ptr_to_member_type => {
            let class = die.reference(&entry, gimli::DW_AT_containing_type);
            let class = class.and_then(Die::qualified_name).unwrap_or_default();
            pointer(target(), &format!("{class}::*"))
        }
        gimli::DW_TAG_const_type => qualified(target(), "const"),
        gimli::DW_TAG_volatile_type => qualified(target(), "volatile"),
        gimli::DW_TAG_restrict_type => qualified(target(), "restrict"),
        gimli::DW_TAG_atomic_type => qualified(target(), "_Atomic"),
        gimli::DW_TAG_array_type => array(die, &entry, target()),
        gimli::DW_TAG_string_type => {
            match entry.attr(gimli::DW_AT_byte_size).and_then(|size| size.udata_value()) {
                Some(length) => plain(format!("character(len={length})")),
                None => plain("character(len=*)"),
            }
        }
        gimli::DW_TAG_subroutine_type => function(die, target(), levels),
        _ => plain(named(die, &entry)),
    }
}

fn named(die: Die, entry: &Entry) -> String {
    let keyword = match entry.tag() {
        gimli::DW_TAG_structure_type => "struct ",
        gimli::DW_TAG_union_type => "union ",
        gimli::DW_TAG_enumeration_type => "enum ",
        _ => "",
    };
    match die.qualified_name() {
        Some(name) if die.unit.is_c() => format!("{keyword}{name}"),
        Some(name) => name.to_string(),
        None => format!("{keyword}{{...}}"),
    }
}

fn pointer(mut target: Spelling, mark: &str) -> Spelling {
    if target.is_array_or_function {
        target.before.push_str(" (");
        target.before.push_str(mark);
        target.after.insert(0, ')');
    } else {
        if !target.before.ends_with('*') || mark != "*" {
            target.before.push(' ');
        }
        target.before.push_str(mark);
    }
    Spelling { is_array_or_function: false, ..target }
}

fn qualified(mut target: Spelling, word: &str) -> Spelling {
    if target.before.ends_with(['*', '&']) {
        target.before.push(' ');
        target.before.push_str(word);
    } else {
        target.before.insert(0, ' ');
        target.before.insert_str(0, word);
    }
    target
}

fn array(die: Die, entry: &Entry, mut element: Spelling) -> Spelling {
    let mut brackets: Vec<String> = Vec::new();
    for (_, dimension) in die.children() {
        if dimension.tag() != gimli::DW_TAG_subrange_type {
            continue;
        }
        let number = |name| dimension.attr(name).and_then(|attribute| attribute.udata_value());
        let lower = || {
            number(gimli::DW_AT_lower_bound).unwrap_or_else(|| parse::default_lower_bound(die).unsigned_abs())
        };
        let count = number(gimli::DW_AT_count)
            .or_else(|| Some(number(gimli::DW_AT_upper_bound)?.wrapping_add(1).wrapping_sub(lower())))
            .filter(|count| *count <= u64::from(u32::MAX));
        brackets.push(count.map_or("[]".to_owned(), |count| format!("[{count}]")));
    }
    if parse::is_column_major(die, entry) {
        brackets.reverse();
    }
    element.after.insert_str(0, &brackets.concat());
    Spelling { is_array_or_function: true, ..element }
}

fn function(die: Die, mut result: Spelling, levels: u32) -> Spelling {
    let mut parameters = Vec::new();
    let mut qualifier = "";
    for (child, entry) in die.children().into_iter().take(MAX_PARAMETERS) {
        match entry.tag() {
            // `this` of a member function, which shows only in the function's `const`.
            gimli::DW_TAG_formal_parameter if entry.has_attr(gimli::DW_AT_artificial) => {
                let object = child.type_die().and_then(Die::type_die);
                if object.and_then(Die::tag) == Some(gimli::DW_TAG_const_type) {
                    qualifier = " const";
                }
            }
            gimli::DW_TAG_formal_parameter => {
                let Spelling { before, after, .. } =
                    spelling(child.reference(&entry, gimli::DW_AT_type), levels / 2);
                parameters.push(if after.is_empty() { before } else { format!("{before} {after}") });
            }
            gimli::DW_TAG_unspecified_parameters => parameters.push("...".to_owned()),
            _ => {}
        }
    }
    if parameters.is_empty() && die.unit.is_c() {
        parameters.push("void".to_owned());
    }
    result.after.insert_str(0, &format!("({}){qualifier}", parameters.join(", ")));
    Spelling { is_array_or_function: true, ..result }
}
