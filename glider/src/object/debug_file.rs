//! Where the debug information of a stripped object is kept: by build-id, else by
//! `.gnu_debuglink` (GDB manual, "Debugging Information in Separate Files").

use super::elf::Object;
use object::Object as _;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const DEBUG_DIR: &str = "/usr/lib/debug";

/// The debug file of `object`, checked to belong to it.
pub(super) fn find(object: &Object) -> Option<Object> {
    let by_id = object.build_id.and_then(|id| open_with_build_id(&build_id_path(id)?, id));
    by_id.or_else(|| by_debuglink(object))
}

/// The supplementary file (`.gnu_debugaltlink`, made by dwz) of a file with DWARF, checked by build-id.
pub(crate) fn find_supplementary(object: &Object) -> Option<Object> {
    let (name, id) = object.file().gnu_debugaltlink().ok()??;
    let name = Path::new(OsStr::from_bytes(name));
    let beside = object.path.parent().unwrap_or(Path::new("/")).join(name);
    open_with_build_id(&beside, id).or_else(|| open_with_build_id(&build_id_path(id)?, id))
}

fn by_debuglink(object: &Object) -> Option<Object> {
    let (name, crc) = object.file().gnu_debuglink().ok()??;
    let name = Path::new(OsStr::from_bytes(name));
    // A link names a file, not a way to one.
    if name.components().count() != 1 || name.file_name().is_none() {
        return None;
    }
    let folder = object.path.parent()?;
    let below_debug_dir = Path::new(DEBUG_DIR).join(folder.strip_prefix("/").ok()?);
    let candidates = [folder.join(name), folder.join(".debug").join(name), below_debug_dir.join(name)];
    candidates.into_iter().filter(|path| *path != object.path).find_map(|path| {
        let found = Object::open(&path).ok()?;
        let belongs = match (object.build_id, found.build_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => crc32(found.bytes()) == crc,
        };
        belongs.then_some(found)
    })
}

fn open_with_build_id(path: &Path, id: &[u8]) -> Option<Object> {
    Object::open(path).ok().filter(|found| found.build_id == Some(id))
}

fn build_id_path(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let mut path = format!("{DEBUG_DIR}/.build-id/{first:02x}/");
    for byte in rest {
        write!(path, "{byte:02x}").ok()?;
    }
    path.push_str(".debug");
    Some(PathBuf::from(path))
}

/// CRC-32 as `.gnu_debuglink` uses it (the polynomial of zlib).
fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
