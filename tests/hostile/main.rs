//! glider against targets, files and plugins that mean it harm: what it has given up before it looks at
//! them, and what they cost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cases;
mod confinement;
mod evasion;
mod guises;
mod identity;
mod limits;
mod plugins;
mod secrets;
mod stage;
mod stalled;
mod unsafe_code;
