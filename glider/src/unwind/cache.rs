//! What is known about unwinding from an address, kept: stacks come back to the same few
//! addresses (recursion, threads waiting in the same place), and parsing a table for each
//! frame would cost more than all the rest of a trace.
//!
//! Pipeline place: between [`step`](super::step) and [`table`].

use super::row::Row;
use super::table::{self, Indexes};
use super::x86::call_site::call_before;
use super::x86::signal;
use super::{Code, Frame};
use crate::address::Address;
use crate::target::Memory;
use gimli::UnwindContext;
use std::collections::HashMap;

/// Addresses remembered; some 500 bytes each. When there are more, all are forgotten.
const MAX_PLANS: usize = 16_384;

/// How the caller of a frame is found.
#[derive(Debug)]
pub(super) enum Plan {
    /// By this row of its object's call frame table.
    Row(Box<Row>),
    /// It is a signal trampoline without a table: from the `ucontext_t` on the stack.
    Trampoline,
    /// It has none: its pc is the first byte of a function that was not called. Such a return
    /// address was put on a fresh stack, for what runs there to return to (makecontext(3)).
    Planted,
    /// Nothing is known: by convention or by guessing.
    NoTable,
}

/// Call frame information already looked up. Serves all threads of one trace, as long as
/// the target's objects stay where they are.
#[derive(Debug, Default)]
pub struct CfiCache {
    /// By pc and whether it is exact.
    plans: HashMap<(u64, bool), Plan>,
    indexes: Indexes,
    context: UnwindContext<usize>,
}

impl CfiCache {
    /// Where the function that holds a runtime address begins, by its object's call frame table.
    pub fn function_start(&mut self, address: Address, code: &dyn Code) -> Option<Address> {
        let CfiCache { indexes, context, .. } = self;
        let row = table::find_row(code.unwind_sections(address)?, address, indexes, context)?;
        Some(row.function_start)
    }

    /// The plan for a frame, looked up or remembered.
    pub(super) fn plan(&mut self, frame: &Frame, pc: Address, code: &dyn Code, memory: &dyn Memory) -> &Plan {
        let key = (pc.0, frame.pc_is_exact);
        if self.plans.len() >= MAX_PLANS && !self.plans.contains_key(&key) {
            self.plans.clear();
        }
        let CfiCache { plans, indexes, context } = self;
        plans.entry(key).or_insert_with(|| {
            let row_at = |lookup: Address| {
                let sections = code.unwind_sections(lookup)?;
                table::find_row(sections, lookup, indexes, context)
            };
            make_plan(frame, pc, code, memory, row_at)
        })
    }
}

fn make_plan(
    frame: &Frame,
    pc: Address,
    code: &dyn Code,
    memory: &dyn Memory,
    mut row_at: impl FnMut(Address) -> Option<Box<Row>>,
) -> Plan {
    let row = frame.lookup_pc().and_then(&mut row_at);
    let is_called = || frame.pc_is_exact || !is_uncalled(pc, code, memory);
    match row {
        Some(row) if row.is_signal_frame => Plan::Row(row),
        _ if frame.pc_is_exact && signal::is_trampoline(pc, memory) => Plan::Trampoline,
        row if is_called() => row.map_or(Plan::NoTable, Plan::Row),
        // What is entered at its first byte is described there, and not one byte before.
        row => match row_at(pc) {
            Some(entered) if entered.is_signal_frame => Plan::Row(entered),
            _ if signal::starts_trampoline(pc, memory) => Plan::Trampoline,
            Some(entered) if entered.function_start == pc => Plan::Planted,
            None if code.function_start(pc) == Some(pc) => Plan::Planted,
            _ => row.map_or(Plan::NoTable, Plan::Row),
        },
    }
}

/// Whether a return address is not one: there is no call before it, as far as can be read.
fn is_uncalled(pc: Address, code: &dyn Code, memory: &dyn Memory) -> bool {
    let is_readable = pc.checked_sub(1).is_some_and(|before| memory.read_exact(before, &mut [0]).is_some());
    is_readable && call_before(pc, code, memory).is_none()
}
