//! The things that handles stand for.
//!
//! A handle has its sort and its index in it, above the addresses that a program can have: the
//! dynamic linker never puts anything there, so following one faults at once.

use super::super::nest::Declared;
use super::super::services::Symbol;
use super::described::Described;
use super::names::GimliSymbol;
use super::process::GimliProcStat;
use crate::address::Address;
use crate::dwarf::Die;
use crate::stacks::ThreadStack;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::rc::Rc;
use std::sync::Arc;

/// A handle as C sees it.
pub(super) type Handle = *mut c_void;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Sort {
    Process = 1,
    Thread,
    Trace,
    Frame,
    Variable,
    Memory,
    Type,
    Collection,
    Built,
    Hash,
}

/// Not an address of user space on x86-64, with four levels of page tables or five.
const MARK: u64 = 0x6770_0000_0000_0000;
const SORT_SHIFT: u32 = 40;
const INDEX: u64 = (1 << SORT_SHIFT) - 1;
/// Handles of one sort; a plugin that asks for more gets NULL.
const MAX_HANDLES: usize = 1 << 22;

/// The handle of the process, which is the variable `the_proc`, too.
pub(super) const PROCESS: u64 = MARK | (Sort::Process as u64) << SORT_SHIFT;

/// The handle of something.
pub(super) fn handle(sort: Sort, index: usize) -> Handle {
    let number = MARK | (sort as u64) << SORT_SHIFT | index as u64;
    std::ptr::without_provenance_mut(number as usize)
}

/// The index that a handle of this sort holds; `None` for NULL, for other sorts and for anything else.
pub(super) fn index(handle: Handle, sort: Sort) -> Option<usize> {
    let number = handle.addr() as u64;
    let is_sort = number & !INDEX == MARK | (sort as u64) << SORT_SHIFT;
    is_sort.then(|| usize::try_from(number & INDEX).ok()).flatten()
}

/// A copy of memory of the process.
pub(super) struct MemoryCopy {
    pub(super) address: u64,
    pub(super) bytes: Box<[u8]>,
}

/// All things that handles were given out for. They live until the end of the trace, but for
/// memory copies and stacks, which the plugin gives back.
#[derive(Default)]
pub(in crate::plugin) struct Handles<'a> {
    traces: counted::Table<ThreadStack<'a>>,
    frames: RefCell<Passing<(Rc<ThreadStack<'a>>, usize)>>,
    frames_of: RefCell<FxHashMap<(*const ThreadStack<'a>, usize), usize>>,
    /// The stack whose frames were all added at once, and the number of the first.
    whole: Cell<Option<(*const ThreadStack<'a>, usize)>>,
    /// Program counters of frames that wait for a call to return.
    return_addresses: RefCell<FxHashSet<Address>>,
    copies: counted::Table<MemoryCopy>,
    types: RefCell<Vec<Die>>,
    types_of: RefCell<HashMap<(usize, usize), usize>>,
    strings: RefCell<HashMap<String, Box<CString>>>,
    symbols: RefCell<HashMap<*const Symbol, Box<GimliSymbol>>>,
    descriptions: RefCell<HashMap<(usize, usize), Rc<Described>>>,
    declarations: RefCell<FxHashMap<(usize, usize), Declared>>,
    status: OnceCell<GimliProcStat>,
}

/// Things that pass: those of one thread are forgotten with it, and their numbers are never
/// given to others.
struct Passing<T> {
    forgotten: usize,
    kept: Vec<T>,
}

impl<T> Default for Passing<T> {
    fn default() -> Self {
        Passing { forgotten: 0, kept: Vec::new() }
    }
}

impl<T> Passing<T> {
    fn push(&mut self, thing: T) -> Option<usize> {
        if self.kept.len() >= MAX_HANDLES {
            return None;
        }
        self.kept.push(thing);
        Some(self.forgotten + self.kept.len() - 1)
    }

    fn get(&self, index: usize) -> Option<&T> {
        self.kept.get(index.checked_sub(self.forgotten)?)
    }

    fn clear(&mut self) {
        self.forgotten += self.kept.len();
        self.kept.clear();
    }
}

impl<'a> Handles<'a> {
    /// A stack, with one reference.
    pub(super) fn add_trace(&self, stack: Rc<ThreadStack<'a>>) -> Option<Handle> {
        counted::add(&self.traces, stack).map(|index| handle(Sort::Trace, index))
    }

    pub(super) fn trace(&self, trace: Handle) -> Option<Rc<ThreadStack<'a>>> {
        counted::get(&self.traces, index(trace, Sort::Trace)?)
    }

    pub(super) fn count_trace(&self, trace: Handle, by: i32) -> Option<()> {
        counted::count(&self.traces, index(trace, Sort::Trace)?, by)
    }

    /// A copy of memory, with one reference.
    pub(super) fn add_copy(&self, copy: MemoryCopy) -> Option<Handle> {
        counted::add(&self.copies, Rc::new(copy)).map(|index| handle(Sort::Memory, index))
    }

    pub(super) fn copy(&self, copy: Handle) -> Option<Rc<MemoryCopy>> {
        counted::get(&self.copies, index(copy, Sort::Memory)?)
    }

    pub(super) fn count_copy(&self, copy: Handle, by: i32) -> Option<()> {
        counted::count(&self.copies, index(copy, Sort::Memory)?, by)
    }

    /// All frames of the stack at hand, which will be asked for one by one.
    pub(super) fn add_frames(&self, stack: &Rc<ThreadStack<'a>>) {
        let mut frames = self.frames.borrow_mut();
        let count = stack.stack.frames.len();
        let is_known = self.whole.get().is_some_and(|(whole, _)| whole == Rc::as_ptr(stack));
        if is_known || !self.frames_of.borrow().is_empty() || frames.kept.len() + count > MAX_HANDLES {
            return;
        }
        self.whole.set(Some((Rc::as_ptr(stack), frames.forgotten + frames.kept.len())));
        frames.kept.extend((0..count).map(|frame| (stack.clone(), frame)));
        let outer = stack.stack.frames.iter().filter(|frame| !frame.pc_is_exact);
        self.return_addresses.borrow_mut().extend(outer.filter_map(|frame| frame.pc()));
    }

    /// A frame: the same one always has the same handle.
    pub(in crate::plugin) fn add_frame(&self, stack: &Rc<ThreadStack<'a>>, frame: usize) -> Option<Handle> {
        if let Some((whole, first)) = self.whole.get()
            && whole == Rc::as_ptr(stack)
            && frame < stack.stack.frames.len()
        {
            return Some(handle(Sort::Frame, first + frame));
        }
        let mut known = self.frames_of.borrow_mut();
        if let Some(known) = known.get(&(Rc::as_ptr(stack), frame)) {
            return Some(handle(Sort::Frame, *known));
        }
        if let Some(found) = stack.stack.frames.get(frame).filter(|frame| !frame.pc_is_exact) {
            self.return_addresses.borrow_mut().extend(found.pc());
        }
        // Holding the stack keeps its address from being used for another one.
        let index = self.frames.borrow_mut().push((stack.clone(), frame))?;
        known.insert((Rc::as_ptr(stack), frame), index);
        Some(handle(Sort::Frame, index))
    }

    pub(super) fn frame(&self, frame: Handle) -> Option<(Rc<ThreadStack<'a>>, usize)> {
        self.frames.borrow().get(index(frame, Sort::Frame)?).cloned()
    }

    /// Whether a module has seen this address as the pc of a frame that waits for a call to return.
    pub(in crate::plugin) fn is_return_address(&self, pc: Address) -> bool {
        self.return_addresses.borrow().contains(&pc)
    }

    /// Forgets frames, between threads: their stacks would fill memory.
    pub(in crate::plugin) fn forget_frames(&self) {
        self.frames.borrow_mut().clear();
        self.frames_of.borrow_mut().clear();
        self.whole.set(None);
    }

    /// A type: the same one always has the same handle.
    pub(super) fn add_type(&self, die: Die) -> Handle {
        let mut types = self.types.borrow_mut();
        let known = *self.types_of.borrow_mut().entry(die.key()).or_insert_with(|| {
            types.push(die);
            types.len() - 1
        });
        handle(Sort::Type, known)
    }

    /// The declared name of a type and its size in bytes, as `make` gives them the first time.
    pub(super) fn declared(&self, die: Die, make: impl FnOnce(Die) -> (Arc<str>, u64)) -> Declared {
        if let Some(known) = self.declarations.borrow().get(&die.key()) {
            return *known;
        }
        let (name, size) = make(die);
        let declared = (self.string(&name), size);
        self.declarations.borrow_mut().insert(die.key(), declared);
        declared
    }

    /// The number of a type: that of its handle.
    pub(in crate::plugin) fn type_number(&self, die: Die) -> u64 {
        self.add_type(die).addr() as u64
    }

    /// The type with this number.
    pub(in crate::plugin) fn die_numbered(&self, number: u64) -> Option<Die> {
        self.die(std::ptr::without_provenance_mut(usize::try_from(number).ok()?))
    }

    pub(super) fn die(&self, type_handle: Handle) -> Option<Die> {
        self.types.borrow().get(index(type_handle, Sort::Type)?).copied()
    }

    /// A symbol that stays until the end of the trace.
    pub(super) fn symbol(
        &self,
        symbol: &Rc<Symbol>,
        make: impl FnOnce(&Symbol) -> GimliSymbol,
    ) -> *const GimliSymbol {
        let mut symbols = self.symbols.borrow_mut();
        // The services keep each symbol, so its address is not used for another one.
        &raw const **symbols.entry(Rc::as_ptr(symbol)).or_insert_with(|| Box::new(make(symbol)))
    }

    /// The description of a type of the debug information, made once.
    pub(super) fn described(&self, key: (usize, usize), make: impl FnOnce() -> Described) -> Rc<Described> {
        if let Some(known) = self.descriptions.borrow().get(&key) {
            return known.clone();
        }
        let made = Rc::new(make());
        self.descriptions.borrow_mut().insert(key, made.clone());
        made
    }

    /// What is known of the process, read once.
    pub(super) fn status(&self, make: impl FnOnce() -> GimliProcStat) -> *const GimliProcStat {
        std::ptr::from_ref(self.status.get_or_init(make))
    }

    /// A string that stays until the end of the trace; the same text is the same pointer.
    pub(super) fn string(&self, text: &str) -> *const c_char {
        let mut strings = self.strings.borrow_mut();
        if let Some(known) = strings.get(text) {
            return known.as_ptr();
        }
        // Nothing of ours has a NUL inside; what is behind one in a foreign name is not shown.
        let end = text.find('\0').unwrap_or(text.len());
        let copy = Box::new(CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default());
        let pointer = copy.as_ptr();
        strings.insert(text.to_owned(), copy);
        pointer
    }
}

/// Things that the plugin counts references of.
mod counted {
    use super::{MAX_HANDLES, Rc, RefCell};

    pub(super) type Table<T> = RefCell<Vec<Option<(Rc<T>, u32)>>>;

    pub(super) fn add<T>(table: &Table<T>, thing: Rc<T>) -> Option<usize> {
        let mut table = table.borrow_mut();
        if table.len() >= MAX_HANDLES {
            return None;
        }
        table.push(Some((thing, 1)));
        Some(table.len() - 1)
    }

    pub(super) fn get<T>(table: &Table<T>, index: usize) -> Option<Rc<T>> {
        table.borrow().get(index)?.as_ref().map(|(thing, _)| thing.clone())
    }

    pub(super) fn count<T>(table: &Table<T>, index: usize, by: i32) -> Option<()> {
        let mut table = table.borrow_mut();
        let slot = table.get_mut(index)?;
        let count = slot.as_ref()?.1.saturating_add_signed(by);
        *slot = slot.take().filter(|_| count > 0).map(|(thing, _)| (thing, count));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_tells_its_sort_and_index_and_nothing_else_is_one() {
        let frame = handle(Sort::Frame, 7);
        assert_eq!(index(frame, Sort::Frame), Some(7));
        assert_eq!(index(frame, Sort::Type), None);
        for nonsense in [0, 1, 0x7fff_ffff_f000, u64::MAX, MARK] {
            let nonsense = std::ptr::without_provenance_mut(nonsense as usize);
            assert_eq!(index(nonsense, Sort::Frame), None);
        }
        let process: Handle = std::ptr::without_provenance_mut(PROCESS as usize);
        assert_eq!(index(process, Sort::Process), Some(0));
    }

    #[test]
    fn what_is_given_back_is_gone_and_the_same_text_is_the_same_string() {
        let handles = Handles::default();
        let copy = handles.add_copy(MemoryCopy { address: 1, bytes: Box::new([1, 2]) }).unwrap();
        handles.count_copy(copy, 1).unwrap();
        handles.count_copy(copy, -1).unwrap();
        assert_eq!(handles.copy(copy).map(|copy| copy.bytes.len()), Some(2));
        handles.count_copy(copy, -1).unwrap();
        assert!(handles.copy(copy).is_none() && handles.count_copy(copy, -1).is_none());
        assert_eq!(handles.string("int"), handles.string("int"));
        assert_ne!(handles.string("int"), handles.string("long"));
    }
}
