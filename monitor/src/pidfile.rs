//! The pidfile: who the monitor is, with a lock that says whether it lives, and beside it the server's pid, so
//! that a monitor started after one that was killed finds what that left behind.

use crate::Refusal;
use crate::event::Pid;
use crate::options::Options;
use crate::process;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the kernel gets to end a process after SIGKILL.
const KILL_TIME: Duration = Duration::from_secs(5);

/// A locked pidfile. The lock belongs to the open file (fcntl(2), open file description locks): it survives the
/// forks of detaching, excludes the C original's monitor too, and ends with the last process that has it open.
#[derive(Debug)]
pub(crate) struct Pidfile {
    file: File,
    /// `<pidfile>.server`; open from the start, since later its folder may be out of reach.
    server: File,
    path: PathBuf,
}

impl Pidfile {
    /// Takes the lock of the pidfile asked for, if any; the pid is written later, by the process that stays.
    ///
    /// # Errors
    /// Another monitor has it, or the file cannot be opened.
    pub(crate) fn lock(options: &Options) -> Result<Option<Pidfile>, Refusal> {
        // Detaching must not move it.
        let Some(path) = options.path("pidfile") else { return Ok(None) };
        let refuse = |error: io::Error| options.refuse("pidfile", error);
        loop {
            let file = open(&path).map_err(refuse)?;
            // SAFETY: all-zero means from the start to the end of the file, whence SEEK_SET.
            let mut lock: libc::flock = unsafe { std::mem::zeroed() };
            lock.l_type = libc::F_WRLCK as libc::c_short;
            match fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)) {
                Ok(_) if is_at(&file, &path) => {
                    let server = open(&server_path(&path)).map_err(refuse)?;
                    return Ok(Some(Pidfile { file, server, path }));
                }
                // Its owner removed it between our open and our lock: a lock on that file protects nothing.
                Ok(_) => {}
                Err(nix::Error::EAGAIN | nix::Error::EACCES) => {
                    let mut owner = String::new();
                    let _ = (&file).take(32).read_to_string(&mut owner);
                    return Err(Refusal::owned(owner.trim(), &path));
                }
                Err(error) => return Err(refuse(error.into())),
            }
        }
    }

    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_own_pid(&self) -> io::Result<()> {
        replace(&self.file, &format!("{}\n", std::process::id()))
    }

    /// Notes the server that now runs: its pid and when it started.
    pub(crate) fn note_server(&self, pid: Pid) {
        let started = process::start_time(pid).unwrap_or_default();
        let _ = replace(&self.server, &format!("{pid} {started}\n"));
    }

    /// The server that a killed monitor noted, if that very process still lives.
    fn left_behind(&self) -> Option<Pid> {
        let mut text = [0; 64];
        let length = self.server.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let (pid, started): (Pid, u64) = (pid.parse().ok()?, started.parse().ok()?);
        (pid > 1 && process::start_time(pid) == Some(started)).then_some(pid)
    }

    /// Ends the server that a killed monitor left behind, so that there are never two: SIGTERM, and SIGKILL when it
    /// takes longer than `grace`. Gives its pid when there was one.
    ///
    /// # Errors
    /// It cannot be ended: it belongs to another user, or the kernel holds it.
    pub(crate) fn end_left_behind(&self, grace: Duration) -> Result<Option<Pid>, Refusal> {
        let Some(pid) = self.left_behind() else { return Ok(None) };
        let process = rustix::process::Pid::from_raw(pid);
        let pidfd = process.and_then(|process| pidfd_open(process, PidfdFlags::empty()).ok());
        // Asked again: the descriptor is for the process that has the number now.
        let (Some(pidfd), Some(_)) = (pidfd, self.left_behind()) else { return Ok(None) };
        for (signal, limit) in [(Signal::TERM, grace), (Signal::KILL, KILL_TIME)] {
            if pidfd_send_signal(&pidfd, signal) == Err(Errno::PERM) {
                break;
            }
            let _ = pidfd_send_signal(&pidfd, Signal::CONT);
            let limit = PollTimeout::try_from(limit.as_millis()).unwrap_or(PollTimeout::MAX);
            if poll(&mut [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)], limit) == Ok(1) {
                return Ok(Some(pid));
            }
        }
        Err(Refusal::left_behind(pid))
    }

    /// At the end: nothing is left but, where the folder may not be written, empty files.
    pub(crate) fn remove(&self) {
        for (file, path) in [(&self.server, &server_path(&self.path)), (&self.file, &self.path)] {
            let _ = file.set_len(0);
            let _ = fs::remove_file(path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o644);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Whether the open file still is the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let there = fs::symlink_metadata(path).map(identity);
    there.is_ok_and(|there| file.metadata().map(identity).is_ok_and(|open| open == there))
}

fn server_path(pidfile: &Path) -> PathBuf {
    let mut name = pidfile.as_os_str().to_owned();
    name.push(".server");
    name.into()
}

fn replace(file: &File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all_at(text.as_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(path: &Path) -> Result<Pidfile, Refusal> {
        let option = format!("--pidfile={}", path.display());
        Pidfile::lock(&Options::of(&[&option, "server"])).map(Option::unwrap)
    }

    #[test]
    fn a_second_lock_is_refused_and_names_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let first = lock(&path).unwrap();
        first.write_own_pid().unwrap();
        let refusal = lock(&path).unwrap_err();
        assert!(refusal.text.contains(&format!("process {}, owns", std::process::id())), "{refusal:?}");
        assert_eq!(refusal.code, 75);
        drop(first);
        assert!(lock(&path).is_ok());
    }

    #[test]
    fn a_file_that_was_removed_or_replaced_is_not_at_its_path_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::rename(&path, folder.path().join("other")).unwrap();
        assert!(!is_at(&file, &path));
        let _other = File::create(&path).unwrap();
        assert!(!is_at(&file, &path));
    }

    #[test]
    fn only_the_very_process_noted_counts_as_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let pidfile = lock(&folder.path().join("pid")).unwrap();
        assert_eq!(pidfile.left_behind(), None);
        let me = std::process::id() as Pid;
        pidfile.note_server(me);
        assert_eq!(pidfile.left_behind(), Some(me));
        fs::write(server_path(&pidfile.path), format!("{me} 1\n")).unwrap();
        assert_eq!(pidfile.left_behind(), None, "another process with the same number");
        pidfile.remove();
        assert!(!server_path(&pidfile.path).exists());
    }
}
