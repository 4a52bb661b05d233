//! Where the debug information of a stripped object is kept: by build-id, else by
//! `.gnu_debuglink` (GDB manual, "Debugging Information in Separate Files").

#![forbid(unsafe_code)]

use super::elf::Object;
use super::search::Search;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The debug file of `object`, checked to belong to it.
pub(super) fn find(object: &Object) -> Option<Object> {
    let search = object.search?;
    let by_id = object.build_id.and_then(|id| by_build_id(search, id, &[]));
    by_id.or_else(|| by_debuglink(object, search)).filter(|found| is_laid_out_alike(object, found))
}

/// Whether the code of a debug file has the addresses that the object's has. Not so when the object was moved
/// after it was taken apart (prelink, linked again): its build-id is the same, but each address means other code.
fn is_laid_out_alike(object: &Object, found: &Object) -> bool {
    use object::{Object as _, ObjectSection as _};
    let code = |of: &Object| of.file().section_by_name(".text").map(|section| section.address());
    match (code(object), code(found)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    }
}

/// The supplementary file (`.gnu_debugaltlink`, made by dwz) of a file with DWARF, checked by build-id.
pub(crate) fn find_supplementary(object: &Object) -> Option<Object> {
    use object::Object as _;
    let (name, id) = object.file().gnu_debugaltlink().ok()??;
    let name = Path::new(OsStr::from_bytes(name));
    let beside = object.path.parent().unwrap_or(Path::new("/")).join(name);
    by_build_id(object.search?, id, &[beside])
}

fn by_build_id(search: &'static Search, id: &[u8], beside: &[PathBuf]) -> Option<Object> {
    let has_id = |found: &Object| found.build_id == Some(id);
    let found = search.find(Some(&build_id_path(id)?), beside, has_id);
    found.or_else(|| search.find(None, &[search.fetched(id)?], has_id))
}

fn by_debuglink(object: &Object, search: &'static Search) -> Option<Object> {
    use object::Object as _;
    let (name, crc) = object.file().gnu_debuglink().ok()??;
    let name = Path::new(OsStr::from_bytes(name));
    // A link names a file, not a way to one.
    if name.components().count() != 1 || name.file_name().is_none() {
        return None;
    }
    let folder = object.path.parent()?;
    let mut beside = vec![folder.join(name), folder.join(".debug").join(name)];
    beside.retain(|path| *path != object.path);
    let below = folder.strip_prefix("/").ok()?.join(name);
    search.find(Some(&below), &beside, |found| match (object.build_id, found.build_id) {
        (Some(ours), Some(theirs)) => ours == theirs,
        // The polynomial of `.gnu_debuglink` is that of zlib.
        _ => crc32fast::hash(found.bytes()) == crc,
    })
}

/// `.build-id/ab/cdef….debug`, below a folder for debug files.
fn build_id_path(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let mut path = format!(".build-id/{first:02x}/");
    for byte in rest {
        write!(path, "{byte:02x}").ok()?;
    }
    path.push_str(".debug");
    Some(PathBuf::from(path))
}
