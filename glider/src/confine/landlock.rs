//! Reading files, and nothing else that reaches beyond the process (landlock(7)).

#![forbid(unsafe_code)]

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest interface that glider was tried with; an older kernel enforces what it knows of it.
const NEWEST: ABI = ABI::V6;

/// Forbids this process, for good: to write, make, remove, rename or execute any file; to connect or bind
/// a TCP socket; to signal a process that it did not start. Gives in words what is in force.
pub(super) fn allow_reading() -> String {
    match restrict().map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => "files can only be read (landlock)".to_owned(),
        Ok(RulesetStatus::PartiallyEnforced) => {
            "files can only be read (landlock, what this kernel has of it)".to_owned()
        }
        Ok(RulesetStatus::NotEnforced) => "no landlock in this kernel".to_owned(),
        Err(error) => format!("no landlock: {error}"),
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let mut ruleset = ruleset.no_new_privs(true);
    if let Ok(root) = PathFd::new("/") {
        ruleset = ruleset.add_rule(PathBeneath::new(root, reading))?;
    }
    // Where nothing of what is written is kept.
    for device in ["/dev/null", "/dev/zero"] {
        if let Ok(device) = PathFd::new(device) {
            ruleset = ruleset.add_rule(PathBeneath::new(device, AccessFs::ReadFile | AccessFs::WriteFile))?;
        }
    }
    ruleset.restrict_self()
}
