//! Runs the analysis in a plugin host and survives whatever becomes of it.
//!
//! The analyzer forks the host with everything warm, and only watches from then on. When the
//! host dies, hangs, stops or breaks a limit, the plugin that was being called is dropped and
//! a new host is forked, which begins again at the first thread, so that the other plugins
//! see the whole process; threads that are in the spool already stay as they are.

use super::board::{Board, Call, Ending};
use super::confine::{Descriptors, confine, is_copy};
use super::printed::Printed;
use super::search::{Plan, Planned};
use crate::limits::{Limits, PLUGIN_FAILURES, PLUGIN_LAST_TEXT};
use crate::report::{Footer, Plugin, PluginStatus, PluginText};
use crate::session::Output;
use crate::target::siginfo;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid};
use rustix::fs::{MemfdFlags, memfd_create};
use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How often the host is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Threads that may be put before all descriptors are looked at again: those that have been put since the last
/// look are analyzed again when one was damaged.
const MAX_UNSOUND: usize = 15;
/// Bytes of a footer that are believed.
const MAX_FOOTER: u64 = 256 << 20;

/// What a host starts from.
pub struct Seat<'p> {
    /// The plugins to load, in order.
    pub(super) plugins: Vec<&'p Planned>,
    /// Where the host says what it does.
    pub(super) board: &'static Board,
    /// What plugins print.
    pub(super) printed: Printed,
    /// The descriptors that must stay as they are.
    pub(super) descriptors: Descriptors,
    /// The one among them that the spool is written through.
    spool: Option<RawFd>,
    /// Threads that were put since all were looked at.
    unsound: Cell<usize>,
    /// Whether all are looked at after every call.
    pub(super) is_strict: Cell<bool>,
    /// Whether each call is noted.
    pub(super) notes_calls: bool,
    /// Whether a plugin has run since descriptors were looked at.
    pub(super) has_run: Cell<bool>,
    host: Pid,
}

impl Seat<'_> {
    /// Says that so many threads are in the spool, which has this size now. Looks at all descriptors when that
    /// was long ago, or these threads are the last.
    pub fn advance(&self, threads: usize, spool: u64, is_last: bool) {
        let is_sound = is_last || self.unsound.get() >= MAX_UNSOUND;
        if is_sound {
            self.check_descriptors();
        }
        self.unsound.set(if is_sound { 0 } else { self.unsound.get() + 1 });
        self.board.advance(threads, spool, is_sound);
    }

    /// Before something is put into the spool. Does not come back in a process that a plugin has
    /// forked, nor when the spool is not what it was.
    #[inline(never)]
    pub fn check(&self) {
        // By number as well: clone(2) runs no handlers.
        if is_copy() || getpid() != self.host {
            // SAFETY: ends this process, a copy that a plugin made, without running anything else.
            unsafe { libc::_exit(0) }
        }
        let is_intact = |spool| self.descriptors.is_intact(spool);
        if self.has_run.get() && !self.spool.is_none_or(is_intact) {
            self.give_up(Ending::Descriptors);
        }
    }

    /// Does not come back when a plugin has damaged a descriptor.
    pub(super) fn check_descriptors(&self) {
        if self.has_run.replace(false) && !self.descriptors.are_intact() {
            self.give_up(Ending::Descriptors);
        }
    }

    /// Ends the host because of its plugins.
    pub(super) fn give_up(&self, ending: Ending) -> ! {
        self.board.conclude(ending);
        // SAFETY: ends this process without running exit handlers, which may be a plugin's.
        unsafe { libc::_exit(1) }
    }
}

/// The work of a host: given its seat (`None`: no plugins, in this process), how many threads
/// are in the spool already, and the spool.
pub type Analysis<'w> = dyn Fn(Option<&Seat<'_>>, usize, &mut dyn Output) -> Footer + 'w;

/// How a host ended.
enum End {
    Done(Box<Footer>),
    /// Because of a plugin: which call, and how.
    Blamed(Call, String),
    /// Descriptors were damaged, by one of several plugins.
    Unclear,
    /// For a reason of its own.
    Host(String),
}

/// Runs `analysis` in a host with the plugins of `plan`, as often as it takes.
///
/// The footer has the plugins, their output and their failures.
pub fn supervise(
    plan: &Plan,
    notes_calls: bool,
    limits: &Limits,
    output: &mut dyn Output,
    analysis: &Analysis<'_>,
) -> Footer {
    let mut entries: Vec<Plugin> = plan.plugins.iter().map(Planned::entry).collect();
    let mut last_texts = Vec::new();
    let mut problems = plan.problems.clone();
    let mut footer = match Supervisor::new(limits) {
        Ok(mut supervisor) => supervisor.run(
            plan,
            notes_calls,
            &mut Losses { entries: &mut entries, problems: &mut problems, last_texts: &mut last_texts },
            output,
            analysis,
        ),
        Err(error) => {
            let why = format!("the plugin host cannot be set up: {error}");
            entries.iter_mut().for_each(|entry| fail(entry, &why));
            problems.push(why);
            analysis(None, 0, output)
        }
    };
    footer.problems.splice(0..0, problems);
    footer.plugins = entries.into_iter().chain(plan.missing.iter().cloned()).collect();
    footer.plugin_output.splice(0..0, last_texts);
    footer
}

/// What became of the plugins.
struct Losses<'l> {
    entries: &'l mut Vec<Plugin>,
    problems: &'l mut Vec<String>,
    last_texts: &'l mut Vec<PluginText>,
}

/// Forks hosts and judges what they leave behind.
pub struct Supervisor<'l> {
    limits: &'l Limits,
    board: &'static Board,
    printed: Printed,
    /// The footer that a host writes when it has done everything.
    result: File,
}

impl<'l> Supervisor<'l> {
    /// With an empty page, and empty files.
    ///
    /// # Errors
    /// When the system gives no memory or descriptor.
    pub fn new(limits: &'l Limits) -> io::Result<Supervisor<'l>> {
        Ok(Supervisor {
            limits,
            board: Board::new()?,
            printed: Printed::new(limits.plugin_output)?,
            result: File::from(memfd_create("glider-footer", MemfdFlags::CLOEXEC)?),
        })
    }

    fn run(
        &mut self,
        plan: &Plan,
        notes_calls: bool,
        losses: &mut Losses<'_>,
        output: &mut dyn Output,
        analysis: &Analysis<'_>,
    ) -> Footer {
        let begin = output.size();
        let mut active: Vec<usize> = (0..plan.plugins.len()).collect();
        let (mut failures, mut is_strict, mut done) = (0, false, 0);
        self.board.advance(0, begin, true);
        while !active.is_empty() {
            let plugins: Vec<&Planned> = active.iter().filter_map(|index| plan.plugins.get(*index)).collect();
            let end = self.host(plugins, notes_calls, is_strict, done, output, analysis);
            let (threads, size) = self.board.progress();
            done = threads;
            output.set_size(size);
            self.board.advance(threads, size, true);
            match end {
                End::Done(mut footer) => {
                    for (index, entry) in active.iter().zip(std::mem::take(&mut footer.plugins)) {
                        if let Some(known) = losses.entries.get_mut(*index) {
                            losses.problems.extend(
                                entry
                                    .problem
                                    .iter()
                                    .map(|problem| format!("plugin {}: {problem}", entry.path)),
                            );
                            *known = entry;
                        }
                    }
                    return *footer;
                }
                End::Unclear => is_strict = true,
                End::Blamed(call, how) => {
                    failures += 1;
                    let Some(index) = active.get(call.plugin).copied() else {
                        self.drop_all(&mut active, &how, losses);
                        continue;
                    };
                    active.remove(call.plugin);
                    self.drop_plugin(index, &format!("{how}, at {call}"), plan, losses);
                    if failures >= PLUGIN_FAILURES {
                        self.drop_all(
                            &mut active,
                            &format!("{failures} plugins have failed before it"),
                            losses,
                        );
                    }
                }
                End::Host(how) => {
                    self.drop_all(&mut active, &format!("the plugin host failed: {how}"), losses)
                }
            }
        }
        analysis(None, done, output)
    }

    fn drop_plugin(&self, index: usize, how: &str, plan: &Plan, losses: &mut Losses<'_>) {
        let (Some(entry), Some(planned)) = (losses.entries.get_mut(index), plan.plugins.get(index)) else {
            return;
        };
        fail(entry, how);
        losses.problems.push(format!("plugin {} was dropped: {how}", entry.path));
        let printed = self.printed.peek();
        let text = String::from_utf8_lossy(printed.get(..PLUGIN_LAST_TEXT).unwrap_or(printed)).into_owned();
        if !text.is_empty() {
            losses.last_texts.push(PluginText { plugin: planned.file_name(), text });
        }
    }

    fn drop_all(&self, active: &mut Vec<usize>, how: &str, losses: &mut Losses<'_>) {
        for index in active.drain(..) {
            if let Some(entry) = losses.entries.get_mut(index) {
                fail(entry, how);
                losses.problems.push(format!("plugin {} was dropped: {how}", entry.path));
            }
        }
    }

    /// One host, from fork to end.
    fn host(
        &mut self,
        plugins: Vec<&Planned>,
        notes_calls: bool,
        is_strict: bool,
        done: usize,
        output: &mut dyn Output,
        analysis: &Analysis<'_>,
    ) -> End {
        let count = plugins.len();
        self.board.reset();
        self.printed.clear();
        let printed = match self.result.set_len(0).and_then(|()| self.printed.try_clone()) {
            Ok(printed) => printed,
            Err(error) => return End::Host(error.to_string()),
        };
        let analyzer = getpid();
        // SAFETY: the analyzer has one thread, so the child may allocate and lock.
        match unsafe { fork() } {
            Err(error) => End::Host(error.to_string()),
            Ok(ForkResult::Parent { child }) => self.watch(child, count, is_strict),
            Ok(ForkResult::Child) => {
                let seat = Seat {
                    plugins,
                    board: self.board,
                    printed,
                    descriptors: Descriptors::default(),
                    spool: output.descriptor(),
                    unsound: Cell::new(0),
                    is_strict: Cell::new(is_strict),
                    notes_calls,
                    has_run: Cell::new(false),
                    host: getpid(),
                };
                let work = AssertUnwindSafe(|| self.be_host(seat, analyzer, done, output, analysis));
                if let Ok(Err(_)) | Err(_) = catch_unwind(work) {
                    self.board.conclude(Ending::Host);
                }
                // SAFETY: ends this process without running exit handlers, which may be a plugin's.
                unsafe { libc::_exit(0) }
            }
        }
    }

    /// The whole life of a host.
    fn be_host(
        &self,
        mut seat: Seat<'_>,
        analyzer: Pid,
        done: usize,
        output: &mut dyn Output,
        analysis: &Analysis<'_>,
    ) -> io::Result<()> {
        confine(analyzer, self.limits.plugin_memory)?;
        seat.printed.take_over()?;
        seat.descriptors = Descriptors::watch()?;
        let footer = analysis(Some(&seat), done, output);
        seat.check();
        seat.check_descriptors();
        let bytes = postcard::to_stdvec(&footer).map_err(io::Error::other)?;
        self.result.write_all_at(&bytes, 0)?;
        self.board.conclude(Ending::Done);
        Ok(())
    }

    /// Waits for the end of a host, or makes it end.
    fn watch(&self, host: Pid, plugins: usize, is_strict: bool) -> End {
        let excess = self.await_end(host, plugins);
        // Not reaped yet, so the number is still its own, and that of its group.
        let _ = killpg(host, Signal::SIGKILL);
        let _ = nix::sys::signal::kill(host, Signal::SIGKILL);
        let status = loop {
            match waitpid(host, None) {
                Err(nix::Error::EINTR) => {}
                Err(_) => break WaitStatus::StillAlive,
                Ok(status) => break status,
            }
        };
        self.judge(excess, status, plugins, is_strict)
    }

    /// What comes of a host that has left these words on the page that it shares with the analyzer, and
    /// this as its footer: a plugin can write anything there. The spool is cut to what the page says of it.
    ///
    /// # Errors
    /// How the host failed, in words.
    pub fn judge_remains(
        &self,
        page: [u64; 5],
        footer: &[u8],
        output: &mut dyn Output,
    ) -> Result<Footer, String> {
        self.board.put(page);
        let put = self.result.set_len(0).and_then(|()| self.result.write_all_at(footer, 0));
        put.map_err(|error| error.to_string())?;
        let end = self.judge(None, WaitStatus::Exited(Pid::from_raw(0), 0), 1, false);
        output.set_size(self.board.progress().1);
        match end {
            End::Done(footer) => Ok(*footer),
            End::Blamed(call, how) => Err(format!("{how}, at {call}")),
            End::Unclear => Err("one of several plugins".to_owned()),
            End::Host(how) => Err(how),
        }
    }

    /// Whose fault it was that the host ended in this way, if anybody's.
    fn judge(&self, excess: Option<String>, status: WaitStatus, plugins: usize, is_strict: bool) -> End {
        let (_, call) = self.board.last_call();
        let how = match (excess, self.board.ending(), status) {
            (Some(excess), _, _) => excess,
            (None, Ending::Done, _) => {
                return match self.read_footer() {
                    Some(footer) => End::Done(Box::new(footer)),
                    None => End::Host("its report cannot be read".to_owned()),
                };
            }
            (None, Ending::Host, _) => return End::Host("it could not be set up, or panicked".to_owned()),
            (None, Ending::TooMuchOutput, _) => self.too_much_output(),
            (None, Ending::Descriptors, _) if !is_strict && plugins > 1 => return End::Unclear,
            (None, Ending::Descriptors, _) => "it closed or exchanged a descriptor of glider's".to_owned(),
            (None, Ending::None, WaitStatus::Exited(_, status)) => {
                format!("it called exit with status {status}")
            }
            (None, Ending::None, WaitStatus::Signaled(_, signal, _)) => {
                format!("it was ended by signal {} ({})", signal as i32, siginfo::description(signal as i32))
            }
            (None, Ending::None, _) => "nobody knows how it ended".to_owned(),
        };
        match call {
            Some(call) => End::Blamed(call, how),
            None => End::Host(how),
        }
    }

    /// Comes back when the host has ended, or must be ended, and says why it must.
    fn await_end(&self, host: Pid, plugins: usize) -> Option<String> {
        let handle = rustix::process::Pid::from_raw(host.as_raw())
            .and_then(|host| rustix::process::pidfd_open(host, rustix::process::PidfdFlags::empty()).ok());
        let tick = TICK.min(self.limits.plugin_call / 4).max(Duration::from_millis(1));
        let timeout = PollTimeout::try_from(tick.as_millis()).unwrap_or(PollTimeout::MAX);
        let mut spent = vec![Duration::ZERO; plugins];
        let mut clock = Clock::start(host);
        let (mut turn_seen, mut turn_since, mut last_look) = (0, Duration::ZERO, Duration::ZERO);
        loop {
            let mut watched: Vec<PollFd<'_>> =
                handle.iter().map(|handle| PollFd::new(handle.as_fd(), PollFlags::POLLIN)).collect();
            if matches!(poll(&mut watched, timeout), Ok(1..)) {
                return None;
            }
            let flags =
                WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            match waitid(Id::Pid(host), flags) {
                Ok(WaitStatus::Stopped(_, signal)) => return Some(format!("it stopped itself ({signal})")),
                Ok(WaitStatus::StillAlive) | Err(nix::Error::EINTR) => {}
                _ => return None,
            }
            if self.printed.peek().len() as u64 > self.limits.plugin_output {
                return Some(self.too_much_output());
            }
            let now = clock.now();
            let (turn, call) = self.board.last_call();
            if turn != turn_seen {
                (turn_seen, turn_since) = (turn, now);
            }
            let is_running = turn % 2 == 1;
            if let Some(spent) = call.filter(|_| is_running).and_then(|call| spent.get_mut(call.plugin)) {
                *spent += now - last_look;
                if *spent > self.limits.plugin_time {
                    return Some(format!(
                        "it took longer than {:?} in all (--plugin-time)",
                        self.limits.plugin_time
                    ));
                }
                if now - turn_since > self.limits.plugin_call {
                    return Some(format!(
                        "it took longer than {:?} (--plugin-call-time)",
                        self.limits.plugin_call
                    ));
                }
            }
            last_look = now;
        }
    }

    fn too_much_output(&self) -> String {
        format!("it printed more than {} bytes (--max-plugin-output)", self.limits.plugin_output)
    }

    fn read_footer(&self) -> Option<Footer> {
        let size = self.result.metadata().ok()?.len();
        let mut bytes = vec![0; usize::try_from(size).ok().filter(|_| size <= MAX_FOOTER)?];
        self.result.read_exact_at(&mut bytes, 0).ok()?;
        postcard::from_bytes(&bytes).ok()
    }
}

/// Time as it passes for a host: while it waits for a processor that others have, none does. A
/// plugin is not at fault for a busy machine.
struct Clock {
    host: Pid,
    started: Instant,
    now: Duration,
}

impl Clock {
    fn start(host: Pid) -> Clock {
        Clock { host, started: Instant::now(), now: Duration::ZERO }
    }

    /// Since the start; it never goes back.
    fn now(&mut self) -> Duration {
        let passed = self.started.elapsed().saturating_sub(self.waited());
        self.now = self.now.max(passed);
        self.now
    }

    /// How long the host's first thread has waited for a processor: the second number of
    /// `/proc/PID/schedstat`, in nanoseconds (kernel documentation, sched-stats). Zero where the kernel
    /// does not tell.
    fn waited(&self) -> Duration {
        let told = fs::read_to_string(format!("/proc/{}/schedstat", self.host)).unwrap_or_default();
        let waited = told.split_whitespace().nth(1).and_then(|waited| waited.parse().ok());
        Duration::from_nanos(waited.unwrap_or(0))
    }
}

fn fail(entry: &mut Plugin, how: &str) {
    entry.status = PluginStatus::Failed;
    entry.problem = Some(how.to_owned());
}
