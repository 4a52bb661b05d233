//! Version 1.0 of what crosses the boundary: names, order and types. Frozen.

#![allow(dead_code, non_camel_case_types, non_local_definitions)]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_trait;
use abi_stable::sabi_types::{RRef, VersionStrings};
use abi_stable::std_types::{RBox, RCowStr, ROption, RResult, RSliceMut, RStr, RString, RVec};

macro_rules! number {
    ($($name:ident($type:ty)),*) => {$(
        #[repr(transparent)]
        #[derive(Clone, Copy, StableAbi)]
        pub struct $name(pub $type);
    )*};
}
number!(Address(u64), Size(u64), Bits(u64), ProcessId(i32), ThreadId(i32), FrameIndex(u32), TypeId(u64));
number!(ErrorKind(u32), Trust(u32), VariableKind(u32), TypeKind(u32), Hooks(u64));

macro_rules! record {
    ($($name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty),* })*) => {$(
        #[repr(C)]
        #[derive(StableAbi)]
        pub struct $name $(<$life>)? { $(pub $field: $type),* }
    )*};
}

record! {
    Error { kind: ErrorKind, message: RString }
    ProcessStatus {
        pid: ProcessId, uid: u32, gid: u32, executable: ROption<RString>, command_line: RVec<RString>,
        virtual_size: Size, resident_size: Size, threads: RVec<ThreadId>
    }
    Object { path: RString, start: Address, end: Address, build_id: ROption<RString> }
    Thread<'a> {
        id: ThreadId, index: u32, name: RCowStr<'a>, state: RCowStr<'a>, wait_channel: ROption<RCowStr<'a>>,
        system_call: ROption<RCowStr<'a>>, frame_count: u32
    }
    Symbol { name: RString, raw_name: RString, object: RString, address: Address, size: Size }
    AddressName { object: RString, symbol: ROption<RString>, offset: Size }
    SourceLocation { file: RString, line: u32, column: u32 }
    Limits { elements: u64, string: u64, depth: u32 }
    Register<'a> { name: RCowStr<'a>, value: u64 }
    Variable<'a> {
        kind: VariableKind, name: RCowStr<'a>, type_name: ROption<RCowStr<'a>>, type_id: ROption<TypeId>,
        address: ROption<Address>, size: ROption<Size>, depth: u32, value: RCowStr<'a>, number: ROption<u64>
    }
    TypeInfo {
        id: TypeId, name: RString, kind: TypeKind, size: ROption<Size>, target: ROption<TypeId>,
        members: RVec<Member>, enumerators: RVec<Enumerator>, dimensions: RVec<ROption<u64>>,
        parameters: RVec<TypeId>
    }
    Member { name: RString, type_id: ROption<TypeId>, offset: ROption<Bits>, bit_size: ROption<Bits> }
    Enumerator { name: RString, value: i64 }
    Replacement { text: RString, children: RVec<Child>, omitted: u64 }
    Child { name: RString, address: Address, type_id: ROption<TypeId> }
}

#[repr(C)]
#[derive(StableAbi)]
pub struct Frame<'a> {
    pub thread: ThreadId,
    pub index: FrameIndex,
    pub pc: Address,
    pub cfa: ROption<Address>,
    pub object: ROption<RCowStr<'a>>,
    pub function: ROption<RCowStr<'a>>,
    pub offset: Size,
    pub file: ROption<RCowStr<'a>>,
    pub line: u32,
    pub column: u32,
    pub trust: Trust,
    pub is_inlined: bool,
    pub signal: i32,
    #[cfg(feature = "changed-layout")]
    pub mood: u64,
}

#[repr(u8)]
#[derive(StableAbi)]
pub enum Flow {
    Continue,
    Hide,
}

#[repr(u8)]
#[derive(StableAbi)]
pub enum Shown {
    AsIs,
    Hidden,
    Replaced(Replacement),
}

pub type ServicesRef<'a> = Services_TO<'a, RRef<'a, ()>>;

#[sabi_trait]
pub trait Services {
    fn object(&self) -> RStr<'_>;
    fn current_thread(&self) -> ROption<ThreadId>;
    fn find_symbol(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<Symbol>;
    fn name_of(&self, address: Address) -> ROption<AddressName>;
    fn source_of(&self, address: Address) -> ROption<SourceLocation>;
    fn read_memory(&self, address: Address, into: RSliceMut<'_, u8>) -> usize;
    fn process(&self) -> ProcessStatus;
    fn objects(&self) -> RVec<Object>;
    fn threads(&self) -> RVec<Thread<'static>>;
    fn frames(&self, thread: ThreadId) -> RResult<RVec<Frame<'static>>, Error>;
    fn registers(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Register<'static>>, Error>;
    fn variables(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Variable<'static>>, Error>;
    fn find_type(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<TypeId>;
    fn type_of(&self, address: Address) -> ROption<TypeId>;
    fn type_info(&self, type_id: TypeId) -> RResult<TypeInfo, Error>;
    fn format_value(&self, name: RStr<'_>, type_id: TypeId, address: Address) -> RResult<RString, Error>;
    fn limits(&self) -> Limits;
    #[sabi(last_prefix_field)]
    fn print(&self, text: RStr<'_>) -> RResult<(), Error>;
}

pub type AnalyzerBox = Hooked_TO<'static, RBox<()>>;

#[sabi_trait]
pub trait Hooked {
    fn begin_trace(&mut self, services: ServicesRef<'_>) -> RResult<Hooks, Error>;
    fn begin_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<Flow, Error>;
    fn before_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<Flow, Error>;
    fn before_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error>;
    fn after_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<(), Error>;
    fn after_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<(), Error>;
    fn end_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<(), Error>;
    #[sabi(last_prefix_field)]
    fn global_trace(&mut self, services: ServicesRef<'_>) -> RResult<(), Error>;
}

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
#[sabi(missing_field(panic))]
pub struct Plugin {
    pub name: RStr<'static>,
    pub version: RStr<'static>,
    #[sabi(last_prefix_field)]
    pub new: extern "C" fn() -> AnalyzerBox,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}
    const BASE_NAME: &'static str = "gimli_plugin";
    const NAME: &'static str = "gimli_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
