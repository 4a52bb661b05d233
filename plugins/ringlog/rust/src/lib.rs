//! A plugin for a server that keeps its last log lines in memory: prints its state, its statistics,
//! and the log, oldest line first. A template for plugins of your own; `../c/ringlog.c` is its twin in C.
//!
//! What to take from it:
//! - [`begin_trace`](Analyzer::begin_trace) asks for the one hook that is needed, so nothing else costs time;
//! - each part is printed by a function of its own: when one cannot be read, the others still appear;
//! - the server's structures are declared once, with [`plain_struct!`], and read in one go;
//! - the names of the states come from the debug information: a new state needs no new plugin;
//! - nothing that the server has in memory is trusted as an index, a length or a text.

use gimli_plugin_api::{Analyzer, Error, Hooks, Host, export_analyzer, plain_struct};

const LOG_LINES: usize = 32;
const LOG_LINE_BYTES: usize = 96;

plain_struct! {
    /// `struct server_stats` of the server's `service.h`.
    struct Statistics {
        connections: u64,
        requests: u64,
        errors: u64,
        busy_seconds: f64,
    }
    /// A line of the log.
    struct Line {
        when: i64,
        text: [u8; LOG_LINE_BYTES],
    }
    /// `struct log_ring`: `next` is where the coming line goes, `written` counts all that ever were.
    struct LogRing {
        next: u32,
        written: u64,
        lines: [Line; LOG_LINES],
    }
}

struct RingLog;

impl Analyzer for RingLog {
    fn begin_trace(&mut self, _: &Host<'_>) -> Result<Hooks, Error> {
        Ok(Hooks::GLOBAL_TRACE)
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        for part in [print_state, print_statistics, print_log] {
            if let Err(error) = part(host) {
                writeln!(host, "{error}")?;
            }
        }
        Ok(())
    }
}

fn print_state(host: &Host<'_>) -> Result<(), Error> {
    let place = host.global_address(host.object(), "server_state", 0)?;
    let state: u32 = host.read(place)?;
    let states = host.type_of(place).and_then(|id| host.resolve_type(id).ok());
    match states.as_ref().map(|states| states.enumerator(state.into())) {
        Some(Some(name)) => writeln!(host, "state: {name}"),
        Some(None) => writeln!(host, "state: {state}, which is none: server_state is corrupt"),
        None => writeln!(host, "state: {state} (its names are in the debug information only)"),
    }
}

fn print_statistics(host: &Host<'_>) -> Result<(), Error> {
    let Statistics { connections, requests, errors, busy_seconds } =
        host.read_global(host.object(), "server_stats", 0)?;
    writeln!(host, "connections: {connections}")?;
    writeln!(host, "requests: {requests}, {errors} of them errors")?;
    writeln!(host, "busy: {busy_seconds:.3} s")
}

fn print_log(host: &Host<'_>) -> Result<(), Error> {
    let ring: LogRing = host.read_global(host.object(), "server_log", 0)?;
    let next = ring.next as usize;
    if next >= LOG_LINES {
        return writeln!(host, "log: corrupt, the next line would be number {next} of {LOG_LINES}");
    }
    let kept = usize::try_from(ring.written).map_or(LOG_LINES, |written| written.min(LOG_LINES));
    writeln!(host, "log: the last {kept} of {} lines", ring.written)?;
    let (newer, older) = ring.lines.split_at(next);
    for line in older.iter().chain(newer).skip(LOG_LINES - kept) {
        // The time of day in UTC.
        let second = line.when.rem_euclid(86400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        // The text need not have its NUL, nor be UTF-8; glider escapes control characters.
        let text = line.text.split(|&byte| byte == 0).next().unwrap_or_default();
        writeln!(host, "    {hour:02}:{minute:02}:{second:02} {}", String::from_utf8_lossy(text))?;
    }
    Ok(())
}

export_analyzer!(|| RingLog);
