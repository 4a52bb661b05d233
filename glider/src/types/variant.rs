//! The part of a structure that depends on a discriminant (DWARF 5 §5.7.10): Rust's enums, Ada's variant records.

use super::Member;
use super::parse::{constant, is_signed, member};
use crate::dwarf::{Die, Entry};
use gimli::{AttributeValue, Reader};

/// The variant part of a structure.
pub struct Variants {
    /// The member that tells which variant holds; `None` when there is only one.
    pub discriminant: Option<Member>,
    /// What selects each variant, and its members.
    pub variants: Vec<(Selector, Vec<Member>)>,
}

/// Values of the discriminant with which a variant holds.
#[derive(Debug, PartialEq)]
pub enum Selector {
    /// All that no other variant has.
    Default,
    /// This one.
    Value(i128),
    /// Those in one of these ranges, both ends included.
    Ranges(Vec<(i128, i128)>),
}

impl Selector {
    /// Whether the variant holds with a discriminant of so many bits.
    pub(crate) fn selects(&self, raw: u128, bits: u64) -> bool {
        // Numbers come signed or unsigned, whatever the producer found shorter.
        let mask = if bits >= 128 { u128::MAX } else { (1 << bits) - 1 };
        let cut = |number: i128| number as u128 & mask;
        match self {
            Selector::Default => false,
            Selector::Value(value) => cut(*value) == raw,
            // Counted from the start of the range, numbers are in it whatever their sign is taken for.
            Selector::Ranges(ranges) => ranges.iter().any(|(first, last)| {
                first <= last && raw.wrapping_sub(cut(*first)) & mask <= last.wrapping_sub(*first) as u128
            }),
        }
    }
}

/// The variants of a `DW_TAG_variant_part`.
pub(super) fn variants(die: Die, entry: &Entry) -> Variants {
    let discriminant = die.reference(entry, gimli::DW_AT_discr);
    let is_signed = discriminant.and_then(Die::type_die).is_some_and(is_signed);
    let discriminant = discriminant.and_then(|discriminant| member(discriminant, &discriminant.entry()?));
    let of_variant = |(variant, entry): (Die, Entry)| {
        let members = variant.children().into_iter().filter(|(_, entry)| entry.tag() == gimli::DW_TAG_member);
        (selector(&entry, is_signed), members.filter_map(|(die, entry)| member(die, &entry)).collect())
    };
    let variants = die.children().into_iter().filter(|(_, entry)| entry.tag() == gimli::DW_TAG_variant);
    Variants { discriminant, variants: variants.map(of_variant).collect() }
}

fn selector(entry: &Entry, is_signed: bool) -> Selector {
    let value = entry.attr_value(gimli::DW_AT_discr_value).and_then(|value| constant(&value));
    let list = || match entry.attr_value(gimli::DW_AT_discr_list)? {
        AttributeValue::Block(list) => Some(Selector::Ranges(ranges(list, is_signed))),
        _ => None,
    };
    value.map(Selector::Value).or_else(list).unwrap_or(Selector::Default)
}

/// A list of values and ranges, each behind a byte that says which (§7.8); what follows a broken one is left out.
fn ranges(mut list: crate::unwind::Bytes, is_signed: bool) -> Vec<(i128, i128)> {
    let mut found = Vec::new();
    while let Ok(descriptor) = list.read_u8() {
        let mut number = || match is_signed {
            true => list.read_sleb128().map(i128::from),
            false => list.read_uleb128().map(i128::from),
        };
        let Ok(first) = number() else { break };
        let last = match gimli::DwDsc(descriptor) {
            gimli::DW_DSC_label => Ok(first),
            gimli::DW_DSC_range => number(),
            _ => break,
        };
        let Ok(last) = last else { break };
        found.push((first, last));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::Bytes;

    #[test]
    fn a_list_has_values_and_ranges() {
        // 1, 3 to 200; the next is cut off.
        let list: &[u8] = &[0, 1, 1, 3, 0xc8, 0x01, 1, 5];
        let found = ranges(Bytes::new(list, gimli::LittleEndian), false);
        assert_eq!(found, [(1, 1), (3, 200)]);
        let signed = ranges(Bytes::new(&[1, 0x7e, 2], gimli::LittleEndian), true);
        assert_eq!(signed, [(-2, 2)]);
        let selector = Selector::Ranges(found);
        let selected: Vec<u128> = (0..=255).filter(|raw| selector.selects(*raw, 8)).collect();
        assert_eq!((selected.len(), selected.first(), selected.last()), (199, Some(&1), Some(&200)));
        let selector = Selector::Ranges(signed);
        let selected: Vec<u128> = (0..=255).filter(|raw| selector.selects(*raw, 8)).collect();
        assert_eq!(selected, [0, 1, 2, 254, 255]);
        assert!(!Selector::Ranges(vec![(5, 3)]).selects(4, 8));
    }

    #[test]
    fn a_value_is_selected_whatever_its_sign_is_taken_for() {
        assert!(Selector::Value(-1).selects(0xff, 8) && Selector::Value(255).selects(0xff, 8));
        assert!(!Selector::Value(-1).selects(0xff, 16) && !Selector::Default.selects(0, 8));
    }
}
