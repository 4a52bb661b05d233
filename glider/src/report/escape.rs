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
    // Nearly all text is plain; only what is not is looked at by character.
    if is_plain(text.as_bytes()) {
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

/// Whether all bytes are printable ASCII, eight at a time: every word of a report comes by here.
fn is_plain(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    let (words, rest) = text.as_chunks::<8>();
    let is_plain_word = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        // The top bit of each byte is lost below a space, and set from DEL on. No carry leaves a
        // byte that is below 0x80, and one that is not is found by its own top bit.
        let not_below_space = (word | TOP) - u64::from(b' ') * EACH;
        (!not_below_space | word.wrapping_add(EACH) | word) & TOP == 0
    };
    words.iter().all(is_plain_word) && rest.iter().all(|byte| (b' '..0x7f).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_what_has_printable_ascii_alone_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..19 {
                let mut text = [b'~'; 19];
                text[place] = byte;
                assert_eq!(is_plain(&text), (b' '..0x7f).contains(&byte), "{byte:#x} at {place}");
            }
        }
    }

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
