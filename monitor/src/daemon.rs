//! Becoming a daemon: detaching, giving up privileges, and the process title.

use crate::options::Options;
use crate::{Refusal, process};
use nix::unistd::{ForkResult, Gid, Group, Uid, User, fork, setgid, setgroups, setsid, setuid};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter, Read};

/// Whom to run as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    uid: Option<Uid>,
    gid: Option<Gid>,
}

impl Identity {
    /// Looks up numbers and names; a user without a group brings its own.
    ///
    /// # Errors
    /// No such user or group.
    pub(crate) fn find(options: &Options) -> Result<Identity, Refusal> {
        let mut identity = Identity::default();
        if let Some(name) = options.text("uid") {
            let number = name.parse().ok().map(Uid::from_raw);
            let user = number.map_or_else(|| User::from_name(name), User::from_uid).ok().flatten();
            let uid = number.or(user.as_ref().map(|user| user.uid));
            identity.uid = Some(uid.ok_or_else(|| options.refuse("uid", "no such user"))?);
            identity.gid = user.map(|user| user.gid);
        }
        if let Some(name) = options.text("gid") {
            let named = || Group::from_name(name).ok().flatten().map(|group| group.gid);
            let gid = name.parse().ok().map(Gid::from_raw).or_else(named);
            identity.gid = Some(gid.ok_or_else(|| options.refuse("gid", "no such group"))?);
        }
        if let Identity { uid: Some(_), gid: None } = identity {
            return Err(options.refuse("uid", "no entry says this user's group: give `gid` as well"));
        }
        Ok(identity)
    }

    /// Becomes it for good: supplementary groups first, the user last.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn assume(self) -> nix::Result<()> {
        if let Some(gid) = self.gid {
            setgroups(&[]).and_then(|()| setgid(gid))?;
        }
        if let Some(uid) = self.uid {
            setuid(uid)?;
            if !uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
                return Err(nix::Error::EPERM);
            }
        }
        Ok(())
    }
}

/// Goes to the background: forks, leaves the session, forks again so that no terminal can be acquired. Returns in
/// the process that stays. Standard input then comes from nowhere; standard output and error go to the log file if
/// there is one, to nowhere if the monitor is quiet, and else where they went.
///
/// The process that was started waits to be told its exit code through the pipe that is returned, so that whoever
/// started it finds a pidfile and a running server, or learns that there is none.
///
/// # Errors
/// fork or setsid failed, or /dev/null cannot be opened.
pub(crate) fn detach(options: &Options, log: Option<&File>) -> io::Result<PipeWriter> {
    let (mut told, tell) = io::pipe()?;
    // SAFETY: the program has one thread.
    if let ForkResult::Parent { .. } = unsafe { fork() }? {
        drop(tell);
        let mut code = [Refusal::SYSTEM];
        let _ = told.read(&mut code);
        std::process::exit(code[0].into());
    }
    if options.toggle("setsid") {
        setsid()?;
        // SAFETY: as above.
        if let ForkResult::Parent { .. } = unsafe { fork() }? {
            std::process::exit(0);
        }
    }
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    if let Some(output) = log.or(options.toggle("quiet").then_some(&null)) {
        dup2_stdout(output)?;
        dup2_stderr(output)?;
    }
    Ok(tell)
}

/// The process title that ps(1) shows, in place of the command line.
#[derive(Debug)]
pub(crate) struct Title {
    /// Where the kernel finds the arguments, and their length; 0 when it does not say.
    start: usize,
    length: usize,
    /// Bytes that may be written: the environment lies behind the arguments.
    room: usize,
}

impl Title {
    /// To be called first of all: it moves the environment.
    pub(crate) fn find() -> Title {
        let fields = process::stat_fields(std::process::id() as i32).unwrap_or_default();
        // Fields 48 to 51 of proc_pid_stat(5).
        let field = |at: usize| fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0);
        let (start, end, environment, last): (usize, usize, usize, usize) =
            (field(45), field(46), field(47), field(48));
        let behind = start > 0 && environment == end && last > end;
        if behind {
            let named = |name: &OsStr| !name.as_encoded_bytes().contains(&b'=');
            let variables: Vec<_> = std::env::vars_os().filter(|(name, _)| named(name)).collect();
            // SAFETY: the program has one thread, and nobody has kept a pointer into the environment.
            unsafe {
                libc::clearenv();
                variables.iter().for_each(|(name, value)| std::env::set_var(name, value));
            }
        }
        let room = if behind { last } else { end }.saturating_sub(start);
        Title { start, length: end.saturating_sub(start), room }
    }

    /// A title longer than the arguments is continued where the environment was: the kernel shows it up to its NUL
    /// when the arguments do not end in one.
    pub(crate) fn set(&self, text: &str) {
        let title = format!("monitor: {text}");
        let used = title.len().min(self.room.saturating_sub(1));
        if used == 0 {
            return;
        }
        // SAFETY: the kernel's own bounds of this process's argument and environment strings, which are writable stack
        // memory; both were copied at the start and are not read again.
        unsafe {
            std::ptr::write_bytes(self.start as *mut u8, 0, self.length);
            std::ptr::copy_nonoverlapping(title.as_ptr(), self.start as *mut u8, used);
            std::ptr::write((self.start + used) as *mut u8, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(words: &[&str]) -> Result<Identity, Refusal> {
        Identity::find(&Options::of(&[words, &["server"]].concat()))
    }

    #[test]
    fn finds_users_and_groups_by_number_and_name() {
        let root = Identity { uid: Some(Uid::from_raw(0)), gid: Some(Gid::from_raw(0)) };
        assert_eq!(find(&["--uid=root"]).unwrap(), root);
        assert_eq!(find(&["--uid=0", "--gid=root"]).unwrap(), root);
        assert_eq!(find(&[]).unwrap(), Identity::default());
    }

    #[test]
    fn an_unknown_name_or_a_user_without_a_group_is_refused_with_its_place() {
        let refusal = |words: &[&str]| find(words).unwrap_err().text;
        assert_eq!(refusal(&["--uid=no-such-user"]), "command line: uid no-such-user: no such user");
        assert_eq!(refusal(&["--gid=no-such-group"]), "command line: gid no-such-group: no such group");
        assert!(refusal(&["--uid=3999999999"]).contains("give `gid` as well"));
        assert!(find(&["--uid=3999999999", "--gid=5"]).is_ok());
    }
}
