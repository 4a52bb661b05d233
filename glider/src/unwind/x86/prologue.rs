//! Where the return address is in code that no table describes, told from the instructions
//! at the pc and at the function's start: before, inside and after the usual prologue
//! `push %rbp; mov %rsp,%rbp`, at a `ret`, and in the stubs of the procedure linkage table.
//!
//! What is told here is a hint: the caller validates what it finds there.

use crate::address::Address;
use crate::target::{Arch, Memory};
use crate::unwind::Code;

/// Bytes of a function's start in which a prologue is looked for.
const WINDOW: usize = 32;
/// `endbr64` and `endbr32`.
const ENDBR: [[u8; 4]; 2] = [[0xf3, 0x0f, 0x1e, 0xfa], [0xf3, 0x0f, 0x1e, 0xfb]];
const PUSH_RBP: u8 = 0x55;
/// `mov %rsp,%rbp` in its two encodings.
const SET_RBP: [&[u8]; 2] = [&[0x48, 0x89, 0xe5], &[0x48, 0x8b, 0xec]];
/// `mov %esp,%ebp` in its two encodings.
const SET_EBP: [&[u8]; 2] = [&[0x89, 0xe5], &[0x8b, 0xec]];

/// `xor %ebp,%ebp` in its two encodings; a REX prefix may precede.
const CLEAR_EBP: [[u8; 2]; 2] = [[0x31, 0xed], [0x33, 0xed]];

/// How far a function has come in making its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Progress {
    /// The return address is this many words above the stack pointer; `rbp` is the caller's,
    /// unless its saved value is the word at the stack pointer.
    ReturnAt {
        /// Words between the stack pointer and the return address.
        words: u64,
        /// Whether the word at the stack pointer is the caller's `rbp`.
        saved_rbp: bool,
    },
    /// `rbp` points at the caller's `rbp`, the return address follows it.
    FrameMade,
    /// The function does not make a frame with `rbp`.
    Frameless,
    /// Nothing can be told.
    Unknown,
}

const AT_ENTRY: Progress = Progress::ReturnAt { words: 0, saved_rbp: false };
const PUSHED: Progress = Progress::ReturnAt { words: 1, saved_rbp: true };

/// Reads the instructions around `pc`. `is_exact`: whether the thread is to continue there; a
/// function that has called another is past its prologue.
pub(in crate::unwind) fn progress(
    arch: Arch,
    pc: Address,
    is_exact: bool,
    code: &dyn Code,
    memory: &dyn Memory,
) -> Progress {
    if is_exact {
        let by_instruction = at_instruction(arch, pc, memory);
        if by_instruction != Progress::Unknown {
            return by_instruction;
        }
    }
    let lookup = if is_exact { pc } else { Address(pc.0.wrapping_sub(1)) };
    code.function_start(lookup).map_or(Progress::Unknown, |start| {
        in_function(set_frame_pointer(arch), start, pc, is_exact, code, memory)
    })
}

/// The instructions that make the stack pointer the frame pointer.
fn set_frame_pointer(arch: Arch) -> [&'static [u8]; 2] {
    match arch {
        Arch::X86_64 => SET_RBP,
        Arch::X86 => SET_EBP,
    }
}

/// What the next instruction to run says by itself.
fn at_instruction(arch: Arch, pc: Address, memory: &dyn Memory) -> Progress {
    let sets = set_frame_pointer(arch);
    let mut buffer = [0; 16];
    let read = memory.read(pc, &mut buffer);
    let all = buffer.get(..read).unwrap_or_default();
    let next = ENDBR.iter().find_map(|endbr| all.strip_prefix(endbr)).unwrap_or(all);
    let mut before = [0; 6];
    let is_known = pc.checked_sub(6).and_then(|start| memory.read_exact(start, &mut before)).is_some();
    let stub = |words| Progress::ReturnAt { words, saved_rbp: false };
    match next {
        [PUSH_RBP, rest @ ..] if sets.iter().any(|set| rest.starts_with(set)) => AT_ENTRY,
        _ if is_known && before[5] == PUSH_RBP && sets.iter().any(|set| next.starts_with(set)) => PUSHED,
        // ret, rep ret, ret imm16
        [0xc3 | 0xc2, ..] | [0xf3, 0xc3, ..] => AT_ENTRY,
        // PLT0: push GOT[1]; jmp *GOT[2]. The index was pushed before it.
        [0xff, 0x35, _, _, _, _, 0xff, 0x25, ..] => stub(1),
        [0xff, 0x25, ..] if is_known && before.starts_with(&[0xff, 0x35]) => stub(2),
        // A stub's jmp *GOT[n], and its push of the index followed by jmp PLT0.
        [0xff, 0x25, ..] | [0xf2, 0xff, 0x25, ..] | [0x68, _, _, _, _, 0xe9, ..] => AT_ENTRY,
        [0xe9, ..] if is_known && before[1] == 0x68 => stub(1),
        _ => Progress::Unknown,
    }
}

/// What the function's first instructions say.
fn in_function(
    sets: [&[u8]; 2],
    start: Address,
    pc: Address,
    is_exact: bool,
    code: &dyn Code,
    memory: &dyn Memory,
) -> Progress {
    let Some(reached) = pc.0.checked_sub(start.0) else { return Progress::Unknown };
    if reached == 0 && is_exact {
        return AT_ENTRY;
    }
    let mut buffer = [0; WINDOW];
    let read = memory.read(start, &mut buffer);
    let bytes = buffer.get(..read).unwrap_or_default();
    let is_inside = |offset: usize| code.function_start(Address(start.0 + offset as u64)) == Some(start);
    let set = bytes.windows(sets[0].len()).position(|window| sets.contains(&window));
    let set = set.filter(|set| is_inside(*set));
    let pushed = set.and_then(|set| bytes.get(..set)?.iter().rposition(|byte| *byte == PUSH_RBP));
    let (Some(set), Some(pushed)) = (set, pushed) else { return Progress::Frameless };
    match usize::try_from(reached) {
        Ok(reached) if is_exact && reached <= pushed => AT_ENTRY,
        Ok(reached) if is_exact && reached <= set => PUSHED,
        _ => Progress::FrameMade,
    }
}

/// Whether the function that `pc` returns into has an `xor %ebp,%ebp` before: it marks the
/// outermost frame, as the code does that begins programs and threads.
pub(in crate::unwind) fn has_cleared_rbp(pc: Address, code: &dyn Code, memory: &dyn Memory) -> bool {
    let window = WINDOW as u64 * 2;
    let lookup = Address(pc.0.wrapping_sub(1));
    let start = code.function_start(lookup).map_or(0, |start| start.0).max(pc.0.saturating_sub(window));
    let mut buffer = [0; WINDOW * 2];
    let wanted = usize::try_from(pc.0 - start.min(pc.0)).ok().and_then(|length| buffer.get_mut(..length));
    let Some(bytes) = wanted else { return false };
    memory.read_exact(Address(start), bytes).is_some()
        && CLEAR_EBP.iter().any(|clear| bytes.windows(2).any(|window| window == clear))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::fake::{Bytes, NoCode, OneFunction};

    const FUNCTION: &[u8] = &[
        0xf3, 0x0f, 0x1e, 0xfa, // endbr64
        0x55, // push %rbp
        0x31, 0xc0, // xor %eax,%eax
        0x48, 0x89, 0xe5, // mov %rsp,%rbp
        0x53, // push %rbx
        0x90, // nop
    ];

    #[test]
    fn a_known_function_is_followed_through_its_prologue() {
        let memory = Bytes::new(0x1000, FUNCTION);
        let code = OneFunction { start: 0x1000, end: 0x100c };
        let at = |offset: u64| progress(Arch::X86_64, Address(0x1000 + offset), true, &code, &memory);
        assert_eq!(at(0), AT_ENTRY);
        assert_eq!(at(4), AT_ENTRY);
        assert_eq!(at(5), PUSHED);
        assert_eq!(at(7), PUSHED);
        assert_eq!(at(10), Progress::FrameMade);
        assert_eq!(progress(Arch::X86_64, Address(0x100c), false, &code, &memory), Progress::FrameMade);
    }

    #[test]
    fn a_function_that_never_sets_rbp_is_frameless() {
        let memory = Bytes::new(0x1000, &[0x53, 0x48, 0x83, 0xec, 0x10, 0x90, 0x90]);
        let code = OneFunction { start: 0x1000, end: 0x1007 };
        assert_eq!(progress(Arch::X86_64, Address(0x1005), true, &code, &memory), Progress::Frameless);
    }

    #[test]
    fn the_next_functions_prologue_is_not_taken_for_this_ones() {
        let memory = Bytes::new(0x1000, &[0x90, 0xc3, 0x55, 0x48, 0x89, 0xe5, 0x90, 0x90]);
        let code = OneFunction { start: 0x1000, end: 0x1002 };
        assert_eq!(progress(Arch::X86_64, Address(0x1002), false, &code, &memory), Progress::Frameless);
    }

    #[test]
    fn the_code_that_begins_a_program_clears_rbp() {
        let start = [0xf3, 0x0f, 0x1e, 0xfa, 0x31, 0xed, 0xe8, 0, 0, 0, 0, 0xf4];
        let memory = Bytes::new(0x1000, &start);
        let code = OneFunction { start: 0x1000, end: 0x100c };
        assert!(has_cleared_rbp(Address(0x100b), &code, &memory));
        let later = OneFunction { start: 0x1006, end: 0x100c };
        assert!(!has_cleared_rbp(Address(0x100b), &later, &memory));
        assert!(!has_cleared_rbp(Address(0), &NoCode, &memory));
    }

    #[test]
    fn instructions_tell_without_any_symbol() {
        let at = |bytes: &[u8], offset: u64| {
            progress(Arch::X86_64, Address(0x1000 + offset), true, &NoCode, &Bytes::new(0x1000, bytes))
        };
        let stub = |words| Progress::ReturnAt { words, saved_rbp: false };
        let prologue = [0x90, 0x90, 0x90, 0x90, 0x90, 0x55, 0x48, 0x89, 0xe5];
        assert_eq!(at(&prologue, 5), AT_ENTRY);
        assert_eq!(at(&prologue, 6), PUSHED);
        assert_eq!(at(&[0xc3], 0), AT_ENTRY);
        let plt = [
            0xff, 0x35, 1, 2, 3, 4, 0xff, 0x25, 5, 6, 7, 8, 0x0f, 0x1f, 0x40, 0, // PLT0
            0xff, 0x25, 1, 2, 3, 4, 0x68, 0, 0, 0, 0, 0xe9, 9, 9, 9, 9, // stub
        ];
        assert_eq!(at(&plt, 0), stub(1));
        assert_eq!(at(&plt, 6), stub(2));
        assert_eq!(at(&plt, 16), AT_ENTRY);
        assert_eq!(at(&plt, 22), AT_ENTRY);
        assert_eq!(at(&plt, 27), stub(1));
        assert_eq!(at(&[0x90, 0x90], 0), Progress::Unknown);
        assert_eq!(at(&[], 0), Progress::Unknown);
    }
}
