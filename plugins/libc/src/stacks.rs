//! Names for what lies on a stack: the variable, its function, its thread.

use crate::naming;
use gimli_plugin_api::{Address, Frame, Host, Size, Thread};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Addresses that are looked for in a trace: each look goes over the frames of all threads.
const MAX_LOOKS: usize = 16;

/// What was found on stacks.
#[derive(Default)]
pub(crate) struct StackNames {
    known: RefCell<BTreeMap<Address, Option<String>>>,
}

impl StackNames {
    /// The variable at an address, `pool.work_arrived of many_threads in thread 0 (LWP 7)`; `None` for what is
    /// in no frame, and after too many looks.
    pub(crate) fn find(&self, host: &Host<'_>, address: Address) -> Option<String> {
        if let Some(known) = self.known.borrow().get(&address) {
            return known.clone();
        }
        if self.known.borrow().len() >= MAX_LOOKS {
            return None;
        }
        let found = host.threads().iter().find_map(|thread| on_stack(host, thread, address));
        self.known.borrow_mut().insert(address, found.clone());
        found
    }
}

/// A frame reaches from the stack pointer at its call to its canonical frame address; the innermost one from the
/// stack pointer (psABI for x86_64).
fn on_stack(host: &Host<'_>, thread: &Thread<'_>, address: Address) -> Option<String> {
    let frames = host.frames(thread.id).ok()?;
    if address.0 < host.register(frames.first()?, "rsp")? {
        return None;
    }
    let end = frames.iter().filter_map(|frame| frame.cfa.into_option()).find(|cfa| *cfa > address)?;
    // Calls that were inlined share the frame of the function that they are in.
    let mut sharing = frames.iter().filter(|frame| frame.cfa.into_option() == Some(end));
    sharing.find_map(|frame| variable_at(host, frame, address)).map(|(name, function)| {
        format!("{name} of {function} in thread {} (LWP {}) ({address})", thread.index, thread.id)
    })
}

fn variable_at(host: &Host<'_>, frame: &Frame<'_>, address: Address) -> Option<(String, String)> {
    let variables = host.variables(frame.thread, frame.index).ok()?;
    variables.iter().find_map(|variable| {
        let offset = address.0.checked_sub(variable.address()?.0)?;
        (offset < variable.size()?.0).then_some(())?;
        let members = naming::members(host, variable.type_id()?, Size(offset));
        Some((format!("{}{members}", variable.name), frame.function()?.to_string()))
    })
}
