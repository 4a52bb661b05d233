//! glider turns a stopped, hung or living process into a report that a person can read.

pub mod address;
pub mod report;
pub mod target;
pub mod unwind;
