//! Where debug files are looked for: the user's folders, the system's, the target's own.

#![forbid(unsafe_code)]

use super::elf::Object;
use super::root::Root;
use crate::confine::fetcher::{self, Fetched};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder for separate debug files of every distribution (GDB manual, "Debugging Information
/// in Separate Files").
const SYSTEM_FOLDER: &str = "/usr/lib/debug";

/// Where the user wants debug information to be taken from.
#[derive(Clone, Debug, Default)]
pub struct DebugSources {
    /// Folders of debug files, looked into first (`--debug-dir`).
    pub folders: Vec<PathBuf>,
    /// How long debuginfod servers may be asked, when they are (`--debuginfod`).
    pub servers: Option<Duration>,
}

/// Where debug files of one target are looked for.
#[derive(Debug)]
pub(crate) struct Search {
    folders: Vec<PathBuf>,
    /// glider's own root, and the target's where that is another.
    roots: Vec<Root>,
    /// Files got from a server, by build-id.
    fetched: RefCell<HashMap<Vec<u8>, PathBuf>>,
}

impl Search {
    /// For the process with this id.
    pub(super) fn new(sources: &DebugSources, pid: i32) -> Search {
        let roots = std::iter::once(Root::Own).chain(Root::of_process(pid)).collect();
        Search { folders: sources.folders.clone(), roots, fetched: RefCell::default() }
    }

    /// Asks debuginfod servers for the debug files of `objects` that are not here, and for what dwz
    /// moved out of those. Gives in words why not all could be asked for.
    pub(super) fn fetch<'o>(&'static self, objects: impl Iterator<Item = &'o Object>) -> Option<String> {
        for object in objects {
            let Some(id) = object.build_id.filter(|_| object.lacks_debug_info()) else { continue };
            let mut wanted = Some(id.to_vec());
            while let Some(id) = wanted.take() {
                match fetcher::ask(&id)? {
                    Fetched::File(path) => {
                        let shared = Object::open(&path).ok().and_then(|found| found.supplementary_id());
                        self.fetched.borrow_mut().insert(id, path);
                        let is_known = |id: &Vec<u8>| self.fetched.borrow().contains_key(id);
                        wanted = shared.map(<[u8]>::to_vec).filter(|id| !is_known(id));
                    }
                    Fetched::Missing => {}
                    Fetched::Unusable(why) => return Some(why),
                }
            }
        }
        None
    }

    /// The file that was fetched for a build-id.
    pub(super) fn fetched(&self, id: &[u8]) -> Option<PathBuf> {
        self.fetched.borrow().get(id).cloned()
    }

    /// The roots, glider's own first.
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The first file that `belongs`: `below` one of the folders for debug files (that is a
    /// relative path, the user's folders may hold its last part alone), or at one of the paths `beside`.
    pub(crate) fn find(
        &'static self,
        below: Option<&Path>,
        beside: &[PathBuf],
        belongs: impl Fn(&Object) -> bool,
    ) -> Option<Object> {
        let open = |root: &Root, path: &Path| {
            let mut found = Object::open_in(root, path).ok().filter(&belongs)?;
            found.search = Some(self);
            Some(found)
        };
        let in_folder = |folder: &PathBuf| {
            let below = below?;
            let alone = below.file_name().map(|name| folder.join(name));
            open(&Root::Own, &folder.join(below)).or_else(|| open(&Root::Own, &alone?))
        };
        let system = below.map(|below| Path::new(SYSTEM_FOLDER).join(below));
        let in_root = |root: &Root| beside.iter().chain(&system).find_map(|path| open(root, path));
        self.folders.iter().find_map(in_folder).or_else(|| self.roots.iter().find_map(in_root))
    }
}
