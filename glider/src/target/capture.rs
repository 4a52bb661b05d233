//! What was taken of the target while it was held: plain data, handed from the
//! keeper to the analyzer. Nothing in it is interpreted beyond what the kernel says.

#![forbid(unsafe_code)]

use super::{Arch, ThreadRegisters};
use crate::address::Address;
use serde::{Deserialize, Serialize};

/// One stop of the target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// The process as a whole.
    pub process: ProcessInfo,
    /// Its memory map, by rising address (`/proc/PID/maps`, proc_pid_maps(5)).
    pub mappings: Vec<Mapping>,
    /// The auxiliary vector (getauxval(3)): type and value.
    pub auxv: Vec<(u64, u64)>,
    /// Every thread, the leader first, then by thread id.
    pub threads: Vec<CapturedThread>,
    /// What could not be captured, a line each.
    pub problems: Vec<String>,
}

impl Capture {
    /// The architecture of its code, which the registers tell; that of glider where there are none.
    pub fn arch(&self) -> Arch {
        let registers = self.threads.iter().find_map(|thread| thread.registers.as_ref());
        registers.map_or(Arch::X86_64, |registers| registers.general.arch())
    }
}

/// What `/proc` says of the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Process id (thread group id).
    pub pid: i32,
    /// Target of `/proc/PID/exe`, with ` (deleted)` when the file is gone.
    pub exe: Option<String>,
    /// The command line, one string an argument, invalid UTF-8 replaced.
    pub cmdline: Vec<String>,
    /// Target of `/proc/PID/cwd`.
    pub cwd: Option<String>,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Start, in seconds since the epoch.
    pub start_time: Option<u64>,
    /// Whether the whole process was in a job-control stop (SIGSTOP) when glider came; it stays so.
    pub was_stopped: bool,
    /// Where the strings of its environment are: first address, and first one after them. Zero where nobody tells.
    pub environment: (u64, u64),
    /// Kernel release (`uname -r`).
    pub os_version: String,
}

/// One line of the memory map.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mapping {
    /// First address.
    pub start: Address,
    /// First address after it.
    pub end: Address,
    /// Access rights.
    pub protection: Protection,
    /// Offset of `start` in the file, bytes.
    pub offset: u64,
    /// Device and inode of the file, zero for anonymous memory.
    pub device: (u32, u32),
    /// See `device`.
    pub inode: u64,
    /// Whether what others write to the file is seen here (`MAP_SHARED`).
    pub is_shared: bool,
    /// Whether the file is another machine's or process's to give (NFS, FUSE): what of it is not in memory may
    /// be long in coming, or never come.
    pub is_remote: bool,
    /// Path as the kernel writes it (`/usr/lib/…`, `[heap]`, `[vdso]`, with ` (deleted)`), escapes decoded.
    pub path: Option<String>,
}

impl Mapping {
    /// Whether its contents may be others a moment later: it can be written, is data that others may write, or is data
    /// without a file, which the process may have written before and may do away with. Private read-only parts of
    /// files, and code, are taken to stay.
    pub fn can_change(&self) -> bool {
        self.protection.write || ((self.is_shared || self.inode == 0) && !self.protection.execute)
    }
}

/// Access rights of a mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// May be read.
    pub read: bool,
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
}

/// One thread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CapturedThread {
    /// Kernel thread id.
    pub tid: i32,
    /// Its name (`comm`).
    pub name: String,
    /// State letter and word before glider came, as in `/proc/PID/status`: `S (sleeping)`.
    pub state: String,
    /// Kernel function it was blocked in (`/proc/PID/task/TID/wchan`), if any.
    pub wait_channel: Option<String>,
    /// Registers; `None` when the thread could not be stopped (zombie leader, uninterruptible sleep).
    pub registers: Option<Box<ThreadRegisters>>,
    /// The raw `siginfo_t` (128 bytes) of the signal this thread was stopped by,
    /// when it was about to receive one; `None` for a plain stop of ours.
    pub signal: Option<Vec<u8>>,
    /// Why `registers` is `None`, in words.
    pub problem: Option<String>,
}
