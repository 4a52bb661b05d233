//! A plugin built against version 1.0 of the interface: what crosses the boundary as it was then (`interface`),
//! and an analyzer for it. Never changed: it stands for the plugins that people have built.

mod interface;

use abi_stable::library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult};
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_trait::prelude::TD_Opaque;
use abi_stable::std_types::{RResult, RSliceMut, RStr};
use interface::*;

/// Tests have the plugin claim another version than it was built for.
const API_VERSION: &str = match option_env!("GIMLI_FIXTURE_CLAIMS") {
    Some(version) => version,
    None => "1.0.0",
};

struct Old {
    frames: u32,
}

impl Hooked for Old {
    fn begin_trace(&mut self, services: ServicesRef<'_>) -> RResult<Hooks, Error> {
        services.print(format!("begin {}\n", services.object()).as_str().into()).map(|()| Hooks(u64::MAX))
    }

    fn begin_thread(&mut self, _: ServicesRef<'_>, _: &Thread<'_>) -> RResult<Flow, Error> {
        RResult::ROk(Flow::Continue)
    }

    fn before_frame(&mut self, _: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<Flow, Error> {
        self.frames += 1;
        let secret = frame.function.as_ref().into_option().is_some_and(|name| name.as_str() == "secret");
        RResult::ROk(if secret { Flow::Hide } else { Flow::Continue })
    }

    fn before_variable(
        &mut self,
        _: ServicesRef<'_>,
        _: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error> {
        RResult::ROk(match variable.name.as_str() {
            "password" => Shown::Replaced(Replacement {
                text: "not shown".into(),
                children: Vec::new().into(),
                omitted: 0,
            }),
            _ => Shown::AsIs,
        })
    }

    fn after_variable(&mut self, _: ServicesRef<'_>, _: &Frame<'_>, _: &Variable<'_>) -> RResult<(), Error> {
        RResult::ROk(())
    }

    fn after_frame(&mut self, _: ServicesRef<'_>, _: &Frame<'_>) -> RResult<(), Error> {
        RResult::ROk(())
    }

    fn end_thread(&mut self, _: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<(), Error> {
        RResult::RErr(Error {
            kind: ErrorKind(0),
            message: format!("no end for thread {}", thread.id.0).into(),
        })
    }

    fn global_trace(&mut self, services: ServicesRef<'_>) -> RResult<(), Error> {
        let symbol = services.find_symbol(Some(services.object()).into(), "my_int".into()).into_option();
        let mut bytes = [0; 4];
        let read =
            symbol.map_or(0, |one| services.read_memory(one.address, RSliceMut::from_mut_slice(&mut bytes)));
        let value = i32::from_le_bytes(bytes);
        services.print(format!("{} frames, my_int {value} of {read} bytes\n", self.frames).as_str().into())
    }
}

extern "C" fn new() -> AnalyzerBox {
    Hooked_TO::from_value(Old { frames: 0 }, TD_Opaque)
}

extern "C" fn root_module() -> RootModuleResult {
    __call_root_module_loader(|| -> PluginRef {
        Plugin { name: RStr::from_str("older-minor"), version: RStr::from_str("3.2.1"), new }
            .leak_into_prefix()
    })
}

// SAFETY: the name under which abi_stable looks for a library's header.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _1as_0lib_1header_0root_bmodule_bloader: LibHeader =
    // SAFETY: root_module gives the prefix of a `Plugin`.
    unsafe { LibHeader::from_constructor::<PluginRef>(root_module, CheckTypeLayout::Yes) };

const PARTS: [&str; 4] = ["gimli plugin", "older-minor", "3.2.1", API_VERSION];
const SIZE: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len() + PARTS[3].len() + 4;

// SAFETY: the name is the interface's own.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals)]
static gimli_plugin_declaration: [u8; SIZE] = {
    let (mut bytes, mut at, mut part) = ([0; SIZE], 0, 0);
    while part < PARTS.len() {
        let from = PARTS[part].as_bytes();
        let mut index = 0;
        while index < from.len() {
            bytes[at] = from[index];
            at += 1;
            index += 1;
        }
        at += 1;
        part += 1;
    }
    bytes
};
