//! The caller by convention, where no table covers a function: the chain of saved `rbp`, and
//! the return address on top of the stack at a function's entry (psABI 3.2.2).
//!
//! Pipeline place: under [`step`](super::step). A value is believed only when the return
//! address is one by the instructions around it and the chain goes up the stack.

use super::step::View;
use super::x86_64::call_site::call_returning_to;
use crate::address::Address;
use crate::target::Registers;
use crate::target::registers::{CALLEE_SAVED, RBP, RIP, RSP};

/// The caller of a function whose `rbp` points at the caller's `rbp`, with the return address
/// behind it. What else the function saved is not known, so only these registers are given.
pub(super) fn caller_by_chain(
    registers: &Registers,
    pc: Address,
    sp: Address,
    view: &View<'_>,
) -> Option<Registers> {
    let base = Address(registers.get(RBP)?);
    if base < sp || !base.0.is_multiple_of(8) {
        return None;
    }
    let saved = view.memory.read_u64(base)?;
    let slot = base.checked_add(8)?;
    let return_address = view.memory.read_u64(slot)?;
    // Generated code may push return addresses itself, as HotSpot's interpreter does.
    let in_generated_code =
        saved > base.0 && is_generated(pc, view) && is_generated(Address(return_address), view);
    if !in_generated_code {
        call_returning_to(Address(return_address), view.code, view.memory)?;
    }
    let mut caller = Registers::default();
    caller.set(RBP, Some(saved));
    caller.set(RSP, Some(slot.checked_add(8)?.0));
    caller.set(RIP, Some(return_address));
    Some(caller)
}

/// The caller of a function that has pushed at most `rbp`: its return address is `words` words
/// above the stack pointer. The other registers that a call preserves are still the caller's.
pub(super) fn caller_at(
    registers: &Registers,
    sp: Address,
    words: u64,
    saved_rbp: bool,
    view: &View<'_>,
) -> Option<Registers> {
    let slot = sp.checked_add(words.checked_mul(8)?)?;
    let return_address = view.memory.read_u64(slot)?;
    call_returning_to(Address(return_address), view.code, view.memory)?;
    let mut caller = Registers::default();
    for register in CALLEE_SAVED {
        caller.set(register, registers.get(register));
    }
    if saved_rbp {
        caller.set(RBP, Some(view.memory.read_u64(sp)?));
    }
    caller.set(RSP, Some(slot.checked_add(8)?.0));
    caller.set(RIP, Some(return_address));
    Some(caller)
}

/// Whether an address is in code that no file holds.
fn is_generated(pc: Address, view: &View<'_>) -> bool {
    view.code.is_executable(pc) && view.code.unwind_sections(pc).is_none()
}
