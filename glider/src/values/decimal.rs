//! Floating point formats that Rust has no type for, in decimal: x87 extended precision and
//! IEEE binary128, binary16.

/// `mantissa × 2^exponent` with `digits` significant decimal digits, trailing zeros dropped.
/// Exact arithmetic on base 10^9 limbs; exponents of these formats keep it below 1,000 limbs.
pub(super) fn decimal(negative: bool, mantissa: u128, exponent: i32, digits: usize) -> String {
    let sign = if negative { "-" } else { "" };
    if mantissa == 0 {
        return format!("{sign}0.0");
    }
    // value = limbs × 10^scale
    let mut limbs = Vec::new();
    let mut rest = mantissa;
    while rest > 0 {
        limbs.push((rest % BASE) as u32);
        rest /= BASE;
    }
    let scale = if exponent >= 0 {
        (0..exponent).for_each(|_| multiply(&mut limbs, 2));
        0
    } else {
        // 2^-n = 5^n × 10^-n
        (0..-exponent).for_each(|_| multiply(&mut limbs, 5));
        exponent
    };
    let mut text: String = limbs.last().map(u32::to_string).unwrap_or_default();
    for limb in limbs.iter().rev().skip(1) {
        text.push_str(&format!("{limb:09}"));
    }
    let mut power = text.len() as i32 - 1 + scale;
    let mut kept: Vec<u8> = text.bytes().take(digits).collect();
    if text.as_bytes().get(digits).is_some_and(|next| *next >= b'5') && round_up(&mut kept) {
        power += 1;
    }
    while kept.len() > 1 && kept.last() == Some(&b'0') {
        kept.pop();
    }
    format!("{sign}{}", layout(&kept, power))
}

const BASE: u128 = 1_000_000_000;

fn multiply(limbs: &mut Vec<u32>, factor: u64) {
    let mut carry = 0;
    for limb in limbs.iter_mut() {
        let product = u64::from(*limb) * factor + carry;
        *limb = (product % BASE as u64) as u32;
        carry = product / BASE as u64;
    }
    if carry > 0 {
        limbs.push(carry as u32);
    }
}

/// Adds one to the last digit; says whether a digit was carried out at the front.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    if let Some(first) = digits.first_mut() {
        *first = b'1';
    }
    true
}

/// Digits with the point after the first one moved by `power`; scientific outside of ±16.
fn layout(digits: &[u8], power: i32) -> String {
    let digits = String::from_utf8_lossy(digits);
    let point = usize::try_from(power + 1).unwrap_or(0);
    if !(-5..=20).contains(&power) {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{power}")
    } else if power < 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-power - 1).unwrap_or(0)))
    } else if digits.len() <= point {
        format!("{digits}{}.0", "0".repeat(point - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(point);
        format!("{whole}.{fraction}")
    }
}

/// x87 extended precision (Intel SDM vol. 1 §4.2.2): 64-bit significand with explicit integer bit.
pub(super) fn x87(bytes: &[u8; 10]) -> String {
    let mut significand = [0; 8];
    significand.copy_from_slice(&bytes[..8]);
    let significand = u64::from_le_bytes(significand);
    let top = u16::from_le_bytes([bytes[8], bytes[9]]);
    let (negative, exponent) = (top >> 15 == 1, i32::from(top & 0x7fff));
    if exponent == 0x7fff {
        return special(negative, significand << 1 == 0);
    }
    decimal(negative, significand.into(), exponent.max(1) - 16383 - 63, 21)
}

/// IEEE 754 binary128.
pub(super) fn binary128(bits: u128) -> String {
    let negative = bits >> 127 == 1;
    let exponent = ((bits >> 112) & 0x7fff) as i32;
    let fraction = bits & ((1 << 112) - 1);
    if exponent == 0x7fff {
        return special(negative, fraction == 0);
    }
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 112 };
    decimal(negative, mantissa, exponent.max(1) - 16383 - 112, 36)
}

/// IEEE 754 binary16.
pub(super) fn binary16(bits: u16) -> String {
    let negative = bits >> 15 == 1;
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = u128::from(bits & 0x3ff);
    if exponent == 0x1f {
        return special(negative, fraction == 0);
    }
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 10 };
    decimal(negative, mantissa, exponent.max(1) - 15 - 10, 5)
}

fn special(negative: bool, infinite: bool) -> String {
    let sign = if negative { "-" } else { "" };
    format!("{sign}{}", if infinite { "inf" } else { "nan" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library_on_doubles() {
        for value in [1.5f64, 0.1, 2.7182817459106445, 1e100, 1.25e-7, -2.0, 123456789.0, 5e-324, f64::MAX] {
            let bits = value.to_bits();
            let exponent = ((bits >> 52) & 0x7ff) as i32;
            let fraction = bits & ((1 << 52) - 1);
            let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
            let text = decimal(value < 0.0, mantissa.into(), exponent.max(1) - 1075, 17);
            assert_eq!(text.parse::<f64>().unwrap(), value, "{text}");
        }
    }

    #[test]
    fn x87_and_binary16_values_print_in_full() {
        // 1.5: significand 0xc000000000000000, exponent 16383
        assert_eq!(x87(&[0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f]), "1.5");
        assert_eq!(x87(&[0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f]), "inf");
        assert_eq!(binary16(0x3e00), "1.5");
        assert_eq!(binary16(0xfc00), "-inf");
        assert_eq!(binary128(0x3fff8 << 108), "1.5");
        assert_eq!(binary128(0), "0.0");
    }
}
