//! Plugins on real processes: what they print and where, what they hide and replace, how they
//! are found, and what becomes of the report when they misbehave.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod discovery;
mod hooks;
mod misbehaviour;
mod module;
mod report;
mod twins;
