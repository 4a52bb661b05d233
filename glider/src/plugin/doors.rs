//! Which interfaces a file offers, by its dynamic symbols: looked at as data, before anything
//! of it runs.

#![forbid(unsafe_code)]

use crate::object::Object;
use object::{Object as _, ObjectKind, ObjectSymbol as _};
use std::fs::File;
use std::path::Path;

/// Entry of versions 1 and 2 of the C interface.
pub(super) const ANA_INIT: &str = "gimli_ana_init";
/// Entry of version 3 of the C interface.
pub(super) const MODULE_INIT: &str = "gimli_module_init";
/// What abi_stable's loader looks for in a Rust plugin.
const ROOT_MODULE: &str = "_1as_0lib_1header_0root_bmodule_bloader";

/// The interfaces of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// `gimli_ana_init`.
    pub ana_init: bool,
    /// `gimli_module_init`.
    pub module_init: bool,
    /// The Rust interface.
    pub rust: bool,
}

impl Doors {
    /// Reads the dynamic symbols of a file, which was found at `path`.
    ///
    /// # Errors
    /// When it is no shared object for this processor, or offers no interface; in words.
    pub(super) fn of(path: &Path, file: &File) -> Result<Doors, String> {
        let object = Object::of_file(path, file).map_err(|error| error.to_string())?;
        let file = object.file();
        if file.architecture() != object::Architecture::X86_64 || file.kind() != ObjectKind::Dynamic {
            return Err(format!("{} is no shared object for x86-64", path.display()));
        }
        let mut doors = Doors::default();
        for symbol in file.dynamic_symbols().filter(object::Symbol::is_definition) {
            match symbol.name_bytes() {
                Ok(name) if name == ANA_INIT.as_bytes() => doors.ana_init = true,
                Ok(name) if name == MODULE_INIT.as_bytes() => doors.module_init = true,
                Ok(name) if name == ROOT_MODULE.as_bytes() => doors.rust = true,
                _ => {}
            }
        }
        if doors == Doors::default() {
            return Err(format!(
                "{} is no plugin: it exports neither {ANA_INIT} nor {MODULE_INIT} nor a Rust plugin's root module",
                path.display()
            ));
        }
        Ok(doors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_no_plugin_is_refused_in_one_line() {
        let libc = std::fs::read_to_string("/proc/self/maps").unwrap();
        let libc =
            libc.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("libc"));
        let libc = Path::new(libc.unwrap());
        let refusal = Doors::of(libc, &File::open(libc).unwrap()).unwrap_err();
        assert!(refusal.contains("is no plugin") && !refusal.contains('\n'), "{refusal}");
    }

    #[test]
    fn what_is_no_shared_object_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "#!/bin/sh\n").unwrap();
        assert!(Doors::of(file.path(), file.as_file()).unwrap_err().contains("not a usable ELF file"));
    }
}
