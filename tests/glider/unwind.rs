//! The unwinder against gdb, on compiled programs: the same frames and the same callee-saved
//! registers in each; and at every instruction of a run, without gdb.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "unwind/gdb.rs"]
mod gdb;
#[path = "unwind/modules.rs"]
mod modules;
#[path = "unwind/process.rs"]
mod process;

use glider::address::Address;
use glider::report::Trust;
use glider::target::Arch;
use glider::target::{Memory, ThreadRegisters};
use glider::unwind::{CfiCache, Frame, Stack, walk};
use modules::{Modules, Tables};
use nix::sys::signal::Signal;
use process::{Held, Program, Target};

/// pause(2), in which most of the scenarios block.
const PAUSE: u32 = 34;
/// read(2), in which the others wait to be released.
const READ: u32 = 0;
const NO_TABLES: [&str; 2] = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"];

/// A stack and what is needed to name its frames.
struct Traced {
    stack: Stack,
    modules: Modules,
}

fn trace(target: &Target, registers: &ThreadRegisters, tables: Tables, max_frames: usize) -> Traced {
    let memory = target.memory();
    let modules = Modules::load(target, &memory, tables);
    let stack = walk(registers, &modules, &memory, max_frames, &mut CfiCache::default());
    Traced { stack, modules }
}

impl Traced {
    fn name(&self, frame: &Frame) -> Option<&str> {
        self.modules.name(frame.lookup_pc()?)
    }

    fn names(&self) -> Vec<&str> {
        self.stack.frames.iter().map(|frame| self.name(frame).unwrap_or("?")).collect()
    }

    fn has_ended_well(&self) {
        assert_eq!(self.stack.problem, None, "{:?}", self.names());
        assert_eq!(self.stack.gap_before, None);
        assert_eq!(self.stack.frame_count, self.stack.frames.len());
    }

    /// Compares with gdb, frame by frame: pc, name of our own program's functions, registers.
    /// Gives how many registers gdb knows and we do not.
    fn agrees_with(&self, target: &Target, gdb: &[gdb::GdbFrame]) -> usize {
        let show = |pcs: Vec<(u64, String)>| -> String {
            pcs.iter().map(|(pc, name)| format!("\n  {pc:#x} {name}")).collect()
        };
        let pcs = |frames: &[Frame]| -> Vec<u64> {
            frames.iter().map(|frame| frame.registers.pc().unwrap()).collect()
        };
        assert_eq!(
            pcs(&self.stack.frames),
            gdb.iter().map(|frame| frame.pc).collect::<Vec<_>>(),
            "ours:{}\ngdb's:{}\n{:?}",
            show(
                self.stack
                    .frames
                    .iter()
                    .map(|frame| {
                        (frame.registers.pc().unwrap(), format!("{:?} {:?}", self.name(frame), frame.trust))
                    })
                    .collect()
            ),
            show(gdb.iter().map(|frame| (frame.pc, format!("{:?}", frame.name))).collect()),
            self.stack.problem
        );
        let exe = std::fs::read_link(format!("/proc/{}/exe", target.pid())).unwrap();
        let mut unknown = 0;
        for (index, (frame, theirs)) in self.stack.frames.iter().zip(gdb).enumerate() {
            let pc = frame.lookup_pc().unwrap();
            if let (Some(ours), Some(theirs)) = (self.name(frame), &theirs.name)
                && self.modules.path(pc) == exe.to_str()
            {
                assert!(self.modules.is_named(pc, theirs), "frame {index}: {ours}, for gdb {theirs}");
            }
            for (name, value) in &theirs.registers {
                let number =
                    Arch::X86_64.general_names().iter().position(|known| known == name).unwrap() as u16;
                match frame.registers.get(number) {
                    Some(ours) => assert_eq!(ours, *value, "{name} in frame {index}: {:?}", self.names()),
                    None => unknown += 1,
                }
            }
        }
        unknown
    }
}

/// Starts a scenario that blocks in pause(2), traces the thread that does and compares with gdb.
fn blocked(program: &Program, scenario: &str, tables: Tables) -> (Traced, usize) {
    let target = program.start(scenario);
    let thread = *target.threads().last().unwrap();
    target.await_system_call(thread, PAUSE);
    let traced = {
        let held = Held::stop(thread);
        trace(&target, &held.registers(), tables, 10_000)
    };
    traced.has_ended_well();
    let gdb = gdb::frames(&target);
    let unknown = traced.agrees_with(&target, &gdb[&thread.as_raw()]);
    (traced, unknown)
}

/// The same, for scenarios and tables with which every register must be recovered.
fn blocked_exactly(options: &[&str], scenarios: &[&str]) {
    let program = Program::compile(options);
    for scenario in scenarios {
        let (traced, unknown) = blocked(&program, scenario, Tables::All);
        assert_eq!(unknown, 0, "{scenario}: registers that gdb knows and we do not");
        let is_sure = |frame: &Frame| matches!(frame.trust, Trust::Context | Trust::Cfi);
        assert!(traced.stack.frames.iter().all(is_sure), "{scenario}: {:?}", traced.names());
    }
}

const BLOCKING: [&str; 6] = ["plain", "vla", "aligned", "handler", "altstack", "thread"];

#[test]
fn frames_and_registers_are_gdbs_at_o0() {
    blocked_exactly(&["-O0", "-g"], &BLOCKING);
}

#[test]
fn frames_and_registers_are_gdbs_at_o2() {
    blocked_exactly(&["-O2", "-g"], &BLOCKING);
}

#[test]
fn frames_and_registers_are_gdbs_at_os_without_frame_pointers() {
    blocked_exactly(&["-Os", "-fomit-frame-pointer", "-g"], &["plain", "vla", "aligned", "handler"]);
}

#[test]
fn frames_and_registers_are_gdbs_in_static_programs() {
    blocked_exactly(&["-O2", "-g", "-static"], &["plain", "handler", "thread"]);
    blocked_exactly(&["-O2", "-g", "-static-pie"], &["handler"]);
}

#[test]
fn debug_frame_serves_where_there_is_no_eh_frame() {
    let options = [&["-O2", "-g", "-fomit-frame-pointer"][..], &NO_TABLES].concat();
    blocked_exactly(&options, &["vla", "aligned", "handler", "thread"]);
}

#[test]
fn a_missing_search_table_changes_nothing() {
    let program = Program::compile(&["-O2", "-g"]);
    for scenario in ["handler", "thread"] {
        assert_eq!(blocked(&program, scenario, Tables::NoSearchTable).1, 0, "{scenario}");
    }
}

#[test]
fn frame_pointers_serve_where_there_are_no_tables_and_no_symbols() {
    // gdb gets a .debug_frame: without, it loses its way.
    let options = [&["-O2", "-g", "-fno-omit-frame-pointer"][..], &NO_TABLES].concat();
    let program = Program::compile(&options);
    for scenario in ["plain", "vla", "handler", "thread"] {
        let (traced, _) = blocked(&program, scenario, Tables::NoneOfTheProgram);
        let by_chain = |frame: &&Frame| frame.trust == Trust::FramePointer;
        assert!(traced.stack.frames.iter().filter(by_chain).count() >= 3, "{scenario}");
    }
}

#[test]
fn a_signal_frame_tells_where_its_data_is_and_what_the_interrupted_code_had() {
    let program = Program::compile(&["-O2", "-g"]);
    let target = program.start("altstack");
    target.await_system_call(target.pid(), PAUSE);
    let registers = Held::stop(target.pid()).registers();
    let traced = trace(&target, &registers, Tables::All, 256);
    traced.has_ended_well();
    let frames = &traced.stack.frames;
    let trampoline = frames.iter().position(|frame| frame.signal_frame.is_some()).expect("a signal frame");
    let signal = frames[trampoline].signal_frame.unwrap();
    let mut number = [0; 4];
    let memory = target.memory();
    memory.read_exact(signal.siginfo.unwrap(), &mut number).unwrap();
    assert_eq!(i32::from_le_bytes(number), Signal::SIGSEGV as i32);
    let fault = memory.read_u64(signal.siginfo.unwrap().checked_add(16).unwrap());
    assert_eq!(fault, Some(8), "si_addr");
    let interrupted = &frames[trampoline + 1];
    assert!(interrupted.pc_is_exact);
    assert_eq!(traced.name(interrupted), Some("fault_at_first_instruction"));
    assert_eq!(interrupted.registers.get(0), Some(0x1122_3344_5566_7788), "rax");
    let floating = interrupted.floating.as_ref().expect("the kernel saved them");
    assert_eq!(floating.xmm[8][..8], 0x1122_3344_5566_7788u64.to_le_bytes());
    assert!(frames[trampoline + 2].floating.is_none() && frames[1].floating.is_none());
    assert!(interrupted.registers.sp() > frames[trampoline].registers.sp(), "back on the thread's stack");
}

/// Runs a program into its fault, and compares with gdb there.
fn faulted(program: &Program, scenario: &str) -> Traced {
    let mut target = program.start(scenario);
    target.await_system_call(target.pid(), READ);
    let held = Held::seize(target.pid());
    target.release();
    assert_eq!(held.wait(), Some(Signal::SIGSEGV));
    let traced = trace(&target, &held.registers(), Tables::All, 256);
    traced.has_ended_well();
    held.leave_stopped();
    let gdb = gdb::frames(&target);
    traced.agrees_with(&target, &gdb[&target.pid().as_raw()]);
    traced
}

#[test]
fn a_call_through_a_null_or_wild_pointer_shows_its_caller() {
    for options in [&["-O0", "-g"][..], &["-O2", "-g"], &["-O2", "-s"]] {
        let program = Program::compile(options);
        for (scenario, pc) in [("null", 0), ("wild", 0x1234_5678_9000)] {
            let traced = faulted(&program, scenario);
            assert_eq!(traced.stack.frames[0].pc(), Some(Address(pc)));
            assert_eq!(traced.stack.frames[1].trust, Trust::Scan);
            assert!(traced.stack.frames[2..].iter().all(|frame| frame.trust == Trust::Cfi));
            if !options.contains(&"-s") {
                assert_eq!(traced.names()[1..3], ["call_nowhere", "layer"]);
            }
        }
        let (traced, _) = blocked(&program, "nullhandler", Tables::All);
        assert!(traced.stack.frames.iter().any(|frame| frame.pc() == Some(Address(0)) && frame.pc_is_exact));
    }
}

#[test]
fn deep_recursion_is_walked_whole_and_kept_at_both_ends() {
    let program = Program::compile(&["-O0", "-g"]);
    let target = program.start("deep");
    target.await_system_call(target.pid(), PAUSE);
    let registers = Held::stop(target.pid()).registers();
    let cut = trace(&target, &registers, Tables::All, 256);
    let all = trace(&target, &registers, Tables::All, 10_000);
    all.has_ended_well();
    let names = all.names();
    let recursions = names.iter().filter(|name| **name == "recurse").count();
    assert_eq!((recursions, names.last()), (5001, Some(&"_start")));
    assert!(all.stack.frames[1..].iter().all(|frame| frame.trust == Trust::Cfi));
    assert_eq!(cut.stack.frame_count, all.stack.frame_count);
    assert_eq!((cut.stack.frames.len(), cut.stack.gap_before), (256, Some(192)));
    let registers = |frames: &[Frame]| -> Vec<_> { frames.iter().map(|frame| frame.registers).collect() };
    assert_eq!(registers(&cut.stack.frames[..192]), registers(&all.stack.frames[..192]));
    assert_eq!(
        registers(&cut.stack.frames[192..]),
        registers(&all.stack.frames[all.stack.frames.len() - 64..])
    );
}

#[test]
fn assembly_without_tables_is_crossed_by_a_scan_and_tables_serve_again_beyond_it() {
    for options in [&["-O0"][..], &["-O2"]] {
        let program = Program::compile(options);
        let target = program.start("assembly");
        target.await_system_call(target.pid(), PAUSE);
        let registers = Held::stop(target.pid()).registers();
        let traced = trace(&target, &registers, Tables::All, 256);
        traced.has_ended_well();
        let names = traced.names();
        let untabled = names.iter().position(|name| *name == "untabled").expect("the function is there");
        assert_eq!(names[untabled - 1..untabled + 3], ["blocked_layer", "untabled", "assembly", "main"]);
        let trusts: Vec<_> = traced.stack.frames[untabled..untabled + 3].iter().map(|f| f.trust).collect();
        assert_eq!(trusts, [Trust::Cfi, Trust::Scan, Trust::Cfi]);
        assert_eq!(names.last(), Some(&"_start"));
    }
}

#[test]
fn a_coroutines_stack_ends_where_makecontext_began_it() {
    // gdb takes the context that follows this one for two more frames.
    for options in [&["-O0"][..], &["-O2"]] {
        let program = Program::compile(options);
        let target = program.start("coroutine");
        target.await_system_call(target.pid(), PAUSE);
        let registers = Held::stop(target.pid()).registers();
        let traced = trace(&target, &registers, Tables::All, 256);
        traced.has_ended_well();
        let names = traced.names();
        assert_eq!(names[1..5], ["block", "layer", "layer", "coroutine_body"]);
        assert_eq!(names.len(), 6, "{names:?}");
    }
}

#[test]
fn a_thread_that_has_not_run_yet_has_one_frame_and_its_maker_all() {
    let program = Program::compile(&["-O2"]);
    let mut target = program.start("birth");
    target.await_system_call(target.pid(), READ);
    let maker = Held::seize(target.pid());
    target.release();
    let born = maker.wait_for_birth();
    let traced = trace(&target, &born.registers(), Tables::All, 256);
    traced.has_ended_well();
    assert_eq!(traced.stack.frame_count, 1, "{:?}", traced.names());
    let traced = trace(&target, &maker.registers(), Tables::All, 256);
    traced.has_ended_well();
    let names = traced.names();
    let own: Vec<_> = names.iter().filter(|name| ["thread", "birth", "main"].contains(name)).collect();
    assert_eq!(own, [&"thread", &"birth", &"main"], "{names:?}");
}

/// Runs instruction by instruction through stubs, the dynamic linker, libc, the vdso's callers
/// and our own code; at each the walk must come to the outermost frame through `main`.
fn stepped(options: &[&str], tables: Tables) {
    let program = Program::compile(options);
    let mut target = program.start("stepped");
    target.await_system_call(target.pid(), READ);
    let held = Held::stop(target.pid());
    target.release();
    let memory = target.memory();
    let modules = Modules::load(&target, &memory, tables);
    let main = {
        let traced = trace(&target, &held.registers(), tables, 256);
        traced.has_ended_well();
        let names = traced.names();
        let main = names.iter().position(|name| *name == "main").expect("main");
        traced.stack.frames[main].registers.sp()
    };
    let mut cache = CfiCache::default();
    let (mut steps, mut in_vdso, mut in_handler, mut in_trampoline) = (0, 0, 0, 0);
    loop {
        let registers = held.registers();
        let memory = target.memory();
        let pc = registers.general.pc().unwrap();
        let mut next = [0; 1];
        memory.read_exact(Address(pc), &mut next).expect("code is readable");
        if next == [0xcc] {
            break;
        }
        let stack = walk(&registers, &modules, &memory, 256, &mut cache);
        let names: Vec<_> = stack
            .frames
            .iter()
            .map(|frame| frame.lookup_pc().and_then(|pc| modules.name(pc)).unwrap_or("?"))
            .collect();
        assert_eq!(stack.problem, None, "step {steps}, {names:?}");
        let found = stack.frames.iter().find(|frame| {
            frame.registers.sp() == main && frame.lookup_pc().and_then(|pc| modules.name(pc)) == Some("main")
        });
        assert!(found.is_some(), "step {steps} at {pc:#x}: {names:?}");
        assert_eq!(names.last(), Some(&"_start"), "step {steps}");
        in_vdso += usize::from(modules.path(Address(pc)) == Some("[vdso]"));
        in_handler += usize::from(names[0] == "on_passing_signal");
        in_trampoline += usize::from(stack.frames[0].signal_frame.is_some());
        held.step();
        steps += 1;
        assert!(steps < 100_000, "the program does not come to its trap");
    }
    let passed = (steps, in_vdso, in_handler, in_trampoline);
    assert!(steps > 1000 && in_vdso > 5 && in_handler > 2 && in_trampoline == 2, "{passed:?}");
    println!("{options:?}: {passed:?}");
}

#[test]
fn every_instruction_can_be_unwound_from_by_tables() {
    stepped(&["-O2", "-Wl,-z,lazy", "-no-pie"], Tables::All);
}

#[test]
fn every_instruction_can_be_unwound_from_by_debug_frame() {
    stepped(&[&["-Os", "-g", "-fomit-frame-pointer", "-Wl,-z,lazy"][..], &NO_TABLES].concat(), Tables::All);
}

#[test]
fn every_instruction_can_be_unwound_from_without_tables() {
    for level in ["-O0", "-O2"] {
        stepped(&[level, "-fno-omit-frame-pointer", "-Wl,-z,lazy"], Tables::NoneOfTheProgram);
    }
}
