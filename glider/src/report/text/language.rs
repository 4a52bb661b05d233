//! Values as their language writes them: `Some(5)`, `[1, 2]`, `{"a": 1}`, on one line where they fit.
//!
//! Pipeline place: part of the text renderer, under [`variable`](super::variable).

use super::INDENT;
use super::declare::declare;
use super::page::Page;
use super::variable::{WIDTH, put_end, put_item, put_line, put_omitted, put_pointee, put_value, short};
use crate::report::value::{Element, Entry, Member, Pointee, Value};
use std::fmt;

/// One of the values that this module prints, whole, from the current column on.
pub(super) fn put(page: &mut Page<'_>, indent: usize, path: &dyn fmt::Display, value: &Value) {
    if let Some(text) = inline(value, WIDTH) {
        return page.text(&text);
    }
    match value {
        Value::Variant { name, tuple, members, cut, .. } => {
            put_variant(page, indent, (name, *tuple), members, cut.as_deref());
        }
        Value::Sequence { set, elements, omitted, .. } => {
            put_sequence(page, indent, path, *set, elements, *omitted);
        }
        Value::Map { entries, omitted, .. } => put_map(page, indent, entries, *omitted),
        Value::Wrapper { name, state, value, .. } => {
            page.text(name);
            if let Some(state) = state {
                page.put(format_args!(" ({state})"));
            }
            if matches!(value, Pointee::Value(_)) && !is_block(value) {
                page.text(":");
            }
            put_pointee(page, indent, path, (name, None), value);
        }
        _ => {}
    }
}

/// Whether what is behind a pointer takes lines of its own, with a heading.
fn is_block(value: &Pointee) -> bool {
    matches!(value, Pointee::Value(value) if matches!(**value, Value::Struct { .. } | Value::Union { .. }))
}

/// The value on one line of at most `room` bytes.
fn inline(value: &Value, room: usize) -> Option<String> {
    let text = match value {
        Value::Variant { name, tuple, members, cut: None, .. } => match (members.as_slice(), tuple) {
            ([], _) => name.clone(),
            (members, true) => {
                let parts = list(members.iter().map(|member| &member.value), room)?;
                // A tuple of one is told from brackets by its comma.
                let comma = if name.is_empty() && members.len() == 1 { "," } else { "" };
                format!("{name}({parts}{comma})")
            }
            (members, false) => {
                let mut parts = Vec::new();
                for member in members {
                    let value = inline(&member.value, room)?;
                    parts.push(format!("{}: {value}", member.name.as_deref()?));
                }
                format!("{name} {{{}}}", parts.join(", "))
            }
        },
        Value::Variant { name, cut: Some(cut), members, .. } if members.is_empty() => {
            format!("{name} {{... ({cut})}}")
        }
        Value::Sequence { set, elements, omitted, .. } => {
            let mut parts = list(elements.iter().map(|element| &element.value), room)?;
            push_omitted(&mut parts, *omitted);
            if *set { format!("{{{parts}}}") } else { format!("[{parts}]") }
        }
        Value::Map { entries, omitted, .. } => {
            let mut parts = Vec::new();
            for Entry { key, value } in entries {
                parts.push(format!("{}: {}", inline(key, room)?, inline(value, room)?));
            }
            let mut parts = parts.join(", ");
            push_omitted(&mut parts, *omitted);
            format!("{{{parts}}}")
        }
        Value::Wrapper { name, state, value, .. } => {
            let state = state.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
            match value {
                Pointee::None => format!("{name}{state}"),
                Pointee::Note(note) => format!("{name}{state} {note}"),
                Pointee::Value(value) => format!("{name}{state}: {}", inline(value, room)?),
            }
        }
        Value::Pointer { text, symbol: None, pointee: Pointee::Value(value) } => match value.as_ref() {
            Value::Struct { .. } | Value::Union { .. } => return None,
            Value::String { text: string, .. } => format!("{text} {string}"),
            value => format!("{text} -> {}", inline(value, room)?),
        },
        Value::Literal { text } | Value::String { text, .. } => text.clone(),
        Value::Struct { members, cut: None, .. } if members.is_empty() => "{}".to_owned(),
        other => short(other)?.to_owned(),
    };
    (text.len() <= room).then_some(text)
}

fn list<'v>(values: impl Iterator<Item = &'v Value>, room: usize) -> Option<String> {
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&inline(value, room)?);
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

fn push_omitted(text: &mut String, omitted: u64) {
    if omitted > 0 {
        let comma = if text.is_empty() { "" } else { ", " };
        text.push_str(&format!("{comma}... {omitted} more"));
    }
}

fn put_variant(
    page: &mut Page<'_>,
    indent: usize,
    (name, tuple): (&str, bool),
    members: &[Member],
    cut: Option<&str>,
) {
    page.text(name);
    if let ([only], true, None) = (members, tuple, cut) {
        page.text("(");
        put_value(page, indent, &name, &only.value);
        continue_line(page, indent);
        return page.text(if name.is_empty() { ",)" } else { ")" });
    }
    page.text(match (name, tuple) {
        ("", _) => "(",
        (_, true) => " (",
        (_, false) => " {",
    });
    page.end_line();
    let mut label = String::new();
    for member in members {
        let name = member.name.as_deref().unwrap_or_default();
        declare(&mut label, member.type_name.as_deref().unwrap_or_default(), name, member.bits);
        put_item(page, indent + INDENT, &label, &name, &member.value);
    }
    if let Some(cut) = cut {
        put_line(page, indent + INDENT, &format!("... more members ({cut})"));
    }
    page.indent(indent);
    page.text(if tuple { ")" } else { "}" });
}

/// Indents what follows a value that ended its line: one with texts of plugins does.
fn continue_line(page: &mut Page<'_>, indent: usize) {
    if page.column() == 0 {
        page.indent(indent);
    }
}

fn put_sequence(
    page: &mut Page<'_>,
    indent: usize,
    path: &dyn fmt::Display,
    set: bool,
    elements: &[Element],
    omitted: u64,
) {
    page.text(if set { "{" } else { "[" });
    let inner = indent + INDENT;
    let texts: Option<Vec<String>> =
        elements.iter().map(|element| inline(&element.value, WIDTH / 2)).collect();
    match texts {
        // Short ones stand behind each other.
        Some(texts) => {
            for (place, text) in texts.iter().enumerate() {
                if place > 0 {
                    page.text(",");
                    if page.column() + 1 + text.len() > WIDTH {
                        page.end_line();
                        page.indent(inner);
                    } else {
                        page.text(" ");
                    }
                }
                page.text(text);
            }
            if omitted > 0 {
                page.text(if elements.is_empty() { "" } else { ", " });
                put_omitted(page, omitted);
            }
        }
        None => {
            page.end_line();
            for element in elements {
                let index = element.index;
                let label = format!("[{index}]");
                put_item(page, inner, &label, &format_args!("{path}[{index}]"), &element.value);
            }
            if omitted > 0 {
                page.indent(inner);
                put_omitted(page, omitted);
                page.end_line();
            }
            page.indent(indent);
        }
    }
    page.text(if set { "}" } else { "]" });
}

fn put_map(page: &mut Page<'_>, indent: usize, entries: &[Entry], omitted: u64) {
    page.text("{");
    page.end_line();
    let inner = indent + INDENT;
    for Entry { key, value } in entries {
        page.indent(inner);
        put_value(page, inner, &"key", key);
        continue_line(page, inner);
        page.text(": ");
        put_value(page, inner, &"value", value);
        page.end_line();
    }
    put_end(page, indent, omitted);
}
