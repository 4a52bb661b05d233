//! Qualified names: of functions (demangled linkage name first) and of types.

use super::{Die, MAX_CHAIN};
use crate::object::demangle;
use std::sync::Arc;

impl Die {
    /// The function's name for people: its linkage name demangled, else its qualified name.
    pub fn function_name(self) -> Option<Arc<str>> {
        let linkage = self.linkage_name().and_then(|name| demangle(&name));
        linkage.map(Arc::from).or_else(|| self.chain().last().and_then(|(origin, _)| origin.qualified_name()))
    }

    /// The mangled name, where the function has one.
    pub fn linkage_name(self) -> Option<Arc<str>> {
        let names = [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name];
        self.chain().find_map(|(die, entry)| names.iter().find_map(|name| die.string(&entry, *name)))
    }

    /// `DW_AT_name` behind the names of the namespaces, types and functions around it.
    pub fn qualified_name(self) -> Option<Arc<str>> {
        if let Some(known) = self.unit.names.borrow().get(&self.offset) {
            return known.clone();
        }
        let name = self.build_qualified_name();
        self.unit.names.borrow_mut().insert(self.offset, name.clone());
        name
    }

    /// The class or structure that declares a function.
    pub fn declaring_type(self) -> Option<Die> {
        use gimli::{DW_TAG_class_type, DW_TAG_structure_type};
        let (declaration, _) = self.chain().last()?;
        let parent = declaration.unit.index().parent(declaration.offset)?;
        let parent = Die { unit: declaration.unit, offset: parent };
        parent.tag().filter(|tag| [DW_TAG_class_type, DW_TAG_structure_type].contains(tag)).map(|_| parent)
    }

    fn build_qualified_name(self) -> Option<Arc<str>> {
        if self.unit.is_c() {
            return self.name();
        }
        Some(self.path()?.join("::").into())
    }

    /// The names of the namespaces, types and functions around it, outermost first, and its own.
    pub(super) fn path(self) -> Option<Vec<Arc<str>>> {
        let mut parts = vec![self.name()?];
        let mut inner = self;
        while let Some(parent) = inner.unit.index().parent(inner.offset).filter(|_| parts.len() < MAX_CHAIN) {
            // The scope of a function's out-of-line body is that of its declaration.
            inner =
                Die { unit: inner.unit, offset: parent }.chain().last().map_or(inner, |(origin, _)| origin);
            parts.push(inner.name().unwrap_or_else(|| inner.word_for_nameless()));
        }
        parts.reverse();
        Some(parts)
    }

    /// What stands for the name of a scope without one.
    fn word_for_nameless(self) -> Arc<str> {
        let is_namespace = self.entry().is_some_and(|entry| entry.tag() == gimli::DW_TAG_namespace);
        Arc::from(if is_namespace { "(anonymous namespace)" } else { "(anonymous class)" })
    }
}
