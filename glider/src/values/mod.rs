//! From a variable's DIE to a [`Value`](crate::report::Value): where it is, its bytes, and
//! what they mean.
//!
//! Pipeline place: after unwinding and symbolizing, before the report. Reads the target
//! through [`Memory`] only; nothing it reads is trusted.

#![forbid(unsafe_code)]

mod cpp;
mod decimal;
mod declared;
mod entry_value;
mod environment;
pub(crate) mod exception;
mod go;
mod hooks;
mod location;
mod place;
mod printer;
mod rust;
pub(crate) mod scalar;
mod siginfo;
pub(crate) mod text;
pub(crate) mod thread_local;

pub use environment::Environment;
pub use hooks::{After, Before, Child, Item, ItemName, Part, Replaced, Shown, ValueHooks};
pub use location::{FrameView, Scope};
pub use place::{Missing, Place};
pub use printer::Printer;

use crate::object::Modules;
use crate::target::Memory;
use crate::types::Types;

/// The process whose values are read.
#[derive(Clone, Copy)]
pub struct Process<'a> {
    /// Its memory.
    pub memory: &'a dyn Memory,
    /// Its objects.
    pub modules: &'a Modules,
    /// The types met so far.
    pub types: &'a Types,
    /// What is not shown of it.
    pub environment: &'a Environment,
}
