//! The objects of the target, each opened once: what is loaded before the target is stopped is
//! found again afterwards, and checked against its memory then.

#![forbid(unsafe_code)]

use super::elf::Object;
use super::mapped::{self, Match};
use super::search::{DebugSources, Search};
use super::{Module, Modules};
use crate::target::{Mapping, Memory};
use std::collections::HashMap;

/// Objects by device, inode, path and place in the file.
#[derive(Default)]
pub struct ObjectCache {
    sources: DebugSources,
    search: Option<&'static Search>,
    objects: HashMap<Key, Opened>,
}

/// Device, inode and path of a mapped file, and where in it the object begins.
type Key = ((u32, u32), u64, String, u64);

#[derive(Clone)]
struct Opened {
    object: Result<&'static Object, String>,
    /// Whether the target's memory was asked.
    is_checked: bool,
}

/// A mapping whose object is wanted.
#[derive(Clone, Copy)]
pub(super) struct Mapped<'a> {
    pub(super) pid: i32,
    pub(super) mapping: &'a Mapping,
    /// The mappings up to this one, it included.
    pub(super) before: &'a [Mapping],
    /// The target's memory, once it is held.
    pub(super) memory: Option<&'a dyn Memory>,
}

impl ObjectCache {
    /// Nothing is opened yet; debug files come from `sources`.
    pub fn new(sources: DebugSources) -> ObjectCache {
        ObjectCache { sources, ..ObjectCache::default() }
    }

    /// The object that a mapping shows, opened once.
    pub(super) fn object(&mut self, mapped: &Mapped<'_>) -> Result<&'static Object, String> {
        let Mapping { device, inode, path, .. } = mapped.mapping;
        let path = path.as_deref().unwrap_or_default();
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let start = mapped::start_in_file(mapped);
        let key = (*device, *inode, path.to_owned(), start);
        let can_check = mapped.memory.is_some();
        match self.objects.get(&key) {
            Some(known) if known.is_checked || !can_check => return known.object.clone(),
            Some(Opened { object: Ok(object), .. })
                if mapped::compare(object, mapped) != Match::Different =>
            {
                let object = Ok(*object);
                self.objects.insert(key, Opened { object: object.clone(), is_checked: true });
                return object;
            }
            _ => {}
        }
        let search = self.search(mapped.pid);
        let object = mapped::open(mapped, path, start, search).map(|mut object| {
            object.search = Some(search);
            &*Box::leak(Box::new(object))
        });
        self.objects.insert(key, Opened { object: object.clone(), is_checked: can_check });
        object
    }

    /// Asks debuginfod servers for what the modules lack, those of `is_first` before the others,
    /// where the user wants that. Gives in words why not all could be asked for.
    pub fn fetch(&self, modules: &Modules, is_first: &dyn Fn(&&Module) -> bool) -> Option<String> {
        self.sources.servers?;
        let objects = |first: bool| {
            let wanted = modules.iter().filter(move |module| is_first(module) == first);
            wanted.filter_map(|module| module.object.as_ref().ok().copied())
        };
        self.search?.fetch(objects(true).chain(objects(false)))
    }

    pub(super) fn search(&mut self, pid: i32) -> &'static Search {
        self.search.get_or_insert_with(|| Box::leak(Box::new(Search::new(&self.sources, pid))))
    }
}
