//! The watchdog: one pure state machine, `step(event, now) -> actions`. It decides; `supervise` does. It knows no
//! system call, no file and no clock, so each rule is tested as a list of events and expected actions.
//!
//! ```text
//! Start → Watching ⇄ Tracing → Ending → Waiting → Watching …
//! ```
//! Watching: the server runs. Tracing: glider is at work. Ending: the server was told to die. Waiting: nothing runs,
//! the next start is not due yet.

use crate::event::{Action, End, Event, Level, Order, Pid, Reason, Settings};
use crate::heart::{Heart, Now};
use crate::history::History;
use crate::notify::Message;
use crate::signals;
use libgimli::State;
use std::mem;
use std::time::Duration;

/// What follows the end of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// What the way it ended asks for.
    Judge,
    Respawn,
    Restart,
    Leave,
}

#[derive(Debug)]
struct Run {
    pid: Pid,
    since: Now,
    heart: Heart,
    /// Somebody stopped it on purpose; no beat is expected.
    held: bool,
    then: Then,
    /// Its fault or hang was dealt with: the next one is not traced.
    done: bool,
}

#[derive(Debug)]
struct Trace {
    pid: Pid,
    reason: Reason,
    kill_at: Option<Now>,
    /// The server stopped in its handler while it was traced on request.
    stopped: bool,
    /// The server ended meanwhile.
    ended: Option<End>,
    /// To be relayed once the trace is over.
    relay: Option<i32>,
}

#[derive(Debug)]
enum Doing {
    Watching,
    Tracing(Trace),
    Ending { kill_at: Now },
}

#[derive(Debug)]
enum Phase {
    /// No server runs. The next one is started then; None: it is being started, or never.
    Absent(Option<Now>),
    Present(Run, Doing),
}

/// The state of the machine.
#[derive(Debug)]
pub(crate) struct Watch {
    settings: Settings,
    phase: Phase,
    history: History,
    /// The command could be run at least once.
    ran: bool,
    ready_told: bool,
    /// When the monitor asked to be woken; being woken much later means that it was not run.
    promised: Option<Now>,
    now: Now,
    out: Vec<Action>,
}

/// Being woken this much late is told and forgiven.
const LATE: Duration = Duration::from_secs(1);
/// Between two SIGKILLs, for a process that the kernel cannot end at once.
const KILL_AGAIN: Duration = Duration::from_secs(5);

impl Watch {
    pub(crate) fn new(settings: Settings) -> Watch {
        let (phase, history, now) = (Phase::Absent(None), History::default(), Duration::ZERO);
        let (ran, ready_told, promised, out) = (false, false, None, Vec::new());
        Watch { settings, phase, history, ran, ready_told, promised, now, out }
    }

    /// What to do about one event.
    pub(crate) fn step(&mut self, event: Event, now: Now) -> Vec<Action> {
        self.now = now;
        self.phase = match mem::replace(&mut self.phase, Phase::Absent(None)) {
            Phase::Absent(until) => self.absent(until, event),
            Phase::Present(run, doing) => self.present(run, doing, event),
        };
        mem::take(&mut self.out)
    }

    /// When the machine wants a Tick at the latest. To be asked after each turn: a Tick much later than this
    /// means that the monitor was suspended or starved.
    pub(crate) fn wake_at(&mut self) -> Option<Now> {
        self.promised = match &self.phase {
            Phase::Absent(until) => *until,
            Phase::Present(_, Doing::Ending { kill_at }) => Some(*kill_at),
            Phase::Present(run, Doing::Watching) if !run.held => run.heart.wake_at(&self.settings),
            Phase::Present(_, Doing::Tracing(trace)) => trace.kill_at,
            Phase::Present(_, Doing::Watching) => None,
        };
        self.promised
    }

    /// The state in words, for the process title.
    pub(crate) fn title(&self) -> String {
        match &self.phase {
            Phase::Absent(Some(_)) => "waiting to start the server again".to_owned(),
            Phase::Absent(None) => "no server".to_owned(),
            Phase::Present(run, Doing::Watching) => {
                let beating = if run.heart.watched { "beating" } else { "running" };
                format!("server {} {}", run.pid, if run.held { "stopped on purpose" } else { beating })
            }
            Phase::Present(_, Doing::Tracing(trace)) => format!("{}: tracing {}", trace.reason, trace.pid),
            Phase::Present(run, Doing::Ending { .. }) => format!("ending server {}", run.pid),
        }
    }

    fn absent(&mut self, mut until: Option<Now>, event: Event) -> Phase {
        match event {
            Event::Start => return self.spawn(),
            Event::Spawned(pid) => {
                self.log(Level::Info, format!("server {pid} started"));
                self.ran = true;
                let (since, heart) = (self.now, Heart::new(self.now));
                let run = Run { pid, since, heart, held: false, then: Then::Judge, done: false };
                return Phase::Present(run, Doing::Watching);
            }
            Event::SpawnFailed(errno) => return self.spawn_failed(errno),
            Event::Terminate(signal) => {
                self.log(Level::Info, format!("{} received", signals::describe(signal)));
                return self.exit(0);
            }
            Event::Restart if until.is_some() => return self.spawn(),
            Event::Tick => match (self.lateness(), until) {
                (Duration::ZERO, Some(at)) if self.now >= at => return self.spawn(),
                (late, _) => until = until.map(|at| at + late),
            },
            Event::TraceRequested => self.log(Level::Info, "trace requested, but no server runs"),
            // Meant for a server that is gone.
            Event::Look(..) | Event::Beat | Event::Notify(_) | Event::Fault(..) | Event::Restart => {}
            Event::StoppedByHandler | Event::Stopped(_) | Event::Continued | Event::Ended(_) => {}
            Event::Traced(..) => {}
        }
        Phase::Absent(until)
    }

    fn present(&mut self, mut run: Run, mut doing: Doing, event: Event) -> Phase {
        match event {
            Event::Look(state, ticks) => {
                if run.heart.look(state, ticks, self.now) {
                    let text = format!("server {} declares {:?}", run.pid, run.heart.state());
                    self.log(Level::Debug, text);
                }
                self.tell_ready(run.heart.state() == State::Running && state != 0);
            }
            Event::Beat => {
                run.heart.beat(self.now);
                self.tell_ready(run.heart.state() == State::Running);
            }
            Event::Notify(message) => self.notified(&mut run, &mut doing, message),
            Event::Fault(pid, text) => return self.faulted(run, doing, pid, &text),
            Event::StoppedByHandler => return self.stopped_by_handler(run, doing),
            Event::Stopped(signal) => {
                // Not the stop that holds a faulted server.
                if !run.done {
                    let by = signals::describe(signal);
                    self.log(Level::Alert, format!("server {} was stopped by {by} and is left so", run.pid));
                    run.held = true;
                }
            }
            Event::Continued => {
                if mem::replace(&mut run.held, false) {
                    let text = format!("server {} was continued; its interval starts anew", run.pid);
                    self.log(Level::Info, text);
                    run.heart.restart(self.now);
                }
            }
            Event::Ended(end) => match &mut doing {
                Doing::Watching | Doing::Ending { .. } => return self.finish(&run, end),
                Doing::Tracing(trace) => trace.ended = Some(end),
            },
            Event::Traced(problem, bytes) => match doing {
                Doing::Tracing(trace) => return self.traced(run, trace, problem.as_deref(), bytes),
                Doing::Watching | Doing::Ending { .. } => {}
            },
            Event::TraceRequested => match doing {
                Doing::Watching => {
                    self.log(Level::Info, format!("trace of server {} requested", run.pid));
                    let pid = run.pid;
                    return self.trace(run, pid, Reason::Request, false);
                }
                Doing::Tracing(_) | Doing::Ending { .. } => {}
            },
            Event::Terminate(signal) => {
                self.log(Level::Info, format!("{} received", signals::describe(signal)));
                self.out.push(Action::Up("STOPPING=1".to_owned()));
                let again = mem::replace(&mut run.then, Then::Leave) == Then::Leave;
                return self.relay(run, doing, signal, again);
            }
            Event::Restart => {
                self.log(Level::Info, "SIGHUP received: restarting the server");
                if run.then != Then::Leave {
                    run.then = if self.settings.run_once { Then::Leave } else { Then::Restart };
                }
                return self.relay(run, doing, libc::SIGTERM, false);
            }
            Event::Tick => return self.tick(run, doing),
            // Only ever told while there is no server.
            Event::Start | Event::Spawned(_) | Event::SpawnFailed(_) => {}
        }
        Phase::Present(run, doing)
    }

    fn notified(&mut self, run: &mut Run, doing: &mut Doing, message: Message) {
        if message.watchdog {
            run.heart.beat(self.now);
        }
        if message.ready {
            self.log(Level::Info, format!("server {} says it is ready", run.pid));
        }
        self.tell_ready(message.ready);
        run.heart.stopping |= message.stopping;
        if let Some(time) = message.extend {
            run.heart.extended = self.now + time;
            if let Doing::Ending { kill_at } = doing {
                *kill_at = (*kill_at).max(self.now + time);
            }
        }
        if let Some(status) = message.status {
            self.log(Level::Debug, format!("server {} says: {status}", run.pid));
            self.out.push(Action::Up(format!("STATUS={status}")));
        }
    }

    /// A process waits in its fault handler: the server, or one that it forked.
    fn faulted(&mut self, run: Run, doing: Doing, pid: Pid, text: &str) -> Phase {
        match doing {
            // It waits, and is told again on the next turn.
            Doing::Tracing(_) => Phase::Present(run, doing),
            Doing::Watching | Doing::Ending { .. } if run.pid == pid && !run.done => {
                self.log(Level::Alert, format!("server {pid} faulted: {text}"));
                self.deal_with(run, Reason::Fault, true)
            }
            Doing::Watching | Doing::Ending { .. } => {
                self.log(Level::Alert, format!("process {pid} of server {} faulted: {text}", run.pid));
                if matches!(doing, Doing::Watching) && !self.refuses_trace() {
                    return self.trace(run, pid, Reason::Fault, false);
                }
                self.log(Level::Info, format!("process {pid} is let go untraced"));
                self.out.push(Action::Release(pid));
                Phase::Present(run, doing)
            }
        }
    }

    fn stopped_by_handler(&mut self, run: Run, mut doing: Doing) -> Phase {
        match &mut doing {
            Doing::Tracing(trace) => trace.stopped = true,
            Doing::Watching | Doing::Ending { .. } if run.done => {
                self.out.push(Action::Signal(libc::SIGCONT))
            }
            Doing::Watching | Doing::Ending { .. } => {
                self.log(Level::Alert, format!("server {} faulted and stopped in its handler", run.pid));
                return self.deal_with(run, Reason::Fault, false);
            }
        }
        Phase::Present(run, doing)
    }

    /// The server faulted or hangs: have it traced, unless the burst is full, then end it.
    fn deal_with(&mut self, mut run: Run, reason: Reason, hold: bool) -> Phase {
        run.done = true;
        if self.refuses_trace() {
            return self.after_trace(run, reason);
        }
        let pid = run.pid;
        self.trace(run, pid, reason, hold)
    }

    fn refuses_trace(&mut self) -> bool {
        let refusal = self.history.refuse_trace(&self.settings, self.now);
        if let Some(why) = &refusal {
            self.log(Level::Alert, format!("not traced: {why}"));
        }
        refusal.is_some()
    }

    fn trace(&mut self, run: Run, pid: Pid, reason: Reason, hold: bool) -> Phase {
        let max_bytes = self.history.bytes_left(&self.settings);
        self.out.push(Action::Trace(Order { pid, reason, hold, max_bytes }));
        let limit = self.settings.trace_interval;
        let kill_at = (!limit.is_zero()).then(|| self.now + limit);
        let trace = Trace { pid, reason, kill_at, stopped: false, ended: None, relay: None };
        Phase::Present(run, Doing::Tracing(trace))
    }

    fn traced(&mut self, mut run: Run, trace: Trace, problem: Option<&str>, bytes: u64) -> Phase {
        if trace.reason != Reason::Request {
            self.history.traced(bytes, self.now);
        }
        let level = if problem.is_some() { Level::Alert } else { Level::Info };
        let outcome = problem.unwrap_or("complete");
        self.log(level, format!("trace of process {}: {outcome}, {bytes} bytes", trace.pid));
        if let Some(end) = trace.ended {
            return self.finish(&run, end);
        }
        run.heart.restart(self.now);
        if trace.pid == run.pid && (trace.reason != Reason::Request || trace.stopped) {
            run.done = true;
            return self.after_trace(run, if trace.stopped { Reason::Fault } else { trace.reason });
        }
        let fate = if trace.pid == run.pid { "runs on" } else { "is let go to die of its signal" };
        self.out.push(Action::CloseTrace(format!("Process {} {fate}.", trace.pid)));
        if trace.pid != run.pid {
            self.out.push(Action::Release(trace.pid));
        }
        match trace.relay {
            Some(signal) => self.relay(run, Doing::Watching, signal, false),
            None => Phase::Present(run, Doing::Watching),
        }
    }

    /// A faulted server is let go to run its shutdown function and die, a hung one gets SIGABRT.
    fn after_trace(&mut self, run: Run, reason: Reason) -> Phase {
        self.out.extend([Action::NoMoreFaults, Action::Release(run.pid)]);
        if reason == Reason::Hang {
            self.out.push(Action::Signal(libc::SIGABRT));
        }
        self.out.push(Action::Signal(libc::SIGCONT));
        Phase::Present(run, Doing::Ending { kill_at: self.now + self.settings.grace() })
    }

    /// Asks the server to end, and sees to it that it does; a trace is finished first, unless told twice.
    fn relay(&mut self, run: Run, mut doing: Doing, signal: i32, again: bool) -> Phase {
        match &mut doing {
            Doing::Watching => {
                self.out.push(Action::Signal(signal));
                if run.held {
                    self.out.push(Action::Signal(libc::SIGCONT));
                }
                doing = Doing::Ending { kill_at: self.now + self.settings.grace() };
            }
            Doing::Tracing(trace) => {
                trace.relay = Some(signal);
                if again {
                    self.out.push(Action::KillTracer);
                }
            }
            Doing::Ending { .. } => self.out.push(Action::Signal(signal)),
        }
        Phase::Present(run, doing)
    }

    /// The server is gone: what next?
    fn finish(&mut self, run: &Run, end: End) -> Phase {
        let fatal = matches!(end, End::Signal(signal) if signals::is_fault(signal));
        let untraced = if fatal && !run.done { ", not traced: no handler held it" } else { "" };
        let lived = self.now.saturating_sub(run.since).as_secs_f64();
        let level = if fatal { Level::Alert } else { Level::Info };
        self.log(level, format!("server {} {end} after {lived:.1} s{untraced}", run.pid));
        self.out.push(Action::CloseTrace(format!("Process {} {end}.", run.pid)));
        let then = match run.then {
            Then::Judge if run.done || fatal || self.settings.immortal => Then::Respawn,
            then => then,
        };
        match then {
            Then::Restart => self.spawn(),
            Then::Respawn if !self.settings.run_once => {
                match self.history.next_spawn(&self.settings, run.since, self.now) {
                    until if until <= self.now => self.spawn(),
                    until => self.wait(until),
                }
            }
            Then::Judge | Then::Respawn | Then::Leave => self.exit(end.code()),
        }
    }

    fn tick(&mut self, mut run: Run, mut doing: Doing) -> Phase {
        let late = self.lateness();
        if !late.is_zero() {
            // Its processes were probably not running either.
            run.heart.restart(self.now);
        }
        match &mut doing {
            Doing::Ending { kill_at } if !late.is_zero() => *kill_at += late,
            Doing::Tracing(trace) if !late.is_zero() => trace.kill_at = trace.kill_at.map(|at| at + late),
            Doing::Watching if !run.held && run.heart.is_overdue(&self.settings, self.now) => {
                let (state, limit) = (run.heart.state(), run.heart.interval(&self.settings));
                let text = format!("server {} hangs: no beat for {limit:?} while {state:?}", run.pid);
                self.log(Level::Alert, text);
                return self.deal_with(run, Reason::Hang, false);
            }
            Doing::Tracing(trace) if trace.kill_at.is_some_and(|kill_at| self.now >= kill_at) => {
                self.log(Level::Alert, format!("tracing {} takes too long: stopping the tracer", trace.pid));
                self.out.push(Action::KillTracer);
                trace.kill_at = Some(self.now + KILL_AGAIN);
            }
            Doing::Ending { kill_at } if self.now >= *kill_at => {
                self.log(Level::Alert, format!("server {} did not end in time: SIGKILL", run.pid));
                self.out.push(Action::Signal(libc::SIGKILL));
                *kill_at = self.now + KILL_AGAIN;
            }
            Doing::Watching | Doing::Tracing(_) | Doing::Ending { .. } => {}
        }
        Phase::Present(run, doing)
    }

    /// By how much this Tick comes too late, if that is worth mentioning.
    fn lateness(&mut self) -> Duration {
        let late = self.promised.take().map_or(Duration::ZERO, |promised| self.now.saturating_sub(promised));
        if late < LATE {
            return Duration::ZERO;
        }
        self.log(Level::Alert, format!("the monitor was not run for {late:.1?}; intervals start anew"));
        late
    }

    fn spawn(&mut self) -> Phase {
        self.out.push(Action::Spawn);
        Phase::Absent(None)
    }

    fn exit(&mut self, code: i32) -> Phase {
        self.out.push(Action::Exit(code));
        Phase::Absent(None)
    }

    fn spawn_failed(&mut self, errno: i32) -> Phase {
        let why = std::io::Error::from_raw_os_error(errno);
        self.log(Level::Alert, format!("cannot start the server: {why}"));
        if self.settings.run_once || !(self.settings.immortal || self.ran) {
            return self.exit(if errno == libc::ENOENT { 127 } else { 126 });
        }
        let until = self.history.next_spawn_after_failure(&self.settings, self.now);
        self.wait(until)
    }

    fn wait(&mut self, until: Now) -> Phase {
        let delay = format!("next start in {:.1} s", until.saturating_sub(self.now).as_secs_f64());
        self.out.push(Action::Up(format!("STATUS={delay}")));
        self.log(Level::Info, delay);
        Phase::Absent(Some(until))
    }

    fn tell_ready(&mut self, ready: bool) {
        if ready && !mem::replace(&mut self.ready_told, true) {
            self.out.push(Action::Up("READY=1".to_owned()));
        }
    }

    fn log(&mut self, level: Level, text: impl Into<String>) {
        self.out.push(Action::Log(level, text.into()));
    }
}

#[cfg(test)]
mod tests;
