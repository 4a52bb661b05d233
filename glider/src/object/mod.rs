//! The ELF objects mapped in the target: which they are, where they lie, their sections,
//! symbols and debug files.
//!
//! Pipeline place: after the capture, before unwinding and symbolizing. Knows files and
//! the memory map, not DWARF's contents nor the report.
//!
//! The analyzer process handles one trace and ends, so what it maps and decompresses lives
//! as long as the process (`&'static`): no reference counts in the hot paths, nothing to free.

mod cache;
mod debug_file;
mod demangle;
mod elf;
mod headers;
mod image;
mod inflate;
mod lookup;
mod mapped;
mod mini;
mod modules;
mod perf_map;
mod rebuilt;
mod root;
mod search;
mod shrinking;
mod symbols;

pub use cache::ObjectCache;
pub(crate) use debug_file::find_supplementary;
pub use demangle::demangle;
pub use elf::Object;
pub use image::{Image, ImageError};
pub use lookup::Definition;
pub use modules::{Module, Modules, SymbolName};
pub use rebuilt::head_in_memory;
pub use search::DebugSources;
pub(crate) use search::Search;
pub use shrinking::cut_short;
pub use symbols::{Symbol, SymbolTable};
