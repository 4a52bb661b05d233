//! The ids that the process itself has for its threads.
//!
//! A process in a container has its own numbers for its threads (pid_namespaces(7)), and these are what locks
//! note. Everything else here and in the report goes by the numbers that glider sees.

use crate::lock::Holder;
use gimli_plugin_api::Host;
use std::collections::BTreeMap;

/// From the process's own ids to those of the report.
#[derive(Default)]
pub(crate) struct ThreadIds {
    outer: BTreeMap<i32, i32>,
    /// Whether these are all threads, so that one without an entry has ended.
    is_complete: bool,
}

impl ThreadIds {
    /// Reads `/proc/PID/task`: a report of some threads has not all. The numbers of all of them are read only when
    /// the first one has two.
    pub(crate) fn read(host: &Host<'_>) -> ThreadIds {
        let process = host.process();
        let folder = format!("/proc/{}/task", process.pid);
        let inner_id =
            |thread: i32| innermost_id(&std::fs::read_to_string(format!("{folder}/{thread}/status")).ok()?);
        let listed: Option<Vec<i32>> = std::fs::read_dir(&folder).ok().map(|entries| {
            let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
            names.collect()
        });
        let is_complete = listed.is_some();
        let threads = listed.unwrap_or_else(|| process.threads.iter().map(|thread| thread.0).collect());
        let has_own = inner_id(process.pid.0).is_some_and(|inner| inner != process.pid.0);
        let pairs = threads.into_iter().map(|thread| {
            let inner = if has_own { inner_id(thread) } else { None };
            (inner.unwrap_or(thread), thread)
        });
        ThreadIds { outer: pairs.collect(), is_complete }
    }

    /// The thread that has this id in its own process.
    pub(crate) fn find(&self, inner: i32) -> Option<i32> {
        self.outer.get(&inner).copied()
    }

    /// A holder by the ids of the report.
    pub(crate) fn translate(&self, holder: Holder) -> Holder {
        match holder {
            Holder::Thread(inner) if !self.is_complete => Holder::Thread(self.find(inner).unwrap_or(inner)),
            Holder::Thread(inner) => self.find(inner).map_or(Holder::Ended(inner), Holder::Thread),
            Holder::Shared(inner) => self.find(inner).map_or(Holder::Shared(inner), Holder::Thread),
            other => other,
        }
    }
}

/// The last number of the line `NSpid:` (proc_pid_status(5)).
fn innermost_id(status: &str) -> Option<i32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_id_is_the_processs_own() {
        assert_eq!(innermost_id("Name:\tx\nNSpid:\t4711\t12\nNSpgid:\t4711\t1\n"), Some(12));
        assert_eq!(innermost_id("NSpid:\t4711\n"), Some(4711));
        assert_eq!(innermost_id("Name:\tx\n"), None);
        assert_eq!(innermost_id("NSpid:\tx\n"), None);
    }

    #[test]
    fn holders_are_named_as_in_the_report() {
        let ids = ThreadIds { outer: [(12, 4711)].into(), is_complete: true };
        assert_eq!(ids.translate(Holder::Thread(12)), Holder::Thread(4711));
        assert_eq!(ids.translate(Holder::Thread(4711)), Holder::Ended(4711), "a number of the outside");
        assert_eq!(ids.translate(Holder::Shared(13)), Holder::Shared(13));
        assert_eq!(ids.translate(Holder::Readers(2)), Holder::Readers(2));
        let some = ThreadIds { is_complete: false, ..ids };
        assert_eq!(some.translate(Holder::Thread(13)), Holder::Thread(13), "it may be there");
    }
}
