//! What is known of the traced process as a whole: its status, objects, threads, symbols, sources.
//!
//! Plain data that glider fills in and a plugin reads. The layout is frozen within a major
//! version (see `docs/VERSIONING.md`): fields are public for glider, authors use the methods.

use crate::address::{Address, ProcessId, Size, ThreadId};
use abi_stable::StableAbi;
use abi_stable::std_types::{RCowStr, ROption, RString, RVec};
use std::fmt;

/// The process, as proc(5) had it when it was stopped.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct ProcessStatus {
    /// Process id.
    pub pid: ProcessId,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Absolute path of the executable.
    pub executable: ROption<RString>,
    /// The command line, the program's name first.
    pub command_line: RVec<RString>,
    /// Size of the whole address space.
    pub virtual_size: Size,
    /// How much of it is in physical memory.
    pub resident_size: Size,
    /// Its threads, in the order of the report.
    pub threads: RVec<ThreadId>,
}

/// An ELF object mapped in the process.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Object {
    /// Absolute path of the file.
    pub path: RString,
    /// First mapped address.
    pub start: Address,
    /// First address after it.
    pub end: Address,
    /// Build-id in hexadecimal.
    pub build_id: ROption<RString>,
}

impl Object {
    /// The last part of the path: `libc.so.6`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The build-id in hexadecimal, when the file has one.
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_ref().map(|id| id.as_str()).into_option()
    }

    /// Whether the address lies between the object's first and last byte.
    pub fn contains(&self, address: Address) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// A thread.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Thread<'a> {
    /// Kernel thread id.
    pub id: ThreadId,
    /// Its place in the report, from 0.
    pub index: u32,
    /// Its name.
    pub name: RCowStr<'a>,
    /// Its state before the trace, `S (sleeping)`.
    pub state: RCowStr<'a>,
    /// The kernel function it is blocked in.
    pub wait_channel: ROption<RCowStr<'a>>,
    /// The system call it is in, `futex`.
    pub system_call: ROption<RCowStr<'a>>,
    /// How many frames its stack has, inlined calls not counted.
    pub frame_count: u32,
}

impl Thread<'_> {
    /// The kernel function it is blocked in.
    pub fn wait_channel(&self) -> Option<&str> {
        text(&self.wait_channel)
    }

    /// The system call it is in, `futex`.
    pub fn system_call(&self) -> Option<&str> {
        text(&self.system_call)
    }
}

/// A symbol of an object's symbol table.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Symbol {
    /// Name, demangled.
    pub name: RString,
    /// Name as the symbol table has it.
    pub raw_name: RString,
    /// Path of the object.
    pub object: RString,
    /// Where it is in the process.
    pub address: Address,
    /// Its size; 0 when the table does not say.
    pub size: Size,
}

/// What an address points at: the object, and the symbol before it.
///
/// Prints as the report does: ``/usr/lib/libfoo.so`table+0x10``.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct AddressName {
    /// Path of the object the address lies in.
    pub object: RString,
    /// The symbol, demangled; none when the object has no symbol that covers the address.
    pub symbol: ROption<RString>,
    /// Bytes from the symbol's start, or from the object's where there is no symbol.
    pub offset: Size,
}

impl AddressName {
    /// The symbol, demangled.
    pub fn symbol(&self) -> Option<&str> {
        self.symbol.as_ref().map(|name| name.as_str()).into_option()
    }
}

impl fmt::Display for AddressName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.object)?;
        if let Some(symbol) = self.symbol() {
            write!(f, "`{symbol}")?;
        }
        match self.offset {
            Size(0) => Ok(()),
            Size(offset) => write!(f, "+{offset:#x}"),
        }
    }
}

/// A place in the source.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct SourceLocation {
    /// File, as the report names it.
    pub file: RString,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 when unknown.
    pub column: u32,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What bounds the output; a plugin that prints long things keeps to it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
pub struct Limits {
    /// Elements of an array or container shown (`--max-array`).
    pub elements: u64,
    /// Bytes of a string shown (`--max-string`).
    pub string: u64,
    /// Levels of nested structures shown (`--max-depth`).
    pub depth: u32,
}

/// The text that an optional piece of text holds.
pub(crate) fn text<'t>(field: &'t ROption<RCowStr<'_>>) -> Option<&'t str> {
    field.as_ref().map(|text| text.as_str()).into_option()
}
