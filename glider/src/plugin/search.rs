//! Where plugins are looked for, and what is found there: the plan of what to load.
//!
//! Looks at files only; nothing of a plugin runs here.

#![forbid(unsafe_code)]

use super::declared::{Declarations, Wanted};
use super::doors::Doors;
use crate::confine::trust::{self, TrustedFile, Whose};
use crate::limits::PLUGINS;
use crate::object::{Module, Modules};
use crate::report::{Door, FoundBy, Plugin, PluginStatus};
use crate::target::Memory;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The system's folder for plugins; `GIMLI_PLUGIN_DIR` at build time names another one.
pub const SYSTEM_FOLDER: &str = match option_env!("GIMLI_PLUGIN_DIR") {
    Some(folder) => folder,
    None => "/usr/lib/gimli/plugins",
};

/// What the user says of plugins.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Whether there are any (`--no-plugins`).
    pub none: bool,
    /// Folders besides those of the objects and the system's (`--plugin-path`).
    pub folders: Vec<PathBuf>,
    /// Files to load in any case (`--plugin`).
    pub files: Vec<PathBuf>,
    /// Whether plugins beside the objects are loaded.
    pub beside: Beside,
}

/// Which plugins that lie beside an object are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// Those that root or the user running glider has put there.
    #[default]
    Trusted,
    /// Those that root has put there: the process is another user's.
    Roots,
    /// None: the process has another root directory, so its paths are not glider's.
    Never,
}

/// What was looked for on behalf of one object, and where.
#[derive(Clone, Debug)]
pub struct Search {
    /// Path of the object.
    pub object: String,
    /// The name looked for, and who asks for it.
    pub wanted: Wanted,
    /// The files looked at, in order, up to the one to load.
    pub tried: Vec<(PathBuf, Verdict)>,
}

/// What is at a place where a plugin was looked for.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// No file.
    Absent,
    /// A file that is not to be loaded.
    Refused(String),
    /// A plugin.
    Usable(Doors),
    /// A plugin that is loaded for an earlier object already.
    Again,
}

/// A plugin to load.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Canonical path, to be shown: it is never followed again.
    pub path: PathBuf,
    /// The file that was checked. It stays open, so that its name in `/proc` stays its own.
    file: Arc<File>,
    /// The object it is loaded for.
    pub object: String,
    /// How it was found.
    pub found_by: FoundBy,
    /// Its interfaces.
    pub doors: Doors,
}

/// Everything that was looked for, and what to load.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order in which they are loaded and called.
    pub plugins: Vec<Planned>,
    /// Those named by user or process that are not loaded.
    pub missing: Vec<Plugin>,
    /// All that was tried.
    pub searches: Vec<Search>,
    /// What went wrong, one line each.
    pub problems: Vec<String>,
}

/// Finds plugins, for one trace.
#[derive(Default)]
pub struct Finder {
    declarations: Declarations,
}

impl Finder {
    /// Reads what the files of the objects declare.
    pub fn prepare(&mut self, modules: &Modules) {
        modules.iter().for_each(|module| self.declarations.prepare(module));
    }

    /// Looks for the plugins of all objects: those that the user names first, then for each
    /// object by rising address those of its section, of its symbol, of its name.
    pub fn plan(&mut self, sources: &Sources, modules: &Modules, memory: &dyn Memory) -> Plan {
        let mut builder = Builder { sources, plan: Plan::default(), loaded: HashMap::new() };
        if sources.none {
            return builder.plan;
        }
        let main = modules.iter().find(|module| modules.is_main(module)).or_else(|| modules.iter().next());
        let main = main.map(|module| module.path.to_string()).unwrap_or_default();
        for file in &sources.files {
            let wanted = Wanted { found_by: FoundBy::Option, name: file.display().to_string() };
            builder.search(&main, wanted, vec![(file.clone(), Whose::RootOrUser)]);
        }
        for module in modules.iter().filter(|module| module.path.starts_with('/')) {
            for wanted in self.declarations.wanted(module, memory, &mut builder.plan.problems) {
                let places = builder.places(module, &wanted.name);
                builder.search(&module.path, wanted, places);
            }
        }
        builder.plan
    }
}

struct Builder<'s> {
    sources: &'s Sources,
    plan: Plan,
    /// What was decided about files looked at before.
    loaded: HashMap<(u64, u64), Result<Doors, String>>,
}

impl Builder<'_> {
    /// Beside the object, in the user's folders, in the system's; with whom a file there may belong to.
    fn places(&self, module: &Module, name: &str) -> Vec<(PathBuf, Whose)> {
        let beside = Path::new(&*module.path).parent().map(Path::to_owned);
        let beside = match self.sources.beside {
            Beside::Trusted => beside.map(|folder| (folder, Whose::RootOrUser)),
            Beside::Roots => beside.map(|folder| (folder, Whose::Root)),
            Beside::Never => None,
        };
        let named = self.sources.folders.iter().cloned().chain([PathBuf::from(SYSTEM_FOLDER)]);
        let named = named.map(|folder| (folder, Whose::RootOrUser));
        beside.into_iter().chain(named).map(|(folder, whose)| (folder.join(name), whose)).collect()
    }

    fn search(&mut self, object: &str, wanted: Wanted, places: Vec<(PathBuf, Whose)>) {
        let mut tried = Vec::new();
        let mut found = None;
        let mut refusal = None;
        for (place, whose) in places {
            let verdict = self.look_at(&place, whose, object, wanted.found_by);
            let is_found = matches!(verdict, Verdict::Usable(_) | Verdict::Again);
            if let Verdict::Refused(why) = &verdict {
                refusal.get_or_insert((place.clone(), why.clone()));
            }
            tried.push((place, verdict));
            if is_found {
                found = Some(());
                break;
            }
        }
        if let (None, Some((path, why))) = (found, refusal) {
            self.miss(
                object,
                &wanted,
                path.display().to_string(),
                PluginStatus::Refused,
                format!(
                    "not loaded: {why}; put it where only root or you can write, and name that folder with --plugin-path"
                ),
            );
        } else if found.is_none() && wanted.found_by != FoundBy::Name {
            let hint = match self.sources.beside {
                Beside::Never => {
                    "not found; beside the object it is not looked for, since the process has another root directory: use --plugin-path"
                }
                Beside::Trusted | Beside::Roots => "not found",
            };
            self.miss(object, &wanted, wanted.name.clone(), PluginStatus::NotFound, hint.to_owned());
        }
        self.plan.searches.push(Search { object: object.to_owned(), wanted, tried });
    }

    fn miss(&mut self, object: &str, wanted: &Wanted, path: String, status: PluginStatus, problem: String) {
        self.plan.problems.push(format!("plugin {path} for {object}: {problem}"));
        self.plan.missing.push(Plugin {
            path,
            object: object.to_owned(),
            found_by: wanted.found_by,
            status,
            problem: Some(problem),
            ..Plugin::default()
        });
    }

    fn look_at(&mut self, place: &Path, whose: Whose, object: &str, found_by: FoundBy) -> Verdict {
        let TrustedFile { path, file } = match trust::check(place, whose) {
            Ok(Some(trusted)) => trusted,
            Ok(None) => return Verdict::Absent,
            Err(why) => return Verdict::Refused(why),
        };
        let identity = match file.metadata() {
            Ok(metadata) => (metadata.dev(), metadata.ino()),
            Err(error) => return Verdict::Refused(format!("{}: {error}", path.display())),
        };
        match self.loaded.get(&identity) {
            Some(Ok(_)) => return Verdict::Again,
            Some(Err(why)) => return Verdict::Refused(why.clone()),
            None => {}
        }
        let doors = match self.plan.plugins.len() < PLUGINS {
            true => Doors::of(&path, &file),
            false => Err(format!("more than {PLUGINS} plugins")),
        };
        self.loaded.insert(identity, doors.clone());
        match doors {
            Ok(doors) => {
                let (object, file) = (object.to_owned(), Arc::new(file));
                self.plan.plugins.push(Planned { path, file, object, found_by, doors });
                Verdict::Usable(doors)
            }
            Err(why) => Verdict::Refused(why),
        }
    }
}

impl Planned {
    /// A path that leads to the file that was checked, whatever has become of the one it was found at.
    pub(super) fn path_to_file(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// The file's own name.
    pub fn file_name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The entry of the report, as long as nothing went wrong.
    pub(super) fn entry(&self) -> Plugin {
        Plugin {
            path: self.path.display().to_string(),
            object: self.object.clone(),
            found_by: self.found_by,
            door: Some(if self.doors.rust { Door::Rust } else { Door::C }),
            api_version: None,
            status: PluginStatus::Loaded,
            problem: None,
        }
    }
}
