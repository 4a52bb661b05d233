//! Memory and code for tests: arrays.

use super::{Code, UnwindSections};
use crate::address::Address;
use crate::target::Memory;

/// Bytes at an address, nothing elsewhere.
pub(super) struct Bytes {
    start: u64,
    bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(start: u64, bytes: &[u8]) -> Bytes {
        Bytes { start, bytes: bytes.to_vec() }
    }
}

impl Memory for Bytes {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        let Some(offset) = address.0.checked_sub(self.start) else { return 0 };
        let available = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..));
        let available = available.unwrap_or_default();
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        length
    }
}

/// Eight-byte words at an address.
pub(super) struct Words(Bytes);

impl Words {
    pub(super) fn new(start: u64, words: &[u64]) -> Words {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Words(Bytes::new(start, &bytes))
    }
}

impl Memory for Words {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        self.0.read(address, buffer)
    }
}

/// Executable everywhere, without symbols or tables.
pub(super) struct NoCode;

impl Code for NoCode {
    fn unwind_sections(&self, _: Address) -> Option<&UnwindSections> {
        None
    }
    fn is_executable(&self, _: Address) -> bool {
        true
    }
    fn function_start(&self, _: Address) -> Option<Address> {
        None
    }
}

/// Executable in one function only.
pub(super) struct OneFunction {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Code for OneFunction {
    fn unwind_sections(&self, _: Address) -> Option<&UnwindSections> {
        None
    }
    fn is_executable(&self, pc: Address) -> bool {
        (self.start..self.end).contains(&pc.0)
    }
    fn function_start(&self, pc: Address) -> Option<Address> {
        self.is_executable(pc).then_some(Address(self.start))
    }
}
