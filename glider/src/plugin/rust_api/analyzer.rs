//! One Rust plugin: loaded, and its hooks called.

use super::{read_declaration, stacks, values};
use crate::plugin::hook::{Hook, HookSet};
use crate::plugin::host::{Analyzer, Host};
use crate::plugin::nest::Told;
use crate::plugin::search::Planned;
use crate::values::{Child, Item, Place, Replaced, Scope, Shown};
use gimli_plugin_api as api;
use gimli_plugin_api::load::{LoadedAnalyzer, check_version, load};
use gimli_plugin_api::{Error, ErrorKind, Flow, Frame, Hooks, Replacement};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Hooks that may fail before a plugin is not called any more.
const MAX_ERRORS: u32 = 10;

/// A loaded plugin.
pub(in crate::plugin) struct RustPlugin {
    name: String,
    object: String,
    /// Borrowed while a hook runs: what that hook asks for does not come back to it.
    analyzer: RefCell<LoadedAnalyzer>,
    /// Names of types, and whether what follows is anything.
    printers: Vec<(String, bool)>,
    /// Whether a printer is for a type, by its DIE.
    printed: RefCell<FxHashMap<(usize, usize), bool>>,
    errors: Cell<u32>,
    /// The last frame that a hook was told of: index of its thread, its own, and what was told.
    frame: RefCell<Option<(usize, usize, Rc<Frame<'static>>)>>,
}

impl RustPlugin {
    /// Checks, loads and begins. `None` when it has nothing to do for this process.
    ///
    /// # Errors
    /// A line that names the plugin, what it wants and what is offered.
    pub(in crate::plugin) fn load(
        host: &Host<'_>,
        planned: &Planned,
    ) -> Result<(String, Option<RustPlugin>), String> {
        let declaration = read_declaration(planned)?;
        check_version(&declaration).map_err(|refusal| refusal.to_string())?;
        let loaded = load(&planned.path_to_file(), &declaration).map_err(|refusal| refusal.to_string())?;
        let mut plugin = RustPlugin {
            name: planned.file_name(),
            object: planned.object.clone(),
            analyzer: RefCell::new(loaded.new_analyzer()),
            printers: Vec::new(),
            printed: RefCell::default(),
            errors: Cell::new(0),
            frame: RefCell::default(),
        };
        let begun = plugin.call(host, None, |analyzer, services| analyzer.begin_trace(services));
        let hooks = hooks_of(begun.unwrap_or(Hooks::NONE));
        host.set_hooks(|_| hooks);
        if hooks.has(Hook::PrintValue) {
            let names = plugin.call(host, None, |analyzer, _| analyzer.printers()).unwrap_or_default();
            let split = |name: String| match name.strip_suffix('*').filter(|_| !name.ends_with(" *")) {
                Some(start) => (start.to_owned(), true),
                None => (name, false),
            };
            plugin.printers = names.into_iter().map(split).collect();
        }
        Ok((declaration.api_version, (hooks != HookSet::NONE).then_some(plugin)))
    }

    /// Calls a hook. An error is noted, and costs what the hook would have given; one that the plugin does not
    /// have is not called again.
    fn call<R>(
        &self,
        host: &Host<'_>,
        called: Option<Hook>,
        hook: impl FnOnce(&mut LoadedAnalyzer, &super::services::RustServices<'_, '_>) -> Result<R, Error>,
    ) -> Option<R> {
        let mut analyzer = self.analyzer.try_borrow_mut().ok()?;
        let services = super::services::RustServices { host, object: &self.object };
        match hook(&mut analyzer, &services) {
            Ok(given) => Some(given),
            Err(error) if error.kind() == ErrorKind::UNUSED => {
                host.set_hooks(|hooks| called.map_or(hooks, |hook| hooks.without(hook)));
                None
            }
            Err(error) => {
                let errors = self.errors.get() + 1;
                self.errors.set(errors);
                let is_over = error.kind() == ErrorKind::PANIC || errors >= MAX_ERRORS;
                if is_over {
                    host.set_hooks(|_| HookSet::NONE);
                }
                host.note_error(&error.to_string(), is_over);
                None
            }
        }
    }

    /// The frame at hand, described once for all its values.
    fn current_frame(&self, host: &Host<'_>) -> Option<Rc<Frame<'static>>> {
        let (thread, frame) = (host.thread()?, host.frame()?);
        if let Some((_, _, known)) =
            self.frame.borrow().as_ref().filter(|known| (known.0, known.1) == (thread.thread, frame))
        {
            return Some(known.clone());
        }
        let described = Rc::new(stacks::current_frame(host, &thread, frame)?);
        *self.frame.borrow_mut() = Some((thread.thread, frame, described.clone()));
        Some(described)
    }

    fn replaced(&self, host: &Host<'_>, shown: api::Shown) -> Shown {
        match shown {
            api::Shown::AsIs => Shown::AsIs,
            api::Shown::Hidden => Shown::Taken,
            api::Shown::Replaced(Replacement { text, children, omitted }) => {
                Shown::Replaced(Box::new(Replaced {
                    plugin: self.name.clone(),
                    text: text.into(),
                    children: children
                        .into_iter()
                        .map(|child| Child {
                            name: child.name.into(),
                            place: Place::Memory(crate::address::Address(child.address.0)),
                            type_die: child
                                .type_id
                                .into_option()
                                .and_then(|id| host.handles.die_numbered(id.0)),
                        })
                        .collect(),
                    omitted,
                }))
            }
        }
    }

    /// Whether one of the plugin's printers is for the type.
    fn prints(&self, host: &Host<'_>, item: &Item<'_>) -> bool {
        let Some(die) = item.type_die else { return false };
        *self.printed.borrow_mut().entry(die.key()).or_insert_with(|| {
            let names = host.services.names_of(die);
            self.printers.iter().any(|(printer, is_start)| {
                names.iter().any(|name| match is_start {
                    true => name.starts_with(printer.as_str()),
                    false => **name == **printer,
                })
            })
        })
    }
}

impl Analyzer for RustPlugin {
    fn begin_thread(&self, host: &Host<'_>) -> bool {
        let Some(stack) = host.thread() else { return true };
        let Some(thread) = stacks::thread(host, stack.thread) else { return true };
        self.call(host, Some(Hook::BeginThread), |analyzer, services| {
            analyzer.begin_thread(services, &thread)
        }) != Some(Flow::Hide)
    }

    fn before_frame(&self, host: &Host<'_>) -> bool {
        let Some(frame) = self.current_frame(host) else { return true };
        self.call(host, Some(Hook::BeforeFrame), |analyzer, services| analyzer.before_frame(services, &frame))
            != Some(Flow::Hide)
    }

    fn before_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told) -> Shown {
        let Some(current) = self.current_frame(host) else { return Shown::AsIs };
        let shown = values::with_variable(host, scope, item, told, |variable| {
            self.call(host, Some(Hook::BeforeVariable), |analyzer, services| {
                analyzer.before_variable(services, &current, variable)
            })
        });
        shown.map_or(Shown::AsIs, |shown| self.replaced(host, shown))
    }

    fn print_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told) -> Shown {
        if !self.prints(host, item) {
            return Shown::AsIs;
        }
        let Some(current) = self.current_frame(host) else { return Shown::AsIs };
        let shown = values::with_variable(host, scope, item, told, |variable| {
            self.call(host, Some(Hook::PrintValue), |analyzer, services| {
                analyzer.print_value(services, &current, variable)
            })
        });
        shown.map_or(Shown::AsIs, |shown| self.replaced(host, shown))
    }

    fn after_value(&self, host: &Host<'_>, scope: &Scope<'_>, item: &Item<'_>, told: &Told) {
        // The interface asks for this after variables themselves only.
        if item.depth > 0 {
            return;
        }
        let Some(current) = self.current_frame(host) else { return };
        values::with_variable(host, scope, item, told, |variable| {
            self.call(host, Some(Hook::AfterVariable), |analyzer, services| {
                analyzer.after_variable(services, &current, variable)
            })
        });
    }

    fn after_frame(&self, host: &Host<'_>) {
        let Some(frame) = self.current_frame(host) else { return };
        self.call(host, Some(Hook::AfterFrame), |analyzer, services| analyzer.after_frame(services, &frame));
    }

    fn end_thread(&self, host: &Host<'_>) {
        let Some(thread) = host.thread().and_then(|stack| stacks::thread(host, stack.thread)) else { return };
        self.call(host, Some(Hook::EndThread), |analyzer, services| analyzer.end_thread(services, &thread));
    }

    fn global_trace(&self, host: &Host<'_>) {
        self.call(host, Some(Hook::GlobalTrace), |analyzer, services| analyzer.global_trace(services));
    }
}

/// The hooks that a plugin says it has.
fn hooks_of(told: Hooks) -> HookSet {
    let known = [
        (Hook::BeginThread, Hooks::BEGIN_THREAD),
        (Hook::BeforeFrame, Hooks::BEFORE_FRAME),
        (Hook::BeforeVariable, Hooks::BEFORE_VARIABLE),
        (Hook::PrintValue, Hooks::PRINT_VALUE),
        (Hook::AfterVariable, Hooks::AFTER_VARIABLE),
        (Hook::AfterFrame, Hooks::AFTER_FRAME),
        (Hook::EndThread, Hooks::END_THREAD),
        (Hook::GlobalTrace, Hooks::GLOBAL_TRACE),
    ];
    HookSet::of(known.into_iter().filter_map(|(hook, bit)| told.contains(bit).then_some(hook)))
}
