//! Real programs for glider to be tried on, and the means to build and start them from a test.
//!
//! There is one program per language. Its first argument names a *scenario* ("deadlock", "null",
//! "variables", …); it comes to the place that the scenario describes, prints `ready PID` and then
//! blocks, or faults at once. [`Program::scenarios`] lists the names.
//!
//! ```
//! use sample_targets::{Build, Language, Optimisation, Target, build};
//!
//! let program = build(&Build::new(Language::C, Optimisation::O0, 5))?;
//! let target = Target::start(&program, "deadlock", &[])?;
//! target.wait_until_blocked()?;
//! assert_eq!(target.threads()?.len(), 3);
//! # Ok::<(), sample_targets::Error>(())
//! ```
//!
//! The modules, from the sources to the living process:
//! - `recipe`: what to build ([`Build`], [`matrix`]);
//! - `compile`: the C and C++ compilers, and cargo for the Rust program, into a cache;
//! - `target`: a started program, ended when its guard is dropped;
//! - `proc_status`: what /proc says of its threads;
//! - `client`: one connection to the program's "server" scenario.
//!
//! Constraints: builds happen on demand, are safe when several test processes ask for the same one,
//! and need nothing but the system's compilers. No process is left behind, also when a test panics.

mod client;
mod compile;
mod error;
mod proc_status;
mod recipe;
mod target;

pub use client::Client;
pub use compile::{Program, build};
pub use error::Error;
pub use recipe::{Build, Compiler, Language, Optimisation, matrix};
pub use target::Target;
