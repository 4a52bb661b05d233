//! What /proc tells about other processes. Read only, bounded, and never trusted to exist.

use crate::event::Pid;
use std::fs;

const MAX_ANCESTORS: usize = 64;
const MAX_THREADS: usize = 4096;

/// Fields of proc_pid_stat(5) behind the command name, which may hold anything; index 0 is field 3.
pub(crate) fn stat_fields(pid: Pid) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
}

/// When the process started, in clock ticks since boot; tells a process from a later one with the same number.
/// None when there is none, or only its zombie.
pub(crate) fn start_time(pid: Pid) -> Option<u64> {
    let fields = stat_fields(pid)?;
    let gone = matches!(fields.first()?.as_str(), "Z" | "X");
    fields.get(19)?.parse().ok().filter(|_| !gone)
}

/// Whether `pid` is `ancestor` or was started by it, directly or not.
pub(crate) fn descends_from(mut pid: Pid, ancestor: Pid) -> bool {
    for _ in 0..MAX_ANCESTORS {
        if pid == ancestor {
            return true;
        }
        match stat_fields(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            Some(parent) if parent > 1 => pid = parent,
            _ => return false,
        }
    }
    false
}

/// Whether a stopped process stopped itself in a fault handler, as the C original's does: a thread then blocks
/// the signal that the handler runs for, which it has just reset to its default action. A program that merely blocks
/// all signals in its threads blocks every fault and catches none.
pub(crate) fn is_in_fault_handler(pid: Pid) -> bool {
    let faults = [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
    let faults = faults.into_iter().fold(0, |mask, signal| mask | 1u64 << (signal - 1));
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().take(MAX_THREADS).any(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let mask = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        };
        match (mask("SigBlk:"), mask("SigCgt:"), mask("SigIgn:")) {
            (Some(blocked), Some(caught), Some(ignored)) => {
                let blocks_all = blocked & faults == faults && caught & faults == 0;
                !blocks_all && blocked & faults & !caught & !ignored != 0
            }
            _ => false,
        }
    })
}

/// Whether somebody traces it, a debugger say: TracerPid of proc_pid_status(5).
pub(crate) fn is_traced(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().filter_map(|line| line.strip_prefix("TracerPid:")).any(|tracer| tracer.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_process_and_its_ancestors() {
        let me = std::process::id() as Pid;
        assert!(start_time(me).is_some_and(|ticks| ticks > 0));
        let parent = nix::unistd::getppid().as_raw();
        assert!(descends_from(me, me) && descends_from(me, parent) && !descends_from(parent, me));
    }

    #[test]
    fn a_process_that_does_not_exist_is_nobody() {
        assert_eq!(start_time(-1), None);
        assert!(!descends_from(-1, 1) && !is_in_fault_handler(-1) && !is_traced(-1));
    }
}
