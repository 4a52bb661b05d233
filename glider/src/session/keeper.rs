//! The keeper: the process the user started, and the only one that calls ptrace.
//!
//! It forks the analyzer and lets it load what it can while the target runs; stops the
//! target, copies what can be copied of its memory, hands the capture over, waits with a deadline,
//! and lets the target go as early as [`Pause`] allows. Nothing is written to the outside before
//! that. What the analyzer did not deliver is filled in from the capture.

use super::analyzer_process::AnalyzerProcess;
use super::bare::{self, Bare};
use super::link::{Link, News};
use super::processes::Processes;
use super::spool::SpoolReader;
use super::{Analyzer, debug_packages, fallback};
use crate::limits::Limits;
use crate::report::redact::Redactor;
use crate::report::render::{Format, Style, render_footer, render_header, render_thread};
use crate::report::{Footer, Module, PauseMode, Plugin, Status, Timing};
use crate::target::copy::{self, Copied, Extent};
use crate::target::hold::Released;
use crate::target::image::{Image, ImageView, Run};
use crate::target::{
    Capture, CapturedThread, Hold, LiveMemory, Memory, ProcessDirectory, ProcessInfo, TargetError,
};
use crate::target::{check_architecture, snapshot, with_hold};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What to trace, and within which time.
#[derive(Clone, Debug)]
pub struct Request {
    /// How long debuginfod servers may be asked, when they are.
    pub servers: Option<Duration>,
    /// Only these threads; all of them when empty.
    pub threads: Vec<i32>,
    /// When the target is let go and the trace ends at the latest, counted from the call.
    pub timeout: Duration,
    /// How many threads are shown, and what memory the analysis may take.
    pub limits: Limits,
    /// What masks secrets of the command line.
    pub redactor: Redactor,
    /// For how long the target is held.
    pub pause: Pause,
    /// Bytes of memory beside the stacks that are copied at the most so that it can be let go early; with 0 nothing is.
    pub max_copy: u64,
}

/// For how long the target is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Until all memory that can change is copied, or if that is too much, what is nearest to the stacks. If nothing
    /// is to be copied, until the analysis is done.
    Consistent,
    /// The same, but no longer than this. What is read later is of a process that moves.
    AtMost(Duration),
    /// Until registers and stacks are copied.
    Snapshot,
}

/// Bytes of an image beyond what the process was seen to have before it was stopped.
const IMAGE_SLACK: u64 = 4 << 20;
/// Bytes of stacks that are copied.
const MOST_OF_STACKS: u64 = 64 << 20;
/// Bytes that most stacks do not exceed.
const USUAL_STACK: u64 = 16 << 10;

/// A finished trace: the target runs on, the report is ready to be written.
#[derive(Debug)]
pub struct Trace {
    capture: Capture,
    /// What stands for the parts that the analyzer did not deliver.
    bare: Bare,
    spool: SpoolReader,
    footer: Footer,
    /// Why parts are missing, when the analyzer did not finish.
    failure: Option<String>,
    /// Ended and reaped when the trace is dropped, after the report was written.
    _analyzer: AnalyzerProcess,
}

/// How the analysis of the held target ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    Died,
    TimedOut,
    /// It was never begun, or the target could not be read.
    NotBegun(String),
}

impl Outcome {
    fn is_failure(&self) -> bool {
        !matches!(self, Outcome::Done)
    }

    /// What went wrong, in words, if anything did; then the analyzer is ended.
    pub(super) fn failure(self, analyzer: &mut AnalyzerProcess, timeout: Duration) -> Option<String> {
        match self {
            Outcome::Done => None,
            Outcome::Died => Some(format!("the analysis ended early: {}", analyzer.end())),
            Outcome::TimedOut => {
                analyzer.end();
                Some(format!("the time limit of {timeout:?} was reached (--timeout)"))
            }
            Outcome::NotBegun(why) => {
                analyzer.end();
                Some(why)
            }
        }
    }
}

/// Traces a process: forks the analyzer, stops the target, has it analyzed, lets it go.
///
/// # Errors
/// When the target cannot be traced, or the system gives no process or memory; nothing was
/// done to the target then. Whatever happens once it was stopped is data in the [`Trace`].
pub fn trace(
    process: &ProcessDirectory,
    request: &Request,
    analyzer: &mut dyn Analyzer,
) -> Result<Trace, TargetError> {
    let began = Instant::now();
    let deadline = began + request.timeout;
    let mut unknown = Vec::new();
    check_threads(process, &request.threads, &mut unknown)?;
    let info = process.read_process_info();
    let mappings = process.read_maps().unwrap_or_default().mappings;
    let memory = request.limits.memory;
    let processes = Processes::start(process, memory, request.servers, analyzer, &info, &mappings)?;
    let Processes { analyzer: mut child, opener, fetcher, spool } = processes;
    drop(mappings);
    // Preparation costs the target nothing, but must leave time for the rest.
    await_warm(&child.link, began + request.timeout / 2);
    drop(fetcher);
    check_architecture(process.pid(), &opener.executable_head())?;
    let prepared = began.elapsed();
    let mut image = make_image(process, request);
    let held = with_hold(process, deadline, |hold| {
        while_held(hold, request, &info, &child.link, &mut image, deadline)
    })?;
    let Held { mut capture, memory, runs, modules, bare, outcome, released, mut timing } = held;
    let outcome = outcome.unwrap_or_else(|| await_done(None, &child.link, deadline));
    timing.phases.prepare_us = microseconds(prepared);
    timing.phases.analysis_us =
        microseconds(began.elapsed()).saturating_sub(timing.phases.prepare_us + timing.before_analysis_us());
    capture.problems.extend(unknown);
    if released.ended {
        capture.problems.push(format!("process {} was killed while it was held", capture.process.pid));
    }
    let bare = bare.or_else(|| {
        outcome.is_failure().then(|| read_bare(memory.as_ref(), &capture, image.as_ref(), &runs, Bare::read))
    });
    let failure = outcome.failure(&mut child, request.timeout);
    let mut spool = SpoolReader::new(spool, capture.threads.len());
    let bare = bare.unwrap_or_default();
    if spool.footer.is_none() {
        spool.footer = Some(Footer { modules, ..Footer::default() });
    }
    let mut footer = complete_footer(spool.footer.take(), &capture, &spool, failure.as_deref());
    debug_packages::name(&mut footer.modules);
    footer.timing = Timing { total_us: microseconds(began.elapsed()), ..timing };
    Ok(Trace { capture, bare, spool, footer, failure, _analyzer: child })
}

/// Refuses when none of the threads asked for exists; otherwise names those that do not.
fn check_threads(
    process: &ProcessDirectory,
    asked: &[i32],
    problems: &mut Vec<String>,
) -> Result<(), TargetError> {
    let existing = process.thread_ids().unwrap_or_default();
    let missing: Vec<i32> = asked.iter().copied().filter(|tid| !existing.contains(tid)).collect();
    if !asked.is_empty() && missing.len() == asked.len() {
        let list = missing.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
        return Err(TargetError::NoSuchThread { pid: process.pid(), list });
    }
    problems.extend(missing.iter().map(|tid| format!("process {} has no thread {tid}", process.pid())));
    Ok(())
}

fn await_warm(link: &Link, deadline: Instant) {
    // Gone or late: what can be had is had all the same, and said afterwards.
    while link.listen(deadline, None) == News::Other {}
}

/// What comes of the time during which the target was held.
struct Held {
    capture: Capture,
    /// The memory of the target, and what is where in the image.
    memory: Option<Kept>,
    runs: Vec<Run>,
    /// Modules with their build-ids, read while the analysis was at work.
    modules: Vec<Module>,
    /// What the memory tells without an analysis, if that failed while the target was held.
    bare: Option<Bare>,
    /// `None` while the analysis goes on.
    outcome: Option<Outcome>,
    released: Released,
    timing: Timing,
}

/// What the keeper itself needs to read the target's memory.
struct Kept {
    memory: File,
    page_map: Option<File>,
}

/// Room for the copy, made while the target runs. Without memory for it there is none, and the
/// target is held for longer.
fn make_image(process: &ProcessDirectory, request: &Request) -> Option<Image> {
    let anonymous = process.read_anonymous_size().unwrap_or(u64::MAX);
    let threads = process.thread_ids().map_or(1, |threads| threads.len() as u64);
    let expected = anonymous.saturating_add(IMAGE_SLACK);
    let capacity = match request.pause {
        Pause::Snapshot => expected.min(MOST_OF_STACKS),
        _ if request.max_copy == 0 => 0,
        _ => request.max_copy.saturating_add(MOST_OF_STACKS).min(expected.saturating_mul(2)),
    };
    let usual = request.max_copy.saturating_add(threads.saturating_mul(USUAL_STACK));
    let expected = anonymous.min(capacity).min(usual);
    Image::create(usize::try_from(capacity).ok()?, usize::try_from(expected).ok()?).ok()
}

/// Everything that happens while the target stands still.
fn while_held(
    hold: &mut Hold<'_>,
    request: &Request,
    before: &ProcessInfo,
    link: &Link,
    image: &mut Option<Image>,
    deadline: Instant,
) -> Held {
    let stopped = hold.since();
    let mut timing = Timing::default();
    timing.phases.stop_us = microseconds(stopped.elapsed());
    let mut capture = snapshot::take(hold, &request.threads, before);
    let captured = stopped.elapsed();
    timing.phases.registers_us = microseconds(captured).saturating_sub(timing.phases.stop_us);
    let until = match request.pause {
        Pause::AtMost(most) => deadline.min(stopped + most),
        _ => deadline,
    };
    let memory = hold.process().open_memory();
    // A process that stands still anyway is looked at where it stands.
    let copied = match (image.as_mut(), &memory) {
        (Some(image), Ok(memory)) if !capture.process.was_stopped => {
            copy(hold, memory, &capture, request, image, until)
        }
        _ => Copied::default(),
    };
    timing.copied_bytes = copied.bytes;
    timing.mode = mode(request.pause, &copied);
    timing.phases.copy_us = microseconds(stopped.elapsed() - captured);
    let is_late = until < deadline && Instant::now() >= until;
    let is_enough = copied.is_finished || is_late;
    if is_enough {
        release(hold, image.as_ref());
    }
    request.redactor.command_line(&mut capture.process.cmdline);
    leave_out_threads(&mut capture, request.limits.threads);
    let kept = memory.as_ref().ok().and_then(|memory| memory.try_clone().ok());
    let page_map = page_map(hold.process(), &capture);
    let handed_over = memory.and_then(|memory| {
        link.hand_over(&capture, &memory, page_map.as_ref(), image.as_ref(), &copied.runs)
    });
    let kept = kept.map(|memory| Kept { memory, page_map });
    // Whatever the analysis comes to, the keeper has what a report cannot do without.
    let modules = read_bare(kept.as_ref(), &capture, image.as_ref(), &copied.runs, bare::read_modules);
    timing.phases.bare_us = microseconds(stopped.elapsed());
    let outcome = match handed_over {
        Ok(()) if is_enough => None,
        Ok(()) => match await_done(Some(hold), link, until) {
            Outcome::TimedOut if until < deadline => None,
            outcome => Some(outcome),
        },
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Some(Outcome::Died),
        Err(error) => {
            Some(Outcome::NotBegun(format!("the memory of the process could not be read: {error}")))
        }
    };
    let bare = outcome
        .as_ref()
        .is_some_and(Outcome::is_failure)
        .then(|| read_bare(kept.as_ref(), &capture, image.as_ref(), &copied.runs, Bare::read));
    let released = release(hold, image.as_ref());
    timing.paused_us = microseconds(released.paused);
    Held { capture, memory: kept, runs: copied.runs, modules, bare, outcome, released, timing }
}

/// The page map of the target: only where somebody else has to answer for what is mapped.
pub(super) fn page_map(process: &ProcessDirectory, capture: &Capture) -> Option<File> {
    let is_remote = capture.mappings.iter().any(|mapping| mapping.is_remote);
    is_remote.then(|| process.open_page_map().ok()).flatten()
}

/// Has read what the target's memory, as it was when it stopped, tells without an analysis.
fn read_bare<R: Default>(
    kept: Option<&Kept>,
    capture: &Capture,
    image: Option<&Image>,
    runs: &[Run],
    read: fn(&Capture, &dyn Memory) -> R,
) -> R {
    let Some(kept) = kept else { return R::default() };
    let Ok(memory) = kept.memory.try_clone() else { return R::default() };
    let page_map = kept.page_map.as_ref().and_then(|map| map.try_clone().ok());
    let view = image.and_then(|image| ImageView::open(image.file(), runs.to_vec()).ok());
    read(capture, &LiveMemory::of_target(memory, view, page_map, &capture.mappings))
}

/// Copies as much as the pause calls for.
fn copy(
    hold: &Hold<'_>,
    memory: &File,
    capture: &Capture,
    request: &Request,
    image: &mut Image,
    until: Instant,
) -> Copied {
    let extent = match request.pause {
        Pause::Snapshot => Extent::Stacks,
        _ if request.max_copy == 0 => return Copied::default(),
        _ => Extent::Writable(request.max_copy),
    };
    copy::take(hold, memory, capture, image, extent, until)
}

fn release(hold: &mut Hold<'_>, image: Option<&Image>) -> Released {
    if let Some(image) = image {
        image.mark_released();
    }
    hold.release()
}

/// Keeps at most so many threads: those that are about to receive a signal, then the first.
fn leave_out_threads(capture: &mut Capture, most: usize) {
    let left_out = capture.threads.len().saturating_sub(most);
    if left_out > 0 {
        capture.threads.sort_by_key(|thread| thread.signal.is_none());
        capture.threads.truncate(most);
        capture.problems.push(format!("{left_out} threads are left out (--max-threads {most})"));
    }
}

fn mode(pause: Pause, copied: &Copied) -> PauseMode {
    match pause {
        Pause::Consistent if copied.is_finished && !copied.is_whole => PauseMode::Nearest,
        Pause::Consistent => PauseMode::Consistent,
        Pause::AtMost(_) => PauseMode::MaxPause,
        Pause::Snapshot => PauseMode::Snapshot,
    }
}

/// Waits for the end of the analysis, and takes note of what becomes of a process that is held.
pub(super) fn await_done(mut hold: Option<&mut Hold<'_>>, link: &Link, deadline: Instant) -> Outcome {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    let child_signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).ok();
    loop {
        match link.listen(deadline, child_signals.as_ref().map(AsFd::as_fd)) {
            News::Done => return Outcome::Done,
            News::Gone => return Outcome::Died,
            News::TimedOut => return Outcome::TimedOut,
            News::Warm => {}
            News::Other => {
                if let Some(signals) = &child_signals {
                    while let Ok(Some(_)) = signals.read_signal() {}
                }
                if let Some(hold) = &mut hold {
                    hold.look_again();
                }
            }
        }
    }
}

/// The analyzer's footer, or one without an analysis, with what the keeper knows added.
fn complete_footer(
    footer: Option<Footer>,
    capture: &Capture,
    spool: &SpoolReader,
    failure: Option<&str>,
) -> Footer {
    let mut footer = footer.unwrap_or_default();
    let mut problems = capture.problems.clone();
    problems.append(&mut footer.problems);
    let missing = spool.threads.iter().filter(|thread| thread.is_none()).count();
    match failure {
        Some(failure) if missing > 0 => problems.push(format!(
            "{failure}; {missing} of {} threads are shown without analysis",
            capture.threads.len()
        )),
        Some(failure) => problems.push(failure.to_owned()),
        None if missing > 0 => problems.push(format!("{missing} threads were left out by the analysis")),
        None => {}
    }
    footer.problems = problems;
    footer
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Trace {
    /// Whether everything there was to show is in the report.
    pub fn status(&self) -> Status {
        let has_parts = self.spool.header.is_some() && self.spool.threads.iter().all(Option::is_some);
        let is_whole = |thread: &CapturedThread| thread.registers.is_some() || thread.state.starts_with('Z');
        let is_complete = self.failure.is_none()
            && self.capture.problems.is_empty()
            && !self.footer.variables_left_out
            && has_parts
            && !self.footer.plugins.iter().any(Plugin::is_missed)
            && self.capture.threads.iter().all(is_whole);
        if is_complete { Status::Complete } else { Status::Partial }
    }

    /// What the analyzer had given up before it touched anything of the target, in words; `None` when
    /// it did not come that far.
    pub fn rights(&self) -> Option<&str> {
        self.spool.rights.as_deref()
    }

    /// What follows the threads: timing and problems among it.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Writes the report, in the format that the analyzer rendered its parts in.
    ///
    /// # Errors
    /// Those of `output`.
    pub fn write(&self, format: Format, style: Style, output: &mut dyn Write) -> io::Result<()> {
        let mut rendered = Vec::new();
        match self.spool.header {
            Some(part) => self.spool.copy(part, output)?,
            None => render_header(&fallback::header(&self.capture), format, style, &mut rendered),
        }
        output.write_all(&rendered)?;
        let why = self.failure.as_deref().unwrap_or("the analysis left it out");
        let mut is_first = true;
        for (index, part) in self.spool.threads.iter().enumerate() {
            rendered.clear();
            match part {
                Some(part) => {
                    self.spool.copy(*part, output)?;
                    // A plugin may have hidden the thread.
                    is_first &= part.is_empty();
                }
                None => {
                    let thread = fallback::thread(&self.capture, &self.bare, index, why);
                    render_thread(&thread, is_first, format, style, &mut rendered);
                    is_first = false;
                }
            }
            output.write_all(&rendered)?;
        }
        rendered.clear();
        render_footer(&self.footer, self.status(), format, style, &mut rendered);
        output.write_all(&rendered)?;
        output.flush()
    }
}
