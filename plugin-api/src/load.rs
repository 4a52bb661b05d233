//! For glider: from a plugin's file to an analyzer whose hooks can be called.
//!
//! Two checks stand before anything of a plugin runs: [`check_version`] compares the version that
//! its [`Declaration`] states, which glider reads from the file; then, once the file is mapped, abi_stable
//! compares the layout of everything that crosses. Each refusal is one line.

use crate::analyzer::{Flow, Hooks, Shown};
use crate::declaration::{API_VERSION, Declaration};
use crate::error::Error;
use crate::frame::{Frame, Variable};
use crate::process::Thread;
use crate::wire::{AnalyzerBox, PluginRef, Services, Services_TO, ServicesRef};
use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{AbiInstabilityErrors, check_layout_compatibility};
use abi_stable::library::{LibraryError, lib_header_from_path};
use abi_stable::sabi_trait::prelude::TD_Opaque;
use abi_stable::sabi_types::RRef;
use abi_stable::type_layout::TLFieldOrFunction;
use semver::Version;
use std::path::Path;

/// Why a plugin is not loaded. Prints as one line; [`Refusal::detail`] has the rest.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Built for another major version, or for a later minor one.
    #[error("{plugin} wants plugin API {wanted}, this glider offers {offered}: {remedy}")]
    Version {
        /// The plugin's name.
        plugin: String,
        /// The version it was built for.
        wanted: Version,
        /// This crate's version.
        offered: Version,
        /// What its user can do about it.
        remedy: &'static str,
    },
    /// The stated version is not one.
    #[error("{plugin} wants plugin API {wanted:?}, which is no version, this glider offers {offered}")]
    NoVersion {
        /// The plugin's name.
        plugin: String,
        /// What it states.
        wanted: String,
        /// This crate's version.
        offered: Version,
    },
    /// The versions agree, what was compiled does not.
    #[error(
        "{plugin} wants plugin API {wanted}, this glider offers {offered}: the layouts differ ({difference})"
    )]
    Layout {
        /// The plugin's name.
        plugin: String,
        /// The version it was built for.
        wanted: Version,
        /// This crate's version.
        offered: Version,
        /// The first difference.
        difference: String,
        /// All of them; tens of kilobytes.
        detail: String,
    },
    /// It was compiled so that its layout cannot be compared.
    #[error(
        "{plugin} wants plugin API {wanted}, this glider offers {offered}: it does not say what was compiled"
    )]
    NoLayout {
        /// The plugin's name.
        plugin: String,
        /// The version it was built for.
        wanted: Version,
        /// This crate's version.
        offered: Version,
    },
    /// The dynamic linker refuses the file.
    #[error("{plugin} cannot be loaded: {reason}")]
    Link {
        /// The plugin's name.
        plugin: String,
        /// In the linker's words.
        reason: String,
    },
}

impl Refusal {
    /// What there is to say beyond the one line.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Refusal::Layout { detail, .. } => Some(detail),
            _ => None,
        }
    }
}

/// Whether this glider can serve a plugin that was built for the stated version: the same major version, and
/// a minor one that is not later. Looks at nothing but the declaration.
///
/// # Errors
/// [`Refusal::Version`] and [`Refusal::NoVersion`].
pub fn check_version(declaration: &Declaration) -> Result<(), Refusal> {
    versions(declaration).map(|_| ())
}

/// The version wanted and the one offered, when they go together.
fn versions(declaration: &Declaration) -> Result<(Version, Version), Refusal> {
    let offered = Version::parse(API_VERSION).unwrap_or(Version::new(0, 0, 0));
    let plugin = declaration.name.clone();
    let Ok(wanted) = Version::parse(&declaration.api_version) else {
        return Err(Refusal::NoVersion { plugin, wanted: declaration.api_version.clone(), offered });
    };
    let remedy = if wanted.major != offered.major {
        "build it anew against the version offered"
    } else if wanted.minor > offered.minor {
        "a newer glider is needed"
    } else {
        return Ok((wanted, offered));
    };
    Err(Refusal::Version { plugin, wanted, offered, remedy })
}

/// Maps a plugin into this process, for good, and checks it. The path must contain a `/`.
///
/// Runs the file's constructors, as dlopen(3) does: whether the file is to be trusted, and that it is a Rust
/// plugin at all, is looked at before.
///
/// # Errors
/// Any [`Refusal`]; versions are checked before the file is touched.
pub fn load(path: &Path, declaration: &Declaration) -> Result<LoadedPlugin, Refusal> {
    let (wanted, offered) = versions(declaration)?;
    let name = &declaration.name;
    let link =
        |error: LibraryError| Refusal::Link { plugin: name.clone(), reason: one_line(&error.to_string()) };
    // Not `RootModule::load_from_file`, which gives the first plugin ever loaded again and again.
    let header = lib_header_from_path(path).map_err(link)?;
    let Some(layout) = header.layout() else {
        return Err(Refusal::NoLayout { plugin: name.clone(), wanted, offered });
    };
    // abi_stable's own way to open a library takes it that the library is the newer side. Here glider is, so what
    // the plugin was compiled with is what is expected, and what glider has may be more.
    if let Err(differences) = check_layout_compatibility(layout, <PluginRef as StableAbi>::LAYOUT) {
        let detail = differences.to_string();
        let difference = first_difference(&differences, &detail);
        return Err(Refusal::Layout { plugin: name.clone(), wanted, offered, difference, detail });
    }
    // SAFETY: the layouts have just been compared. Fields and methods beyond those that the plugin has are
    // reached through accessors only, which look whether they are there.
    let root = unsafe { header.init_root_module_with_unchecked_layout::<PluginRef>() }.map_err(link)?;
    Ok(LoadedPlugin { root })
}

/// The first thing that abi_stable complains of, and where: ``Frame: incompatible type size Expected: 216 Found: 208``.
fn first_difference(differences: &AbiInstabilityErrors, detail: &str) -> String {
    let place = differences.errors.iter().find(|error| !error.errs.is_empty());
    let place =
        place.and_then(|error| error.stack_trace.last()).map_or("the root module", |at| match at.expected {
            TLFieldOrFunction::Field(field) => field.layout().name(),
            TLFieldOrFunction::Function(function) => function.name.as_str(),
        });
    let complaint =
        detail.split("\nError:").nth(1).unwrap_or(detail).split("\n\n").next().unwrap_or_default();
    format!("{place}: {}", one_line(complaint))
}

/// The text on one line of bounded length.
fn one_line(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

/// A plugin that is mapped into this process.
pub struct LoadedPlugin {
    root: PluginRef,
}

impl LoadedPlugin {
    /// Name of its package.
    pub fn name(&self) -> &'static str {
        self.root.name().as_str()
    }

    /// Its own version.
    pub fn version(&self) -> &'static str {
        self.root.version().as_str()
    }

    /// Runs its constructor.
    pub fn new_analyzer(&self) -> LoadedAnalyzer {
        LoadedAnalyzer { hooks: self.root.new()() }
    }
}

/// A plugin's analyzer. Each method is the hook of that name of [`Analyzer`](crate::Analyzer); a panic of the
/// plugin comes back as an error of kind `PANIC`. What else a plugin may do to its process (crash, loop,
/// exit) is not held off here.
pub struct LoadedAnalyzer {
    hooks: AnalyzerBox,
}

fn cross(services: &impl Services) -> ServicesRef<'_> {
    Services_TO::from_ptr(RRef::new(services), TD_Opaque)
}

#[allow(missing_docs, clippy::missing_errors_doc)]
impl LoadedAnalyzer {
    pub fn begin_trace(&mut self, services: &impl Services) -> Result<Hooks, Error> {
        self.hooks.begin_trace(cross(services)).into_result()
    }

    pub fn printers(&mut self) -> Result<Vec<String>, Error> {
        self.hooks.printers().into_result().map(|names| names.into_iter().map(Into::into).collect())
    }

    pub fn begin_thread(&mut self, services: &impl Services, thread: &Thread<'_>) -> Result<Flow, Error> {
        self.hooks.begin_thread(cross(services), thread).into_result()
    }

    pub fn before_frame(&mut self, services: &impl Services, frame: &Frame<'_>) -> Result<Flow, Error> {
        self.hooks.before_frame(cross(services), frame).into_result()
    }

    pub fn before_variable(
        &mut self,
        services: &impl Services,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        self.hooks.before_variable(cross(services), frame, variable).into_result()
    }

    pub fn print_value(
        &mut self,
        services: &impl Services,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        self.hooks.print_value(cross(services), frame, variable).into_result()
    }

    pub fn after_variable(
        &mut self,
        services: &impl Services,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<(), Error> {
        self.hooks.after_variable(cross(services), frame, variable).into_result()
    }

    pub fn after_frame(&mut self, services: &impl Services, frame: &Frame<'_>) -> Result<(), Error> {
        self.hooks.after_frame(cross(services), frame).into_result()
    }

    pub fn end_thread(&mut self, services: &impl Services, thread: &Thread<'_>) -> Result<(), Error> {
        self.hooks.end_thread(cross(services), thread).into_result()
    }

    pub fn global_trace(&mut self, services: &impl Services) -> Result<(), Error> {
        self.hooks.global_trace(cross(services)).into_result()
    }
}
