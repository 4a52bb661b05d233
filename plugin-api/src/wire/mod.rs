//! The binary interface between glider and a plugin: two traits and the root module.
//!
//! Authors never name anything here: they implement [`Analyzer`](crate::Analyzer) and ask
//! [`Host`](crate::Host). glider implements [`Services`] and calls what [`crate::load`] gives it.
//! Everything in this module is laid out by abi_stable and checked by it when a plugin is
//! loaded; `docs/VERSIONING.md` says how it may grow.

// What abi_stable's macros generate: names of their own style, without documentation.
#![allow(missing_docs, non_camel_case_types, non_local_definitions)]
#![allow(clippy::undocumented_unsafe_blocks, unreachable_pub)]

mod root;
mod services;
mod shim;

pub use root::{Plugin, PluginRef};
pub use services::{Services, Services_TO, ServicesRef};
pub use shim::{AnalyzerBox, Hooked, Hooked_TO, new_analyzer};

/// The types of stable layout that an implementation of [`Services`] names.
pub use abi_stable::std_types::{RCowStr, ROption, RResult, RSliceMut, RStr, RString, RVec};
