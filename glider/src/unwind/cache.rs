//! What is known about unwinding from an address, kept: stacks come back to the same few
//! addresses (recursion, threads waiting in the same place), and parsing a table for each
//! frame would cost more than all the rest of a trace.
//!
//! Pipeline place: between [`step`](super::step) and [`table`](super::table).

use super::row::Row;
use super::table::{self, Indexes};
use super::x86_64::signal;
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
    /// The plan for a frame, looked up or remembered.
    pub(super) fn plan(&mut self, frame: &Frame, pc: Address, code: &dyn Code, memory: &dyn Memory) -> &Plan {
        let key = (pc.0, frame.pc_is_exact);
        if self.plans.len() >= MAX_PLANS && !self.plans.contains_key(&key) {
            self.plans.clear();
        }
        let CfiCache { plans, indexes, context } = self;
        plans.entry(key).or_insert_with(|| {
            let mut row_at = |lookup: Address| {
                let sections = code.unwind_sections(lookup)?;
                table::find_row(sections, lookup, indexes, context)
            };
            let row = frame.lookup_pc().and_then(&mut row_at);
            if row.as_ref().is_some_and(|row| row.is_signal_frame) || !signal::is_trampoline(pc, memory) {
                return row.map_or(Plan::NoTable, Plan::Row);
            }
            // A trampoline is entered at its first byte, not called: what lies one byte
            // before it may be another function.
            match row_at(pc) {
                Some(row) if row.is_signal_frame => Plan::Row(row),
                _ => Plan::Trampoline,
            }
        })
    }
}
