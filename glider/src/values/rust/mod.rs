//! Values of Rust's language and standard library as `{:?}` prints them.
//!
//! A type is recognised by its name, its parts by their names and types in the debug information, so
//! that a layout that is not known shows its members as any structure does. Every value may
//! be uninitialised or moved from: lengths are checked against capacities and the memory before anything is walked.

mod dynamic;
mod map;
mod part;
mod range;
mod sequence;
mod time;
mod variant;
mod wrapper;

pub(in crate::values) use dynamic::dropped_type;

use super::location::Scope;
use super::printer::{Instance, Printer};
use crate::dwarf::Die;
use crate::report::Value;
use part::Part;

/// Whether a type is described by Rust's compiler.
fn is_rust(die: Die) -> bool {
    die.unit.language == Some(gimli::DW_LANG_Rust)
}

impl Printer<'_> {
    /// A Rust structure that reads better than its members; `None` for all others.
    pub(super) fn rust(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        if !is_rust(instance.die) {
            return None;
        }
        if instance.record.variants.is_some() {
            return self.enumeration(scope, instance);
        }
        let Instance { die, place, depth, .. } = *instance;
        let part = Part::new(scope.process.types, die, place.clone())?;
        self.library(scope, &part, depth).or_else(|| self.tuple(scope, instance))
    }

    /// A type of the standard library.
    fn library(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let name = &*part.found.name;
        if let Some(value) = self.fat_pointer(scope, part, depth) {
            return Some(value);
        }
        if let Some(value) = self.trait_object(scope, part, depth) {
            return Some(value);
        }
        let path = name.split('<').next().unwrap_or(name);
        let is_std = ["core::", "alloc::", "std::"].iter().any(|start| path.starts_with(start));
        if !is_std {
            return None;
        }
        let types = scope.process.types;
        match part.short_name() {
            "String" | "OsString" | "PathBuf" | "CString" => self.owned_text(scope, part),
            "Vec" => self.vector(scope, part, depth),
            "VecDeque" => self.deque(scope, part, depth),
            "HashMap" | "HashSet" => self.hash_table(scope, part, depth),
            "BTreeMap" | "BTreeSet" => self.btree(scope, part, depth),
            "Rc" | "Arc" | "Weak" => self.shared(scope, part, depth),
            "Cell" | "RefCell" | "Mutex" | "RwLock" | "OnceCell" => self.cell(scope, part, depth),
            "Duration" => time::duration(scope, part),
            "Instant" => time::instant(scope, part),
            "SystemTime" => time::system_time(scope, part),
            "OnceLock" | "LazyLock" => self.once(scope, part, depth),
            "LazyCell" => self.lazy_cell(scope, part, depth),
            name if name.starts_with("Range") => range::range(scope, part),
            "PhantomData" => Some(Value::Literal { text: "PhantomData".to_owned() }),
            "NonNull" | "NonZero" | "Unique" | "UnsafeCell" => {
                let inner = part.peeled(types)?;
                Some(self.value(scope, Some(inner.die), &inner.place, depth))
            }
            "AtomicBool" => {
                let bits = part.number(scope)?;
                Some(super::scalar::boolean(bits.into()))
            }
            atomic if atomic.starts_with("Atomic") => {
                let inner = part.peeled(types)?;
                Some(self.value(scope, Some(inner.die), &inner.place, depth))
            }
            _ => None,
        }
    }
}
