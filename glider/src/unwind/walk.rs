//! Walks a thread's stack to its outermost frame, and keeps the first and the last frames
//! when there are more than asked for.
//!
//! A walk always ends: the stack pointer rises from frame to frame but for a bounded number
//! of jumps (a handler on its own stack, a coroutine), no jump is made twice to the same
//! place, now and then it is seen to that there is a stack at all, and the number of frames has a limit.

use super::cache::CfiCache;
use super::problem::Problem;
use super::step::{View, step};
use super::x86::new_thread;
use super::{Code, Frame, Stack};
use crate::address::Address;
use crate::limits::FRAMES_WALKED;
use crate::report::Trust;
use crate::target::{Memory, ThreadRegisters};
use std::collections::VecDeque;
use std::sync::Arc;

/// Times the walk may go on at the same place of the stack or further down.
const MAX_JUMPS: usize = 256;
/// Frames walked between two looks whether there is still memory where they are: rules that read nothing
/// of the stack can be followed anywhere.
const STRIDE: usize = 256;

/// Walks the stack of a thread.
///
/// All frames up to the outermost are found and counted. At most `max_frames` of them are
/// kept: when there are more, the first three quarters of that and the last quarter. With
/// `max_frames` below four only first ones are kept, and the gap follows the last of them.
pub fn walk(
    thread: &ThreadRegisters,
    code: &dyn Code,
    memory: &dyn Memory,
    max_frames: usize,
    cache: &mut CfiCache,
) -> Stack {
    let mut kept = Kept::new(max_frames);
    let mut current = Frame {
        registers: thread.general,
        floating: Some(Arc::new(thread.floating.clone())),
        cfa: None,
        trust: Trust::Context,
        pc_is_exact: true,
        signal_frame: None,
    };
    if current.pc().is_none() {
        return kept.into_stack(Some(Problem::NoRegisters));
    }
    let view = View { code, memory, is_newborn: new_thread::is_newborn(thread) };
    let mut progress = Progress::default();
    let problem = loop {
        let next = match step(&mut current, view, cache) {
            Ok(Some(next)) => next,
            Ok(None) => break None,
            Err(problem) => break Some(problem),
        };
        if let Err(problem) = progress.check(&current, &next) {
            break Some(problem);
        }
        if kept.count % STRIDE == STRIDE - 1 && !next.pc_is_exact && !is_on_a_stack(&next, memory) {
            break Some(Problem::NoProgress { sp: Address(current.registers.sp().unwrap_or(0)) });
        }
        if kept.count + 1 >= FRAMES_WALKED {
            break Some(Problem::TooManyFrames { limit: FRAMES_WALKED });
        }
        kept.push(std::mem::replace(&mut current, next));
    };
    kept.push(current);
    kept.into_stack(problem)
}

/// Whether the word can be read that the call of a callee has left below a caller's stack pointer.
fn is_on_a_stack(caller: &Frame, memory: &dyn Memory) -> bool {
    let arch = caller.registers.arch();
    let top = caller.registers.sp().and_then(|sp| sp.checked_sub(arch.word()));
    top.is_some_and(|top| memory.read_word(Address(top), arch).is_some())
}

/// Sees to it that a walk gets on.
#[derive(Default)]
struct Progress {
    /// Places (pc, sp) gone to without moving up the stack.
    jumps: Vec<(Option<u64>, Option<u64>)>,
}

impl Progress {
    fn check(&mut self, from: &Frame, to: &Frame) -> Result<(), Problem> {
        if to.registers.sp() > from.registers.sp() {
            return Ok(());
        }
        let place = (to.registers.pc(), to.registers.sp());
        if self.jumps.contains(&place) || self.jumps.len() >= MAX_JUMPS {
            return Err(Problem::NoProgress { sp: Address(from.registers.sp().unwrap_or(0)) });
        }
        self.jumps.push(place);
        Ok(())
    }
}

/// The first and the last frames of a walk.
struct Kept {
    head: Vec<Frame>,
    tail: VecDeque<Frame>,
    max_head: usize,
    max_tail: usize,
    count: usize,
}

impl Kept {
    fn new(max_frames: usize) -> Kept {
        let max_tail = max_frames / 4;
        Kept { head: Vec::new(), tail: VecDeque::new(), max_head: max_frames - max_tail, max_tail, count: 0 }
    }

    fn push(&mut self, frame: Frame) {
        self.count += 1;
        if self.head.len() < self.max_head {
            self.head.push(frame);
        } else if self.max_tail > 0 {
            if self.tail.len() == self.max_tail {
                self.tail.pop_front();
            }
            self.tail.push_back(frame);
        }
    }

    fn into_stack(self, problem: Option<Problem>) -> Stack {
        let mut frames = self.head;
        let head = frames.len();
        frames.extend(self.tail);
        let gap_before = (self.count > frames.len()).then_some(head);
        Stack {
            frames,
            frame_count: self.count,
            gap_before,
            problem: problem.map(|problem| problem.to_string()),
        }
    }
}
