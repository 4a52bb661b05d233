//! Durations and points in time.

use super::part::Part;
use super::sequence::not_a;
use crate::report::{Value, rfc3339};
use crate::values::location::Scope;
use std::time::Duration;

/// `1.5s`, as `{:?}` prints it.
pub(super) fn duration(scope: &Scope<'_>, part: &Part) -> Option<Value> {
    let types = scope.process.types;
    let seconds = part.member(types, "secs")?.number(scope)?;
    let nanoseconds = part.member(types, "nanos")?.number(scope)?;
    Some(match checked("Duration", seconds, nanoseconds) {
        Ok(duration) => Value::Literal { text: format!("{duration:?}") },
        Err(value) => value,
    })
}

/// An `Instant`, whose start is not told: `93784.5s on the monotonic clock` (clock_gettime(2)).
pub(super) fn instant(scope: &Scope<'_>, part: &Part) -> Option<Value> {
    let (seconds, nanoseconds) = timespec(scope, part)?;
    Some(match checked("Instant", u64::try_from(seconds).ok()?, nanoseconds) {
        Ok(time) => Value::Literal { text: format!("{time:?} on the monotonic clock") },
        Err(value) => value,
    })
}

/// `2026-11-23T07:58:12.5Z`; `None` before 1970.
pub(super) fn system_time(scope: &Scope<'_>, part: &Part) -> Option<Value> {
    /// The end of the year 9999.
    const MAX_SECONDS: u64 = 253_402_300_799;
    let (seconds, nanoseconds) = timespec(scope, part)?;
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_SECONDS)?;
    Some(match checked("SystemTime", seconds, nanoseconds) {
        Ok(_) => {
            let fraction = format!("{nanoseconds:09}");
            let fraction = fraction.trim_end_matches('0');
            let whole = rfc3339(seconds);
            let whole = whole.trim_end_matches('Z');
            let point = if fraction.is_empty() { "" } else { "." };
            Value::Literal { text: format!("{whole}{point}{fraction}Z") }
        }
        Err(value) => value,
    })
}

/// `struct timespec`.
fn timespec(scope: &Scope<'_>, part: &Part) -> Option<(i64, u64)> {
    let types = scope.process.types;
    let seconds = part.deep(types, "tv_sec")?.signed(scope)?;
    Some((seconds, part.deep(types, "tv_nsec")?.number(scope)?))
}

fn checked(kind: &str, seconds: u64, nanoseconds: u64) -> Result<Duration, Value> {
    match u32::try_from(nanoseconds) {
        Ok(below) if below < 1_000_000_000 => Ok(Duration::new(seconds, below)),
        _ => Err(not_a(kind, format_args!("{nanoseconds} nanoseconds"))),
    }
}
