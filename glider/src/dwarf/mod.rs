//! DWARF of one file: its units, found by pc or by offset; functions, inlined calls,
//! variables and lines in them.
//!
//! Pipeline place: between the object files and the values. Knows file addresses only:
//! nothing of the process. Everything is parsed on demand, once, and only the units asked
//! for. One walk over a unit's DIEs serves function names, inlined calls, variables and
//! types, which is why the lookup by pc is here and not left to a symbolizer that would walk
//! the same units again.

#![forbid(unsafe_code)]

mod arange;
mod call_site;
mod definition;
mod die;
mod globals;
mod line;
mod name;
mod ranges;
mod root;
mod scope;
mod search;
mod split;
mod unit;
mod unit_index;

pub(crate) use call_site::expression;
pub use call_site::{Argument, CallSite, CallSiteParameter};
pub(crate) use definition::Declared;
pub use die::Die;
pub(crate) use die::{Entry, TemplateArgument};
pub use line::SourceLine;
pub use scope::{Function, Inlined, Location, Scopes, VariableDie};
pub use unit::{DwarfFile, Unit};

use crate::address::FileAddress;
use crate::object::Object;
use crate::unwind::Bytes;
use arange::UnitRanges;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// How many references (`DW_AT_abstract_origin`, `DW_AT_specification`, typedefs …) are
/// followed from one DIE: chains in real files have three or four links, broken ones may be circles.
pub(crate) const MAX_CHAIN: usize = 64;

/// The DWARF of one object.
pub struct DebugInfo {
    path: PathBuf,
    file: &'static DwarfFile,
    ranges: OnceCell<UnitRanges>,
    scopes: RefCell<HashMap<FileAddress, Option<Rc<Scopes>>>>,
    routes: RefCell<Routes>,
    globals: RefCell<globals::Globals>,
    definitions: RefCell<HashMap<Vec<Arc<str>>, Option<Die>>>,
}

/// The calls from a call site to a function, by the DIEs of both.
type Routes = HashMap<((usize, usize), (usize, usize)), Option<Rc<[CallSite]>>>;

impl DebugInfo {
    /// The DWARF sections in `debug`, which is `object` or its debug file; `None` when there is
    /// no `.debug_info`.
    pub fn load(object: &Object, debug: &Object) -> Option<DebugInfo> {
        let file: &'static DwarfFile = Box::leak(Box::new(DwarfFile::load(object, debug)?));
        Some(DebugInfo {
            path: debug.path.clone(),
            file,
            ranges: OnceCell::new(),
            scopes: RefCell::default(),
            routes: RefCell::default(),
            globals: RefCell::default(),
            definitions: RefCell::default(),
        })
    }

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an entry is of this file.
    pub(crate) fn holds(&self, die: Die) -> bool {
        std::ptr::eq(self.file, die.unit.file)
    }

    /// What of the debug information was needed and is somewhere that is not read.
    pub fn gap(&self) -> Option<&'static str> {
        self.file.gap.get().map(String::as_str)
    }

    /// The compilation unit whose code holds `pc`.
    fn unit(&self, pc: FileAddress) -> Option<&'static Unit> {
        let ranges = self.ranges.get_or_init(|| UnitRanges::new(self.file));
        ranges.find(pc, self.file)
    }

    /// The function at `pc`, the calls inlined there, and the variables in scope.
    pub fn scopes(&self, pc: FileAddress) -> Option<Rc<Scopes>> {
        if let Some(known) = self.scopes.borrow().get(&pc) {
            return known.clone();
        }
        let found = self.unit(pc).and_then(|unit| scope::find(unit, pc)).map(Rc::new);
        self.scopes.borrow_mut().insert(pc, found.clone());
        found
    }

    /// The source line of the instruction at `pc`.
    pub fn source_line(&self, pc: FileAddress) -> Option<SourceLine> {
        self.unit(pc)?.source_line(pc)
    }

    /// What `search` finds of the way from a call site to a function of this object; searched once.
    pub(crate) fn route(
        &self,
        site: &CallSite,
        callee: Die,
        search: impl FnOnce() -> Option<Vec<CallSite>>,
    ) -> Option<Rc<[CallSite]>> {
        let key = (site.die.key(), callee.key());
        if let Some(known) = self.routes.borrow().get(&key) {
            return known.clone();
        }
        let found: Option<Rc<[CallSite]>> = search().map(Rc::from);
        self.routes.borrow_mut().insert(key, found.clone());
        found
    }

    /// Reads the unit tables that every lookup needs.
    pub fn prepare(&self) {
        self.ranges.get_or_init(|| UnitRanges::new(self.file));
    }
}

/// The section reader of every DWARF structure here.
pub(crate) type Attribute = gimli::AttributeValue<Bytes>;
