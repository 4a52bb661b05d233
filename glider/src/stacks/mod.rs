//! A thread's stack with the code of each of its frames: unwinding and symbolizing put together.
//!
//! Pipeline place: after the values' evaluation, of which it makes the scopes; before the
//! report. Used by the analyzer thread after thread, and by plugins for any thread at any time.

#![forbid(unsafe_code)]

mod code;

pub use code::{Code, CodeTable};

use crate::address::Address;
use crate::target::{Capture, ThreadRegisters};
use crate::unwind::{self, CfiCache, Stack};
use crate::values::exception::{self, InFlight, rust_panic};
use crate::values::{FrameView, Process, Scope};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// All stacks of the captured process.
pub struct Stacks<'a> {
    /// The process.
    pub process: Process<'a>,
    /// Its threads.
    pub capture: &'a Capture,
    /// The code looked up so far.
    pub code: CodeTable<'a>,
    rows: RefCell<CfiCache>,
    exception_globals: OnceCell<Option<exception::Globals>>,
    panic_count: OnceCell<Option<Address>>,
}

/// The stack of one thread.
pub struct ThreadStack<'a> {
    /// Index of the thread in the capture.
    pub thread: usize,
    /// Kernel thread id.
    pub tid: i32,
    /// The frames kept.
    pub stack: Stack,
    /// The thread's registers.
    pub registers: &'a ThreadRegisters,
    /// The code of each frame; `None` for a frame whose pc is lost.
    pub code: Vec<Option<Rc<Code<'a>>>>,
}

impl<'a> Stacks<'a> {
    /// No stack is walked yet.
    pub fn new(process: Process<'a>, capture: &'a Capture) -> Stacks<'a> {
        let (rows, exception_globals, panic_count) = Default::default();
        let code = CodeTable::new(process.modules);
        Stacks { process, capture, code, rows, exception_globals, panic_count }
    }

    /// Where the function that holds a runtime address begins, by its object's call frame table.
    pub fn function_start(&self, address: Address) -> Option<Address> {
        self.rows.borrow_mut().function_start(address, self.process.modules)
    }

    /// The exceptions and the panic that a thread is not done with.
    pub(crate) fn exceptions(&self, stack: &ThreadStack<'_>) -> InFlight {
        let (process, frames) = (&self.process, &stack.stack.frames);
        let globals = self.exception_globals.get_or_init(|| exception::Globals::find(process));
        let mut found = match globals {
            Some(globals) => exception::in_flight(process, globals, stack.registers, frames),
            None => InFlight::default(),
        };
        let functions = stack.code.iter().filter_map(|code| code.as_ref()?.function.as_deref());
        if functions.into_iter().any(rust_panic::is_destructor) {
            let count = self.panic_count.get_or_init(|| rust_panic::count_place(process));
            found.panic = count.and_then(|count| rust_panic::find(process, count, frames));
        }
        found
    }

    /// Walks the stack of the thread with this index in the capture, keeping at most
    /// `max_frames`; `None` when its registers are not known.
    pub fn walk(&self, thread: usize, max_frames: usize) -> Option<ThreadStack<'a>> {
        let captured = self.capture.threads.get(thread)?;
        let registers = captured.registers.as_deref()?;
        let Process { modules, memory, .. } = self.process;
        let stack = unwind::walk(registers, modules, memory, max_frames, &mut self.rows.borrow_mut());
        let code = stack.frames.iter().map(|frame| frame.lookup_pc().map(|pc| self.code.find(pc))).collect();
        Some(ThreadStack { thread, tid: captured.tid, stack, registers, code })
    }
}

impl<'a> ThreadStack<'a> {
    /// The number that the report prints for a frame: inlined calls count, and so do the frames
    /// that were left out.
    pub fn number(&self, frame: usize) -> usize {
        let inlined = |code: &Option<Rc<Code<'a>>>| {
            code.as_ref().and_then(|code| code.scopes.as_ref()).map_or(0, |scopes| scopes.inlined.len())
        };
        let before = self.code.iter().take(frame + 1).map(|code| inlined(code) + 1).sum::<usize>();
        let left_out = match self.stack.gap_before {
            Some(gap) if frame >= gap => self.stack.frame_count.saturating_sub(self.stack.frames.len()),
            _ => 0,
        };
        (before + left_out).saturating_sub(1)
    }

    /// The frames as scopes need them.
    pub fn views(&self) -> Vec<FrameView<'_>> {
        let frames = self.stack.frames.iter().zip(&self.code);
        frames
            .map(|(frame, code)| FrameView {
                frame,
                module: code.as_ref().and_then(|code| code.module),
                scopes: code.as_ref().and_then(|code| code.scopes.clone()),
            })
            .collect()
    }

    /// The views before and after the gap: frames on its two sides are no neighbours, neither
    /// knows the other's call.
    pub fn parts<'v, 's>(&self, views: &'v [FrameView<'s>]) -> (&'v [FrameView<'s>], &'v [FrameView<'s>]) {
        views.split_at(self.stack.gap_before.unwrap_or(views.len()).min(views.len()))
    }

    /// Calls `work` with the scope of the frame with this index; `None` when there is no such frame.
    pub fn with_scope<R>(
        &self,
        process: Process<'_>,
        frame: usize,
        work: impl FnOnce(&Scope<'_>) -> R,
    ) -> Option<R> {
        let views = self.views();
        views.get(frame)?;
        let (first, last) = self.parts(&views);
        let (part, index) = match frame.checked_sub(first.len()) {
            None => (first, frame),
            Some(index) => (last, index),
        };
        Some(work(&Scope::new(process, self.registers, part, index)))
    }
}
