//! Names of generated code, which no file holds: the maps that just-in-time compilers write for
//! perf(1) (`/tmp/perf-PID.map`; Linux, tools/perf/Documentation/jit-interface.txt).
//!
//! Anybody may write to `/tmp`: a map is believed only when the target's own user owns it.

use super::root::Root;
use crate::confine::opener;
use crate::target::procfs::parse_status;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes that are read; a map of a large server has some ten million.
const MAX_SIZE: u64 = 128 << 20;

/// Bytes of `/proc/PID/status`.
const MAX_STATUS: u64 = 64 << 10;

/// Functions by address.
#[derive(Debug, Default)]
pub(super) struct PerfMap {
    /// Start, end and name, by start.
    functions: Vec<(u64, u64, String)>,
}

impl PerfMap {
    /// The map of a process, in one of the roots: the file bears the process id as the process itself
    /// knows it. Empty when there is none.
    pub(super) fn load(pid: i32, roots: &[Root]) -> PerfMap {
        let mut status = Vec::new();
        let told = opener::open_of_process(pid, Path::new("status"));
        if told.and_then(|file| file.take(MAX_STATUS).read_to_end(&mut status)).is_err() {
            return PerfMap::default();
        }
        let status = parse_status(&status);
        let path = PathBuf::from(format!("/tmp/perf-{}.map", status.own_id));
        let text = roots.iter().rev().find_map(|root| {
            let file = root.open(&path).ok()?;
            let is_owners = file.metadata().ok()?.uid() == status.uids[1];
            let mut text = Vec::new();
            is_owners.then(|| file.take(MAX_SIZE).read_to_end(&mut text).ok())??;
            Some(text)
        });
        PerfMap::parse(&text.unwrap_or_default())
    }

    /// Lines of start and size, hexadecimal, and a name. What is not such a line is left out.
    fn parse(text: &[u8]) -> PerfMap {
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let function = |line: &str| {
            let (start, rest) = line.split_once(' ')?;
            let (size, name) = rest.split_once(' ')?;
            let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
            let start = number(start)?;
            let end = start.checked_add(number(size)?)?;
            (start < end && !name.is_empty()).then(|| (start, end, name.to_owned()))
        };
        let mut functions: Vec<_> = lines.filter_map(function).collect();
        // Stable: of several at one place the last counts, which came after the others were dropped.
        functions.sort_by_key(|(start, ..)| *start);
        PerfMap { functions }
    }

    /// Name and start of the function at an address.
    pub(super) fn find(&self, address: u64) -> Option<(&str, u64)> {
        const OVERLAPPING: usize = 8;
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let before = self.functions.get(..after)?;
        let (start, _, name) = before.iter().rev().take(OVERLAPPING).find(|(_, end, _)| address < *end)?;
        Some((name, *start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_at_one_place_counts() {
        let map = PerfMap::parse(
            b"1000 20 old name\n1000 10 LazyCompile:~work /srv/a.js:3\nnonsense\n0x2000 8 f\nffffffffffffffff 2 end\n2010 0 empty\n",
        );
        assert_eq!(map.find(0x1004), Some(("LazyCompile:~work /srv/a.js:3", 0x1000)));
        assert_eq!(map.find(0x1018), Some(("old name", 0x1000)));
        assert_eq!(map.find(0x2007), Some(("f", 0x2000)));
        assert_eq!((map.find(0x2008), map.find(0xfff), map.find(u64::MAX)), (None, None, None));
    }
}
