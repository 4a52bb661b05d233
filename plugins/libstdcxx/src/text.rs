//! Characters as text: quoted, escaped, with the prefix that a literal would have.

use std::fmt::Write;

/// The code units of a string, cut at a limit.
pub(crate) struct Units {
    /// Little-endian units, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// Bytes of a unit: 1, 2 or 4.
    pub(crate) width: usize,
    /// What a literal of this type begins with: `L` for `wchar_t`.
    pub(crate) prefix: &'static str,
}

/// What a literal of characters of this type begins with, and the bytes of one; `None` for what is no character.
pub(crate) fn character(name: &str) -> Option<(&'static str, usize)> {
    match name {
        "char" | "signed char" | "unsigned char" => Some(("", 1)),
        "wchar_t" => Some(("L", 4)),
        "char8_t" => Some(("u8", 1)),
        "char16_t" => Some(("u", 2)),
        "char32_t" => Some(("U", 4)),
        _ => None,
    }
}

impl Units {
    /// The string as a literal: UTF-8, UTF-16 and UTF-32 stay text, what is none of it is escaped.
    pub(crate) fn quote(&self) -> String {
        let mut text = format!("{}\"", self.prefix);
        match self.width {
            2 => {
                let units = self.bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
                for unit in char::decode_utf16(units) {
                    match unit {
                        Ok(character) => escape(&mut text, character),
                        Err(lone) => put(&mut text, format_args!("\\u{{{:x}}}", lone.unpaired_surrogate())),
                    }
                }
            }
            4 => {
                for unit in self.bytes.as_chunks::<4>().0 {
                    let unit = u32::from_le_bytes(*unit);
                    match char::from_u32(unit) {
                        Some(character) => escape(&mut text, character),
                        None => put(&mut text, format_args!("\\u{{{unit:x}}}")),
                    }
                }
            }
            _ => {
                for chunk in self.bytes.utf8_chunks() {
                    chunk.valid().chars().for_each(|character| escape(&mut text, character));
                    chunk.invalid().iter().for_each(|byte| put(&mut text, format_args!("\\x{byte:02x}")));
                }
            }
        }
        text.push('"');
        text
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(what);
}

fn escape(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0' => text.push_str("\\0"),
        '"' | '\\' => {
            text.push('\\');
            text.push(character);
        }
        _ if u32::from(character) < 0x80 && character.is_control() => {
            put(text, format_args!("\\x{:02x}", u32::from(character)));
        }
        _ if character.is_control() => put(text, format_args!("\\u{{{:x}}}", u32::from(character))),
        _ => text.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_width_are_literals() {
        let narrow = Units { bytes: b"a\"\n\0\xffz".to_vec(), width: 1, prefix: "" };
        assert_eq!(narrow.quote(), r#""a\"\n\0\xffz""#);
        let bytes = [0x61u16, 0xd83d, 0xde00, 0xdc00].iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(Units { bytes, width: 2, prefix: "u" }.quote(), "u\"a😀\\u{dc00}\"");
        let bytes = [0x61u32, 0x1f600, 0x11_0000].iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(Units { bytes, width: 4, prefix: "L" }.quote(), "L\"a😀\\u{110000}\"");
    }

    #[test]
    fn only_characters_make_strings() {
        assert_eq!((character("char16_t"), character("int")), (Some(("u", 2)), None));
    }
}
