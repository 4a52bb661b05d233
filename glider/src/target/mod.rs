//! The target as glider sees it: a [`Capture`] (plain data, taken while every
//! thread was held) and a [`Memory`] to read from.
//!
//! Pipeline place: the first step. Nothing here knows ELF, DWARF or the report.

mod access;
mod arch;
pub mod capture;
pub mod copy;
mod error;
pub mod hold;
pub mod image;
pub mod live;
pub mod maps;
pub mod mounts;
mod pagemap;
pub mod procfs;
mod ptrace;
mod reaper;
mod register_sets;
pub mod registers;
pub mod siginfo;
pub mod snapshot;
pub mod system_calls;
mod system_calls_32;

pub use access::{check_architecture, open_target};
pub use arch::{Arch, Register};
pub use capture::{Capture, CapturedThread, Mapping, ProcessInfo, Protection};
pub use error::TargetError;
pub use hold::{Hold, with_hold};
pub use live::LiveMemory;
pub use procfs::{Owner, ProcessDirectory};
pub use registers::{FloatingPoint, Registers, ThreadRegisters, Wide};

use crate::address::Address;

/// Read access to the target's memory. Implemented by the live process, by the
/// page cache over it and by the arrays that tests use.
pub trait Memory {
    /// Copies bytes from `address` on into `buffer` and gives how many could be
    /// read: less than asked where the memory ends, zero where there is none.
    /// A short read is an ordinary outcome, never an error.
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize;

    /// How many reads so far may have seen the target at a later moment than that of the stop.
    fn moving_reads(&self) -> u64 {
        0
    }

    /// Whether the target is no longer held, so that it runs if nothing else stops it.
    fn is_released(&self) -> bool {
        false
    }

    /// Fills the whole buffer or gives `None`.
    fn read_exact(&self, address: Address, buffer: &mut [u8]) -> Option<()> {
        (self.read(address, buffer) == buffer.len()).then_some(())
    }

    /// Bytes from `address` on up to a NUL, or as far as they can be read, but little more than `most`; and whether
    /// the NUL was found.
    fn read_text(&self, address: Address, most: usize) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let mut chunk = [0; 256];
        while text.len() < most {
            let Some(at) = address.checked_add(text.len() as u64) else { break };
            // Up to the end of 256 aligned bytes, so that no page is asked for without need.
            let room = chunk.get_mut(..256 - (at.0 % 256) as usize).unwrap_or_default();
            let read = self.read(at, room);
            let bytes = room.get(..read).unwrap_or_default();
            if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(bytes.get(..end).unwrap_or_default());
                return (text, true);
            }
            text.extend_from_slice(bytes);
            if read < room.len() {
                break;
            }
        }
        (text, false)
    }

    /// The word of the architecture at `address`.
    fn read_word(&self, address: Address, arch: Arch) -> Option<u64> {
        let mut word = [0; 8];
        let size = usize::try_from(arch.word()).ok()?;
        self.read_exact(address, word.get_mut(..size)?)?;
        Some(u64::from_le_bytes(word))
    }

    /// The eight-byte little-endian word at `address`.
    fn read_u64(&self, address: Address) -> Option<u64> {
        let mut word = [0; 8];
        self.read_exact(address, &mut word)?;
        Some(u64::from_le_bytes(word))
    }
}
