//! Trait objects with the type that they really are.

use super::part::Part;
use crate::address::Address;
use crate::dwarf::Die;
use crate::report::{Pointee, Value};
use crate::values::location::Scope;
use crate::values::printer::Printer;

/// Words of a virtual table: destructor, size, alignment, the first method.
const TABLE: u64 = 32;

impl Printer<'_> {
    /// `&dyn Trait` and `Box<dyn Trait>`: the virtual table tells the type.
    pub(super) fn trait_object(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let data = part.member(types, "pointer")?.number(scope)?;
        let table = part.member(types, "vtable")?.number(scope)?;
        let pointer = |state: Option<String>, value| Value::Wrapper {
            type_name: Some(part.found.name.clone()),
            name: format!("{:#x}", data),
            state,
            value,
        };
        if let Some(concrete) = concrete_type(scope, table) {
            let (die, found) = types.resolve(concrete)?;
            let state = format!("is a {}", found.name);
            let value = self.pointee(scope, Some(concrete), die, &found, Address(data), depth);
            return Some(pointer(Some(state), value));
        }
        let state =
            concrete_name(scope, table).map(|name| format!("is a {name}, whose type is not described here"));
        Some(pointer(state, Pointee::None))
    }
}

/// The type that a virtual table is of, as the unit of the code at hand, or of one of its
/// functions, says: rustc describes the table as a variable whose type names it.
fn concrete_type(scope: &Scope<'_>, table: u64) -> Option<Die> {
    let process = scope.process;
    let module = process.modules.find(Address(table))?;
    let address = module.bias.to_file(Address(table));
    let own = scope.frames.iter().skip(scope.index).filter_map(|view| view.scopes.as_ref());
    let mut units: Vec<_> = own.map(|scopes| scopes.function.die.unit).collect();
    let info = module.object.as_ref().ok()?.debug_info()?;
    for offset in (0..TABLE).step_by(8).filter(|offset| *offset != 8 && *offset != 16) {
        let function = process.memory.read_u64(Address(table.checked_add(offset)?))?;
        let scopes = info.scopes(module.bias.to_file(Address(function)));
        units.extend(scopes.map(|scopes| scopes.function.die.unit));
    }
    units.dedup_by_key(|unit| std::ptr::from_ref(*unit));
    units.into_iter().find_map(|unit| unit.variable_at(address)?.type_die()?.containing_type())
}

/// The name of the type in the name of the table's destructor or of its first method.
fn concrete_name(scope: &Scope<'_>, table: u64) -> Option<String> {
    let name = |offset: u64| {
        let function = scope.process.memory.read_u64(Address(table.checked_add(offset)?))?;
        scope.process.modules.name(Address(function)).filter(|name| name.offset == 0)?.symbol
    };
    let destructor = name(0).and_then(|name| dropped_type(&name).map(str::to_owned));
    destructor.or_else(|| {
        let method = name(24)?;
        let (concrete, _) = method.strip_prefix('<')?.split_once(" as ")?;
        Some(concrete.to_owned())
    })
}

/// The type that a destructor of this name drops: `core::ptr::drop_in_place<a::B>`, with `::` before the bracket
/// from older compilers.
pub(in crate::values) fn dropped_type(function: &str) -> Option<&str> {
    let rest = function.strip_prefix("core::ptr::drop_in_place")?.trim_start_matches("::");
    rest.strip_prefix('<')?.strip_suffix('>')
}
