use super::*;
use crate::heart::Beats;

const PID: Pid = 100;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn settings() -> Settings {
    Settings {
        interval: s(60),
        start_interval: s(200),
        stop_interval: s(40),
        trace_interval: s(30),
        respawn_frequency: s(15),
        respawn_max_delay: s(300),
        max_traces: 3,
        max_trace_bytes: 1000,
        immortal: false,
        run_once: false,
    }
}

/// A machine, and its actions without the log lines.
struct Machine(Watch);

impl Machine {
    fn with(settings: Settings) -> Machine {
        Machine(Watch::new(settings))
    }

    /// One whose server started at `at`.
    fn running(settings: Settings, at: u64) -> Machine {
        let mut machine = Machine::with(settings);
        assert_eq!(machine.tell(Event::Start, at), [Action::Spawn]);
        assert_eq!(machine.tell(Event::Spawned(PID), at), []);
        machine
    }

    fn tell(&mut self, event: Event, at: u64) -> Vec<Action> {
        let mut actions = self.0.step(event, s(at));
        actions.retain(|action| !matches!(action, Action::Log(..)));
        actions
    }

    fn logged(&mut self, event: Event, at: u64) -> String {
        let text = |action| match action {
            Action::Log(_, text) => Some(text),
            _ => None,
        };
        self.0.step(event, s(at)).into_iter().filter_map(text).collect::<Vec<_>>().join("\n")
    }

    /// Brings a faulted server to its end and the next one to life.
    fn die(&mut self, at: u64) -> Vec<Action> {
        self.tell(fault(PID), at);
        self.tell(traced(10), at);
        self.tell(Event::Ended(End::Signal(libc::SIGSEGV)), at)
    }
}

/// What an old libgimli shows: no time comes with its beats.
fn look(state: i32, ticks: i32) -> Event {
    Event::Look(Beats { state, ticks, at: Duration::ZERO })
}

fn fault(pid: Pid) -> Event {
    Event::Fault(pid, "SIGSEGV".to_owned())
}

fn traced(bytes: u64) -> Event {
    Event::Traced(None, bytes)
}

fn trace(pid: Pid, reason: Reason, hold: bool) -> Action {
    Action::Trace(Order { pid, reason, hold, max_bytes: 1000 })
}

fn close(text: &str) -> Action {
    Action::CloseTrace(text.to_owned())
}

const SEGV: Event = Event::Ended(End::Signal(libc::SIGSEGV));

#[test]
fn a_faulted_server_is_traced_let_go_and_respawned() {
    let mut machine = Machine::running(settings(), 0);
    assert_eq!(machine.tell(fault(PID), 100), [trace(PID, Reason::Fault, true)]);
    assert_eq!(machine.tell(fault(PID), 100), [], "told again while it is traced");
    let go = [Action::Release(PID), Action::Signal(libc::SIGCONT)];
    assert_eq!(machine.tell(traced(10), 101), go);
    let end = [close("Process 100 was killed by SIGSEGV (Segmentation fault)."), Action::Spawn];
    assert_eq!(machine.tell(SEGV, 101), end);
}

#[test]
fn a_faulted_server_that_leaves_with_status_0_is_respawned_all_the_same() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(fault(PID), 100);
    machine.tell(traced(10), 101);
    assert_eq!(machine.tell(Event::Ended(End::Exit(0)), 101)[1..], [Action::Spawn]);
}

#[test]
fn a_hung_server_is_traced_aborted_and_at_last_killed() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(look(2, 1), 10);
    machine.tell(look(2, 1), 69);
    assert_eq!(machine.tell(Event::Tick, 69), []);
    machine.tell(look(2, 1), 70);
    assert_eq!(machine.tell(Event::Tick, 70), [trace(PID, Reason::Hang, false)]);
    let abort = [Action::Release(PID), Action::Signal(libc::SIGABRT), Action::Signal(libc::SIGCONT)];
    assert_eq!(machine.tell(traced(10), 71), abort);
    assert_eq!(machine.0.wake_at(), Some(s(111)));
    assert_eq!(machine.tell(Event::Tick, 110), []);
    machine.0.wake_at();
    assert_eq!(machine.tell(Event::Tick, 111), [Action::Signal(libc::SIGKILL)]);
    assert_eq!(machine.0.wake_at(), Some(s(116)), "and again, should the kernel need it");
    assert_eq!(machine.tell(Event::Ended(End::Signal(libc::SIGKILL)), 112)[1..], [Action::Spawn]);
}

#[test]
fn a_beat_of_any_kind_keeps_the_server_alive() {
    let mut machine = Machine::running(settings(), 0);
    for (at, beat) in [(10, Event::Beat), (60, Event::Watchdog), (110, look(2, 1))] {
        machine.tell(beat, at);
        assert_eq!(machine.tell(Event::Tick, at + 59), []);
    }
    assert_eq!(machine.tell(Event::Tick, 170), [trace(PID, Reason::Hang, false)]);
}

#[test]
fn a_server_that_never_beat_is_never_hung() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(look(0, 0), 100_000);
    assert_eq!(machine.tell(Event::Tick, 100_000), []);
}

#[test]
fn a_monitor_that_was_not_running_starts_the_interval_anew_and_says_so() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Beat, 0);
    assert_eq!(machine.0.wake_at(), Some(s(60)));
    assert!(machine.logged(Event::Tick, 75).contains("not run for 15.0s"));
    assert_eq!(machine.0.wake_at(), Some(s(135)));
    assert_eq!(machine.tell(Event::Tick, 135), [trace(PID, Reason::Hang, false)]);
    machine.0.wake_at();
    machine.tell(Event::Tick, 200);
    assert_eq!(machine.0.wake_at(), Some(s(200)), "glider's time is moved too: 165 + 35");
}

#[test]
fn a_server_stopped_on_purpose_is_left_alone_until_it_is_continued() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Beat, 0);
    assert_eq!(machine.tell(Event::Stopped(libc::SIGSTOP), 10), []);
    assert_eq!(machine.0.wake_at(), None);
    assert_eq!(machine.tell(Event::Tick, 1000), []);
    assert_eq!(machine.0.title(), "server 100 stopped on purpose");
    machine.tell(Event::Continued, 2000);
    assert_eq!(machine.tell(Event::Tick, 2059), []);
    assert_eq!(machine.tell(Event::Tick, 2060), [trace(PID, Reason::Hang, false)]);
}

#[test]
fn a_stop_that_the_monitor_slept_through_starts_the_interval_anew_too() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Beat, 0);
    machine.tell(Event::Continued, 59);
    assert_eq!(machine.tell(Event::Tick, 118), []);
    assert_eq!(machine.tell(Event::Tick, 119), [trace(PID, Reason::Hang, false)]);
}

#[test]
fn a_server_under_a_debugger_is_left_alone() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Beat, 0);
    machine.tell(Event::Debugged, 60);
    assert_eq!(machine.tell(Event::Tick, 60), []);
    assert_eq!(machine.tell(Event::Tick, 120), [trace(PID, Reason::Hang, false)]);
}

#[test]
fn a_server_stopped_on_purpose_while_it_is_traced_is_left_alone_too() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Beat, 0);
    machine.tell(Event::TraceRequested, 5);
    machine.tell(Event::Stopped(libc::SIGTSTP), 5);
    machine.tell(traced(10), 6);
    assert_eq!(machine.tell(Event::Tick, 1000), []);
}

#[test]
fn an_old_libgimli_that_stops_in_its_handler_is_traced_and_continued() {
    let mut machine = Machine::running(settings(), 0);
    let stopped = Event::StoppedByHandler;
    assert_eq!(machine.tell(stopped.clone(), 50), [trace(PID, Reason::Fault, false)]);
    assert_eq!(machine.tell(traced(10), 51)[1..], [Action::Signal(libc::SIGCONT)]);
    assert_eq!(machine.tell(stopped, 52), [Action::Signal(libc::SIGCONT)], "a second stop is not traced");
}

#[test]
fn a_trace_on_request_lets_the_server_run_on() {
    let mut machine = Machine::running(settings(), 0);
    assert_eq!(machine.tell(Event::TraceRequested, 5), [trace(PID, Reason::Request, false)]);
    assert_eq!(machine.tell(traced(10), 6), [close("Process 100 runs on.")]);
    assert_eq!(machine.0.title(), "server 100 running");
}

#[test]
fn a_server_that_faults_while_traced_on_request_is_dealt_with_afterwards() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::TraceRequested, 5);
    assert_eq!(machine.tell(fault(PID), 5), []);
    machine.tell(traced(10), 6);
    assert_eq!(machine.tell(fault(PID), 6), [trace(PID, Reason::Fault, true)]);
    let mut old = Machine::running(settings(), 0);
    old.tell(Event::TraceRequested, 5);
    old.tell(Event::StoppedByHandler, 5);
    assert_eq!(old.tell(traced(10), 6)[1..], [Action::Signal(libc::SIGCONT)]);
}

#[test]
fn a_forked_process_that_faults_is_traced_and_the_server_goes_on() {
    let mut machine = Machine::running(settings(), 0);
    assert_eq!(machine.tell(fault(7), 5), [trace(7, Reason::Fault, false)]);
    let after = [close("Process 7 is let go to die of its signal."), Action::Release(7)];
    assert_eq!(machine.tell(traced(10), 6), after);
    machine.tell(Event::Terminate(libc::SIGTERM), 7);
    assert_eq!(machine.tell(fault(8), 8), [Action::Release(8)], "not while the server ends");
}

#[test]
fn a_tracer_that_takes_too_long_is_killed_and_the_server_dealt_with() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(fault(PID), 10);
    assert_eq!(machine.0.wake_at(), Some(s(40)));
    assert_eq!(machine.tell(Event::Tick, 40), [Action::KillTracer]);
    let stopped = Event::Traced(Some("stopped".to_owned()), 5);
    assert_eq!(machine.tell(stopped, 40), [Action::Release(PID), Action::Signal(libc::SIGCONT)]);
}

#[test]
fn a_server_that_dies_while_it_is_traced_is_respawned_after_the_trace() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(fault(PID), 50);
    assert_eq!(machine.tell(Event::Ended(End::Signal(libc::SIGKILL)), 51), []);
    assert_eq!(machine.tell(traced(10), 52)[1..], [Action::Spawn]);
}

#[test]
fn respawns_after_faults_and_leaves_with_the_status_otherwise() {
    for signal in [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGSYS]
        .into_iter()
        .chain([libc::SIGTRAP, libc::SIGKILL, libc::SIGXCPU, libc::SIGXFSZ])
    {
        let mut machine = Machine::running(settings(), 0);
        assert_eq!(machine.tell(Event::Ended(End::Signal(signal)), 20)[1..], [Action::Spawn]);
    }
    for (end, code) in [(End::Exit(3), 3), (End::Exit(0), 0), (End::Signal(libc::SIGTERM), 143)] {
        let mut machine = Machine::running(settings(), 0);
        assert_eq!(machine.tell(Event::Ended(end), 20)[1..], [Action::Exit(code)]);
        let mut immortal = Machine::running(Settings { immortal: true, ..settings() }, 0);
        assert_eq!(immortal.tell(Event::Ended(end), 20)[1..], [Action::Spawn]);
        let once = Settings { run_once: true, immortal: true, ..settings() };
        assert_eq!(Machine::running(once, 0).tell(Event::Ended(end), 20)[1..], [Action::Exit(code)]);
    }
}

#[test]
fn fast_deaths_back_off_up_to_the_limit_and_a_healthy_run_resets() {
    let mut machine = Machine::running(settings(), 0);
    let mut started = 0;
    for delay in [15, 30, 60, 120, 240, 300, 300] {
        machine.die(started + 1);
        assert_eq!(machine.0.wake_at(), Some(s(started + delay)));
        started += delay;
        assert_eq!(machine.tell(Event::Tick, started), [Action::Spawn]);
        machine.tell(Event::Spawned(PID), started);
    }
    assert_eq!(machine.die(started + 15).pop(), Some(Action::Spawn), "it lived long enough");
    machine.tell(Event::Spawned(PID), started + 15);
    machine.die(started + 16);
    assert_eq!(machine.0.wake_at(), Some(s(started + 30)));
}

#[test]
fn the_first_traces_of_a_burst_are_kept_and_later_ones_counted() {
    let mut machine = Machine::running(Settings { respawn_frequency: s(0), ..settings() }, 0);
    for at in [1, 2, 3] {
        assert!(matches!(machine.die(at)[..], [.., Action::Spawn]));
        machine.tell(Event::Spawned(PID), at);
    }
    let go = [Action::Release(PID), Action::Signal(libc::SIGCONT)];
    assert_eq!(machine.tell(fault(PID), 4), go);
    machine.tell(SEGV, 4);
    machine.tell(Event::Spawned(PID), 4);
    assert!(
        machine.logged(fault(PID), 5).contains("3 traces of 30 bytes are kept of this burst, 2 left out")
    );
    machine.tell(SEGV, 5);
    machine.tell(Event::Spawned(PID), 5);
    assert_eq!(machine.tell(fault(PID), 3603), go, "a loop that goes on is the same burst");
    machine.tell(SEGV, 3603);
    machine.tell(Event::Spawned(PID), 3603);
    assert_eq!(machine.tell(fault(PID), 7203), [trace(PID, Reason::Fault, true)], "a new burst");
}

#[test]
fn a_trace_without_a_file_is_not_counted_as_kept() {
    let mut machine = Machine::running(Settings { respawn_frequency: s(0), max_traces: 1, ..settings() }, 0);
    machine.tell(fault(PID), 1);
    machine.tell(Event::Traced(Some("no space".to_owned()), 0), 1);
    machine.tell(SEGV, 1);
    machine.tell(Event::Spawned(PID), 1);
    assert_eq!(machine.tell(fault(PID), 2), [trace(PID, Reason::Fault, true)]);
}

#[test]
fn a_trace_may_only_be_as_large_as_the_burst_has_bytes_left() {
    let mut machine = Machine::running(Settings { respawn_frequency: s(0), ..settings() }, 0);
    machine.tell(fault(PID), 1);
    machine.tell(traced(900), 1);
    machine.tell(SEGV, 1);
    machine.tell(Event::Spawned(PID), 1);
    let left = Action::Trace(Order { pid: PID, reason: Reason::Fault, hold: true, max_bytes: 100 });
    assert_eq!(machine.tell(fault(PID), 2), [left]);
    machine.tell(traced(100), 2);
    machine.tell(SEGV, 2);
    machine.tell(Event::Spawned(PID), 2);
    assert!(machine.logged(fault(PID), 3).contains("2 traces of 1000 bytes"));
    machine.tell(SEGV, 3);
    machine.tell(Event::Spawned(PID), 3);
    let asked = [trace(PID, Reason::Request, false)];
    assert_eq!(machine.tell(Event::TraceRequested, 4), asked, "who asks is not of the burst");
}

#[test]
fn a_signal_to_end_is_relayed_waited_for_and_enforced() {
    let mut machine = Machine::running(settings(), 0);
    let relayed = [Action::Up("STOPPING=1".to_owned()), Action::Signal(libc::SIGINT)];
    assert_eq!(machine.tell(Event::Terminate(libc::SIGINT), 10), relayed);
    assert_eq!(machine.0.wake_at(), Some(s(50)));
    assert_eq!(machine.tell(Event::Tick, 50), [Action::Signal(libc::SIGKILL)]);
    assert_eq!(machine.tell(Event::Ended(End::Signal(libc::SIGKILL)), 51)[1..], [Action::Exit(137)]);
}

#[test]
fn a_server_that_faults_while_it_ends_is_traced_and_not_respawned() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Terminate(libc::SIGTERM), 10);
    assert_eq!(machine.tell(fault(PID), 11), [trace(PID, Reason::Fault, true)]);
    machine.tell(traced(10), 12);
    assert_eq!(machine.tell(SEGV, 12)[1..], [Action::Exit(139)]);
}

#[test]
fn a_signal_to_end_waits_for_the_trace_and_the_second_one_does_not() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::TraceRequested, 10);
    assert_eq!(machine.tell(Event::Terminate(libc::SIGTERM), 11)[1..], []);
    assert_eq!(machine.tell(Event::Terminate(libc::SIGTERM), 12)[1..], [Action::KillTracer]);
    assert_eq!(machine.tell(traced(10), 13)[1..], [Action::Signal(libc::SIGTERM)]);
    assert_eq!(machine.tell(Event::Ended(End::Exit(0)), 14)[1..], [Action::Exit(0)]);
}

#[test]
fn a_held_server_is_continued_to_take_its_signal() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Stopped(libc::SIGSTOP), 1);
    let actions = machine.tell(Event::Terminate(libc::SIGTERM), 2);
    assert_eq!(actions[1..], [Action::Signal(libc::SIGTERM), Action::Signal(libc::SIGCONT)]);
}

#[test]
fn sighup_restarts_at_once_whatever_the_throttle_says() {
    let mut machine = Machine::running(settings(), 0);
    assert_eq!(machine.tell(Event::Restart, 1), [Action::Signal(libc::SIGTERM)]);
    assert_eq!(machine.tell(Event::Ended(End::Signal(libc::SIGTERM)), 2)[1..], [Action::Spawn]);
    machine.tell(Event::Spawned(PID), 2);
    machine.die(3);
    assert_eq!(machine.tell(Event::Restart, 4), [Action::Spawn], "it does not wait out the back-off");
    let mut once = Machine::running(Settings { run_once: true, ..settings() }, 0);
    once.tell(Event::Restart, 1);
    assert_eq!(once.tell(Event::Ended(End::Exit(0)), 2)[1..], [Action::Exit(0)]);
}

#[test]
fn a_command_that_cannot_run_ends_the_monitor_at_once_unless_it_ran_before() {
    let mut machine = Machine::with(settings());
    machine.tell(Event::Start, 0);
    assert_eq!(machine.tell(Event::SpawnFailed(libc::ENOENT), 0), [Action::Exit(127)]);
    let mut machine = Machine::with(settings());
    machine.tell(Event::Start, 0);
    assert_eq!(machine.tell(Event::SpawnFailed(libc::EACCES), 0), [Action::Exit(126)]);
    let mut machine = Machine::running(settings(), 0);
    machine.die(20);
    let up = Action::Up("STATUS=next start in 15.0 s".to_owned());
    assert_eq!(machine.tell(Event::SpawnFailed(libc::ENOENT), 20), [up]);
    assert_eq!(machine.0.wake_at(), Some(s(35)));
}

#[test]
fn readiness_is_told_once_and_only_when_the_server_is_ready() {
    let up = [Action::Up("READY=1".to_owned())];
    let mut segment = Machine::running(settings(), 0);
    assert_eq!(segment.tell(look(1, 0), 1), []);
    assert_eq!(segment.tell(Event::Beat, 1), [], "attached and starting");
    assert_eq!(segment.tell(look(2, 1), 2), up);
    assert_eq!(segment.tell(look(2, 2), 3), []);
    let mut datagram = Machine::running(settings(), 0);
    assert_eq!(datagram.tell(Event::Watchdog, 1), []);
    assert_eq!(datagram.tell(Event::Ready, 2), up);
    assert_eq!(Machine::running(settings(), 0).tell(Event::Beat, 1), up);
}

#[test]
fn a_daemon_sets_and_triggers_its_watchdog() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Watchdog, 0);
    machine.tell(Event::Interval(s(5)), 0);
    assert_eq!(machine.0.wake_at(), Some(s(5)));
    assert_eq!(machine.tell(Event::Tick, 5), [trace(PID, Reason::Hang, false)]);
    let mut machine = Machine::running(settings(), 0);
    assert_eq!(machine.tell(Event::Trigger, 1), [trace(PID, Reason::Hang, false)]);
    assert_eq!(machine.tell(Event::Trigger, 2), [], "once");
}

#[test]
fn a_server_that_asks_for_more_time_to_end_gets_it() {
    let mut machine = Machine::running(settings(), 0);
    machine.tell(Event::Terminate(libc::SIGTERM), 10);
    machine.tell(Event::Extend(s(100)), 20);
    assert_eq!(machine.0.wake_at(), Some(s(120)));
}

#[test]
fn no_order_of_events_makes_it_panic_or_forget_to_exit() {
    let events = [
        Event::Spawned(PID),
        Event::SpawnFailed(libc::EACCES),
        look(2, 5),
        Event::Beat,
        Event::Watchdog,
        Event::Ready,
        Event::Stopping,
        Event::Status("busy".to_owned()),
        Event::Extend(s(50)),
        Event::Interval(s(5)),
        Event::Trigger,
        fault(PID),
        fault(7),
        Event::StoppedByHandler,
        Event::Stopped(libc::SIGTSTP),
        Event::Continued,
        Event::Debugged,
        SEGV,
        traced(1),
        Event::TraceRequested,
        Event::Terminate(libc::SIGTERM),
        Event::Restart,
        Event::Tick,
    ];
    let mut seed = 1u64;
    for _ in 0..2000 {
        let mut machine = Machine::running(settings(), 0);
        for at in 0..40 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let event = events[(seed >> 33) as usize % events.len()].clone();
            let exits = machine.tell(event, at * 20).iter().any(|action| matches!(action, Action::Exit(_)));
            if exits {
                break;
            }
            machine.0.wake_at();
        }
        let actions: Vec<_> = [Event::Terminate(libc::SIGTERM), traced(1), Event::Ended(End::Exit(0))]
            .into_iter()
            .flat_map(|event| machine.tell(event, 900))
            .collect();
        assert!(actions.iter().any(|action| matches!(action, Action::Exit(_))), "{:?}", machine.0.run);
    }
}
