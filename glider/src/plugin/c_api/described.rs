//! What C is told of a type, whether it comes from the debug information or was built by a module.

use super::handles::{Handle, Handles};
use crate::dwarf::Die;
use crate::types::{Count, Kind, MemberOffset, Type, Types};
use gimli::DwTag;
use std::ffi::{CString, c_int};
use std::ptr::null_mut;

/// `GIMLI_K_INTEGER` and so on.
pub(super) mod kind {
    use super::c_int;
    pub(in crate::plugin::c_api) const INTEGER: c_int = 1;
    pub(in crate::plugin::c_api) const FLOAT: c_int = 2;
    pub(in crate::plugin::c_api) const POINTER: c_int = 3;
    pub(in crate::plugin::c_api) const ARRAY: c_int = 4;
    pub(in crate::plugin::c_api) const FUNCTION: c_int = 5;
    pub(in crate::plugin::c_api) const STRUCT: c_int = 6;
    pub(in crate::plugin::c_api) const UNION: c_int = 7;
    pub(in crate::plugin::c_api) const ENUM: c_int = 8;
    pub(in crate::plugin::c_api) const TYPEDEF: c_int = 9;
    pub(in crate::plugin::c_api) const VOLATILE: c_int = 10;
    pub(in crate::plugin::c_api) const CONST: c_int = 11;
    pub(in crate::plugin::c_api) const RESTRICT: c_int = 12;
}

/// `GIMLI_INT_SIGNED`, `_CHAR`, `_BOOL`.
pub(super) const SIGNED: u32 = 1;
pub(super) const CHAR: u32 = 2;
pub(super) const BOOL: u32 = 4;
/// `GIMLI_FP_SINGLE`, `_DOUBLE`, `_COMPLEX`, `_LONG_DOUBLE`.
const SINGLE: u32 = 1;
const DOUBLE: u32 = 2;
const COMPLEX: u32 = 3;
const LONG_DOUBLE: u32 = 5;
/// `GIMLI_FUNC_VARARG`.
const VARARG: u32 = 1;

/// `struct gimli_type_encoding`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) format: u32,
    pub(super) offset: u32,
    pub(super) bits: u32,
}

/// `struct gimli_type_membinfo`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberInfo {
    pub(super) member_type: Handle,
    /// Bits from the start of the structure.
    pub(super) offset: u64,
    /// Bits.
    pub(super) size: u64,
}

/// A type.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// Its own name.
    pub(super) name: Option<CString>,
    /// As C declares a variable with it.
    pub(super) declared: CString,
    /// Size in bits; 0 when unknown.
    pub(super) bits: u64,
    /// `GIMLI_K_…`; 0 for what C has no word for.
    pub(super) kind: c_int,
    pub(super) encoding: Option<Encoding>,
    /// What is pointed at, qualified, renamed, contained or returned; NULL for void.
    pub(super) target: Handle,
    pub(super) members: Vec<(Option<CString>, MemberInfo)>,
    pub(super) enumerators: Vec<(CString, i128)>,
    /// Elements of an array.
    pub(super) count: u32,
    /// Parameters of a function, and its flags.
    pub(super) parameters: (u32, u32),
}

impl Described {
    /// A type of that name and kind, of which nothing else is known.
    pub(super) fn new(name: Option<&str>, declared: &str, kind: c_int) -> Described {
        Described {
            name: name.map(c_string),
            declared: c_string(declared),
            bits: 0,
            kind,
            encoding: None,
            target: null_mut(),
            members: Vec::new(),
            enumerators: Vec::new(),
            count: 0,
            parameters: (0, 0),
        }
    }

    /// What the debug information says. `bytes` is the size of a value.
    pub(super) fn of(die: Die, bytes: Option<u64>, types: &Types, handles: &Handles<'_>) -> Described {
        let found = types.get(die);
        let own_name = die.name();
        let mut described = Described::new(own_name.as_deref(), &types.whole_name(die), kind_of(die, &found));
        described.bits = bytes.unwrap_or(0).saturating_mul(8);
        described.encoding = encoding(&found, described.bits);
        let handle = |target: Option<Die>| target.map_or(null_mut(), |die| handles.add_type(die));
        match &found.kind {
            Kind::Pointer { target } | Kind::Reference { target } | Kind::Alias { target } => {
                described.target = handle(*target);
            }
            Kind::Array { element, dimensions, .. } => {
                described.target = handle(*element);
                // An array of arrays counts as one of all their elements.
                let count = dimensions.iter().try_fold(1u64, |all, count| match count {
                    Count::Fixed(count) => all.checked_mul(*count),
                    _ => None,
                });
                described.count = count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
            }
            Kind::Struct(record) | Kind::Union(record) => {
                for member in &record.members {
                    let MemberOffset::Bits(offset) = member.offset else { continue };
                    let size = member.bit_size.or_else(|| bits_of(types, member.type_die?)).unwrap_or(0);
                    let info = MemberInfo { member_type: handle(member.type_die), offset, size };
                    described.members.push((member.name.as_deref().map(c_string), info));
                }
            }
            Kind::Enum { enumerators, .. } => {
                described.enumerators =
                    enumerators.iter().map(|(value, name)| (c_string(name), *value)).collect();
            }
            Kind::Function => {
                described.target = handle(die.type_die());
                described.parameters = parameters(die);
            }
            _ => {}
        }
        described
    }
}

/// A C string; what is behind a NUL is left out.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

fn kind_of(die: Die, found: &Type) -> c_int {
    match (&found.kind, die.tag()) {
        (Kind::Char { .. }, tag @ Some(gimli::DW_TAG_typedef)) => qualifier(tag),
        (Kind::Integer { .. } | Kind::Char { .. } | Kind::Bool, _) => kind::INTEGER,
        (Kind::Float | Kind::Complex, _) => kind::FLOAT,
        (Kind::Pointer { .. } | Kind::Reference { .. }, _) => kind::POINTER,
        (Kind::Array { .. } | Kind::Text { .. }, _) => kind::ARRAY,
        (Kind::Function, _) => kind::FUNCTION,
        (Kind::Union(_), _) | (Kind::Incomplete, Some(gimli::DW_TAG_union_type)) => kind::UNION,
        (Kind::Struct(_) | Kind::Incomplete, _) => kind::STRUCT,
        (Kind::Enum { .. }, _) => kind::ENUM,
        (Kind::Alias { .. }, tag) => qualifier(tag),
        (Kind::Void | Kind::MemberPointer(_) | Kind::Opaque, _) => 0,
    }
}

/// Other qualifiers than C's old three count as another name.
fn qualifier(tag: Option<DwTag>) -> c_int {
    match tag {
        Some(gimli::DW_TAG_const_type) => kind::CONST,
        Some(gimli::DW_TAG_volatile_type) => kind::VOLATILE,
        Some(gimli::DW_TAG_restrict_type) => kind::RESTRICT,
        _ => kind::TYPEDEF,
    }
}

fn encoding(found: &Type, bits: u64) -> Option<Encoding> {
    let sign = |signed: bool| if signed { SIGNED } else { 0 };
    let format = match &found.kind {
        Kind::Integer { signed } => sign(*signed),
        Kind::Enum { signed, .. } => sign(*signed),
        Kind::Char { signed } => CHAR | sign(*signed),
        Kind::Bool => BOOL,
        Kind::Complex => COMPLEX,
        Kind::Float if bits == 32 => SINGLE,
        Kind::Float if bits == 64 => DOUBLE,
        Kind::Float => LONG_DOUBLE,
        _ => return None,
    };
    Some(Encoding { format, offset: 0, bits: u32::try_from(bits).ok()? })
}

fn bits_of(types: &Types, die: Die) -> Option<u64> {
    let (_, found) = types.resolve(die)?;
    let bits = |bytes: u64| bytes.checked_mul(8);
    match (&found.kind, found.size) {
        (_, Some(size)) => bits(size),
        (Kind::Array { element, dimensions, .. }, None) => {
            let (_, element) = types.resolve((*element)?)?;
            let count = dimensions.iter().try_fold(1u64, |all, count| match count {
                Count::Fixed(count) => all.checked_mul(*count),
                _ => None,
            });
            bits(element.size?.checked_mul(count?)?)
        }
        _ => None,
    }
}

fn parameters(die: Die) -> (u32, u32) {
    let mut counted = (0, 0);
    for (_, entry) in die.children() {
        match entry.tag() {
            gimli::DW_TAG_formal_parameter => counted.0 += 1,
            gimli::DW_TAG_unspecified_parameters => counted.1 = VARARG,
            _ => {}
        }
    }
    counted
}
