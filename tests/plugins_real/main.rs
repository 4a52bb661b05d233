//! The plugins of this repository on real programs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod locks;
mod process;
mod ringlog;
