//! Which files may be loaded: those that nobody but root and the user running glider can have
//! written.
//!
//! A plugin runs with all of glider's rights, so whoever can change its file, or the way to
//! it, can do what glider can. The path is made canonical first and then looked at from the
//! root down. Of a folder that passed, only trusted users can exchange the entries, so what
//! was looked at is still the same when it is opened later.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Write permission for the group or for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// In a folder with this bit only its owner and an entry's own may exchange the entry (inode(7)).
/// That keeps a trusted user's folder inside of `/tmp` his; it does not keep others from putting a
/// file there first, so for the folder that the plugin is in it does not help.
const STICKY: u32 = 0o1000;

/// A file that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrustedFile {
    /// Canonical path.
    pub(super) path: PathBuf,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

/// Checks the file at `path` and every folder above it.
///
/// # Errors
/// Why it is not to be trusted, in words that begin with the culprit's path.
pub(super) fn check(path: &Path) -> Result<TrustedFile, String> {
    check_for(path, rustix::process::geteuid().as_raw())
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
    let metadata = look_at(&path)?;
    if !metadata.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    check_owner_and_mode(&path, &metadata, user, 0)?;
    Ok(TrustedFile { identity: (metadata.dev(), metadata.ino()), path })
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
        assert_eq!(check_for(&link, user()).unwrap(), checked);
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
