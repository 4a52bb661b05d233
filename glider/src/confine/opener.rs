//! The opener: a process of its own that keeps the right to open files, for an analyzer that has
//! given it up.
//!
//! A file that the target mapped may lie where only root can go, and what is behind
//! `/proc/PID/map_files` and `/proc/PID/root` is shown to tracers alone. The analyzer says a path,
//! the opener answers with a descriptor that can be read and nothing more. It gives out regular
//! files only, and of those that the target's user does not own only ELF files: an analyzer that
//! has been taken over by what it parses gets no secret of root's here. It opens nothing that it has
//! not looked at (`O_PATH`), since opening some devices has effects.
//!
//! A file system that does not answer (a file server that is gone, a FUSE file system of the target's user)
//! holds up whoever looks at it, for as long as it likes. So the opener has several hands, threads that answer
//! requests side by side: such a file costs one of them, and the analyzer waits for it no longer than a moment.
//!
//! It looks into the target through the directory of `/proc` that the keeper holds, so an id that
//! was given to another process leads nowhere.

use super::privileges::keep_capabilities;
use super::seccomp;
use super::trust::{self, TrustedFile, Whose};
use super::{child, descriptors};
use crate::target::{Owner, ProcessDirectory};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    socketpair,
};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a request or an answer.
const MAX_MESSAGE: usize = 8192;
/// Requests that are answered at the same time: all but one of them may be held up for good.
const HANDS: usize = 8;
/// Bytes of a hand's stack.
const HAND_STACK: usize = 256 << 10;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// glider's own file system.
    Own,
    /// The target's root directory: no link leads out of it (openat2(2), `RESOLVE_IN_ROOT`).
    TargetRoot,
    /// The target's directory in `/proc`: `exe`, `map_files/…`. The path is a relative one.
    Process,
    /// glider's own file system, for a file that is to be loaded: see [`trust`].
    Trusted(Whose),
}

#[derive(Serialize, Deserialize)]
struct Request {
    place: Place,
    path: PathBuf,
}

/// The keeper's hold on the opener, which ends with it.
#[derive(Debug)]
pub struct Opener {
    pid: Pid,
    line: OwnedFd,
    target_has_root: bool,
}

/// The line to an opener, in a process that asks it.
#[derive(Debug)]
pub struct Line {
    descriptor: OwnedFd,
    target_has_root: bool,
    /// Where files are that were asked for in vain, once each: so many hands are held up.
    held_up: Mutex<Vec<PathBuf>>,
}

static LINE: OnceLock<Line> = OnceLock::new();

impl Opener {
    /// Forks the opener for a target. For a process with one thread.
    ///
    /// # Errors
    /// When the system gives no process or descriptor.
    pub fn start(process: &ProcessDirectory, owner: &Owner) -> io::Result<Opener> {
        let (line, other_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let root = process.open_root().unwrap_or_default();
        let target_has_root = root.is_some();
        let keeper = getpid();
        // SAFETY: as of the analyzer (session/analyzer_process.rs): one thread, so the child may
        // allocate and lock.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Opener { pid: child, line, target_has_root }),
            ForkResult::Child => {
                let _ = std::panic::catch_unwind(|| serve(keeper, process, root.as_ref(), owner, &other_end));
                // SAFETY: ends this process without running anything that belongs to the keeper.
                unsafe { libc::_exit(0) }
            }
        }
    }

    /// The first bytes of the executable file, whatever has become of its path: no more than an ELF header
    /// has. Empty where they cannot be had.
    pub fn executable_head(&self) -> Vec<u8> {
        const ELF_HEADER: usize = 64;
        let Ok(Answer { file: Some(file), .. }) =
            request(self.line.as_fd(), Place::Process, Path::new("exe"))
        else {
            return Vec::new();
        };
        let mut head = vec![0; ELF_HEADER];
        // The opener has read of it already, so that this does not wait for its file system.
        let count = File::from(file).read_at(&mut head, 0).unwrap_or_default();
        head.truncate(count);
        head
    }

    /// The descriptor of the line to it.
    pub fn descriptor(&self) -> RawFd {
        self.line.as_raw_fd()
    }

    /// Has this process, just forked from the keeper, ask the opener from here on. Only once, and only
    /// where the keeper's own `Opener` is never dropped.
    pub fn use_here(&self) {
        // SAFETY: the descriptor is open, and in this process nothing else will close it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(self.line.as_raw_fd()) };
        let (target_has_root, held_up) = (self.target_has_root, Mutex::default());
        let _ = LINE.set(Line { descriptor, target_has_root, held_up });
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        child::end(self.pid);
    }
}

impl Line {
    /// Asks, unless a file beside it was asked for in vain, or so many were that nobody is left to answer.
    fn request(&self, place: Place, path: &Path) -> io::Result<Answer> {
        let beside = path.parent().filter(|folder| folder.is_absolute()).unwrap_or(path);
        let mut held_up = self.held_up.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = held_up.iter().any(|folder| folder == beside);
        if is_known || held_up.len() >= HANDS {
            return Err(no_answer());
        }
        request(self.descriptor.as_fd(), place, path).inspect_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                held_up.push(beside.to_owned());
            }
        })
    }
}

/// Whether a file system that this trace has to do with does not answer, so that only the opener may look
/// at files from here on.
pub(super) fn is_held_up() -> bool {
    LINE.get().is_some_and(|line| !line.held_up.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
}

/// Whether the target has a root directory of its own, [`Place::TargetRoot`]; `None` when this process
/// has no opener.
pub fn target_has_root() -> Option<bool> {
    LINE.get().map(|line| line.target_has_root)
}

/// Opens a regular file for reading, by the opener. `None` when this process has none.
pub fn ask(place: Place, path: &Path) -> Option<io::Result<File>> {
    let line = LINE.get()?;
    Some(match line.request(place, path) {
        Ok(Answer { code: 0, file: Some(file), .. }) => Ok(File::from(file)),
        Ok(Answer { code, .. }) if code > 0 => Err(io::Error::from_raw_os_error(code)),
        Ok(_) => Err(io::Error::other("the process that opens files has ended")),
        Err(error) => Err(error),
    })
}

/// [`trust::check`] by the opener, which is still the user who runs glider. `None` when this process
/// has none.
pub(super) fn ask_whether_trusted(path: &Path, whose: Whose) -> Option<Result<Option<TrustedFile>, String>> {
    let line = LINE.get()?;
    Some(match line.request(Place::Trusted(whose), path) {
        Ok(Answer { code: 0, file: Some(file), words }) => {
            Ok(Some(TrustedFile { path: PathBuf::from(OsString::from_vec(words)), file: File::from(file) }))
        }
        Ok(Answer { code: libc::ENOENT, .. }) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
        Ok(Answer { words, .. }) => Err(String::from_utf8_lossy(&words).into_owned()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    })
}

/// Opens `exe`, `statm`, `status` or `map_files/…` of the target for reading: by the opener, which holds its directory
/// of `/proc`; by its id where this process has no opener. The plugin host, which has no line to it, is told
/// sizes by the id, which are no secret should that be another process's by now.
///
/// # Errors
/// Those of open(2).
pub fn open_of_process(pid: i32, path: &Path) -> io::Result<File> {
    let by_id = || open_regular(&Path::new(&format!("/proc/{pid}")).join(path));
    match ask(Place::Process, path) {
        None => by_id(),
        Some(Err(_)) if path == Path::new("statm") => by_id(),
        Some(answer) => answer,
    }
}

/// What the opener says.
#[derive(Debug, Default)]
struct Answer {
    /// An error number; 0 with a descriptor.
    code: i32,
    file: Option<OwnedFd>,
    /// Of a trusted file its canonical path; of another one why it is none.
    words: Vec<u8>,
}

/// Opens a regular file of glider's own file system for reading, by the opener where this process
/// may not. Never blocks, and opens nothing else, whatever lies there.
///
/// # Errors
/// Those of open(2); `InvalidInput` for what is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    if is_held_up() {
        return ask(Place::Own, path).unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()));
    }
    match open_below(CWD, path, ResolveFlags::empty()) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            ask(Place::Own, path).unwrap_or(Err(error))
        }
        result => result,
    }
}

/// Each request has a line of its own for the answer: processes forked from one another share the other.
fn request(line: BorrowedFd<'_>, place: Place, path: &Path) -> io::Result<Answer> {
    let (answers, other_end) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    let request = postcard::to_stdvec(&Request { place, path: path.to_owned() }).map_err(io::Error::other)?;
    if request.len() > MAX_MESSAGE {
        return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    send(line, &request, Some(other_end.as_fd()))?;
    drop(other_end);
    if !is_answered(answers.as_fd())? {
        return Err(no_answer());
    }
    let (message, file) = receive(answers.as_fd())?;
    let (code, words) = message.split_first_chunk().unwrap_or((&[0; 4], &[]));
    Ok(Answer { code: i32::from_le_bytes(*code), file, words: words.to_vec() })
}

fn no_answer() -> io::Error {
    let why = format!("its file system does not answer within {PATIENCE:?}");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

/// Waits for an answer, or the end of whoever was to give it; not for long.
fn is_answered(answers: BorrowedFd<'_>) -> io::Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        let rest = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(rest.as_millis()).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(answers, PollFlags::POLLIN)], timeout) {
            Err(nix::Error::EINTR) => {}
            result => return Ok(result? > 0),
        }
    }
}

/// The whole life of the opener.
fn serve(
    keeper: Pid,
    process: &ProcessDirectory,
    root: Option<&OwnedFd>,
    owner: &Owner,
    line: &OwnedFd,
) -> io::Result<()> {
    let folders = Folders { process: process.as_fd(), root: root.map(AsFd::as_fd) };
    let mut kept = vec![line.as_raw_fd(), process.as_fd().as_raw_fd()];
    kept.extend(root.map(AsRawFd::as_raw_fd));
    descriptors::keep_only(&kept, None)?;
    keep_capabilities(rights()?)?;
    prctl::set_dumpable(false)?;
    prctl::set_no_new_privs()?;
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != keeper {
        return Ok(());
    }
    let (confined, (is_ready, hands)) = (OnceLock::new(), channel());
    std::thread::scope(|scope| {
        for _ in 1..HANDS {
            let (is_ready, confined) = (is_ready.clone(), &confined);
            let hand = move || {
                let _ = is_ready.send(());
                drop(is_ready);
                confined.wait();
                answer_requests(folders, owner, line.as_fd())
            };
            // With fewer hands fewer files may hold them up.
            let _ = std::thread::Builder::new().stack_size(HAND_STACK).spawn_scoped(scope, hand);
        }
        // A thread needs other system calls to begin: until all have, or there are none.
        drop(is_ready);
        while hands.recv().is_ok() {}
        seccomp::allow_all_threads(seccomp::OPENING);
        let _ = confined.set(());
        let _ = answer_requests(folders, owner, line.as_fd());
        // SAFETY: ends this process without waiting for hands that are held up, and without running
        // anything that belongs to the keeper.
        unsafe { libc::_exit(0) }
    })
}

/// Answers until nobody is left who could ask.
fn answer_requests(folders: Folders<'_>, owner: &Owner, line: BorrowedFd<'_>) -> io::Result<()> {
    loop {
        let (message, answer_to) = receive(line)?;
        if message.is_empty() {
            return Ok(());
        }
        let Some(answer_to) = answer_to else { continue };
        let Answer { code, file, mut words } = match postcard::from_bytes(&message) {
            Ok(request) => answer(folders, owner, &request),
            Err(_) => Answer { code: libc::EINVAL, ..Answer::default() },
        };
        words.splice(0..0, code.to_le_bytes());
        words.truncate(MAX_MESSAGE);
        // Whoever asked may have gone.
        let _ = send(answer_to.as_fd(), &words, file.as_ref().map(AsFd::as_fd));
    }
}

/// To look through every folder, and into what `/proc` shows to tracers alone.
fn rights() -> io::Result<CapabilitySet> {
    let permitted = rustix::thread::capabilities(None)?.permitted;
    // Before Linux 5.9 the one capability stood for the other.
    let of_map_files = match permitted.contains(CapabilitySet::CHECKPOINT_RESTORE) {
        true => CapabilitySet::CHECKPOINT_RESTORE,
        false => CapabilitySet::SYS_ADMIN,
    };
    Ok(CapabilitySet::DAC_READ_SEARCH | CapabilitySet::SYS_PTRACE | of_map_files)
}

/// Where paths begin in the target.
#[derive(Clone, Copy)]
struct Folders<'a> {
    /// Its directory in `/proc`.
    process: BorrowedFd<'a>,
    /// Its root directory, where that is another than glider's.
    root: Option<BorrowedFd<'a>>,
}

fn answer(folders: Folders<'_>, owner: &Owner, request: &Request) -> Answer {
    if let Place::Trusted(whose) = request.place {
        return match trust::check_here(&request.path, whose) {
            Ok(Some(TrustedFile { path, file })) => {
                Answer { code: 0, file: Some(file.into()), words: path.into_os_string().into_vec() }
            }
            Ok(None) => Answer { code: libc::ENOENT, ..Answer::default() },
            Err(why) => Answer { code: libc::EACCES, file: None, words: why.into_bytes() },
        };
    }
    match open_for_reading(folders, owner, request) {
        Ok(file) => Answer { code: 0, file: Some(file.into()), words: Vec::new() },
        Err(error) => Answer { code: error.raw_os_error().unwrap_or(libc::EINVAL), ..Answer::default() },
    }
}

fn open_for_reading(folders: Folders<'_>, owner: &Owner, request: &Request) -> io::Result<File> {
    let path = &request.path;
    let file = match request.place {
        Place::TargetRoot => {
            let root = folders.root.ok_or(io::ErrorKind::NotFound)?;
            open_below(root, path, ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)?
        }
        // What is in the folder itself is wanted, not what else could be reached from there.
        Place::Process if !is_plain(path) => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
        Place::Process => open_below(folders.process, path, ResolveFlags::empty())?,
        Place::Own | Place::Trusted(_) => open_below(CWD, path, ResolveFlags::empty())?,
    };
    // The kernel's own words are nobody's secret; who owns them depends on what the target did.
    let is_kernels =
        request.place == Place::Process && ["statm", "status"].map(Path::new).contains(&path.as_path());
    let is_owners = is_kernels || fstat(&file)?.st_uid == owner.uid;
    let mut magic = [0; 4];
    let is_elf = file.read_exact_at(&mut magic, 0).is_ok() && magic == *b"\x7fELF";
    if is_owners || is_elf { Ok(file) } else { Err(io::Error::from_raw_os_error(libc::EACCES)) }
}

/// Whether a path is `exe`, `statm`, `status` or `map_files/…`.
fn is_plain(path: &Path) -> bool {
    let path = path.as_os_str().as_bytes();
    let range = path.strip_prefix(b"map_files/");
    path == b"exe"
        || path == b"statm"
        || path == b"status"
        || range.is_some_and(|range| range.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
}

/// Opens a regular file below a folder for reading: looks first (`O_PATH`), and opens what was looked at.
///
/// # Errors
/// As [`open_regular`].
pub fn open_below(folder: BorrowedFd<'_>, path: &Path, resolve: ResolveFlags) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let place = match resolve.is_empty() {
        true => openat(folder, path, flags, Mode::empty())?,
        false => match openat2(folder, path, flags, Mode::empty(), resolve) {
            // Linux before 5.6.
            Err(Errno::NOSYS) if resolve == ResolveFlags::NO_SYMLINKS => walk_without_links(folder, path)?,
            opened => opened?,
        },
    };
    if !FileType::from_raw_mode(fstat(&place)?.st_mode).is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(openat(CWD, format!("/proc/self/fd/{}", place.as_raw_fd()), flags, Mode::empty())?))
}

/// What openat2(2) with `RESOLVE_NO_SYMLINKS` gives, where the kernel lacks it: part by part.
fn walk_without_links(folder: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut place = openat(folder, ".", flags, Mode::empty())?;
    for part in path.components() {
        // A link itself is opened, and is no folder for the next part.
        place = openat(&place, part.as_os_str(), flags, Mode::empty())?;
    }
    Ok(place)
}

fn send(line: BorrowedFd<'_>, message: &[u8], file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let files: Vec<i32> = file.iter().map(AsRawFd::as_raw_fd).collect();
    let control = [ControlMessage::ScmRights(&files)];
    let control = if files.is_empty() { &[][..] } else { &control[..] };
    sendmsg::<()>(line.as_raw_fd(), &[IoSlice::new(message)], control, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// A message, and the descriptor that came with it. Empty when nobody is left at the other end.
fn receive(line: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut message = vec![0; MAX_MESSAGE];
    let mut parts = [IoSliceMut::new(&mut message)];
    let mut space = nix::cmsg_space!([i32; 1]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let (count, mut files) = loop {
        let received = match recvmsg::<()>(line.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Err(nix::Error::EINTR) => continue,
            received => received?,
        };
        let mut files = Vec::new();
        for control in received.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = control {
                files.extend(descriptors.into_iter().map(|descriptor| {
                    // SAFETY: the kernel has just installed this descriptor for us; nobody else owns it.
                    unsafe { OwnedFd::from_raw_fd(descriptor) }
                }));
            }
        }
        break (received.bytes, files);
    };
    message.truncate(count);
    Ok((message, files.pop()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn without_openat2_a_link_on_the_way_is_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        std::fs::create_dir(path.join("inner")).unwrap();
        std::fs::write(path.join("inner/file"), "x").unwrap();
        symlink("inner", path.join("way")).unwrap();
        symlink("file", path.join("inner/link")).unwrap();
        let kind = |name: &str| {
            let place = walk_without_links(CWD, &path.join(name))?;
            io::Result::Ok(FileType::from_raw_mode(fstat(&place)?.st_mode))
        };
        assert!(kind("inner/file").unwrap().is_file());
        assert!(kind("inner/link").unwrap().is_symlink());
        assert_eq!(kind("way/file").unwrap_err().raw_os_error(), Some(libc::ENOTDIR));
    }
}
