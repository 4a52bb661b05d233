//! The plugins in the process that runs them: loaded, called in their order, their texts
//! collected. The hooks of values, which are many more than all others, are called in `value_calls`.

mod value_calls;

use super::board::{Ending, Moment};
use super::c_api::{self, Built, Handles, Registrations, Tables};
use super::confine::is_copy;
use super::hook::{Hook, HookSet};
use super::nest::{Nest, Told};
use super::rust_api::RustPlugin;
use super::search::Planned;
use super::services::Services;
use super::supervisor::Seat;
use crate::address::Address;
use crate::dwarf::SourceLine;
use crate::limits::{Limits, PLUGIN_CALLS};
use crate::report::{Door, Footer, Plugin, PluginCall, PluginStatus, PluginText};
use crate::stacks::{Stacks, ThreadStack};
use crate::values::{Item, Scope, Shown, ValueHooks};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::time::Instant;

/// A loaded plugin, whatever door it came in by. Which of these are called it says with [`Host::set_hooks`].
pub(super) trait Analyzer {
    /// Before a thread; gives whether it is shown.
    fn begin_thread(&self, host: &Host<'_>) -> bool;
    /// Before a frame; gives whether it is shown.
    fn before_frame(&self, host: &Host<'_>) -> bool;
    /// Before a value; the [`Nest`] has its name.
    fn before_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told) -> Shown;
    /// A printer for types, where nothing was decided before.
    fn print_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told) -> Shown;
    /// After a value.
    fn after_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told);
    /// After a frame.
    fn after_frame(&self, host: &Host<'_>);
    /// After a thread.
    fn end_thread(&self, host: &Host<'_>);
    /// After all threads.
    fn global_trace(&self, host: &Host<'_>);
}

/// What came of loading a plugin.
pub(super) struct Loaded {
    /// The interface it came in by.
    pub(super) door: Door,
    /// The version of it that it asks for.
    pub(super) api_version: Option<String>,
    /// `None` when it has nothing to do.
    pub(super) analyzer: Option<Box<dyn Analyzer>>,
}

/// A plugin's place in the host.
struct Slot {
    name: String,
    /// What the report says of it.
    entry: RefCell<Plugin>,
    /// Empty while it is not loaded, or when there is nothing to call.
    analyzer: OnceCell<Box<dyn Analyzer>>,
    /// Which hooks of it are called.
    hooks: Cell<HookSet>,
    printed: Cell<u64>,
}

impl Slot {
    /// The plugin, when it has that hook.
    #[inline]
    fn with(&self, hook: Hook) -> Option<&dyn Analyzer> {
        if !self.hooks.get().has(hook) {
            return None;
        }
        self.analyzer.get().map(Box::as_ref)
    }

    fn new(planned: &Planned) -> Slot {
        Slot {
            name: planned.file_name(),
            entry: RefCell::new(planned.entry()),
            analyzer: OnceCell::new(),
            hooks: Cell::default(),
            printed: Cell::new(0),
        }
    }
}

/// The plugins of one trace, in their own process.
pub struct Host<'a> {
    seat: &'a Seat<'a>,
    /// What plugins may ask.
    pub(super) services: Services<'a>,
    /// What the C door has given out.
    pub(super) handles: Handles<'a>,
    /// What C modules have registered.
    pub(super) registrations: Registrations,
    /// Types that C modules have built.
    pub(super) built: Built,
    /// Hash tables of C modules.
    pub(super) tables: Tables,
    slots: Vec<Slot>,
    /// The hooks that any of them ever had.
    hooks: Cell<HookSet>,
    /// The last one that the board was told of.
    moment: Cell<Moment>,
    /// Whether more is done around the call for a value than the least.
    is_watchful: bool,
    /// Stacks of other threads than the one at hand.
    others: RefCell<HashMap<usize, Rc<ThreadStack<'a>>>>,
    frame_counts: RefCell<HashMap<usize, u32>>,
    thread: RefCell<Option<Rc<ThreadStack<'a>>>>,
    /// Its id; 0 outside of threads.
    tid: Cell<i32>,
    frame: Cell<Option<usize>>,
    /// The number that the report prints for the frame at hand.
    number: Cell<usize>,
    /// The values that are being printed.
    pub(super) nest: RefCell<Nest>,
    /// The frame at hand as C hooks get it.
    context: Cell<Option<FrameContext>>,
    /// Text that belongs to what was hidden: it is shown at the next place.
    pending: RefCell<Vec<PluginText>>,
    notes: RefCell<Vec<PluginCall>>,
}

impl<'a> Host<'a> {
    /// Loads the plugins of `seat`, in order.
    pub fn load(seat: &'a Seat<'a>, stacks: &'a Stacks<'a>, limits: &'a Limits) -> Host<'a> {
        let host = Host {
            seat,
            services: Services::new(stacks, limits),
            handles: Handles::default(),
            registrations: Registrations::default(),
            built: Built::default(),
            tables: Tables::default(),
            slots: seat.plugins.iter().map(|planned| Slot::new(planned)).collect(),
            hooks: Cell::default(),
            moment: Cell::default(),
            is_watchful: seat.notes_calls || seat.is_strict.get(),
            others: RefCell::default(),
            frame_counts: RefCell::default(),
            thread: RefCell::new(None),
            tid: Cell::new(0),
            frame: Cell::new(None),
            number: Cell::new(0),
            nest: RefCell::default(),
            context: Cell::new(None),
            pending: RefCell::default(),
            notes: RefCell::default(),
        };
        for (index, planned) in seat.plugins.iter().enumerate() {
            host.load_one(index, planned);
        }
        host
    }

    fn load_one(&self, index: usize, planned: &Planned) {
        let Some(slot) = self.slots.get(index) else { return };
        let (loaded, text) = self.call(index, Hook::Load, || self.open(planned));
        self.pending.borrow_mut().extend(text);
        let mut entry = slot.entry.borrow_mut();
        match loaded {
            Ok(loaded) => {
                (entry.door, entry.api_version) = (Some(loaded.door), loaded.api_version);
                match loaded.analyzer {
                    // Nobody else has set it.
                    Some(analyzer) => drop(slot.analyzer.set(analyzer)),
                    None if entry.problem.is_none() => entry.status = PluginStatus::Idle,
                    None => {}
                }
            }
            Err(why) => {
                entry.status = PluginStatus::Refused;
                entry.problem = Some(why);
            }
        }
    }

    /// By the Rust door where there is one; by the C door where there is no other, or the
    /// Rust door stays shut.
    fn open(&self, planned: &Planned) -> Result<Loaded, String> {
        let has_c = planned.doors.ana_init || planned.doors.module_init;
        if planned.doors.rust {
            match RustPlugin::load(self, planned) {
                Ok((api_version, plugin)) => {
                    let analyzer = plugin.map(|plugin| Box::new(plugin) as Box<dyn Analyzer>);
                    return Ok(Loaded { door: Door::Rust, api_version: Some(api_version), analyzer });
                }
                Err(why) if !has_c => return Err(why),
                Err(_) => {}
            }
        }
        c_api::load(self, planned)
    }

    /// Calls into the plugin with this index. Gives what the call gave, and what was printed.
    #[inline(never)]
    fn call<R>(&self, index: usize, hook: Hook, run: impl FnOnce() -> R) -> (R, Option<PluginText>) {
        let began = self.seat.notes_calls.then(Instant::now);
        self.seat.has_run.set(true);
        let moment = self.begin_call(index, hook);
        let result = c_api::with_current(self, run);
        self.check_copy();
        self.end_call(moment);
        // At the rare moments everything is looked at; around values and frames only what costs no system call.
        let text = match hook.is_frequent() && !self.seat.printed.is_pending() {
            true => None,
            false => self.take(index),
        };
        if self.seat.is_strict.get() && !self.seat.descriptors.are_intact() {
            self.seat.give_up(Ending::Descriptors);
        }
        if let Some(began) = began {
            self.note(index, began, text.as_ref());
        }
        (result, text)
    }

    /// Says on the board that a call begins.
    #[inline(always)]
    fn begin_call(&self, index: usize, hook: Hook) -> Moment {
        let moment = self.moment.get().next(index, hook);
        self.seat.board.tell(moment);
        moment
    }

    /// Says that it is over.
    #[inline(always)]
    fn end_call(&self, moment: Moment) {
        let moment = moment.end();
        self.moment.set(moment);
        self.seat.board.tell(moment);
    }

    /// Does not come back in a process that a plugin has forked.
    fn check_copy(&self) {
        if is_copy() {
            self.seat.check();
        }
    }

    /// Says which of the hooks of the plugin that is being called are called from now on.
    pub(super) fn set_hooks(&self, change: impl FnOnce(HookSet) -> HookSet) {
        if let Some(slot) = self.calling().and_then(|plugin| self.slots.get(plugin)) {
            slot.hooks.set(change(slot.hooks.get()));
            self.hooks.set(self.hooks.get().and(slot.hooks.get()));
        }
    }

    /// Says on the board which thread and frame are at hand.
    fn come_to(&self, tid: i32, frame: Option<usize>) {
        self.tid.set(tid);
        self.frame.set(frame);
        self.context.set(None);
        let number = frame.and_then(|_| u32::try_from(self.number.get()).ok());
        self.seat.board.come_to(tid, number);
    }

    /// Takes what was printed, on the account of the plugin with this index.
    #[cold]
    fn take(&self, index: usize) -> Option<PluginText> {
        let slot = self.slots.get(index)?;
        let Some(bytes) = self.seat.printed.take() else { self.seat.give_up(Ending::TooMuchOutput) };
        let printed = slot.printed.get() + bytes.len() as u64;
        slot.printed.set(printed);
        if printed > self.services.limits.plugin_output {
            self.seat.give_up(Ending::TooMuchOutput);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (!text.is_empty()).then(|| PluginText { plugin: slot.name.clone(), text })
    }

    fn note(&self, index: usize, began: Instant, text: Option<&PluginText>) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() >= PLUGIN_CALLS {
            return;
        }
        notes.push(PluginCall {
            plugin: self.slots.get(index).map(|slot| slot.name.clone()).unwrap_or_default(),
            hook: self.seat.board.last_call().1.map(|call| call.to_string()).unwrap_or_default(),
            nanoseconds: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            printed: text.map_or(0, |text| text.text.len()),
        });
    }

    /// Calls each plugin that has the hook, in order. Gives the texts.
    #[inline]
    fn each(&self, hook: Hook, mut run: impl FnMut(&dyn Analyzer)) -> Vec<PluginText> {
        let mut texts = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(analyzer) = slot.with(hook) else { continue };
            texts.extend(self.call(index, hook, || run(analyzer)).1);
        }
        texts
    }

    /// Before a thread. Gives the text to put before it, or `None` when it is hidden.
    pub fn begin_thread(&self, stack: Option<Rc<ThreadStack<'a>>>) -> Option<Vec<PluginText>> {
        let is_known = stack.is_some();
        self.come_to(stack.as_ref().map_or(0, |stack| stack.tid), None);
        *self.thread.borrow_mut() = stack;
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        if !is_known {
            return Some(texts);
        }
        let mut is_shown = true;
        texts.extend(self.each(Hook::BeginThread, |plugin| is_shown &= plugin.begin_thread(self)));
        if is_shown {
            return Some(texts);
        }
        self.pending.borrow_mut().extend(texts);
        self.come_to(0, None);
        *self.thread.borrow_mut() = None;
        None
    }

    /// After a thread that is shown. Gives the text to put after it.
    pub fn end_thread(&self) -> Vec<PluginText> {
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        if self.thread.borrow().is_some() {
            texts.extend(self.each(Hook::EndThread, |plugin| plugin.end_thread(self)));
        }
        self.come_to(0, None);
        *self.thread.borrow_mut() = None;
        self.handles.forget_frames();
        c_api::unset_current();
        texts
    }

    /// Before a frame, by its index among the frames kept; `number` is the one that the report
    /// prints. Gives the text to put before it, or `None` when it is hidden.
    pub fn before_frame(&self, frame: usize, number: usize) -> Option<Vec<PluginText>> {
        self.number.set(number);
        self.come_to(self.tid.get(), Some(frame));
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        let mut is_shown = true;
        texts.extend(self.each(Hook::BeforeFrame, |plugin| is_shown &= plugin.before_frame(self)));
        if is_shown {
            return Some(texts);
        }
        self.pending.borrow_mut().extend(texts);
        self.come_to(self.tid.get(), None);
        None
    }

    /// After a frame that is shown. Gives the text to put after it.
    pub fn after_frame(&self) -> Vec<PluginText> {
        let texts = self.each(Hook::AfterFrame, |plugin| plugin.after_frame(self));
        self.come_to(self.tid.get(), None);
        texts
    }

    /// What steps in while values are printed, when a plugin wants that.
    pub fn value_hooks(&self) -> Option<&dyn ValueHooks> {
        let hooks = [Hook::BeforeVariable, Hook::PrintValue, Hook::AfterVariable];
        let is_called = hooks.into_iter().any(|hook| self.slots.iter().any(|slot| slot.with(hook).is_some()));
        is_called.then(|| {
            // For all of them, since there are so many: until the end of the thread.
            self.seat.has_run.set(true);
            c_api::set_current(self);
            self as &dyn ValueHooks
        })
    }

    /// After all threads: fills in what the footer says of plugins.
    pub fn finish(&self, footer: &mut Footer) {
        footer.plugin_output = std::mem::take(&mut *self.pending.borrow_mut());
        footer.plugin_output.extend(self.each(Hook::GlobalTrace, |plugin| plugin.global_trace(self)));
        footer.plugins = self.slots.iter().map(|slot| slot.entry.borrow().clone()).collect();
        footer.plugin_calls = std::mem::take(&mut *self.notes.borrow_mut());
    }

    /// Says that all threads are in the spool. See [`Seat::advance`].
    pub fn conclude(&self, threads: usize, spool: u64) {
        self.seat.advance(threads, spool, true);
    }

    /// Before a thread is put into the spool. See [`Seat::check`].
    pub fn check(&self) {
        self.seat.check();
    }

    /// The thread at hand.
    pub(super) fn thread(&self) -> Option<Rc<ThreadStack<'a>>> {
        self.thread.borrow().clone()
    }

    /// The source line of an address of code. The pc of an outer frame is a return address: as in
    /// the report its line is that of the call.
    pub(super) fn source_of(&self, pc: Address) -> Option<SourceLine> {
        let is_return_address = self.handles.is_return_address(pc);
        self.services.source_of(if is_return_address { pc.checked_sub(1)? } else { pc })
    }

    /// The number that the report prints for the frame at hand.
    pub(super) fn frame_number(&self) -> usize {
        self.number.get()
    }

    /// Index of the plugin that is being called.
    pub(super) fn calling(&self) -> Option<usize> {
        self.seat.board.running().map(|call| call.plugin)
    }

    /// Notes that the hook that is being called failed; with `is_over` the plugin is done for.
    pub(super) fn note_error(&self, error: &str, is_over: bool) {
        let Some(call) = self.seat.board.running() else { return };
        let Some(slot) = self.slots.get(call.plugin) else { return };
        let mut entry = slot.entry.borrow_mut();
        entry.status = PluginStatus::Failed;
        let first = entry.problem.get_or_insert_with(|| format!("{error}, at {call}"));
        if is_over {
            first.push_str("; it was not called any more");
        }
    }

    /// The stack of the thread with this index in the capture, as the report shows it.
    pub(super) fn stack(&self, thread: usize) -> Option<Rc<ThreadStack<'a>>> {
        const MAX_KEPT: usize = 64;
        let mut others = self.others.borrow_mut();
        if let Some(known) = others.get(&thread) {
            return Some(known.clone());
        }
        let stack = Rc::new(self.services.stacks.walk(thread, self.services.limits.frames)?);
        if others.len() >= MAX_KEPT {
            others.clear();
        }
        others.insert(thread, stack.clone());
        Some(stack)
    }

    /// How many frames the stack of a thread has.
    pub(super) fn frame_count(&self, thread: usize) -> u32 {
        let current = self.thread.borrow().clone().filter(|stack| stack.thread == thread);
        let count = |stack: &ThreadStack<'_>| u32::try_from(stack.stack.frame_count).unwrap_or(u32::MAX);
        if let Some(current) = current {
            return count(&current);
        }
        if let Some(known) = self.frame_counts.borrow().get(&thread) {
            return *known;
        }
        // Of a stack that is only counted nothing needs to be kept.
        let counted = self.services.stacks.walk(thread, 1).map_or(0, |stack| count(&stack));
        self.frame_counts.borrow_mut().insert(thread, counted);
        counted
    }

    /// Index of the frame at hand among those kept.
    pub(super) fn frame(&self) -> Option<usize> {
        self.frame.get()
    }

    /// What the C hooks are told of the frame at hand, made once for each frame.
    #[inline]
    pub(super) fn frame_context(&self) -> Option<FrameContext> {
        self.context.get().or_else(|| self.make_context())
    }

    #[cold]
    fn make_context(&self) -> Option<FrameContext> {
        let (thread, frame) = (self.thread.borrow(), self.frame.get()?);
        let stack = thread.as_ref()?;
        let context = FrameContext {
            tid: stack.tid,
            number: c_int::try_from(self.number.get()).unwrap_or(c_int::MAX),
            pc: c_api::foreign(stack.stack.frames.get(frame)?.pc().unwrap_or_default()),
            handle: self.handles.add_frame(stack, frame)?,
        };
        self.context.set(Some(context));
        Some(context)
    }
}

/// A frame as C hooks get it.
#[derive(Clone, Copy)]
pub(super) struct FrameContext {
    pub(super) tid: c_int,
    /// The number that the report prints.
    pub(super) number: c_int,
    pub(super) pc: *mut c_void,
    pub(super) handle: *mut c_void,
}
