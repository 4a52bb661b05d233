//! What the loop tells the state machine, and what the machine tells the loop. Plain data.

use crate::heart::Beats;
use crate::signals;
use std::fmt;
use std::time::Duration;

pub(crate) type Pid = i32;

/// What the machine needs to know of the options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) interval: Duration,
    pub(crate) start_interval: Duration,
    pub(crate) stop_interval: Duration,
    pub(crate) trace_interval: Duration,
    pub(crate) respawn_frequency: Duration,
    pub(crate) respawn_max_delay: Duration,
    pub(crate) max_traces: u64,
    pub(crate) max_trace_bytes: u64,
    pub(crate) immortal: bool,
    pub(crate) run_once: bool,
}

impl Settings {
    /// How long a server that was told to end may take; a minute when the stop interval is off.
    pub(crate) fn grace(&self) -> Duration {
        if self.stop_interval.is_zero() { Duration::from_secs(60) } else { self.stop_interval }
    }
}

/// Why glider is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Fault,
    Hang,
    Request,
}

/// The words of the trace header.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Fault => "fault detected",
            Reason::Hang => "watchdog triggered",
            Reason::Request => "trace requested",
        })
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exit(i32),
    Signal(i32),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exit(code) => write!(f, "exited with status {code}"),
            End::Signal(signal) => write!(f, "was killed by {}", signals::describe(*signal)),
        }
    }
}

impl End {
    /// The status a shell would show for it.
    pub(crate) fn code(self) -> i32 {
        match self {
            End::Exit(code) => code,
            End::Signal(signal) => 128 + signal,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The monitor is ready.
    Start,
    Spawned(Pid),
    /// With errno.
    SpawnFailed(i32),
    /// What the segment shows; told on every turn of the loop while a server runs.
    Look(Beats),
    /// SIGUSR1.
    Beat,
    /// A beat by WATCHDOG=1: no word about readiness, which such a daemon tells by itself.
    Watchdog,
    /// READY=1
    Ready,
    /// STOPPING=1
    Stopping,
    /// STATUS=
    Status(String),
    /// EXTEND_TIMEOUT_USEC=
    Extend(Duration),
    /// WATCHDOG_USEC=
    Interval(Duration),
    /// WATCHDOG=trigger: the server itself says that it is broken.
    Trigger,
    /// A process waits in its fault handler; told on every turn until it is traced or released.
    Fault(Pid, String),
    /// The server stopped itself in its fault handler, as an old libgimli has it.
    StoppedByHandler,
    /// Somebody stopped the server, with this signal.
    Stopped(i32),
    Continued,
    /// Somebody debugs the server: it may stand still on purpose. Told when the machine asked to be woken.
    Debugged,
    Ended(End),
    /// Glider is done, or was never started: what went wrong, and the bytes of the trace file.
    Traced(Option<String>, u64),
    /// SIGUSR2.
    TraceRequested,
    /// SIGTERM, SIGINT or SIGQUIT.
    Terminate(i32),
    /// SIGHUP.
    Restart,
    /// Last on every turn of the loop.
    Tick,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Spawn,
    /// Signal to the server.
    Signal(i32),
    Trace(Order),
    KillTracer,
    /// The last line of the open trace file, which is then closed.
    CloseTrace(String),
    /// Let a process that waits in its handler go on. After the server itself nobody waits for a trace any more.
    Release(Pid),
    Log(Level, String),
    /// To the service manager above, as sd_notify(3) assignments.
    Up(String),
    Exit(i32),
}

/// Open a trace file and start glider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) pid: Pid,
    pub(crate) reason: Reason,
    /// The process waits in its handler: stop its other threads.
    pub(crate) hold: bool,
    /// What glider may write, 0: no limit.
    pub(crate) max_bytes: u64,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Alert,
}
