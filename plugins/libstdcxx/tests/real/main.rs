//! The plugin on real programs, against the library that is installed here.
//!
//! `program` compiles and traces; `against_gdb` compares with gdb and the pretty printers that come with the library,
//! as `neutral.py` gives them and `compare` understands them; `corrupt` has objects that are none; `limits` asks for
//! less than there is; `install` lets glider find the plugin by its name.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod against_gdb;
mod compare;
mod corrupt;
mod install;
mod limits;
mod program;
