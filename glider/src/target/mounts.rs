//! Which file systems are somebody else's to answer for: `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
//!
//! Pure. The rest of a mount's line is chosen by whoever mounted it, and is not looked at.

#![forbid(unsafe_code)]

/// Types whose files come from another machine, or from a process.
const REMOTE: [&str; 15] = [
    "9p", "afs", "autofs", "ceph", "cifs", "coda", "fuse", "fuseblk", "lustre", "nfs", "nfs4", "orangefs",
    "smb3", "smbfs", "virtiofs",
];

/// The devices, major and minor number, of remote file systems. What is not a line of that format is left out.
pub fn parse_remote_devices(text: &[u8]) -> Vec<(u32, u32)> {
    text.split(|&byte| byte == b'\n')
        .filter_map(|line| remote_device(std::str::from_utf8(line).ok()?))
        .collect()
}

/// `36 35 0:42 /root /point options optional… - type source options`.
fn remote_device(line: &str) -> Option<(u32, u32)> {
    let (before, after) = line.split_once(" - ")?;
    let kind = after.split(' ').next()?;
    // `fuse.sshfs`: what serves it stands behind the dot.
    let kind = kind.split('.').next()?;
    let (major, minor) = before.split(' ').nth(2)?.split_once(':')?;
    REMOTE.contains(&kind).then_some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_others_answer_for_are_told_from_the_rest() {
        let text = b"21 28 0:20 / /sys rw shared:7 - sysfs sysfs rw\n\
            40 28 0:45 / /home rw,relatime shared:9 master:1 - nfs4 server:/home rw,addr=10.0.0.1\n\
            41 28 0:46 / /mnt/a\\040b rw - fuse.sshfs me@there:/ rw,user_id=0\n\
            42 28 0:47 / /sys/fs/fuse/connections rw - fusectl fusectl rw\n\
            43 28 252:1 / / rw - ext4 /dev/vda1 rw\n\
            nonsense - nfs\n\
            44 28 x:y / /z rw - nfs z rw\n\xff\xff - nfs\n";
        assert_eq!(parse_remote_devices(text), [(0, 45), (0, 46)]);
    }
}
