//! From a held process to a [`Capture`]: plain data, a thread at a time.

#![forbid(unsafe_code)]

use super::hold::{HeldThread, Hold, Stop};
use super::ptrace;
use super::register_sets::read_registers;
use super::{Capture, CapturedThread, ProcessInfo, ThreadRegisters};

/// Reads everything the analysis needs of a held process but its memory. With `selected`
/// thread ids, only those threads. `before` is what it was before it was held, and is so still
/// unless it has become another program since: reading it anew would lengthen the pause.
pub fn take(hold: &Hold<'_>, selected: &[i32], before: &ProcessInfo) -> Capture {
    let process = hold.process();
    let mut problems = hold.problems().to_vec();
    let maps = process.read_maps().unwrap_or_else(|error| {
        problems.push(format!("cannot read the memory map: {error}"));
        Default::default()
    });
    if maps.bad_lines > 0 || maps.cut {
        problems.push(format!(
            "the memory map is incomplete: {} mappings read, {} lines not understood",
            maps.mappings.len(),
            maps.bad_lines
        ));
    }
    let auxv = process.read_auxv().unwrap_or_else(|error| {
        problems.push(format!("cannot read the auxiliary vector: {error}"));
        Vec::new()
    });
    let is_same = process.read_executable_path() == before.exe;
    let mut info = if is_same { before.clone() } else { process.read_process_info() };
    info.was_stopped = hold.threads().iter().any(|thread| matches!(thread.stop, Stop::GroupStop(_)));
    let is_selected = |tid: i32| selected.is_empty() || selected.contains(&tid);
    let threads = hold.threads().iter().filter(|thread| thread.stop != Stop::Gone && is_selected(thread.tid));
    let mut threads: Vec<CapturedThread> = threads.map(take_thread).collect();
    threads.sort_by_key(|thread| (thread.tid != process.pid(), thread.tid));
    Capture { process: info, mappings: maps.mappings, auxv, threads, problems }
}

fn take_thread(thread: &HeldThread) -> CapturedThread {
    let (registers, problem) = match registers_of(thread) {
        Ok(registers) => (Some(Box::new(registers)), None),
        Err(problem) => (None, Some(problem)),
    };
    let signal = match thread.stop {
        Stop::Signal(_) => ptrace::read_siginfo(thread.tid).ok().map(|information| information.to_vec()),
        _ => None,
    };
    CapturedThread {
        tid: thread.tid,
        name: thread.before.name.clone(),
        state: thread.before.state_in_words(),
        wait_channel: thread.wait_channel.clone(),
        registers,
        signal,
        problem,
    }
}

fn registers_of(thread: &HeldThread) -> Result<ThreadRegisters, String> {
    match thread.stop {
        Stop::Exited => Err("it has exited; other threads of the process live on".to_owned()),
        Stop::Gone => Err("it ended meanwhile".to_owned()),
        Stop::Pending | Stop::Unresponsive => {
            let place = thread.wait_channel.as_ref().map(|name| format!(" (in {name})")).unwrap_or_default();
            Err(format!("it did not stop: it is in uninterruptible sleep{place} or gets no processor"))
        }
        Stop::Interrupted | Stop::GroupStop(_) | Stop::Signal(_) => read_registers(thread.tid),
    }
}
