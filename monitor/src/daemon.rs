//! Becoming a daemon: detaching, giving up privileges, and the process title.

use nix::unistd::{ForkResult, Gid, Group, Uid, User, fork, setgid, setgroups, setsid, setuid};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;

/// Why the monitor cannot become what it was told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no {kind} `{name}`")]
    NoSuch { kind: &'static str, name: String },
    #[error("user {0} has no entry that says its group: give `gid` as well")]
    NoGroup(Uid),
    #[error("cannot become {identity:?}: {source}; only root may")]
    Refused { identity: Identity, source: nix::Error },
    #[error("cannot {what}: {source}")]
    System { what: &'static str, source: io::Error },
}

/// Whom to run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    uid: Option<Uid>,
    gid: Option<Gid>,
}

impl Identity {
    /// Looks up numbers and names; a user without a group brings its own.
    ///
    /// # Errors
    /// No such user or group.
    pub(crate) fn find(uid: Option<&str>, gid: Option<&str>) -> Result<Identity, Error> {
        let group = |name: &str| match name.parse() {
            Ok(number) => Ok(Gid::from_raw(number)),
            Err(_) => {
                Group::from_name(name).ok().flatten().map(|group| group.gid).ok_or(no_such("group", name))
            }
        };
        let gid = gid.map(group).transpose()?;
        let Some(name) = uid else { return Ok(Identity { uid: None, gid }) };
        let (uid, user) = match name.parse().map(Uid::from_raw) {
            Ok(uid) => (uid, User::from_uid(uid).ok().flatten()),
            Err(_) => {
                let user = User::from_name(name).ok().flatten().ok_or(no_such("user", name))?;
                (user.uid, Some(user))
            }
        };
        let gid = gid.or(user.map(|user| user.gid)).ok_or(Error::NoGroup(uid))?;
        Ok(Identity { uid: Some(uid), gid: Some(gid) })
    }

    /// Becomes it for good: supplementary groups first, the user last.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn assume(self) -> Result<(), Error> {
        let refused = |source| Error::Refused { identity: self, source };
        if let Some(gid) = self.gid {
            setgroups(&[]).and_then(|()| setgid(gid)).map_err(refused)?;
        }
        if let Some(uid) = self.uid {
            setuid(uid).map_err(refused)?;
            if !uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
                return Err(refused(nix::Error::EPERM));
            }
        }
        Ok(())
    }
}

fn no_such(kind: &'static str, name: &str) -> Error {
    Error::NoSuch { kind, name: name.to_owned() }
}

/// Goes to the background: forks, leaves the session, forks again so that no terminal can be acquired. Returns in
/// the process that stays; the others have exited.
///
/// # Errors
/// fork or setsid failed.
pub(crate) fn detach(session: bool) -> Result<(), Error> {
    leave_parent()?;
    if session {
        setsid().map_err(|e| Error::System { what: "start a session", source: e.into() })?;
        leave_parent()?;
    }
    Ok(())
}

fn leave_parent() -> Result<(), Error> {
    // SAFETY: the program has one thread; the parent exits without running anything.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => Ok(()),
        // SAFETY: _exit ends the process at once.
        Ok(ForkResult::Parent { .. }) => unsafe { libc::_exit(0) },
        Err(e) => Err(Error::System { what: "fork", source: e.into() }),
    }
}

/// Standard input from nowhere; standard output and error to `output`, to nowhere, or left alone.
///
/// # Errors
/// /dev/null cannot be opened.
pub(crate) fn redirect(output: Option<&File>, silent: bool) -> Result<(), Error> {
    let failed = |source: io::Error| Error::System { what: "redirect standard streams to /dev/null", source };
    let null = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(failed)?;
    nix::unistd::dup2_stdin(null.as_fd()).map_err(|e| failed(e.into()))?;
    if let Some(output) = output.or(silent.then_some(&null)) {
        nix::unistd::dup2_stdout(output.as_fd()).map_err(|e| failed(e.into()))?;
        nix::unistd::dup2_stderr(output.as_fd()).map_err(|e| failed(e.into()))?;
    }
    Ok(())
}

/// Writes the process title over the command line that ps(1) shows.
#[derive(Debug)]
pub(crate) struct Title {
    area: Option<(usize, usize)>,
    last: String,
}

impl Title {
    pub(crate) fn find() -> Title {
        // Fields 48 and 49 of proc_pid_stat(5): where the arguments lie on the stack.
        let area = || {
            let stat = fs::read_to_string("/proc/self/stat").ok()?;
            let (_, fields) = stat.rsplit_once(')')?;
            let field = |at| fields.split_ascii_whitespace().nth(at)?.parse::<usize>().ok();
            let (start, end) = (field(45)?, field(46)?);
            (start != 0 && end > start).then_some((start, end - start))
        };
        Title { area: area(), last: String::new() }
    }

    /// Cut to the room that the arguments took.
    pub(crate) fn set(&mut self, text: &str) {
        let Some((start, length)) = self.area else { return };
        if text == self.last {
            return;
        }
        text.clone_into(&mut self.last);
        let title = format!("monitor: {text}");
        let used = title.len().min(length - 1);
        // SAFETY: the kernel's own bounds of this process's argument strings, which are writable stack memory;
        // the arguments were copied at the start and are not read again. The last byte stays NUL.
        unsafe {
            std::ptr::write_bytes(start as *mut u8, 0, length);
            std::ptr::copy_nonoverlapping(title.as_ptr(), start as *mut u8, used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_users_and_groups_by_number_and_name() {
        let root = Identity { uid: Some(Uid::from_raw(0)), gid: Some(Gid::from_raw(0)) };
        assert_eq!(Identity::find(Some("root"), None).unwrap(), root);
        assert_eq!(Identity::find(Some("0"), Some("root")).unwrap(), root);
        assert_eq!(Identity::find(None, None).unwrap(), Identity { uid: None, gid: None });
    }

    #[test]
    fn an_unknown_name_or_a_user_without_a_group_is_refused() {
        assert!(matches!(
            Identity::find(Some("no-such-user"), None),
            Err(Error::NoSuch { kind: "user", .. })
        ));
        assert!(matches!(Identity::find(None, Some("no-such-group")), Err(Error::NoSuch { .. })));
        assert!(matches!(Identity::find(Some("3999999999"), None), Err(Error::NoGroup(_))));
        assert!(Identity::find(Some("3999999999"), Some("5")).is_ok());
    }
}
