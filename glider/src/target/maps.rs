//! The memory map as the kernel prints it: bytes of `/proc/PID/maps` to [`Mapping`]s.
//!
//! Pure. The paths in it are chosen by whoever runs the target: any byte but NUL may
//! occur. A line that does not parse is counted, never fatal.

#![forbid(unsafe_code)]

use super::{Mapping, Protection};
use crate::address::Address;
use crate::limits::MAPPINGS;

/// What a memory map held.
#[derive(Debug, Default)]
pub struct ParsedMaps {
    /// By rising address, as the kernel lists them.
    pub mappings: Vec<Mapping>,
    /// Lines that are not in the format of proc_pid_maps(5), an incomplete last one included.
    pub bad_lines: usize,
    /// Whether there were more than [`MAPPINGS`].
    pub cut: bool,
}

/// Parses the whole text of `/proc/PID/maps` (proc_pid_maps(5)).
pub fn parse_maps(text: &[u8]) -> ParsedMaps {
    let mut parsed = ParsedMaps::default();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        if parsed.mappings.len() == MAPPINGS {
            parsed.cut = true;
            break;
        }
        match parse_line(line) {
            Some(mapping) => parsed.mappings.push(mapping),
            None => parsed.bad_lines += 1,
        }
    }
    parsed
}

/// One line: `start-end rwxp offset major:minor inode   path`.
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let (start, end) = split_at_byte(next_field(&mut rest)?, b'-')?;
    let rights = next_field(&mut rest)?;
    let offset = hexadecimal(next_field(&mut rest)?)?;
    let (major, minor) = split_at_byte(next_field(&mut rest)?, b':')?;
    let inode = std::str::from_utf8(next_field(&mut rest)?).ok()?.parse().ok()?;
    let path = rest.trim_ascii_start();
    let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
    if start >= end {
        return None;
    }
    Some(Mapping {
        start: Address(start),
        end: Address(end),
        protection: Protection {
            read: rights.first() == Some(&b'r'),
            write: rights.get(1) == Some(&b'w'),
            execute: rights.get(2) == Some(&b'x'),
        },
        offset,
        device: (u32::try_from(hexadecimal(major)?).ok()?, u32::try_from(hexadecimal(minor)?).ok()?),
        inode,
        is_shared: rights.get(3) == Some(&b's'),
        is_remote: false,
        path: (!path.is_empty()).then(|| decode_path(path)),
    })
}

/// Takes the bytes up to the next space; a single space after them is consumed.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let (field, after) = rest.split_at_checked(end)?;
    *rest = after.strip_prefix(b" ").unwrap_or(after);
    (!field.is_empty()).then_some(field)
}

fn split_at_byte(field: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = field.iter().position(|&other| other == byte)?;
    Some((field.get(..at)?, field.get(at + 1..)?))
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    // from_str_radix would take a sign too.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The kernel writes a newline in a path as `\012` and nothing else in octal, not even the
/// backslash (`seq_path(m, path, "\n")` in fs/proc/task_mmu.c), so that is all there is to undo.
fn decode_path(path: &[u8]) -> String {
    String::from_utf8_lossy(path).replace("\\012", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(line: &str) -> Mapping {
        let mut parsed = parse_maps(line.as_bytes());
        assert_eq!((parsed.mappings.len(), parsed.bad_lines), (1, 0), "{line}");
        parsed.mappings.remove(0)
    }

    #[test]
    fn a_file_mapping_has_every_field() {
        let mapping = only("55d7160ec000-55d7160ed000 r-xp 00001000 fd:0a 1234   /srv/faulty app\n");
        assert_eq!((mapping.start, mapping.end), (Address(0x55d7160ec000), Address(0x55d7160ed000)));
        assert_eq!(mapping.protection, Protection { read: true, write: false, execute: true });
        assert_eq!((mapping.offset, mapping.device, mapping.inode), (0x1000, (0xfd, 0x0a), 1234));
        assert_eq!(mapping.path.as_deref(), Some("/srv/faulty app"));
    }

    #[test]
    fn what_others_may_write_can_change_unless_it_is_code() {
        let can_change = |rights: &str| only(&format!("1000-2000 {rights} 0 1:2 3 /dev/shm/x")).can_change();
        assert!(can_change("r--s") && can_change("rw-s") && can_change("rw-p"));
        assert!(!can_change("r--p") && !can_change("r-xs") && !can_change("r-xp"));
    }

    #[test]
    fn anonymous_memory_has_no_path_and_vsyscall_is_in_the_upper_half() {
        assert_eq!(only("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n").path, None);
        let mapping =
            only("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]");
        assert_eq!(mapping.start, Address(0xffff_ffff_ff60_0000));
    }

    #[test]
    fn a_newline_in_a_path_is_decoded_and_a_backslash_is_left_alone() {
        assert_eq!(only("1000-2000 r--p 0 1:2 3 /a\\012b\\134c").path.as_deref(), Some("/a\nb\\134c"));
    }

    #[test]
    fn paths_that_are_not_utf8_are_replaced_not_dropped() {
        let parsed = parse_maps(b"1000-2000 r--p 0 1:2 3 /a\xffb");
        assert_eq!(parsed.mappings[0].path.as_deref(), Some("/a\u{fffd}b"));
    }

    #[test]
    fn nonsense_is_counted() {
        let text = "x\n2000-1000 r--p 0 1:2 3 /backwards\n+1-2 r--p 0 0:0 0\n1000-2000 r--p 0 1:2\n1000-2000 r--p 0 1:2 3 /ok\n";
        let parsed = parse_maps(text.as_bytes());
        assert_eq!((parsed.mappings.len(), parsed.bad_lines), (1, 4));
    }
}
