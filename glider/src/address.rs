//! Typed addresses: an address in the running process and an address as written
//! in an ELF file are different things, and one addition in one place relates them.
//!
//! Pipeline place: the bottom; everything imports this, it imports nothing.

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// An address in the virtual memory of the running target.
///
/// Serialized for people as a `0x…` string (JSON), for the private hand-over
/// between glider's own processes as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub u64);

/// An address as an ELF file or its DWARF writes it (`p_vaddr`, `st_value`, `DW_AT_low_pc`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileAddress(pub u64);

/// What was added to every [`FileAddress`] of an object when it was mapped
/// (the ELF "load bias"). Wraps: a prelinked object may be moved down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bias(pub u64);

impl Bias {
    /// The runtime address of an address in the file.
    pub fn to_runtime(self, address: FileAddress) -> Address {
        Address(address.0.wrapping_add(self.0))
    }

    /// The file's own address for a runtime address.
    pub fn to_file(self, address: Address) -> FileAddress {
        FileAddress(address.0.wrapping_sub(self.0))
    }
}

impl Address {
    /// The address `offset` bytes further on, `None` past the end of the address space.
    pub fn checked_add(self, offset: u64) -> Option<Address> {
        self.0.checked_add(offset).map(Address)
    }

    /// The address `offset` bytes before, `None` below zero.
    pub fn checked_sub(self, offset: u64) -> Option<Address> {
        self.0.checked_sub(offset).map(Address)
    }

    /// The address moved by a signed number of bytes, modulo the address space (as DWARF computes).
    pub fn wrapping_offset(self, offset: i64) -> Address {
        Address(self.0.wrapping_add_signed(offset))
    }
}

impl Address {
    /// Bytes of the longest: `0x` and sixteen digits.
    pub const ROOM: usize = 18;

    /// The address as it is written, `0x2a`, in `room`. Reports have millions of them.
    pub fn spelled(self, room: &mut [u8; Address::ROOM]) -> &str {
        let mut start = room.len();
        let mut rest = self.0;
        for byte in room.iter_mut().skip(2).rev() {
            *byte = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        start -= 2;
        if let Some([zero, x, ..]) = room.get_mut(start..) {
            (*zero, *x) = (b'0', b'x');
        }
        room.get(start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spelled(&mut [0; Address::ROOM]))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:#x})", self.0)
    }
}

impl fmt::Debug for FileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileAddress({:#x})", self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    /// Reads the binary form only: nothing reads a report back.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_goes_both_ways_even_when_the_object_was_moved_down() {
        let bias = Bias(0x1000u64.wrapping_neg());
        assert_eq!(bias.to_runtime(FileAddress(0x5000)), Address(0x4000));
        assert_eq!(bias.to_file(Address(0x4000)), FileAddress(0x5000));
    }

    #[test]
    fn addresses_print_as_hex_and_serialize_as_hex_strings() {
        for number in [0, 1, 0xf, 0x10, 0x2a, 0x7ffc_0123_4567, u64::MAX >> 4, u64::MAX] {
            assert_eq!(Address(number).to_string(), format!("{number:#x}"));
        }
        assert_eq!(serde_json::to_string(&Address(0x2a)).ok().as_deref(), Some("\"0x2a\""));
    }
}
