//! The fetcher: a process of its own that asks debuginfod servers for debug files (debuginfod(8)),
//! through the system's client library, for an analyzer that has given up the network.
//!
//! It is told build-ids and answers with paths of files in the client's cache. It runs only
//! where the user asked for it, before the target is stopped, and is ended then: however long
//! a server takes, nothing waits for it.

use super::privileges::keep_capabilities;
use super::{child, descriptors};
use libloading::os::unix::Library;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use rustix::thread::CapabilitySet;
use std::ffi::{CStr, OsString, c_char, c_int, c_uchar, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Bytes of an answer.
const MAX_MESSAGE: usize = 8192;
/// elfutils/debuginfod.h, `DEBUGINFOD_SONAME`.
const LIBRARY: &str = "libdebuginfod.so.1";

/// The first byte of an answer: a path follows.
const FOUND: u8 = b'f';
/// No server has it, as the number of an error says, in words.
const MISSING: u8 = b'm';
/// Nothing can be asked for at all: why follows.
const UNUSABLE: u8 = b'u';

/// The keeper's hold on the fetcher, which ends with it.
#[derive(Debug)]
pub struct Fetcher {
    pid: Pid,
    line: OwnedFd,
    time: Duration,
}

/// The line to the fetcher, and when it ends, in a process that asks it.
#[derive(Debug)]
struct Line {
    descriptor: OwnedFd,
    until: Instant,
}

static LINE: OnceLock<Line> = OnceLock::new();

/// What came of a question.
#[derive(Debug)]
pub enum Fetched {
    /// The file.
    File(PathBuf),
    /// There is none.
    Missing,
    /// There can be no more answers; why, in words.
    Unusable(String),
}

impl Fetcher {
    /// Forks the fetcher, which may be asked for as long as `time`. For a process with one thread.
    ///
    /// # Errors
    /// When the system gives no process or descriptor.
    pub fn start(time: Duration) -> io::Result<Fetcher> {
        let (line, other_end) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let keeper = getpid();
        // SAFETY: as of the analyzer (session/analyzer_process.rs): one thread, so the child may
        // allocate and lock.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => Ok(Fetcher { pid: child, line, time }),
            ForkResult::Child => {
                let _ = std::panic::catch_unwind(|| serve(keeper, &other_end));
                // SAFETY: ends this process without running anything that belongs to the keeper.
                unsafe { libc::_exit(0) }
            }
        }
    }

    /// The descriptor of the line to it.
    pub fn descriptor(&self) -> RawFd {
        self.line.as_raw_fd()
    }

    /// Has this process, just forked from the keeper, ask the fetcher, from now on until the time
    /// is over. Only once, and only where the keeper's own `Fetcher` is never dropped.
    pub fn use_here(&self) {
        // SAFETY: the descriptor is open, and in this process nothing else will close it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(self.line.as_raw_fd()) };
        let _ = LINE.set(Line { descriptor, until: Instant::now() + self.time });
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        child::end(self.pid);
    }
}

/// The debug file with this build-id, of a server or the client's cache; `None` when this process has
/// no fetcher.
pub fn ask(build_id: &[u8]) -> Option<Fetched> {
    let line = LINE.get()?;
    Some(request(line, build_id).unwrap_or_else(Fetched::Unusable))
}

fn request(line: &Line, build_id: &[u8]) -> Result<Fetched, String> {
    let ended = |_| "the process that asks debuginfod has ended".to_owned();
    send(line.descriptor.as_raw_fd(), build_id, MsgFlags::MSG_NOSIGNAL).map_err(ended)?;
    await_answer(line)?;
    let mut answer = vec![0; MAX_MESSAGE];
    let count = recv(line.descriptor.as_raw_fd(), &mut answer, MsgFlags::empty()).map_err(ended)?;
    answer.truncate(count);
    match answer.split_first() {
        Some((&FOUND, path)) => Ok(Fetched::File(PathBuf::from(OsString::from_vec(path.to_vec())))),
        Some((&MISSING, _)) => Ok(Fetched::Missing),
        Some((_, why)) => Err(String::from_utf8_lossy(why).into_owned()),
        None => Err(ended(nix::Error::EPIPE)),
    }
}

fn await_answer(line: &Line) -> Result<(), String> {
    loop {
        let rest = line.until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Err("debuginfod took longer than --debuginfod-time".to_owned());
        }
        let mut watched = [PollFd::new(line.descriptor.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(rest.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, timeout) {
            Ok(1..) => return Ok(()),
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(format!("debuginfod: {error}")),
        }
    }
}

/// The whole life of the fetcher.
fn serve(keeper: Pid, line: &OwnedFd) -> io::Result<()> {
    descriptors::keep_only(&[line.as_raw_fd()], None)?;
    keep_capabilities(CapabilitySet::empty())?;
    prctl::set_no_new_privs()?;
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != keeper {
        return Ok(());
    }
    let mut client = None;
    loop {
        let mut build_id = [0; 64];
        let count = recv(line.as_raw_fd(), &mut build_id, MsgFlags::empty())?;
        let Some(build_id) = build_id.get(..count).filter(|id| !id.is_empty()) else { return Ok(()) };
        // Loaded when there is something to ask for.
        let client = client.get_or_insert_with(Client::load);
        let answer = match client {
            Ok(client) => client.find(build_id),
            Err(why) => [&[UNUSABLE], why.as_bytes()].concat(),
        };
        answer_with(line.as_fd(), &answer)?;
    }
}

fn answer_with(line: BorrowedFd<'_>, answer: &[u8]) -> io::Result<()> {
    let answer = answer.get(..answer.len().min(MAX_MESSAGE)).unwrap_or_default();
    send(line.as_raw_fd(), answer, MsgFlags::MSG_NOSIGNAL)?;
    Ok(())
}

/// `debuginfod_find_debuginfo` of elfutils/debuginfod.h.
type Find = unsafe extern "C" fn(*mut c_void, *const c_uchar, c_int, *mut *mut c_char) -> c_int;

/// The client library, and a handle of it.
struct Client {
    handle: *mut c_void,
    find: Find,
}

impl Client {
    fn load() -> Result<Client, String> {
        if std::env::var_os("DEBUGINFOD_URLS").is_none_or(|urls| urls.is_empty()) {
            return Err("--debuginfod asks the servers named in DEBUGINFOD_URLS, which is not set".to_owned());
        }
        let absent = |_| format!("--debuginfod needs {LIBRARY} (Debian package libdebuginfod1)");
        // SAFETY: the system's own library; what it does when it is loaded happens in this process alone.
        let library = unsafe { Library::new(LIBRARY) }.map_err(absent)?;
        // SAFETY: the types are those of the library's header. The library stays loaded: it is leaked.
        let (begin, find) = unsafe {
            let begin = library.get::<unsafe extern "C" fn() -> *mut c_void>(b"debuginfod_begin\0");
            let find = library.get::<Find>(b"debuginfod_find_debuginfo\0");
            (*begin.map_err(absent)?, *find.map_err(absent)?)
        };
        std::mem::forget(library);
        // SAFETY: takes nothing.
        let handle = unsafe { begin() };
        if handle.is_null() {
            Err("the debuginfod client cannot be set up".to_owned())
        } else {
            Ok(Client { handle, find })
        }
    }

    /// The answer to a question.
    fn find(&self, build_id: &[u8]) -> Vec<u8> {
        let mut path: *mut c_char = std::ptr::null_mut();
        let length = c_int::try_from(build_id.len()).unwrap_or_default();
        // SAFETY: the handle is the library's own and not null; the build-id has `length` bytes (more
        // than 0, which would mean a string); the library leaves an allocated string in `path`.
        let descriptor = unsafe { (self.find)(self.handle, build_id.as_ptr(), length, &raw mut path) };
        if descriptor < 0 || path.is_null() {
            return vec![MISSING];
        }
        // SAFETY: the descriptor was opened for the caller, who must close it.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
        // SAFETY: a NUL-terminated string that is the caller's to free. It is leaked: there are few.
        let path = unsafe { CStr::from_ptr(path) };
        [&[FOUND], path.to_bytes()].concat()
    }
}
