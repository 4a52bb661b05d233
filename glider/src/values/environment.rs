//! The environment of the process, which often holds passwords and tokens, and is never shown: where it is, so that
//! it is known by whatever name it is reached.

use crate::address::Address;
use crate::object::Modules;
use crate::target::copy::Range;
use crate::target::{Capture, Memory};

/// Variables that are looked for beyond those that the process was started with.
const MOST: usize = 4096;
/// Bytes of strings that are looked at in all: more than execve(2) hands on with the usual limit of a stack.
const MOST_BYTES: usize = 4 << 20;

/// Where the environment is: its strings and the pointers to them, by rising address.
#[derive(Debug)]
pub struct Environment(Vec<Range>);

impl Environment {
    /// Finds it: the strings that the process was started with as the kernel knows them, the others by the C
    /// library's `environ` (environ(7)), of whose names the first is for programs that are linked with it.
    pub fn find(capture: &Capture, modules: &Modules, memory: &dyn Memory) -> Environment {
        let (start, end) = capture.process.environment;
        let initial = Range { start, end };
        let mut places = vec![initial];
        let variable = modules.c_library_variable(&["environ", "__environ"]);
        if let Some(first) = variable.and_then(|variable| memory.read_word(variable, capture.arch())) {
            places.extend(strings(capture, memory, first, initial));
        }
        places.retain(|place| place.start < place.end);
        places.sort_unstable_by_key(|place| place.start);
        Environment(places)
    }

    /// Whether it is the environment that lies there.
    pub fn holds(&self, address: Address) -> bool {
        Range::any_holds(&self.0, address.0)
    }
}

/// The pointers from `first` on, and the strings that they lead to outside of the initial ones.
fn strings(capture: &Capture, memory: &dyn Memory, first: u64, initial: Range) -> Vec<Range> {
    let word = capture.arch().word();
    let places = (0..MOST as u64).map_while(|index| first.checked_add(index * word));
    let pointers = places.map_while(|place| memory.read_word(Address(place), capture.arch()));
    let pointers: Vec<u64> = pointers.take_while(|pointer| *pointer != 0).collect();
    let end = first.saturating_add(pointers.len() as u64 * word);
    let mut left = MOST_BYTES;
    let added = pointers.into_iter().filter(|start| !Range::any_holds(&[initial], *start));
    let strings = added.map(|start| {
        let (text, is_ended) = memory.read_text(Address(start), left);
        let length = text.len() + usize::from(is_ended);
        left = left.saturating_sub(length);
        Range { start, end: start.saturating_add(length as u64) }
    });
    strings.chain([Range { start: first, end }]).collect()
}
