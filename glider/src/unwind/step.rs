//! From one frame to its caller, by the most certain way there is: call frame information,
//! the kernel's own record at a signal frame, the conventions of compiled code, and at last
//! a guess. The order is the whole policy of the unwinder.
//!
//! Pipeline place: under [`walk`](super::walk()).

use super::cache::{CfiCache, Plan};
use super::problem::Problem;
use super::row::{NoReturnAddress, Row};
use super::x86::prologue::{self, Progress};
use super::x86::signal;
use super::{Code, Frame, frame_pointer, scan};
use crate::address::Address;
use crate::report::Trust;
use crate::target::{Memory, Registers};
use std::sync::Arc;

/// What may be asked while unwinding.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) code: &'a dyn Code,
    pub(super) memory: &'a dyn Memory,
    /// The thread has not run yet: its stack is empty.
    pub(super) is_newborn: bool,
}

/// The caller of a frame, `None` when there is none because the frame is the outermost, or
/// why it cannot be found.
type Step = Result<Option<Frame>, Problem>;

/// Finds the caller of `frame`, and sets what its own call frame information tells of the
/// frame itself: its CFA, and the signal's data when it is a signal trampoline.
pub(super) fn step(frame: &mut Frame, view: View<'_>, cache: &mut CfiCache) -> Step {
    let Some(pc) = frame.pc() else { return Err(Problem::NoRegisters) };
    let Some(sp) = frame.registers.sp().map(Address) else {
        return Err(Problem::NoStackPointer { pc });
    };
    if frame.pc_is_exact && !view.code.is_executable(pc) {
        return after_wild_call(frame, pc, sp, view);
    }
    match cache.plan(frame, pc, view.code, view.memory) {
        Plan::Row(row) => by_row(row, frame, pc, sp, view),
        Plan::Trampoline => by_signal_frame(frame, pc, sp, view),
        Plan::Planted => Ok(None),
        Plan::NoTable => by_convention(frame, pc, sp, view),
    }
}

fn by_row(row: &Row, frame: &mut Frame, pc: Address, sp: Address, view: View<'_>) -> Step {
    let Some(unwound) = row.apply(&frame.registers, view.memory) else {
        // The register that the CFA is counted from is lost, as it can be after a guess.
        return by_scan(frame, sp, view, Problem::NoCaller { pc });
    };
    frame.cfa = Some(unwound.cfa);
    let problem = match unwound.caller {
        Ok(None) => return Ok(None),
        Ok(Some(registers)) if row.is_signal_frame => {
            return Ok(Some(interrupted(frame, registers, sp, Trust::Cfi, view)));
        }
        Ok(Some(registers)) => match registers.pc().map(Address) {
            None | Some(Address(0)) => return Ok(None),
            Some(return_address) if view.code.is_executable(return_address) => {
                return Ok(Some(called(registers, Trust::Cfi)));
            }
            Some(return_address) => Problem::BadReturnAddress { pc, return_address },
        },
        Err(NoReturnAddress(address)) => Problem::Unreadable { address: address.unwrap_or(unwound.cfa) },
    };
    // The frame's own words are overwritten; those above it may be whole.
    by_scan(frame, unwound.cfa.max(sp), view, problem)
}

fn by_signal_frame(frame: &mut Frame, pc: Address, sp: Address, view: View<'_>) -> Step {
    let found = signal::signal_frame(frame.registers.arch(), pc, sp, view.memory);
    let registers = found.and_then(|found| signal::interrupted_registers(found, view.memory));
    match registers {
        // The kernel saved them whole: they are as good as the thread's own.
        Some(registers) => Ok(Some(interrupted(frame, registers, sp, Trust::Context, view))),
        None => by_scan(frame, sp, view, Problem::Unreadable { address: sp }),
    }
}

/// The frame that a signal interrupted, above the trampoline `frame`. Its pc may be anything:
/// a jump through a wild pointer is a common reason for the signal.
fn interrupted(frame: &mut Frame, registers: Registers, sp: Address, trust: Trust, view: View<'_>) -> Frame {
    // Tables mark other frames with exact pcs, too; only the kernel's hold a ucontext.
    let found = frame.pc().and_then(|pc| signal::signal_frame(frame.registers.arch(), pc, sp, view.memory));
    let found = found.filter(|found| {
        signal::interrupted_registers(*found, view.memory)
            .is_some_and(|saved| saved.pc() == registers.pc() && saved.sp() == registers.sp())
    });
    frame.signal_frame = found;
    let floating = found.and_then(|found| signal::interrupted_floating(found, view.memory));
    Frame { pc_is_exact: true, floating: floating.map(Arc::new), ..called(registers, trust) }
}

fn called(registers: Registers, trust: Trust) -> Frame {
    Frame { registers, floating: None, cfa: None, trust, pc_is_exact: false, signal_frame: None }
}

/// The pc points nowhere: a call through a null or wild pointer. A call leaves its return
/// address on top of the stack and everything else alone. That this was a call and not a
/// return into a smashed stack only that word can tell, so the caller counts as guessed.
fn after_wild_call(frame: &Frame, pc: Address, sp: Address, view: View<'_>) -> Step {
    match frame_pointer::caller_at(&frame.registers, sp, 0, false, &view) {
        Some(registers) => Ok(Some(called(registers, Trust::Scan))),
        None => by_scan(frame, sp, view, Problem::NoCaller { pc }),
    }
}

fn by_convention(frame: &Frame, pc: Address, sp: Address, view: View<'_>) -> Step {
    if view.is_newborn && frame.trust == Trust::Context && frame.pc_is_exact {
        return Ok(None);
    }
    let registers = &frame.registers;
    let by_chain = || frame_pointer::caller_by_chain(registers, pc, sp, &view);
    let found = match prologue::progress(registers.arch(), pc, frame.pc_is_exact, view.code, view.memory) {
        Progress::ReturnAt { words, saved_rbp } => {
            frame_pointer::caller_at(registers, sp, words, saved_rbp, &view).or_else(by_chain)
        }
        Progress::FrameMade | Progress::Unknown => by_chain(),
        // Here rbp may be an outer function's: following it must not leave out a frame between.
        Progress::Frameless => by_chain().filter(|chained| {
            let scanned = scan::caller(frame, sp, &view);
            scanned.is_none_or(|scanned| scanned.sp() >= chained.sp())
        }),
    };
    if let Some(registers) = found {
        return Ok(Some(called(registers, Trust::FramePointer)));
    }
    // psABI 3.4.1: the outermost function is entered with a frame pointer of zero, or sets it.
    let may_be_outermost = !frame.pc_is_exact && registers.frame_pointer() == Some(0);
    if may_be_outermost && prologue::has_cleared_rbp(pc, view.code, view.memory) {
        return Ok(None);
    }
    match by_scan(frame, sp, view, Problem::NoCaller { pc }) {
        Err(_) if may_be_outermost => Ok(None),
        step => step,
    }
}

fn by_scan(frame: &Frame, start: Address, view: View<'_>, problem: Problem) -> Step {
    match scan::caller(frame, start, &view) {
        Some(registers) => Ok(Some(called(registers, Trust::Scan))),
        None => Err(problem),
    }
}
