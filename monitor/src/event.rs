//! What the loop tells the state machine, and what the machine tells the loop. Plain data.

use crate::notify::Message;
use crate::signals;
use std::fmt;
use std::time::Duration;

pub(crate) type Pid = i32;

/// What the machine needs to know of the options.
#[derive(Clone, Debug)]
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
    /// The monitor is ready; a server left behind by a killed one may still run.
    Start {
        leftover: Option<Pid>,
    },
    LeftoverGone,
    Spawned(Pid),
    SpawnFailed {
        errno: i32,
    },
    /// What the segment shows; told on every turn of the loop while a server runs.
    Look {
        state: i32,
        ticks: i32,
    },
    /// SIGUSR1.
    Beat,
    /// A datagram from the server.
    Notify(Message),
    /// A process waits in its fault handler; told on every turn until it is traced or released.
    Fault {
        pid: Pid,
        text: String,
    },
    /// The server stopped: by the fault handler of an old libgimli, or because somebody stopped it.
    Stopped {
        by_handler: bool,
        signal: i32,
    },
    Continued,
    Ended(End),
    /// Glider is done, or was never started, having made the trace file this large.
    Traced {
        problem: Option<String>,
        bytes: u64,
    },
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
    EndLeftover(i32),
    /// Signal to the server.
    Signal(i32),
    /// Open a trace file and start glider. `hold`: the process waits in its handler, stop its other threads.
    Trace {
        pid: Pid,
        reason: Reason,
        hold: bool,
        max_bytes: u64,
    },
    KillTracer,
    /// The last line of the open trace file, which is then closed.
    CloseTrace(String),
    /// Let a process that waits in its handler go on.
    Release(Pid),
    /// No handler of this server is to wait for a trace any more.
    NoMoreFaults,
    Log(Level, String),
    /// To the service manager above, as sd_notify(3) assignments.
    Up(String),
    Exit(i32),
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Alert,
}
