//! What a plugin of glider is written against.

pub mod address;
mod analyzer;
pub mod declaration;
mod error;
mod export;
mod frame;
mod host;
pub mod load;
mod plain;
mod process;
#[cfg(feature = "testing")]
pub mod testing;
mod types;
pub mod wire;

pub use address::{Address, Bits, FrameIndex, ProcessId, Size, ThreadId, TypeId};
pub use analyzer::{Analyzer, Child, Flow, Hooks, Replacement, Shown};
pub use declaration::API_VERSION;
pub use error::{Error, ErrorKind};
pub use frame::{Frame, Register, Trust, Variable, VariableKind};
pub use host::{Host, MAX_DEREFERENCES};
pub use plain::Plain;
pub use process::{AddressName, Limits, Object, ProcessStatus, SourceLocation, Symbol, Thread};
pub use types::{Enumerator, Member, TypeInfo, TypeKind};

/// For the macros of this crate only.
#[doc(hidden)]
pub mod __private {
    pub use crate::declaration::{encode, encoded_size};
    pub use crate::wire::{AnalyzerBox, Plugin, PluginRef, new_analyzer};
    pub use abi_stable::library::{
        __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
    };
    pub use abi_stable::prefix_type::PrefixTypeTrait;
    pub use abi_stable::std_types::RStr;
}
