//! What /proc says of a process and its threads (proc(5)). Reads only.

use std::fs;

/// One thread as the scheduler sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ThreadStatus {
    pub(crate) tid: i32,
    /// R, S, D, T, t, Z or X.
    pub(crate) state: char,
    /// How often it has given up or lost the processor: unchanged while it sleeps.
    pub(crate) switches: u64,
}

/// The ids of the threads that /proc lists, lowest first; empty when the process is gone.
pub(crate) fn read_threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut threads: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    threads.sort_unstable();
    threads
}

/// `None` when the thread is gone.
pub(crate) fn read_status(pid: i32, tid: i32) -> Option<ThreadStatus> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).ok()?;
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let voluntary: u64 = field("voluntary_ctxt_switches")?.parse().ok()?;
    let involuntary: u64 = field("nonvoluntary_ctxt_switches")?.parse().ok()?;
    Some(ThreadStatus {
        tid,
        state: field("State")?.chars().next()?,
        switches: voluntary.saturating_add(involuntary),
    })
}

/// All threads of a process that can still be read.
pub(crate) fn read_all(pid: i32) -> Vec<ThreadStatus> {
    read_threads(pid).into_iter().filter_map(|tid| read_status(pid, tid)).collect()
}

/// The processor time that the whole process has used, in ticks; `None` when it is gone.
pub(crate) fn read_processor_ticks(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name may itself hold spaces and parentheses: count from the last one. The state
    // comes next as field 3, utime and stime are fields 14 and 15.
    let mut fields = text.get(text.rfind(')')?..)?.split_ascii_whitespace().skip(12);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_reads_its_own_status_is_running() {
        let pid = nix::unistd::getpid().as_raw();
        let tid = nix::unistd::gettid().as_raw();
        assert_eq!(read_status(pid, tid).unwrap().state, 'R');
        assert!(read_all(pid).iter().any(|thread| thread.tid == tid));
    }

    #[test]
    fn no_process_has_no_threads() {
        assert_eq!(read_threads(i32::MAX), Vec::<i32>::new());
        assert_eq!(read_status(i32::MAX, i32::MAX), None);
    }
}
