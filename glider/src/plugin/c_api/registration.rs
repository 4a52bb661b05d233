//! Version 3: what a module registers when it is loaded.

use super::handles::Handle;
use super::{answer, text};
use crate::plugin::hook::Hook;
use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

/// Tracers and printers of all modules together.
const MAX_REGISTERED: usize = 4096;
/// Types of one printer.
const MAX_TYPES: c_int = 4096;

/// `gimli_module_trace_f`.
type Tracer = unsafe extern "C" fn(Handle, *mut c_void);
/// `gimli_var_printer_f`.
pub(super) type VarPrinter =
    unsafe extern "C" fn(Handle, Handle, *const c_char, Handle, u64, c_int, *mut c_void) -> c_int;

/// A function of a module and its argument.
#[derive(Clone, Copy)]
pub(super) struct Registered<F> {
    pub(super) plugin: usize,
    pub(super) function: F,
    pub(super) argument: *mut c_void,
}

/// A printer, and the types it is for; `None`: all.
struct ValuePrinter {
    registered: Registered<VarPrinter>,
    types: Option<Vec<String>>,
}

/// Everything registered.
#[derive(Default)]
pub(in crate::plugin) struct Registrations {
    tracers: RefCell<Vec<Registered<Tracer>>>,
    printers: RefCell<Vec<ValuePrinter>>,
}

impl Registrations {
    /// The tracers of a plugin, in the order of registration.
    pub(super) fn tracers(&self, plugin: usize) -> Vec<Registered<Tracer>> {
        self.tracers.borrow().iter().filter(|tracer| tracer.plugin == plugin).copied().collect()
    }

    /// How many printers there are.
    pub(super) fn count_printers(&self) -> usize {
        self.printers.borrow().len()
    }

    /// The printers of a plugin for a type that goes by these names, in the order of registration.
    pub(super) fn printers_for(&self, plugin: usize, names: &[Arc<str>]) -> Vec<Registered<VarPrinter>> {
        let is_for = |printer: &&ValuePrinter| {
            printer.registered.plugin == plugin
                && printer.types.as_ref().is_none_or(|types| {
                    types.iter().any(|wanted| names.iter().any(|name| **name == **wanted))
                })
        };
        self.printers.borrow().iter().filter(is_for).map(|printer| printer.registered).collect()
    }

    /// Whether a plugin has registered anything.
    pub(super) fn has_any(&self, plugin: usize) -> bool {
        self.tracers.borrow().iter().any(|tracer| tracer.plugin == plugin)
            || self.printers.borrow().iter().any(|printer| printer.registered.plugin == plugin)
    }
}

fn add<T>(list: &RefCell<Vec<T>>, thing: T) -> Option<c_int> {
    let mut list = list.borrow_mut();
    if list.len() >= MAX_REGISTERED {
        return None;
    }
    list.push(thing);
    Some(1)
}

fn add_printer(function: Option<VarPrinter>, argument: *mut c_void, types: Option<Vec<String>>) -> c_int {
    answer(0, |host| {
        let registered = Registered { plugin: host.calling()?, function: function?, argument };
        host.set_hooks(|hooks| hooks.with(Hook::PrintValue));
        add(&host.registrations.printers, ValuePrinter { registered, types })
    })
}

/// `gimli_module_register_tracer`
#[unsafe(no_mangle)]
extern "C" fn gimli_module_register_tracer(function: Option<Tracer>, argument: *mut c_void) -> c_int {
    answer(0, |host| {
        let registered = Registered { plugin: host.calling()?, function: function?, argument };
        host.set_hooks(|hooks| hooks.with(Hook::GlobalTrace));
        add(&host.registrations.tracers, registered)
    })
}

/// `gimli_module_register_var_printer`
#[unsafe(no_mangle)]
extern "C" fn gimli_module_register_var_printer(
    function: Option<VarPrinter>,
    argument: *mut c_void,
) -> c_int {
    add_printer(function, argument, None)
}

/// `gimli_module_register_var_printer_for_types`
///
/// # Safety
/// `names` points at `count` NUL-terminated strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn gimli_module_register_var_printer_for_types(
    names: *const *const c_char,
    count: c_int,
    function: Option<VarPrinter>,
    argument: *mut c_void,
) -> c_int {
    if names.is_null() || count > MAX_TYPES {
        return 0;
    }
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: promised by the caller.
    let name = |index: usize| unsafe { text::borrowed(*names.add(index)) };
    add_printer(function, argument, Some((0..count).filter_map(name).map(str::to_owned).collect()))
}
