//! Analyzers that do their work, or fail at it in every way there is.

use super::target::Shared;
use glider::report::Footer;
use glider::session::{Analyzer, Output};
use glider::target::{Capture, Mapping, Memory, ProcessInfo};
use std::sync::atomic::Ordering;

/// What the analyzer does after it has delivered the header, one thread and a part of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Finish,
    Panic,
    Crash,
    Hang,
    EatMemory,
    OverflowStack,
    Babble,
}

/// Renders threads as a line each, `thread INDEX`.
#[derive(Clone)]
pub(crate) struct FakeAnalyzer {
    /// How it goes on in the middle of the second thread.
    pub(crate) then: Then,
    /// How it behaves before the target is held.
    pub(crate) prepare: Then,
    /// Slot 0: the analyzer's process, once it is at work on the held target.
    pub(crate) shared: Shared,
}

impl FakeAnalyzer {
    pub(crate) fn new(then: Then) -> Self {
        FakeAnalyzer { then, prepare: Then::Finish, shared: Shared::new() }
    }
}

impl Analyzer for FakeAnalyzer {
    fn prepare(&mut self, process: &ProcessInfo, mappings: &[Mapping]) {
        assert!(process.pid > 0 && !mappings.is_empty());
        go_on(self.prepare);
    }

    fn analyze(&mut self, capture: &Capture, memory: &dyn Memory, output: &mut dyn Output) -> Footer {
        self.shared.slot(0).store(std::process::id().into(), Ordering::SeqCst);
        output.put_header(format!("header {}\n", capture.process.pid).as_bytes());
        for (index, thread) in capture.threads.iter().enumerate() {
            let stack = thread.registers.as_ref().and_then(|registers| registers.general.sp());
            let readable = stack.is_some_and(|sp| memory.read_u64(glider::address::Address(sp)).is_some());
            output.begin_thread(index);
            output.append(format!("thread {index}").as_bytes());
            if index > 0 {
                go_on(self.then);
            }
            output.append(format!(" stack {readable}\n").as_bytes());
            output.end_thread();
        }
        Footer { problems: vec!["of the analyzer".to_owned()], ..Footer::default() }
    }
}

fn go_on(then: Then) {
    match then {
        Then::Finish => {}
        Then::Panic => panic!("a wild value"),
        // SAFETY: nothing is mapped at address 8, so the write ends the process, which is the point.
        Then::Crash => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) },
        Then::Hang => loop {
            std::thread::park();
        },
        Then::EatMemory => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(std::hint::black_box(Vec::<u8>::with_capacity(64 << 20)));
            }
        }
        Then::OverflowStack => drop(descend(&[0; 1000])),
        Then::Babble => {
            for _ in 0..10_000 {
                write_raw(1, "standard output is not the analyzer's\n");
                write_raw(2, "neither is standard error\n");
            }
        }
    }
}

/// Past the buffers and locks of `print!`, which the test's own threads may have held at the fork.
fn write_raw(descriptor: i32, text: &str) {
    // SAFETY: the pointer and length are those of a live string.
    unsafe { libc::write(descriptor, text.as_ptr().cast(), text.len()) };
}

/// Recursion that no optimization removes, to a depth that no stack has room for.
fn descend(above: &[u8]) -> Vec<u8> {
    let here = std::hint::black_box([above[0]; 1000]);
    if here[0] == 1 {
        return Vec::new();
    }
    let mut below = descend(&here);
    below.push(here[1]);
    below
}
