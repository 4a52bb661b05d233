//! The file systems that paths are looked up in: glider's own, and the target's where it
//! lives in another (a container, a chroot). Every file that glider reads for the analysis
//! is opened here.

#![forbid(unsafe_code)]

use crate::confine::opener::{self, Place};
use crate::target::ProcessDirectory;
use rustix::fs::ResolveFlags;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Where a path starts.
#[derive(Debug)]
pub(super) enum Root {
    /// glider's own root directory.
    Own,
    /// The same, looked into by the opener where there is one.
    OwnAsked,
    /// That of a target.
    Directory(OwnedFd),
    /// That of the target, which this process may not look into: the opener may.
    Asked,
    /// The directory `/proc/PID`; the path is a relative one.
    Process(i32),
}

impl Root {
    /// That of a process, when it is another than glider's and may be looked into.
    pub(super) fn of_process(pid: i32) -> Option<Root> {
        if let Some(has_root) = opener::target_has_root() {
            return has_root.then_some(Root::Asked);
        }
        let process = ProcessDirectory::open(pid).ok()?;
        process.open_root().ok().flatten().map(Root::Directory)
    }

    /// Whether it is glider's own.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Root::Own | Root::OwnAsked)
    }

    /// Opens the regular file at an absolute path for reading. In a target's root no link leads
    /// out of it (openat2(2), `RESOLVE_IN_ROOT`). Never blocks, whatever lies at the path.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        match self {
            Root::Own => opener::open_regular(path),
            Root::OwnAsked => opener::ask(Place::Own, path).unwrap_or_else(|| opener::open_regular(path)),
            Root::Directory(directory) => {
                let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                opener::open_below(directory.as_fd(), path, resolve)
            }
            Root::Asked => opener::ask(Place::TargetRoot, path)
                .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::NotFound))),
            Root::Process(pid) => opener::open_of_process(*pid, path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, open};

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
        let root = Root::Directory(directory);
        assert!(root.open(Path::new("/absolute")).is_ok());
        assert_eq!(root.open(Path::new("/out")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(root.open(Path::new("/")).is_err(), "a directory");
    }
}
