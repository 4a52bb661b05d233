//! `pair` and `tuple`.

use crate::fault::Fault;
use crate::names;
use crate::view::View;
use gimli_plugin_api::Replacement;

/// `std::pair`, without what it inherits.
pub(crate) fn pair(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let (first, second) = (view.member("first")?, view.member("second")?);
    let shown = Replacement::new("std::pair").child("first", first.address, first.type_id);
    Ok(shown.child("second", second.address, second.type_id))
}

/// `std::tuple`.
pub(crate) fn tuple(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let elements = elements(view)?;
    let shown = Replacement::new(format!("std::tuple of {}", elements.len()));
    let add = |shown: Replacement, (index, element): (u64, View<'_, '_>)| {
        shown.child(format!("[{index}]"), element.address, element.type_id)
    };
    Ok(elements.into_iter().fold(shown, add))
}

/// The elements of a tuple, or of a structure with one in it, with their places.
///
/// Each is in a base class of its own, `std::_Head_base<1, int, false>`, as a member; empty ones may be that
/// base class's base.
pub(crate) fn elements<'c, 'h>(view: &View<'c, 'h>) -> Result<Vec<(u64, View<'c, 'h>)>, Fault> {
    let tuple = if view.has("_M_t") { view.member("_M_t")? } else { *view };
    // `unique_ptr` has it once more in a class of its own.
    let tuple = if tuple.has("_M_t") { tuple.member("_M_t")? } else { tuple };
    let mut found = Vec::new();
    for (name, head) in tuple.bases()? {
        let Some(parsed) = names::parse(&name).filter(|parsed| parsed.template == "std::_Head_base") else {
            continue;
        };
        // clang spells the type of the number as well: `0UL`.
        let index = parsed.arguments.first().map(|index| index.trim_end_matches(['U', 'L', 'u', 'l']));
        let Some(index) = index.and_then(|index| index.parse().ok()) else { continue };
        let own = head.info()?.member("_M_head_impl").is_some();
        let element = if own {
            head.member("_M_head_impl")?
        } else {
            let Some((_, base)) = head.bases()?.into_iter().next() else { continue };
            base
        };
        found.push((index, element));
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found)
}
