//! Units by what they contain, without an index: the sections are searched as text. A search of
//! 100 MB takes some 20 ms; to parse them takes a second and several times their memory.
//!
//! What is found is a guess, to be confirmed by reading the unit. Not found are names that dwz
//! moved to its supplementary file, and those of `.debug_types`.

use super::root;
use super::unit::{DwarfFile, UNITS_IN_MEMORY, UnitId};
use crate::unwind::Bytes;
use gimli::{DebugInfoOffset, Section};

/// Texts of `.debug_str` that are taken for a name: linkers keep one, or let it be the end of another one.
const MAX_TEXTS: usize = 8;

/// Where an entry's name may stand.
pub(super) struct Places {
    /// Offsets in `.debug_info`: of the name itself or of its offset in `.debug_str`.
    pub(super) info: Vec<usize>,
    /// Offsets in `.debug_str_offsets`.
    pub(super) string_offsets: Vec<usize>,
}

impl Places {
    /// Where this name may stand.
    pub(super) fn of_name(file: &DwarfFile, name: &str) -> Places {
        let ended = [name.as_bytes(), &[0]].concat();
        let strings = file.dwarf.debug_str.reader();
        let mut texts = file.places(strings, &ended);
        let is_whole = |at: &usize| *at == 0 || strings.slice().get(*at - 1) == Some(&0);
        if texts.iter().any(is_whole) {
            texts.retain(is_whole);
        }
        texts.truncate(MAX_TEXTS);
        // `DW_FORM_string`: the name itself.
        let debug_info = file.dwarf.debug_info.reader();
        let mut info = file.places(debug_info, &ended);
        let mut string_offsets = Vec::new();
        for text in texts.iter().filter_map(|text| u32::try_from(*text).ok()) {
            // `DW_FORM_strp`: its offset; `DW_FORM_strx`: an index into a table of offsets.
            let offset = text.to_le_bytes();
            info.extend(file.places(debug_info, &offset));
            string_offsets.extend(file.places(file.dwarf.debug_str_offsets.reader(), &offset));
        }
        Places { info, string_offsets }
    }

    /// The units that these places are of, by rising offset.
    pub(super) fn units(&self, file: &DwarfFile) -> Vec<UnitId> {
        let mut units = file.units_at(&self.info);
        units.extend(file.owners(&self.string_offsets, |unit| unit.str_offsets_base.0));
        units.sort_unstable();
        units.dedup();
        units
    }
}

/// Units in which an address may stand.
pub(super) fn units_with_address(file: &DwarfFile, address: u64) -> Vec<UnitId> {
    let address = address.to_le_bytes();
    let operation = [&[gimli::DW_OP_addr.0], &address[..]].concat();
    let mut units = file.units_at(&file.places(file.dwarf.debug_info.reader(), &operation));
    let entries = file.places(file.dwarf.debug_addr.reader(), &address);
    units.extend(file.owners(&entries, |unit| unit.addr_base.0));
    units.sort_unstable();
    units.dedup();
    units
}

impl DwarfFile {
    fn places(&self, section: &Bytes, needle: &[u8]) -> Vec<usize> {
        self.image.map(|image| image.find_all(section.slice(), needle)).unwrap_or_default()
    }

    fn units_at(&self, places: &[usize]) -> Vec<UnitId> {
        let mut units: Vec<UnitId> =
            places.iter().filter_map(|at| self.unit_holding(DebugInfoOffset(*at))).collect();
        units.dedup();
        units
    }

    /// The units whose parts of another section, which begin at `base`, have these places.
    fn owners(&self, places: &[usize], base: impl Fn(&gimli::Unit<Bytes>) -> usize) -> Vec<UnitId> {
        if places.is_empty() {
            return Vec::new();
        }
        let mut parts = Vec::new();
        for (number, (id, header)) in self.unit_headers().enumerate() {
            if number % UNITS_IN_MEMORY == UNITS_IN_MEMORY - 1 {
                self.release_units();
            }
            parts.extend(root::unit(&self.dwarf, *header).map(|unit| (base(&unit), id)));
        }
        parts.sort_unstable();
        let owner = |place: &usize| {
            let after = parts.partition_point(|(base, _)| base <= place);
            parts.get(after.checked_sub(1)?).map(|(_, id)| *id)
        };
        places.iter().filter_map(owner).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::address::FileAddress;
    use crate::dwarf::globals::Globals;
    use crate::object::Object;
    use std::path::Path;
    use std::process::Command;

    const UNITS: [(&str, &str); 3] = [
        ("user.c", "struct opaque; struct opaque *handed; int main(void) { return handed != 0; }"),
        ("other.c", "struct unrelated { int a; } unrelated_one; enum e { E } e_one;"),
        ("owner.c", "struct opaque { long secret; }; struct opaque the_one; struct s { int b; } s_one;"),
    ];

    fn build(folder: &Path, compiler: &str, flags: &[&str]) -> Object {
        for (name, text) in UNITS {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut command = Command::new(compiler);
        let command = command.current_dir(folder).args(flags).args(UNITS.map(|(name, _)| name));
        let output = command.args(["-o", "program"]).output();
        let output =
            output.unwrap_or_else(|_| panic!("{compiler} cannot be run (Debian package: {compiler})"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Object::open(&folder.join("program")).unwrap()
    }

    #[test]
    fn a_search_finds_what_reading_everything_does() {
        let ways: [(&str, &[&str]); 4] = [
            ("gcc", &["-gdwarf-5"]),
            ("gcc", &["-gdwarf-4", "-O2"]),
            ("clang", &["-gdwarf-5"]),
            ("clang", &["-gdwarf-4"]),
        ];
        for (compiler, flags) in ways {
            let folder = tempfile::tempdir().unwrap();
            let object = build(folder.path(), compiler, flags);
            let info = object.debug_info().unwrap();
            let by_search = |name: &str| {
                *info.globals.borrow_mut() = Globals::for_large_files();
                (info.find_type(name), info.globals.borrow().units_read())
            };
            for name in ["struct opaque", "struct unrelated", "enum e", "struct s"] {
                let (found, units) = by_search(name);
                let found = found.unwrap_or_else(|| panic!("{name} with {compiler} {flags:?}"));
                assert!(!found.is_declaration(), "{name} with {compiler} {flags:?}");
                *info.globals.borrow_mut() = Globals::default();
                assert!(info.find_type(name) == Some(found), "{name} with {compiler} {flags:?}");
                assert!(units <= info.globals.borrow().units_read(), "{name} with {compiler} {flags:?}");
            }
            assert!(by_search("struct nowhere").0.is_none());
            let address = FileAddress(object.find_symbol("the_one").unwrap().address.0);
            *info.globals.borrow_mut() = Globals::for_large_files();
            let found = info.type_at(address).unwrap();
            assert_eq!(found.name().as_deref(), Some("opaque"), "{compiler} {flags:?}");
            assert_eq!(info.globals.borrow().units_read(), 1, "{compiler} {flags:?}");
        }
    }
}
