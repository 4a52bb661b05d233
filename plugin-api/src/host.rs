//! What an analyzer may ask: the traced process through glider's eyes.

use crate::address::{Address, FrameIndex, Size, ThreadId, TypeId};
use crate::error::{Error, ErrorKind};
use crate::frame::{Frame, Register, Variable};
use crate::plain::Plain;
use crate::process::{AddressName, Limits, Object, ProcessStatus, SourceLocation, Symbol, Thread};
use crate::types::{TemplateArgument, TypeInfo};
use crate::wire::{Services, Services_TO, ServicesRef};
use abi_stable::sabi_trait::prelude::TD_Opaque;
use abi_stable::sabi_types::RRef;
use abi_stable::std_types::{ROption, RSliceMut, RStr};
use std::fmt;

/// The most levels of pointer that [`Host::read_global`] follows.
pub const MAX_DEREFERENCES: u32 = 16;
/// How many bytes of a string are read at a time.
const CHUNK: u64 = 256;

/// The traced process, as an analyzer sees it during a hook.
///
/// The process may be corrupt: nothing here trusts it, and neither should an analyzer. Every
/// read may fail or come up short. An `object` is a path or a base name
/// (`libc.so.6`; `libz.so.1` also for `libz.so.1.2.13`), usually
/// [`Host::object`]; `None` looks everywhere.
pub struct Host<'a> {
    services: ServicesRef<'a>,
}

impl<'a> Host<'a> {
    pub(crate) fn new(services: ServicesRef<'a>) -> Host<'a> {
        Host { services }
    }

    /// A host that answers with `services`: for tests of an analyzer's parts against a made-up process.
    pub fn from_services(services: &'a impl Services) -> Host<'a> {
        Host { services: Services_TO::from_ptr(RRef::new(services), TD_Opaque) }
    }

    /// Path of the mapped object that the plugin was loaded for.
    pub fn object(&self) -> &str {
        self.services.object().as_str()
    }

    /// The thread whose hooks are being called; `None` in `begin_trace` and `global_trace`.
    pub fn current_thread(&self) -> Option<ThreadId> {
        self.services.current_thread().into_option()
    }

    // Symbols, names and sources.

    /// The symbol of that name, as the symbol table has it: C's own, C++'s and Rust's mangled.
    pub fn find_symbol<'n>(&self, object: impl Into<Option<&'n str>>, name: &str) -> Option<Symbol> {
        self.services.find_symbol(wire(object.into()), name.into()).into_option()
    }

    /// What lies at an address of code or data, to print or to look at; `None` outside of objects.
    pub fn name_of(&self, address: Address) -> Option<AddressName> {
        self.services.name_of(address).into_option()
    }

    /// The source file, line and column of an address of code.
    pub fn source_of(&self, address: Address) -> Option<SourceLocation> {
        self.services.source_of(address).into_option()
    }

    // Memory.

    /// Copies memory. Gives how many bytes could be read: fewer than asked for where the mapping
    /// ends, 0 where there is none.
    pub fn read_memory(&self, address: Address, into: &mut [u8]) -> usize {
        let length = into.len();
        self.services.read_memory(address, RSliceMut::from_mut_slice(into)).min(length)
    }

    /// Fills `into` from memory.
    ///
    /// # Errors
    /// `UNREADABLE` when less than all of it could be read.
    pub fn read_exact(&self, address: Address, into: &mut [u8]) -> Result<(), Error> {
        let wanted = into.len();
        if self.read_memory(address, into) < wanted {
            return Err(Error::new(
                ErrorKind::UNREADABLE,
                format!("cannot read {wanted} bytes at {address}"),
            ));
        }
        Ok(())
    }

    /// Reads one value: a number, a pointer, a structure declared with
    /// [`plain_struct!`](crate::plain_struct).
    ///
    /// # Errors
    /// `UNREADABLE` when less than all of it could be read.
    pub fn read<T: Plain>(&self, address: Address) -> Result<T, Error> {
        let mut value = T::zeroed();
        value.with_bytes(|bytes| self.read_exact(address, bytes))?;
        Ok(value)
    }

    /// Reads a pointer.
    ///
    /// # Errors
    /// `UNREADABLE` when it could not be read; whether it points anywhere is not looked at.
    pub fn read_pointer(&self, address: Address) -> Result<Address, Error> {
        self.read(address)
    }

    /// Reads the bytes before the first NUL, at most `limit` of them.
    ///
    /// # Errors
    /// `UNREADABLE` when memory ends before the NUL and before the limit.
    pub fn read_c_string(&self, address: Address, limit: Size) -> Result<Vec<u8>, Error> {
        let mut string = Vec::new();
        let mut chunk = [0; CHUNK as usize];
        while (string.len() as u64) < limit.0 {
            let left = limit.0 - string.len() as u64;
            let place = address.checked_add(string.len() as u64);
            let room = chunk.get_mut(..left.min(CHUNK) as usize).unwrap_or_default();
            let count = place.map_or(0, |place| self.read_memory(place, room));
            let bytes = room.get(..count).unwrap_or_default();
            if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
                string.extend_from_slice(bytes.get(..end).unwrap_or_default());
                return Ok(string);
            }
            string.extend_from_slice(bytes);
            if count < room.len() {
                return Err(Error::new(
                    ErrorKind::UNREADABLE,
                    format!("the string at {address} has no end: memory ends after {} bytes", string.len()),
                ));
            }
        }
        Ok(string)
    }

    /// [`read_c_string`](Host::read_c_string) as text, with U+FFFD for what is not UTF-8.
    ///
    /// # Errors
    /// As `read_c_string`.
    pub fn read_string(&self, address: Address, limit: Size) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.read_c_string(address, limit)?).into_owned())
    }

    // Global variables.

    /// Where a global variable lies, or what it points at after following it `dereferences` times.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such symbol, `UNREADABLE` when a pointer on the way cannot be read,
    /// `INVALID` for more than [`MAX_DEREFERENCES`].
    pub fn global_address<'n>(
        &self,
        object: impl Into<Option<&'n str>>,
        name: &str,
        dereferences: u32,
    ) -> Result<Address, Error> {
        if dereferences > MAX_DEREFERENCES {
            return Err(Error::new(
                ErrorKind::INVALID,
                format!("{name}: cannot follow {dereferences} pointers, {MAX_DEREFERENCES} is the limit"),
            ));
        }
        let object = object.into();
        let symbol = self.find_symbol(object, name).ok_or_else(|| match object {
            Some(object) => Error::new(ErrorKind::NOT_FOUND, format!("no symbol {name} in {object}")),
            None => Error::new(ErrorKind::NOT_FOUND, format!("no symbol {name} in any object")),
        })?;
        let mut address = symbol.address;
        for _ in 0..dereferences {
            address = self.read_pointer(address)?;
        }
        Ok(address)
    }

    /// Reads a global variable, or what it points at after following it `dereferences` times.
    ///
    /// ```no_run
    /// # fn hook(host: &gimli_plugin_api::Host<'_>) -> Result<(), gimli_plugin_api::Error> {
    /// let count = host.read_global::<u32>(host.object(), "request_count", 0)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`global_address`](Host::global_address) and [`read`](Host::read).
    pub fn read_global<'n, T: Plain>(
        &self,
        object: impl Into<Option<&'n str>>,
        name: &str,
        dereferences: u32,
    ) -> Result<T, Error> {
        self.read(self.global_address(object, name, dereferences)?)
    }

    /// The string that a global `char *` points at, cut at the report's limit for strings.
    ///
    /// # Errors
    /// As [`global_address`](Host::global_address) and [`read_c_string`](Host::read_c_string).
    pub fn read_global_string<'n>(
        &self,
        object: impl Into<Option<&'n str>>,
        name: &str,
    ) -> Result<String, Error> {
        self.read_string(self.global_address(object, name, 1)?, Size(self.limits().string))
    }

    /// Where a thread's own instance of a thread-local variable lies.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such variable or thread, `NO_INFORMATION` when the thread has not used it yet.
    pub fn thread_local<'n>(
        &self,
        thread: ThreadId,
        object: impl Into<Option<&'n str>>,
        name: &str,
    ) -> Result<Address, Error> {
        self.services.thread_local(thread, wire(object.into()), name.into()).into_result()
    }

    // The process.

    /// Process id, user, command line, sizes and threads.
    pub fn process(&self) -> ProcessStatus {
        self.services.process()
    }

    /// The mapped ELF objects, by address.
    pub fn objects(&self) -> Vec<Object> {
        self.services.objects().into()
    }

    /// What bounds the report's output.
    pub fn limits(&self) -> Limits {
        self.services.limits()
    }

    /// All threads, in the order of the report.
    pub fn threads(&self) -> Vec<Thread<'static>> {
        self.services.threads().into()
    }

    // Stacks.

    /// The frames of a thread, innermost first; those that a hook has hidden are among them.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such thread.
    pub fn frames(&self, thread: ThreadId) -> Result<Vec<Frame<'static>>, Error> {
        self.services.frames(thread).into_result().map(Into::into)
    }

    /// The registers that are known in a frame, as they were when its call was made.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such thread or frame.
    pub fn registers(&self, thread: ThreadId, frame: FrameIndex) -> Result<Vec<Register<'static>>, Error> {
        self.services.registers(thread, frame).into_result().map(Into::into)
    }

    /// One register of a frame by its psABI name, `rip`; `None` when its value is lost in this frame.
    pub fn register(&self, frame: &Frame<'_>, name: &str) -> Option<u64> {
        let registers = self.registers(frame.thread, frame.index).ok()?;
        registers.iter().find(|register| register.name == name).map(|register| register.value)
    }

    /// The parameters of a frame, then its locals, those of inner blocks last.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such thread or frame.
    pub fn variables(&self, thread: ThreadId, frame: FrameIndex) -> Result<Vec<Variable<'static>>, Error> {
        self.services.variables(thread, frame).into_result().map(Into::into)
    }

    /// A parameter or local of a frame by name; of several with that name the innermost block's.
    ///
    /// # Errors
    /// `NOT_FOUND` when the frame has none of that name.
    pub fn variable(&self, frame: &Frame<'_>, name: &str) -> Result<Variable<'static>, Error> {
        let variables = self.variables(frame.thread, frame.index)?;
        variables.into_iter().rev().find(|variable| variable.name == name).ok_or_else(|| {
            let function = frame.function().unwrap_or("a function without a name");
            Error::new(ErrorKind::NOT_FOUND, format!("no variable {name} in {function}"))
        })
    }

    // Types.

    /// The type of that name, spelled as the report spells it: `struct request`.
    pub fn find_type<'n>(&self, object: impl Into<Option<&'n str>>, name: &str) -> Option<TypeId> {
        self.services.find_type(wire(object.into()), name.into()).into_option()
    }

    /// The type of the global variable or function that lies at an address.
    pub fn type_of(&self, address: Address) -> Option<TypeId> {
        self.services.type_of(address).into_option()
    }

    /// Kind, size, members, names, bounds and target of a type.
    ///
    /// # Errors
    /// `NOT_FOUND` when the number is none of this trace.
    pub fn type_info(&self, type_id: TypeId) -> Result<TypeInfo, Error> {
        self.services.type_info(type_id).into_result()
    }

    /// The type that typedefs and qualifiers stand for; the type itself when it is none of these.
    ///
    /// # Errors
    /// As [`type_info`](Host::type_info); `NO_INFORMATION` when what it stands for is `void`, unknown, or itself.
    pub fn resolve_type(&self, type_id: TypeId) -> Result<TypeInfo, Error> {
        /// More than any program nests; circles end here.
        const MAX_ALIASES: u32 = 64;
        let mut info = self.type_info(type_id)?;
        for _ in 0..MAX_ALIASES {
            if !info.kind.is_alias() {
                return Ok(info);
            }
            let Some(target) = info.target() else { break };
            info = self.type_info(target)?;
        }
        Err(Error::new(ErrorKind::NO_INFORMATION, format!("type {} stands for nothing known", info.name)))
    }

    /// What a template was instantiated with, in order: the types and constants between its angle brackets, those that
    /// were left to their defaults included. Empty for what is no instance of a template. Looks through typedefs and
    /// qualifiers.
    ///
    /// The types are those of elements and nodes that no member names: of `std::list<Order>` the first is `Order`.
    ///
    /// # Errors
    /// `NOT_FOUND` when the number is none of this trace; `NO_INFORMATION` from a glider that offers 1.1.
    pub fn template_arguments(&self, type_id: TypeId) -> Result<Vec<TemplateArgument>, Error> {
        self.services.template_arguments(type_id).into_result().map(Into::into)
    }

    /// Memory printed as a value of a type, as the report prints a variable of that name.
    /// Analyzers are not asked: this is glider's own rendering.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such type. Memory that cannot be read is no error: the text says it.
    pub fn format_value(&self, name: &str, type_id: TypeId, address: Address) -> Result<String, Error> {
        self.services.format_value(name.into(), type_id, address).into_result().map(Into::into)
    }

    // Output.

    /// Adds text to the report at the place of the hook. Lines are indented as their place asks for;
    /// control characters are escaped. `writeln!(host, "…")?` prints formatted text.
    ///
    /// # Errors
    /// `LIMIT` when the plugin has printed more than it may; what came before is kept.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        self.services.print(text.into()).into_result()
    }

    /// Lets `write!` and `writeln!` print to the report: `writeln!(host, "{count} requests")?`.
    ///
    /// # Errors
    /// As [`print`](Host::print).
    pub fn write_fmt(&self, text: fmt::Arguments<'_>) -> Result<(), Error> {
        self.print(&fmt::format(text))
    }
}

fn wire(object: Option<&str>) -> ROption<RStr<'_>> {
    object.map(RStr::from_str).into()
}
