//! User, groups, capabilities and resource limits.

#![forbid(unsafe_code)]

use crate::target::Owner;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::io;

/// Takes the user and groups of `owner` where that is permitted, and gives up every capability.
/// What is had of the owner's rights is told in words.
///
/// The process cannot be looked at or traced by that user afterwards: it is not dumpable (prctl(2)).
///
/// # Errors
/// When the process has rights that it cannot give up.
pub(super) fn become_owner(owner: &Owner) -> io::Result<String> {
    let had = capabilities(None)?.effective;
    let user = if had.contains(CapabilitySet::SETUID | CapabilitySet::SETGID) {
        change_user(owner).map(|()| format!("user {}, group {}", owner.uid, owner.gid))
    } else {
        Err(io::Error::from_raw_os_error(libc::EPERM))
    };
    let user = user.unwrap_or_else(|error| match (Uid::effective().as_raw(), had.is_empty()) {
        // Nobody's rights but the user's own, which are the target's too.
        (user, true) if user == owner.uid => format!("user {user}, as the process"),
        (user, _) => format!("still user {user} ({error})"),
    });
    keep_capabilities(CapabilitySet::empty())?;
    prctl::set_dumpable(false)?;
    prctl::set_no_new_privs()?;
    Ok(format!("{user}, no capability"))
}

fn change_user(owner: &Owner) -> io::Result<()> {
    // How many processes the user may have says nothing of how many glider needs.
    let (_, hard) = getrlimit(Resource::RLIMIT_NPROC)?;
    setrlimit(Resource::RLIMIT_NPROC, hard, hard)?;
    let groups: Vec<Gid> = owner.groups.iter().copied().map(Gid::from_raw).collect();
    let (user, group) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    setgroups(&groups)?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    Ok(())
}

/// Gives up every capability but these, of those the process has.
pub(super) fn keep_capabilities(kept: CapabilitySet) -> io::Result<()> {
    let sets = capabilities(None)?;
    let kept = sets.permitted & kept;
    Ok(set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )?)
}

/// Lowers a resource limit to `most`, for good; one that is lower already stays.
///
/// # Errors
/// Those of getrlimit(2) and setrlimit(2).
pub fn limit(resource: Resource, most: u64) -> nix::Result<()> {
    let (soft, hard) = getrlimit(resource)?;
    setrlimit(resource, soft.min(most), hard.min(most))
}
