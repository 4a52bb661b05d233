//! Thrown numbers: values of the types that C++ has of its own, by their mangled names (Itanium C++ ABI §5.1.5).

use crate::address::Address;
use crate::target::{Arch, Memory};
use crate::values::scalar;

/// The value at an address when `name` is such a type's.
pub(super) fn text(memory: &dyn Memory, arch: Arch, object: Address, name: &str) -> Option<String> {
    let word = 8 * arch.word();
    let (bits, is_signed) = match name {
        "b" | "h" => (8, false),
        "c" | "a" => (8, true),
        "s" => (16, true),
        "t" => (16, false),
        "i" | "w" => (32, true),
        "j" => (32, false),
        "l" => (word, true),
        "m" => (word, false),
        "x" => (64, true),
        "y" => (64, false),
        "f" => (32, false),
        "d" => (64, false),
        _ => return None,
    };
    let mut bytes = [0; 8];
    memory.read_exact(object, bytes.get_mut(..bits as usize / 8)?)?;
    let raw = u64::from_le_bytes(bytes);
    Some(match name {
        "b" => (raw != 0).to_string(),
        "f" => format!("{:?}", f32::from_bits(raw as u32)),
        "d" => format!("{:?}", f64::from_bits(raw)),
        _ => scalar::number(raw.into(), bits, is_signed).to_string(),
    })
}
