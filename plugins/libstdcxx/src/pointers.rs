//! `unique_ptr`, `shared_ptr`, `weak_ptr`.

use crate::fault::{Fault, ensure};
use crate::products;
use crate::view::View;
use gimli_plugin_api::{Replacement, TypeKind};

/// References that are believed.
const MAX_REFERENCES: i64 = 1 << 30;

/// That what a smart pointer points at may be there.
fn check_target(pointer: &View<'_, '_>) -> Result<(), Fault> {
    let target = pointer.target();
    // `void`, functions and incomplete types are aligned to nothing that is known here.
    let (alignment, size) = match &target {
        Ok(target) => (target.alignment(), target.size().unwrap_or(1)),
        Err(_) => (1, 1),
    };
    pointer.context.ensure_points("its pointer", pointer.pointer()?, alignment, size)
}

/// `std::unique_ptr`: the first element of a tuple of pointer and deleter.
pub(crate) fn unique(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let pointer = match products::elements(&view.member("_M_t")?)?.into_iter().next() {
        Some((0, pointer)) => pointer,
        _ => return Err(Fault::Unknown),
    };
    // A deleter may have a type of its own for what it deletes.
    if pointer.info()?.kind == TypeKind::POINTER {
        if pointer.pointer()?.is_null() {
            return Ok(Replacement::new("std::unique_ptr, empty"));
        }
        check_target(&pointer)?;
    }
    Ok(Replacement::new("std::unique_ptr").child("get()", pointer.address, pointer.type_id))
}

/// `std::shared_ptr` and `std::weak_ptr`: a pointer, and a block with the counts.
pub(crate) fn shared(view: &View<'_, '_>, kind: &str) -> Result<Replacement, Fault> {
    let pointer = view.member("_M_ptr")?;
    let block = view.path(&["_M_refcount", "_M_pi"])?;
    let shown = |text: String| Replacement::new(text).child("get()", pointer.address, pointer.type_id);
    if block.pointer()?.is_null() {
        if pointer.pointer()?.is_null() {
            return Ok(Replacement::new(format!("{kind}, empty")));
        }
        check_target(&pointer)?;
        return Ok(shown(format!("{kind}, owning nothing")));
    }
    let counts = block.target()?;
    let word = view.context.word();
    view.context.ensure_points(
        "its control block",
        counts.address,
        word,
        counts.size().unwrap_or(2 * word),
    )?;
    let table = view.context.read_pointer(counts.address)?;
    ensure(view.context.host.name_of(table).is_some(), || {
        format!("its control block {} has no virtual table", counts.address)
    })?;
    let uses = counts.member("_M_use_count")?.signed()?;
    let weak = counts.member("_M_weak_count")?.signed()?;
    let is_plausible = (0..MAX_REFERENCES).contains(&uses) && (1..MAX_REFERENCES).contains(&weak);
    ensure(is_plausible, || format!("use count {uses}, weak count {weak}"))?;
    // All owners together hold one of the weak references.
    let others = weak - i64::from(uses > 0);
    if uses == 0 {
        ensure(kind == "std::weak_ptr", || "use count 0: what it owned is destroyed".into())?;
        return Ok(Replacement::new(format!("{kind}, expired (weak count {others})")));
    }
    let text = format!("{kind} (use count {uses}, weak count {others})");
    // One that shares another's count may point nowhere.
    if pointer.pointer()?.is_null() {
        return Ok(shown(text));
    }
    check_target(&pointer)?;
    Ok(shown(text))
}
