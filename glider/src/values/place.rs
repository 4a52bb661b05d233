//! Where the bytes of a value are: in memory, or gathered from registers and constants.

use crate::address::Address;
use crate::dwarf::Die;
use crate::report::Value;
use crate::target::{Arch, Memory};
use std::rc::Rc;

/// Where a value is.
#[derive(Clone)]
pub enum Place {
    /// In the target's memory.
    Memory(Address),
    /// In bytes that were gathered, from this bit on.
    Gathered(Rc<Gathered>, u64),
    /// It is a pointer that the compiler removed, to a variable that it kept (DWARF 5 §2.6.1.1.4).
    ImplicitPointer(Die, i64),
    /// Nowhere.
    Missing(Missing),
}

/// Why there are no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The debug information gives no place at this pc.
    OptimizedOut,
    /// It was in the register with this DWARF number, which the called function did not have
    /// to preserve (psABI §3.2.1) and has probably used.
    Overwritten(u16, Arch),
    /// The place is not mapped.
    Unmapped(Address),
    /// The debug information cannot be followed.
    Unsupported(&'static str),
}

/// Bits of a register or constant, or put together from pieces; which of them are known; pointers among them that have no bits.
#[derive(Default)]
pub struct Gathered {
    /// Little-endian.
    pub bytes: Vec<u8>,
    /// A set bit for each known bit of `bytes`; `None` when all are known.
    pub known: Option<Vec<u8>>,
    /// Bit offset, pointee and offset there.
    pub pointers: Vec<(u64, Die, i64)>,
}

/// Largest value that is gathered, bytes: an array in registers and constants is small.
const MAX_GATHERED: u64 = 64 << 10;

impl Missing {
    /// What is printed in the value's place.
    pub fn value(&self) -> Value {
        match self {
            Missing::OptimizedOut => Value::OPTIMIZED_OUT,
            Missing::Overwritten(register, arch) => {
                Value::unreadable(format_args!("was in {}, overwritten by the call", arch.name(*register)))
            }
            Missing::Unmapped(address) => Value::unreadable(format_args!("no memory at {address}")),
            Missing::Unsupported(what) => Value::unreadable(what),
        }
    }
}

impl Place {
    /// Gathered bytes, all of them known.
    pub fn of_bytes(bytes: Vec<u8>) -> Place {
        Place::Gathered(Rc::new(Gathered { bytes, known: None, pointers: Vec::new() }), 0)
    }

    /// The address, for a value in memory.
    pub fn address(&self) -> Option<Address> {
        match self {
            Place::Memory(address) => Some(*address),
            _ => None,
        }
    }

    /// The place `bytes` further on.
    pub fn offset(&self, bytes: u64) -> Place {
        match self {
            Place::Memory(address) => match address.checked_add(bytes) {
                Some(address) => Place::Memory(address),
                None => Place::Missing(Missing::Unmapped(*address)),
            },
            Place::Gathered(gathered, start) => {
                Place::Gathered(gathered.clone(), start.saturating_add(bytes.saturating_mul(8)))
            }
            other => other.clone(),
        }
    }

    /// Fills `buffer` from the start of the place.
    pub fn read(&self, memory: &dyn Memory, buffer: &mut [u8]) -> Result<(), Missing> {
        match self {
            Place::Memory(address) => {
                let read = memory.read(*address, buffer);
                let end = address.checked_add(read as u64).unwrap_or(*address);
                if read == buffer.len() { Ok(()) } else { Err(Missing::Unmapped(end)) }
            }
            Place::Gathered(gathered, start) => gathered.read(*start, buffer),
            Place::ImplicitPointer(..) => Err(Missing::Unsupported("a pointer the compiler removed")),
            Place::Missing(missing) => Err(missing.clone()),
        }
    }

    /// The pointee of a pointer that has no bits.
    pub fn implicit_pointer(&self) -> Option<(Die, i64)> {
        match self {
            Place::ImplicitPointer(die, offset) => Some((*die, *offset)),
            Place::Gathered(gathered, start) => {
                let found = gathered.pointers.iter().find(|(bit, _, _)| bit == start)?;
                Some((found.1, found.2))
            }
            _ => None,
        }
    }

    /// `size` bits from bit `start` on, at most 128, as an unsigned number.
    pub fn read_bits(&self, memory: &dyn Memory, start: u64, size: u64) -> Result<u128, Missing> {
        if size > 128 {
            return Err(Missing::Unsupported("an integer of more than 128 bits"));
        }
        let (skip, shift) = (start / 8, start % 8);
        let count = (shift + size).div_ceil(8);
        let mut bytes = [0; 17];
        let Some(buffer) = bytes.get_mut(..count as usize) else { return Err(Missing::OptimizedOut) };
        match self {
            // Bit by bit: a neighbour that is not known must not hide this field.
            Place::Gathered(gathered, from) => {
                return gathered.bits(from.saturating_add(start), size).ok_or(Missing::OptimizedOut);
            }
            _ => self.offset(skip).read(memory, buffer)?,
        }
        let (low, last) = (bytes.first_chunk().map_or(0, |low| u128::from_le_bytes(*low)), bytes[16]);
        let high = u128::from(last).checked_shl(128 - shift as u32).unwrap_or(0);
        Ok(mask(low >> shift | high, size))
    }
}

/// The low `bits` of a number.
pub(super) fn mask(value: u128, bits: u64) -> u128 {
    if bits >= 128 { value } else { value & ((1 << bits) - 1) }
}

impl Gathered {
    fn read(&self, start: u64, buffer: &mut [u8]) -> Result<(), Missing> {
        for (index, byte) in buffer.iter_mut().enumerate() {
            let bits = self.bits(start.saturating_add(index as u64 * 8), 8).ok_or(Missing::OptimizedOut)?;
            *byte = bits as u8;
        }
        Ok(())
    }

    /// `size` bits (at most 128) from `start` on; `None` when one of them is not known.
    fn bits(&self, start: u64, size: u64) -> Option<u128> {
        if let (None, Some(value)) = (&self.known, self.whole(start)) {
            return (start.checked_add(size)? <= 8 * self.bytes.len() as u64).then(|| mask(value, size));
        }
        let mut value = 0;
        for bit in 0..size {
            let at = start.checked_add(bit)?;
            let (byte, shift) = (usize::try_from(at / 8).ok()?, at % 8);
            if self.known.as_ref().map_or(Some(&0xff), |known| known.get(byte))? >> shift & 1 == 0 {
                return None;
            }
            value |= u128::from(self.bytes.get(byte)? >> shift & 1) << bit;
        }
        Some(value)
    }

    /// The 128 bits from `start` on, zeros after the end; `None` when it is not the start of a byte.
    fn whole(&self, start: u64) -> Option<u128> {
        let from = start.is_multiple_of(8).then(|| usize::try_from(start / 8).ok())??;
        let mut value = [0; 16];
        for (slot, byte) in value.iter_mut().zip(self.bytes.get(from..)?) {
            *slot = *byte;
        }
        Some(u128::from_le_bytes(value))
    }

    /// Appends `size` bits at bit `at`; `bits` gives each bit, `None` where it is not known.
    pub(super) fn put(&mut self, at: u64, size: u64, mut bit: impl FnMut(u64) -> Option<bool>) {
        let end = at.saturating_add(size).min(MAX_GATHERED * 8);
        let bytes = usize::try_from(end.div_ceil(8)).unwrap_or(0);
        let known = self.known.get_or_insert_with(|| vec![0xff; self.bytes.len()]);
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
            known.resize(bytes, 0);
        }
        for index in 0..end.saturating_sub(at) {
            let (byte, mark) = ((at + index) / 8, 1 << ((at + index) % 8));
            let Some(value) = bit(index) else { continue };
            if let (Some(bytes), Some(known)) =
                (self.bytes.get_mut(byte as usize), known.get_mut(byte as usize))
            {
                *known |= mark;
                *bytes |= if value { mark } else { 0 };
            }
        }
    }
}
