//! Variables and values as they cross to a Rust plugin.

use super::stacks::owned;
use crate::dwarf::{Die, VariableDie};
use crate::limits::Limits;
use crate::plugin::host::Host;
use crate::plugin::nest::Told;
use crate::report::{Value, VariableKind};
use crate::stacks::ThreadStack;
use crate::types::Kind;
use crate::values::{Item, Part, Place, Printer, Scope};
use gimli_plugin_api as api;
use gimli_plugin_api::wire::{RCowStr, ROption};
use gimli_plugin_api::{Address, Size, TypeId, Variable};

/// Calls `work` with the value that a hook is called for.
pub(super) fn with_variable<R>(
    host: &Host<'_>,
    scope: &Scope<'_>,
    item: &Item<'_>,
    told: &Told,
    work: impl FnOnce(&Variable<'_>) -> R,
) -> R {
    let kind = match item.part {
        Part::Variable(VariableKind::Parameter) => api::VariableKind::PARAMETER,
        Part::Variable(VariableKind::Local) => api::VariableKind::LOCAL,
        Part::Member => api::VariableKind::MEMBER,
        Part::Element => api::VariableKind::ELEMENT,
        Part::Pointee => api::VariableKind::POINTEE,
        Part::Child => api::VariableKind::CHILD,
    };
    let name = told.name().to_string_lossy();
    let depth = u32::try_from(item.depth).unwrap_or(u32::MAX);
    let declared = item.type_die.map(|die| host.services.type_name(die));
    let type_name = declared.as_ref().map(|declared| RCowStr::from(&**declared));
    let made = make(host, scope, kind, (RCowStr::from(&*name), type_name), item.type_die, item.place, depth);
    work(&Variable { size: item.size.map(Size).map_or(made.size, ROption::RSome), ..made })
}

/// The variables of a frame: of a call inlined there (0: the innermost), or of the function itself.
pub(super) fn variables(
    host: &Host<'_>,
    stack: &ThreadStack<'_>,
    frame: usize,
    call: Option<usize>,
) -> Vec<Variable<'static>> {
    let list = |scope: &Scope<'_>| {
        let scopes = scope.frames.get(scope.index).and_then(|view| view.scopes.clone())?;
        let variables = match call {
            Some(call) => &scopes.inlined.iter().rev().nth(call)?.variables,
            None => &scopes.function.variables,
        };
        let is_parameter = |variable: &&VariableDie| variable.kind == VariableKind::Parameter;
        let (parameters, mut locals): (Vec<&VariableDie>, Vec<&VariableDie>) =
            variables.iter().partition(is_parameter);
        locals.sort_by_key(|variable| variable.depth);
        let one = |variable: &VariableDie| {
            let kind = match variable.kind {
                VariableKind::Parameter => api::VariableKind::PARAMETER,
                VariableKind::Local => api::VariableKind::LOCAL,
            };
            let place = scope.place(&variable.location);
            let type_name = variable.type_die.map(|die| owned(&host.services.type_name(die)));
            make(host, scope, kind, (owned(&variable.name), type_name), variable.type_die, &place, 0)
        };
        Some(parameters.into_iter().chain(locals).map(one).collect())
    };
    stack.with_scope(host.services.process(), frame, list).flatten().unwrap_or_default()
}

fn make<'v>(
    host: &Host<'_>,
    scope: &Scope<'_>,
    kind: api::VariableKind,
    (name, type_name): (RCowStr<'v>, Option<RCowStr<'v>>),
    die: Option<Die>,
    place: &Place,
    depth: u32,
) -> Variable<'v> {
    let number = number(scope, die, place);
    Variable {
        kind,
        name,
        type_name: type_name.into(),
        type_id: die.map(|die| TypeId(host.handles.type_number(die))).into(),
        address: place.address().map(|address| Address(address.0)).into(),
        size: die.and_then(|die| host.services.size_of(die)).map(Size).into(),
        depth,
        value: RCowStr::Owned(one_line(host, scope, die, place, number).into()),
        number: number.into(),
    }
}

/// What the report prints for a value where that is one line.
fn one_line(
    host: &Host<'_>,
    scope: &Scope<'_>,
    type_die: Option<Die>,
    place: &Place,
    number: Option<u64>,
) -> String {
    let resolved = type_die.and_then(|die| scope.process.types.resolve(die));
    match (resolved.as_ref().map(|(_, found)| &found.kind), number) {
        (Some(Kind::Struct(_) | Kind::Union(_) | Kind::Array { .. }), _) => return String::new(),
        (Some(Kind::Integer { signed: true }), Some(number)) => return number.cast_signed().to_string(),
        (Some(Kind::Integer { signed: false }), Some(number)) => return number.to_string(),
        _ => {}
    }
    // Nothing behind the value itself is read, but for the string of a `char *`.
    let limits = Limits { depth: 0, pointers: 0, ..host.services.limits.clone() };
    let mut printer = Printer::new(&limits, None);
    printer.refill();
    match printer.value(scope, type_die, place, 0) {
        Value::Integer { text, .. }
        | Value::Float { text }
        | Value::Bool { text }
        | Value::Char { text }
        | Value::Enum { text, .. } => text.into(),
        Value::String { text, .. } | Value::Function { text } | Value::Unreadable { text } => text,
        Value::OptimizedOut { text } => text.to_owned(),
        Value::Pointer { text, symbol, .. } => match symbol {
            Some(symbol) => format!("{text} ({symbol})"),
            None => text.into(),
        },
        _ => String::new(),
    }
}

/// The value of something that is one number, sign-extended.
fn number(scope: &Scope<'_>, type_die: Option<Die>, place: &Place) -> Option<u64> {
    let (_, found) = scope.process.types.resolve(type_die?)?;
    let signed = match &found.kind {
        Kind::Integer { signed } | Kind::Char { signed } | Kind::Enum { signed, .. } => *signed,
        Kind::Bool | Kind::Pointer { .. } | Kind::Reference { .. } => false,
        _ => return None,
    };
    let bits = found.size?.checked_mul(8).filter(|bits| (1..=64).contains(bits))?;
    let raw = place.read_bits(scope.process.memory, 0, bits).ok()? as u64;
    let unused = 64 - bits;
    Some(if signed { ((raw << unused).cast_signed() >> unused).cast_unsigned() } else { raw })
}
