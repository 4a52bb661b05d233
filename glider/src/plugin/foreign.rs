//! What changes for plugins when the process is another user's, or lives in a container: its owner may
//! say which plugins it wants, never where code is loaded from.

#![forbid(unsafe_code)]

use super::search::{Beside, Sources};
use crate::target::{Owner, ProcessDirectory, TargetError};
use nix::unistd::{getresgid, getresuid};
use rustix::fs::{fstat, stat};

/// The sources as they hold for a process, and a line to be told when one of them is not used. Relative paths
/// become absolute, and lose their `..`, since the analysis may not do what that takes.
/// `from_environment`: whether their folders were named by a variable of the environment.
///
/// # Errors
/// When it cannot be found out whose the process is.
pub fn sources_for(
    process: &ProcessDirectory,
    mut sources: Sources,
    from_environment: bool,
) -> Result<(Sources, Option<String>), TargetError> {
    let owner = process
        .read_owner()
        .map_err(|error| TargetError::system(format!("read /proc/{}/status", process.pid()), error))?;
    let is_own = is_callers_own(&owner);
    for path in sources.folders.iter_mut().chain(&mut sources.files) {
        if let Ok(whole) = path.canonicalize().or_else(|_| std::path::absolute(&*path)) {
            *path = whole;
        }
    }
    sources.beside = match (has_other_root(process), is_own) {
        (true, _) => Beside::Never,
        (false, false) => Beside::Roots,
        (false, true) => Beside::Trusted,
    };
    if is_own || !from_environment || sources.folders.is_empty() {
        return Ok((sources, None));
    }
    sources.folders.clear();
    let why = format!(
        "GIMLI_PLUGIN_PATH is not used, since process {} is another user's ({}): name the folders with --plugin-path",
        process.pid(),
        owner.uid
    );
    Ok((sources, Some(why)))
}

/// Whether paths of the process start at another directory than glider's. A mount namespace of its own, as
/// systemd gives to services, is no reason yet: what is looked at is what glider sees at the path.
fn has_other_root(process: &ProcessDirectory) -> bool {
    let Ok(Some(theirs)) = process.open_root() else { return false };
    let identity = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
    fstat(&theirs).ok().map(identity) != stat("/").ok().map(identity)
}

/// Whether the process is of the user who called glider, who is the one glider runs as: who set its
/// environment could do to the process whatever glider can.
fn is_callers_own(owner: &Owner) -> bool {
    let (Ok(user), Ok(group)) = (getresuid(), getresgid()) else { return false };
    let is_set_id = user.real != user.effective || group.real != group.effective;
    !is_set_id && user.effective.as_raw() == owner.uid
}
