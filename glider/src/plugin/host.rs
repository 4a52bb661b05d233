//! The plugins in the process that runs them: loaded, called in their order, their texts
//! collected.

use super::board::{Call, Ending, Hook};
use super::c_api::{self, Built, Handles, Registrations, Tables};
use super::confine::is_copy;
use super::rust_api::RustPlugin;
use super::search::Planned;
use super::services::Services;
use super::supervisor::Seat;
use crate::address::Address;
use crate::dwarf::SourceLine;
use crate::limits::Limits;
use crate::report::{Door, Footer, Plugin, PluginCall, PluginStatus, PluginText};
use crate::stacks::{Stacks, ThreadStack};
use crate::values::{Item, ItemName, Part, Shown, ValueHooks};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::io::Write;
use std::rc::Rc;
use std::time::Instant;

/// Calls that are noted for `--trace-plugins`.
const MAX_NOTED: usize = 100_000;

/// A loaded plugin, whatever door it came in by.
pub(super) trait Analyzer {
    /// Whether it has something to call for a hook.
    fn wants(&self, host: &Host<'_>, hook: Hook) -> bool;
    /// Before a thread; gives whether it is shown.
    fn begin_thread(&self, host: &Host<'_>) -> bool;
    /// Before a frame; gives whether it is shown.
    fn before_frame(&self, host: &Host<'_>, frame: usize) -> bool;
    /// Before a value; the item's name is complete.
    fn before_value(&self, host: &Host<'_>, frame: usize, item: &Item<'_>) -> Shown;
    /// A printer for types, where nothing was decided before.
    fn print_value(&self, host: &Host<'_>, frame: usize, item: &Item<'_>) -> Shown;
    /// After a value.
    fn after_value(&self, host: &Host<'_>, frame: usize, item: &Item<'_>);
    /// After a frame.
    fn after_frame(&self, host: &Host<'_>, frame: usize);
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
    printed: Cell<u64>,
}

impl Slot {
    fn new(planned: &Planned) -> Slot {
        Slot {
            name: planned.file_name(),
            entry: RefCell::new(planned.entry()),
            analyzer: OnceCell::new(),
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
    /// The call that is being made.
    calling: Cell<Option<Call>>,
    /// Stacks of other threads than the one at hand.
    others: RefCell<HashMap<usize, Rc<ThreadStack<'a>>>>,
    frame_counts: RefCell<HashMap<usize, u32>>,
    thread: RefCell<Option<Rc<ThreadStack<'a>>>>,
    /// Its id; 0 outside of threads.
    tid: Cell<i32>,
    frame: Cell<Option<usize>>,
    /// The number that the report prints for the frame at hand.
    number: Cell<usize>,
    /// Names of the values that the one at hand is inside of.
    names: RefCell<Vec<Vec<u8>>>,
    /// The frame at hand as C hooks get it.
    context: Cell<Option<(usize, FrameContext)>>,
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
            calling: Cell::new(None),
            others: RefCell::default(),
            frame_counts: RefCell::default(),
            thread: RefCell::new(None),
            tid: Cell::new(0),
            frame: Cell::new(None),
            number: Cell::new(0),
            names: RefCell::default(),
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
    fn call<R>(&self, index: usize, hook: Hook, run: impl FnOnce() -> R) -> (R, Option<PluginText>) {
        let frame = self.frame.get().and_then(|frame| u32::try_from(frame).ok());
        let call = Call { plugin: index, hook, thread: self.tid.get(), frame };
        let began = self.seat.notes_calls.then(Instant::now);
        let before = self.calling.replace(Some(call));
        self.seat.board.begin(call);
        let result = c_api::with_current(self, run);
        if is_copy() {
            self.seat.check();
        }
        self.seat.board.end();
        self.calling.set(before);
        // At the rare moments everything is looked at; around variables only what costs no system call.
        let is_rare = !matches!(
            hook,
            Hook::BeforeVariable
                | Hook::PrintValue
                | Hook::AfterVariable
                | Hook::BeforeFrame
                | Hook::AfterFrame
        );
        let text = if is_rare || self.seat.printed.borrow().is_pending() { self.take(index) } else { None };
        if self.seat.is_strict.get() && !self.seat.descriptors.are_intact() {
            self.seat.give_up(Ending::Descriptors);
        }
        if let Some(began) = began {
            self.note(index, call, began, text.as_ref());
        }
        (result, text)
    }

    /// Takes what was printed, on the account of the plugin with this index.
    fn take(&self, index: usize) -> Option<PluginText> {
        let slot = self.slots.get(index)?;
        let Some(bytes) = self.seat.printed.borrow_mut().take() else {
            self.seat.give_up(Ending::TooMuchOutput)
        };
        let printed = slot.printed.get() + bytes.len() as u64;
        slot.printed.set(printed);
        if printed > self.services.limits.plugin_output {
            self.seat.give_up(Ending::TooMuchOutput);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (!text.is_empty()).then(|| PluginText { plugin: slot.name.clone(), text })
    }

    fn note(&self, index: usize, call: Call, began: Instant, text: Option<&PluginText>) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() >= MAX_NOTED {
            return;
        }
        notes.push(PluginCall {
            plugin: self.slots.get(index).map(|slot| slot.name.clone()).unwrap_or_default(),
            hook: call.to_string(),
            nanoseconds: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            printed: text.map_or(0, |text| text.text.len()),
        });
    }

    /// Calls each plugin that has the hook, in order. Gives what each call gave, and the texts.
    fn each<R>(&self, hook: Hook, run: impl Fn(&dyn Analyzer) -> R) -> (Vec<R>, Vec<PluginText>) {
        let (mut results, mut texts) = (Vec::new(), Vec::new());
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(analyzer) = slot.analyzer.get().filter(|analyzer| analyzer.wants(self, hook)) else {
                continue;
            };
            let (result, text) = self.call(index, hook, || run(&**analyzer));
            results.push(result);
            texts.extend(text);
        }
        (results, texts)
    }

    fn wants(&self, hook: Hook) -> bool {
        self.slots.iter().filter_map(|slot| slot.analyzer.get()).any(|analyzer| analyzer.wants(self, hook))
    }

    /// Before a thread. Gives the text to put before it, or `None` when it is hidden.
    pub fn begin_thread(&self, stack: Option<Rc<ThreadStack<'a>>>) -> Option<Vec<PluginText>> {
        let is_known = stack.is_some();
        self.tid.set(stack.as_ref().map_or(0, |stack| stack.tid));
        *self.thread.borrow_mut() = stack;
        self.context.set(None);
        self.frame.set(None);
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        if !is_known {
            return Some(texts);
        }
        let (shown, printed) = self.each(Hook::BeginThread, |plugin| plugin.begin_thread(self));
        texts.extend(printed);
        if shown.iter().all(|shown| *shown) {
            return Some(texts);
        }
        self.pending.borrow_mut().extend(texts);
        self.tid.set(0);
        *self.thread.borrow_mut() = None;
        None
    }

    /// After a thread that is shown. Gives the text to put after it.
    pub fn end_thread(&self) -> Vec<PluginText> {
        self.frame.set(None);
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        if self.thread.borrow().is_some() {
            texts.extend(self.each(Hook::EndThread, |plugin| plugin.end_thread(self)).1);
        }
        self.tid.set(0);
        *self.thread.borrow_mut() = None;
        self.handles.forget_frames();
        texts
    }

    /// Before a frame, by its index among the frames kept. Gives the text to put before it, or
    /// `None` when it is hidden.
    pub fn before_frame(&self, frame: usize) -> Option<Vec<PluginText>> {
        self.frame.set(Some(frame));
        self.context.set(None);
        self.number.set(self.thread.borrow().as_ref().map_or(0, |stack| stack.number(frame)));
        let mut texts = std::mem::take(&mut *self.pending.borrow_mut());
        let (shown, printed) = self.each(Hook::BeforeFrame, |plugin| plugin.before_frame(self, frame));
        texts.extend(printed);
        if shown.iter().all(|shown| *shown) {
            return Some(texts);
        }
        self.pending.borrow_mut().extend(texts);
        None
    }

    /// After a frame that is shown. Gives the text to put after it.
    pub fn after_frame(&self, frame: usize) -> Vec<PluginText> {
        let texts = self.each(Hook::AfterFrame, |plugin| plugin.after_frame(self, frame)).1;
        self.frame.set(None);
        texts
    }

    /// What steps in while values are printed, when a plugin wants that.
    pub fn value_hooks(&self) -> Option<&dyn ValueHooks> {
        let hooks = [Hook::BeforeVariable, Hook::PrintValue, Hook::AfterVariable];
        hooks.into_iter().any(|hook| self.wants(hook)).then_some(self)
    }

    /// After all threads: fills in what the footer says of plugins.
    pub fn finish(&self, footer: &mut Footer) {
        footer.plugin_output = std::mem::take(&mut *self.pending.borrow_mut());
        footer.plugin_output.extend(self.each(Hook::GlobalTrace, |plugin| plugin.global_trace(self)).1);
        footer.plugins = self.slots.iter().map(|slot| slot.entry.borrow().clone()).collect();
        footer.plugin_calls = std::mem::take(&mut *self.notes.borrow_mut());
    }

    /// Says that threads are in the spool. See [`Seat::advance`].
    pub fn advance(&self, threads: usize, spool: u64) {
        self.seat.advance(threads, spool);
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
        self.calling.get().map(|call| call.plugin)
    }

    /// Notes that the hook that is being called failed; with `is_over` the plugin is done for.
    pub(super) fn note_error(&self, error: &str, is_over: bool) {
        let Some(call) = self.calling.get() else { return };
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

    /// What the C hooks are told of the frame at hand, made once for each frame.
    pub(super) fn frame_context(&self, frame: usize) -> Option<FrameContext> {
        if let Some((known, context)) = self.context.get()
            && known == frame
        {
            return Some(context);
        }
        let thread = self.thread.borrow();
        let stack = thread.as_ref()?;
        let context = FrameContext {
            tid: stack.tid,
            number: self.number.get(),
            pc: stack.stack.frames.get(frame)?.pc().unwrap_or_default(),
            handle: self.handles.add_frame(stack, frame)?,
        };
        self.context.set(Some((frame, context)));
        Some(context)
    }

    /// Keeps the name of a value, completed by those it is inside of. The buffers are used again:
    /// there are many values.
    fn keep_name(&self, item: &Item<'_>) {
        let mut names = self.names.borrow_mut();
        if names.len() <= item.depth {
            names.resize_with(item.depth + 1, Vec::new);
        }
        let (outer, rest) = names.split_at_mut(item.depth);
        let Some(name) = rest.first_mut() else { return };
        name.clear();
        match (item.part, outer.last()) {
            (Part::Pointee, Some(pointer)) => {
                name.push(b'*');
                name.extend(pointer.iter().take_while(|byte| **byte != 0));
            }
            _ => match item.name {
                ItemName::Text(text) => name.extend_from_slice(text.as_bytes()),
                // Writing to memory does not fail.
                ItemName::Index(index) => drop(write!(name, "[{index}]")),
            },
        }
        name.push(0);
    }

    /// The complete name of the value at this depth.
    pub(super) fn name_at(&self, depth: usize) -> String {
        let names = self.names.borrow();
        let name = names.get(depth).and_then(|name| name.split_last()).map(|(_, name)| name);
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }

    /// The name of the value at this depth as C has it, up to a NUL in it; stays until the next value of the same depth.
    pub(super) fn name_pointer(&self, depth: usize) -> *const c_char {
        self.names
            .borrow()
            .get(depth)
            .filter(|name| !name.is_empty())
            .map_or(c"".as_ptr(), |name| name.as_ptr().cast())
    }
}

/// A frame as C hooks get it.
#[derive(Clone, Copy)]
pub(super) struct FrameContext {
    pub(super) tid: i32,
    /// The number that the report prints.
    pub(super) number: usize,
    pub(super) pc: Address,
    pub(super) handle: *mut c_void,
}

impl ValueHooks for Host<'_> {
    fn before(&self, item: &Item<'_>) -> (Vec<PluginText>, Shown) {
        self.keep_name(item);
        let frame = self.frame.get().unwrap_or_default();
        let mut texts = Vec::new();
        let mut decided = Shown::AsIs;
        for (hook, is_printer) in [(Hook::BeforeVariable, false), (Hook::PrintValue, true)] {
            for (index, slot) in self.slots.iter().enumerate() {
                let Some(analyzer) = slot.analyzer.get().filter(|plugin| plugin.wants(self, hook)) else {
                    continue;
                };
                let (shown, text) = self.call(index, hook, || match is_printer {
                    false => analyzer.before_value(self, frame, item),
                    true => analyzer.print_value(self, frame, item),
                });
                texts.extend(text);
                // The first to decide wins. All see what comes; of printers none is asked in vain.
                if matches!(decided, Shown::AsIs) {
                    decided = shown;
                }
                if is_printer && !matches!(decided, Shown::AsIs) {
                    return (texts, decided);
                }
            }
            if !matches!(decided, Shown::AsIs) {
                break;
            }
        }
        (texts, decided)
    }

    fn after(&self, item: &Item<'_>) -> Vec<PluginText> {
        let frame = self.frame.get().unwrap_or_default();
        self.each(Hook::AfterVariable, |plugin| plugin.after_value(self, frame, item)).1
    }
}
