//! Variables and what they hold: a line for each, blocks of lines for structures and for
//! what lies behind pointers.
//!
//! Pipeline place: part of the text renderer. How deep and how long is decided where
//! the values are read; here everything that is in the report is printed.

use super::declare::declare;
use super::page::{FAINT, Page};
use super::{INDENT, language};
use crate::address::Address;
use crate::report::value::{Element, Member, Pointee, Value};
use crate::report::{PluginText, Variable};
use std::fmt;

/// Nesting of source blocks that is shown by braces; what is deeper stands in the innermost.
const BLOCKS_SHOWN: u32 = 16;
/// Bytes that hold most declarations.
const LABEL: usize = 64;
/// Where the line of an array of numbers is broken.
pub(super) const WIDTH: usize = 100;

/// The variables of a function, those of its inner blocks in braces of their own.
pub(super) fn put_variables(page: &mut Page<'_>, variables: &[Variable]) {
    // The depths of the blocks that are open here, from the outermost inwards.
    let mut open: Vec<u32> = Vec::new();
    for variable in variables {
        let depth = variable.depth.min(BLOCKS_SHOWN);
        while open.last().is_some_and(|innermost| *innermost > depth) {
            open.pop();
            put_line(page, INDENT * (open.len() + 1), "}");
        }
        if depth > open.last().copied().unwrap_or(0) {
            put_line(page, INDENT * (open.len() + 1), "{");
            open.push(depth);
        }
        put_variable(page, variable, INDENT * (open.len() + 1));
    }
    while open.pop().is_some() {
        put_line(page, INDENT * (open.len() + 1), "}");
    }
}

/// One variable.
pub(super) fn put_variable(page: &mut Page<'_>, variable: &Variable, indent: usize) {
    let type_name = variable.type_name.as_deref().unwrap_or_default();
    let mut label = String::with_capacity(LABEL);
    declare(&mut label, type_name, &variable.name, None);
    if variable.read_while_running {
        label.push_str(" [read while running]");
    }
    put_item(page, indent, &label, &variable.name, &variable.value);
}

pub(super) fn put_line(page: &mut Page<'_>, indent: usize, text: &str) {
    page.indent(indent);
    page.text(text);
    page.end_line();
}

/// A variable, member or element: `label = value`, or `label <optimized out>`.
///
/// `path` is how a `[deref'ing …]` names it.
pub(super) fn put_item(
    page: &mut Page<'_>,
    indent: usize,
    label: &str,
    path: &dyn fmt::Display,
    value: &Value,
) {
    if !is_hidden(value) {
        put_item_open(page, indent, label, path, value);
        page.end_line();
    }
}

/// Like [`put_item`], leaving the last line open.
fn put_item_open(page: &mut Page<'_>, indent: usize, label: &str, path: &dyn fmt::Display, value: &Value) {
    if let Value::Plugin { text_before, value, text_after } = value {
        put_texts_around(page, indent, text_before, text_after, value.as_deref(), |page, value| {
            put_item_open(page, indent, label, path, value);
        });
        return;
    }
    page.indent(indent);
    page.text(label);
    page.text(if is_missing(value) { " " } else { " = " });
    put_value(page, indent, path, value);
}

/// What plugins printed before and after `value`, which `put` prints and leaves the line open;
/// without a value the texts alone. The last line stays open.
fn put_texts_around(
    page: &mut Page<'_>,
    indent: usize,
    before: &[PluginText],
    after: &[PluginText],
    value: Option<&Value>,
    put: impl FnOnce(&mut Page<'_>, &Value),
) {
    let put_texts = |page: &mut Page<'_>, texts: &[PluginText], mut is_open: bool| {
        for line in texts.iter().flat_map(|text| text.text.lines()) {
            if is_open {
                page.end_line();
            }
            page.line_open(indent, line);
            is_open = true;
        }
        is_open
    };
    let mut is_open = put_texts(page, before, false);
    if let Some(value) = value {
        if is_open {
            page.end_line();
        }
        put(page, value);
        is_open = true;
    }
    put_texts(page, after, is_open);
}

/// Whether a plugin took the value away and printed nothing instead.
fn is_hidden(value: &Value) -> bool {
    match value {
        Value::Plugin { text_before, value: None, text_after } => {
            text_before.iter().chain(text_after).all(|text| text.text.is_empty())
        }
        _ => false,
    }
}

/// Whether the value stands for that there is none.
fn is_missing(value: &Value) -> bool {
    matches!(value, Value::OptimizedOut { .. } | Value::Unreadable { .. })
}

/// A value from the current column on; its further lines are indented by `indent` and more.
pub(super) fn put_value(page: &mut Page<'_>, indent: usize, path: &dyn fmt::Display, value: &Value) {
    match value {
        Value::Integer { text, hex } => page.texts([text, " (", hex, ")"]),
        Value::Enum { text, number, hex } if text == number => page.texts([text, " (", hex, ")"]),
        Value::Enum { text, number, hex } => page.texts([text, " ", number, " (", hex, ")"]),
        Value::Float { text } | Value::Bool { text } | Value::Char { text } => page.text(text),
        Value::String { text, .. } | Value::Function { text } => page.text(text),
        Value::OptimizedOut { text } => page.paint(FAINT, format_args!("{text}")),
        Value::Unreadable { text } | Value::Redacted { text } => page.paint(FAINT, format_args!("{text}")),
        Value::Pointer { text, symbol, pointee } => {
            page.text(text);
            if let Some(symbol) = symbol {
                page.texts([" (", symbol, ")"]);
            }
            put_pointee(page, indent, path, (text, symbol.as_deref()), pointee);
        }
        Value::Array { elements, omitted, .. } => put_array(page, indent, path, elements, *omitted),
        Value::Struct { words, members, cut, .. } => {
            if let Some(words) = words {
                page.put(format_args!("{words} "));
            }
            put_members(page, indent, members, cut.as_deref());
        }
        Value::Union { largest, members, cut, .. } => {
            if let Some(largest) = largest {
                page.put(format_args!("(largest: {largest}) "));
            }
            put_members(page, indent, members, cut.as_deref());
        }
        Value::Variant { .. }
        | Value::Sequence { .. }
        | Value::Map { .. }
        | Value::Wrapper { .. }
        | Value::Literal { .. } => language::put(page, indent, path, value),
        Value::Replaced { text, members, omitted, .. } => {
            page.text(text);
            if !members.is_empty() || *omitted > 0 {
                page.text(" ");
                let cut = (*omitted > 0).then(|| format!("{omitted} left out"));
                put_members(page, indent, members, cut.as_deref());
            }
        }
        Value::Plugin { text_before, value, text_after } => {
            page.end_line();
            put_texts_around(page, indent, text_before, text_after, value.as_deref(), |page, value| {
                page.indent(indent);
                put_value(page, indent, path, value);
            });
        }
    }
}

/// What lies behind a pointer: short things beside it, blocks below it.
pub(super) fn put_pointee(
    page: &mut Page<'_>,
    indent: usize,
    path: &dyn fmt::Display,
    (address, symbol): (&str, Option<&str>),
    pointee: &Pointee,
) {
    let value = match pointee {
        Pointee::None => return,
        Pointee::Note(note) => return page.texts([" ", note]),
        Pointee::Value(value) => value,
    };
    match value.as_ref() {
        Value::String { text, .. } => page.texts([" ", text]),
        // The symbol names a function already, unless it is known from elsewhere.
        Value::Function { text } if symbol.is_some_and(|symbol| symbol.contains(text.as_str())) => {}
        Value::Function { text } => page.texts([" (", text, ")"]),
        Value::Struct { type_name, address: place, .. } | Value::Union { type_name, address: place, .. } => {
            let mut room = [0; Address::ROOM];
            let place = place.map_or(address, |place| place.spelled(&mut room));
            put_block_heading(page, indent, path, type_name.as_deref(), place);
            put_value(page, indent, path, value);
        }
        Value::Array { type_name, elements, .. }
            if !elements.iter().all(|element| short(&element.value).is_some()) =>
        {
            put_block_heading(page, indent, path, type_name.as_deref(), address);
            put_value(page, indent, path, value);
        }
        Value::Plugin { .. } if is_hidden(value) => {}
        Value::Plugin { .. } => {
            page.put(format_args!(" [deref'ing {path}]"));
            put_value(page, indent, path, value);
        }
        value => {
            page.text(" -> ");
            put_value(page, indent, &format_args!("*{path}"), value);
        }
    }
}

/// ` [deref'ing req]`, and on the next line `struct request @ 0x7ffe5e819dd0 = `.
fn put_block_heading(
    page: &mut Page<'_>,
    indent: usize,
    path: &dyn fmt::Display,
    type_name: Option<&str>,
    address: &str,
) {
    page.put(format_args!(" [deref'ing {path}]"));
    page.end_line();
    page.indent(indent);
    page.texts([type_name.unwrap_or("{unnamed type}"), " @ ", address, " = "]);
}

/// The members of a structure or union in braces, a line each.
fn put_members(page: &mut Page<'_>, indent: usize, members: &[Member], cut: Option<&str>) {
    match (members, cut) {
        ([], None) => return page.text("{}"),
        ([], Some(cut)) => return page.put(format_args!("{{... ({cut})}}")),
        _ => {}
    }
    page.text("{");
    page.end_line();
    let inner = indent + INDENT;
    let mut declaration = String::with_capacity(LABEL);
    for member in members {
        let name = member.name.as_deref().unwrap_or_default();
        let type_name = member.type_name.as_deref().unwrap_or_default();
        let label = match (type_name, name, &member.value) {
            ("", "", Value::Union { .. }) => "union",
            ("", "", _) => "struct",
            _ => {
                declare(&mut declaration, type_name, name, member.bits);
                &declaration
            }
        };
        put_item(page, inner, label, &name, &member.value);
    }
    if let Some(cut) = cut {
        put_line(page, inner, &format!("... more members ({cut})"));
    }
    page.indent(indent);
    page.text("}");
}

/// The elements of an array: numbers behind each other, anything else a line each.
fn put_array(
    page: &mut Page<'_>,
    indent: usize,
    path: &dyn fmt::Display,
    elements: &[Element],
    omitted: u64,
) {
    let all_short: Option<Vec<&str>> = elements.iter().map(|element| short(&element.value)).collect();
    match all_short {
        Some(texts) => put_short_elements(page, indent, elements, &texts, omitted),
        None => put_long_elements(page, indent, path, elements, omitted),
    }
}

/// `{1, 2, 0 <repeats 12 times>, ... 84 more (--max-array)}`.
fn put_short_elements(
    page: &mut Page<'_>,
    indent: usize,
    elements: &[Element],
    texts: &[&str],
    omitted: u64,
) {
    page.text("{");
    for (place, (element, text)) in elements.iter().zip(texts).enumerate() {
        separate(page, indent, place > 0, text.len());
        page.text(text);
        put_repeats(page, element.repeats);
    }
    if omitted > 0 {
        separate(page, indent, !elements.is_empty(), 0);
        put_omitted(page, omitted);
    }
    page.text("}");
}

/// The comma before an element, with a new line where the element would not fit on this one.
fn separate(page: &mut Page<'_>, indent: usize, comma: bool, length: usize) {
    if !comma {
        return;
    }
    if page.column() + 2 + length > WIDTH {
        page.text(",");
        page.end_line();
        page.indent(indent + INDENT);
    } else {
        page.text(", ");
    }
}

/// `{`, `[0] = …` for each element on lines of its own, `}`.
fn put_long_elements(
    page: &mut Page<'_>,
    indent: usize,
    path: &dyn fmt::Display,
    elements: &[Element],
    omitted: u64,
) {
    page.text("{");
    page.end_line();
    let inner = indent + INDENT;
    for element in elements.iter().filter(|element| !is_hidden(&element.value)) {
        let index = element.index;
        put_item_open(page, inner, &format!("[{index}]"), &format_args!("{path}[{index}]"), &element.value);
        put_repeats(page, element.repeats);
        page.end_line();
    }
    put_end(page, indent, omitted);
}

/// What ends a block of elements, on lines of their own: how many are left out, and the brace.
pub(super) fn put_end(page: &mut Page<'_>, indent: usize, omitted: u64) {
    if omitted > 0 {
        page.indent(indent + INDENT);
        put_omitted(page, omitted);
        page.end_line();
    }
    page.indent(indent);
    page.text("}");
}

fn put_repeats(page: &mut Page<'_>, repeats: u64) {
    if repeats > 1 {
        page.put(format_args!(" <repeats {repeats} times>"));
    }
}

pub(super) fn put_omitted(page: &mut Page<'_>, omitted: u64) {
    page.put(format_args!("... {omitted} more (--max-array)"));
}

/// The text of a value inside an array, where it is one number or name.
pub(super) fn short(value: &Value) -> Option<&str> {
    match value {
        Value::Integer { text, .. }
        | Value::Float { text }
        | Value::Bool { text }
        | Value::Char { text }
        | Value::Enum { text, .. }
        | Value::Pointer { text, symbol: None, pointee: Pointee::None } => Some(text),
        Value::Unreadable { text } | Value::Redacted { text } => Some(text),
        Value::OptimizedOut { text } => Some(text),
        _ => None,
    }
}
