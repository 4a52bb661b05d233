//! Whether a fault is that of a stack without room.

use super::site::Sites;
use super::{CauseKind, Finding};
use crate::address::Address;
use crate::target::Mapping;
use std::collections::HashMap;

/// How far below the stack pointer code may write: the red zone (psABI §3.2.2), and what a call
/// or a probe of the next page touches.
const BELOW: u64 = 4096;

/// A stack overflow, when `address`, which could not be used, is a part of the frame, and the frame
/// stands at the lower end of the memory that holds the stack.
pub(super) fn explain(sites: &Sites<'_, '_, '_>, frame: usize, address: Address) -> Option<Finding> {
    let mappings = &sites.stacks.capture.mappings;
    let interrupted = sites.frame(frame)?;
    let pointer = interrupted.registers.sp()?;
    let top = interrupted.cfa?;
    let is_in_frame = (pointer.saturating_sub(BELOW)..top.0).contains(&address.0);
    let stack =
        mapping_at(mappings, Address(top.0.checked_sub(1)?)).filter(|stack| stack.protection.write)?;
    let usable = mapping_at(mappings, address).is_some_and(|mapping| mapping.protection.write);
    if !is_in_frame || usable || address >= stack.start {
        return None;
    }
    let size = (stack.end.0 - stack.start.0) / 1024;
    let count = sites.stack.stack.frame_count.saturating_sub(frame);
    let within = most_frequent(sites, frame)
        .map(|(name, share)| format!(", {share} % of them of `{name}`"))
        .unwrap_or_default();
    let text = format!("the stack is used up: {count} frames{within} fill its {size} KiB");
    let known_by = format!(
        "the address {address}, which is in the innermost frame but below the stack, which begins at {}",
        stack.start
    );
    Some(Finding::new(CauseKind::StackOverflow, text, known_by))
}

/// The function that has more than half of the frames known, and its share in per cent.
fn most_frequent<'s>(sites: &'s Sites<'_, '_, '_>, from: usize) -> Option<(&'s str, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let known = from..sites.stack.code.len();
    let all = known.len();
    for name in known.filter_map(|index| sites.function(index)) {
        *counts.entry(name).or_default() += 1;
    }
    let (name, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > all && count > 8).then(|| (name, count * 100 / all))
}

/// The mapping that holds an address.
pub(super) fn mapping_at(mappings: &[Mapping], address: Address) -> Option<&Mapping> {
    let after = mappings.partition_point(|mapping| mapping.start <= address);
    mappings.get(after.checked_sub(1)?).filter(|mapping| address < mapping.end)
}
