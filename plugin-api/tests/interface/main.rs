//! The interface from both sides: plugins in shared objects of their own, called as glider calls them, and an analyzer's
//! questions answered by a made-up process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod host;
mod made_up;
mod panics;
mod versions;
