//! From a type's DIE to a [`Type`].

use super::variant::variants;
use super::{Count, Descriptor, Kind, Member, MemberOffset, MemberPointer, Record, Type, spelling};
use crate::dwarf::{Attribute, Die, Entry, MAX_CHAIN, expression};
use crate::unwind::Bytes;
use gimli::AttributeValue;

/// Parses the type a DIE describes. What cannot be parsed is [`Kind::Opaque`].
pub(super) fn parse(die: Die) -> Type {
    let name = spelling::spell(die);
    let Some((die, entry)) = described(die) else { return Type { name, size: None, kind: Kind::Opaque } };
    let size = number(&entry, gimli::DW_AT_byte_size);
    let kind = kind(die, &entry);
    let size = size.or_else(|| match &kind {
        // DWARF lets pointers go without a size; it is the unit's address size.
        Kind::Pointer { .. } | Kind::Reference { .. } => Some(u64::from(die.unit.encoding().address_size)),
        Kind::MemberPointer(MemberPointer { is_function, .. }) => {
            let word = u64::from(die.unit.encoding().address_size);
            Some(if *is_function { 2 * word } else { word })
        }
        Kind::Alias { target: Some(target) } => {
            target.entry().and_then(|entry| number(&entry, gimli::DW_AT_byte_size))
        }
        Kind::Array { element: Some(element), dimensions, descriptor: None } if !dimensions.is_empty() => {
            array_size(*element, dimensions, MAX_CHAIN)
        }
        Kind::Char { .. } => storage_size(die, MAX_CHAIN),
        _ => None,
    });
    Type { name, size, kind }
}

/// The DIE that describes the type: for a stand-in of a type unit (DWARF 5 §5.1, `DW_AT_signature`),
/// the one in that unit.
fn described(die: Die) -> Option<(Die, Entry)> {
    let entry = die.entry()?;
    let signed = die.reference(&entry, gimli::DW_AT_signature);
    match signed.and_then(|signed| Some((signed, signed.entry()?))) {
        Some(found) => Some(found),
        None => Some((die, entry)),
    }
}

fn kind(die: Die, entry: &Entry) -> Kind {
    let target = die.reference(entry, gimli::DW_AT_type);
    match entry.tag() {
        gimli::DW_TAG_base_type => base(die, entry),
        gimli::DW_TAG_pointer_type => Kind::Pointer { target },
        gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type => Kind::Reference { target },
        gimli::DW_TAG_array_type => {
            let (dimensions, descriptor) = dimensions(die, entry);
            Kind::Array { element: target, dimensions, descriptor }
        }
        gimli::DW_TAG_string_type => Kind::Text { length: text_length(die, entry) },
        gimli::DW_TAG_structure_type
        | gimli::DW_TAG_class_type
        | gimli::DW_TAG_union_type
        | gimli::DW_TAG_interface_type => match entry.has_attr(gimli::DW_AT_declaration) {
            true => Kind::Incomplete,
            false if entry.tag() == gimli::DW_TAG_union_type => Kind::Union(record(die)),
            false => Kind::Struct(record(die)),
        },
        gimli::DW_TAG_enumeration_type => enumeration(die),
        gimli::DW_TAG_subroutine_type | gimli::DW_TAG_subprogram => Kind::Function,
        gimli::DW_TAG_ptr_to_member_type => Kind::MemberPointer(MemberPointer {
            class: die.reference(entry, gimli::DW_AT_containing_type),
            is_function: target.is_some_and(|target| target.tag() == Some(gimli::DW_TAG_subroutine_type)),
        }),
        // C++ `std::nullptr_t` (DWARF 5 §5.2).
        gimli::DW_TAG_unspecified_type if die.name().as_deref() == Some("decltype(nullptr)") => {
            Kind::Pointer { target: None }
        }
        gimli::DW_TAG_unspecified_type => Kind::Void,
        gimli::DW_TAG_typedef if is_character_typedef(die) => {
            Kind::Char { signed: target.is_some_and(is_signed) }
        }
        gimli::DW_TAG_typedef
        | gimli::DW_TAG_const_type
        | gimli::DW_TAG_volatile_type
        | gimli::DW_TAG_restrict_type
        | gimli::DW_TAG_atomic_type
        | gimli::DW_TAG_immutable_type
        | gimli::DW_TAG_packed_type
        | gimli::DW_TAG_shared_type
        | gimli::DW_TAG_subrange_type
        | gimli::DW_TAG_template_alias => Kind::Alias { target },
        _ => Kind::Opaque,
    }
}

/// Whether this is how C declares one of its wide characters, as another name for an integer.
fn is_character_typedef(die: Die) -> bool {
    die.unit.is_c() && is_named_as_character(die)
}

/// Whether it has the name of one of the character types beside `char`.
fn is_named_as_character(die: Die) -> bool {
    let is_character = |name: &str| matches!(name, "wchar_t" | "char8_t" | "char16_t" | "char32_t");
    die.name().is_some_and(|name| is_character(&name))
}

/// Whether the base type behind aliases is a signed integer.
pub(super) fn is_signed(die: Die) -> bool {
    let mut die = die;
    for _ in 0..crate::dwarf::MAX_CHAIN {
        let Some(entry) = die.entry() else { return false };
        match die.reference(&entry, gimli::DW_AT_type) {
            Some(target) => die = target,
            None => {
                return matches!(
                    base(die, &entry),
                    Kind::Integer { signed: true } | Kind::Char { signed: true }
                );
            }
        }
    }
    false
}

fn base(die: Die, entry: &Entry) -> Kind {
    let Some(AttributeValue::Encoding(encoding)) = entry.attr_value(gimli::DW_AT_encoding) else {
        return Kind::Opaque;
    };
    // g++ and clang++ call wchar_t an integer, g++ also char8_t.
    if is_named_as_character(die) {
        return Kind::Char { signed: encoding == gimli::DW_ATE_signed };
    }
    match encoding {
        gimli::DW_ATE_boolean => Kind::Bool,
        gimli::DW_ATE_float | gimli::DW_ATE_imaginary_float => Kind::Float,
        gimli::DW_ATE_complex_float => Kind::Complex,
        gimli::DW_ATE_signed => Kind::Integer { signed: true },
        gimli::DW_ATE_unsigned | gimli::DW_ATE_address => {
            // Rust's `()` is an unsigned integer of no bytes.
            if number(entry, gimli::DW_AT_byte_size) == Some(0) {
                Kind::Void
            } else {
                Kind::Integer { signed: false }
            }
        }
        gimli::DW_ATE_signed_char => Kind::Char { signed: true },
        gimli::DW_ATE_unsigned_char | gimli::DW_ATE_UTF | gimli::DW_ATE_ASCII | gimli::DW_ATE_UCS => {
            Kind::Char { signed: false }
        }
        _ => Kind::Opaque,
    }
}

fn enumeration(die: Die) -> Kind {
    let mut enumerators = Vec::new();
    let mut negative = false;
    for (child, child_entry) in die.children() {
        if child_entry.tag() != gimli::DW_TAG_enumerator {
            continue;
        }
        let (Some(name), Some(value)) = (
            child.name(),
            child_entry.attr_value(gimli::DW_AT_const_value).and_then(|value| constant(&value)),
        ) else {
            continue;
        };
        negative |= value < 0;
        enumerators.push((value, name));
    }
    Kind::Enum { enumerators, signed: negative }
}

/// The dimensions, outermost first whichever way round the language stores them, and the descriptor.
fn dimensions(die: Die, array: &Entry) -> (Vec<Count>, Option<Box<Descriptor>>) {
    let of = |entry: &Entry, name| entry.attr_value(name).and_then(expression);
    let mut found: Vec<(Count, Option<Bytes>)> = die
        .children()
        .into_iter()
        .filter(|(_, entry)| {
            matches!(entry.tag(), gimli::DW_TAG_subrange_type | gimli::DW_TAG_enumeration_type)
        })
        .map(|(child, entry)| (count(child, &entry), of(&entry, gimli::DW_AT_byte_stride)))
        .collect();
    if is_column_major(die, array) {
        found.reverse();
    }
    let (dimensions, strides) = found.into_iter().unzip();
    let data = of(array, gimli::DW_AT_data_location);
    let is_present = of(array, gimli::DW_AT_allocated).or_else(|| of(array, gimli::DW_AT_associated));
    (dimensions, data.map(|data| Box::new(Descriptor { data, is_present, strides })))
}

/// Whether the first index is the one that varies fastest (DWARF 5 §5.5).
pub(super) fn is_column_major(die: Die, array: &Entry) -> bool {
    match array.attr_value(gimli::DW_AT_ordering) {
        Some(AttributeValue::Ordering(ordering)) => ordering == gimli::DW_ORD_col_major,
        _ => default_lower_bound(die) == 1,
    }
}

/// The length of a string type (DWARF 5 §5.11): fixed, of a variable, or in memory.
fn text_length(die: Die, entry: &Entry) -> Count {
    match entry.attr_value(gimli::DW_AT_string_length) {
        None => number(entry, gimli::DW_AT_byte_size).map_or(Count::Unknown, Count::Fixed),
        Some(value) => match (die.follow(&value), expression(value)) {
            (Some(variable), _) => Count::Variable(variable),
            (None, Some(place)) => Count::At(place, number(entry, gimli::DW_AT_string_length_byte_size)),
            (None, None) => Count::Unknown,
        },
    }
}

fn count(die: Die, entry: &Entry) -> Count {
    if let Some(value) = entry.attr_value(gimli::DW_AT_count) {
        return match bound(die, &value) {
            Bound::Number(count) => u64::try_from(count).map_or(Count::Unknown, Count::Fixed),
            Bound::Expression(expression) => Count::Expression(expression),
            Bound::Variable(variable) => Count::Variable(variable),
            Bound::Unknown => Count::Unknown,
        };
    }
    let lower = match entry.attr_value(gimli::DW_AT_lower_bound).map(|value| bound(die, &value)) {
        Some(Bound::Number(lower)) => i64::try_from(lower).unwrap_or(0),
        _ => default_lower_bound(die),
    };
    match entry.attr_value(gimli::DW_AT_upper_bound).map_or(Bound::Unknown, |value| bound(die, &value)) {
        // An upper bound below the lower one is how compilers write "no elements".
        Bound::Number(upper) => Count::Fixed(u64::try_from(upper - i128::from(lower) + 1).unwrap_or(0)),
        Bound::Expression(upper) => match entry.attr_value(gimli::DW_AT_lower_bound).and_then(expression) {
            Some(lower) => Count::Bounds(lower, upper),
            None => Count::UpperBound(upper, lower),
        },
        Bound::Variable(variable) => Count::UpperBoundVariable(variable, lower),
        Bound::Unknown => Count::Unknown,
    }
}

/// DWARF 5 table 7.17: 1 for Fortran and its kin, 0 for C, C++, Rust and most others.
pub(super) fn default_lower_bound(die: Die) -> i64 {
    let one = die.unit.language.and_then(gimli::DwLang::default_lower_bound).is_some_and(|bound| bound == 1);
    i64::from(one)
}

enum Bound {
    Number(i128),
    Expression(Bytes),
    Variable(Die),
    Unknown,
}

fn bound(die: Die, value: &Attribute) -> Bound {
    if let Some(expression) = expression(*value) {
        return Bound::Expression(expression);
    }
    if let Some(variable) = die.follow(value) {
        return Bound::Variable(variable);
    }
    match value {
        // -1 written in an unsigned form of the size of the bound, as gcc does for `[0]`.
        AttributeValue::Data8(u64::MAX) | AttributeValue::Udata(u64::MAX) => Bound::Number(-1),
        AttributeValue::Data4(u32::MAX) if die.unit.encoding().address_size == 8 => Bound::Number(-1),
        _ => constant(value).map_or(Bound::Unknown, Bound::Number),
    }
}

fn record(die: Die) -> Record {
    let mut record = Record::default();
    for (child, entry) in die.children() {
        match entry.tag() {
            gimli::DW_TAG_member | gimli::DW_TAG_inheritance => record.members.extend(member(child, &entry)),
            gimli::DW_TAG_variant_part => record.variants = Some(Box::new(variants(child, &entry))),
            _ => {}
        }
    }
    record
}

/// A member with a place in the object; static members have none.
pub(super) fn member(die: Die, entry: &Entry) -> Option<Member> {
    if entry.has_attr(gimli::DW_AT_external) || entry.has_attr(gimli::DW_AT_declaration) {
        return None;
    }
    let type_die = die.reference(entry, gimli::DW_AT_type);
    let bit_size = number(entry, gimli::DW_AT_bit_size);
    let name = match entry.tag() {
        gimli::DW_TAG_inheritance => None,
        _ => die.string(entry, gimli::DW_AT_name),
    };
    Some(Member { name, type_die, offset: member_offset(entry, type_die, bit_size), bit_size })
}

/// Bit offset of a member, in each of the encodings (DWARF 5 §5.7.6; DWARF 3 §5.6.6 for
/// `DW_AT_bit_offset`, which counts from the most significant bit of the storage unit).
fn member_offset(entry: &Entry, type_die: Option<Die>, bit_size: Option<u64>) -> MemberOffset {
    if let Some(bits) = number(entry, gimli::DW_AT_data_bit_offset) {
        return MemberOffset::Bits(bits);
    }
    let bytes = match entry.attr_value(gimli::DW_AT_data_member_location) {
        None => 0,
        Some(value) => match expression(value) {
            Some(expression) => match constant_offset(expression) {
                Some(bytes) => bytes,
                None => return MemberOffset::Expression(expression),
            },
            None => constant(&value).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        },
    };
    let bits = bytes.saturating_mul(8);
    // Negative where the field begins above the storage unit: clang writes that in unsigned forms too.
    let signed = |value: i128| u64::try_from(value).map_or(value, |unsigned| i128::from(unsigned as i64));
    let from_top = entry.attr_value(gimli::DW_AT_bit_offset).and_then(|value| constant(&value)).map(signed);
    match (from_top, bit_size) {
        (Some(from_top), Some(size)) => {
            let unit = number(entry, gimli::DW_AT_byte_size)
                .or_else(|| storage_size(type_die?, MAX_CHAIN))
                .unwrap_or(4);
            let low = (i128::from(unit) * 8).saturating_sub(from_top).saturating_sub(i128::from(size));
            MemberOffset::Bits(u64::try_from(i128::from(bits) + low).unwrap_or(bits))
        }
        _ => MemberOffset::Bits(bits),
    }
}

/// The byte size of a type behind its aliases, that of an array told by its elements. Types inside of each other are
/// looked into `levels` deep.
fn storage_size(die: Die, levels: usize) -> Option<u64> {
    let levels = levels.checked_sub(1)?;
    let (die, entry) = described(die)?;
    if let Some(size) = number(&entry, gimli::DW_AT_byte_size) {
        return Some(size);
    }
    let target = die.reference(&entry, gimli::DW_AT_type);
    match entry.tag() {
        gimli::DW_TAG_pointer_type | gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type => {
            Some(u64::from(die.unit.encoding().address_size))
        }
        gimli::DW_TAG_array_type => array_size(target?, &dimensions(die, &entry).0, levels),
        _ => storage_size(target?, levels),
    }
}

/// The byte size of an array whose dimensions are all fixed.
fn array_size(element: Die, dimensions: &[Count], levels: usize) -> Option<u64> {
    dimensions.iter().try_fold(storage_size(element, levels)?, |size, count| match count {
        Count::Fixed(count) => size.checked_mul(*count),
        _ => None,
    })
}

/// The offset in an expression that is `DW_OP_plus_uconst N` alone, as DWARF 2 writes members.
fn constant_offset(expression: Bytes) -> Option<u64> {
    let encoding = gimli::Encoding { address_size: 8, format: gimli::Format::Dwarf32, version: 4 };
    let mut operations = gimli::Expression(expression).operations(encoding);
    let value = match operations.next().ok()?? {
        gimli::Operation::PlusConstant { value } => value,
        _ => return None,
    };
    matches!(operations.next(), Ok(None)).then_some(value)
}

fn number(entry: &Entry, name: gimli::DwAt) -> Option<u64> {
    entry.attr(name)?.udata_value()
}

/// A constant attribute; signed forms keep their sign.
pub(crate) fn constant(value: &Attribute) -> Option<i128> {
    match *value {
        AttributeValue::Sdata(value) => Some(value.into()),
        AttributeValue::Udata(value) | AttributeValue::Data8(value) => Some(value.into()),
        AttributeValue::Data1(value) => Some(value.into()),
        AttributeValue::Data2(value) => Some(value.into()),
        AttributeValue::Data4(value) => Some(value.into()),
        AttributeValue::Data16(value) => i128::try_from(value).ok(),
        AttributeValue::Block(bytes) => {
            let bytes = bytes.slice();
            let mut wide = [0; 16];
            wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
            Some(i128::from_le_bytes(wide))
        }
        _ => None,
    }
}
