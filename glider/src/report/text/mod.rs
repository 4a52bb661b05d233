//! The text report: the one a person reads.
//!
//! Pipeline place: one of the two renderers behind [`render`](super::render). What is
//! where:
//!
//! - what glider itself says about threads and frames starts at the left edge; variables
//!   and text of plugins are indented by four columns, so that no plugin can pass for a frame;
//! - a structure, or an array of anything longer than numbers, takes a block of lines;
//!   what lies behind a pointer follows the line of the pointer;
//! - variables of an inner `{` … `}` of the source stand in such braces here;
//! - a source file is shown by its base name, with `-v` by its whole path;
//! - every name, string and text of the target and of plugins is escaped.

mod declare;
mod frame;
mod language;
mod page;
mod variable;

use super::render::Style;
use super::{
    Cause, CrashInfo, Footer, Frame, Header, Module, PauseMode, Plugin, PluginStatus, PluginText, Status,
    Thread, Timing, Truncation, Variable,
};
use page::{ALARM, FAINT, HEADING, Page};
use std::collections::BTreeMap;

/// Columns by which one thing inside another is indented.
const INDENT: usize = 4;

/// Appends the summary.
pub(super) fn render_header(header: &Header, style: Style, out: &mut Vec<u8>) {
    let page = &mut Page::new(out, style.color);
    let process = &header.process;

    page.paint(HEADING, format_args!("Process {}", header.pid));
    for argument in &process.cmdline {
        page.text(" ");
        put_argument(page, argument);
    }
    page.end_line();

    let named_by_command_line = process.cmdline.first() == process.exe.as_ref();
    if let Some(exe) = process.exe.as_ref().filter(|_| !named_by_command_line) {
        line(page, "Executable", format_args!("{exe}"));
    }
    if let Some(start_time) = &process.start_time {
        line(page, "Started", format_args!("{start_time}"));
    }
    let user = format_args!("uid {}, gid {}", process.uid, process.gid);
    match &process.cwd {
        Some(cwd) => line(page, "Running as", format_args!("{user} in {cwd}")),
        None => line(page, "Running as", format_args!("{user}")),
    }
    let system = &header.system_info;
    line(page, "System", format_args!("{} {} {}", system.os, system.os_ver, system.cpu_arch));
    if process.was_stopped {
        line(page, "Stopped", format_args!("already before the trace, and left so"));
    }
    if let Some(crash) = &header.crash_info {
        put_crash(page, crash);
    }
    if let Some(cause) = &header.cause {
        put_cause(page, cause);
    }
    line(page, "Threads", format_args!("{}", header.thread_count));
}

/// A line of the summary.
fn line(page: &mut Page<'_>, label: &str, text: std::fmt::Arguments<'_>) {
    page.put(format_args!("{label:<11} {text}"));
    page.end_line();
}

/// `Signal      SIGSEGV (11) in thread 0: address not mapped to object (0x2a)`.
fn put_crash(page: &mut Page<'_>, crash: &CrashInfo) {
    page.put(format_args!("{:<11} ", "Signal"));
    page.paint(ALARM, format_args!("{} ({})", crash.signal_name, crash.number));
    if let Some(thread) = crash.crashing_thread {
        page.put(format_args!(" in thread {thread}"));
    }
    page.put(format_args!(": {}", crash.message));
    frame::put_signal_details(
        page,
        &frame::SignalDetails {
            address: crash.address,
            symbol: crash.address_symbol.as_deref(),
            code: &crash.code,
            sender_pid: crash.sender_pid,
            sender_uid: crash.sender_uid,
        },
    );
    page.end_line();
}

/// `Cause       session is nil: session->requests was read`, and how that is known.
fn put_cause(page: &mut Page<'_>, cause: &Cause) {
    page.put(format_args!("{:<11} ", "Cause"));
    page.paint(ALARM, format_args!("{}", cause.text));
    if let Some(location) = &cause.location {
        page.put(format_args!(" ({location})"));
    }
    page.end_line();
    page.put(format_args!("{:<11} ", ""));
    page.paint(FAINT, format_args!("known by {}", cause.known_by));
    page.end_line();
}

/// An argument, quoted as a shell would need it where it holds anything but plain characters.
fn put_argument(page: &mut Page<'_>, argument: &str) {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        page.text(argument);
    } else {
        page.put(format_args!("'{}'", argument.replace('\'', r"'\''")));
    }
}

/// Appends what precedes the frames of a thread, after an empty line.
pub(super) fn render_thread_begin(thread: &Thread, style: Style, out: &mut Vec<u8>) {
    let page = &mut Page::new(out, style.color);
    page.end_line();
    frame::put_thread_begin(page, thread);
}

/// Appends a frame.
pub(super) fn render_frame(frame: &Frame, style: Style, out: &mut Vec<u8>) {
    frame::put_frame(&mut Page::new(out, style.color), frame, style.verbose);
}

/// Appends what stands for frames that are left out.
pub(super) fn render_gap(gap: &Truncation, style: Style, out: &mut Vec<u8>) {
    frame::put_gap(&mut Page::new(out, style.color), gap);
}

/// Appends what follows the frames of a thread.
pub(super) fn render_thread_end(thread: &Thread, style: Style, out: &mut Vec<u8>) {
    frame::put_thread_end(&mut Page::new(out, style.color), thread);
}

/// Appends what is to be said of the report as a whole; nothing when all is well.
pub(super) fn render_footer(footer: &Footer, status: Status, style: Style, out: &mut Vec<u8>) {
    let page = &mut Page::new(out, style.color);
    put_plugin_output(page, &footer.plugin_output);
    put_problems(page, footer, status);
    if style.verbose {
        put_modules(page, &footer.modules);
        put_plugins(page, &footer.plugins);
    }
    if footer.timing.total_us > 0 {
        page.end_line();
        put_timing(page, &footer.timing);
    }
}

/// How long it took, on one line.
fn put_timing(page: &mut Page<'_>, timing: &Timing) {
    let Timing { paused_us, total_us, mode, copied_bytes, phases } = timing;
    let mode = match mode {
        PauseMode::Consistent => "",
        PauseMode::Nearest => " (not all memory was copied: --max-copy)",
        PauseMode::MaxPause => " (--max-pause)",
        PauseMode::Snapshot => " (--snapshot)",
    };
    let ms = |microseconds: &u64| milliseconds(*microseconds);
    page.put(format_args!(
        "Target held for {} ms{mode} of {} ms: {} before the stop, {} stopping, {} registers, {} copying {} KiB, \
         {} analysis",
        ms(paused_us),
        ms(total_us),
        ms(&phases.prepare_us),
        ms(&phases.stop_us),
        ms(&phases.registers_us),
        ms(&phases.copy_us),
        copied_bytes >> 10,
        ms(&phases.analysis_us),
    ));
    page.end_line();
}

/// Appends one variable as it stands in a frame, without indentation.
pub(super) fn render_variable(variable: &Variable, out: &mut Vec<u8>) {
    variable::put_variable(&mut Page::new(out, false), variable, 0);
}

/// What plugins print after the threads, each under its name.
fn put_plugin_output(page: &mut Page<'_>, output: &[PluginText]) {
    let mut before = None;
    for PluginText { plugin, text } in output {
        if before != Some(plugin) {
            page.end_line();
            page.paint(HEADING, format_args!("Plugin {plugin}"));
            page.end_line();
        }
        page.lines(INDENT, text);
        before = Some(plugin);
    }
}

/// What could not be had, a line each; what all of several modules lack, on one line.
fn put_problems(page: &mut Page<'_>, footer: &Footer, status: Status) {
    let troubled = modules_by_problem(&footer.modules);
    let none_here = footer.problems.is_empty() && troubled.is_empty();
    let heading = match (status, none_here) {
        (Status::Complete, true) => return,
        (Status::Complete, false) => "Problems:",
        (Status::Partial, true) => "This report is partial; the problems stand with the threads.",
        (Status::Partial, false) => "This report is partial. Problems:",
    };
    page.end_line();
    page.paint(if status == Status::Partial { ALARM } else { HEADING }, format_args!("{heading}"));
    page.end_line();
    for problem in &footer.problems {
        page.indent(INDENT);
        page.text(problem);
        page.end_line();
    }
    for ((problem, remedy), files) in troubled {
        page.indent(INDENT);
        page.put(format_args!("{problem}"));
        if let Some(remedy) = remedy {
            page.put(format_args!(" ({remedy} would bring it)"));
        }
        page.put(format_args!(": {}", files.join(", ")));
        page.end_line();
    }
}

/// The modules something is wrong with, those with the same trouble and remedy on one line.
fn modules_by_problem(modules: &[Module]) -> BTreeMap<(&str, Option<&str>), Vec<&str>> {
    let mut by_problem: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for module in modules {
        if let Some(problem) = &module.problem {
            let key = (problem.as_str(), module.remedy.as_deref());
            by_problem.entry(key).or_default().push(&module.filename);
        }
    }
    by_problem
}

/// Every module with its place, build-id and debug information.
fn put_modules(page: &mut Page<'_>, modules: &[Module]) {
    page.end_line();
    page.text("Modules:");
    page.end_line();
    for module in modules {
        page.indent(INDENT);
        page.put(format_args!(
            "{:#018x}-{:#018x} {}",
            module.base_addr.0, module.end_addr.0, module.filename
        ));
        if let Some(id) = &module.debug_id {
            page.put(format_args!(", build-id {id}"));
        }
        if let Some(place) = &module.read_from {
            page.put(format_args!(", read from {place}"));
        }
        if let Some(source) = &module.debug_info {
            page.put(format_args!(", debug information in {source}"));
        }
        page.end_line();
    }
}

/// Every plugin, what it was loaded for and what became of it.
fn put_plugins(page: &mut Page<'_>, plugins: &[Plugin]) {
    if plugins.is_empty() {
        return;
    }
    page.end_line();
    page.text("Plugins:");
    page.end_line();
    for plugin in plugins {
        page.indent(INDENT);
        let state = match plugin.status {
            PluginStatus::Loaded => "loaded",
            PluginStatus::Idle => "nothing to do",
            PluginStatus::NotFound => "not found",
            PluginStatus::Refused => "refused",
            PluginStatus::Failed => "failed",
        };
        page.put(format_args!("{} for {}: {state}", plugin.path, plugin.object));
        if let Some(version) = &plugin.api_version {
            page.put(format_args!(", interface version {version}"));
        }
        page.end_line();
    }
}

/// Microseconds as milliseconds with three decimals.
fn milliseconds(microseconds: u64) -> String {
    format!("{}.{:03}", microseconds / 1000, microseconds % 1000)
}
