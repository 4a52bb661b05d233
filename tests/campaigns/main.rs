//! Campaigns: the promises that one trace cannot show, tried many times over with real processes.
//!
//! Each has a short form, which runs with the other tests, and a long one, which a variable of the
//! environment asks for; `../PROOFS.md` has the commands and what the long forms gave last.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod busy_server;
mod kills;
mod mutants;
mod processes;
mod regions;
mod stage;
