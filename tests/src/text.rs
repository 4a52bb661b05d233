//! Reads values back from the text in which glider's report prints them.

/// The whole number at the start of `text`: `97` of `97 'a'`, 1 and 0 for `true` and `false`.
pub fn number(text: &str) -> Option<String> {
    match text {
        "true" => return Some("1".into()),
        "false" => return Some("0".into()),
        _ => {}
    }
    let word = text.split_whitespace().next()?;
    let digits = word.strip_prefix('-').unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(match (digits, word.starts_with('-')) {
        ("", _) => "0".into(),
        (digits, true) => format!("-{digits}"),
        (digits, false) => digits.into(),
    })
}

/// The address a pointer is printed as: `0x…`, `nil`, with or without words after it.
pub fn address(text: &str) -> Option<u64> {
    let word = text.split_whitespace().next()?;
    if word == "nil" {
        return Some(0);
    }
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// The bytes of a quoted and escaped string, and whether it was cut (`...` after the quote).
/// A prefix (`L`, `u`, `U`, `u8`) is accepted.
pub fn string(text: &str) -> Option<(Vec<u8>, bool)> {
    let text = ["L", "u8", "u", "U"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let (inner, cut) = match text.strip_suffix("...") {
        Some(quoted) if quoted.len() > 1 && quoted.ends_with('"') => (quoted, true),
        _ => (text, false),
    };
    let mut rest = inner.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut bytes = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'\\' {
            bytes.push(byte);
            rest = after;
            continue;
        }
        let (byte, after) = escape(after)?;
        bytes.push(byte);
        rest = after;
    }
    Some((bytes, cut))
}

/// The byte an escape stands for (what follows the backslash), and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, after) = text.split_first()?;
    let byte = match first {
        b'x' => {
            let (digits, after) = after.split_at_checked(2)?;
            return Some((radix(digits, 16)?, after));
        }
        b'0'..=b'7' => {
            let count = text.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let (digits, after) = text.split_at_checked(count)?;
            return Some((radix(digits, 8)?, after));
        }
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'e' => 27,
        other => other,
    };
    Some((byte, after))
}

fn radix(digits: &[u8], radix: u32) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// Whether two decimals denote one floating point number of `size` bytes.
///
/// Not-a-numbers are all one: gdb prints their payload, glider does not. Numbers wider than a
/// double are compared as doubles: the last digits of a `long double` go unchecked. A complex
/// number (`1 + -2i`, `1-2i`) is compared part by part.
pub fn same_float(left: &str, right: &str, size: u64) -> bool {
    if let (Some((real, imaginary)), Some((other_real, other_imaginary))) = (complex(left), complex(right)) {
        return same_float(&real, &other_real, size) && same_float(&imaginary, &other_imaginary, size);
    }
    let is_nan = |text: &str| text.trim_start_matches(['-', '+']).to_ascii_lowercase().starts_with("nan");
    if is_nan(left) || is_nan(right) {
        return is_nan(left) && is_nan(right);
    }
    if size == 4 {
        return match (left.parse::<f32>(), right.parse::<f32>()) {
            (Ok(left), Ok(right)) => left.to_bits() == right.to_bits(),
            _ => false,
        };
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.to_bits() == right.to_bits(),
        _ => false,
    }
}

/// The parts of a complex number.
fn complex(text: &str) -> Option<(String, String)> {
    let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let text = text.strip_suffix('i')?;
    let bytes = text.as_bytes();
    let sign = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        matches!(bytes.get(*at), Some(b'+' | b'-')) && !matches!(before, Some(b'e' | b'E'))
    };
    let at = (1..bytes.len()).find(sign)?;
    let (real, imaginary) = text.split_at_checked(at)?;
    Some((real.to_owned(), imaginary.strip_prefix('+').unwrap_or(imaginary).to_owned()))
}

/// The last lines of what a program wrote to its standard error, on one line.
pub fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_every_spelling() {
        assert_eq!(number("42").as_deref(), Some("42"));
        assert_eq!(number("-0").as_deref(), Some("0"));
        assert_eq!(number("97 'a'").as_deref(), Some("97"));
        assert_eq!(number("-1 '\\377'").as_deref(), Some("-1"));
        assert_eq!(number("true").as_deref(), Some("1"));
        assert_eq!(
            number("340282366920938463463374607431768211455").as_deref(),
            Some("340282366920938463463374607431768211455")
        );
        assert_eq!(number("MODE_FAST"), None);
        assert_eq!(number("-"), None);
        assert_eq!(number(""), None);
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(address("nil"), Some(0));
        assert_eq!(address("0x2a"), Some(42));
        assert_eq!(address("0x2a (/bin/x`main) \"s\""), Some(42));
        assert_eq!(address("42"), None);
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(string("\"a\\n\\\"\\\\\\x00\\101b\""), Some((b"a\n\"\\\0Ab".to_vec(), false)));
        assert_eq!(string("\"ab\"..."), Some((b"ab".to_vec(), true)));
        assert_eq!(string("\"...\""), Some((b"...".to_vec(), false)));
        assert_eq!(string("L\"ab\""), Some((b"ab".to_vec(), false)));
        assert_eq!(string("ab"), None);
        assert_eq!(string("\"\\x4\""), None);
    }

    #[test]
    fn floats_are_equal_by_value_in_their_width() {
        assert!(same_float("0.100000001", "0.1", 4));
        assert!(!same_float("0.100000001", "0.1", 8));
        assert!(same_float("0.10000000000000001", "0.1", 8));
        assert!(same_float("1e+300", "1e300", 8));
        assert!(same_float("-nan(0x8000000000000)", "nan", 8));
        assert!(same_float("inf", "inf", 8) && !same_float("inf", "-inf", 8));
        assert!(same_float("1 + -2i", "1-2i", 8) && same_float("-1e-05 + 2i", "-0.00001 + 2i", 8));
        assert!(!same_float("1 + -2i", "1 + 2i", 8) && !same_float("1 + 2i", "1", 8));
        assert!(!same_float("nan(0x1)", "1", 8) && !same_float("0", "-0", 8));
    }
}
