//! What `/proc` says of one process.
//!
//! Everything is read through one descriptor of the process's own directory, so that an
//! id that is reused meanwhile is never mistaken for the process that was meant: once it
//! is gone, every read fails. A pidfd (pidfd_open(2)) beside it tells whether it has ended. Sizes are bounded; names may hold any byte. When the leader
//! thread has exited the kernel shows no memory in `/proc/PID` itself, so whatever belongs
//! to the memory is read through a thread that lives.
//!
//! The `procfs` crate is not used: it opens by path and id, reads whole files whatever
//! their size, treats a line it does not know as an error, and has no way to read
//! `maps`, `auxv` or `exe` of a thread.

#![forbid(unsafe_code)]

use super::maps::{ParsedMaps, parse_maps};
use super::mounts::parse_remote_devices;
use super::{ProcessInfo, TargetError};
use crate::limits::COMMAND_LINE;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Statx, StatxFlags, openat, readlinkat, statx};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of `maps` read: about a million lines.
const MAX_MAPS: u64 = 128 << 20;
/// Bytes of the mounts read: about twenty thousand.
const MAX_MOUNTS: u64 = 4 << 20;
/// Bytes of any other file read.
const MAX_FILE: u64 = 64 << 10;
/// `PF_KTHREAD` of include/linux/sched.h, in the flags of `/proc/PID/stat`.
const PF_KTHREAD: u64 = 0x0020_0000;

/// The directory `/proc/PID` of one process, held open.
#[derive(Debug)]
pub struct ProcessDirectory {
    pid: i32,
    directory: OwnedFd,
    /// A pidfd of the same process; `None` for a thread's own directory, and where the kernel gives none
    /// (before Linux 5.3).
    handle: Option<OwnedFd>,
    /// The thread through which the memory was last seen.
    memory_thread: AtomicI32,
    /// Devices of the file systems that others answer for, once they were asked for.
    remote: OnceLock<Vec<(u32, u32)>>,
}

/// A thread as `/proc/PID/task/TID/stat` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadStat {
    /// Its name; any character may occur in it.
    pub name: String,
    /// State letter: `R`, `S`, `D`, `T`, `t`, `Z`, `X`, `P`, `I`.
    pub state: char,
    /// Parent process.
    pub parent: i32,
    /// Whether it is a thread of the kernel.
    pub is_kernel: bool,
    /// Whether it is blocked somewhere, so that it has a wait channel.
    pub is_blocked: bool,
    /// Start in clock ticks since the machine was booted.
    pub start_ticks: u64,
    /// First address of the environment's strings and first one after them; zero for those who may not trace it.
    pub environment: (u64, u64),
}

impl ThreadStat {
    /// Letter and word, as `/proc/PID/status` has them: `S (sleeping)`.
    pub fn state_in_words(&self) -> String {
        let word = match self.state {
            'R' => "running",
            'S' => "sleeping",
            'D' => "disk sleep",
            'T' => "stopped",
            't' => "tracing stop",
            'X' | 'x' => "dead",
            'Z' => "zombie",
            'P' => "parked",
            'I' => "idle",
            _ => "unknown",
        };
        format!("{} ({word})", self.state)
    }

    /// Whether the thread has ended and only its record is left.
    pub fn has_exited(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// The lines of `/proc/PID/status` that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Process the thread belongs to.
    pub process: i32,
    /// The id by which the process knows itself, in the innermost of its pid namespaces.
    pub own_id: i32,
    /// Who traces it, zero for nobody.
    pub tracer: i32,
    /// Real, effective, saved and file-system user id.
    pub uids: [u32; 4],
    /// The same of the group.
    pub gids: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Effective capabilities, a bit each (capabilities(7)).
    pub capabilities: u64,
}

/// The user that a process runs as: whose rights suffice to look at what it can look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl ProcessDirectory {
    /// Opens `/proc/PID`. An id of a thread opens that thread's own directory: see [`Status::process`].
    pub fn open(pid: i32) -> Result<Self, TargetError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::SRCH) => return Err(TargetError::NoSuchProcess { pid }),
            Err(error) => return Err(TargetError::system(format!("open /proc/{pid}"), error)),
        };
        let id = rustix::process::Pid::from_raw(pid).ok_or(TargetError::NoSuchProcess { pid })?;
        let handle = match rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()) {
            Err(Errno::SRCH) => return Err(TargetError::NoSuchProcess { pid }),
            handle => handle.ok(),
        };
        let (memory_thread, remote) = (AtomicI32::new(pid), OnceLock::new());
        let process = ProcessDirectory { pid, directory, handle, memory_thread, remote };
        // What the directory stands for still has the id, so the pidfd stands for the same.
        match process.read_thread_stat(pid) {
            Err(error) if is_gone(&error) => Err(TargetError::NoSuchProcess { pid }),
            _ => Ok(process),
        }
    }

    /// Whether the process has ended, so that its id may be another's. Of a pidfd that cannot be had, the
    /// directory tells.
    pub fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        match &self.handle {
            // Readable once all threads have ended (pidfd_open(2)).
            Some(handle) => {
                matches!(poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&AT_ONCE)), Ok(1..))
            }
            None => self.read_thread_stat(self.pid).is_err_and(|error| is_gone(&error)),
        }
    }

    /// The id it was opened with.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Opens a file below the directory for reading.
    fn open_file(&self, path: &str) -> io::Result<File> {
        Ok(File::from(openat(&self.directory, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// Reads a file below the directory, `limit` bytes at most.
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        // Room for all of most files at once: grown from nothing, it would take a dozen calls.
        let mut content = Vec::with_capacity(4096);
        self.open_file(path)?.take(limit).read_to_end(&mut content)?;
        Ok(content)
    }

    /// The ids of all threads, as they are at this moment, in the order of the directory.
    pub fn thread_ids(&self) -> io::Result<Vec<i32>> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let mut entries = rustix::fs::Dir::new(openat(&self.directory, "task", flags, Mode::empty())?)?;
        let mut ids = Vec::new();
        while let Some(entry) = entries.read() {
            ids.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()));
        }
        Ok(ids)
    }

    /// Name, state and so on of one thread.
    pub fn read_thread_stat(&self, tid: i32) -> io::Result<ThreadStat> {
        let content = self.read(&format!("task/{tid}/stat"), MAX_FILE)?;
        parse_stat(&content).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }

    /// The kernel function a thread is blocked in; `None` for one that runs, or where the kernel does not tell.
    pub fn read_wait_channel(&self, tid: i32) -> Option<String> {
        let content = self.read(&format!("task/{tid}/wchan"), MAX_FILE).ok()?;
        let name = String::from_utf8_lossy(content.trim_ascii()).into_owned();
        (!name.is_empty() && name != "0").then_some(name)
    }

    /// Identity, tracer and owner of one thread.
    pub fn read_status(&self, tid: i32) -> io::Result<Status> {
        Ok(parse_status(&self.read(&format!("task/{tid}/status"), MAX_FILE)?))
    }

    /// The root directory of the process (`O_PATH`), when it is another than glider's own.
    pub fn open_root(&self) -> io::Result<Option<OwnedFd>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(&self.directory, "root", flags, Mode::empty())?;
        let theirs = statx(&root, "", AtFlags::EMPTY_PATH, identity())?;
        let ours = statx(CWD, "/", AtFlags::empty(), identity())?;
        let place = |stat: &Statx| (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, stat.stx_mnt_id);
        Ok((place(&theirs) != place(&ours)).then_some(root))
    }

    /// The user that the process runs as.
    pub fn read_owner(&self) -> io::Result<Owner> {
        let status = self.read_status(self.pid)?;
        Ok(Owner { uid: status.uids[1], gid: status.gids[1], groups: status.groups })
    }

    /// A thread that has not exited: the leader where possible. `None` when all have.
    pub fn find_live_thread(&self) -> Option<i32> {
        let lives = |tid: &i32| self.read_thread_stat(*tid).is_ok_and(|stat| !stat.has_exited());
        if lives(&self.pid) {
            return Some(self.pid);
        }
        self.thread_ids().ok()?.into_iter().find(lives)
    }

    /// Does `read` with the path of a directory that shows the process's memory. That of the
    /// leader, or of another thread if the leader has none any more; threads may exit meanwhile.
    fn with_memory_directory<T>(
        &self,
        read: impl Fn(&str) -> io::Result<Option<T>>,
    ) -> io::Result<Option<T>> {
        const ATTEMPTS: usize = 8;
        let mut tid = self.memory_thread.load(Ordering::Relaxed);
        let mut outcome = Ok(None);
        for _ in 0..ATTEMPTS {
            outcome = read(&format!("task/{tid}"));
            match &outcome {
                Ok(Some(_)) => break,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                _ => {}
            }
            let Some(live) = self.find_live_thread() else { break };
            tid = live;
            self.memory_thread.store(tid, Ordering::Relaxed);
        }
        outcome
    }

    /// Reads a file that belongs to the memory (`maps`, `auxv`, `cmdline`): empty when there is none.
    fn read_of_memory(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let content = self.with_memory_directory(|directory| {
            let content = self.read(&format!("{directory}/{name}"), limit)?;
            Ok((!content.is_empty()).then_some(content))
        })?;
        Ok(content.unwrap_or_default())
    }

    /// The target of a link that belongs to the memory (`exe`, `cwd`).
    fn read_link(&self, name: &str) -> Option<String> {
        let target = self.with_memory_directory(|directory| {
            Ok(Some(readlinkat(&self.directory, format!("{directory}/{name}"), Vec::new())?))
        });
        Some(target.ok()??.to_string_lossy().into_owned())
    }

    /// The memory map at this moment.
    pub fn read_maps(&self) -> io::Result<ParsedMaps> {
        let mut maps = parse_maps(&self.read_of_memory("maps", MAX_MAPS)?);
        let remote = self.remote.get_or_init(|| {
            parse_remote_devices(&self.read_of_memory("mountinfo", MAX_MOUNTS).unwrap_or_default())
        });
        if !remote.is_empty() {
            for mapping in maps.mappings.iter_mut().filter(|mapping| mapping.inode != 0) {
                mapping.is_remote = remote.contains(&mapping.device);
            }
        }
        Ok(maps)
    }

    /// The auxiliary vector, `AT_NULL` excluded.
    pub fn read_auxv(&self) -> io::Result<Vec<(u64, u64)>> {
        Ok(parse_auxv(&self.read_of_memory("auxv", MAX_FILE)?))
    }

    /// Opens the memory. The kernel asks the same permission for it as for tracing.
    pub fn open_memory(&self) -> io::Result<File> {
        let file =
            self.with_memory_directory(|directory| self.open_file(&format!("{directory}/mem")).map(Some));
        file?.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
    }

    /// Opens the page map.
    pub fn open_page_map(&self) -> io::Result<File> {
        self.open_file(&format!("task/{}/pagemap", self.memory_thread()))
    }

    /// The thread through which the memory was last seen.
    pub fn memory_thread(&self) -> i32 {
        self.memory_thread.load(Ordering::Relaxed)
    }

    /// Bytes of anonymous memory that the process has, swapped out or not; `None` when the kernel does not tell.
    pub fn read_anonymous_size(&self) -> Option<u64> {
        let status = self.read(&format!("task/{}/status", self.memory_thread()), MAX_FILE).ok()?;
        let text = String::from_utf8_lossy(&status);
        let kibibytes = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().split(' ').next()?.parse::<u64>().ok()
        };
        Some((kibibytes("RssAnon:")? + kibibytes("VmSwap:")?) << 10)
    }

    /// Path of the executable, with ` (deleted)` when the file is gone.
    pub fn read_executable_path(&self) -> Option<String> {
        self.read_link("exe")
    }

    /// The process as a whole; what cannot be read stays empty.
    pub fn read_process_info(&self) -> ProcessInfo {
        let stat = self.read_thread_stat(self.pid).unwrap_or_default();
        let status = self.read_status(self.pid).unwrap_or_default();
        let stopped = |tid: i32| self.read_thread_stat(tid).is_ok_and(|stat| stat.state == 'T');
        ProcessInfo {
            pid: self.pid,
            exe: self.read_executable_path(),
            cmdline: parse_command_line(
                &self.read_of_memory("cmdline", COMMAND_LINE as u64 + 1).unwrap_or_default(),
            ),
            cwd: self.read_link("cwd"),
            uid: status.uids[1],
            gid: status.gids[1],
            start_time: start_time(stat.start_ticks),
            was_stopped: self.find_live_thread().is_some_and(stopped),
            environment: stat.environment,
            os_version: rustix::system::uname().release().to_string_lossy().into_owned(),
        }
    }
}

impl AsFd for ProcessDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Whether an error of a file below `/proc/PID` means that the process is no longer there.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// What tells one directory from another, the mount included.
fn identity() -> StatxFlags {
    /// `STATX_MNT_ID` (Linux 5.8); older kernels leave the field zero.
    const MOUNT: u32 = 0x1000;
    StatxFlags::INO | StatxFlags::from_bits_retain(MOUNT)
}

/// Start in seconds since the epoch, from ticks since boot: now, less how long the machine is up, plus the ticks.
fn start_time(ticks: u64) -> Option<u64> {
    use nix::time::{ClockId, clock_gettime};
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    let up = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
    let up = u128::try_from(up.tv_sec()).ok()? * 1000 + u128::try_from(up.tv_nsec()).ok()? / 1_000_000;
    let started = u128::from(ticks) * 1000 / u128::try_from(per_second).ok().filter(|&rate| rate > 0)?;
    u64::try_from((now.checked_sub(up)? + started) / 1000).ok()
}

/// `pid (comm) state ppid …`, proc_pid_stat(5). The name is put there unescaped: it ends at the last `)`.
pub fn parse_stat(content: &[u8]) -> Option<ThreadStat> {
    let open = content.iter().position(|&byte| byte == b'(')?;
    let close = content.iter().rposition(|&byte| byte == b')')?;
    let name = String::from_utf8_lossy(content.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(content.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Fields are numbered from 1 in the manual; the state is field 3 and the first one here.
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    Some(ThreadStat {
        name,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        is_kernel: number(9)? & PF_KTHREAD != 0,
        is_blocked: number(35).is_some_and(|channel| channel != 0),
        start_ticks: number(22)?,
        environment: (number(50).unwrap_or(0), number(51).unwrap_or(0)),
    })
}

/// proc_pid_status(5). The kernel escapes newlines in the name, so no line can be forged.
pub fn parse_status(content: &[u8]) -> Status {
    let mut status = Status::default();
    for line in content.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key {
            "Tgid" => status.process = value.parse().unwrap_or_default(),
            "NSpid" => {
                let innermost = value.split_ascii_whitespace().next_back();
                status.own_id = innermost.and_then(|id| id.parse().ok()).unwrap_or_default();
            }
            "TracerPid" => status.tracer = value.parse().unwrap_or_default(),
            "Uid" => status.uids = four_ids(value),
            "Gid" => status.gids = four_ids(value),
            "Groups" => {
                status.groups = value.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect();
            }
            "CapEff" => status.capabilities = u64::from_str_radix(value, 16).unwrap_or_default(),
            _ => {}
        }
    }
    status
}

fn four_ids(value: &str) -> [u32; 4] {
    let mut ids = [0; 4];
    for (id, text) in ids.iter_mut().zip(value.split_ascii_whitespace()) {
        *id = text.parse().unwrap_or(u32::MAX);
    }
    ids
}

/// Arguments end in NUL each; a program that wrote over them may have left out the last one.
fn parse_command_line(content: &[u8]) -> Vec<String> {
    if content.is_empty() {
        return Vec::new();
    }
    let kept = content.get(..COMMAND_LINE).unwrap_or(content);
    let whole = kept.strip_suffix(b"\0").unwrap_or(kept);
    let arguments = whole.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
    let cut = (kept.len() < content.len()).then(|| format!("[cut after {COMMAND_LINE} bytes]"));
    arguments.chain(cut).collect()
}

/// The auxiliary vector (getauxval(3)): pairs of words, type and value, up to `AT_NULL`. A process may
/// have put anything there (prctl(2), `PR_SET_MM_AUXV`).
///
/// The words are those of the program, 32 or 64 bits wide. Types are small numbers and no first value is
/// zero, so the upper half of the first 64 bits tells which.
pub fn parse_auxv(content: &[u8]) -> Vec<(u64, u64)> {
    let is_wide = content.get(4..8) == Some(&[0; 4]);
    let words: Vec<u64> = match is_wide {
        true => content.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect(),
        false => content.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word).into()).collect(),
    };
    let pairs = words.as_chunks::<2>().0.iter().map(|[kind, value]| (*kind, *value));
    pairs.take_while(|&(kind, _)| kind != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_spaces_and_newlines_does_not_confuse_the_stat_line() {
        let numbers = "1 7 7 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0 0 0 0 0 0 0 0 0 0 0 1 0";
        let stat = parse_stat(format!("42 (a) R 1 (\nb) S {numbers}\n").as_bytes()).unwrap();
        assert_eq!(stat.name, "a) R 1 (\nb");
        assert_eq!((stat.state, stat.parent, stat.start_ticks), ('S', 1, 777));
        assert!(stat.is_kernel && stat.is_blocked);
        assert_eq!(stat.state_in_words(), "S (sleeping)");
    }

    #[test]
    fn a_stat_line_that_is_cut_short_is_refused() {
        assert_eq!(parse_stat(b"42 (a) S 1 2 3"), None);
        assert_eq!(parse_stat(b"42 )a( S 1 2 3"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn status_lines_are_found_by_name() {
        let text = b"Name:\tx\\nTracerPid:\t9\nTgid:\t7\nNSpid:\t7\t1\nTracerPid:\t0\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nCapEff:\t0000000000080000\n";
        let status = parse_status(text);
        assert_eq!((status.process, status.own_id, status.tracer), (7, 1, 0));
        assert_eq!((status.uids, status.gids, status.capabilities), ([1, 2, 3, 4], [5, 6, 7, 8], 0x80000));
    }

    #[test]
    fn command_lines_keep_empty_arguments_and_replace_bad_bytes() {
        assert_eq!(parse_command_line(b"/bin/x\0\0a\xff\0"), ["/bin/x", "", "a\u{fffd}"]);
        assert_eq!(parse_command_line(b"title: idle"), ["title: idle"]);
        assert!(parse_command_line(b"").is_empty());
        let long = parse_command_line(&[b'x'; COMMAND_LINE + 1]);
        assert_eq!((long[0].len(), long[1].as_str()), (COMMAND_LINE, "[cut after 65536 bytes]"));
    }

    #[test]
    fn the_auxiliary_vector_ends_at_its_null_entry() {
        let words = [33u32, 0x7ffe, 6, 4096, 0, 0, 9, 9, 1];
        let narrow: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        let wide: Vec<u8> = words.into_iter().map(u64::from).flat_map(u64::to_le_bytes).collect();
        assert_eq!(parse_auxv(&narrow), [(33, 0x7ffe), (6, 4096)]);
        assert_eq!(parse_auxv(&wide), [(33, 0x7ffe), (6, 4096)]);
    }

    #[test]
    fn this_very_process_is_read() {
        let directory = ProcessDirectory::open(std::process::id().cast_signed()).unwrap();
        let info = directory.read_process_info();
        assert_eq!(info.exe.as_deref(), std::env::current_exe().unwrap().to_str());
        assert_eq!(info.cmdline, std::env::args().collect::<Vec<_>>());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(info.start_time.is_some_and(|start| start <= now + 1 && start + 24 * 3600 > now));
        let here = parse_stat as *const () as u64;
        assert!(
            directory
                .read_maps()
                .unwrap()
                .mappings
                .iter()
                .any(|mapping| mapping.start.0 <= here && here < mapping.end.0)
        );
        assert!(directory.read_auxv().unwrap().contains(&(6, 4096)), "AT_PAGESZ");
        assert!(directory.thread_ids().unwrap().contains(&directory.pid()));
    }
}
