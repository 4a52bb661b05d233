//! What the past says about the next start and the next trace: respawn brake, back-off, trace limits. Pure.

use crate::event::Settings;
use crate::heart::Now;
use std::time::Duration;

/// A burst of faults is over after this long without one.
const BURST: Duration = Duration::from_secs(3600);
/// Between attempts when the server cannot even be started.
const FAILED_START: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct History {
    /// Starts in a row that lasted less than the respawn frequency, or failed.
    fast_deaths: u32,
    traces: u64,
    refused: u64,
    bytes: u64,
    last_fault: Now,
}

impl History {
    /// When a server that started at `since` and died at `now` may start again: not within the respawn
    /// frequency of its start; from the second fast death in a row on, twice as long each time, up to the limit.
    pub(crate) fn next_spawn(&mut self, settings: &Settings, since: Now, now: Now) -> Now {
        let frequency = settings.respawn_frequency;
        if now.saturating_sub(since) >= frequency {
            self.fast_deaths = 0;
            return now;
        }
        since + self.delay(frequency, settings)
    }

    pub(crate) fn next_spawn_after_failure(&mut self, settings: &Settings, now: Now) -> Now {
        now + self.delay(settings.respawn_frequency.max(FAILED_START), settings)
    }

    fn delay(&mut self, first: Duration, settings: &Settings) -> Duration {
        let delay = first.saturating_mul(1 << self.fast_deaths.min(20));
        self.fast_deaths = self.fast_deaths.saturating_add(1);
        delay.min(settings.respawn_max_delay.max(first))
    }

    /// Why the burst holds no room for another trace, if so; it is then counted.
    pub(crate) fn refuse_trace(&mut self, settings: &Settings, now: Now) -> Option<String> {
        if now.saturating_sub(std::mem::replace(&mut self.last_fault, now)) >= BURST {
            (self.traces, self.refused, self.bytes) = (0, 0, 0);
        }
        let full = |limit: u64, used: u64| limit > 0 && used >= limit;
        if full(settings.max_traces, self.traces) || full(settings.max_trace_bytes, self.bytes) {
            self.refused += 1;
            let (traces, bytes, refused) = (self.traces, self.bytes, self.refused);
            return Some(format!(
                "{traces} traces of {bytes} bytes are kept of this burst, {refused} left out"
            ));
        }
        None
    }

    /// Bytes the next trace file may have; 0: no limit.
    pub(crate) fn bytes_left(&self, settings: &Settings) -> u64 {
        match settings.max_trace_bytes {
            0 => 0,
            limit => limit.saturating_sub(self.bytes).max(1),
        }
    }

    /// A trace is over; one of which no file could be made leaves nothing behind.
    pub(crate) fn traced(&mut self, bytes: u64) {
        self.traces += u64::from(bytes > 0);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
