//! What holds one of several things or none: `optional`, `variant`, `function`; and `atomic`.

use crate::elements::{Element, one_line};
use crate::fault::{Fault, ensure};
use crate::names::{self, Instance};
use crate::view::View;
use gimli_plugin_api::Replacement;

/// Alternatives of a variant: no program has more.
const MAX_ALTERNATIVES: usize = 256;

/// `std::optional`.
pub(crate) fn optional(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let engaged = view.path(&["_M_payload", "_M_engaged"])?.number()?;
    ensure(engaged <= 1, || format!("its flag is {engaged}"))?;
    if engaged == 0 {
        return Ok(Replacement::new("std::optional, empty"));
    }
    let value = view.path(&["_M_payload", "_M_payload", "_M_value"])?;
    Ok(Replacement::new("std::optional").child("value", value.address, value.type_id))
}

/// `std::variant`.
pub(crate) fn variant(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let index = view.member("_M_index")?;
    // One byte or two, of which the largest number stands for none.
    let none = u64::MAX.checked_shr(64u32.saturating_sub(8 * index.size()?.min(8) as u32)).unwrap_or(0);
    let index = index.number()?;
    if index == none {
        return Ok(Replacement::new("std::variant, valueless by exception"));
    }
    let alternatives = instance.arguments.len();
    let chosen = usize::try_from(index).ok().filter(|index| *index < alternatives.min(MAX_ALTERNATIVES));
    let chosen = chosen.ok_or_else(|| Fault::Invalid(format!("alternative {index} of {alternatives}")))?;
    let name = instance.arguments.get(chosen).copied().unwrap_or_default();
    let mut storage = view.member("_M_u")?;
    for _ in 0..chosen {
        storage = storage.member("_M_rest")?;
    }
    let storage = storage.path(&["_M_first", "_M_storage"])?;
    let shown = Replacement::new(format!("std::variant, alternative {index}"));
    // What has a destructor is kept as bytes: `__gnu_cxx::__aligned_membuf<T>`.
    if !storage.info()?.name.starts_with("__gnu_cxx::__aligned_membuf<") {
        return Ok(shown.child("value", storage.address, storage.type_id));
    }
    Ok(match Element::argument(&view.context, view.type_id, chosen, name) {
        Element::Known(id) => shown.child("value", storage.address, id),
        _ => Replacement::new(format!("{}, of type {name}, which is not described", shown.text)),
    })
}

/// `std::function`: its target by the name of the function that calls it.
pub(crate) fn function(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let manager = view.member("_M_manager")?.pointer()?;
    if manager.is_null() {
        return Ok(Replacement::new("std::function, empty"));
    }
    let invoker = view.member("_M_invoker")?.pointer()?;
    let symbol_at = |address| {
        let name = view.context.host.name_of(address)?;
        (name.offset.0 == 0).then(|| name.symbol().map(str::to_owned)).flatten()
    };
    ensure(view.context.host.name_of(manager).is_some(), || format!("its manager {manager} is no code"))?;
    ensure(view.context.host.name_of(invoker).is_some(), || format!("its invoker {invoker} is no code"))?;
    let Some(symbol) = symbol_at(invoker) else {
        return Ok(Replacement::new(format!("std::function called through {invoker}")));
    };
    let handler = names::find_inside(&symbol, "std::_Function_handler");
    let target = handler.and_then(names::parse).and_then(|parsed| parsed.arguments.get(1).copied());
    let Some(target) = target else {
        return Ok(Replacement::new(format!("std::function called through {symbol}")));
    };
    // A pointer to a function is kept as it is, what it points at has a name.
    if target.contains("(*)") {
        let pointer = view.context.read_pointer(view.member("_M_functor")?.address)?;
        if let Some(named) = symbol_at(pointer) {
            return Ok(Replacement::new(format!("std::function of {named}")));
        }
    }
    Ok(Replacement::new(format!("std::function of {target}")))
}

/// `std::atomic`.
pub(crate) fn atomic(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let names = ["_M_i", "_M_p", "_M_fp"];
    let outer = match view.member("_M_base").or_else(|_| view.member("_M_b")) {
        Ok(inner) => inner,
        Err(_) => *view,
    };
    let value = names.iter().find_map(|name| outer.member(name).ok()).ok_or(Fault::Unknown)?;
    Ok(match one_line(&value)? {
        Some(text) if !value.is_record() && value.info()?.target().is_none() => Replacement::new(text),
        _ => Replacement::new("std::atomic").child("value", value.address, value.type_id),
    })
}
