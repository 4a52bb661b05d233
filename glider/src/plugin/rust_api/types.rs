//! Types as they cross to a Rust plugin.

use crate::dwarf::Die;
use crate::plugin::host::Host;
use crate::types::{Count, Kind, MemberOffset, Type, constant};
use gimli_plugin_api::wire::{ROption, RString, RVec};
use gimli_plugin_api::{Bits, Enumerator, Member, Size, TemplateArgument, TypeId, TypeInfo, TypeKind};

/// What is known of a type.
pub(super) fn info(host: &Host<'_>, die: Die) -> TypeInfo {
    let found = host.services.type_of(die);
    let id = |die: Option<Die>| die.map(|die| TypeId(host.handles.type_number(die))).into();
    let mut info = TypeInfo {
        id: TypeId(host.handles.type_number(die)),
        name: RString::from(&*host.services.type_name(die)),
        kind: kind(die, &found),
        size: host.services.size_of(die).map(Size).into(),
        target: ROption::RNone,
        members: Vec::new().into(),
        enumerators: Vec::new().into(),
        dimensions: Vec::new().into(),
        parameters: Vec::new().into(),
    };
    match &found.kind {
        Kind::Pointer { target } | Kind::Reference { target } | Kind::Alias { target } => {
            info.target = id(*target);
        }
        Kind::Array { element, dimensions, .. } => {
            info.target = id(*element);
            let fixed = |count: &Count| match count {
                Count::Fixed(count) => ROption::RSome(*count),
                _ => ROption::RNone,
            };
            info.dimensions = dimensions.iter().map(fixed).collect();
        }
        Kind::Struct(record) | Kind::Union(record) => {
            let member = |member: &crate::types::Member| Member {
                name: RString::from(member.name.as_deref().unwrap_or_default()),
                type_id: id(member.type_die),
                offset: match member.offset {
                    MemberOffset::Bits(bits) => ROption::RSome(Bits(bits)),
                    MemberOffset::Expression(_) => ROption::RNone,
                },
                bit_size: member.bit_size.map(Bits).into(),
            };
            info.members = record.members.iter().map(member).collect();
        }
        Kind::Enum { enumerators, .. } => {
            let enumerator = |(value, name): &(i128, std::sync::Arc<str>)| Enumerator {
                name: RString::from(&**name),
                value: *value as i64,
            };
            info.enumerators = enumerators.iter().map(enumerator).collect();
        }
        Kind::Function => {
            info.target = id(die.type_die());
            let parameters = die.children().into_iter();
            let parameters = parameters.filter(|(_, entry)| entry.tag() == gimli::DW_TAG_formal_parameter);
            let types = parameters.filter_map(|(parameter, _)| parameter.type_die());
            info.parameters = types.map(|die| TypeId(host.handles.type_number(die))).collect();
        }
        _ => {}
    }
    info
}

/// What the template that a type is an instance of was instantiated with.
pub(super) fn template_arguments(host: &Host<'_>, die: Die) -> RVec<TemplateArgument> {
    let Some((die, _)) = host.services.process().types.resolve(die) else { return RVec::new() };
    let argument = |argument: crate::dwarf::TemplateArgument| TemplateArgument {
        name: RString::from(argument.name.as_deref().unwrap_or_default()),
        type_id: argument.type_die.map(|die| TypeId(host.handles.type_number(die))).into(),
        is_value: argument.value.is_some(),
        value: argument.value.flatten().and_then(|value| constant(&value)).map(|value| value as i64).into(),
    };
    die.template_arguments().into_iter().map(argument).collect()
}

fn kind(die: Die, found: &Type) -> TypeKind {
    match &found.kind {
        Kind::Void => TypeKind::VOID,
        Kind::Integer { signed: true } => TypeKind::SIGNED,
        Kind::Integer { signed: false } => TypeKind::UNSIGNED,
        Kind::Char { .. } if die.tag() == Some(gimli::DW_TAG_typedef) => TypeKind::TYPEDEF,
        Kind::Char { .. } => TypeKind::CHAR,
        Kind::Bool => TypeKind::BOOL,
        Kind::Float => TypeKind::FLOAT,
        Kind::Complex => TypeKind::COMPLEX,
        Kind::Pointer { .. } => TypeKind::POINTER,
        Kind::Reference { .. } => TypeKind::REFERENCE,
        Kind::Array { .. } | Kind::Text { .. } => TypeKind::ARRAY,
        Kind::Struct(_) => TypeKind::STRUCT,
        Kind::Union(_) => TypeKind::UNION,
        Kind::Enum { .. } => TypeKind::ENUM,
        Kind::Function => TypeKind::FUNCTION,
        Kind::Incomplete => match die.tag() {
            Some(gimli::DW_TAG_union_type) => TypeKind::UNION,
            _ => TypeKind::STRUCT,
        },
        Kind::Alias { .. } => match die.tag() {
            Some(gimli::DW_TAG_const_type) => TypeKind::CONST,
            Some(gimli::DW_TAG_volatile_type) => TypeKind::VOLATILE,
            Some(gimli::DW_TAG_restrict_type | gimli::DW_TAG_atomic_type) => TypeKind::QUALIFIED,
            _ => TypeKind::TYPEDEF,
        },
        Kind::MemberPointer(_) | Kind::Opaque => TypeKind::OPAQUE,
    }
}
