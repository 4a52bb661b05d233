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
use crate::signals;
use libgimli::State;
use std::mem;
use std::time::Duration;

/// What follows the end of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// What the way it ended asks for.
    Judge,
    Restart,
    Leave,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    Watching,
    Tracing(Order),
    Ending,
}

/// A server, from its start until it has ended and its trace too.
#[derive(Debug)]
struct Run {
    pid: Pid,
    since: Now,
    heart: Heart,
    doing: Doing,
    /// When the tracer, or the server that was told to end, has had its time.
    kill_at: Option<Now>,
    /// Somebody stopped it on purpose; no beat is expected.
    held: bool,
    /// Its fault or hang was dealt with: the next one is not traced.
    done: bool,
    ended: Option<End>,
    then: Then,
    /// To be relayed once the trace is over.
    relay: Option<i32>,
}

impl Run {
    fn new(pid: Pid, now: Now) -> Run {
        let (since, heart, doing, then) = (now, Heart::new(now), Doing::Watching, Then::Judge);
        let (kill_at, held, done, ended, relay) = (None, false, false, None, None);
        Run { pid, since, heart, doing, kill_at, held, done, ended, then, relay }
    }
}

/// The state of the machine.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    settings: Settings,
    history: History,
    run: Option<Run>,
    /// When no server runs: when the next one is started; None: it is being started, or never.
    start_at: Option<Now>,
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
        Watch { settings, ..Watch::default() }
    }

    /// What to do about one event.
    pub(crate) fn step(&mut self, event: Event, now: Now) -> Vec<Action> {
        self.now = now;
        match self.run.take() {
            None => self.absent(event),
            Some(mut run) => {
                self.present(&mut run, event);
                match (run.doing, run.ended) {
                    (Doing::Watching | Doing::Ending, Some(end)) => self.finish(&run, end),
                    (Doing::Tracing(_), _) | (_, None) => self.run = Some(run),
                }
            }
        }
        mem::take(&mut self.out)
    }

    /// When the machine wants a Tick at the latest. To be asked after each turn: a Tick much later than this
    /// means that the monitor was suspended or starved.
    pub(crate) fn wake_at(&mut self) -> Option<Now> {
        self.promised = match &self.run {
            None => self.start_at,
            Some(Run { doing: Doing::Watching, held: true, .. }) => None,
            Some(Run { doing: Doing::Watching, heart, .. }) => heart.wake_at(&self.settings),
            Some(run) => run.kill_at,
        };
        self.promised
    }

    /// The state in words, for the process title.
    pub(crate) fn title(&self) -> String {
        match (&self.run, self.start_at) {
            (None, Some(_)) => "waiting to start the server again".to_owned(),
            (None, None) => "no server".to_owned(),
            (Some(run), _) => match run.doing {
                Doing::Watching if run.held => format!("server {} stopped on purpose", run.pid),
                Doing::Watching if run.heart.watched => format!("server {} beating", run.pid),
                Doing::Watching => format!("server {} running", run.pid),
                Doing::Tracing(trace) => format!("{}: tracing {}", trace.reason, trace.pid),
                Doing::Ending => format!("ending server {}", run.pid),
            },
        }
    }

    fn absent(&mut self, event: Event) {
        match event {
            Event::Start => self.spawn(),
            Event::Spawned(pid) => {
                self.log(Level::Info, format!("server {pid} started"));
                self.ran = true;
                self.run = Some(Run::new(pid, self.now));
            }
            Event::SpawnFailed(errno) => self.spawn_failed(errno),
            Event::Terminate(signal) => {
                self.log(Level::Info, format!("{} received", signals::describe(signal)));
                self.out.push(Action::Exit(0));
            }
            Event::Restart if self.start_at.is_some() => self.spawn(),
            Event::Tick if self.start_at.is_some_and(|at| self.now >= at) => self.spawn(),
            Event::TraceRequested => self.log(Level::Info, "trace requested, but no server runs"),
            // Meant for a server that is gone.
            Event::Look(_) | Event::Beat | Event::Watchdog | Event::Ready | Event::Stopping => {}
            Event::Status(_) | Event::Extend(_) | Event::Interval(_) | Event::Trigger => {}
            Event::Fault(..) | Event::Traced(..) | Event::StoppedByHandler | Event::Stopped(_) => {}
            Event::Continued | Event::Debugged | Event::Ended(_) | Event::Restart | Event::Tick => {}
        }
    }

    fn present(&mut self, run: &mut Run, event: Event) {
        match event {
            Event::Look(beats) => {
                if run.heart.look(beats, self.now) {
                    let text = format!("server {} declares {:?}", run.pid, run.heart.state());
                    self.log(Level::Debug, text);
                }
                self.tell_ready(run.heart.state() == State::Running && beats.state != 0);
            }
            Event::Beat => {
                run.heart.beat(self.now);
                self.tell_ready(run.heart.state() == State::Running);
            }
            Event::Watchdog => run.heart.beat(self.now),
            Event::Ready => {
                self.log(Level::Info, format!("server {} says it is ready", run.pid));
                self.tell_ready(true);
            }
            Event::Stopping => run.heart.stopping = true,
            Event::Status(status) => {
                self.log(Level::Debug, format!("server {} says: {status}", run.pid));
                self.out.push(Action::Up(format!("STATUS={status}")));
            }
            Event::Extend(time) => {
                run.heart.extended = self.now + time;
                if matches!(run.doing, Doing::Ending) {
                    run.kill_at = run.kill_at.max(Some(self.now + time));
                }
            }
            Event::Interval(interval) => run.heart.interval = Some(interval),
            Event::Trigger => {
                if matches!(run.doing, Doing::Watching) {
                    self.log(Level::Alert, format!("server {} triggers its watchdog", run.pid));
                    self.deal_with(run, Reason::Hang, false);
                }
            }
            Event::Fault(pid, text) => self.faulted(run, pid, &text),
            Event::StoppedByHandler => self.stopped_by_handler(run),
            // Not the stop that holds a faulted server.
            Event::Stopped(_) if run.done => {}
            Event::Stopped(signal) => {
                let by = signals::describe(signal);
                self.log(Level::Alert, format!("server {} was stopped by {by} and is left so", run.pid));
                run.held = true;
            }
            Event::Continued => {
                if mem::replace(&mut run.held, false) {
                    let text = format!("server {} was continued; its interval starts anew", run.pid);
                    self.log(Level::Info, text);
                }
                // It also was stopped when the monitor learns of the end alone, having been stopped meanwhile itself.
                run.heart.restart(self.now);
            }
            Event::Debugged => {
                if matches!(run.doing, Doing::Watching) && run.heart.watched {
                    self.log(
                        Level::Info,
                        format!("server {} is debugged; its interval starts anew", run.pid),
                    );
                    run.heart.restart(self.now);
                }
            }
            Event::Ended(end) => run.ended = Some(end),
            Event::Traced(problem, bytes) => self.traced(run, problem.as_deref(), bytes),
            Event::TraceRequested => {
                if matches!(run.doing, Doing::Watching) {
                    self.log(Level::Info, format!("trace of server {} requested", run.pid));
                    self.trace(run, run.pid, Reason::Request, false);
                }
            }
            Event::Terminate(signal) => {
                self.log(Level::Info, format!("{} received", signals::describe(signal)));
                self.out.push(Action::Up("STOPPING=1".to_owned()));
                let again = mem::replace(&mut run.then, Then::Leave) == Then::Leave;
                self.relay(run, signal, again);
            }
            Event::Restart => {
                self.log(Level::Info, "SIGHUP received: restarting the server");
                if run.then != Then::Leave {
                    run.then = if self.settings.run_once { Then::Leave } else { Then::Restart };
                }
                self.relay(run, libc::SIGTERM, false);
            }
            Event::Tick => self.tick(run),
            // Only ever told while there is no server.
            Event::Start | Event::Spawned(_) | Event::SpawnFailed(_) => {}
        }
    }

    /// A process waits in its fault handler: the server, or one that it forked. It is told again on the next turn
    /// if now is not the time.
    fn faulted(&mut self, run: &mut Run, pid: Pid, text: &str) {
        if matches!(run.doing, Doing::Tracing(_)) {
            return;
        }
        if run.pid == pid && !run.done {
            self.log(Level::Alert, format!("server {pid} faulted: {text}"));
            return self.deal_with(run, Reason::Fault, true);
        }
        self.log(Level::Alert, format!("process {pid} of server {} faulted: {text}", run.pid));
        if matches!(run.doing, Doing::Watching) && !self.refuses_trace() {
            return self.trace(run, pid, Reason::Fault, false);
        }
        self.log(Level::Info, format!("process {pid} is let go untraced"));
        self.out.push(Action::Release(pid));
    }

    fn stopped_by_handler(&mut self, run: &mut Run) {
        match &mut run.doing {
            // After the trace, then.
            Doing::Tracing(trace) => trace.reason = Reason::Fault,
            Doing::Watching | Doing::Ending if run.done => self.out.push(Action::Signal(libc::SIGCONT)),
            Doing::Watching | Doing::Ending => {
                self.log(Level::Alert, format!("server {} faulted and stopped in its handler", run.pid));
                self.deal_with(run, Reason::Fault, false);
            }
        }
    }

    /// The server faulted or hangs: have it traced, unless the burst is full, then end it.
    fn deal_with(&mut self, run: &mut Run, reason: Reason, hold: bool) {
        run.done = true;
        if self.refuses_trace() {
            self.let_go(run, reason);
        } else {
            self.trace(run, run.pid, reason, hold);
        }
    }

    fn refuses_trace(&mut self) -> bool {
        let refusal = self.history.refuse_trace(&self.settings, self.now);
        if let Some(why) = &refusal {
            self.log(Level::Alert, format!("not traced: {why}"));
        }
        refusal.is_some()
    }

    fn trace(&mut self, run: &mut Run, pid: Pid, reason: Reason, hold: bool) {
        // A request is no part of a burst.
        let max_bytes = match reason {
            Reason::Request => self.settings.max_trace_bytes,
            Reason::Fault | Reason::Hang => self.history.bytes_left(&self.settings),
        };
        let order = Order { pid, reason, hold, max_bytes };
        self.out.push(Action::Trace(order));
        let limit = self.settings.trace_interval;
        (run.doing, run.kill_at) = (Doing::Tracing(order), (!limit.is_zero()).then(|| self.now + limit));
    }

    fn traced(&mut self, run: &mut Run, problem: Option<&str>, bytes: u64) {
        let Doing::Tracing(trace) = run.doing else { return };
        (run.doing, run.kill_at) = (Doing::Watching, None);
        if trace.reason != Reason::Request {
            self.history.traced(bytes);
        }
        let level = if problem.is_some() { Level::Alert } else { Level::Info };
        let outcome = problem.unwrap_or("complete");
        self.log(level, format!("trace of process {}: {outcome}, {bytes} bytes", trace.pid));
        if run.ended.is_some() {
            return;
        }
        run.heart.restart(self.now);
        if trace.pid == run.pid && trace.reason != Reason::Request {
            run.done = true;
            return self.let_go(run, trace.reason);
        }
        let fate = if trace.pid == run.pid { "runs on" } else { "is let go to die of its signal" };
        self.out.push(Action::CloseTrace(format!("Process {} {fate}.", trace.pid)));
        if trace.pid != run.pid {
            self.out.push(Action::Release(trace.pid));
        }
        if let Some(signal) = run.relay.take() {
            self.relay(run, signal, false);
        }
    }

    /// A faulted server is let go to run its shutdown function and die, a hung one gets SIGABRT.
    fn let_go(&mut self, run: &mut Run, reason: Reason) {
        self.out.push(Action::Release(run.pid));
        let abort = (reason == Reason::Hang).then_some(libc::SIGABRT);
        self.end(run, abort.into_iter().chain([libc::SIGCONT]));
    }

    /// Asks the server to end; a trace is finished first, unless told twice.
    fn relay(&mut self, run: &mut Run, signal: i32, again: bool) {
        match run.doing {
            Doing::Watching => {
                let wake = run.held.then_some(libc::SIGCONT);
                self.end(run, [signal].into_iter().chain(wake));
            }
            Doing::Tracing(_) => {
                run.relay = Some(signal);
                if again {
                    self.out.push(Action::KillTracer);
                }
            }
            Doing::Ending => self.out.push(Action::Signal(signal)),
        }
    }

    /// Sends what ends the server, and from then on sees to it that it does end.
    fn end(&mut self, run: &mut Run, signals: impl Iterator<Item = i32>) {
        self.out.extend(signals.map(Action::Signal));
        (run.doing, run.kill_at) = (Doing::Ending, Some(self.now + self.settings.grace()));
    }

    /// The server is gone: what next?
    fn finish(&mut self, run: &Run, end: End) {
        let fatal = matches!(end, End::Signal(signal) if signals::is_fault(signal));
        let untraced = if fatal && !run.done { ", not traced: no handler held it" } else { "" };
        let lived = self.now.saturating_sub(run.since).as_secs_f64();
        let level = if fatal { Level::Alert } else { Level::Info };
        self.log(level, format!("server {} {end} after {lived:.1} s{untraced}", run.pid));
        self.out.push(Action::CloseTrace(format!("Process {} {end}.", run.pid)));
        let broken = run.done || fatal || self.settings.immortal;
        match run.then {
            Then::Restart => self.spawn(),
            Then::Judge if broken && !self.settings.run_once => {
                let at = self.history.next_spawn(&self.settings, run.since, self.now);
                self.spawn_at(at);
            }
            Then::Judge | Then::Leave => self.out.push(Action::Exit(end.code())),
        }
    }

    fn tick(&mut self, run: &mut Run) {
        let late = self.promised.take().map_or(Duration::ZERO, |promised| self.now.saturating_sub(promised));
        if late >= LATE {
            self.log(Level::Alert, format!("the monitor was not run for {late:.1?}; intervals start anew"));
            // Its processes were probably not running either.
            run.heart.restart(self.now);
            run.kill_at = run.kill_at.map(|at| at + late);
            return;
        }
        let out_of_time = run.kill_at.is_some_and(|at| self.now >= at);
        match run.doing {
            Doing::Watching if !run.held && run.heart.is_overdue(&self.settings, self.now) => {
                let (state, limit) = (run.heart.state(), run.heart.interval(&self.settings));
                let text = format!("server {} hangs: no beat for {limit:?} while {state:?}", run.pid);
                self.log(Level::Alert, text);
                return self.deal_with(run, Reason::Hang, false);
            }
            Doing::Tracing(trace) if out_of_time => {
                self.log(Level::Alert, format!("tracing {} takes too long: stopping the tracer", trace.pid));
                self.out.push(Action::KillTracer);
            }
            Doing::Ending if out_of_time => {
                self.log(Level::Alert, format!("server {} did not end in time: SIGKILL", run.pid));
                self.out.push(Action::Signal(libc::SIGKILL));
            }
            Doing::Watching | Doing::Tracing(_) | Doing::Ending => return,
        }
        run.kill_at = Some(self.now + KILL_AGAIN);
    }

    fn spawn(&mut self) {
        self.start_at = None;
        self.out.push(Action::Spawn);
    }

    fn spawn_failed(&mut self, errno: i32) {
        if self.settings.run_once || !(self.settings.immortal || self.ran) {
            self.out.push(Action::Exit(if errno == libc::ENOENT { 127 } else { 126 }));
        } else {
            let at = self.history.next_spawn_after_failure(&self.settings, self.now);
            self.spawn_at(at);
        }
    }

    fn spawn_at(&mut self, at: Now) {
        if at <= self.now {
            return self.spawn();
        }
        let delay = format!("next start in {:.1} s", (at - self.now).as_secs_f64());
        self.out.push(Action::Up(format!("STATUS={delay}")));
        self.log(Level::Info, delay);
        self.start_at = Some(at);
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
