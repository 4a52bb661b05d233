//! The last resort: the first word up the stack that looks like a return address.
//!
//! Pipeline place: under [`step`](super::step), after call frame information and conventions
//! have failed. What is found here is a guess and marked as one.

use super::Frame;
use super::step::View;
use super::x86::call_site::{Call, call_returning_to};
use crate::address::Address;
use crate::target::Registers;

/// Words looked at above a frame that is where the thread stopped or was interrupted.
const WIDE: usize = 1024;
/// Words looked at above other frames.
const NARROW: usize = 256;

/// How well a word fits as the return address of the current function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is behind a direct call of another function: a left-over of an earlier call, more likely than not.
    Elsewhere,
    /// It is behind a call that may have led here, in no known function.
    Possible,
    /// The same, in a known function.
    Good,
}

/// The caller of a frame, by the first well-fitting word from `start` up; where none fits
/// well, the first of the best there are.
///
/// `rbp` is handed on where it may still point into the caller's frame; what else the
/// function saved is not known.
pub(super) fn caller(frame: &Frame, start: Address, view: &View<'_>) -> Option<Registers> {
    let arch = frame.registers.arch();
    let size = usize::try_from(arch.word()).ok()?;
    let mut buffer = [0; WIDE * 8];
    let words = if frame.pc_is_exact { WIDE } else { NARROW };
    let read = view.memory.read(start, buffer.get_mut(..words * size)?);
    let current = frame.lookup_pc().and_then(|pc| view.code.function_start(pc));
    let mut best: Option<(Fit, u64, u64)> = None;
    for (index, bytes) in (0u64..).zip(buffer.get(..read)?.chunks_exact(size)) {
        let mut word = [0; 8];
        word.get_mut(..size)?.copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        let Some(fit) = fit(Address(word), current, view) else { continue };
        if best.is_none_or(|(best, ..)| fit > best) {
            best = Some((fit, index, word));
        }
        if fit == Fit::Good {
            break;
        }
    }
    let (_, index, word) = best?;
    let slot = start.checked_add(index * arch.word())?;
    let base = frame.registers.frame_pointer();
    let base = base.filter(|base| *base > slot.0 && base.is_multiple_of(arch.word()));
    Some(frame.registers.of_caller(word, slot.checked_add(arch.word())?.0, base))
}

fn fit(word: Address, current: Option<Address>, view: &View<'_>) -> Option<Fit> {
    let call = call_returning_to(word, view.code, view.memory)?;
    if let (Call::Direct(target), Some(current)) = (call, current)
        && target != current
        && view.code.function_start(target) == Some(target)
        && !is_jump(target, view)
    {
        return Some(Fit::Elsewhere);
    }
    let is_known = view.code.function_start(Address(word.0.wrapping_sub(1))).is_some();
    Some(if is_known { Fit::Good } else { Fit::Possible })
}

/// Whether a function begins with a jump: a stub that leads anywhere.
fn is_jump(target: Address, view: &View<'_>) -> bool {
    let mut bytes = [0; 2];
    view.memory.read_exact(target, &mut bytes).is_some()
        && matches!(bytes, [0xe9 | 0xeb, _] | [0xff, 0x25] | [0xf3, 0x0f] | [0xf2, _])
}
