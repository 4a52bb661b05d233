//! The one loop: turns what happens (signals, ends of processes, datagrams, words in the segment, time) into events
//! for the state machine, and its actions into effects. No decision is made here.

use crate::daemon::Title;
use crate::event::{Action, End, Event, Level, Order, Pid};
use crate::log::Log;
use crate::notify::{self, Listener};
use crate::options::Options;
use crate::pidfile::Pidfile;
use crate::shared::Shared;
use crate::trace_file::{self, Header, TraceFile};
use crate::watch::Watch;
use crate::{process, signals, spawn};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
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
    since: Instant,
    stopped: bool,
}

/// Everything the loop holds.
pub(crate) struct Supervisor {
    options: Options,
    log: Log,
    pidfile: Option<Pidfile>,
    title: Title,
    glider: PathBuf,
    manager: Option<String>,
    signals: SignalFd,
    listener: Listener,
    began: Instant,
    watch: Watch,
    events: VecDeque<Event>,
    /// Shared with the server, or with the last one.
    shared: Shared,
    server: Option<Pid>,
    tracer: Option<Tracer>,
    trace_file: Option<TraceFile>,
    exit: Option<i32>,
}

impl Supervisor {
    /// Takes over the signals of this process.
    ///
    /// # Errors
    /// The kernel refuses a signal descriptor or a socket.
    pub(crate) fn new(
        options: Options,
        log: Log,
        pidfile: Option<Pidfile>,
        title: Title,
    ) -> nix::Result<Self> {
        let mask: SigSet = SIGNALS.into_iter().collect();
        mask.thread_block()?;
        // A signal that was ignored when the monitor was started would never arrive, and with SIGCHLD ignored no
        // child could be waited for. SIGHUP stays ignored under nohup(1).
        for signal in SIGNALS.into_iter().filter(|signal| *signal != Signal::SIGHUP) {
            // SAFETY: the default action; the signal is blocked, and this program installs no handlers.
            unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
        }
        Ok(Supervisor {
            glider: spawn::find_glider(options.text("glider")),
            manager: std::env::var("NOTIFY_SOCKET").ok(),
            signals: SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            listener: Listener::open()?,
            began: Instant::now(),
            watch: Watch::new(options.settings()),
            events: VecDeque::new(),
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

    /// Runs until the machine says to exit, and with which status.
    pub(crate) fn run(mut self) -> i32 {
        self.events.push_back(Event::Start);
        loop {
            self.settle();
            if let Some(code) = self.exit {
                self.log.line(Level::Info, &format!("exiting with status {code}"));
                if let Some(pidfile) = &self.pidfile {
                    pidfile.remove();
                }
                return code;
            }
            self.wait();
            self.look();
            self.collect();
            self.find_fault();
            self.events.push_back(Event::Tick);
        }
    }

    /// Hands events to the machine and carries out its actions until nothing is left to do.
    fn settle(&mut self) {
        while let Some(event) = self.events.pop_front() {
            for action in self.watch.step(event, self.began.elapsed()) {
                self.perform(action);
            }
        }
        self.title.set(&self.watch.title());
    }

    /// Sleeps until something happens or the machine's next deadline.
    fn wait(&mut self) {
        let timeout = match self.watch.wake_at() {
            None => PollTimeout::NONE,
            Some(at) => {
                let left = at.saturating_sub(self.began.elapsed()) + Duration::from_micros(999);
                PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
            }
        };
        let sources = [self.signals.as_fd(), self.listener.as_fd()];
        let _ = poll(&mut sources.map(|source| PollFd::new(source, PollFlags::POLLIN)), timeout);
    }

    fn look(&mut self) {
        if self.server.is_some() {
            let (state, ticks) = self.shared.beats();
            self.events.push_back(Event::Look(state, ticks));
        }
    }

    /// Signals, ended and stopped children, datagrams. Children come first: the stop of an old libgimli's process
    /// tells what its SIGUSR2 means.
    fn collect(&mut self) {
        let mut arrived = Vec::new();
        while let (Ok(Some(signal)), true) = (self.signals.read_signal(), arrived.len() < MAX_PER_TURN) {
            arrived.push(signal);
        }
        self.reap();
        for signal in &arrived {
            self.translate(signal);
        }
        for _ in 0..MAX_PER_TURN {
            let Some((sender, message)) = self.listener.receive() else { break };
            if self.is_ours(sender) {
                self.events.push_back(Event::Notify(message));
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
            Ok(Signal::SIGUSR2) if self.shared.fault().is_some_and(|record| record.pid == sender) => return,
            Ok(Signal::SIGUSR2) => Event::TraceRequested,
            Ok(Signal::SIGHUP) => Event::Restart,
            Ok(signal @ (Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT)) => {
                Event::Terminate(signal as i32)
            }
            _ => return,
        };
        self.events.push_back(event);
    }

    /// Waits for every child there is: the server, glider, and as process 1 whatever was inherited.
    fn reap(&mut self) {
        let mut status = 0;
        loop {
            // SAFETY: waitpid fills the local status.
            let pid = unsafe {
                libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED)
            };
            if pid <= 0 {
                return;
            }
            let end = match (libc::WIFEXITED(status), libc::WIFSIGNALED(status)) {
                (true, _) => End::Exit(libc::WEXITSTATUS(status)),
                (_, true) => End::Signal(libc::WTERMSIG(status)),
                _ if self.server == Some(pid) => {
                    self.server_stopped(pid, status);
                    continue;
                }
                _ => continue,
            };
            if self.server == Some(pid) {
                self.server = None;
                self.shared.abandon();
                if let Some(pidfile) = &self.pidfile {
                    pidfile.forget_server();
                }
                self.events.push_back(Event::Ended(end));
            } else if self.tracer.as_ref().is_some_and(|tracer| tracer.pid == pid) {
                self.tracer_ended(end);
            } else {
                self.log.line(Level::Debug, &format!("reaped process {pid}, which {end}"));
            }
        }
    }

    fn server_stopped(&mut self, pid: Pid, status: i32) {
        // One that stopped to be noticed and left a record is told of by `find_fault`.
        if self.shared.fault().is_none_or(|record| record.pid != pid) {
            let signal = libc::WSTOPSIG(status);
            self.events.push_back(match libc::WIFSTOPPED(status) {
                true if signal == libc::SIGSTOP && process::is_in_fault_handler(pid) => {
                    Event::StoppedByHandler
                }
                true => Event::Stopped(signal),
                false => Event::Continued,
            });
        }
    }

    fn is_ours(&self, pid: Pid) -> bool {
        self.server.is_some_and(|server| process::descends_from(pid, server))
    }

    /// Tells of a process that waits in its fault handler, on every turn until it was taken or released.
    fn find_fault(&mut self) {
        let Some(record) = self.shared.fault() else { return };
        let signal = signals::describe(record.signal);
        let code = signals::describe_code(record.signal, record.code);
        let text = format!("{signal}, {code}, at {:#x}, thread {}", record.address, record.thread);
        if self.is_ours(record.pid) {
            self.events.push_back(Event::Fault(record.pid, text));
        } else {
            let text = format!("process {} faulted, not traced, not the server's: {text}", record.pid);
            self.log.line(Level::Alert, &text);
            self.shared.release(record.pid);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn => {
                let event = self.spawn();
                self.events.push_front(event);
            }
            Action::Signal(signal) => {
                if let Some(server) = self.server {
                    send(server, signal);
                }
            }
            Action::Trace(order) => {
                // The process waits in its handler and is a child: a stop cannot outlive this monitor (handler.rs).
                if order.hold && self.server == Some(order.pid) {
                    send(order.pid, libc::SIGSTOP);
                }
                self.shared.take(order.pid);
                if let Err((problem, bytes)) = self.trace(order) {
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
                if let Some(trace) = self.trace_file.take() {
                    trace.say(&line);
                }
            }
            Action::Release(pid) => self.shared.release(pid),
            Action::NoMoreFaults => self.shared.close(),
            Action::Log(level, text) => self.log.line(level, &text),
            Action::Up(assignment) => {
                if let Some(manager) = &self.manager {
                    notify::tell_manager(manager, &assignment);
                }
            }
            Action::Exit(code) => self.exit = Some(code),
        }
    }

    fn spawn(&mut self) -> Event {
        let started = Shared::create().map_err(std::io::Error::from).and_then(|shared| {
            let pid = spawn::server(&spawn::Server {
                command: &self.options.command,
                arg0: self.options.text("arg0"),
                group: self.options.toggle("setsid"),
                segment: shared.as_fd(),
                notify_socket: self.listener.name(),
                watchdog: self.options.settings().interval,
            })?;
            Ok((shared, pid))
        });
        match started {
            Ok((shared, pid)) => {
                self.shared = shared;
                self.server = Some(pid);
                if let Some(pidfile) = &self.pidfile {
                    pidfile.note_server(pid);
                }
                Event::Spawned(pid)
            }
            Err(error) => Event::SpawnFailed(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    /// Opens the trace file and starts glider; or says why not, and how much was written.
    fn trace(&mut self, order: Order) -> Result<(), (String, u64)> {
        let pid = order.pid;
        let words = self.options.command.iter().map(|word| word.to_string_lossy());
        let words: Vec<_> = words.map(|word| word.replace(char::is_control, " ")).collect();
        let name = self.options.text("arg0").or(words.first().map(String::as_str)).unwrap_or_default();
        let (app, command_line, glider) = (&trace_file::app_name(name), &words.join(" "), &self.glider);
        let header = Header { app, pid, command_line, reason: order.reason, glider };
        let folder = Path::new(self.options.get("trace-dir"));
        let file = TraceFile::create(folder, &header)
            .map_err(|error| (format!("cannot create a trace file in {}: {error}", folder.display()), 0))?;
        self.log.line(Level::Info, &format!("tracing process {pid} to {}", file.path.display()));
        let started = spawn::tracer(&self.glider, pid, &file.file, order.max_bytes);
        let file = self.trace_file.insert(file);
        match started {
            Ok(tracer) => {
                let since = Instant::now();
                self.tracer = Some(Tracer { pid: tracer, since, stopped: false });
                Ok(())
            }
            Err(error) => {
                let problem = format!("cannot start {}: {error}", self.glider.display());
                file.say(&format!("Trace program: {problem}."));
                Err((problem, file.bytes()))
            }
        }
    }

    fn tracer_ended(&mut self, end: End) {
        let Some(tracer) = self.tracer.take() else { return };
        let took = tracer.since.elapsed().as_secs_f64();
        let problem = match end {
            End::Exit(0) => None,
            _ if tracer.stopped => Some("it took too long and was stopped, what it wrote is kept".to_owned()),
            End::Exit(1) => Some("glider says that it is partial".to_owned()),
            End::Exit(2) => Some("glider could show nothing".to_owned()),
            End::Signal(libc::SIGXFSZ) => Some("glider reached max-trace-bytes".to_owned()),
            end => Some(format!("glider {end}, what it wrote is kept")),
        };
        let bytes = self.trace_file.as_ref().map_or(0, |file| {
            let text = problem.as_deref().unwrap_or("complete");
            file.say(&format!("Trace program: {text}, after {took:.3} s."));
            file.bytes()
        });
        self.events.push_back(Event::Traced(problem, bytes));
    }
}

fn send(pid: Pid, signal: i32) {
    // SAFETY: a system call with plain numbers; the pid is a child's that was not yet waited for, or its group.
    unsafe { libc::kill(pid, signal) };
}
