//! The macro that makes a shared object a plugin.

/// Makes this crate a plugin: exports an analyzer that `$new`, a `fn() -> impl Analyzer`, makes.
///
/// Once per crate, at its top level, in a crate with `crate-type = ["cdylib"]`. Exports two
/// symbols: the plugin's [declaration](crate::declaration) and abi_stable's root module. Every
/// hook is run with [`catch_unwind`](std::panic::catch_unwind): a panic becomes an error with
/// its message, provided that the plugin is built with `panic = "unwind"`, the default.
///
/// ```
/// use gimli_plugin_api::{Analyzer, export_analyzer};
///
/// struct Nothing;
/// impl Analyzer for Nothing {}
/// export_analyzer!(|| Nothing);
/// ```
#[macro_export]
macro_rules! export_analyzer {
    ($new:expr) => {
        const _: () = {
            use $crate::__private::{
                AnalyzerBox, CheckTypeLayout, LibHeader, Plugin, PluginRef, PrefixTypeTrait, RStr,
                RootModuleResult, call_root_module_loader, encode, encoded_size, new_analyzer,
            };

            const NAME: &str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: &str = ::core::env!("CARGO_PKG_VERSION");
            const SIZE: usize = encoded_size(NAME, VERSION);

            // SAFETY: the name is the interface's own; a library has one plugin.
            #[unsafe(no_mangle)]
            #[used]
            static gimli_plugin_declaration: [u8; SIZE] = encode(NAME, VERSION);

            extern "C" fn new() -> AnalyzerBox {
                new_analyzer($new)
            }

            extern "C" fn root_module() -> RootModuleResult {
                call_root_module_loader(|| -> PluginRef {
                    Plugin { name: RStr::from_str(NAME), version: RStr::from_str(VERSION), new }
                        .leak_into_prefix()
                })
            }

            // SAFETY: the name under which abi_stable looks for a library's header.
            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            static _1as_0lib_1header_0root_bmodule_bloader: LibHeader = {
                // SAFETY: root_module gives the prefix of a `Plugin`, as stated here.
                unsafe { LibHeader::from_constructor::<PluginRef>(root_module, CheckTypeLayout::Yes) }
            };
        };
    };
}
