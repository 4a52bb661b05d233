//! Places and sizes in the traced process, each a type of its own.
//!
//! The lowest module: everything imports it, it imports nothing. An [`Address`] cannot be
//! followed: it is a place in *another* process, and only [`Host`](crate::Host) can read there.

use abi_stable::StableAbi;
use std::fmt;

/// An address in the memory of the traced process.
#[repr(transparent)]
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct Address(pub u64);

impl Address {
    /// The address nothing is at.
    pub const NULL: Address = Address(0);

    /// Whether this is the null address.
    pub fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The address `bytes` further on; `None` past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Address> {
        self.0.checked_add(bytes).map(Address)
    }

    /// The address `bytes` before; `None` below zero.
    pub fn checked_sub(self, bytes: u64) -> Option<Address> {
        self.0.checked_sub(bytes).map(Address)
    }

    /// The address of element `index` of an array of `size` bytes each that starts here.
    pub fn element(self, index: u64, size: Size) -> Option<Address> {
        self.checked_add(index.checked_mul(size.0)?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:#x})", self.0)
    }
}

/// A number of bytes.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

/// A number of bits: where a member starts in its structure, and how wide a bit-field is.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct Bits(pub u64);

impl Bits {
    /// The byte that the first bit lies in.
    pub fn whole_bytes(self) -> Size {
        Size(self.0 / 8)
    }
}

/// A process id.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct ProcessId(pub i32);

/// A kernel thread id, what gettid(2) gives and the report calls LWP.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct ThreadId(pub i32);

/// The number that the report prints before a frame, from 0 at the innermost. Inlined calls count.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct FrameIndex(pub u32);

/// A type of the program, as a number that stands for it in one trace. [`Host::type_info`](crate::Host::type_info)
/// says what is known of it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, StableAbi)]
pub struct TypeId(pub u64);

macro_rules! display_as_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
display_as_number!(Bits, ProcessId, ThreadId, FrameIndex);
