//! The environment of the process, which often holds passwords and tokens, and is never shown: where it is, so that
//! it is known by whatever name it is reached.

use crate::address::Address;
use crate::object::Modules;
use crate::target::{Arch, Memory, ProcessInfo};
use std::ops::Range;

/// Variables that are looked for beyond those that the process was started with.
const MOST: usize = 4096;
/// Bytes of strings that are looked at in all: more than execve(2) hands on with the usual limit of a stack.
const MOST_BYTES: u64 = 4 << 20;
/// Bytes read at once.
const PIECE: usize = 256;
/// The C library's variable by two of its names: the first is for programs that are linked with it.
const NAMES: [&str; 2] = ["environ", "__environ"];

/// Where the environment is.
#[derive(Debug, Default)]
pub struct Environment {
    /// The strings that the process was started with.
    initial: Range<u64>,
    /// The pointers to all there are now.
    pointers: Range<u64>,
    /// Strings that were put into it since then, by rising address.
    added: Vec<Range<u64>>,
}

impl Environment {
    /// Finds it: the initial strings as the kernel knows them, the others by the C library's `environ` (environ(7)).
    pub fn find(process: &ProcessInfo, modules: &Modules, memory: &dyn Memory, arch: Arch) -> Environment {
        let (start, end) = process.environment;
        let mut found = Environment { initial: start..end, ..Environment::default() };
        let variable =
            modules.iter().filter(|module| module.is_libc() || modules.is_main(module)).find_map(|module| {
                let object = module.object.as_ref().ok()?;
                let symbol = NAMES.into_iter().find_map(|name| object.find_symbol(name))?;
                Some(module.bias.to_runtime(symbol.address))
            });
        let Some(first) = variable.and_then(|variable| memory.read_word(variable, arch)) else {
            return found;
        };
        let word = arch.word();
        let places = (0..MOST as u64).map_while(|index| first.checked_add(index * word));
        let strings = places.map_while(|place| memory.read_word(Address(place), arch));
        let strings: Vec<u64> = strings.take_while(|string| *string != 0).collect();
        found.pointers = first..first.saturating_add(strings.len() as u64 * word);
        let added = strings.into_iter().filter(|string| !found.initial.contains(string));
        let mut left = MOST_BYTES;
        let range = |start: u64| {
            let length = length(memory, start, left);
            left -= length;
            start..start.saturating_add(length)
        };
        found.added = added.map(range).collect();
        found.added.sort_unstable_by_key(|string| string.start);
        found
    }

    /// Whether it is the environment that lies there.
    pub fn holds(&self, address: Address) -> bool {
        let after = self.added.partition_point(|string| string.start <= address.0);
        let before = after.checked_sub(1).and_then(|before| self.added.get(before));
        [Some(&self.initial), Some(&self.pointers), before]
            .into_iter()
            .flatten()
            .any(|range| range.contains(&address.0))
    }
}

/// Bytes of a string with its NUL, as far as it can be read, and no more than `most`.
fn length(memory: &dyn Memory, start: u64, most: u64) -> u64 {
    let mut piece = [0; PIECE];
    for offset in (0..most).step_by(PIECE) {
        let Some(address) = start.checked_add(offset) else { return offset };
        let read = memory.read(Address(address), &mut piece);
        let text = piece.get(..read).unwrap_or_default();
        if let Some(end) = text.iter().position(|byte| *byte == 0) {
            return most.min(offset + end as u64 + 1);
        }
        if read < PIECE {
            return most.min(offset + read as u64);
        }
    }
    most
}
