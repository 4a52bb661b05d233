//! What a Rust plugin may ask, answered by [`Services`](crate::plugin::services::Services).

use super::{stacks, types, values};
use crate::address;
use crate::plugin::host::Host;
use crate::stacks::ThreadStack;
use gimli_plugin_api::wire::{RCowStr, ROption, RResult, RSliceMut, RStr, RString, RVec, Services};
use gimli_plugin_api::{
    Address, AddressName, Error, ErrorKind, Frame, FrameIndex, Limits, Object, ProcessId, ProcessStatus,
    Register, Size, SourceLocation, Symbol, TemplateArgument, Thread, ThreadId, TypeId, TypeInfo, Variable,
};
use std::fmt::Write;
use std::io;
use std::rc::Rc;

/// The host, for one plugin.
pub(super) struct RustServices<'h, 'a> {
    pub(super) host: &'h Host<'a>,
    /// The object that the plugin was loaded for.
    pub(super) object: &'h str,
}

fn ours(address: Address) -> address::Address {
    address::Address(address.0)
}

fn object_name<'n>(object: &'n ROption<RStr<'_>>) -> Option<&'n str> {
    object.as_ref().map(|name| name.as_str()).into_option()
}

fn answer<T>(found: Option<T>, kind: ErrorKind, what: impl FnOnce() -> String) -> RResult<T, Error> {
    match found {
        Some(found) => RResult::ROk(found),
        None => RResult::RErr(Error::new(kind, what())),
    }
}

impl<'a> RustServices<'_, 'a> {
    /// The stack of a thread: that of the hooks, for the thread at hand.
    fn stack(&self, thread: ThreadId) -> Option<Rc<ThreadStack<'a>>> {
        if let Some(current) = self.host.thread().filter(|stack| stack.tid == thread.0) {
            return Some(current);
        }
        self.host.stack(stacks::index_of(self.host, thread)?)
    }
}

impl Services for RustServices<'_, '_> {
    fn object(&self) -> RStr<'_> {
        RStr::from_str(self.object)
    }

    fn current_thread(&self) -> ROption<ThreadId> {
        self.host.thread().map(|stack| ThreadId(stack.tid)).into()
    }

    fn find_symbol(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<Symbol> {
        let services = &self.host.services;
        let found = services.find_symbol(object_name(&object), name.as_str());
        found
            .map(|symbol| Symbol {
                name: RString::from(symbol.name.as_str()),
                raw_name: RString::from(symbol.raw_name.as_str()),
                object: RString::from(symbol.object.as_str()),
                address: Address(symbol.address.0),
                size: Size(symbol.size),
            })
            .into()
    }

    fn name_of(&self, address: Address) -> ROption<AddressName> {
        let name = self.host.services.process().modules.name(ours(address));
        name.map(|name| AddressName {
            object: RString::from(&*name.module),
            symbol: name.symbol.as_deref().map(RString::from).into(),
            offset: Size(name.offset),
        })
        .into()
    }

    fn source_of(&self, address: Address) -> ROption<SourceLocation> {
        let source = self.host.services.source_of(ours(address));
        let location = source.and_then(|source| {
            Some(SourceLocation {
                file: RString::from(&*source.file?),
                line: source.line?,
                column: source.column.unwrap_or(0),
            })
        });
        location.into()
    }

    fn read_memory(&self, address: Address, mut into: RSliceMut<'_, u8>) -> usize {
        self.host.services.read(ours(address), into.as_mut_slice())
    }

    fn process(&self) -> ProcessStatus {
        let capture = self.host.services.stacks.capture;
        let (virtual_size, resident_size) = self.host.services.sizes();
        ProcessStatus {
            pid: ProcessId(capture.process.pid),
            uid: capture.process.uid,
            gid: capture.process.gid,
            executable: capture.process.exe.as_deref().map(RString::from).into(),
            command_line: capture.process.cmdline.iter().map(|word| RString::from(word.as_str())).collect(),
            virtual_size: Size(virtual_size),
            resident_size: Size(resident_size),
            threads: capture.threads.iter().map(|thread| ThreadId(thread.tid)).collect(),
        }
    }

    fn objects(&self) -> RVec<Object> {
        let modules = self.host.services.process().modules;
        let hexadecimal = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        let object = |module: &crate::object::Module| Object {
            path: RString::from(&*module.path),
            start: Address(module.start.0),
            end: Address(module.end.0),
            build_id: module
                .object
                .as_ref()
                .ok()
                .and_then(|object| object.build_id)
                .map(|id| RString::from(hexadecimal(id)))
                .into(),
        };
        modules.iter().map(object).collect()
    }

    fn threads(&self) -> RVec<Thread<'static>> {
        let count = self.host.services.stacks.capture.threads.len();
        (0..count).filter_map(|index| stacks::thread(self.host, index)).collect()
    }

    fn frames(&self, thread: ThreadId) -> RResult<RVec<Frame<'static>>, Error> {
        let frames = self.stack(thread).map(|stack| stacks::frames(self.host, &stack).into());
        answer(frames, ErrorKind::NOT_FOUND, || format!("there is no stack of a thread {thread}"))
    }

    fn registers(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Register<'static>>, Error> {
        let registers = self.stack(thread).and_then(|stack| {
            let (index, _) = stacks::find(&stack, frame)?;
            let registers = &stack.stack.frames.get(index)?.registers;
            let named = |(name, value)| Register { name: RCowStr::from(name), value };
            Some(registers.known().map(named).collect())
        });
        answer(registers, ErrorKind::NOT_FOUND, || format!("thread {thread} has no frame {frame}"))
    }

    fn variables(&self, thread: ThreadId, frame: FrameIndex) -> RResult<RVec<Variable<'static>>, Error> {
        let variables = self.stack(thread).and_then(|stack| {
            let (index, call) = stacks::find(&stack, frame)?;
            Some(values::variables(self.host, &stack, index, call).into())
        });
        answer(variables, ErrorKind::NOT_FOUND, || format!("thread {thread} has no frame {frame}"))
    }

    fn find_type(&self, object: ROption<RStr<'_>>, name: RStr<'_>) -> ROption<TypeId> {
        let found = self.host.services.find_type(object_name(&object), name.as_str());
        found.map(|die| TypeId(self.host.handles.type_number(die))).into()
    }

    fn type_of(&self, address: Address) -> ROption<TypeId> {
        let found = self.host.services.type_at(ours(address));
        found.map(|die| TypeId(self.host.handles.type_number(die))).into()
    }

    fn type_info(&self, type_id: TypeId) -> RResult<TypeInfo, Error> {
        let found = self.host.handles.die_numbered(type_id.0).map(|die| types::info(self.host, die));
        answer(found, ErrorKind::NOT_FOUND, || format!("there is no type {}", type_id.0))
    }

    fn template_arguments(&self, type_id: TypeId) -> RResult<RVec<TemplateArgument>, Error> {
        let die = self.host.handles.die_numbered(type_id.0);
        let arguments = die.map(|die| types::template_arguments(self.host, die));
        answer(arguments, ErrorKind::NOT_FOUND, || format!("there is no type {}", type_id.0))
    }

    fn format_value(&self, name: RStr<'_>, type_id: TypeId, address: Address) -> RResult<RString, Error> {
        let text = self.host.handles.die_numbered(type_id.0).and_then(|die| {
            let services = &self.host.services;
            let text = services.format_value(None, name.as_str(), die, ours(address))?;
            Some(RString::from(text.trim_end_matches('\n')))
        });
        answer(text, ErrorKind::NOT_FOUND, || format!("there is no type {}", type_id.0))
    }

    fn limits(&self) -> Limits {
        let limits = self.host.services.limits;
        Limits {
            elements: limits.array as u64,
            string: limits.string as u64,
            depth: u32::try_from(limits.depth).unwrap_or(u32::MAX),
        }
    }

    fn print(&self, text: RStr<'_>) -> RResult<(), Error> {
        let mut rest = text.as_str().as_bytes();
        while !rest.is_empty() {
            // Past all buffers, as what the plugin prints with `println!` gets there line by line.
            // SAFETY: the bytes are those of the slice.
            let written = unsafe { libc::write(libc::STDOUT_FILENO, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => rest = rest.get(written..).unwrap_or_default(),
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => {
                    let why = "more was printed than a plugin may (--max-plugin-output)";
                    return RResult::RErr(Error::new(ErrorKind::LIMIT, why));
                }
            }
        }
        RResult::ROk(())
    }

    fn thread_local(
        &self,
        thread: ThreadId,
        object: ROption<RStr<'_>>,
        name: RStr<'_>,
    ) -> RResult<Address, Error> {
        let found = stacks::index_of(self.host, thread)
            .and_then(|index| self.host.services.thread_local(index, object_name(&object), name.as_str()));
        answer(found.map(|address| Address(address.0)), ErrorKind::NOT_FOUND, || {
            format!("thread {thread} has no thread-local variable {name}, or has not used it yet")
        })
    }
}
