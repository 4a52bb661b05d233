//! The one loop: turns what happens (signals, ends of processes, datagrams, words in the segment, time) into events
//! for the state machine, and its actions into effects. No decision is made here.

use crate::daemon::Title;
use crate::event::{Action, End, Event, Level, Order, Pid};
use crate::heart::Now;
use crate::log::Log;
use crate::notify::{self, Listener};
use crate::options::Options;
use crate::pidfile::Pidfile;
use crate::shared::Shared;
use crate::trace_file::TraceFile;
use crate::watch::Watch;
use crate::{process, spawn};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::time::ClockId;
use rustix::process::{WaitOptions, WaitStatus};
use std::collections::VecDeque;
use std::io::{self, PipeWriter, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Signals that arrive in the loop.
const SIGNALS: [Signal; 7] = {
    use Signal::*;
    [SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2]
};
/// A turn of the loop reads at most this many datagrams and signals; the rest wait for the next.
const MAX_PER_TURN: usize = 64;

struct Tracer {
    pid: Pid,
    max_bytes: u64,
    since: Instant,
    stopped: bool,
}

/// Everything the loop holds.
pub(crate) struct Supervisor {
    trace_dir: PathBuf,
    glider: PathBuf,
    options: Options,
    log: Log,
    pidfile: Option<Pidfile>,
    title: Title,
    signals: SignalFd,
    listener: Listener,
    watch: Watch,
    events: VecDeque<Event>,
    /// Shared with the server, or with the last one.
    shared: Shared,
    server: Option<Pid>,
    tracer: Option<Tracer>,
    trace_file: Option<TraceFile>,
    exit: Option<u8>,
}

impl Supervisor {
    /// Takes over the signals of this process.
    ///
    /// # Errors
    /// The kernel refuses a signal descriptor, a socket or memory.
    pub(crate) fn new(
        options: Options,
        log: Log,
        pidfile: Option<Pidfile>,
        title: Title,
    ) -> io::Result<Self> {
        let mask: SigSet = SIGNALS.into_iter().collect();
        mask.thread_block()?;
        // A signal that was ignored when the monitor was started would never arrive, and with SIGCHLD ignored no
        // child could be waited for; nor is the server to ignore any. SIGHUP stays ignored under nohup(1), SIGPIPE
        // is `Command`'s affair, and SIGKILL and SIGSTOP are refused.
        for one in Signal::iterator().filter(|one| !matches!(one, Signal::SIGHUP | Signal::SIGPIPE)) {
            // SAFETY: the default action; this program installs no handlers but the one against its own stack
            // overflow, which then ends it just as well.
            let _ = unsafe { signal(one, SigHandler::SigDfl) };
        }
        Ok(Supervisor {
            trace_dir: options.path("trace-dir").unwrap_or_default(),
            glider: spawn::find_glider(&options),
            signals: SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            listener: Listener::open()?,
            watch: Watch::new(options.settings()),
            events: VecDeque::from([Event::Start]),
            shared: Shared::create()?,
            server: None,
            tracer: None,
            trace_file: None,
            exit: None,
            options,
            log,
            pidfile,
            title,
        })
    }

    /// Runs until the machine says to exit, and with which status. `launcher` is told as soon as the server runs or
    /// cannot be run.
    pub(crate) fn run(mut self, mut launcher: Option<PipeWriter>) -> u8 {
        loop {
            self.settle();
            if let Some(code) = self.exit {
                self.log.line(Level::Info, &format!("exiting with status {code}"));
                if let Some(pidfile) = &self.pidfile {
                    pidfile.remove();
                }
            }
            // Last of all, so that whoever waits for it finds things as they will stay.
            if let Some(mut launcher) = launcher.take() {
                let _ = launcher.write(&[self.exit.unwrap_or(0)]);
            }
            if let Some(code) = self.exit {
                return code;
            }
            let in_time = self.wait();
            if let Some(server) = self.server {
                self.events.push_back(Event::Look(self.shared.beats()));
                if !in_time && process::is_traced(server) {
                    self.events.push_back(Event::Debugged);
                }
            }
            self.collect();
            self.find_fault();
            self.events.push_back(Event::Tick);
        }
    }

    /// Hands events to the machine and carries out its actions until nothing is left to do.
    fn settle(&mut self) {
        while let Some(event) = self.events.pop_front() {
            for action in self.watch.step(event, now()) {
                self.perform(action);
            }
        }
        self.title.set(&self.watch.title());
    }

    /// Sleeps until something happens, or until the machine's next deadline; false then.
    fn wait(&mut self) -> bool {
        let left = self.watch.wake_at().map(|at| at.saturating_sub(now()) + Duration::from_micros(999));
        let timeout = left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
        });
        let sources = [self.signals.as_fd(), self.listener.as_fd()];
        poll(&mut sources.map(|source| PollFd::new(source, PollFlags::POLLIN)), timeout) != Ok(0)
    }

    /// Signals, ended and stopped children, datagrams. Children come first.
    fn collect(&mut self) {
        let signals: Vec<_> =
            std::iter::from_fn(|| self.signals.read_signal().ok()?).take(MAX_PER_TURN).collect();
        let wait = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
        while let Ok(Some((pid, status))) = rustix::process::wait(wait) {
            self.child_changed(pid.as_raw_nonzero().get(), status);
        }
        for signal in &signals {
            self.translate(signal);
        }
        for _ in 0..MAX_PER_TURN {
            let Some((sender, events)) = self.listener.receive() else { break };
            if self.is_ours(sender) {
                self.events.extend(events);
            } else {
                self.log.line(Level::Debug, &format!("ignored a notification from process {sender}"));
            }
        }
    }

    fn translate(&mut self, signal: &siginfo) {
        let sender = signal.ssi_pid as Pid;
        let event = match Signal::try_from(signal.ssi_signo as i32) {
            Ok(Signal::SIGUSR1) => Event::Beat,
            // A process that has just written a fault record; `find_fault` reads it.
            Ok(Signal::SIGUSR2) if self.shared.faulted() == Some(sender) => return,
            // An old libgimli asks in its handler, and stops; the stop is what tells.
            Ok(Signal::SIGUSR2) if self.server == Some(sender) && process::is_in_fault_handler(sender) => {
                return;
            }
            Ok(Signal::SIGUSR2) => Event::TraceRequested,
            Ok(Signal::SIGHUP) => Event::Restart,
            Ok(Signal::SIGCHLD) | Err(_) => return,
            Ok(signal) => Event::Terminate(signal as i32),
        };
        self.events.push_back(event);
    }

    /// A child ended, stopped or was continued: the server, glider, or as process 1 whatever was inherited.
    fn child_changed(&mut self, pid: Pid, status: WaitStatus) {
        let end = status.exit_status().map(End::Exit).or(status.terminating_signal().map(End::Signal));
        let is_server = self.server == Some(pid);
        if let Some(end) = end {
            if is_server {
                self.server = None;
                self.shared.abandon();
                self.events.push_back(Event::Ended(end));
            } else if let Some(tracer) = self.tracer.take_if(|tracer| tracer.pid == pid) {
                self.tracer_ended(&tracer, end);
            } else {
                self.log.line(Level::Debug, &format!("reaped process {pid}, which {end}"));
            }
        } else if is_server {
            self.events.push_back(match status.stopping_signal() {
                Some(libc::SIGSTOP) if process::is_in_fault_handler(pid) => Event::StoppedByHandler,
                Some(signal) => Event::Stopped(signal),
                None => Event::Continued,
            });
        }
    }

    fn is_ours(&self, pid: Pid) -> bool {
        self.server.is_some_and(|server| process::descends_from(pid, server))
    }

    /// Tells of a process that waits in its fault handler, on every turn until it was taken or released.
    fn find_fault(&mut self) {
        let Some(pid) = self.shared.faulted() else { return };
        let text = self.shared.describe_fault();
        if self.is_ours(pid) {
            self.events.push_back(Event::Fault(pid, text));
        } else {
            let text = format!("process {pid} faulted, not traced, not the server's: {text}");
            self.log.line(Level::Alert, &text);
            self.shared.release(pid);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn => {
                let event = self.spawn();
                self.events.push_front(event);
            }
            Action::Signal(signal) => self.server.into_iter().for_each(|server| send(server, signal)),
            Action::Trace(order) => {
                // The process waits in its handler and is a child: a stop cannot outlive this monitor (handler.rs).
                if order.hold && self.server == Some(order.pid) {
                    send(order.pid, libc::SIGSTOP);
                }
                self.shared.take(order.pid);
                if let Err((problem, bytes)) = self.trace(&order) {
                    self.events.push_front(Event::Traced(Some(problem), bytes));
                }
            }
            Action::KillTracer => {
                if let Some(tracer) = &mut self.tracer {
                    tracer.stopped = true;
                    // Its helpers are in its group.
                    send(-tracer.pid, libc::SIGKILL);
                }
            }
            Action::CloseTrace(line) => {
                let _ = self.trace_file.take().map(|file| file.say(&line));
            }
            Action::Release(pid) => {
                if self.server == Some(pid) {
                    self.shared.close();
                }
                self.shared.release(pid);
            }
            Action::Log(level, text) => self.log.line(level, &text),
            Action::Up(assignment) => notify::tell_manager(&assignment),
            // Statuses of processes and 128 + signal fit.
            Action::Exit(code) => self.exit = Some(u8::try_from(code).unwrap_or(u8::MAX)),
        }
    }

    fn spawn(&mut self) -> Event {
        let started = Shared::create().and_then(|shared| {
            let pid = spawn::server(&self.options, shared.as_fd(), self.listener.name())?;
            Ok((shared, pid))
        });
        match started {
            Ok((shared, pid)) => {
                (self.shared, self.server) = (shared, Some(pid));
                if let Some(pidfile) = &self.pidfile {
                    pidfile.note_server(pid);
                }
                Event::Spawned(pid)
            }
            Err(error) => {
                let program = self.options.program.display();
                self.log.line(Level::Alert, &format!("cannot run {program}: {error}"));
                Event::SpawnFailed(error.raw_os_error().unwrap_or(libc::EIO))
            }
        }
    }

    /// Opens the trace file and starts glider; or says why not, and how much was written.
    fn trace(&mut self, order: &Order) -> Result<(), (String, u64)> {
        let file = TraceFile::create(&self.trace_dir, &self.options, order, &self.glider);
        let folder = self.trace_dir.display();
        let file = file.map_err(|error| (format!("cannot create a trace file in {folder}: {error}"), 0))?;
        self.log.line(Level::Info, &format!("tracing process {} to {}", order.pid, file.path.display()));
        let started = spawn::tracer(&self.glider, order, &file.file, self.options.settings().trace_interval);
        let file = self.trace_file.insert(file);
        let pid = started.map_err(|error| {
            let problem = format!("cannot start {}: {error}", self.glider.display());
            let _ = file.say(&format!("Trace program: {problem}."));
            (problem, file.bytes())
        })?;
        self.tracer = Some(Tracer { pid, max_bytes: order.max_bytes, since: Instant::now(), stopped: false });
        Ok(())
    }

    fn tracer_ended(&mut self, tracer: &Tracer, end: End) {
        let took = tracer.since.elapsed().as_secs_f64();
        let bytes = self.trace_file.as_ref().map_or(0, TraceFile::bytes);
        let problem = match end {
            _ if tracer.stopped => Some("it took too long and was stopped, what it wrote is kept".to_owned()),
            _ if tracer.max_bytes > 0 && bytes >= tracer.max_bytes => {
                Some("it reached max-trace-bytes".to_owned())
            }
            End::Exit(0) => None,
            End::Exit(1) => Some("glider says that it is partial".to_owned()),
            End::Exit(2) => Some("glider could show nothing".to_owned()),
            end => Some(format!("glider {end}, what it wrote is kept")),
        };
        if let Some(file) = &self.trace_file {
            let text = problem.as_deref().unwrap_or("complete");
            if let Err(error) = file.say(&format!("Trace program: {text}, after {took:.3} s.")) {
                self.log.line(Level::Alert, &format!("cannot write to {}: {error}", file.path.display()));
            }
        }
        self.events.push_back(Event::Traced(problem, bytes));
    }
}

/// The machine's time; libgimli stamps beats with the same clock.
fn now() -> Now {
    ClockId::CLOCK_MONOTONIC.now().map_or(Now::ZERO, Duration::from)
}

fn send(pid: Pid, signal: i32) {
    // SAFETY: a system call with plain numbers; the pid is a child's that was not yet waited for, or its group.
    unsafe { libc::kill(pid, signal) };
}
