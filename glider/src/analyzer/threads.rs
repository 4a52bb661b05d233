//! One thread after another: unwound, symbolized, its variables read, made into the report's form.

use super::Settings;
use super::code::{Code, CodeTable};
use super::signal::{self, Cause};
use crate::address::Address;
use crate::object::Module;
use crate::report::{CrashInfo, Frame, Inline, Signal, Thread, Truncation, Variable};
use crate::target::siginfo::parse_siginfo;
use crate::target::{Capture, CapturedThread, ThreadRegisters, system_calls};
use crate::unwind::{self, CfiCache, Stack};
use crate::values::{FrameView, Printer, Process, Scope};
use std::rc::Rc;
use std::sync::Arc;

/// What is kept from thread to thread.
pub(super) struct Threads<'a> {
    process: Process<'a>,
    capture: &'a Capture,
    settings: &'a Settings,
    code: CodeTable<'a>,
    rows: CfiCache,
    cause: Cause,
    variables: bool,
}

/// A function or inlined call of a frame, before it gets its variables.
struct Call {
    function: Option<Arc<str>>,
    start: Option<Address>,
    file: Option<Arc<str>>,
    line: Option<u32>,
    column: Option<u32>,
}

impl<'a> Threads<'a> {
    pub(super) fn new(process: Process<'a>, capture: &'a Capture, settings: &'a Settings) -> Threads<'a> {
        Threads {
            process,
            capture,
            settings,
            code: CodeTable::new(process.modules),
            rows: CfiCache::default(),
            cause: Cause::default(),
            variables: settings.variables,
        }
    }

    pub(super) fn shows_variables(&self) -> bool {
        self.variables
    }

    pub(super) fn leave_out_variables(&mut self) {
        self.variables = false;
    }

    /// The signal that explains the crash, after all threads were analyzed.
    pub(super) fn crash(&self) -> Option<CrashInfo> {
        self.cause.crash()
    }

    pub(super) fn has_code_in(&self, module: &Module) -> bool {
        self.code.has_code_in(module)
    }

    /// The report of one thread.
    pub(super) fn analyze(&mut self, index: usize, captured: &CapturedThread) -> Thread {
        let mut thread = Thread {
            index,
            thread_id: captured.tid,
            thread_name: captured.name.clone(),
            state: captured.state.clone(),
            wait_channel: captured.wait_channel.clone(),
            problem: captured.problem.clone(),
            ..Thread::default()
        };
        if let Some(signal) = captured.signal.as_deref().and_then(parse_siginfo) {
            let shown = signal::report(&signal, self.process.modules, self.capture);
            self.cause.consider(&signal, index, shown.address_symbol);
        }
        let Some(registers) = captured.registers.as_deref() else { return thread };
        thread.system_call = system_calls::current(registers);
        let limits = &self.settings.limits;
        let process = self.process;
        let stack = unwind::walk(registers, process.modules, process.memory, limits.frames, &mut self.rows);
        thread.frame_count = stack.frame_count;
        thread.truncated = stack.gap_before.map(|before_frame| Truncation {
            before_frame,
            left_out: stack.frame_count.saturating_sub(stack.frames.len()),
            limit: format!("--max-frames {}", limits.frames),
        });
        thread.frames = self.frames(index, &stack, registers);
        thread.problem = thread.problem.or(stack.problem);
        thread
    }

    fn frames(&mut self, thread: usize, stack: &Stack, registers: &ThreadRegisters) -> Vec<Frame> {
        let code: Vec<Option<Rc<Code<'a>>>> =
            stack.frames.iter().map(|frame| frame.lookup_pc().map(|pc| self.code.find(pc))).collect();
        let views: Vec<FrameView<'_>> = stack
            .frames
            .iter()
            .zip(&code)
            .map(|(frame, code)| FrameView {
                frame,
                module: code.as_ref().and_then(|code| code.module),
                scopes: code.as_ref().and_then(|code| code.scopes.clone()),
            })
            .collect();
        // Frames on both sides of a gap are no neighbours: neither knows the other's call.
        let (first, last) = views.split_at(stack.gap_before.unwrap_or(views.len()).min(views.len()));
        let mut printer = Printer::new(&self.settings.limits, None);
        let mut frames = Vec::with_capacity(views.len());
        let mut number = 0;
        for (part, left_out) in [(first, 0), (last, stack.frame_count.saturating_sub(views.len()))] {
            number += left_out;
            for (at, view) in part.iter().enumerate() {
                let scope = Scope::new(self.process, registers, part, at);
                let code = view.frame.lookup_pc().map(|pc| self.code.find(pc));
                let frame = self.frame(thread, number, view, code.as_deref(), &scope, &mut printer);
                number = frame.frame + 1;
                frames.push(frame);
            }
        }
        frames
    }

    fn frame(
        &mut self,
        thread: usize,
        number: usize,
        view: &FrameView<'_>,
        code: Option<&Code<'_>>,
        scope: &Scope<'_>,
        printer: &mut Printer<'_>,
    ) -> Frame {
        let pc = view.frame.pc().unwrap_or_default();
        let mut calls = code.map(calls).unwrap_or_default();
        let mut levels = view.scopes.as_deref().filter(|_| self.variables).map(|scopes| {
            let inlined = scopes.inlined.iter().rev().map(|call| call.variables.as_slice());
            inlined.chain([scopes.function.variables.as_slice()])
        });
        let mut next_variables = || -> Vec<Variable> {
            let level = levels.as_mut().and_then(Iterator::next);
            level.map(|variables| printer.variables(scope, variables)).unwrap_or_default()
        };
        let offset = |start: Option<Address>| Some(Address(pc.0.checked_sub(start?.0)?));
        let function = calls.pop();
        let inlines: Vec<Inline> = calls
            .into_iter()
            .enumerate()
            .map(|(level, call)| Inline {
                frame: number + level,
                function_offset: offset(call.start),
                function: call.function,
                file: call.file,
                line: call.line,
                column: call.column,
                variables: next_variables(),
            })
            .collect();
        let variables = next_variables();
        let module = view.module;
        let (function, start, file, line, column) = match function {
            Some(call) => (call.function, call.start, call.file, call.line, call.column),
            None => (None, None, None, None, None),
        };
        Frame {
            frame: number + inlines.len(),
            offset: pc,
            module: module.map(|module| module.path.clone()),
            module_offset: module.map(|module| Address(module.bias.to_file(pc).0)),
            function,
            function_offset: offset(start),
            file,
            line,
            column,
            trust: view.frame.trust,
            registers: view.frame.registers.known().map(|(name, value)| (name, Address(value))).collect(),
            signal: self.signal(thread, view),
            inlines,
            variables,
            text_before: Vec::new(),
            text_after: Vec::new(),
        }
    }

    fn signal(&mut self, thread: usize, view: &FrameView<'_>) -> Option<Signal> {
        let place = view.frame.signal_frame?;
        let Some(signal) = signal::read(self.process.memory, place) else { return Some(signal::unknown()) };
        let shown = signal::report(&signal, self.process.modules, self.capture);
        self.cause.consider(&signal, thread, shown.address_symbol.clone());
        Some(shown)
    }
}

/// The inlined calls at a pc, innermost first, and the function that holds them, last. The line
/// of each is where it calls the next inner one; of the innermost, that of the instruction.
fn calls(code: &Code<'_>) -> Vec<Call> {
    let line = code.line.clone();
    let mut at = (
        line.as_ref().and_then(|line| line.file.clone()),
        line.as_ref().and_then(|line| line.line),
        line.as_ref().and_then(|line| line.column),
    );
    let mut found = Vec::new();
    let inlined = code.scopes.as_deref().map_or(&[][..], |scopes| &scopes.inlined);
    for call in inlined.iter().rev() {
        let start = call.start.and_then(|start| Some(code.module?.bias.to_runtime(start)));
        found.push(Call { function: call.name.clone(), start, file: at.0, line: at.1, column: at.2 });
        at = (call.call_file.clone(), call.call_line, call.call_column);
    }
    found.push(Call {
        function: code.function.clone(),
        start: code.start,
        file: at.0,
        line: at.1,
        column: at.2,
    });
    found
}
