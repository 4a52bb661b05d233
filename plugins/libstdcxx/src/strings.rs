//! `std::basic_string` of both ABIs, and `std::basic_string_view`.

use crate::fault::{Fault, ensure};
use crate::names::Instance;
use crate::text::{self, Units};
use crate::view::View;
use gimli_plugin_api::{Address, Replacement};

/// Longer than any string; half of the address space.
const MAX_LENGTH: u64 = 1 << 46;
/// References to a shared string that are believed.
const MAX_REFERENCES: i32 = 1 << 30;

/// A string, of the ABI whose members it has.
pub(crate) fn string(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let character = Character::of(instance)?;
    let start = match view.path(&["_M_dataplus", "_M_p"]) {
        Ok(pointer) => pointer.pointer()?,
        // clang does not describe the structure, which has nothing else that takes room.
        Err(_) => view.context.read_pointer(view.member("_M_dataplus")?.address)?,
    };
    let width = character.width as u64;
    let length = match view.has("_M_string_length") {
        true => small_string_length(view, start, width)?,
        false => shared_string_length(view, start, width)?,
    };
    let end = length.checked_mul(width).and_then(|bytes| start.checked_add(bytes));
    let end = end.ok_or_else(|| Fault::invalid("it reaches past the end of memory"))?;
    let mut last = vec![0; character.width];
    view.context.host.read_exact(end, &mut last)?;
    ensure(last.iter().all(|byte| *byte == 0), || "no NUL at its end".into())?;
    Ok(Replacement::new(literal(view, &character, start, length)?))
}

/// Since GCC 5 (`std::__cxx11::basic_string`): short ones live in the object itself.
fn small_string_length(view: &View<'_, '_>, start: Address, width: u64) -> Result<u64, Fault> {
    let length = view.member("_M_string_length")?.number()?;
    let local = view.member("_M_local_buf")?;
    let capacity = match start == local.address {
        true => (local.size()? / width).saturating_sub(1),
        false => view.member("_M_allocated_capacity")?.number()?,
    };
    ensure(length < MAX_LENGTH && length <= capacity, || {
        format!("length {length} above capacity {capacity}")
    })?;
    view.context.ensure_points(
        "its data pointer",
        start,
        width,
        length.saturating_add(1).saturating_mul(width),
    )?;
    Ok(length)
}

/// Before: copies share one block; length, capacity and references lie before the characters.
fn shared_string_length(view: &View<'_, '_>, start: Address, width: u64) -> Result<u64, Fault> {
    let word = view.context.word();
    let size = 3 * word;
    let header = start.checked_sub(size).ok_or_else(|| Fault::invalid("its data pointer is null"))?;
    view.context.ensure_points("its data pointer", header, word, size)?;
    let length = view.context.read_number(header, word)?;
    let capacity = view.context.read_number(Address(header.0.saturating_add(word)), word)?;
    ensure(length < MAX_LENGTH && length <= capacity, || {
        format!("length {length} above capacity {capacity}")
    })?;
    let references: i32 = view.context.host.read(Address(header.0.saturating_add(2 * word)))?;
    ensure((-1..MAX_REFERENCES).contains(&references), || format!("{references} references"))?;
    view.context.ensure_points("its data", start, width, length.saturating_add(1).saturating_mul(width))?;
    Ok(length)
}

/// A view of a string.
pub(crate) fn string_view(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let character = Character::of(instance)?;
    let (start, length) = (view.member("_M_str")?.pointer()?, view.member("_M_len")?.number()?);
    ensure(length < MAX_LENGTH, || format!("length {length}"))?;
    if length > 0 {
        let width = character.width as u64;
        view.context.ensure_points("its data pointer", start, width, length.saturating_mul(width))?;
    }
    Ok(Replacement::new(literal(view, &character, start, length)?))
}

/// What a string is made of.
struct Character {
    prefix: &'static str,
    width: usize,
}

impl Character {
    fn of(instance: &Instance<'_>) -> Result<Character, Fault> {
        let name = instance.arguments.first().copied().unwrap_or_default();
        let (prefix, width) = text::character(name).ok_or(Fault::Unknown)?;
        Ok(Character { prefix, width })
    }
}

/// The first characters, quoted, and how many there are when that is more.
fn literal(view: &View<'_, '_>, character: &Character, start: Address, length: u64) -> Result<String, Fault> {
    let &Character { prefix, width } = character;
    let shown = length.min(view.context.characters());
    let size =
        usize::try_from(shown).ok().and_then(|shown| shown.checked_mul(width)).ok_or(Fault::Unknown)?;
    let mut bytes = vec![0; size];
    view.context.host.read_exact(start, &mut bytes)?;
    let quoted = Units { bytes, width, prefix }.quote();
    Ok(if shown < length { format!("{quoted}... (length {length})") } else { quoted })
}
