//! What a plugin may ask of the traced process, whatever door it came in by.
//!
//! Every answer may be missing: the process may be corrupt, and so may be the questions.

use crate::address::Address;
use crate::confine::opener;
use crate::dwarf::{Die, SourceLine, VariableDie};
use crate::limits::Limits;
use crate::object::{Module, demangle};
use crate::report::render::render_variable;
use crate::report::{Value, Variable, VariableKind};
use crate::stacks::{Stacks, ThreadStack};
use crate::types::{Count, Kind, Type};
use crate::values::{Place, Printer, Process, Scope, thread_local};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes of a string that are read for a plugin.
const MAX_STRING: usize = 1 << 20;
/// Levels of pointer that are followed from a global variable.
const MAX_DEREFERENCES: u32 = 16;

/// The traced process, for plugins.
pub(super) struct Services<'a> {
    pub(super) stacks: &'a Stacks<'a>,
    pub(super) limits: &'a Limits,
    symbols: RefCell<HashMap<SymbolKey, Option<Rc<Symbol>>>>,
    /// By path of the object and name.
    thread_locals: RefCell<HashMap<(String, String), Option<ThreadLocal>>>,
}

/// Object and raw name, as they were asked for.
type SymbolKey = (Option<String>, String);

/// A symbol of one object.
#[derive(Debug)]
pub(super) struct Symbol {
    /// Demangled.
    pub(super) name: String,
    /// As in the symbol table.
    pub(super) raw_name: String,
    /// Path of the object.
    pub(super) object: String,
    /// Where it is in the process.
    pub(super) address: Address,
    /// Bytes.
    pub(super) size: u64,
}

/// A thread-local variable, for all threads.
#[derive(Clone, Copy)]
struct ThreadLocal {
    /// The dynamic linker's number for the storage of its module.
    module: u64,
    /// Where it lies in that.
    offset: u64,
}

/// A parameter or local of a frame.
pub(super) struct Local {
    pub(super) kind: VariableKind,
    pub(super) name: String,
    pub(super) type_die: Option<Die>,
    /// Where it is; `None` when it has no address.
    pub(super) address: Option<Address>,
}

impl<'a> Services<'a> {
    pub(super) fn new(stacks: &'a Stacks<'a>, limits: &'a Limits) -> Services<'a> {
        Services { stacks, limits, symbols: RefCell::default(), thread_locals: RefCell::default() }
    }

    /// The process.
    pub(super) fn process(&self) -> Process<'a> {
        self.stacks.process
    }

    /// The modules that a name means: see [`is_named`]; all where there is none.
    pub(super) fn modules<'n>(
        &self,
        object: Option<&'n str>,
    ) -> impl Iterator<Item = &'a Module> + use<'a, 'n> {
        let is_meant = move |module: &&Module| object.is_none_or(|name| is_named(&module.path, name));
        self.process().modules.iter().filter(is_meant)
    }

    /// The symbol with that raw name; of several the first that is not local.
    pub(super) fn find_symbol(&self, object: Option<&str>, name: &str) -> Option<Rc<Symbol>> {
        let key = (object.map(str::to_owned), name.to_owned());
        if let Some(known) = self.symbols.borrow().get(&key) {
            return known.clone();
        }
        let found = self.modules(object).find_map(|module| find_symbol_in(module, name)).map(Rc::new);
        self.symbols.borrow_mut().insert(key, found.clone());
        found
    }

    /// What lies at an address, ``object`symbol+0x10``.
    pub(super) fn name_of(&self, address: Address) -> Option<String> {
        self.process().modules.name(address).map(|name| name.to_string())
    }

    /// The source line of an address of code.
    pub(super) fn source_of(&self, address: Address) -> Option<SourceLine> {
        let module = self.process().modules.find(address)?;
        let info = module.object.as_ref().ok()?.debug_info()?;
        info.source_line(module.bias.to_file(address))
    }

    /// Copies memory; gives how many bytes could be read.
    pub(super) fn read(&self, address: Address, into: &mut [u8]) -> usize {
        self.process().memory.read(address, into)
    }

    /// The string at an address, without its NUL. `None` when it has no end within bounds.
    pub(super) fn read_string(&self, address: Address) -> Option<Vec<u8>> {
        let (string, is_ended) = self.process().memory.read_text(address, MAX_STRING);
        is_ended.then_some(string)
    }

    /// Where a global variable lies, or what it points at after following it so many times.
    pub(super) fn global(&self, object: Option<&str>, name: &str, dereferences: u32) -> Option<Address> {
        if dereferences > MAX_DEREFERENCES {
            return None;
        }
        let mut address = self.find_symbol(object, name)?.address;
        for _ in 0..dereferences {
            address = Address(self.process().memory.read_u64(address)?);
        }
        Some(address)
    }

    /// Where the thread with this index in the capture has its instance of a thread-local variable.
    pub(super) fn thread_local(&self, thread: usize, object: Option<&str>, name: &str) -> Option<Address> {
        let registers = self.stacks.capture.threads.get(thread)?.registers.as_deref()?;
        self.modules(object).find_map(|module| {
            let ThreadLocal { module, offset } = self.find_thread_local(module, name)?;
            thread_local::block_with(&self.process(), module, registers)?.checked_add(offset)
        })
    }

    /// A thread-local variable of a module: looked for once, since it is asked for each thread.
    fn find_thread_local(&self, module: &Module, name: &str) -> Option<ThreadLocal> {
        let key = (module.path.to_string(), name.to_string());
        if let Some(known) = self.thread_locals.borrow().get(&key) {
            return *known;
        }
        let find = || {
            let found = module.object.as_ref().ok()?.find_thread_local(name)?;
            let id = thread_local::module_id(&self.process(), module)?;
            Some(ThreadLocal { module: id, offset: found.address.0 })
        };
        *self.thread_locals.borrow_mut().entry(key).or_insert(find())
    }

    /// Address space and resident size of the process, bytes.
    pub(super) fn sizes(&self) -> (u64, u64) {
        const PAGE: u64 = 4096;
        /// Bytes of seven numbers.
        const STATM: u64 = 256;
        let mut statm = String::new();
        let file = opener::open_of_process(self.stacks.capture.process.pid, Path::new("statm"));
        // What cannot be read is shown as 0.
        let _ = file.and_then(|file| file.take(STATM).read_to_string(&mut statm));
        let mut pages = statm.split_whitespace().map(|pages| pages.parse::<u64>().unwrap_or(0));
        let mut bytes = || pages.next().unwrap_or(0).saturating_mul(PAGE);
        (bytes(), bytes())
    }

    /// The variables of a physical frame, calls inlined there included: each once, parameters
    /// before locals, the innermost call's first.
    pub(super) fn locals(&self, stack: &ThreadStack<'a>, frame: usize) -> Vec<Local> {
        let mut locals = Vec::new();
        stack.with_scope(self.process(), frame, |scope| {
            let view = scope.frames.get(scope.index);
            let Some(scopes) = view.and_then(|view| view.scopes.as_ref()) else { return };
            let inlined = scopes.inlined.iter().rev().map(|call| call.variables.as_slice());
            let variables: Vec<&VariableDie> =
                inlined.chain([scopes.function.variables.as_slice()]).flatten().collect();
            let is_parameter = |variable: &&&VariableDie| variable.kind == VariableKind::Parameter;
            let parameters = variables.iter().filter(is_parameter);
            for variable in parameters.chain(variables.iter().filter(|variable| !is_parameter(variable))) {
                locals.push(Local {
                    kind: variable.kind,
                    name: variable.name.to_string(),
                    type_die: variable.type_die,
                    address: scope.place(&variable.location).address(),
                });
            }
        });
        locals
    }

    /// The variable of that name that `is_wanted`, in the order of [`locals`](Services::locals).
    pub(super) fn local(
        &self,
        stack: &ThreadStack<'a>,
        frame: usize,
        name: &str,
        is_wanted: impl Fn(VariableKind) -> bool,
    ) -> Option<Local> {
        self.locals(stack, frame).into_iter().find(|local| local.name == name && is_wanted(local.kind))
    }

    /// The type of that name.
    pub(super) fn find_type(&self, object: Option<&str>, name: &str) -> Option<Die> {
        let mut found = None;
        for module in self.modules(object) {
            let info = module.object.as_ref().ok().and_then(|object| object.debug_info());
            match info.and_then(|info| info.find_type(name)) {
                Some(die) if !die.is_declaration() => return Some(die),
                declared => found = found.or(declared),
            }
        }
        found
    }

    /// The type of the variable or function at an address.
    pub(super) fn type_at(&self, address: Address) -> Option<Die> {
        let module = self.process().modules.find(address)?;
        module.object.as_ref().ok()?.debug_info()?.type_at(module.bias.to_file(address))
    }

    /// Bytes of a value of a type, arrays of fixed length included.
    pub(super) fn size_of(&self, die: Die) -> Option<u64> {
        let mut factor: u64 = 1;
        let mut die = die;
        for _ in 0..crate::dwarf::MAX_CHAIN {
            let (_, found) = self.process().types.resolve(die)?;
            match (&found.size, &found.kind) {
                (Some(size), _) => return size.checked_mul(factor),
                (None, Kind::Array { element, dimensions, .. }) => {
                    for count in dimensions {
                        let Count::Fixed(count) = count else { return None };
                        factor = factor.checked_mul(*count)?;
                    }
                    die = (*element)?;
                }
                _ => return None,
            }
        }
        None
    }

    /// The type a DIE describes.
    pub(super) fn type_of(&self, die: Die) -> Rc<Type> {
        self.process().types.get(die)
    }

    /// The name of the type a DIE describes, however long.
    pub(super) fn type_name(&self, die: Die) -> Arc<str> {
        self.process().types.whole_name(die)
    }

    /// The names that a type goes by: as it is declared, then typedef by typedef to what it is.
    pub(super) fn names_of(&self, die: Die) -> Vec<Arc<str>> {
        let (mut names, mut next) = (Vec::new(), Some(die));
        while let Some(die) = next.filter(|_| names.len() < crate::dwarf::MAX_CHAIN) {
            names.push(self.type_name(die));
            next = match self.type_of(die).kind {
                Kind::Alias { target } => target,
                _ => None,
            };
        }
        names
    }

    /// Memory as the text report shows a variable of that name and type; plugins are not asked.
    pub(super) fn format_value(
        &self,
        stack: Option<(&ThreadStack<'a>, usize)>,
        name: &str,
        die: Die,
        address: Address,
    ) -> Option<String> {
        let type_name = self.type_of(die).name.clone();
        self.format(stack, name, type_name, address, |printer, scope| {
            printer.value(scope, Some(die), &Place::Memory(address), 0)
        })
    }

    /// A value as the text report shows a variable of that name.
    pub(super) fn format(
        &self,
        stack: Option<(&ThreadStack<'a>, usize)>,
        name: &str,
        type_name: Arc<str>,
        address: Address,
        value: impl FnOnce(&mut Printer<'_>, &Scope<'_>) -> Value,
    ) -> Option<String> {
        let render = |scope: &Scope<'_>| {
            let mut printer = Printer::new(self.limits, None);
            printer.refill();
            let variable = Variable {
                kind: VariableKind::Local,
                name: name.into(),
                type_name: Some(type_name),
                address: Some(address),
                depth: 0,
                value: value(&mut printer, scope),
                read_while_running: false,
            };
            let mut text = Vec::new();
            render_variable(&variable, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        if let Some((stack, frame)) = stack {
            return stack.with_scope(self.process(), frame, render);
        }
        // Memory needs no frame; a scope without any gives no register and no frame base.
        let registers = self.stacks.capture.threads.iter().find_map(|thread| thread.registers.as_deref())?;
        Some(render(&Scope::new(self.process(), registers, &[], 0)))
    }
}

/// Whether a name means the object at this path: the path itself, its last part, or of a library's that with fewer
/// numbers, as it is linked with: `libz.so.1` for `libz.so.1.2.13`.
fn is_named(path: &str, name: &str) -> bool {
    let Some(rest) = path.rsplit('/').next().and_then(|file| file.strip_prefix(name)) else {
        return path == name;
    };
    let is_version =
        |rest: &str| rest.starts_with('.') && rest.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    rest.is_empty() || (name.contains(".so") && is_version(rest))
}

fn find_symbol_in(module: &Module, name: &str) -> Option<Symbol> {
    let found = module.object.as_ref().ok()?.find_symbol(name)?;
    Some(Symbol {
        name: demangle(name).unwrap_or_else(|| name.to_owned()),
        raw_name: name.to_owned(),
        object: module.path.to_string(),
        address: module.bias.to_runtime(found.address),
        size: found.size,
    })
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn an_object_is_named_by_path_file_or_what_programs_are_linked_with() {
        let path = "/usr/lib/libz.so.1.2.13";
        for name in [path, "libz.so.1.2.13", "libz.so.1.2", "libz.so.1", "libz.so"] {
            assert!(is_named(path, name), "{name}");
        }
        for name in ["libz.so.1.2.1", "libz", "z.so.1", "", "/usr/lib", "/lib/libz.so.1"] {
            assert!(!is_named(path, name), "{name}");
        }
        assert!(is_named("/srv/server", "server") && !is_named("/srv/server.1", "server"));
        assert!(!is_named("/srv/libz.so.1-old", "libz.so.1"));
    }
}
