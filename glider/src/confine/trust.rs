//! Which files may be loaded: those that nobody but root and the user running glider can have
//! written.
//!
//! A plugin runs with all of glider's rights, so whoever can change its file, or the way to
//! it, can do what glider can. The path is made canonical first and then looked at from the
//! root down; then the file is opened, and looked at through its descriptor, which is what is
//! loaded later: the path is never followed again.

#![forbid(unsafe_code)]

use super::opener::{self, open_below};
use rustix::fs::{CWD, ResolveFlags};
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Write permission for the group or for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// In a folder with this bit only its owner and an entry's own may exchange the entry (inode(7)).
/// That keeps a trusted user's folder inside of `/tmp` his; it does not keep others from putting a
/// file there first, so for the folder that the plugin is in it does not help.
const STICKY: u32 = 0o1000;

/// Whom a file and the folders above it may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// Root, or the user running glider.
    RootOrUser,
    /// Root alone.
    Root,
}

/// A file that passed.
#[derive(Debug)]
pub struct TrustedFile {
    /// Canonical path, to be shown.
    pub path: PathBuf,
    /// The file itself.
    pub file: File,
}

/// Checks the file at `path` and every folder above it; `None` when there is none. By the opener where
/// this process has one, since it may have become another user.
///
/// # Errors
/// Why it is not to be trusted, in words that begin with the culprit's path.
pub fn check(path: &Path, whose: Whose) -> Result<Option<TrustedFile>, String> {
    let is_absent =
        || path.symlink_metadata().is_err_and(|error| error.kind() != ErrorKind::PermissionDenied);
    match !opener::is_held_up() && is_absent() {
        true => Ok(None),
        false => opener::ask_whether_trusted(path, whose).unwrap_or_else(|| check_here(path, whose)),
    }
}

/// The same, as the user that this process is.
pub(super) fn check_here(path: &Path, whose: Whose) -> Result<Option<TrustedFile>, String> {
    match path.symlink_metadata() {
        Err(_) => Ok(None),
        Ok(_) if whose == Whose::Root => check_for(path, 0).map(Some),
        Ok(_) => check_for(path, rustix::process::geteuid().as_raw()).map(Some),
    }
}

fn check_for(path: &Path, user: u32) -> Result<TrustedFile, String> {
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    for folder in above {
        let metadata = look_at(folder)?;
        if !metadata.is_dir() {
            return Err(format!("{} is no folder", folder.display()));
        }
        let is_immediate = path.parent() == Some(folder);
        let allowed = if !is_immediate && metadata.mode() & STICKY != 0 { WRITABLE_BY_OTHERS } else { 0 };
        check_owner_and_mode(folder, &metadata, user, allowed)?;
    }
    let in_words = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = open_below(CWD, &path, ResolveFlags::NO_SYMLINKS).map_err(in_words)?;
    check_owner_and_mode(&path, &file.metadata().map_err(in_words)?, user, 0)?;
    Ok(TrustedFile { path, file })
}

/// Without following links: a canonical path has none, unless it was just exchanged.
fn look_at(path: &Path) -> Result<Metadata, String> {
    path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))
}

/// `allowed`: permissions that others may have all the same.
fn check_owner_and_mode(path: &Path, metadata: &Metadata, user: u32, allowed: u32) -> Result<(), String> {
    let owner = metadata.uid();
    if owner != 0 && owner != user {
        return Err(format!("{} belongs to user {owner}", path.display()));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS & !allowed != 0 {
        return Err(format!(
            "{} can be written by other users (mode {:o})",
            path.display(),
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder with nothing but trusted folders above it: /tmp would not do.
    fn trusted_folder() -> tempfile::TempDir {
        tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap()
    }

    fn user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn a_file_that_only_the_user_can_write_passes_and_a_link_leads_to_it() {
        let folder = trusted_folder();
        let (file, link) = (folder.path().join("file.so"), folder.path().join("link.so"));
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        symlink(&file, &link).unwrap();
        let checked = check_for(&file, user()).unwrap();
        assert_eq!(checked.path, file.canonicalize().unwrap());
        let linked = check_for(&link, user()).unwrap();
        assert_eq!(linked.path, checked.path);
        assert_eq!(linked.file.metadata().unwrap().ino(), checked.file.metadata().unwrap().ino());
    }

    #[test]
    fn what_others_can_write_is_refused_and_the_culprit_named() {
        let folder = trusted_folder();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let file = inner.join("file.so");
        fs::write(&file, "x").unwrap();
        for (path, mode) in [(&file, 0o664), (&file, 0o602), (&inner, 0o1777), (&inner, 0o770)] {
            let before = fs::metadata(path).unwrap().permissions();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let refusal = check_for(&file, user()).unwrap_err();
            assert!(
                refusal.starts_with(&format!("{} can be", path.canonicalize().unwrap().display())),
                "{refusal}"
            );
            fs::set_permissions(path, before).unwrap();
        }
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        check_for(&file, user()).unwrap();
    }

    #[test]
    fn a_folder_of_the_user_in_a_sticky_one_is_his() {
        let folder = trusted_folder();
        let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        let file = inner.join("file.so");
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&outer, Permissions::from_mode(0o1777)).unwrap();
        check_for(&file, user()).unwrap();
        fs::set_permissions(&outer, Permissions::from_mode(0o777)).unwrap();
        let refusal = check_for(&file, user()).unwrap_err();
        assert!(refusal.contains("outer can be written by other users (mode 777)"), "{refusal}");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let folder = trusted_folder();
        let file = folder.path().join("file.so");
        fs::write(&file, "x").unwrap();
        let owner = fs::metadata(&file).unwrap().uid();
        // Seen by a user who is neither the owner nor root; root's files pass for everybody.
        match (owner, check_for(&file, owner + 1)) {
            (0, checked) => assert!(checked.is_ok()),
            (_, checked) => assert!(checked.unwrap_err().contains("belongs to user")),
        }
        assert!(check_for(Path::new("/dev/null"), user()).unwrap_err().contains("not a regular file"));
        assert!(check_for(&folder.path().join("missing"), user()).unwrap_err().contains("missing"));
    }
}
