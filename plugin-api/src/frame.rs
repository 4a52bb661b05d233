//! Frames of a stack, their registers and their variables.
//!
//! Plain data that glider fills in and a plugin reads; see `process` for the rule on layouts.

use crate::address::{Address, FrameIndex, Size, ThreadId, TypeId};
use crate::process::text;
use abi_stable::StableAbi;
use abi_stable::std_types::{RCowStr, ROption};

/// A frame of a thread's stack: a function's own, or an inlined call's.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Frame<'a> {
    /// The thread.
    pub thread: ThreadId,
    /// The number that the report prints.
    pub index: FrameIndex,
    /// Program counter: the address of the next instruction to run in this frame.
    pub pc: Address,
    /// Canonical frame address: the stack pointer at the call into this frame's function.
    pub cfa: ROption<Address>,
    /// Path of the object the program counter lies in.
    pub object: ROption<RCowStr<'a>>,
    /// The function, demangled.
    pub function: ROption<RCowStr<'a>>,
    /// Bytes from the function's start.
    pub offset: Size,
    /// Source file.
    pub file: ROption<RCowStr<'a>>,
    /// Line, from 1; 0 when unknown.
    pub line: u32,
    /// Column, from 1; 0 when unknown.
    pub column: u32,
    /// How the frame was found.
    pub trust: Trust,
    /// Whether this is a call that the compiler inlined into the next outer frame.
    pub is_inlined: bool,
    /// The signal that the kernel delivered here; 0 in ordinary frames.
    pub signal: i32,
}

impl Frame<'_> {
    /// The function, demangled.
    pub fn function(&self) -> Option<&str> {
        text(&self.function)
    }

    /// Path of the object the program counter lies in.
    pub fn object(&self) -> Option<&str> {
        text(&self.object)
    }

    /// Source file.
    pub fn file(&self) -> Option<&str> {
        text(&self.file)
    }

    /// Line, from 1.
    pub fn line(&self) -> Option<u32> {
        (self.line != 0).then_some(self.line)
    }
}

/// How a frame was found, best first. An open set: later minor versions may add to it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct Trust(pub u32);

impl Trust {
    /// From the thread's registers: the innermost frame.
    pub const CONTEXT: Trust = Trust(0);
    /// From the call frame information that the compiler wrote.
    pub const CFI: Trust = Trust(1);
    /// From the chain of frame pointers.
    pub const FRAME_POINTER: Trust = Trust(2);
    /// Guessed: a word on the stack that looks like a return address.
    pub const SCAN: Trust = Trust(3);
}

/// A register's value in a frame.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Register<'a> {
    /// Name as in the psABI: `rip`, `rbx`.
    pub name: RCowStr<'a>,
    /// What it held when the frame was left by its call.
    pub value: u64,
}

/// A variable, or a member, element or pointee of one.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Variable<'a> {
    /// What it is.
    pub kind: VariableKind,
    /// Its name: the member's own for a member, `[3]` for an element, `*name` for what a
    /// pointer points at; empty for an anonymous member.
    pub name: RCowStr<'a>,
    /// Its type in the spelling of its language; none when the debug information has none.
    pub type_name: ROption<RCowStr<'a>>,
    /// Its type.
    pub type_id: ROption<TypeId>,
    /// Where it lives; none in registers, and for what the compiler optimized out.
    pub address: ROption<Address>,
    /// How large it is; none when its type does not say.
    pub size: ROption<Size>,
    /// How deep it is nested: 0 for the variable itself, 1 for its members and so on.
    pub depth: u32,
    /// What the report prints for it where that is one line; empty for structures, unions and arrays.
    pub value: RCowStr<'a>,
    /// The value of an integer, pointer, enumeration, character or truth value as a number,
    /// sign-extended. None for others, and where it could not be read.
    pub number: ROption<u64>,
}

impl Variable<'_> {
    /// Its type in the spelling of its language.
    pub fn type_name(&self) -> Option<&str> {
        text(&self.type_name)
    }

    /// Its type.
    pub fn type_id(&self) -> Option<TypeId> {
        self.type_id.into_option()
    }

    /// Where it lives.
    pub fn address(&self) -> Option<Address> {
        self.address.into_option()
    }

    /// How large it is.
    pub fn size(&self) -> Option<Size> {
        self.size.into_option()
    }

    /// Its value as a number, sign-extended.
    pub fn number(&self) -> Option<u64> {
        self.number.into_option()
    }

    /// Its value as the address it points at.
    pub fn pointer(&self) -> Option<Address> {
        self.number().map(Address)
    }
}

/// What a variable is. An open set: later minor versions may add to it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
pub struct VariableKind(pub u32);

impl VariableKind {
    /// A parameter of the frame's function.
    pub const PARAMETER: VariableKind = VariableKind(0);
    /// A local variable.
    pub const LOCAL: VariableKind = VariableKind(1);
    /// A member of a structure or union.
    pub const MEMBER: VariableKind = VariableKind(2);
    /// An element of an array.
    pub const ELEMENT: VariableKind = VariableKind(3);
    /// What a pointer or reference points at.
    pub const POINTEE: VariableKind = VariableKind(4);
    /// A part that an analyzer named in its [`Replacement`](crate::Replacement).
    pub const CHILD: VariableKind = VariableKind(5);
}
