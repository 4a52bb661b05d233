//! Split DWARF: a compilation unit whose program has only a skeleton of it, the rest being in a
//! `.dwo` file, or in a package of them (DWARF 5 §3.1.2, §7.3; in DWARF 4 the GNU extension).
//!
//! The split unit takes the place of its skeleton. Only its line table stays the skeleton's.

use super::unit::{DwarfFile, Unit};
use crate::object::{Object, Search};
use crate::unwind::Bytes;
use gimli::{DebugTypeSignature, DwoId, UnitSectionOffset};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

type Package = gimli::DwarfPackage<Bytes>;

/// Where the split units of a file are looked for.
#[derive(Default)]
pub(super) struct SplitUnits {
    search: Option<&'static Search>,
    /// The program, and its debug file if that is another: a package has the name of either.
    beside: Vec<PathBuf>,
    package: OnceCell<Option<Package>>,
}

impl SplitUnits {
    /// For the DWARF of `debug`, which belongs to `object`.
    pub(super) fn new(object: &Object, debug: &Object) -> SplitUnits {
        let mut beside = vec![object.path.clone(), debug.path.clone()];
        beside.dedup();
        SplitUnits { search: debug.search(), beside, package: OnceCell::new() }
    }

    fn package(&self) -> Option<&Package> {
        let package = self.package.get_or_init(|| {
            let name = |path: &PathBuf| {
                let mut name = path.clone().into_os_string();
                name.push(".dwp");
                PathBuf::from(name)
            };
            let beside: Vec<PathBuf> = self.beside.iter().map(name).collect();
            let below = beside.first()?.strip_prefix("/").ok();
            let is_package = |found: &Object| found.has_section(".debug_cu_index");
            let found = self.search?.find(below, &beside, is_package)?;
            Package::load(|id| split_section(&found, id), empty()).ok()
        });
        package.as_ref()
    }

    /// The sections of a type unit, when it is in the package.
    pub(super) fn type_unit(
        &self,
        signature: DebugTypeSignature,
        parent: &gimli::Dwarf<Bytes>,
    ) -> Option<gimli::Dwarf<Bytes>> {
        self.package()?.find_tu(signature, parent).ok()?
    }

    /// The unit that `skeleton` stands for; an error says in words what is missing.
    pub(super) fn find(&self, skeleton: &'static Unit) -> Result<&'static Unit, String> {
        let (Some(id), Some(path)) = (skeleton.unit.dwo_id, path(skeleton)) else {
            return Err("its split DWARF is not named".to_owned());
        };
        let parent = skeleton.file;
        let packaged = self.package().and_then(|package| package.find_cu(id, &parent.dwarf).ok()?);
        let dwarf = packaged.or_else(|| self.load_file(&path, id, parent));
        dwarf.and_then(|dwarf| unit(dwarf, id, skeleton)).ok_or_else(|| {
            format!(
                "variables and inlined calls are missing: they are in split DWARF, which is neither {} nor in {}.dwp",
                path.display(),
                self.beside.first().map(|path| path.display().to_string()).unwrap_or_default(),
            )
        })
    }

    fn load_file(&self, path: &Path, id: DwoId, parent: &DwarfFile) -> Option<gimli::Dwarf<Bytes>> {
        let load = |found: &Object| {
            let mut dwarf = gimli::Dwarf::load(|id| split_section(found, id)).ok()?;
            dwarf.make_dwo(&parent.dwarf);
            header(&dwarf, id)?;
            Some(dwarf)
        };
        let mut beside = vec![path.to_owned()];
        beside.extend(self.beside.iter().filter_map(|object| Some(object.parent()?.join(path.file_name()?))));
        let found = self.search?.find(path.strip_prefix("/").ok(), &beside, |found| {
            found.has_section(".debug_info.dwo") && load(found).is_some()
        })?;
        load(&found)
    }
}

/// `DW_AT_dwo_name` below `DW_AT_comp_dir`.
fn path(skeleton: &Unit) -> Option<PathBuf> {
    let name = skeleton.string(skeleton.unit.dwo_name().ok()??)?;
    let folder = skeleton.unit.comp_dir.map_or(&[][..], |folder| folder.slice());
    Some(Path::new(OsStr::from_bytes(folder)).join(OsStr::from_bytes(name.slice())))
}

fn empty() -> Bytes {
    Bytes::new(&[], gimli::LittleEndian)
}

fn split_section(object: &Object, id: gimli::SectionId) -> gimli::Result<Bytes> {
    Ok(id.dwo_name().and_then(|name| object.sections(name)).unwrap_or_else(empty))
}

/// The offset of the unit with this id.
fn header(dwarf: &gimli::Dwarf<Bytes>, id: DwoId) -> Option<UnitSectionOffset> {
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        // DWARF 4 has the id among the attributes.
        if dwarf.unit(header).is_ok_and(|unit| unit.dwo_id == Some(id)) {
            return Some(header.offset());
        }
    }
    None
}

fn unit(dwarf: gimli::Dwarf<Bytes>, id: DwoId, skeleton: &'static Unit) -> Option<&'static Unit> {
    let offset = header(&dwarf, id)?;
    let file: &'static DwarfFile = Box::leak(Box::new(DwarfFile::split(dwarf, skeleton.file)));
    file.split_unit(offset, skeleton)
}
