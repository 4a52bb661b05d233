//! The Rust door: plugins written against `gimli-plugin-api`.
//!
//! `analyzer` calls the hooks of one plugin; `services` answers what a plugin asks; `stacks`,
//! `values` and `types` turn what glider knows into the plain data that crosses. The binary
//! side of it, layouts and panics, is the interface crate's own.

mod analyzer;
mod services;
mod stacks;
mod types;
mod values;

pub(super) use analyzer::RustPlugin;

use super::search::Planned;
use crate::object::Object;
use gimli_plugin_api::declaration::{Declaration, MAX_SIZE, SYMBOL};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

/// Reads what a plugin says of itself in its file; nothing of it runs.
///
/// # Errors
/// When it says nothing that can be understood.
pub(super) fn read_declaration(planned: &Planned) -> Result<Declaration, String> {
    let object = Object::open(&planned.path_to_file()).map_err(|error| error.to_string())?;
    let file = object.file();
    let symbol = file
        .dynamic_symbols()
        .find(|symbol| symbol.is_definition() && symbol.name_bytes() == Ok(SYMBOL.as_bytes()))
        .ok_or_else(|| format!("it does not say for which version it was built: it has no {SYMBOL}"))?;
    let size = symbol.size().min(MAX_SIZE as u64);
    let bytes = symbol
        .section_index()
        .and_then(|index| file.section_by_index(index).ok())
        .and_then(|section| section.data_range(symbol.address(), size).ok().flatten())
        .unwrap_or_default();
    Declaration::parse(bytes).map_err(|malformed| malformed.to_string())
}
