//! What a process of glider gives up before it touches anything that the target controls.
//!
//! Pipeline place: beside everything that opens files. The keeper keeps its rights and parses
//! nothing; the analyzer, and each process forked from it, parses and has no rights:
//!
//! - `privileges`: the target's user and groups instead of root's, no capability, limits;
//! - `landlock`: files can be read, and nothing else: no writing, no connecting, no signal to
//!   anybody else (landlock(7));
//! - `seccomp`: an allow-list of system calls (seccomp(2)): above all no execve, ptrace, socket;
//! - [`opener`]: a small process that keeps the right to open, and does nothing else: it gives out
//!   read-only descriptors of ELF files that the analyzer may no longer open itself.
//!
//! - [`fetcher`]: a process that asks debuginfod servers, where the user wants that.
//!
//! What the kernel does not have is left out, and [`give_up`] says so.

pub mod child;
pub mod descriptors;
pub mod fetcher;
mod landlock;
pub mod opener;
mod privileges;
mod seccomp;
pub mod trust;

pub use privileges::limit;

use crate::target::Owner;

/// Gives up, for good, everything that the analysis of a process of `owner` can do without. For a
/// process with one thread.
///
/// Gives in words what is in force, on one line.
///
/// # Errors
/// When a right that could be given up was not: nothing of the target must be touched then.
pub fn give_up(owner: &Owner) -> std::io::Result<String> {
    let user = privileges::become_owner(owner)?;
    let files = landlock::allow_reading();
    let calls = seccomp::allow(seccomp::ANALYSIS);
    Ok(format!("{user}; no new privileges; {files}; {calls}"))
}
