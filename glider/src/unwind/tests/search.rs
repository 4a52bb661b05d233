//! Finding the table of a function, with search tables that are sound, missing and broken.

use super::*;
use crate::unwind::fake::{Tabled, Words, debug_tabled, section, tabled};
use gimli::write::CallFrameInstruction::Cfa;

/// Ten functions, each with a frame of a size of its own, and the end.
fn functions() -> Vec<Function> {
    let sized =
        |index: u64| function(0x1000 + index * 0x200, vec![(0, Cfa(X86_64::RSP, 8 + 8 * index as i32))]);
    (0..10).map(sized).chain([outermost(0x4000)]).collect()
}

/// Walks out of each function; the frame's size tells whether its own table was found.
fn finds_every_function(code: &Tabled) {
    let mut cache = CfiCache::default();
    for index in 0..10 {
        let mut words = vec![0; 11];
        words[index as usize] = BIAS + 0x4010;
        for offset in [0, 0xff] {
            let thread = thread_at(0x1000 + index * 0x200 + offset);
            let stack = walk(&thread, code, &Words::new(STACK, &words), 10, &mut cache);
            assert_eq!(stack.problem, None);
            assert_eq!(stack.frames[0].cfa, Some(Address(STACK + 8 + 8 * index)), "function {index}");
        }
    }
}

fn with_header(change: impl FnOnce(&mut Vec<u8>)) -> Tabled {
    let mut code = tabled(functions());
    let header = code.sections.eh_frame_hdr.unwrap();
    let mut bytes = header.data.slice().to_vec();
    change(&mut bytes);
    code.sections.eh_frame_hdr = Some(section(header.address, bytes));
    code
}

#[test]
fn through_the_search_table() {
    finds_every_function(&tabled(functions()));
}

#[test]
fn without_a_search_table() {
    let mut code = tabled(functions());
    code.sections.eh_frame_hdr = None;
    finds_every_function(&code);
}

#[test]
fn in_debug_frame() {
    finds_every_function(&debug_tabled(functions()));
}

#[test]
fn in_debug_frame_when_eh_frame_does_not_have_it() {
    let mut code = tabled(vec![outermost(0x4000)]);
    code.sections.debug_frame = debug_tabled(functions()).sections.debug_frame;
    finds_every_function(&code);
}

#[test]
fn past_a_broken_search_table() {
    finds_every_function(&with_header(|header| header[0] = 2));
    finds_every_function(&with_header(|header| header.truncate(40)));
    finds_every_function(&with_header(|header| header.truncate(3)));
    // A count that no section can hold.
    finds_every_function(&with_header(|header| header[8..12].fill(0xff)));
    finds_every_function(&with_header(|header| header[8..12].fill(0)));
    // No function starts where the table says.
    finds_every_function(&with_header(|header| header[12..].fill(0x11)));
    // The entry that it names is none, or another function's.
    finds_every_function(&with_header(|header| {
        header[12..].as_chunks_mut::<8>().0.iter_mut().for_each(|entry| entry[4] ^= 4);
    }));
    finds_every_function(&with_header(|header| {
        let first = header[12..20].to_vec();
        header[12..]
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .for_each(|entry| entry[4..].copy_from_slice(&first[4..]));
    }));
}

#[test]
fn a_pc_between_functions_has_no_table() {
    for code in [tabled(functions()), debug_tabled(functions())] {
        for pc in [0xfff, 0x1100, 0x11ff, 0x4100] {
            let stack = walk_all(&thread_at(pc), &code, &Words::new(STACK, &[]));
            assert_eq!(stack.frames[0].cfa, None, "{pc:#x}");
            assert!(stack.problem.is_some_and(|problem| problem.starts_with("no call frame information")));
        }
    }
}

#[test]
fn tables_of_discarded_code_are_passed_over() {
    let mut all = vec![Function { length: 0x7000, ..outermost(0) }];
    all.extend(functions());
    finds_every_function(&debug_tabled(all));
}
