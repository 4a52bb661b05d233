//! Control characters in the text that the analyzer has rendered. There are none but those that break lines,
//! and what sets colours: everything of the target's is escaped. But an analyzer that was taken over by what it
//! parses could put others there, which would be commands to the terminal that the report is read on.

/// Looks at a text that comes in pieces, and replaces in each what must not reach a terminal.
#[derive(Debug, Default)]
pub(super) struct Controls {
    last: Last,
}

/// What the bytes before this one began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Nothing,
    /// An escape character.
    Escape,
    /// The parameters of a sequence that sets colours (ECMA-48, SGR).
    Parameters,
    /// The first byte of the C1 controls (U+0080 to U+009F) and others, in UTF-8.
    Latin,
}

const ESCAPE: u8 = 0x1b;
const LATIN: u8 = 0xc2;

impl Controls {
    /// Takes them out of the next piece.
    pub(super) fn take_out(&mut self, piece: &mut [u8]) {
        if self.last == Last::Nothing && !piece.iter().fold(false, |found, byte| found | is_special(*byte)) {
            return;
        }
        for byte in piece {
            (*byte, self.last) = match (self.last, *byte) {
                (Last::Escape, b'[') => (b'[', Last::Parameters),
                (Last::Escape, _) => (b'?', Last::Nothing),
                (Last::Parameters, b'0'..=b'9' | b';') => (*byte, Last::Parameters),
                (Last::Parameters, _) => (b'm', Last::Nothing),
                // A space that does not break stands for what cannot be seen.
                (Last::Latin, 0x80..=0x9f) => (0xa0, Last::Nothing),
                (_, ESCAPE) => (ESCAPE, Last::Escape),
                (_, LATIN) => (LATIN, Last::Latin),
                (_, other) if is_special(other) => (b'?', Last::Nothing),
                (_, other) => (other, Last::Nothing),
            };
        }
    }
}

/// Whether a byte needs a look. Without a branch, since all of a report goes through here.
fn is_special(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\n') & (byte != b'\t') | (byte == 0x7f) | (byte == LATIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one piece, and byte by byte.
    fn taken_out(text: &str) -> String {
        let mut whole = text.as_bytes().to_vec();
        Controls::default().take_out(&mut whole);
        let (mut controls, mut single) = (Controls::default(), text.as_bytes().to_vec());
        single.chunks_mut(1).for_each(|piece| controls.take_out(piece));
        assert_eq!(whole, single);
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn text_and_colours_stay() {
        for text in
            ["#0  main\n\tint größe = 3 µs\n", "\u{1b}[1m\u{1b}[31mSignal\u{1b}[0m", "\u{1b}[38;5;1mx", "©"]
        {
            assert_eq!(taken_out(text), text);
        }
    }

    #[test]
    fn commands_to_a_terminal_do_not() {
        assert_eq!(taken_out("\u{1b}]0;owned\u{7}"), "\u{1b}?0;owned?");
        assert_eq!(taken_out("\u{1b}[2Jx\r\u{8}\u{7f}\0"), "\u{1b}[2mx????");
        assert_eq!(taken_out("\u{1b}\u{1b}[c\u{9b}5n"), "\u{1b}?[c\u{a0}5n");
        assert_eq!(taken_out("\u{1b}[\n1m"), "\u{1b}[m1m");
    }
}
