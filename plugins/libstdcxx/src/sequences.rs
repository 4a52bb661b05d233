//! Containers whose elements lie side by side: `vector`, `vector<bool>`, `array`, `deque`.

use crate::elements::{Element, Sequence};
use crate::fault::{Fault, ensure};
use crate::names::Instance;
use crate::view::View;
use gimli_plugin_api::{Address, Replacement};

/// Bytes of a block of a deque (`_GLIBCXX_DEQUE_BUF_SIZE`); one element when that is larger.
const DEQUE_BLOCK: u64 = 512;

/// The addresses of the first of `length` elements of `size` bytes each.
fn first_addresses(view: &View<'_, '_>, start: Address, length: u64, size: u64) -> Vec<Address> {
    let shown = length.min(view.context.elements());
    (0..shown).map_while(|index| start.checked_add(index.checked_mul(size)?)).collect()
}

/// How far `end` lies behind `start`, in words when that is negative or no whole number of elements.
fn count(start: Address, end: Address, size: u64, what: &str) -> Result<u64, Fault> {
    let bytes = end.0.checked_sub(start.0).ok_or_else(|| Fault::Invalid(what.to_owned()))?;
    ensure(bytes.is_multiple_of(size), || {
        format!("its {bytes} bytes are no multiple of the element's {size}")
    })?;
    Ok(bytes / size)
}

/// `std::vector`.
pub(crate) fn vector(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    if view.path(&["_M_start", "_M_p"]).is_ok() || instance.arguments.first() == Some(&"bool") {
        return bits(view);
    }
    let implementation = view.member("_M_impl")?;
    let pointer = implementation.member("_M_start")?;
    let start = pointer.pointer()?;
    let finish = implementation.member("_M_finish")?.pointer()?;
    let end = implementation.member("_M_end_of_storage")?.pointer()?;
    let element = pointer.target_at(start)?;
    let size = element.size()?;
    let length = count(start, finish, size, "end before begin")?;
    ensure(end >= finish, || "end of storage before end".into())?;
    let capacity = count(start, end, size, "end of storage before begin")?;
    if capacity > 0 || !start.is_null() {
        ensure(capacity > 0, || format!("its data pointer {start} without storage"))?;
        let bytes = capacity.saturating_mul(size);
        view.context.ensure_points("its data pointer", start, element.alignment(), bytes)?;
    }
    let title = format!("std::vector of length {length}, capacity {capacity}");
    let addresses = first_addresses(view, start, length, size);
    Ok(Sequence { title, addresses, length }.numbered(view, &Element::Known(element.type_id)))
}

/// `std::vector<bool>`: bits in words.
fn bits(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let implementation = view.member("_M_impl")?;
    let (first, last) = (implementation.member("_M_start")?, implementation.member("_M_finish")?);
    let (start, finish) = (first.member("_M_p")?.pointer()?, last.member("_M_p")?.pointer()?);
    let (from, to) = (first.member("_M_offset")?.number()?, last.member("_M_offset")?.number()?);
    let end = implementation.member("_M_end_of_storage")?.pointer()?;
    // `_Bit_type` is an unsigned long.
    let word = view.context.word();
    let bits_per_word = 8 * word;
    ensure(from == 0 && to < bits_per_word, || format!("bit offsets {from} and {to}"))?;
    let words = count(start, finish, word, "end before begin")?;
    ensure(end >= finish, || "end of storage before end".into())?;
    let capacity = count(start, end, word, "end of storage before begin")?.saturating_mul(bits_per_word);
    let length = words.saturating_mul(bits_per_word).saturating_add(to);
    ensure(length <= capacity, || format!("length {length} above capacity {capacity}"))?;
    if capacity > 0 {
        view.context.ensure_points("its data pointer", start, word, capacity / 8)?;
    }
    let shown = length.min(view.context.elements());
    let mut bytes = vec![0; usize::try_from(shown.div_ceil(8)).map_err(|_| Fault::Unknown)?];
    view.context.host.read_exact(start, &mut bytes)?;
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    let words: Vec<&str> =
        bits.zip(0..shown).map(|(is_set, _)| if is_set { "true" } else { "false" }).collect();
    let more = if shown < length { ", ..." } else { "" };
    let title = format!("std::vector<bool> of length {length}, capacity {capacity}");
    Ok(Replacement::new(match length {
        0 => title,
        _ => format!("{title}: {{{}{more}}}", words.join(", ")),
    }))
}

/// `std::array`. Any bytes are one.
pub(crate) fn array(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let elements = view.member("_M_elems")?;
    let info = elements.info()?;
    // Without elements it has an empty structure in their place.
    let length = info.element_count().unwrap_or(0);
    let (addresses, element) = match info.target() {
        Some(element) if length > 0 => {
            let size = view.with(view.address, element).size()?;
            (first_addresses(view, elements.address, length, size), Element::Known(element))
        }
        _ => (Vec::new(), Element::Unknown),
    };
    let title = format!("std::array of length {length}");
    Ok(Sequence { title, addresses, length }.numbered(view, &element))
}

/// Where an iterator of a deque is: the element, its block, and that block's place in the map.
struct Position {
    current: u64,
    first: u64,
    last: u64,
    node: u64,
}

impl Position {
    fn read(view: &View<'_, '_>) -> Result<Position, Fault> {
        let number = |name| view.member(name)?.number();
        let (current, first) = (number("_M_cur")?, number("_M_first")?);
        Ok(Position { current, first, last: number("_M_last")?, node: number("_M_node")? })
    }

    fn check(&self, view: &View<'_, '_>, block: u64, map: (u64, u64), name: &str) -> Result<(), Fault> {
        let is_in_block = self.first <= self.current && self.current <= self.last;
        ensure(is_in_block, || format!("{name} lies outside of its block"))?;
        ensure(self.last.wrapping_sub(self.first) == block, || {
            format!("the block of {name} has {} bytes, not {block}", self.last.wrapping_sub(self.first))
        })?;
        let is_in_map = (map.0..map.1).contains(&self.node) && self.node.is_multiple_of(view.context.word());
        ensure(is_in_map, || format!("{name} lies outside of the map"))?;
        let noted = view.context.read_pointer(Address(self.node))?;
        ensure(noted.0 == self.first, || format!("the map has another block for {name}"))
    }
}

/// `std::deque`: a map of blocks.
pub(crate) fn deque(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let implementation = view.member("_M_impl")?;
    let (start, finish) = (implementation.member("_M_start")?, implementation.member("_M_finish")?);
    let element = start.member("_M_cur")?.target()?;
    let size = element.size()?;
    let per_block = (DEQUE_BLOCK / size).max(1);
    let block = per_block.saturating_mul(size);
    let word = view.context.word();
    let map = implementation.member("_M_map")?.pointer()?;
    let blocks = implementation.member("_M_map_size")?.number()?;
    let map_end = blocks.checked_mul(word).and_then(|bytes| map.checked_add(bytes));
    let map_end = map_end.ok_or_else(|| Fault::Invalid(format!("a map of {blocks} blocks")))?;
    view.context.ensure_points("its map", map, word, blocks.saturating_mul(word))?;
    let (begin, end) = (Position::read(&start)?, Position::read(&finish)?);
    begin.check(view, block, (map.0, map_end.0), "begin")?;
    end.check(view, block, (map.0, map_end.0), "end")?;
    view.context.ensure_points("its first block", Address(begin.first), element.alignment(), block)?;
    view.context.ensure_points("its last block", Address(end.first), element.alignment(), block)?;
    let to_start = |position: &Position| count(Address(position.first), Address(position.current), size, "");
    let (skipped, last) = (to_start(&begin)?, to_start(&end)?);
    let whole = end.node.checked_sub(begin.node).ok_or_else(|| Fault::invalid("end before begin"))? / word;
    let length = whole.saturating_mul(per_block).saturating_add(last).checked_sub(skipped);
    let length = length.ok_or_else(|| Fault::invalid("end before begin"))?;
    let mut addresses = Vec::new();
    for index in 0..length.min(view.context.elements()) {
        let at = skipped.saturating_add(index);
        let node = Address(begin.node.saturating_add(at / per_block * word));
        let first = view.context.read_pointer(node)?;
        view.context.ensure_points("a block", first, element.alignment(), block)?;
        addresses.extend(first.checked_add(at % per_block * size));
    }
    let title = format!("std::deque of length {length}");
    Ok(Sequence { title, addresses, length }.numbered(view, &Element::Known(element.type_id)))
}
