//! Plugin of glider for programs that use libstdc++: strings, containers, smart pointers, optional and variant values,
//! functions and times as readable values in every C++ frame.
//!
//! One hook does it all: [`Analyzer::print_value`] for the types of `printers`. What a value is comes from the types'
//! debug information, never from offsets known by heart; whether it is plausible is checked before anything of it is
//! walked, and each walk ends after as many steps as elements are shown. What is not plausible is said in words:
//! `<not a valid std::vector: end before begin>`.
//!
//! In order: `names` takes type names apart, `layout` and `view` find members and read them, `printers` chooses one of
//! `strings`, `sequences`, `lists`, `trees`, `products`, `pointers`, `sums` and `times`; `elements` names the parts.

mod elements;
mod fault;
mod layout;
mod lists;
mod names;
mod pointers;
mod printers;
mod products;
mod sequences;
mod strings;
mod sums;
mod text;
mod times;
mod trees;
mod view;

use fault::Fault;
use gimli_plugin_api::{
    Analyzer, Error, Frame, FrameIndex, Hooks, Host, Shown, ThreadId, Variable, export_analyzer,
};
use layout::Layouts;
use std::cell::RefCell;
use view::{Context, MAX_PARTS, View};

/// The plugin.
#[derive(Default)]
struct StandardLibrary {
    layouts: RefCell<Layouts>,
    /// The frame at hand, and the parts shown of it.
    frame: Option<(ThreadId, FrameIndex)>,
    parts: u64,
}

impl Analyzer for StandardLibrary {
    fn begin_trace(&mut self, host: &Host<'_>) -> Result<Hooks, Error> {
        self.layouts = RefCell::new(Layouts::of(host));
        Ok(Hooks::PRINT_VALUE)
    }

    fn printers(&self) -> Vec<String> {
        printers::patterns()
    }

    fn print_value(
        &mut self,
        host: &Host<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        // What the compiler keeps in registers has no address: glider shows its members.
        let (Some(address), Some(type_id)) = (variable.address(), variable.type_id()) else {
            return Ok(Shown::AsIs);
        };
        if self.frame != Some((frame.thread, frame.index)) {
            (self.frame, self.parts) = (Some((frame.thread, frame.index)), 0);
        }
        let view = View { context: Context::new(host, frame, &self.layouts), address, type_id };
        match printers::print(&view) {
            Ok(mut shown) => {
                let is_too_deep = variable.depth >= host.limits().depth;
                let left = if is_too_deep { 0 } else { MAX_PARTS.saturating_sub(self.parts) };
                let parts = shown.children.len() as u64;
                shown.children.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                shown.omitted = shown.omitted.saturating_add(parts.saturating_sub(left));
                self.parts = self.parts.saturating_add(parts.min(left));
                Ok(Shown::Replaced(shown))
            }
            Err(Fault::Invalid(why)) => {
                Ok(Shown::text(format!("<not a valid {}: {why}>", printers::name(&view))))
            }
            Err(Fault::Unknown) => Ok(Shown::AsIs),
        }
    }
}

export_analyzer!(StandardLibrary::default);
