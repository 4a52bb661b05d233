//! Starting `target.c` in one of its scenarios, and waiting for things to become true.

use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use std::sync::atomic::AtomicU64;

/// A running target, killed and reaped on drop, also when a test panics.
pub(crate) struct Target {
    child: Child,
    progress: tempfile::NamedTempFile,
}

impl Target {
    /// Starts a scenario and waits until it says that it is there.
    pub(crate) fn start(scenario: &str, count: usize) -> Self {
        let progress = tempfile::NamedTempFile::new().unwrap();
        progress.as_file().set_len(4096).unwrap();
        let mut child = Command::new(executable())
            .arg(scenario)
            .arg(progress.path())
            .arg(count.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        let target = Target { child, progress };
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "scenario {scenario}");
        target
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What the target has counted so far.
    pub(crate) fn progress(&self) -> u64 {
        let mut word = [0; 8];
        self.progress.as_file().read_exact_at(&mut word, 0).unwrap();
        u64::from_le_bytes(word)
    }

    /// Fails unless the target counts on.
    pub(crate) fn assert_runs_on(&self) {
        let before = self.progress();
        eventually("the target counts on", || self.progress() > before);
    }

    /// State letters of all its threads, the leader first.
    pub(crate) fn states(&self) -> String {
        let mut tids: Vec<i32> = fs::read_dir(format!("/proc/{}/task", self.pid()))
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        tids.sort_by_key(|tid| (*tid != self.pid(), *tid));
        tids.iter().filter_map(|tid| state_of(&format!("/proc/{}/task/{tid}", self.pid()))).collect()
    }

    /// Who traces the target's threads: one entry each.
    pub(crate) fn tracers(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let status = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
        let tracer = |status: String| {
            status.lines().find_map(|line| Some(line.strip_prefix("TracerPid:")?.trim().to_owned()))
        };
        status.filter_map(tracer).collect()
    }

    /// Fails unless nobody traces any thread any more.
    pub(crate) fn assert_let_go(&self) {
        eventually("no thread is traced", || self.tracers().iter().all(|tracer| tracer == "0"));
    }

    pub(crate) fn send(&self, signal: i32) {
        // SAFETY: kill takes two numbers; the child is not reaped, so the id is its own.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Sends a signal that is queued: each one arrives.
    pub(crate) fn queue(&self, signal: i32) {
        let value = libc::sigval { sival_ptr: std::ptr::null_mut() };
        // SAFETY: takes numbers and a value that the receiver does not use.
        eventually("the queue has room", || unsafe { libc::sigqueue(self.pid(), signal, value) } == 0);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let pid = self.pid();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert!(!Path::new(&format!("/proc/{pid}/exe")).exists(), "the target is gone");
        }
    }
}

/// State letter of the process or thread with this directory in /proc.
pub(crate) fn state_of(directory: &str) -> Option<char> {
    let stat = fs::read(format!("{directory}/stat")).ok()?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(close + 2).map(|&letter| char::from(letter))
}

/// Waits, with a bound, until something is true.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::yield_now();
    }
}

/// `target.c`, compiled once for a run of the tests.
fn executable() -> &'static Path {
    static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();
    EXECUTABLE.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/capture/target.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (executable, fresh) =
            (folder.join("target"), folder.join(format!("target.{}", std::process::id())));
        let status = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-pthread", "-o"])
            .args([&fresh, &source])
            .status()
            .expect("a C compiler is needed: install the Debian package gcc");
        assert!(status.success(), "cc failed on {}", source.display());
        // Put in place at once: another run of the tests may have it open.
        fs::rename(&fresh, &executable).unwrap();
        executable
    })
}

/// A glider in a process of its own: not the parent of what it traces, and mortal.
pub(crate) struct Elsewhere(nix::unistd::Pid);

impl Elsewhere {
    /// Forks; the child does `work`, whose outcome [`Elsewhere::succeeds`] gives.
    pub(crate) fn start(work: impl FnOnce() -> bool) -> Self {
        // SAFETY: the child allocates (glibc allows it) and takes no lock that another test may hold.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Parent { child } => Elsewhere(child),
            nix::unistd::ForkResult::Child => {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                // SAFETY: ends the child without running anything that belongs to the test.
                unsafe { libc::_exit(i32::from(outcome.ok() != Some(true))) }
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn succeeds(self) -> bool {
        let status = nix::sys::wait::waitpid(self.0, None).unwrap();
        std::mem::forget(self);
        matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0))
    }

    /// Kills it.
    pub(crate) fn kill(self, signal: i32) {
        // SAFETY: takes two numbers; the child is not reaped yet.
        assert_eq!(unsafe { libc::kill(self.0.as_raw(), signal) }, 0);
        assert!(!self.succeeds());
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(self.0, nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(self.0, None);
    }
}

/// A few counters that forked processes share with the test.
#[derive(Clone, Copy)]
pub(crate) struct Shared(&'static [AtomicU64; 4]);

impl Shared {
    pub(crate) fn new() -> Self {
        let length = NonZeroUsize::new(4096).unwrap();
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing else.
        let place = unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_SHARED) }.unwrap();
        // SAFETY: the page is zeroed, aligned, large enough, and never unmapped.
        Shared(unsafe { place.cast().as_ref() })
    }

    /// One of the counters.
    pub(crate) fn slot(&self, index: usize) -> &'static AtomicU64 {
        &self.0[index]
    }
}
