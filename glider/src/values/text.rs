//! Characters and strings, quoted and escaped.

use compact_str::{CompactString, ToCompactString};
use std::fmt::Write;

/// A quoted string of bytes: UTF-8 stays, other bytes and control characters are escaped as in C.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        match chunk.valid() {
            valid if valid.bytes().all(is_plain) => text.push_str(valid),
            valid => {
                let mut rest = valid.chars();
                while let Some(character) = rest.next() {
                    escape_before(&mut text, character, rest.clone().next());
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push('"');
    text
}

/// Whether a byte of ASCII stands for itself between quotes.
fn is_plain(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'
}

/// A quoted string of code points, or of UTF-16 code units where two may make one character.
pub(crate) fn quote_wide(units: &[u32]) -> String {
    let mut text = String::from("\"");
    let mut rest = units;
    while let [unit, others @ ..] = rest {
        rest = others;
        match (char::from_u32(*unit), others.first().and_then(|low| surrogates(*unit, *low))) {
            (Some(character), _) => {
                escape_before(&mut text, character, rest.first().and_then(|next| char::from_u32(*next)));
            }
            (None, Some(character)) => {
                escape(&mut text, character, '"');
                rest = others.get(1..).unwrap_or_default();
            }
            (None, None) => {
                let _ = write!(text, "\\u{{{unit:x}}}");
            }
        }
    }
    text.push('"');
    text
}

/// The character that a surrogate pair stands for (Unicode §3.9, table 3-5).
fn surrogates(high: u32, low: u32) -> Option<char> {
    let pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    pair.then(|| char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))).flatten()
}

/// A character of this many bits as number and, when it has a shape, quoted: `97 'a'`.
pub(crate) fn character(number: i128, bits: u64) -> CompactString {
    let mut text = number.to_compact_string();
    // A negative number is the signed reading of a byte above 0x7f, no character of its own.
    let code = u32::try_from(number).ok().and_then(char::from_u32);
    if let Some(character) = code {
        text.push_str(" '");
        // A byte above 0x7f is a part of a character, if any.
        if (128..160).contains(&number) || bits == 8 && number >= 128 {
            let _ = write!(text, "\\x{number:02x}");
        } else {
            escape(&mut text, character, '\'');
        }
        text.push('\'');
    }
    text
}

/// Escapes a character of a string: a NUL before a digit would be read as another number in octal.
fn escape_before(text: &mut String, character: char, next: Option<char>) {
    match (character, next) {
        ('\0', Some('0'..='7')) => text.push_str("\\x00"),
        _ => escape(text, character, '"'),
    }
}

fn escape(text: &mut impl Write, character: char, quote: char) {
    // Writing to a string does not fail.
    let _ = match character {
        '\n' => text.write_str("\\n"),
        '\t' => text.write_str("\\t"),
        '\r' => text.write_str("\\r"),
        '\0' => text.write_str("\\0"),
        '\\' => text.write_str("\\\\"),
        _ if character == quote => text.write_char('\\').and_then(|()| text.write_char(character)),
        _ if u32::from(character) < 0x20 || character == '\x7f' => {
            write!(text, "\\x{:02x}", u32::from(character))
        }
        _ if character.is_control() => write!(text, "\\u{{{:x}}}", u32::from(character)),
        _ => text.write_char(character),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_utf8_and_escape_the_rest() {
        assert_eq!(quote("grüße\n\"\x1b[0m".as_bytes()), "\"grüße\\n\\\"\\x1b[0m\"");
        assert_eq!(quote(b"a\xff\0b"), "\"a\\xff\\0b\"");
        assert_eq!(quote(b"a\x002\0"), "\"a\\x002\\0\"");
        assert_eq!(quote_wide(&[0, 0x37, 0]), "\"\\x007\\0\"");
        assert_eq!(quote_wide(&[0x68, 0x1f600, 0xd800]), "\"h😀\\u{d800}\"");
        assert_eq!(quote_wide(&[0xd83d, 0xde00, 0xd83d, 0x68]), "\"😀\\u{d83d}h\"");
    }

    #[test]
    fn characters_show_number_and_shape() {
        assert_eq!(character(97, 8), "97 'a'");
        assert_eq!(character(0, 8), "0 '\\0'");
        assert_eq!(character(-1, 8), "-1");
        assert_eq!(character(39, 8), "39 '\\''");
        assert_eq!(character(200, 8), "200 '\\xc8'");
        assert_eq!(character(200, 32), "200 'È'");
    }
}
