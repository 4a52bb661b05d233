//! Makes text of the target and of plugins harmless on a terminal.
//!
//! Pipeline place: below both renderers. It knows characters, nothing of the report.

/// Whether a character could move the cursor, start a terminal escape sequence, end a
/// line or reorder what stands around it, rather than just be seen: the control characters
/// (Unicode category Cc: C0, DEL, C1), the line and paragraph separators, the
/// bidirectional controls (UAX #9) and the byte order mark.
pub(super) fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// Appends `text` with every hostile character spelled out: `\n`, `\x1b`, `\u{202e}`.
/// Backslashes stay as they are: strings of the target arrive quoted and escaped already.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    // Nearly all text is plain ASCII; only what is not is looked at by character.
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut buffer = [0; 4];
    for character in text.chars() {
        if !is_hostile(character) {
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        } else if character.is_ascii() && !matches!(character, '\n' | '\r' | '\t') {
            out.extend_from_slice(format!("\\x{:02x}", u32::from(character)).as_bytes());
        } else {
            out.extend(character.escape_default().map(|part| part as u8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(escaped("\u{1b}[2Jx\u{7}\u{7f}\0"), r"\x1b[2Jx\x07\x7f\x00");
        assert_eq!(escaped("a\nb\r\tc"), r"a\nb\r\tc");
        assert_eq!(escaped("\u{9b}31m"), r"\u{9b}31m");
        assert_eq!(
            escaped("\u{202e}gpj.exe\u{2066}\u{feff}\u{2028}"),
            r"\u{202e}gpj.exe\u{2066}\u{feff}\u{2028}"
        );
    }

    #[test]
    fn what_can_only_be_seen_stays() {
        assert_eq!(escaped(r#""a\n" größe ∀ 火 🦀"#), r#""a\n" größe ∀ 火 🦀"#);
    }
}
