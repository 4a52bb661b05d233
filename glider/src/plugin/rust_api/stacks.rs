//! Threads and frames as they cross to a Rust plugin.

use crate::dwarf::SourceLine;
use crate::plugin::host::Host;
use crate::report;
use crate::stacks::{Code, ThreadStack};
use crate::target::siginfo::parse_siginfo;
use crate::target::system_calls;
use gimli_plugin_api::wire::{RCowStr, ROption, RString};
use gimli_plugin_api::{Address, Frame, FrameIndex, Size, Thread, ThreadId, Trust};
use std::rc::Rc;
use std::sync::Arc;

/// Text that crosses as a copy.
pub(super) fn owned(text: &str) -> RCowStr<'static> {
    RCowStr::Owned(RString::from(text))
}

fn optional(text: Option<&str>) -> ROption<RCowStr<'static>> {
    text.map(owned).into()
}

/// The thread with this index in the capture.
pub(super) fn thread(host: &Host<'_>, index: usize) -> Option<Thread<'static>> {
    let captured = host.services.stacks.capture.threads.get(index)?;
    let system_call = captured.registers.as_deref().and_then(system_calls::current);
    Some(Thread {
        id: ThreadId(captured.tid),
        index: u32::try_from(index).ok()?,
        name: owned(&captured.name),
        state: owned(&captured.state),
        wait_channel: optional(captured.wait_channel.as_deref()),
        system_call: optional(system_call.as_deref()),
        frame_count: host.frame_count(index),
    })
}

/// Index in the capture of the thread with this id.
pub(super) fn index_of(host: &Host<'_>, thread: ThreadId) -> Option<usize> {
    host.services.stacks.capture.threads.iter().position(|captured| captured.tid == thread.0)
}

/// The physical frame at hand, which is one of this stack.
pub(super) fn current_frame(
    host: &Host<'_>,
    stack: &ThreadStack<'_>,
    frame: usize,
) -> Option<Frame<'static>> {
    physical(host, stack, frame, u32::try_from(host.frame_number()).ok()?)
}

/// Every frame of a stack, calls inlined into one before it.
pub(super) fn frames(host: &Host<'_>, stack: &ThreadStack<'_>) -> Vec<Frame<'static>> {
    let mut frames = Vec::new();
    for index in 0..stack.stack.frames.len() {
        let number = u32::try_from(stack.number(index)).unwrap_or(u32::MAX);
        let Some(physical) = physical(host, stack, index, number) else { continue };
        let code = stack.code.get(index).cloned().flatten();
        frames.extend(code.iter().flat_map(|code| inlined(code, &physical)));
        frames.push(physical);
    }
    frames
}

/// The physical frame and, when the number is that of a call inlined there, which: 0 for the innermost.
pub(super) fn find(stack: &ThreadStack<'_>, number: FrameIndex) -> Option<(usize, Option<usize>)> {
    let number = usize::try_from(number.0).ok()?;
    for index in 0..stack.stack.frames.len() {
        let own = stack.number(index);
        if number == own {
            return Some((index, None));
        }
        let calls = inlined_calls(stack, index);
        if number < own {
            return number.checked_sub(own.checked_sub(calls)?).map(|call| (index, Some(call)));
        }
    }
    None
}

fn inlined_calls(stack: &ThreadStack<'_>, index: usize) -> usize {
    let code = stack.code.get(index).and_then(Option::as_ref);
    code.and_then(|code| code.scopes.as_ref()).map_or(0, |scopes| scopes.inlined.len())
}

fn physical(host: &Host<'_>, stack: &ThreadStack<'_>, index: usize, number: u32) -> Option<Frame<'static>> {
    let frame = stack.stack.frames.get(index)?;
    let code = stack.code.get(index).and_then(Option::as_ref);
    let pc = frame.pc()?;
    let start = code.and_then(|code| code.start);
    let place = code.map(function_line).unwrap_or_default();
    let memory = host.services.process().memory;
    let signal = frame.signal_frame.and_then(|signal| parse_siginfo(&signal.read_siginfo(memory)?));
    Some(Frame {
        thread: ThreadId(stack.tid),
        index: FrameIndex(number),
        pc: Address(pc.0),
        cfa: frame.cfa.map(|cfa| Address(cfa.0)).into(),
        object: optional(code.and_then(|code| code.module).map(|module| &*module.path)),
        function: optional(code.and_then(|code| code.function.as_deref())),
        offset: Size(start.and_then(|start| pc.0.checked_sub(start.0)).unwrap_or(0)),
        file: optional(place.file.as_deref()),
        line: place.line.unwrap_or(0),
        column: place.column.unwrap_or(0),
        trust: match frame.trust {
            report::Trust::Context => Trust::CONTEXT,
            report::Trust::Cfi => Trust::CFI,
            report::Trust::FramePointer => Trust::FRAME_POINTER,
            report::Trust::Scan => Trust::SCAN,
        },
        is_inlined: false,
        signal: signal.map_or(0, |signal| signal.number),
    })
}

/// A place in the source, unknown parts left out.
#[derive(Default)]
struct Line {
    file: Option<Arc<str>>,
    line: Option<u32>,
    column: Option<u32>,
}

impl From<SourceLine> for Line {
    fn from(SourceLine { file, line, column }: SourceLine) -> Line {
        Line { file, line, column }
    }
}

/// The line in the function itself: where there are inlined calls, of the outermost of them.
fn function_line(code: &Rc<Code<'_>>) -> Line {
    match code.scopes.as_ref().and_then(|scopes| scopes.inlined.first()) {
        Some(call) => Line { file: call.call_file.clone(), line: call.call_line, column: call.call_column },
        None => code.line.clone().map(Line::from).unwrap_or_default(),
    }
}

/// The calls inlined into a frame, innermost first.
fn inlined(code: &Rc<Code<'_>>, physical: &Frame<'static>) -> Vec<Frame<'static>> {
    let Some(scopes) = &code.scopes else { return Vec::new() };
    let count = scopes.inlined.len();
    let mut at = code.line.clone().map(Line::from).unwrap_or_default();
    let mut frames = Vec::with_capacity(count);
    for (level, call) in scopes.inlined.iter().rev().enumerate() {
        let before = u32::try_from(count - level).unwrap_or(u32::MAX);
        let start = call.start.and_then(|start| Some(code.module?.bias.to_runtime(start)));
        frames.push(Frame {
            index: FrameIndex(physical.index.0.saturating_sub(before)),
            function: optional(call.name.as_deref()),
            offset: Size(start.and_then(|start| physical.pc.0.checked_sub(start.0)).unwrap_or(0)),
            file: optional(at.file.as_deref()),
            line: at.line.unwrap_or(0),
            column: at.column.unwrap_or(0),
            is_inlined: true,
            ..physical.clone()
        });
        at = Line { file: call.call_file.clone(), line: call.call_line, column: call.call_column };
    }
    frames
}
