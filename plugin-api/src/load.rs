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

/// A plugin that is not loaded, and why. Prints as one line that names the plugin, the version it wants and
/// the one offered.
#[derive(Debug, thiserror::Error)]
#[error("{plugin} wants plugin API {wanted}, this glider offers {API_VERSION}: {reason}")]
pub struct Refusal {
    /// The plugin's name.
    pub plugin: String,
    /// The version that it was built for, as it states it.
    pub wanted: String,
    /// What stands in the way.
    pub reason: Reason,
}

/// Why a plugin is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// Another major version.
    #[error("build it anew against the version offered")]
    OtherMajor,
    /// A later minor version.
    #[error("a newer glider is needed")]
    LaterMinor,
    /// The stated version is not one.
    #[error("what it wants is no version")]
    NoVersion,
    /// It was compiled without a description of its layout.
    #[error("it does not describe its layout")]
    NoLayout,
    /// The versions agree, what was compiled does not.
    #[error("the layouts differ ({difference})")]
    Layout {
        /// The first difference.
        difference: String,
        /// All of them, over many lines.
        detail: String,
    },
    /// The dynamic linker refuses the file, or it is no such library.
    #[error("it cannot be loaded: {0}")]
    Link(String),
}

/// Whether this glider can serve a plugin that was built for the stated version: the same major version, and
/// a minor one that is not later. Looks at nothing but the declaration.
///
/// # Errors
/// `OtherMajor`, `LaterMinor` and `NoVersion`.
pub fn check_version(declaration: &Declaration) -> Result<(), Refusal> {
    compare_versions(&declaration.api_version).map_err(|reason| refuse(declaration, reason))
}

fn refuse(declaration: &Declaration, reason: Reason) -> Refusal {
    Refusal { plugin: declaration.name.clone(), wanted: declaration.api_version.clone(), reason }
}

fn compare_versions(wanted: &str) -> Result<(), Reason> {
    let [Ok(wanted), Ok(offered)] = [wanted, API_VERSION].map(Version::parse) else {
        return Err(Reason::NoVersion);
    };
    if wanted.major != offered.major {
        Err(Reason::OtherMajor)
    } else if wanted.minor > offered.minor {
        Err(Reason::LaterMinor)
    } else {
        Ok(())
    }
}

/// Maps a plugin into this process, for good, and checks it. The path must contain a `/`.
///
/// Runs the file's constructors, as dlopen(3) does: whether the file is to be trusted, and that it is a Rust
/// plugin at all, is looked at before.
///
/// # Errors
/// Any [`Reason`]; versions are compared before the file is touched.
pub fn load(path: &Path, declaration: &Declaration) -> Result<LoadedPlugin, Refusal> {
    check_version(declaration)?;
    map_and_check(path).map_err(|reason| refuse(declaration, reason))
}

fn map_and_check(path: &Path) -> Result<LoadedPlugin, Reason> {
    let link = |error: LibraryError| Reason::Link(one_line(&error.to_string()));
    // Not `RootModule::load_from_file`, which gives the first plugin ever loaded again and again.
    let header = lib_header_from_path(path).map_err(link)?;
    let layout = header.layout().ok_or(Reason::NoLayout)?;
    // abi_stable's own way to open a library takes it that the library is the newer side. Here glider is, so what
    // the plugin was compiled with is what is expected, and what glider has may be more.
    if let Err(differences) = check_layout_compatibility(layout, <PluginRef as StableAbi>::LAYOUT) {
        let detail = differences.to_string();
        return Err(Reason::Layout { difference: first_difference(&differences, &detail), detail });
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
/// plugin comes back as an error of kind `PANIC`; `UNUSED` says that it does not have the hook, which need not be
/// called again. What else a plugin may do to its process (crash, loop,
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
