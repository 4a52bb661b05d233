//! Holding a process: every thread stopped, and every thread let go again whatever happens.
//!
//! Pipeline place: the heart of the keeper. Three nets lie under a held process. [`Hold`]
//! detaches on drop, so on every return and panic. It exists only inside [`with_hold`],
//! which runs on a thread of its own: when that thread ends, the kernel lets go whatever it
//! still traces, above all a thread that would not stop while we waited and stops later.
//! And when the whole keeper is killed, the kernel does the same.
//!
//! What the target can notice: a few system calls that wait (`epoll_wait`, `semop`, a read from
//! inotify: the list is in signal(7), "Interruption of system calls and library functions by
//! stop signals") end with EINTR, as they do after SIGSTOP and SIGCONT. All others go on waiting.
//!
//! ptrace(2) is the reference, "Attaching and detaching" and "Group-stop".

use super::TargetError;
use super::access::{find_tracer, not_permitted};
use super::procfs::{ProcessDirectory, ThreadStat, is_gone};
use super::ptrace::{self, ChildSignals, Event};
use super::reaper::Reaper;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// How long a thread in uninterruptible sleep is waited for after the last other thread stopped.
const PATIENCE_ASLEEP: Duration = Duration::from_millis(250);
/// How long any other thread is waited for: a running one must first get a processor.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often new threads are looked for. Each look catches all there are; a process that makes
/// threads as fast as it can is caught after a few.
const MAX_ROUNDS: usize = 500;
/// How often the hold is begun again because an id went to another process meanwhile.
const MAX_MISTAKES: usize = 10;
/// Longest sleep between looks at threads that have not stopped yet: SIGCHLD ends it sooner.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A process all of whose threads stand still. See [`with_hold`].
#[derive(Debug)]
pub struct Hold<'a> {
    process: &'a ProcessDirectory,
    threads: Vec<HeldThread>,
    problems: Vec<String>,
    began: Instant,
    released: Option<Released>,
    /// Only the thread that seized may ask anything of the threads.
    bound_to_this_thread: PhantomData<*const ()>,
}

/// One thread of a held process.
#[derive(Debug)]
pub struct HeldThread {
    /// Its id.
    pub tid: i32,
    /// Name and state before it was touched.
    pub before: ThreadStat,
    /// What it was blocked in then.
    pub wait_channel: Option<String>,
    /// How it stands.
    pub stop: Stop,
}

/// How a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has not stopped (yet).
    Pending,
    /// Stopped because of us alone.
    Interrupted,
    /// Stopped with its whole process by this job-control signal.
    GroupStop(i32),
    /// Stopped as it was about to receive this signal.
    Signal(i32),
    /// It did not stop in time; the kernel lets it go with the tracing thread.
    Unresponsive,
    /// It had already exited: a leader that other threads outlive.
    Exited,
    /// It ended while it was held.
    Gone,
}

impl Stop {
    /// Whether the thread can be asked for its registers.
    pub fn is_stopped(self) -> bool {
        matches!(self, Stop::Interrupted | Stop::GroupStop(_) | Stop::Signal(_))
    }
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// From the first thread asked to stop until the last was let go.
    pub paused: Duration,
    /// Whether the process ended while it was held (by SIGKILL: nothing else reaches it).
    pub ended: bool,
}

/// Stops every thread of `process`, does `work`, and lets them go. Waits for threads that do not
/// stop no longer than until `deadline`.
///
/// # Errors
/// When the process cannot be traced or is no longer there; then it is as it was.
pub fn with_hold<R: Send>(
    process: &ProcessDirectory,
    deadline: Instant,
    work: impl FnOnce(&mut Hold<'_>) -> R + Send,
) -> Result<R, TargetError> {
    let signals = ChildSignals::block();
    let mut work = Some(work);
    for _ in 0..MAX_MISTAKES {
        let reaper = Reaper::default();
        let outcome = std::thread::scope(|scope| {
            let hold_and_work = || {
                let help = reaper.ask();
                let mut hold = Hold::new(process);
                hold.stop_all(&signals, &reaper, deadline)?;
                drop(help);
                Ok(work.take().map(|work| work(&mut hold)))
            };
            let tracer = std::thread::Builder::new().name("tracer".to_owned());
            let tracer = tracer.spawn_scoped(scope, hold_and_work);
            let tracer = tracer.map_err(|error| TargetError::system("start a thread", error))?;
            reaper.help();
            match tracer.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        match outcome {
            Ok(Some(result)) => return Ok(result),
            Err(Unheld::Refused(error)) => return Err(error),
            Ok(None) | Err(Unheld::Mistaken) => {}
        }
    }
    let why = std::io::Error::other("the ids of its threads go to other processes as fast as they are read");
    Err(TargetError::system(format!("stop process {}", process.pid()), why))
}

/// Why a process is not held.
enum Unheld {
    Refused(TargetError),
    /// A thread of another process was seized, which has got the id of one that had just ended.
    /// Nothing lets go of it but the end of the tracing thread.
    Mistaken,
}

impl From<TargetError> for Unheld {
    fn from(error: TargetError) -> Self {
        Unheld::Refused(error)
    }
}

impl<'a> Hold<'a> {
    fn new(process: &'a ProcessDirectory) -> Self {
        Hold {
            process,
            threads: Vec::new(),
            problems: Vec::new(),
            began: Instant::now(),
            released: None,
            bound_to_this_thread: PhantomData,
        }
    }

    /// The process held.
    pub fn process(&self) -> &'a ProcessDirectory {
        self.process
    }

    /// Its threads, in the order they were found.
    pub fn threads(&self) -> &[HeldThread] {
        &self.threads
    }

    /// When the first thread was asked to stop.
    pub fn since(&self) -> Instant {
        self.began
    }

    /// What went wrong while stopping it, a line each.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Seizes and interrupts until no thread is left that is not known, and all known ones have stopped.
    fn stop_all(&mut self, signals: &ChildSignals, reaper: &Reaper, deadline: Instant) -> Result<(), Unheld> {
        let mut known = HashSet::new();
        let mut rounds = 0;
        loop {
            // A thread that ran until a moment ago may have started another: look again after each wait.
            let listed = self.list_threads()?;
            let new: Vec<i32> = listed.iter().copied().filter(|tid| !known.contains(tid)).collect();
            if new.is_empty() {
                break;
            }
            rounds += 1;
            if rounds > MAX_ROUNDS || (rounds > 1 && Instant::now() > deadline) {
                self.problems
                    .push(format!("new threads kept appearing: {} of them were not stopped", new.len()));
                break;
            }
            self.seize_all(&new, reaper, &mut known)?;
            self.await_stops(signals, deadline, &mut known);
        }
        if self.threads.iter().any(|thread| !matches!(thread.stop, Stop::Exited | Stop::Gone)) {
            Ok(())
        } else {
            Err(Unheld::Refused(TargetError::NoSuchProcess { pid: self.process.pid() }))
        }
    }

    fn list_threads(&self) -> Result<Vec<i32>, TargetError> {
        let pid = self.process.pid();
        if self.process.has_ended() {
            return Err(TargetError::NoSuchProcess { pid });
        }
        self.process.thread_ids().map_err(|error| match is_gone(&error) {
            true => TargetError::NoSuchProcess { pid },
            false => TargetError::system(format!("read /proc/{pid}/task"), error),
        })
    }

    /// Looks at the threads as they are, then seizes and interrupts them without waiting for any.
    ///
    /// Between the look and the seizing a thread may have ended and its id have gone to another process.
    /// The id of a seized thread stays its own until its end is taken note of, so whichever is listed now is
    /// of this process. No other is interrupted, and nothing is read of it.
    fn seize_all(&mut self, new: &[i32], reaper: &Reaper, known: &mut HashSet<i32>) -> Result<(), Unheld> {
        let looks: Vec<_> = new.iter().filter_map(|&tid| Some((tid, self.look_at(tid)?))).collect();
        if self.threads.is_empty() {
            self.began = Instant::now();
        }
        let mut seized = Vec::with_capacity(looks.len());
        for (tid, (before, wait_channel)) in looks {
            match ptrace::seize(tid) {
                Ok(()) => {
                    reaper.note(tid);
                    seized.push(HeldThread { tid, before, wait_channel, stop: Stop::Pending });
                }
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(error) => {
                    if let Some(refusal) = self.explain(tid, &error) {
                        return Err(refusal.into());
                    }
                    // It has exited. Of a leader that is worth a line of the report.
                    known.insert(tid);
                    if tid == self.process.pid() {
                        self.threads.push(HeldThread { tid, before, wait_channel, stop: Stop::Exited });
                    }
                }
            }
        }
        let own: HashSet<i32> = self.list_threads()?.into_iter().collect();
        if seized.iter().any(|thread| !own.contains(&thread.tid)) {
            return Err(Unheld::Mistaken);
        }
        for thread in seized {
            if ptrace::interrupt(thread.tid).is_ok() {
                known.insert(thread.tid);
                self.threads.push(thread);
            }
        }
        Ok(())
    }

    /// State and wait channel of a thread nothing was done to yet; `None` when it is gone.
    fn look_at(&self, tid: i32) -> Option<(ThreadStat, Option<String>)> {
        let stat = self.process.read_thread_stat(tid).ok()?;
        let wait_channel = stat.is_blocked.then(|| self.process.read_wait_channel(tid)).flatten();
        Some((stat, wait_channel))
    }

    /// Why a thread could not be seized: somebody traces it, or it is not permitted. `None` for one that has exited.
    fn explain(&self, tid: i32, error: &std::io::Error) -> Option<TargetError> {
        let has_exited = self.process.read_thread_stat(tid).map_or(true, |stat| stat.has_exited());
        if has_exited {
            return None;
        }
        if error.raw_os_error() != Some(libc::EPERM) {
            return Some(TargetError::system(
                format!("trace thread {tid}"),
                std::io::Error::from(error.kind()),
            ));
        }
        Some(find_tracer(self.process, tid).unwrap_or_else(|| not_permitted(self.process, tid)))
    }

    /// Collects stops until there are none to come.
    fn await_stops(&mut self, signals: &ChildSignals, deadline: Instant, known: &mut HashSet<i32>) {
        let mut pending: Vec<&mut HeldThread> =
            self.threads.iter_mut().filter(|thread| thread.stop == Stop::Pending).collect();
        let mut progress = Instant::now();
        while !pending.is_empty() {
            let before = pending.len();
            pending.retain_mut(|thread| {
                thread.look();
                if thread.stop == Stop::Gone {
                    known.remove(&thread.tid);
                }
                thread.stop == Stop::Pending
            });
            if pending.len() < before {
                progress = Instant::now();
                continue;
            }
            let idle = progress.elapsed();
            let late = Instant::now() > deadline;
            pending.retain_mut(|thread| {
                let asleep = idle > PATIENCE_ASLEEP
                    && self.process.read_thread_stat(thread.tid).is_ok_and(|stat| stat.state == 'D');
                if late || asleep || idle > PATIENCE {
                    thread.stop = Stop::Unresponsive;
                }
                thread.stop == Stop::Pending
            });
            signals.wait(LOOK_AGAIN);
        }
    }

    /// Takes note of threads that ended, or stopped at last. To be called now and then (at SIGCHLD):
    /// a killed process stays unfinished until its tracer has taken note.
    pub fn look_again(&mut self) {
        self.threads.iter_mut().for_each(HeldThread::look);
    }

    /// Whether no thread is left.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(|thread| matches!(thread.stop, Stop::Gone | Stop::Exited))
    }

    /// Lets every thread go, with the signal it was about to receive. A process that was stopped by
    /// a signal stays stopped. Further calls do nothing and give what the first one gave.
    pub fn release(&mut self) -> Released {
        if let Some(released) = self.released {
            return released;
        }
        self.threads.iter_mut().for_each(HeldThread::let_go);
        let released = Released { paused: self.began.elapsed(), ended: self.has_ended() };
        *self.released.insert(released)
    }
}

impl HeldThread {
    /// Takes over what has happened to the thread since the last look.
    fn look(&mut self) {
        if matches!(self.stop, Stop::Exited | Stop::Gone) {
            return;
        }
        match ptrace::wait(self.tid) {
            Event::None => {}
            Event::Interrupted => self.stop = Stop::Interrupted,
            Event::GroupStop(signal) => self.stop = Stop::GroupStop(signal),
            Event::Signal(signal) => self.stop = Stop::Signal(signal),
            Event::Gone => self.stop = Stop::Gone,
        }
    }

    /// Detaches. A thread that has not stopped cannot be detached: the end of the tracing thread lets it go.
    fn let_go(&mut self) {
        if !self.stop.is_stopped() {
            self.look();
        }
        let signal = match self.stop {
            Stop::Signal(signal) => signal,
            Stop::Interrupted | Stop::GroupStop(_) => 0,
            Stop::Pending | Stop::Unresponsive | Stop::Exited | Stop::Gone => return,
        };
        if ptrace::detach(self.tid, signal).is_err() {
            // Killed meanwhile: taking note of it lets the process finish.
            self.look();
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.release();
    }
}
