//! Where a finished report goes: standard output, or a file of the user's.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens the file for a report: made if needed, readable by its owner alone (a report shows the
/// memory of a process), emptied if it exists. Pipes and devices may be named too.
///
/// In a folder that everybody may write to, a link or file that another user put there is
/// refused: it would send the report elsewhere, or give it away.
///
/// # Errors
/// When it cannot be opened or is refused; in words.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).mode(0o600);
    if !others_may_write_beside(path)? {
        let file = options.open(path)?;
        return empty(file);
    }
    let file =
        options.custom_flags(libc::O_NOFOLLOW).open(path).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => refusal("it is a link in a folder that others may write to"),
            _ => error,
        })?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refusal("it belongs to another user, in a folder that others may write to"));
    }
    empty(file)
}

fn others_may_write_beside(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.metadata()?.mode() & 0o002 != 0)
}

fn empty(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

fn refusal(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        open(&path).unwrap().write_all(b"first and long").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        open(&path).unwrap().write_all(b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_link_is_followed_where_only_its_owner_can_have_put_it_and_refused_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).unwrap();
        open(&link).unwrap().write_all(b"x").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"x");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(open(&link).unwrap_err().to_string().contains("link"));
        assert_eq!(fs::read(&target).unwrap(), b"x", "nothing was emptied");
        assert!(open(&target).is_ok(), "one's own file");
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(&folder.path().join("missing/report")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_device_can_be_written_to() {
        assert!(open(Path::new("/dev/null")).is_ok());
    }
}
