//! One thread after another, frame after frame: unwound, symbolized, its variables read, made
//! into the report's form.

use super::Settings;
use super::pieces::{Nowhere, Pieces};
use super::signal::{self, Cause};
use super::turns::Turns;
use crate::address::Address;
use crate::cause;
use crate::object::Module;
use crate::plugin::Host;
use crate::report::redact::Secrets;
use crate::report::{self, CrashInfo, Frame, Inline, Signal, Thread, Truncation, Variable};
use crate::stacks::{Code, Stacks, ThreadStack};
use crate::target::siginfo::{SignalInfo, parse_siginfo};
use crate::target::{CapturedThread, system_calls};
use crate::values::exception::{Exception, InFlight};
use crate::values::{FrameView, Printer, Scope};
use std::rc::Rc;
use std::sync::Arc;

/// What is kept from thread to thread.
pub(super) struct Threads<'a> {
    stacks: &'a Stacks<'a>,
    settings: &'a Settings,
    /// The plugins, when this is their host.
    host: Option<&'a Host<'a>>,
    cause: Cause,
    /// Why each thread that tells it stopped.
    words: Vec<report::Cause>,
    /// The signals of the thread at hand, each with the frame it interrupted.
    signals: Vec<(usize, SignalInfo)>,
    variables: bool,
    /// Whether variables of a frame were left out.
    has_cut_frames: bool,
    /// Threads analyzed and not hidden.
    shown: usize,
    problems: Vec<String>,
    /// Secrets met in variables.
    secrets: Secrets,
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
    pub(super) fn new(
        stacks: &'a Stacks<'a>,
        settings: &'a Settings,
        host: Option<&'a Host<'a>>,
    ) -> Threads<'a> {
        let (cause, variables) = (Cause::default(), settings.variables);
        let (words, signals, problems, secrets) = Default::default();
        Threads {
            stacks,
            settings,
            host,
            cause,
            words,
            signals,
            variables,
            has_cut_frames: false,
            shown: 0,
            problems,
            secrets,
        }
    }

    /// Analyzes threads whose turn it is, `most` of them.
    pub(super) fn take_turns(&mut self, turns: &Turns, most: usize, pieces: &mut Pieces<'_>) {
        for _ in 0..most {
            let Some(index) = turns.next() else { break };
            let Some(captured) = self.stacks.capture.threads.get(index) else { break };
            // Only plugins hide threads, and with plugins the turns are all taken here.
            let place = if self.host.is_some() { self.shown } else { index };
            pieces.turn_to(index);
            self.shown += usize::from(self.analyze(index, place, captured, pieces));
            pieces.end_thread();
            turns.offer_cause(self.cause.key());
            turns.offer_words(self.words.last().map(|cause| cause.thread));
        }
    }

    /// Makes the cause, and the words for it, those of all threads, where another process analyzed
    /// the thread that has them.
    pub(super) fn recall_cause(&mut self, turns: &Turns) {
        if self.host.is_some() {
            return;
        }
        let crashed = turns.cause().filter(|best| self.cause.key() != Some(*best)).map(Cause::thread_of);
        let telling = turns.words().filter(|first| self.words.iter().all(|cause| cause.thread != *first));
        if crashed.is_some() {
            self.cause = Cause::default();
        }
        for index in crashed.into_iter().chain(telling.filter(|index| Some(*index) != crashed)) {
            let Some(captured) = self.stacks.capture.threads.get(index) else { continue };
            let look = (self.settings.format, self.settings.style);
            let mut nowhere = Nowhere;
            let mut pieces = Pieces::new(&mut nowhere, None, turns, look, usize::MAX);
            self.analyze(index, index, captured, &mut pieces);
        }
        // What was found here may be of a later thread than what was recalled.
        self.words.sort_by_key(|cause| cause.thread);
    }

    /// What could not be shown.
    pub(super) fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// Whether variables were asked for and a limit ended them.
    pub(super) fn has_left_out_variables(&self) -> bool {
        self.settings.variables && !self.variables
    }

    /// Leaves variables out from here on once the report has the size it may have.
    fn keep_to_size(&mut self, thread: usize, size: u64) {
        let limit = self.settings.limits.output;
        if self.variables && size > limit {
            self.variables = false;
            self.problems.push(format!(
                "variables are left out from thread {thread} on: the report reached --max-output {limit}"
            ));
        }
    }

    /// The signal that explains the crash, after all threads were analyzed.
    pub(super) fn crash(&self) -> Option<CrashInfo> {
        self.cause.crash()
    }

    /// Why it stopped, in words: of the thread that the signal is of, else of the first one that tells.
    pub(super) fn words(&self) -> Option<report::Cause> {
        let crashed = self.crash().and_then(|crash| crash.crashing_thread);
        let of_crash = self.words.iter().find(|cause| Some(cause.thread) == crashed);
        of_crash.or(self.words.first()).cloned()
    }

    /// What would bring debug information that is not here.
    pub(super) fn remedy(&self) -> &'static str {
        match self.settings.debug.servers {
            Some(_) => "--debug-dir",
            None => "--debuginfod or --debug-dir",
        }
    }

    pub(super) fn has_code_in(&self, module: &Module) -> bool {
        self.stacks.code.has_code_in(module)
    }

    /// The report of one thread; gives `false`, and no piece, when a plugin hides it. `place` is
    /// its place in the report.
    pub(super) fn analyze(
        &mut self,
        index: usize,
        place: usize,
        captured: &CapturedThread,
        pieces: &mut Pieces<'_>,
    ) -> bool {
        let mut thread = Thread {
            index: place,
            thread_id: captured.tid,
            thread_name: captured.name.clone(),
            state: captured.state.clone(),
            wait_channel: captured.wait_channel.clone(),
            problem: captured.problem.clone(),
            ..Thread::default()
        };
        self.signals.clear();
        if let Some(signal) = captured.signal.as_deref().and_then(parse_siginfo) {
            let shown = signal::report(&signal, self.stacks.process.modules, self.stacks.capture);
            self.cause.consider(&signal, place, shown.address_symbol);
            self.signals.push((0, signal));
        }
        thread.system_call = captured.registers.as_deref().and_then(system_calls::current);
        let memory = self.stacks.process.memory;
        let moving = memory.moving_reads();
        let stack = self.stacks.walk(index, self.settings.limits.frames).map(Rc::new);
        if memory.moving_reads() != moving {
            thread.problem = Some("part of its stack was read while the process ran".to_owned());
        }
        if let Some(host) = self.host {
            match host.begin_thread(stack.clone()) {
                Some(texts) => thread.text_before = texts,
                None => return false,
            }
        }
        thread.frame_count = stack.as_ref().map_or(0, |stack| stack.stack.frame_count);
        if let Some(stack) = &stack {
            thread.exceptions = exceptions(self.stacks.exceptions(stack));
            for what in thread.exceptions.iter_mut().filter_map(|exception| exception.what.as_mut()) {
                *what = self.settings.redactor.message(what, &self.secrets);
            }
        }
        pieces.begin(&thread);
        if let Some(stack) = stack {
            let left_out = stack.stack.frame_count.saturating_sub(stack.stack.frames.len());
            thread.truncated = self.frames(place, &stack, left_out, pieces);
            let words = cause::of_thread(self.stacks, &stack, &self.signals, place);
            self.words.extend(words.map(|mut cause| {
                cause.text = self.settings.redactor.message(&cause.text, &self.secrets);
                cause
            }));
            thread.problem = thread.problem.or_else(|| stack.stack.problem.clone());
        }
        if let Some(host) = self.host {
            thread.text_after = host.end_thread();
        }
        pieces.end(&thread);
        true
    }

    /// The frames shown; gives the gap among them.
    fn frames(
        &mut self,
        thread: usize,
        stack: &ThreadStack<'a>,
        left_out: usize,
        pieces: &mut Pieces<'_>,
    ) -> Option<Truncation> {
        let views = stack.views();
        let (first, last) = stack.parts(&views);
        let hooks = self.host.and_then(Host::value_hooks);
        let mut printer = Printer::new(&self.settings.limits, hooks).raw(self.settings.raw_values);
        let mut truncation = None;
        let (mut index, mut number) = (0, 0);
        for (part, gap) in [(first, None), (last, stack.stack.gap_before)] {
            if gap.is_some() {
                number += left_out;
                let limit = format!("--max-frames {}", self.settings.limits.frames);
                let gap = Truncation { before_frame: pieces.frames(), left_out, limit };
                pieces.gap(&gap);
                truncation = Some(gap);
            }
            for (at, view) in part.iter().enumerate() {
                let scope = Scope::new(self.stacks.process, stack.registers, part, at);
                let code = stack.code.get(index).and_then(Option::as_deref);
                let inlined =
                    code.and_then(|code| code.scopes.as_ref()).map_or(0, |scopes| scopes.inlined.len());
                let text_before = match self.host {
                    Some(host) => host.before_frame(index, number + inlined),
                    None => Some(Vec::new()),
                };
                self.keep_to_size(thread, pieces.size());
                if let Some(text_before) = text_before {
                    let mut frame = self.frame(thread, (index, number), view, code, &scope, &mut printer);
                    self.settings.redactor.frame(&mut frame, &mut self.secrets);
                    frame.text_before = text_before;
                    frame.text_after = self.host.map(|host| host.after_frame()).unwrap_or_default();
                    pieces.frame(&frame);
                }
                number += inlined + 1;
                index += 1;
            }
        }
        truncation
    }

    fn frame(
        &mut self,
        thread: usize,
        (index, number): (usize, usize),
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
        let most = self.settings.limits.variables;
        let (mut room, mut left_out) = (most, 0);
        let mut next_variables = || -> Vec<Variable> {
            let Some(level) = levels.as_mut().and_then(Iterator::next) else { return Vec::new() };
            let (shown, rest) = level.split_at(level.len().min(room));
            room -= shown.len();
            left_out += rest.len();
            printer.variables(scope, shown)
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
        if left_out > 0 && !std::mem::replace(&mut self.has_cut_frames, true) {
            self.problems.push(format!(
                "{left_out} variables of frame #{} of thread {thread} are left out, and so in every frame with more than --max-variables {most}",
                number + inlines.len()
            ));
        }
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
            signal: self.signal(thread, index, view),
            inlines,
            variables,
            text_before: Vec::new(),
            text_after: Vec::new(),
        }
    }

    fn signal(&mut self, thread: usize, index: usize, view: &FrameView<'_>) -> Option<Signal> {
        let place = view.frame.signal_frame?;
        let process = self.stacks.process;
        let Some(signal) = signal::read(process.memory, place) else { return Some(signal::unknown()) };
        let shown = signal::report(&signal, process.modules, self.stacks.capture);
        self.cause.consider(&signal, thread, shown.address_symbol.clone());
        self.signals.push((index + 1, signal));
        Some(shown)
    }
}

/// A thread's exceptions as the report has them, those on their way first.
fn exceptions(found: InFlight) -> Vec<report::Exception> {
    use report::ExceptionLanguage::{Cpp, Rust, Unknown};
    use report::ExceptionState::{Caught, Thrown};
    let shown = |language, state| {
        move |exception: Exception| report::Exception {
            language,
            state,
            type_name: Some(exception.type_name),
            what: exception.what,
            address: Some(exception.object),
        }
    };
    let unknown =
        |language, state| report::Exception { language, state, type_name: None, what: None, address: None };
    let mut exceptions: Vec<_> = found.thrown.into_iter().map(shown(Cpp, Thrown)).collect();
    if exceptions.is_empty() && found.thrown_count > 0 {
        exceptions.push(unknown(Cpp, Thrown));
    }
    exceptions.extend(found.panic.map(shown(Rust, Thrown)));
    exceptions.extend(found.caught.into_iter().map(shown(Cpp, Caught)));
    if found.has_unknown {
        exceptions.push(unknown(Unknown, Caught));
    }
    exceptions
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
        found.push(Call { function: call.name.clone(), start, file: at.0.clone(), line: at.1, column: at.2 });
        // DWARF 2 does not tell where the call is; the line of its code is the nearest answer.
        if call.call_line.is_some() {
            at = (call.call_file.clone(), call.call_line, call.call_column);
        }
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
