//! Stacks and modules of a target without any file: what its own memory tells. For the parts that an
//! analyzer has not delivered.
//!
//! The keeper does this, which parses nothing else: ELF headers and stacks, bounded in size and time,
//! and a panic costs only these frames.

#![forbid(unsafe_code)]

use super::fallback;
use crate::address::Address;
use crate::limits::{BARE_FRAMES, MODULES};
use crate::object::head_in_memory;
use crate::report::{Frame, Module};
use crate::target::{Capture, CapturedThread, Mapping, Memory};
use crate::unwind::{self, CfiCache, Code, UnwindSections};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Time for all of it.
const TIME: Duration = Duration::from_secs(1);

/// What the memory tells.
#[derive(Debug, Default)]
pub struct Bare {
    /// The frames of each thread of the capture; none where there was no time for them.
    pub stacks: Vec<BareStack>,
}

/// The frames of a thread.
#[derive(Debug, Default)]
pub struct BareStack {
    /// The innermost first.
    pub frames: Vec<Frame>,
    /// How many there are beyond them.
    pub left_out: usize,
}

impl Bare {
    /// Reads it, within a second.
    pub fn read(capture: &Capture, memory: &dyn Memory) -> Bare {
        guarded(|until| {
            let objects = Objects::find(&capture.mappings, memory, until);
            let stacks = capture.threads.iter().map(|thread| stack(capture, thread, &objects, memory, until));
            Bare { stacks: stacks.collect() }
        })
    }
}

/// The modules alone, with their build-ids: with the capture, what symbolizing elsewhere and later needs.
pub fn read_modules(capture: &Capture, memory: &dyn Memory) -> Vec<Module> {
    guarded(|until| Objects::find(&capture.mappings, memory, until).modules())
}

fn guarded<R: Default>(read: impl FnOnce(Instant) -> R) -> R {
    let until = Instant::now() + TIME;
    catch_unwind(AssertUnwindSafe(|| read(until))).unwrap_or_default()
}

fn stack(
    capture: &Capture,
    thread: &CapturedThread,
    objects: &Objects<'_>,
    memory: &dyn Memory,
    until: Instant,
) -> BareStack {
    let Some(registers) = thread.registers.as_deref().filter(|_| Instant::now() < until) else {
        return BareStack::default();
    };
    let mut stack = unwind::walk(registers, objects, memory, BARE_FRAMES, &mut CfiCache::default());
    // Those beyond a gap are no neighbours of these.
    stack.frames.truncate(stack.gap_before.unwrap_or(BARE_FRAMES));
    let frames = stack.frames.iter().enumerate();
    let frames = frames.filter_map(|(index, frame)| {
        let mut shown = fallback::frame(&capture.mappings, index, &frame.registers, frame.trust)?;
        // Generated code is in no module.
        let head = shown.module.as_deref().and_then(|module| objects.heads.get(module));
        let bias = head.and_then(|head| head.bias);
        shown.module_offset = bias.map(|bias| Address(shown.offset.0.wrapping_sub(bias)));
        Some(shown)
    });
    BareStack { left_out: stack.frame_count.saturating_sub(stack.frames.len()), frames: frames.collect() }
}

/// The objects of a memory map, by their code.
struct Objects<'a> {
    mappings: &'a [Mapping],
    /// What was added to the addresses of each file, and its build-id; by path.
    heads: HashMap<&'a str, Head>,
}

#[derive(Default)]
struct Head {
    bias: Option<u64>,
    build_id: Option<String>,
}

impl<'a> Objects<'a> {
    fn find(mappings: &'a [Mapping], memory: &dyn Memory, until: Instant) -> Objects<'a> {
        let mut heads = HashMap::new();
        let is_head =
            |mapping: &&Mapping| mapping.offset == 0 && (mapping.inode != 0 || mapping.protection.execute);
        for mapping in mappings.iter().filter(is_head) {
            let Some(path) = mapping.path.as_deref().filter(|path| !heads.contains_key(path)) else {
                continue;
            };
            if heads.len() == MODULES || Instant::now() > until {
                break;
            }
            let Some(object) = head_in_memory(mapping, path, memory) else { continue };
            let head =
                Head { bias: object.bias(mapping).map(|bias| bias.0), build_id: object.build_id_in_hex() };
            heads.insert(path, head);
        }
        Objects { mappings, heads }
    }

    fn mapping(&self, address: Address) -> Option<&'a Mapping> {
        let after = self.mappings.partition_point(|mapping| mapping.start <= address);
        self.mappings.get(after.checked_sub(1)?).filter(|mapping| address < mapping.end)
    }

    /// One for each object with code, from its first address to its last.
    fn modules(&self) -> Vec<Module> {
        let mut modules: Vec<Module> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for mapping in self.mappings {
            let Some(path) = mapping.path.as_deref().filter(|path| self.heads.contains_key(path)) else {
                continue;
            };
            match known.get(path).and_then(|index| modules.get_mut(*index)) {
                Some(module) => module.end_addr = mapping.end,
                None => {
                    known.insert(path, modules.len());
                    modules.push(Module {
                        filename: path.into(),
                        base_addr: mapping.start,
                        end_addr: mapping.end,
                        debug_id: self.heads.get(path).and_then(|head| head.build_id.clone()),
                        read_from: None,
                        debug_info: None,
                        problem: None,
                        remedy: None,
                    });
                }
            }
        }
        modules
    }
}

impl Code for Objects<'_> {
    fn unwind_sections(&self, _: Address) -> Option<&UnwindSections> {
        None
    }

    fn is_executable(&self, pc: Address) -> bool {
        self.mapping(pc).is_some_and(|mapping| mapping.protection.execute)
    }

    fn function_start(&self, _: Address) -> Option<Address> {
        None
    }
}
