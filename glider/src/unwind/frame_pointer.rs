//! The caller by convention, where no table covers a function: the chain of saved `rbp`, and
//! the return address on top of the stack at a function's entry (psABI 3.2.2).
//!
//! Pipeline place: under [`step`](super::step). A value is believed only when the return
//! address is one by the instructions around it and the chain goes up the stack.

use super::step::View;
use super::x86::call_site::call_returning_to;
use crate::address::Address;
use crate::target::Registers;

/// The caller of a function whose `rbp` points at the caller's `rbp`, with the return address
/// behind it. What else the function saved is not known, so only these registers are given.
pub(super) fn caller_by_chain(
    registers: &Registers,
    pc: Address,
    sp: Address,
    view: &View<'_>,
) -> Option<Registers> {
    let arch = registers.arch();
    let base = Address(registers.frame_pointer()?);
    if base < sp || !base.0.is_multiple_of(arch.word()) {
        return None;
    }
    let saved = view.memory.read_word(base, arch)?;
    let slot = base.checked_add(arch.word())?;
    let return_address = view.memory.read_word(slot, arch)?;
    // Generated code may push return addresses itself, as HotSpot's interpreter does.
    let in_generated_code =
        saved > base.0 && is_generated(pc, view) && is_generated(Address(return_address), view);
    if !in_generated_code {
        call_returning_to(Address(return_address), view.code, view.memory)?;
    }
    Some(registers.of_caller(return_address, slot.checked_add(arch.word())?.0, Some(saved)))
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
    let arch = registers.arch();
    let slot = sp.checked_add(words.checked_mul(arch.word())?)?;
    let return_address = view.memory.read_word(slot, arch)?;
    call_returning_to(Address(return_address), view.code, view.memory)?;
    let saved = if saved_rbp { Some(view.memory.read_word(sp, arch)?) } else { registers.frame_pointer() };
    let mut caller = registers.of_caller(return_address, slot.checked_add(arch.word())?.0, saved);
    for register in arch.callee_saved().iter().filter(|register| **register != arch.frame_pointer()) {
        caller.set(*register, registers.get(*register));
    }
    Some(caller)
}

/// Whether an address is in code that no file holds.
fn is_generated(pc: Address, view: &View<'_>) -> bool {
    view.code.is_executable(pc) && view.code.unwind_sections(pc).is_none()
}
