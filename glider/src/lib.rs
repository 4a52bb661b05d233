//! glider turns a stopped, hung or living process into a report that a person can read.

pub mod address;
pub mod analyzer;
mod cause;
pub mod cli;
pub mod confine;
pub mod dwarf;
pub mod limits;
mod nearest;
pub mod object;
pub mod plugin;
pub mod report;
pub mod session;
pub mod stacks;
pub mod target;
pub mod types;
pub mod unwind;
pub mod values;
