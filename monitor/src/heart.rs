//! The heart of one server: which beats were seen, by when the next one is due. Pure: times come in as numbers.
//!
//! Beats come three ways: the shared segment (looked at), SIGUSR1 and sd_notify datagrams (arrive by
//! themselves). A server is watched from its first beat on, never before. Our libgimli leaves the time of the last
//! beat in the segment, so the monitor looks when the next one is due and knows the exact silence. An old one only
//! counts; it is looked at four times per interval, and its hang is seen after one to one and a quarter.

use crate::event::Settings;
use libgimli::State;
use std::time::Duration;

/// A point in time on the monotonic clock, which stands still in suspend.
pub(crate) type Now = Duration;

/// The time that comes with a beat may be this old: libgimli takes it from CLOCK_MONOTONIC_COARSE.
const COARSE: Duration = Duration::from_millis(10);

/// The words of the segment; `at` is zero for an old libgimli.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beats {
    pub(crate) state: i32,
    pub(crate) ticks: i32,
    pub(crate) at: Now,
}

#[derive(Debug, Default)]
pub(crate) struct Heart {
    /// A beat was seen.
    pub(crate) watched: bool,
    seen: Beats,
    /// The last beat in the segment came with a time.
    timed: bool,
    /// STOPPING=1 was told.
    pub(crate) stopping: bool,
    /// WATCHDOG_USEC= was told: the running interval.
    pub(crate) interval: Option<Duration>,
    last_beat: Now,
    last_look: Now,
    /// EXTEND_TIMEOUT_USEC=: no verdict before this.
    pub(crate) extended: Now,
}

impl Heart {
    pub(crate) fn new(now: Now) -> Heart {
        Heart { last_beat: now, last_look: now, ..Heart::default() }
    }

    /// Takes in what the segment shows. True when the state is another one than before.
    pub(crate) fn look(&mut self, beats: Beats, now: Now) -> bool {
        let before = std::mem::replace(&mut self.seen, beats);
        if (before.state, before.ticks) != (beats.state, beats.ticks) {
            self.watched |= self.beats_in_segment();
            // Believed as far as it is possible: a server may be broken, or have another clock (time_namespaces(7)).
            let at = beats.at + COARSE;
            self.timed = !beats.at.is_zero() && at >= self.last_look && beats.at <= now;
            self.last_beat = if self.timed { at } else { now };
        }
        self.last_look = now;
        before.state != beats.state
    }

    /// A beat that arrived by itself.
    pub(crate) fn beat(&mut self, now: Now) {
        self.last_beat = now;
        self.watched = true;
    }

    /// Starts the interval anew: after a trace, a stop, or when the monitor itself was not running.
    pub(crate) fn restart(&mut self, now: Now) {
        self.last_beat = now;
    }

    fn beats_in_segment(&self) -> bool {
        State::from_raw(self.seen.state) != State::NotSupported
    }

    pub(crate) fn state(&self) -> State {
        match State::from_raw(self.seen.state) {
            _ if self.stopping => State::Stopping,
            State::NotSupported if self.watched => State::Running,
            state => state,
        }
    }

    /// How long the server may be silent in its state; zero: for ever.
    pub(crate) fn interval(&self, settings: &Settings) -> Duration {
        match self.state() {
            State::NotSupported => Duration::ZERO,
            State::Starting => settings.start_interval,
            State::Running => self.interval.unwrap_or(settings.interval),
            State::Stopping => settings.stop_interval,
        }
    }

    /// When the silence becomes a hang.
    fn due(&self, settings: &Settings) -> Option<Now> {
        let interval = self.interval(settings);
        (self.watched && !interval.is_zero()).then(|| (self.last_beat + interval).max(self.extended))
    }

    pub(crate) fn is_overdue(&self, settings: &Settings, now: Now) -> bool {
        self.due(settings).is_some_and(|due| now >= due)
    }

    /// When the monitor has to look by itself: when a beat is due, and not later than the shortest interval, since
    /// the server may have gone to a state that has it. A segment in which nobody has beaten yet is looked at too:
    /// an old libgimli does not announce itself.
    pub(crate) fn wake_at(&self, settings: &Settings) -> Option<Now> {
        let periods = [settings.start_interval, settings.interval, settings.stop_interval];
        let shortest = periods.into_iter().filter(|period| !period.is_zero()).min()?;
        let pause = if self.beats_in_segment() && !self.timed { shortest / 4 } else { shortest };
        let look = (self.beats_in_segment() || !self.watched).then(|| self.last_look + pause);
        look.into_iter().chain(self.due(settings)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn settings() -> Settings {
        Settings {
            interval: s(60),
            start_interval: s(200),
            stop_interval: s(40),
            trace_interval: s(60),
            respawn_frequency: s(15),
            respawn_max_delay: s(300),
            max_traces: 0,
            max_trace_bytes: 0,
            immortal: false,
            run_once: false,
        }
    }

    fn old(state: i32, ticks: i32) -> Beats {
        Beats { state, ticks, at: Duration::ZERO }
    }

    #[test]
    fn nobody_is_watched_before_the_first_beat() {
        let mut heart = Heart::new(s(0));
        heart.look(old(0, 0), s(1000));
        assert!(!heart.watched && !heart.is_overdue(&settings(), s(5000)));
        assert_eq!(heart.wake_at(&settings()), Some(s(1040)), "an old libgimli may begin to beat");
    }

    #[test]
    fn each_state_has_its_interval() {
        let mut heart = Heart::new(s(0));
        for (state, ticks, interval) in [(1, 0, 200), (2, 1, 60), (3, 2, 40), (2, 3, 60)] {
            assert!(heart.look(old(state, ticks), s(1000)));
            assert!(!heart.is_overdue(&settings(), s(1000 + interval - 1)), "state {state}");
            assert!(heart.is_overdue(&settings(), s(1000 + interval)), "state {state}");
        }
    }

    #[test]
    fn a_segment_whose_beats_carry_their_time_is_looked_at_when_the_next_one_is_due() {
        let mut heart = Heart::new(s(0));
        heart.look(Beats { state: 2, ticks: 7, at: s(95) }, s(100));
        assert_eq!(heart.wake_at(&settings()), Some(s(140)), "the server may have begun to stop");
        heart.look(Beats { state: 2, ticks: 7, at: s(95) }, s(140));
        assert_eq!(heart.wake_at(&settings()), Some(s(155) + COARSE));
        assert!(!heart.is_overdue(&settings(), s(155)) && heart.is_overdue(&settings(), s(155) + COARSE));
    }

    #[test]
    fn a_time_that_cannot_be_is_not_believed() {
        for at in [s(0), s(99), s(201), Duration::from_nanos(u64::MAX)] {
            let mut heart = Heart::new(s(100));
            heart.look(Beats { state: 2, ticks: 1, at }, s(200));
            assert!(
                !heart.is_overdue(&settings(), s(259)) && heart.is_overdue(&settings(), s(260)),
                "{at:?}"
            );
        }
    }

    #[test]
    fn an_old_segment_is_looked_at_four_times_per_interval_and_signals_cost_no_look() {
        let mut heart = Heart::new(s(0));
        heart.look(old(2, 1), s(100));
        assert_eq!(heart.wake_at(&settings()), Some(s(110)));
        let mut heart = Heart::new(s(0));
        heart.beat(s(100));
        assert_eq!(heart.wake_at(&settings()), Some(s(160)));
    }

    #[test]
    fn ticks_may_wrap_and_any_change_is_a_beat() {
        let mut heart = Heart::new(s(0));
        heart.look(old(2, i32::MAX), s(10));
        heart.look(old(2, i32::MIN), s(60));
        assert!(!heart.is_overdue(&settings(), s(119)) && heart.is_overdue(&settings(), s(120)));
    }

    #[test]
    fn an_extension_postpones_the_verdict_and_an_interval_of_zero_never_gives_one() {
        let mut heart = Heart::new(s(0));
        heart.beat(s(0));
        heart.extended = s(500);
        assert!(!heart.is_overdue(&settings(), s(499)) && heart.is_overdue(&settings(), s(500)));
        let never = Settings { interval: s(0), ..settings() };
        assert!(!heart.is_overdue(&never, s(100_000)));
    }

    #[test]
    fn a_server_that_says_it_stops_has_the_stop_interval() {
        let mut heart = Heart::new(s(0));
        heart.beat(s(0));
        heart.stopping = true;
        assert_eq!(heart.state(), State::Stopping);
        assert!(heart.is_overdue(&settings(), s(40)));
    }

    #[test]
    fn whatever_a_server_writes_to_the_segment_its_silence_is_seen() {
        let mut word = 1u64;
        let mut next = || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Every size of number is as likely.
            (word ^ word >> 29) >> (word >> 58)
        };
        for _ in 0..20_000 {
            let mut now = s(next() % 1_000_000);
            let mut heart = Heart::new(now);
            for _ in 0..4 {
                now += Duration::from_micros(next() % 50_000_000);
                let at = Duration::from_nanos(next());
                heart.look(Beats { state: next() as i32, ticks: next() as i32, at }, now);
            }
            let interval = heart.interval(&settings());
            assert_eq!(interval.is_zero(), heart.state() == State::NotSupported);
            let is_seen = heart.is_overdue(&settings(), now + interval + COARSE);
            assert_eq!(is_seen, heart.watched && !interval.is_zero(), "{heart:?} at {now:?}");
        }
    }
}
