//! What is known of the code at a pc: object, function, line, inlined calls. Looked up once
//! for each pc, however many threads stand there.

use crate::address::{Address, FileAddress};
use crate::dwarf::{Scopes, SourceLine};
use crate::object::{Module, Modules};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The code at one pc.
pub struct Code<'a> {
    /// The object; `None` for code in anonymous memory.
    pub module: Option<&'a Module>,
    /// Function and variables from the debug information.
    pub scopes: Option<Rc<Scopes>>,
    /// The function's name, demangled.
    pub function: Option<Arc<str>>,
    /// Where the function starts.
    pub start: Option<Address>,
    /// Line of the instruction: of the innermost inlined call, where there is one.
    pub line: Option<SourceLine>,
}

/// All code looked up so far.
pub struct CodeTable<'a> {
    modules: &'a Modules,
    known: RefCell<FxHashMap<Address, Rc<Code<'a>>>>,
}

impl<'a> CodeTable<'a> {
    /// Nothing is looked up yet.
    pub fn new(modules: &'a Modules) -> CodeTable<'a> {
        CodeTable { modules, known: RefCell::default() }
    }

    /// The code that the instruction at `pc` belongs to (a frame's lookup pc, not its return address).
    pub fn find(&self, pc: Address) -> Rc<Code<'a>> {
        let mut known = self.known.borrow_mut();
        known.entry(pc).or_insert_with(|| Rc::new(look_up(self.modules, pc))).clone()
    }

    /// Whether any code of the module was looked up.
    pub fn has_code_in(&self, module: &Module) -> bool {
        self.known.borrow().values().any(|code| code.module.is_some_and(|known| std::ptr::eq(known, module)))
    }
}

fn look_up<'a>(modules: &'a Modules, pc: Address) -> Code<'a> {
    let module = modules.find(pc);
    let mut code = Code { module, scopes: None, function: None, start: None, line: None };
    let Some((module, object)) = module.and_then(|module| Some((module, module.object.as_ref().ok()?)))
    else {
        if let Some((name, start)) = modules.generated(pc) {
            code.function = Some(name.into());
            code.start = Some(start);
        }
        return code;
    };
    let address: FileAddress = module.bias.to_file(pc);
    if let Some(info) = object.debug_info() {
        code.scopes = info.scopes(address);
        code.line = info.source_line(address);
    }
    if let Some(scopes) = &code.scopes {
        code.function = scopes.function.name.clone();
        code.start = Some(module.bias.to_runtime(scopes.function.start));
    }
    if code.function.is_none()
        && let Some(name) = modules.name(pc)
        && let Some(symbol) = name.symbol
    {
        code.function = Some(symbol);
        code.start = pc.checked_sub(name.offset);
    }
    code
}
