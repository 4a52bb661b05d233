//! The root module: the one thing that a plugin exports for abi_stable to find and check.

use super::shim::AnalyzerBox;
use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::RStr;

/// What a plugin exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
#[sabi(missing_field(panic))]
pub struct Plugin {
    /// The plugin's name: that of its package.
    pub name: RStr<'static>,
    /// The plugin's own version.
    pub version: RStr<'static>,
    /// Makes the analyzer, once for each trace.
    #[sabi(last_prefix_field)]
    pub new: extern "C" fn() -> AnalyzerBox,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}
    const BASE_NAME: &'static str = "gimli_plugin";
    const NAME: &'static str = "gimli_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
