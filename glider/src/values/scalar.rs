//! Numbers, characters and enumerators from their bits.

use super::decimal;
use super::place::mask;
use super::text;
use crate::address::Address;
use crate::report::{Pointee, Value};
use compact_str::{CompactString, ToCompactString, format_compact};
use std::sync::Arc;

/// The number in `bits` bits, two's complement when `signed`.
pub(crate) fn number(raw: u128, bits: u64, signed: bool) -> i128 {
    let negative = signed && bits > 0 && bits <= 128 && raw >> (bits - 1) & 1 == 1;
    if negative && bits < 128 { (raw | !mask(u128::MAX, bits)) as i128 } else { raw as i128 }
}

/// An integer.
pub(crate) fn integer(raw: u128, bits: u64, signed: bool) -> Value {
    let text = match signed {
        true => digits(number(raw, bits, true)),
        false => i128::try_from(raw).map_or_else(|_| raw.to_compact_string(), digits),
    };
    Value::Integer { text, hex: hexadecimal(raw) }
}

/// The number in decimal; numbers of 128 bits take several times as long as those that fit into 64.
fn digits(number: i128) -> CompactString {
    i64::try_from(number).map_or_else(|_| number.to_compact_string(), |number| number.to_compact_string())
}

/// `0x2a`.
fn hexadecimal(raw: u128) -> CompactString {
    u64::try_from(raw).map_or_else(|_| format_compact!("{raw:#x}"), |raw| address(Address(raw)))
}

/// An address: `0x2a`.
pub(crate) fn address(address: Address) -> CompactString {
    CompactString::from(address.spelled(&mut [0; Address::ROOM]))
}

/// The pointer to nothing.
pub(crate) fn nil() -> Value {
    Value::Pointer { text: CompactString::const_new("nil"), symbol: None, pointee: Pointee::None }
}

/// A truth value; a byte that is neither 0 nor 1 is shown as it is.
pub(crate) fn boolean(raw: u128) -> Value {
    Value::Bool {
        text: match raw {
            0 => CompactString::const_new("false"),
            1 => CompactString::const_new("true"),
            other => other.to_compact_string(),
        },
    }
}

/// A character.
pub(crate) fn character(raw: u128, bits: u64, signed: bool) -> Value {
    Value::Char { text: text::character(number(raw, bits, signed), bits) }
}

/// A floating point number from its bytes; `type_name` tells formats of the same size apart.
pub(crate) fn float(bytes: &[u8], type_name: &str) -> Option<CompactString> {
    Some(match *bytes {
        // The upper half of a binary32.
        [a, b] if type_name.contains("bf") => single([0, 0, a, b]),
        [a, b] => decimal::binary16(u16::from_le_bytes([a, b])).into(),
        [a, b, c, d] => single([a, b, c, d]),
        [a, b, c, d, e, f, g, h] => double(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => {
            let is_x87 = bytes.len() < 16 || !is_binary128(type_name);
            match bytes.first_chunk::<16>() {
                Some(wide) if !is_x87 => decimal::binary128(u128::from_le_bytes(*wide)).into(),
                _ => decimal::x87(bytes.first_chunk::<10>()?).into(),
            }
        }
    })
}

/// The shortest decimal of a binary32.
fn single(bytes: [u8; 4]) -> CompactString {
    lowercase(format_compact!("{:?}", f32::from_le_bytes(bytes)))
}

/// The shortest decimal of a binary64. Whole numbers, which are most, have their digits and `.0`; that takes
/// a fifth of the time.
fn double(value: f64) -> CompactString {
    /// From 1e16 on `{:?}` writes an exponent; up to here every whole number is its own shortest decimal.
    const WHOLE: f64 = 1e15;
    let whole = value as i64;
    if value.abs() < WHOLE && whole as f64 == value && (whole != 0 || value.is_sign_positive()) {
        let mut text = whole.to_compact_string();
        text.push_str(".0");
        return text;
    }
    lowercase(format_compact!("{value:?}"))
}

/// `NaN` is the one word with a capital.
fn lowercase(mut text: CompactString) -> CompactString {
    text.make_ascii_lowercase();
    text
}

/// Whether a type is binary128: `__float128`, `_Float128`, `f128`, `REAL(KIND=16)` and complex ones of
/// these. All else of that size is x87 extended precision, `long double` and `_Float64x` among them.
fn is_binary128(type_name: &str) -> bool {
    ["128", "kind=16", "quad"].iter().any(|mark| type_name.contains(mark))
}

/// An enumerator by name; a combination of flags by their names; else the number.
pub(crate) fn enumerator(raw: u128, bits: u64, signed: bool, names: &[(i128, Arc<str>)]) -> Value {
    let value = number(raw, bits, signed);
    let exact =
        names.iter().find(|(number, _)| *number == value).map(|(_, name)| CompactString::from(&**name));
    let text = exact.or_else(|| flags(value, names)).unwrap_or_else(|| digits(value));
    Value::Enum { text, number: digits(value), hex: hexadecimal(raw) }
}

/// `A|B|0x40` when the enumeration is a set of bits and `value` has some of them: when each of its
/// numbers is one bit, or put together of such. Counted ones (0, 1, 2, 3 and so on) are no set.
fn flags(value: i128, names: &[(i128, Arc<str>)]) -> Option<CompactString> {
    let is_flag = |number: i128| number > 0 && number & (number - 1) == 0;
    let numbers = || names.iter().map(|(number, _)| *number);
    let bits = numbers().filter(|number| is_flag(*number)).fold(0, |bits, number| bits | number);
    let is_set = numbers().all(|number| number >= 0 && number & !bits == 0);
    let is_counted =
        numbers().any(|number| number == 3) && numbers().all(|number| number <= names.len() as i128);
    if value <= 0 || !is_set || is_counted {
        return None;
    }
    let mut rest = value;
    let mut parts = Vec::new();
    for (number, name) in names.iter().filter(|(number, _)| is_flag(*number)) {
        if rest & number == *number {
            parts.push(name.to_string());
            rest &= !number;
        }
    }
    if parts.is_empty() {
        return None;
    }
    if rest != 0 {
        parts.push(format!("{rest:#x}"));
    }
    Some(parts.join("|").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[(i128, &str)]) -> Vec<(i128, Arc<str>)> {
        list.iter().map(|(number, name)| (*number, Arc::from(*name))).collect()
    }

    #[test]
    fn integers_are_sign_extended_at_their_own_width() {
        assert_eq!(number(0xff, 8, true), -1);
        assert_eq!(number(0xff, 8, false), 255);
        assert_eq!(number(0b101, 3, true), -3);
        assert_eq!(number(u128::MAX, 128, true), -1);
        assert_eq!(
            integer(0xffff_ffff, 32, true),
            Value::Integer { text: "-1".into(), hex: "0xffffffff".into() }
        );
    }

    #[test]
    fn integers_print_in_both_bases_whatever_their_size() {
        for raw in [0, 1, 0xf, 0x10, u64::MAX.into(), 1 << 64, u128::MAX >> 1, u128::MAX] {
            let expected = Value::Integer { text: raw.to_compact_string(), hex: format_compact!("{raw:#x}") };
            assert_eq!(integer(raw, 128, false), expected);
            let expected =
                Value::Integer { text: (raw as i128).to_compact_string(), hex: format_compact!("{raw:#x}") };
            assert_eq!(integer(raw, 128, true), expected);
        }
    }

    #[test]
    fn doubles_print_as_rust_does_but_for_the_capitals() {
        let signs = |value: f64| [value, -value];
        let values = [0.0, 0.5, 1.0, 255.0, 999_999_999_999_999.0, 1e15, 1e16, 1e22, 1.5e300, f64::INFINITY];
        for value in values.into_iter().flat_map(signs).chain([f64::NAN, f64::MIN_POSITIVE, i64::MIN as f64])
        {
            let expected = format!("{value:?}").to_lowercase();
            assert_eq!(float(&value.to_le_bytes(), "double").as_deref(), Some(&*expected));
        }
    }

    #[test]
    fn enumerators_print_by_name_flags_by_names_and_others_by_number() {
        let text = |value, list: &[(i128, &str)]| match enumerator(value, 32, false, &names(list)) {
            Value::Enum { text, .. } => text,
            other => panic!("{other:?}"),
        };
        let modes = [(0, "SLOW"), (5, "FAST")];
        let bits = [(1, "READ"), (2, "WRITE"), (4, "EXEC")];
        assert_eq!(text(5, &modes), "FAST");
        assert_eq!(text(7, &modes), "7");
        assert_eq!(text(5, &bits), "READ|EXEC");
        assert_eq!(text(0x43, &bits), "READ|WRITE|0x40");
        assert_eq!(text(0, &bits), "0");
        let combined = [(1, "FIRST"), (2, "SECOND"), (3, "BOTH"), (8, "FOURTH")];
        assert_eq!(text(3, &combined), "BOTH");
        assert_eq!(text(11, &combined), "FIRST|SECOND|FOURTH");
        assert_eq!(text(6, &[(0, "NONE"), (1, "READ"), (2, "WRITE"), (4, "EXEC")]), "WRITE|EXEC");
        let counted = [(0, "NONE"), (1, "ONE"), (2, "TWO"), (3, "THREE"), (4, "FOUR")];
        assert_eq!(text(7, &counted), "7");
    }
}
