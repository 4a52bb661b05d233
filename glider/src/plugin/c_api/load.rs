//! Loads a module and calls its entry functions.

use super::ana::{self, AnaInit, CModule};
use crate::plugin::doors::{ANA_INIT, MODULE_INIT};
use crate::plugin::host::{Host, Loaded};
use crate::plugin::search::Planned;
use crate::report::Door;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::c_int;

/// The version that glider speaks (`GIMLI_ANA_API_VERSION`).
pub(super) const API_VERSION: c_int = 3;

type ModuleInit = unsafe extern "C" fn(c_int) -> c_int;

/// Maps the file into this process, for good, and has it register itself.
///
/// # Errors
/// The dynamic linker's words, on one line.
pub(in crate::plugin) fn load(host: &Host<'_>, planned: &Planned) -> Result<Loaded, String> {
    // SAFETY: the file's constructors run, and may do anything: it was checked to come from a
    // trusted user, and this is the process made for it.
    let library = unsafe { Library::open(Some(&planned.path_to_file()), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| cause.to_string()).unwrap_or_default();
        format!("{error} {cause}").split_whitespace().collect::<Vec<_>>().join(" ")
    })?;
    let plugin = host.calling().ok_or("it is loaded by nobody")?;
    let mut version = None;
    let mut has_work = false;
    if planned.doors.module_init {
        // SAFETY: the header declares the symbol with this type.
        let init = unsafe { library.get::<ModuleInit>(MODULE_INIT) }.map_err(|error| error.to_string())?;
        // SAFETY: the function takes a number, and is called once.
        has_work = unsafe { init(API_VERSION) } != 0 && host.registrations.has_any(plugin);
        version = Some(API_VERSION);
    }
    let mut module = None;
    if planned.doors.ana_init {
        // SAFETY: as above.
        let init = unsafe { library.get::<AnaInit>(ANA_INIT) }.map_err(|error| error.to_string())?;
        // SAFETY: the table lives as long as the process.
        module = unsafe { ana::Hooks::read(init(ana::table())) };
        version = module.as_ref().map(|module| module.version).or(version);
        let present = module.as_ref().map(ana::Hooks::present).unwrap_or_default();
        host.set_hooks(|registered| registered.and(present));
    }
    // Unmapping it would leave what it registered pointing nowhere.
    std::mem::forget(library);
    let has_work = has_work || module.is_some();
    let analyzer = has_work.then(|| CModule::new(plugin, &planned.object, module));
    Ok(Loaded {
        door: Door::C,
        api_version: version.map(|version| version.to_string()),
        analyzer: analyzer.map(|module| Box::new(module) as Box<_>),
    })
}
