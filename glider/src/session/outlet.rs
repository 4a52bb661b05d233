//! Where a finished report goes: standard output, or a file of the user's.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes the file for a report, readable by its owner alone (a report shows the memory of a process).
///
/// No link is followed and no file is overwritten: what somebody else put at the place would send the
/// report elsewhere, give it away, or be lost. A device or a pipe that is read from may be named.
///
/// # Errors
/// When it cannot be made or is refused; in words.
pub fn open(path: &Path) -> io::Result<File> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_existing(path),
        result => result,
    }
}

/// Removes the file that [`open`] has just made at `path`, when there is nothing to write to it.
pub fn remove_unused(path: &Path, file: &File) {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino(), metadata.len());
    let (Ok(made), Ok(found)) = (file.metadata(), path.symlink_metadata()) else { return };
    if made.is_file() && made.len() == 0 && identity(made) == identity(found) {
        // An empty file that stays is a nuisance, no more.
        let _ = std::fs::remove_file(path);
    }
}

fn open_existing(path: &Path) -> io::Result<File> {
    let kind = path.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        return Err(refusal("it is a link, and no link is followed"));
    }
    if !kind.is_char_device() && !kind.is_fifo() {
        return Err(refusal("it exists, and nothing is overwritten"));
    }
    // A pipe that nobody reads is refused (ENXIO) instead of waited for.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().write(true).custom_flags(flags).open(path).map_err(|error| {
        match error.raw_os_error() {
            Some(libc::ENXIO) => refusal("nobody reads from the pipe"),
            _ => error,
        }
    })?;
    let metadata = file.metadata()?;
    let owner = metadata.uid();
    if metadata.file_type().is_file() || owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(refusal("it belongs to another user"));
    }
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(file)
}

fn refusal(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        open(&path).unwrap().write_all(b"first").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(open(&path).unwrap_err().to_string().contains("nothing is overwritten"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn no_link_is_followed_wherever_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).unwrap();
        assert!(open(&link).unwrap_err().to_string().contains("link"));
        assert!(!target.exists());
        fs::write(&target, "x").unwrap();
        assert!(open(&link).unwrap_err().to_string().contains("link"));
        assert_eq!(fs::read(&target).unwrap(), b"x");
    }

    #[test]
    fn a_pipe_is_written_to_when_somebody_reads_and_refused_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(open(&pipe).unwrap_err().to_string().contains("nobody reads"));
        let mut reader = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&pipe).unwrap();
        open(&pipe).unwrap().write_all(b"x").unwrap();
        let mut read = [0; 2];
        assert_eq!((reader.read(&mut read).unwrap(), read[0]), (1, b'x'));
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
