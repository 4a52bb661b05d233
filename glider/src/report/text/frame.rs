//! A thread and its frames, a line each.
//!
//! Pipeline place: part of the text renderer. What is under a frame is in `variable`.

use super::page::{ALARM, FAINT, FUNCTION, HEADING, Page};
use super::{INDENT, variable};
use crate::address::Address;
use crate::report::{
    Exception, ExceptionLanguage, ExceptionState, Frame, PluginText, Signal, Thread, Truncation, Trust,
};

/// What precedes the frames of a thread: heading, what it does.
pub(super) fn put_thread_begin(page: &mut Page<'_>, thread: &Thread) {
    put_plugin_texts(page, &thread.text_before);
    page.paint(HEADING, format_args!("Thread {} (LWP {})", thread.index, thread.thread_id));
    if !thread.thread_name.is_empty() {
        page.put(format_args!(" {}", thread.thread_name));
    }
    page.end_line();
    put_state(page, thread);
    for exception in &thread.exceptions {
        put_exception(page, exception);
    }
}

/// `handling C++ exception std::runtime_error @ 0x55d7160ec500: disk full`.
fn put_exception(page: &mut Page<'_>, exception: &Exception) {
    page.indent(INDENT);
    page.text(match exception.state {
        ExceptionState::Caught => "handling ",
        ExceptionState::Thrown => "unwinding for ",
    });
    match (exception.language, &exception.type_name) {
        (ExceptionLanguage::Cpp, Some(name)) => page.put(format_args!("C++ exception {name}")),
        (ExceptionLanguage::Cpp, None) => page.text("a C++ exception that was not found"),
        (ExceptionLanguage::Rust, name) => {
            page.put(format_args!("Rust panic with {}", name.as_deref().unwrap_or("a payload")));
        }
        (ExceptionLanguage::Unknown, _) => page.text("an exception that libstdc++ did not throw"),
    }
    if let Some(address) = exception.address {
        page.put(format_args!(" @ {address}"));
    }
    if let Some(what) = &exception.what {
        page.put(format_args!(": {what}"));
    }
    page.end_line();
}

/// What follows them: what is wrong with the stack.
pub(super) fn put_thread_end(page: &mut Page<'_>, thread: &Thread) {
    if let Some(problem) = &thread.problem {
        page.indent(INDENT);
        page.paint(ALARM, format_args!("problem"));
        page.put(format_args!(": {problem}"));
        page.end_line();
    }
    put_plugin_texts(page, &thread.text_after);
}

/// `... 4744 frames left out (--max-frames 256) ...`.
pub(super) fn put_gap(page: &mut Page<'_>, gap: &Truncation) {
    if gap.left_out > 0 {
        let plural = if gap.left_out == 1 { "" } else { "s" };
        page.paint(FAINT, format_args!("... {} frame{plural} left out ({}) ...", gap.left_out, gap.limit));
        page.end_line();
    }
}

/// `S (sleeping) in system call clock_nanosleep, kernel function hrtimer_nanosleep`.
fn put_state(page: &mut Page<'_>, thread: &Thread) {
    let system_call = thread.system_call.as_deref().unwrap_or_default();
    let wait_channel = thread.wait_channel.as_deref().unwrap_or_default();
    if thread.state.is_empty() && system_call.is_empty() && wait_channel.is_empty() {
        return;
    }
    page.indent(INDENT);
    page.text(if thread.state.is_empty() { "state unknown" } else { &thread.state });
    if !system_call.is_empty() {
        page.put(format_args!(" in system call {system_call}"));
    }
    if !wait_channel.is_empty() {
        page.put(format_args!(", kernel function {wait_channel}"));
    }
    page.end_line();
}

/// A physical frame: the calls inlined into it as frames of their own, then itself.
pub(super) fn put_frame(page: &mut Page<'_>, frame: &Frame, verbose: bool) {
    put_plugin_texts(page, &frame.text_before);
    // Each inlined call was inlined into the next one, the last into the function itself.
    let callers = frame.inlines.iter().skip(1).map(|inline| inline.function.as_deref());
    let callers = callers.chain([frame.function.as_deref()]);
    for (inline, caller) in frame.inlines.iter().zip(callers) {
        put_code(
            page,
            frame,
            &Code {
                number: inline.frame,
                function: inline.function.as_deref(),
                offset: inline.function_offset,
                inlined_in: Some(caller.unwrap_or("a function without a name")),
                file: inline.file.as_deref(),
                line: inline.line,
            },
            verbose,
        );
        variable::put_variables(page, &inline.variables);
    }
    match &frame.signal {
        Some(signal) => put_signal(page, frame.frame, signal),
        None => {
            let code = Code {
                number: frame.frame,
                function: frame.function.as_deref(),
                offset: frame.function_offset,
                inlined_in: None,
                file: frame.file.as_deref(),
                line: frame.line,
            };
            put_code(page, frame, &code, verbose);
        }
    }
    variable::put_variables(page, &frame.variables);
    put_plugin_texts(page, &frame.text_after);
}

/// A function at a frame's pc: the frame's own or an inlined one.
struct Code<'a> {
    number: usize,
    function: Option<&'a str>,
    offset: Option<Address>,
    inlined_in: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
}

/// ``#2  0x000055d7160ec327 /srv/faulty-app`parse_header+0x58 (parse.c:90)``.
fn put_code(page: &mut Page<'_>, frame: &Frame, code: &Code<'_>, verbose: bool) {
    put_number(page, code.number);
    page.put(format_args!("{:#018x} ", frame.offset.0));
    if let Some(module) = &frame.module {
        page.texts([module, "`"]);
    }
    match (code.function, code.offset, frame.module_offset) {
        (Some(function), offset, _) => {
            page.paint(FUNCTION, format_args!("{function}"));
            if let Some(offset) = offset {
                page.texts(["+", offset.spelled(&mut [0; Address::ROOM])]);
            }
        }
        (None, _, Some(offset)) if frame.module.is_some() => {
            page.texts(["+", offset.spelled(&mut [0; Address::ROOM])]);
        }
        _ => page.text("??"),
    }
    if let Some(caller) = code.inlined_in {
        page.put(format_args!(" [inlined in {caller}]"));
    }
    if let Some(file) = code.file {
        page.texts([" (", if verbose { file } else { base_name(file) }]);
        if let Some(line) = code.line {
            page.put(format_args!(":{line}"));
        }
        page.text(")");
    }
    let found_by = match frame.trust {
        Trust::Context | Trust::Cfi => None,
        Trust::FramePointer => Some("frame pointer"),
        Trust::Scan => Some("scanning the stack"),
    };
    if let Some(found_by) = found_by {
        page.text(" ");
        page.paint(FAINT, format_args!("[found by {found_by}]"));
    }
    page.end_line();
}

/// `#0  `, `#10 `.
fn put_number(page: &mut Page<'_>, number: usize) {
    page.paint(HEADING, format_args!("#{number:<2}"));
    page.text(" ");
}

/// What follows the last slash.
fn base_name(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name,
        _ => path,
    }
}

/// `#1  Signal 11: Segmentation fault. address not mapped to object (0x2a) [SEGV_MAPERR]`.
fn put_signal(page: &mut Page<'_>, number: usize, signal: &Signal) {
    put_number(page, number);
    match signal.number {
        0 => page.paint(ALARM, format_args!("Signal handler called.")),
        number => page.paint(ALARM, format_args!("Signal {number}: {}.", signal.description)),
    }
    if !signal.message.is_empty() {
        page.put(format_args!(" {}", signal.message));
    }
    put_signal_details(
        page,
        &SignalDetails {
            address: signal.address,
            symbol: signal.address_symbol.as_deref(),
            code: &signal.code,
            sender_pid: signal.sender_pid,
            sender_uid: signal.sender_uid,
        },
    );
    page.end_line();
}

/// What the summary and a signal frame both say of a signal, after its words.
pub(super) struct SignalDetails<'a> {
    /// Fault address.
    pub(super) address: Option<Address>,
    /// What lies there.
    pub(super) symbol: Option<&'a str>,
    /// `si_code`.
    pub(super) code: &'a str,
    /// Who sent it.
    pub(super) sender_pid: Option<i32>,
    /// See `sender_pid`.
    pub(super) sender_uid: Option<u32>,
}

/// ``(0x2a, /srv/app`table) from pid 1, uid 0 [SEGV_MAPERR]``, each part where it is known.
pub(super) fn put_signal_details(page: &mut Page<'_>, details: &SignalDetails<'_>) {
    match (details.address, details.symbol) {
        (Some(address), Some(symbol)) => page.put(format_args!(" ({address}, {symbol})")),
        (Some(address), None) => page.put(format_args!(" ({address})")),
        (None, _) => {}
    }
    match (details.sender_pid, details.sender_uid) {
        (Some(pid), Some(uid)) => page.put(format_args!(" from pid {pid}, uid {uid}")),
        (Some(pid), None) => page.put(format_args!(" from pid {pid}")),
        (None, Some(uid)) => page.put(format_args!(" from uid {uid}")),
        (None, None) => {}
    }
    if !details.code.is_empty() {
        page.put(format_args!(" [{}]", details.code));
    }
}

/// What plugins printed, never at the left edge.
fn put_plugin_texts(page: &mut Page<'_>, texts: &[PluginText]) {
    for text in texts {
        page.lines(INDENT, &text.text);
    }
}
