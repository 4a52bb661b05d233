//! Debug information wherever it lives: programs built and shipped in every way that Linux knows,
//! traced while they run. What glider shows is held against gdb, or against glider's own report of
//! the program before it was taken apart.
//!
//! This is a test of the package glider, so that cargo builds the glider it runs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod against_gdb;
mod places;
mod servers;
mod shipping;
mod thirty_two_bit;
mod workshop;

/// The glider that cargo built.
const GLIDER: &str = env!("CARGO_BIN_EXE_glider");
