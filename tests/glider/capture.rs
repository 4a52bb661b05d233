//! Holding real processes: what is captured of them, and above all that they run on unchanged
//! whatever happens to the target, to the analyzer or to glider itself.
//!
//! Nothing here needs unwinding or debug information: a fake analyzer stands in for the real one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod capture {
    mod command_line;
    mod fake_analyzer;
    mod holding;
    mod jobs;
    mod pause;
    mod session;
    mod target;
}
