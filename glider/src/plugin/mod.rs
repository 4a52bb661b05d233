//! Plugins: found, loaded into a process of their own, called while the report is made.
//!
//! Pipeline place: beside the analysis. In the order in which they are used:
//!
//! - `declared` says which plugins an object wants, `search` finds their files as far as
//!   `foreign` lets it; `doors` (and
//!   [`trust`](crate::confine::trust)) judge them without running anything;
//! - `supervisor` forks the plugin host and watches it by the page in `board`; `confine`
//!   fences it in, `printed` catches what it prints;
//! - [`Host`] lives in the forked process: it calls the plugins at each `hook` and keeps account; `nest`
//!   knows the values that are being printed, one inside the other;
//! - `services` is what a plugin may ask, whatever door it came in by: `c_api` is the door
//!   for C, `rust_api` that for Rust.

mod board;
mod c_api;
mod confine;
mod declared;
mod doors;
mod foreign;
mod hook;
mod host;
mod listing;
mod nest;
mod printed;
mod rust_api;
mod search;
mod services;
mod supervisor;

pub use declared::Wanted;
pub use doors::Doors;
pub use foreign::sources_for;
pub use host::Host;
pub use listing::PluginLister;
pub use search::{Beside, Finder, Plan, Planned, SYSTEM_FOLDER, Search, Sources, Verdict};
pub use supervisor::{Analysis, Seat, Supervisor, supervise};
