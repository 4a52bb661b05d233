//! The file systems that paths are looked up in: glider's own, and the target's where it
//! lives in another (a container, a chroot). Every file that glider reads for the analysis
//! is opened here.

use rustix::fs::{AtFlags, StatxFlags};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, open, openat2, statx};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// A directory that absolute paths start at.
#[derive(Debug)]
pub(super) struct Root {
    /// `None` for glider's own.
    directory: Option<OwnedFd>,
}

/// Opening never blocks and takes no terminal, whatever lies at the path.
const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

impl Root {
    /// glider's own.
    pub(super) const OWN: Root = Root { directory: None };

    /// That of a process, when it is another than glider's and may be looked into.
    pub(super) fn of_process(pid: i32) -> Option<Root> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(format!("/proc/{pid}/root"), flags, Mode::empty()).ok()?;
        let theirs = statx(&directory, "", AtFlags::EMPTY_PATH, identity()).ok()?;
        let ours = statx(CWD, "/", AtFlags::empty(), identity()).ok()?;
        let place = |stat: &rustix::fs::Statx| {
            (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, stat.stx_mnt_id)
        };
        (place(&theirs) != place(&ours)).then_some(Root { directory: Some(directory) })
    }

    /// Whether it is glider's own.
    pub(super) fn is_own(&self) -> bool {
        self.directory.is_none()
    }

    /// Opens the regular file at an absolute path for reading. In a target's root no link leads
    /// out of it (openat2(2), `RESOLVE_IN_ROOT`).
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        let file = match &self.directory {
            None => open(path, FLAGS, Mode::empty())?,
            Some(directory) => {
                let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                openat2(directory, path, FLAGS, Mode::empty(), resolve)?
            }
        };
        let is_regular = rustix::fs::FileType::from_raw_mode(fstat(&file)?.st_mode).is_file();
        if !is_regular {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(File::from(file))
    }
}

/// What tells one directory from another, the mount included.
fn identity() -> StatxFlags {
    /// `STATX_MNT_ID` (Linux 5.8); older kernels leave the field zero.
    const MOUNT: u32 = 0x1000;
    StatxFlags::INO | StatxFlags::from_bits_retain(MOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_the_same_root_has_none_of_its_own() {
        assert!(Root::of_process(std::process::id().cast_signed()).is_none());
    }

    #[test]
    fn no_link_leads_out_of_a_targets_root() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("inside"), "x").unwrap();
        std::os::unix::fs::symlink("/inside", folder.path().join("absolute")).unwrap();
        std::os::unix::fs::symlink("../../../../../../../../etc/passwd", folder.path().join("out")).unwrap();
        let directory = open(folder.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let root = Root { directory: Some(directory) };
        assert!(root.open(Path::new("/absolute")).is_ok());
        assert_eq!(root.open(Path::new("/out")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(root.open(Path::new("/")).is_err(), "a directory");
    }
}
