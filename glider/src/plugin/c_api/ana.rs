//! Versions 1 and 2: the hooks of `struct gimli_ana_module`, the functions of
//! `struct gimli_ana_api`; and the printers and tracers of version 3, called at the same places.

use super::handles::Handle;
use super::load::API_VERSION;
use super::names::{self, GimliSymbol};
use super::process::{self, GimliProcStat};
use super::registration::{Registered, VarPrinter};
use super::text::{self, allocated, put};
use super::{answer, memory};
use crate::address::Address;
use crate::dwarf::Die;
use crate::plugin::hook::{Hook, HookSet};
use crate::plugin::host::{Analyzer, FrameContext, Host};
use crate::plugin::nest::{Declared, Told};
use crate::values::{Item, Scope, Shown};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::rc::Rc;

/// `GIMLI_ANA_SUPPRESS`.
const SUPPRESS: c_int = 0;
/// `GIMLI_ITER_STOP`: a printer has printed the variable.
const STOP: c_int = 0;

/// `gimli_ana_init`.
pub(super) type AnaInit = unsafe extern "C" fn(*const AnaApi) -> *const RawModule;

/// `struct gimli_ana_api`.
#[repr(C)]
pub(super) struct AnaApi {
    api_version: c_int,
    sym_lookup: unsafe extern "C" fn(*const c_char, *const c_char) -> *const GimliSymbol,
    sym_name: unsafe extern "C" fn(*mut c_void, *mut c_char, c_int) -> *const c_char,
    read_mem: unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int,
    read_string: unsafe extern "C" fn(*mut c_void) -> *mut c_char,
    get_source_info: unsafe extern "C" fn(*mut c_void, *mut c_char, c_int, *mut c_int) -> c_int,
    get_parameter: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *mut *const c_char,
        *mut *mut c_void,
        *mut u64,
    ) -> c_int,
    get_string_symbol: unsafe extern "C" fn(*const c_char, *const c_char) -> *mut c_char,
    copy_from_symbol: unsafe extern "C" fn(*const c_char, *const c_char, c_int, *mut c_void, u32) -> c_int,
    get_proc_status: extern "C" fn() -> *const GimliProcStat,
}

static TABLE: AnaApi = AnaApi {
    api_version: API_VERSION,
    sym_lookup: names::sym_lookup,
    sym_name,
    read_mem,
    read_string,
    get_source_info,
    get_parameter,
    get_string_symbol: memory::string_symbol,
    copy_from_symbol: memory::gimli_copy_from_symbol,
    get_proc_status: process::status,
};

/// The functions that a module gets.
pub(super) fn table() -> *const AnaApi {
    &raw const TABLE
}

type ThreadHook<R> =
    unsafe extern "C" fn(*const AnaApi, *const c_char, c_int, c_int, *const *mut c_void, *const Handle) -> R;
type FrameHook<R> =
    unsafe extern "C" fn(*const AnaApi, *const c_char, c_int, c_int, *mut c_void, Handle) -> R;
type VariableHook<R> = unsafe extern "C" fn(
    *const AnaApi,
    *const c_char,
    c_int,
    c_int,
    *mut c_void,
    Handle,
    *const c_char,
    *const c_char,
    *mut c_void,
    u64,
) -> R;
type TraceHook = unsafe extern "C" fn(*const AnaApi, *const c_char);

/// `struct gimli_ana_module`; version 1 has the first two members only.
#[repr(C)]
pub(super) struct RawModule {
    api_version: c_int,
    perform_trace: Option<TraceHook>,
    on_begin_thread_trace: Option<ThreadHook<c_int>>,
    before_print_frame: Option<FrameHook<c_int>>,
    before_print_frame_var: Option<VariableHook<c_int>>,
    after_print_frame_var: Option<VariableHook<()>>,
    after_print_frame: Option<FrameHook<()>>,
    on_end_thread_trace: Option<ThreadHook<()>>,
}

/// What a module wants to be called.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) version: c_int,
    perform_trace: Option<TraceHook>,
    on_begin_thread_trace: Option<ThreadHook<c_int>>,
    before_print_frame: Option<FrameHook<c_int>>,
    before_print_frame_var: Option<VariableHook<c_int>>,
    after_print_frame_var: Option<VariableHook<()>>,
    after_print_frame: Option<FrameHook<()>>,
    on_end_thread_trace: Option<ThreadHook<()>>,
}

impl Hooks {
    /// Which of them there are.
    pub(super) fn present(&self) -> HookSet {
        let present = [
            (Hook::BeginThread, self.on_begin_thread_trace.is_some()),
            (Hook::BeforeFrame, self.before_print_frame.is_some()),
            (Hook::BeforeVariable, self.before_print_frame_var.is_some()),
            (Hook::AfterVariable, self.after_print_frame_var.is_some()),
            (Hook::AfterFrame, self.after_print_frame.is_some()),
            (Hook::EndThread, self.on_end_thread_trace.is_some()),
            (Hook::GlobalTrace, self.perform_trace.is_some()),
        ];
        HookSet::of(present.into_iter().filter_map(|(hook, is_present)| is_present.then_some(hook)))
    }

    /// Copies what `gimli_ana_init` gave; `None` for NULL.
    ///
    /// # Safety
    /// `module` is NULL or points at a structure of the version that it states.
    pub(super) unsafe fn read(module: *const RawModule) -> Option<Hooks> {
        if module.is_null() {
            return None;
        }
        // SAFETY: every version has the first two members. Nothing else is touched for version 1,
        // which has no others.
        let (version, perform_trace) = unsafe { ((*module).api_version, (*module).perform_trace) };
        if version < 2 {
            return Some(Hooks { version, perform_trace, ..Hooks::default() });
        }
        // SAFETY: versions 2 and 3 have all members.
        let RawModule {
            on_begin_thread_trace,
            before_print_frame,
            before_print_frame_var,
            after_print_frame_var,
            after_print_frame,
            on_end_thread_trace,
            ..
        } = unsafe { module.read() };
        Some(Hooks {
            version,
            perform_trace,
            on_begin_thread_trace,
            before_print_frame,
            before_print_frame_var,
            after_print_frame_var,
            after_print_frame,
            on_end_thread_trace,
        })
    }
}

/// A loaded C module.
pub(super) struct CModule {
    plugin: usize,
    object: CString,
    hooks: Hooks,
    printers: RefCell<Printers>,
}

/// The printers for each type that was met, by its DIE, as long as there are so many in all.
#[derive(Default)]
struct Printers {
    registered: usize,
    of_type: FxHashMap<(usize, usize), Rc<[Registered<VarPrinter>]>>,
}

impl CModule {
    pub(super) fn new(plugin: usize, object: &str, hooks: Option<Hooks>) -> CModule {
        let object = CString::new(object).unwrap_or_default();
        CModule { plugin, object, hooks: hooks.unwrap_or_default(), printers: RefCell::default() }
    }

    /// The module's printers for a type, in the order of registration.
    fn printers_for(&self, host: &Host<'_>, die: Die) -> Rc<[Registered<VarPrinter>]> {
        let mut printers = self.printers.borrow_mut();
        let registered = host.registrations.count_printers();
        if printers.registered != registered {
            *printers = Printers { registered, of_type: FxHashMap::default() };
        }
        let find = || host.registrations.printers_for(self.plugin, &host.services.names_of(die)).into();
        printers.of_type.entry(die.key()).or_insert_with(find).clone()
    }

    /// Calls a hook of a thread.
    fn thread<R>(&self, host: &Host<'_>, hook: Option<ThreadHook<R>>, otherwise: R) -> R {
        let (Some(hook), Some(stack)) = (hook, host.thread()) else { return otherwise };
        let count = stack.stack.frames.len();
        host.handles.add_frames(&stack);
        let pcs: Vec<*mut c_void> =
            stack.stack.frames.iter().map(|frame| foreign(frame.pc().unwrap_or_default())).collect();
        let contexts: Vec<Handle> = (0..count)
            .map(|frame| host.handles.add_frame(&stack, frame).unwrap_or(std::ptr::null_mut()))
            .collect();
        let count = c_int::try_from(count).unwrap_or(c_int::MAX);
        // SAFETY: the module's own function with the arguments that the header promises; both
        // arrays have `count` elements and outlive the call.
        unsafe { hook(table(), self.object.as_ptr(), stack.tid, count, pcs.as_ptr(), contexts.as_ptr()) }
    }

    /// Calls a hook of a frame.
    fn frame<R>(&self, host: &Host<'_>, hook: Option<FrameHook<R>>, otherwise: R) -> R {
        let (Some(hook), Some(context)) = (hook, host.frame_context()) else { return otherwise };
        let FrameContext { tid, number, pc, handle: context } = context;
        // SAFETY: the module's own function with the arguments that the header promises.
        unsafe { hook(table(), self.object.as_ptr(), tid, number, pc, context) }
    }

    /// Calls a hook of a variable.
    #[inline]
    fn variable<R>(&self, host: &Host<'_>, told: &Told, hook: Option<VariableHook<R>>, otherwise: R) -> R {
        let (Some(hook), Some(context)) = (hook, host.frame_context()) else { return otherwise };
        let FrameContext { tid, number, pc, handle: context } = context;
        let Told { name, data_type, address, size } = told;
        let object = self.object.as_ptr();
        // SAFETY: as above; the strings outlive the call.
        unsafe { hook(table(), object, tid, number, pc, context, *data_type, *name, *address, *size) }
    }
}

impl Analyzer for CModule {
    fn begin_thread(&self, host: &Host<'_>) -> bool {
        self.thread(host, self.hooks.on_begin_thread_trace, 1) != SUPPRESS
    }

    fn before_frame(&self, host: &Host<'_>) -> bool {
        self.frame(host, self.hooks.before_print_frame, 1) != SUPPRESS
    }

    fn before_value(&self, host: &Host<'_>, _: &Scope<'_>, _: &Item<'_>, told: &Told) -> Shown {
        match self.variable(host, told, self.hooks.before_print_frame_var, 1) {
            SUPPRESS => Shown::Taken,
            _ => Shown::AsIs,
        }
    }

    fn print_value(&self, host: &Host<'_>, _: &Scope<'_>, item: &Item<'_>, told: &Told) -> Shown {
        let (Some(die), Some(address)) = (item.type_die, item.place.address()) else { return Shown::AsIs };
        let printers = self.printers_for(host, die);
        if printers.is_empty() {
            return Shown::AsIs;
        }
        let frame = host.frame_context().map_or(std::ptr::null_mut(), |context| context.handle);
        let depth = c_int::try_from(item.depth).unwrap_or(c_int::MAX);
        let (process, type_handle) = (process::the_process(), host.handles.add_type(die));
        for printer in printers.iter() {
            // SAFETY: the module's own function with the arguments that the header promises.
            let status = unsafe {
                (printer.function)(process, frame, told.name, type_handle, address.0, depth, printer.argument)
            };
            if status == STOP {
                return Shown::Taken;
            }
        }
        Shown::AsIs
    }

    fn after_value(&self, host: &Host<'_>, _: &Scope<'_>, _: &Item<'_>, told: &Told) {
        self.variable(host, told, self.hooks.after_print_frame_var, ());
    }

    fn after_frame(&self, host: &Host<'_>) {
        self.frame(host, self.hooks.after_print_frame, ());
    }

    fn end_thread(&self, host: &Host<'_>) {
        self.thread(host, self.hooks.on_end_thread_trace, ());
    }

    fn global_trace(&self, host: &Host<'_>) {
        for tracer in host.registrations.tracers(self.plugin) {
            // SAFETY: the module's own function with the argument that it registered.
            unsafe { (tracer.function)(process::the_process(), tracer.argument) };
        }
        if let Some(hook) = self.hooks.perform_trace {
            // SAFETY: the module's own function with the arguments that the header promises.
            unsafe { hook(table(), self.object.as_ptr()) };
        }
    }
}

/// How a type is declared, for hooks of values.
#[cold]
pub(in crate::plugin) fn declare(host: &Host<'_>, die: Die) -> Declared {
    host.handles.declared(die, |die| (host.services.type_name(die), host.services.size_of(die).unwrap_or(0)))
}

/// An address of the process in a pointer's clothes, as versions 1 and 2 have them.
pub(in crate::plugin) fn foreign(address: Address) -> *mut c_void {
    std::ptr::without_provenance_mut(address.0 as usize)
}

fn address(pointer: *mut c_void) -> Address {
    Address(pointer.addr() as u64)
}

/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
unsafe extern "C" fn sym_name(pointer: *mut c_void, buffer: *mut c_char, size: c_int) -> *const c_char {
    let bare = || address(pointer).to_string();
    let name = answer(None, |host| Some(host.services.name_of(address(pointer)))).unwrap_or_else(bare);
    // SAFETY: promised by the caller.
    unsafe { text::copy_to(&name, buffer, size) };
    buffer
}

/// # Safety
/// `into` has room for `length` bytes.
unsafe extern "C" fn read_mem(from: *mut c_void, into: *mut c_void, length: c_int) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { memory::read(address(from), into, length) }
}

extern "C" fn read_string(from: *mut c_void) -> *mut c_char {
    answer(std::ptr::null_mut(), |host| Some(allocated(&host.services.read_string(address(from))?)))
}

/// # Safety
/// `buffer` is NULL or has room for `size` bytes; `line` is NULL or can be written.
unsafe extern "C" fn get_source_info(
    pc: *mut c_void,
    buffer: *mut c_char,
    size: c_int,
    line: *mut c_int,
) -> c_int {
    answer(0, |host| {
        let source = host.source_of(address(pc))?;
        // SAFETY: promised by the caller.
        unsafe {
            text::copy_to(&source.file?, buffer, size);
            put(line, c_int::try_from(source.line?).ok()?);
        }
        Some(1)
    })
}

/// # Safety
/// `name` is a string; the other pointers are NULL or can be written.
unsafe extern "C" fn get_parameter(
    context: *mut c_void,
    name: *const c_char,
    data_type: *mut *const c_char,
    place: *mut *mut c_void,
    size: *mut u64,
) -> c_int {
    // SAFETY: promised by the caller.
    let name = unsafe { text::borrowed(name) };
    answer(0, |host| {
        let (stack, frame) = host.handles.frame(context)?;
        let local = host.services.local(&stack, frame, name?, |_| true)?;
        let address = local.address?;
        let type_name = match local.type_die {
            Some(die) => host.handles.string(&host.services.type_name(die)),
            None => c"<optimized out>".as_ptr(),
        };
        let bytes = local.type_die.and_then(|die| host.services.size_of(die)).unwrap_or(0);
        // SAFETY: promised by the caller.
        unsafe {
            put(data_type, type_name);
            put(place, foreign(address));
            put(size, bytes);
        }
        Some(1)
    })
}
