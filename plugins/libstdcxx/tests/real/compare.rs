//! Whether the report shows the value that gdb does.
//!
//! gdb's side is what `neutral.py` writes: a tree in which a value is what it is, a string, a number, so many elements.

use crate::program::members;
use serde_json::Value;

/// glider's `--max-array` and `--max-string`.
const ELEMENTS: u64 = 16;
const STRING: usize = 256;

/// The difference between the two, where there is one.
pub(crate) fn difference(gdb: &Value, glider: &Value, path: &str) -> Result<(), String> {
    let differ = |what: &str| Err(format!("{path}: {what}\n  gdb    {gdb}\n  glider {glider}"));
    match gdb["kind"].as_str() {
        Some("string") => match is_literal(text(gdb), text(glider)) {
            true => Ok(()),
            false => differ("another string"),
        },
        Some("scalar") if scalar(glider) == text(gdb) => Ok(()),
        Some("scalar") => differ("another value"),
        Some("pointer") => match (text(glider) == gdb["address"], glider["kind"].as_str()) {
            (true, Some("pointer")) => Ok(()),
            _ => differ("another address"),
        },
        Some("array") => elements(gdb, glider, path),
        Some("map") => pairs(gdb, glider, path),
        Some("record") if glider["kind"] == "struct" => {
            for (name, field) in gdb["fields"].as_object().into_iter().flatten() {
                let member = members(glider).into_iter().find(|(known, _)| known == name);
                let Some((_, member)) = member else { return differ("a member less") };
                difference(field, member, &format!("{path}.{name}"))?;
            }
            Ok(())
        }
        // gdb has no printer for these: its members are those of the library.
        Some("record") => match &gdb["fields"]["_M_elems"] {
            Value::Null => differ("not a structure"),
            array if array["kind"] == "record" && members(glider).is_empty() => Ok(()),
            array => elements(array, glider, path),
        },
        Some("other") => other(gdb, glider, path),
        _ => differ("gdb does not show it"),
    }
}

fn text(value: &Value) -> &str {
    value["text"].as_str().unwrap_or_default()
}

/// A number without the shape or the enumeration beside it.
fn scalar(glider: &Value) -> &str {
    match glider["kind"].as_str() {
        Some("char") => text(glider).split(' ').next().unwrap_or_default(),
        Some("replaced") if !members(glider).is_empty() => "",
        _ => text(glider),
    }
}

/// Whether `literal` is how the plugin writes the string, whatever the prefix of its characters.
fn is_literal(string: &str, literal: &str) -> bool {
    let mut escaped = string.chars().take(STRING).collect::<String>();
    for (raw, shown) in [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\0", "\\0")] {
        escaped = escaped.replace(raw, shown);
    }
    let length = string.chars().count();
    let more = if length > STRING { format!("... (length {length})") } else { String::new() };
    literal.trim_start_matches(['L', 'u', 'U']) == format!("\"{escaped}\"{more}")
}

/// As many elements in all, and the first ones equal.
fn elements(gdb: &Value, glider: &Value, path: &str) -> Result<(), String> {
    let differ = |what: &str| Err(format!("{path}: {what}\n  gdb    {gdb}\n  glider {glider}"));
    let count = gdb["count"].as_u64().unwrap_or(u64::MAX);
    let title = text(glider);
    if title.starts_with('<') || !title.contains(&format!(" of length {count}")) {
        return differ("another length");
    }
    let items = gdb["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Bits, and pointers of a type that has no name, are told in the title.
    if let Some((_, listed)) = title.split_once(": {") {
        let listed: Vec<&str> = listed.trim_end_matches('}').split(", ").collect();
        let shown = items.iter().zip(&listed).all(|(item, listed)| {
            let expected = item["address"].as_str().unwrap_or(text(item));
            listed.split(' ').next() == Some(expected)
        });
        let more = usize::from(count > ELEMENTS);
        return if shown && listed.len() == items.len() + more { Ok(()) } else { differ("other elements") };
    }
    let shown = members(glider);
    let omitted = glider["omitted"].as_u64().unwrap_or(u64::MAX);
    if shown.len() != items.len() || shown.len() as u64 + omitted != count {
        return differ("another number of elements");
    }
    for (index, (item, (name, element))) in items.iter().zip(shown).enumerate() {
        if name != format!("[{index}]") {
            return differ("another name");
        }
        difference(item, element, &format!("{path}{name}"))?;
    }
    Ok(())
}

fn pairs(gdb: &Value, glider: &Value, path: &str) -> Result<(), String> {
    let differ = |what: &str| Err(format!("{path}: {what}\n  gdb    {gdb}\n  glider {glider}"));
    let count = gdb["count"].as_u64().unwrap_or(u64::MAX);
    let pairs = gdb["pairs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = members(glider);
    let omitted = glider["omitted"].as_u64().unwrap_or(u64::MAX);
    let title = format!(" of length {count}");
    if !text(glider).ends_with(&title) || shown.len() != pairs.len() || shown.len() as u64 + omitted != count
    {
        return differ("another length");
    }
    for (index, (pair, (name, held))) in pairs.iter().zip(shown).enumerate() {
        let (key, value) = (&pair[0], &pair[1]);
        let named = name.trim_start_matches('[').trim_end_matches(']');
        let path = format!("{path}{name}");
        let is_key = match key["kind"].as_str() {
            Some("scalar") => named == text(key),
            Some("string") => is_literal(text(key), named),
            // A key that is more than a line: the pair is shown.
            _ => {
                let parts = members(held);
                let [("first", first), ("second", second)] = parts.as_slice() else {
                    return differ("no pair");
                };
                difference(key, first, &format!("{path}.first"))?;
                difference(value, second, &format!("{path}.second"))?;
                if named != index.to_string() {
                    return differ("another name");
                }
                continue;
            }
        };
        if !is_key {
            return differ("another key");
        }
        difference(value, held, &path)?;
    }
    Ok(())
}

/// What gdb puts into words of its own.
fn other(gdb: &Value, glider: &Value, path: &str) -> Result<(), String> {
    let differ = |what: &str| Err(format!("{path}: {what}\n  gdb    {gdb}\n  glider {glider}"));
    let (theirs, ours) = (text(gdb), text(glider));
    let mut children = gdb["children"].as_array().cloned().unwrap_or_default();
    let in_brackets = |open, close| theirs.rsplit_once(open)?.1.split_once(close).map(|(inside, _)| inside);
    let expected = match theirs {
        // A pair.
        "" => "std::pair".to_owned(),
        "empty std::tuple" => "std::tuple of 0".to_owned(),
        "std::tuple containing" => format!("std::tuple of {}", children.len()),
        _ if theirs.starts_with("std::atomic<") => {
            // The words are `= { 1 }`; a pointer is a part of ours, of which gdb has none.
            let held = in_brackets("{ ", " }").unwrap_or_default();
            return match members(glider).first() {
                None if ours == held => Ok(()),
                Some((_, pointer)) if text(pointer).replace("nil", "0x0") == held => Ok(()),
                _ => differ("another value"),
            };
        }
        _ if theirs.starts_with("std::unique_ptr<") => match children.first() {
            Some(pointer) if pointer["address"] == "nil" => "std::unique_ptr, empty".to_owned(),
            _ => "std::unique_ptr".to_owned(),
        },
        _ if theirs.starts_with("std::shared_ptr<") || theirs.starts_with("std::weak_ptr<") => {
            let kind = theirs.split('<').next().unwrap_or_default();
            match in_brackets("(", ")") {
                Some("empty") => format!("{kind}, empty"),
                Some(expired) if expired.starts_with("expired, ") => {
                    format!("{kind}, expired ({})", expired.trim_start_matches("expired, "))
                }
                counts => format!("{kind} ({})", counts.unwrap_or_default()),
            }
        }
        _ if theirs.starts_with("std::optional<") => match children.is_empty() {
            true => "std::optional, empty".to_owned(),
            false => "std::optional".to_owned(),
        },
        _ if theirs.starts_with("std::variant<") => {
            let index = in_brackets("[index ", "]").unwrap_or_default();
            format!("std::variant, alternative {index}")
        }
        _ => return differ("unknown words"),
    };
    if ours != expected {
        return differ(&format!("expected {expected}"));
    }
    // gdb shows where an empty or expired pointer points at, which is nowhere.
    if ours.contains(", e") {
        children.clear();
    }
    let shown = members(glider);
    if shown.len() != children.len() {
        return differ("another number of parts");
    }
    children
        .iter()
        .zip(shown)
        .try_for_each(|(theirs, (name, ours))| difference(theirs, ours, &format!("{path}.{name}")))
}

#[test]
fn differences_are_found() {
    let gdb = serde_json::json!({"kind": "array", "count": 2, "items": [
        {"kind": "scalar", "text": "1"}, {"kind": "string", "text": "a\"b"}]});
    let glider = |first: &str, second: &str, count: u64| {
        let leaf = |text| serde_json::json!({"kind": "replaced", "text": text, "members": []});
        serde_json::json!({"kind": "replaced", "text": format!("std::list of length {count}"), "omitted": 0,
            "members": [{"name": "[0]", "value": {"kind": "integer", "text": first}},
                        {"name": "[1]", "value": leaf(second)}]})
    };
    assert_eq!(difference(&gdb, &glider("1", r#""a\"b""#, 2), "v"), Ok(()));
    assert!(difference(&gdb, &glider("2", r#""a\"b""#, 2), "v").is_err());
    assert!(difference(&gdb, &glider("1", r#""a""#, 2), "v").is_err());
    assert!(difference(&gdb, &glider("1", r#""a\"b""#, 3), "v").is_err());
}
