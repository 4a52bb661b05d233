//! What a plugin of glider is written against, in Rust.
//!
//! glider turns a stopped, hung or living process into a report that a person can read: every thread, frame and
//! variable. A *plugin* teaches it what a program's own data means: it prints the server's statistics after the
//! threads, says beside a frame which request is being handled, shows a container as its elements, and leaves out
//! what only distracts. It is a shared object that glider loads, never the traced process. (For plugins in C and C++
//! there is `include/libgimli_ana.h` with `docs/C-GUIDE.md`.)
//!
//! # From `cargo new` to a plugin that works
//!
//! Here is a server; when it hangs, somebody should be able to tell from the report what it was doing.
//!
#![doc = concat!("```c\n// server.c\n", include_str!("../example/server.c"), "```")]
//!
//! `cargo new --lib gimli-server`, and in its `Cargo.toml`:
//!
#![doc = concat!("```toml\n", include_str!("../example/Cargo.toml"), "```")]
//!
//! The plugin is an [`Analyzer`] whose hooks glider calls in the order of the report; every hook has a default that
//! does nothing. The [`Host`] given to each is what may be asked of the traced process.
//!
#![doc = concat!("```\n// src/lib.rs\n", include_str!("../example/src/lib.rs"), "```")]
//!
//! Try it while it grows: `cargo build`, start the server, and
//!
//! ```text
//! glider --plugin target/debug/libgimli_server.so PID
//! ```
//!
//! To have it loaded by itself, install it under the name that glider looks for: `gimli_` and the name of the
//! executable or library that it explains, up to the first dot: `gimli_server.so` for `/srv/server`,
//! `gimli_libfoo.so` for `libfoo.so.1.2`.
//!
//! ```text
//! cargo build --release
//! install -m 644 target/release/libgimli_server.so /srv/gimli_server.so
//! ```
//!
//! glider looks beside the mapped object, then in each folder of `--plugin-path` (or the variable `GIMLI_PLUGIN_PATH`),
//! then in the system's folder. It loads a file only when nobody but root and the user who runs glider can write to
//! it and to the folders above it. A program can also name its plugin, with `GIMLI_DECLARE_TRACER_MODULE("name")` of
//! `libgimli.h` or a `char gimli_tracer_module_name[]`. `glider plugins PID` says what would be loaded, and why not.
//!
//! And a test, with the harness that the feature `testing` adds, in the module of that name:
//!
#![doc = concat!("```no_run\n// tests/trace.rs\n", include_str!("../example/tests/trace.rs"), "```")]
//!
//! # What to keep in mind
//!
//! - **An address cannot be followed.** The traced process is another process, so an [`Address`] is a number of its
//!   own type. Copy memory with [`Host::read`], [`Host::read_memory`] or [`Host::read_string`] and look at the copy.
//! - **The process may be corrupt.** That is why it is traced. Pointers point nowhere, lists are circles, lengths are
//!   absurd. Reads fail or come up short; give every walk a bound ([`Host::limits`]) and use `?`: an error ends the
//!   hook and is one line in the report.
//! - **A panic is caught** and becomes a line in the report, with its message and place. It ends the plugin's part in
//!   the trace, as does a crash, an endless loop, `exit` or endless output; what it has printed before stays, and threads,
//!   frames and other plugins are not touched. It must be built with `panic = "unwind"`, cargo's default.
//! - **Time, memory and output are bounded**, for each call and for the whole trace.
//! - **Every call costs.** [`Analyzer::before_variable`] is called for every member of every structure,
//!   [`Analyzer::print_value`] only for the types that [`Analyzer::printers`] names. Hooks that are not written cost nothing;
//!   with its answer to [`Analyzer::begin_trace`] an analyzer can do without others in this process.
//! - **Printing**: [`Host::print`] or `writeln!(host, …)`. `println!` works too and lands at the same place.
//! - **Each trace** runs in a new process: an analyzer keeps what it likes in `self`, but nothing between traces.
//! - **Versions**: a plugin works with every glider of the same major version of this interface ([`API_VERSION`]) and the
//!   same or a later minor one; what may change is in `docs/VERSIONING.md`. Dependencies on other crates are the
//!   plugin's own affair: nothing but what this crate defines crosses the boundary.
//!
//! # Modules, in the order in which an author meets them
//!
//! [`Analyzer`] and its answers ([`Hooks`], [`Flow`], [`Shown`]) · [`export_analyzer!`] · [`Host`] · the data it
//! gives: [`Thread`], [`Frame`], [`Variable`], [`Symbol`], [`TypeInfo`] … · [`plain_struct!`] for reading structures ·
//! `testing`, behind the feature of that name. For glider: [`declaration`], [`load`]
//! and [`wire`].

pub mod address;
mod analyzer;
pub mod declaration;
mod error;
mod export;
mod frame;
mod host;
pub mod load;
mod plain;
mod process;
#[cfg(feature = "testing")]
pub mod testing;
mod types;
pub mod wire;

pub use address::{Address, Bits, FrameIndex, ProcessId, Size, ThreadId, TypeId};
pub use analyzer::{Analyzer, Child, Flow, Hooks, Replacement, Shown};
pub use declaration::API_VERSION;
pub use error::{Error, ErrorKind};
pub use frame::{Frame, Register, Trust, Variable, VariableKind};
pub use host::{Host, MAX_DEREFERENCES};
pub use plain::Plain;
pub use process::{AddressName, Limits, Object, ProcessStatus, SourceLocation, Symbol, Thread};
pub use types::{Enumerator, Member, TemplateArgument, TypeInfo, TypeKind};

/// For the macros of this crate only.
#[doc(hidden)]
pub mod __private {
    pub use crate::declaration::{encode, encoded_size};
    pub use crate::wire::{AnalyzerBox, Plugin, PluginRef, new_analyzer};
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };
    pub use abi_stable::prefix_type::PrefixTypeTrait;
    pub use abi_stable::std_types::RStr;
}
