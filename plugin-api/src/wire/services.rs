//! What glider offers to a plugin.

use crate::address::{Address, FrameIndex, ThreadId, TypeId};
use crate::error::{Error, ErrorKind};
use crate::frame::{Frame, Register, Variable};
use crate::process::{AddressName, Limits, Object, ProcessStatus, SourceLocation, Symbol, Thread};
use crate::types::{TemplateArgument, TypeInfo};
use abi_stable::sabi_trait;
use abi_stable::sabi_types::RRef;
use abi_stable::std_types::{ROption, RResult, RSliceMut, RStr, RString, RVec};

/// A borrowed [`Services`] as it crosses to the plugin.
pub type ServicesRef<'a> = Services_TO<'a, RRef<'a, ()>>;

/// What glider offers to a plugin, as [`Host`](crate::Host) calls it.
///
/// An implementation never panics: a panic here ends the process. `object` arguments are a path
/// or a base name (`libc.so.6`; `libz.so.1` also for `libz.so.1.2.13`), or none for all objects in the order they are searched by the
/// dynamic linker. New methods go to the end, each with a default body that says so
/// (`docs/VERSIONING.md`).
#[sabi_trait]
pub trait Services {
    /// Path of the mapped object that the plugin was loaded for.
    fn object(&self) -> RStr<'_>;

    /// The thread whose hooks are being called; none outside of threads.
    fn current_thread(&self) -> ROption<ThreadId>;

    /// The symbol of that name, as the symbol table has it.
    fn find_symbol(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<Symbol>;

    /// What lies at an address, code or data; none outside of objects.
    fn name_of(&self, address: Address) -> ROption<AddressName>;

    /// The source line of an address of code.
    fn source_of(&self, address: Address) -> ROption<SourceLocation>;

    /// Copies memory. Gives how many bytes could be read from the start on: fewer than asked for
    /// where the mapping ends, 0 where there is none.
    fn read_memory(&self, address: Address, into: RSliceMut<'_, u8>) -> usize;

    /// The process as a whole.
    fn process(&self) -> ProcessStatus;

    /// The mapped ELF objects, by address.
    fn objects(&self) -> RVec<Object>;

    /// All threads, in the order of the report.
    fn threads(&self) -> RVec<Thread<'static>>;

    /// The frames of any thread, innermost first, those that a hook has hidden included.
    fn frames(&self, thread: ThreadId) -> RResult<RVec<Frame<'static>>, Error>;

    /// The registers that are known in a frame.
    fn registers(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Register<'static>>, Error>;

    /// Parameters, then locals of a frame, inner blocks last.
    fn variables(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Variable<'static>>, Error>;

    /// The type of that name; a declaration without members only where there is no definition.
    fn find_type(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<TypeId>;

    /// The type of the global variable or function that lies at an address.
    fn type_of(&self, address: Address) -> ROption<TypeId>;

    /// What is known of a type.
    fn type_info(&self, type_id: TypeId) -> RResult<TypeInfo, Error>;

    /// Memory printed as a value of a type, as the report would print a variable of that name
    /// without plugins: lines without indentation of the whole, the last without a line feed.
    fn format_value(&self, name: RStr<'_>, type_id: TypeId, address: Address) -> RResult<RString, Error>;

    /// What bounds the output.
    fn limits(&self) -> Limits;

    /// Adds text to the report, at the place of the hook being called.
    #[sabi(last_prefix_field)]
    fn print(&self, text: RStr<'_>) -> RResult<(), Error>;

    /// Where a thread's instance of a thread-local variable lies. Since 1.1.
    fn thread_local(
        &self,
        thread: ThreadId,
        object: ROption<RStr<'_>>,
        name: RStr<'_>,
    ) -> RResult<Address, Error> {
        let _ = (thread, object);
        RResult::RErr(Error::new(
            ErrorKind::NO_INFORMATION,
            format!("{name}: this glider cannot find thread-local variables"),
        ))
    }

    /// What a template was instantiated with. Since 1.2.
    fn template_arguments(&self, type_id: TypeId) -> RResult<RVec<TemplateArgument>, Error> {
        let _ = type_id;
        RResult::RErr(Error::new(
            ErrorKind::NO_INFORMATION,
            "this glider cannot tell the arguments of templates",
        ))
    }
}
