//! A process that exists only in a test: some memory, symbols, types and one frame, behind the interface that glider
//! implements.

use gimli_plugin_api::wire::{ROption, RResult, RSliceMut, RStr, RString, RVec, Services};
use gimli_plugin_api::{
    Address, AddressName, Error, ErrorKind, Frame, FrameIndex, Limits, Object, ProcessId, ProcessStatus,
    Register, Size, SourceLocation, Symbol, Thread, ThreadId, Trust, TypeId, TypeInfo, TypeKind, Variable,
    VariableKind,
};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The made-up process; what was printed gathers in `output`.
pub(crate) struct MadeUp {
    pub(crate) start: Address,
    pub(crate) memory: Vec<u8>,
    pub(crate) symbols: BTreeMap<&'static str, Address>,
    pub(crate) types: Vec<TypeInfo>,
    pub(crate) variables: Vec<Variable<'static>>,
    pub(crate) output: RefCell<String>,
    pub(crate) output_limit: usize,
}

pub(crate) const OBJECT: &str = "/srv/made-up";
pub(crate) const THREAD: ThreadId = ThreadId(42);

impl MadeUp {
    /// A process with these bytes at 0x1000.
    pub(crate) fn new(memory: &[u8]) -> MadeUp {
        MadeUp {
            start: Address(0x1000),
            memory: memory.to_vec(),
            symbols: BTreeMap::new(),
            types: Vec::new(),
            variables: Vec::new(),
            output: RefCell::new(String::new()),
            output_limit: 4096,
        }
    }

    pub(crate) fn symbol(mut self, name: &'static str, address: u64) -> MadeUp {
        self.symbols.insert(name, Address(address));
        self
    }

    pub(crate) fn printed(&self) -> String {
        self.output.borrow().clone()
    }
}

/// A frame of the made-up thread.
pub(crate) fn frame(index: u32, function: &'static str) -> Frame<'static> {
    Frame {
        thread: THREAD,
        index: FrameIndex(index),
        pc: Address(0x1000),
        cfa: ROption::RNone,
        object: ROption::RSome(OBJECT.into()),
        function: ROption::RSome(function.into()),
        offset: Size(0),
        file: ROption::RNone,
        line: 0,
        column: 0,
        trust: Trust::CFI,
        is_inlined: false,
        signal: 0,
    }
}

/// The made-up thread.
pub(crate) fn thread() -> Thread<'static> {
    Thread {
        id: THREAD,
        index: 0,
        name: "made-up".into(),
        state: "S (sleeping)".into(),
        wait_channel: ROption::RNone,
        system_call: ROption::RSome("futex".into()),
        frame_count: 1,
    }
}

/// A local variable that lies at the start of memory.
pub(crate) fn variable(name: &'static str) -> Variable<'static> {
    Variable {
        kind: VariableKind::LOCAL,
        name: name.into(),
        type_name: ROption::RSome("int".into()),
        type_id: ROption::RNone,
        address: ROption::RSome(Address(0x1000)),
        size: ROption::RSome(Size(4)),
        depth: 0,
        value: "42 (0x2a)".into(),
        number: ROption::RSome(42),
    }
}

/// A type that is nothing but a name, a kind and a target.
pub(crate) fn type_info(id: u64, name: &str, kind: TypeKind, target: Option<u64>) -> TypeInfo {
    TypeInfo {
        id: TypeId(id),
        name: name.into(),
        kind,
        size: ROption::RSome(Size(4)),
        target: target.map(TypeId).into(),
        members: RVec::new(),
        enumerators: RVec::new(),
        dimensions: RVec::new(),
        parameters: RVec::new(),
    }
}

fn unknown<T>(what: impl std::fmt::Display) -> RResult<T, Error> {
    RResult::RErr(Error::new(ErrorKind::NOT_FOUND, format!("no {what}")))
}

impl Services for MadeUp {
    fn object(&self) -> RStr<'_> {
        OBJECT.into()
    }

    fn current_thread(&self) -> ROption<ThreadId> {
        ROption::RSome(THREAD)
    }

    fn find_symbol(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<Symbol> {
        if object.into_option().is_some_and(|object| object.as_str() != OBJECT) {
            return ROption::RNone;
        }
        let found = self.symbols.get(name.as_str()).map(|&address| Symbol {
            name: name.into(),
            raw_name: name.into(),
            object: OBJECT.into(),
            address,
            size: Size(4),
        });
        found.into()
    }

    fn name_of(&self, address: Address) -> ROption<AddressName> {
        let offset = address.0.checked_sub(self.start.0).filter(|&offset| offset < self.memory.len() as u64);
        let named = offset.map(|offset| AddressName {
            object: OBJECT.into(),
            symbol: ROption::RNone,
            offset: Size(offset),
        });
        named.into()
    }

    fn source_of(&self, _address: Address) -> ROption<SourceLocation> {
        ROption::RSome(SourceLocation { file: "made_up.c".into(), line: 7, column: 3 })
    }

    fn read_memory(&self, address: Address, mut into: RSliceMut<'_, u8>) -> usize {
        let Some(offset) = address.0.checked_sub(self.start.0) else { return 0 };
        let there =
            usize::try_from(offset).ok().and_then(|offset| self.memory.get(offset..)).unwrap_or_default();
        let count = there.len().min(into.len());
        into.as_mut_slice()[..count].copy_from_slice(&there[..count]);
        count
    }

    fn process(&self) -> ProcessStatus {
        ProcessStatus {
            pid: ProcessId(42),
            uid: 1000,
            gid: 1000,
            executable: ROption::RSome(OBJECT.into()),
            command_line: vec![RString::from("made-up")].into(),
            virtual_size: Size(1 << 20),
            resident_size: Size(1 << 12),
            threads: vec![THREAD].into(),
        }
    }

    fn objects(&self) -> RVec<Object> {
        let end = Address(self.start.0 + self.memory.len() as u64);
        vec![Object { path: OBJECT.into(), start: self.start, end, build_id: ROption::RNone }].into()
    }

    fn threads(&self) -> RVec<Thread<'static>> {
        vec![thread()].into()
    }

    fn frames(&self, thread: ThreadId) -> RResult<RVec<Frame<'static>>, Error> {
        if thread == THREAD {
            RResult::ROk(vec![frame(0, "main")].into())
        } else {
            unknown(format!("thread {thread}"))
        }
    }

    fn registers(&self, _thread: ThreadId, _frame: FrameIndex) -> RResult<RVec<Register<'static>>, Error> {
        RResult::ROk(vec![Register { name: "rip".into(), value: 0x1000 }].into())
    }

    fn variables(&self, _thread: ThreadId, _frame: FrameIndex) -> RResult<RVec<Variable<'static>>, Error> {
        RResult::ROk(self.variables.clone().into())
    }

    fn find_type(&self, _object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<TypeId> {
        self.types.iter().find(|one| one.name.as_str() == name.as_str()).map(|one| one.id).into()
    }

    fn type_of(&self, _address: Address) -> ROption<TypeId> {
        ROption::RNone
    }

    fn type_info(&self, type_id: TypeId) -> RResult<TypeInfo, Error> {
        match self.types.iter().find(|one| one.id == type_id) {
            Some(found) => RResult::ROk(found.clone()),
            None => unknown(format!("type number {}", type_id.0)),
        }
    }

    fn format_value(&self, name: RStr<'_>, _type_id: TypeId, address: Address) -> RResult<RString, Error> {
        RResult::ROk(format!("{name} at {address}").into())
    }

    fn limits(&self) -> Limits {
        Limits { elements: 8, string: 64, depth: 4 }
    }

    fn print(&self, text: RStr<'_>) -> RResult<(), Error> {
        let mut output = self.output.borrow_mut();
        if output.len() + text.len() > self.output_limit {
            return RResult::RErr(Error::new(ErrorKind::LIMIT, "the plugin has printed enough"));
        }
        output.push_str(text.as_str());
        RResult::ROk(())
    }
}
