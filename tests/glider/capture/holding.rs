//! What is captured in every situation a process can be in, and how it is afterwards.

use super::target::{Elsewhere, Shared, Target, eventually};
use glider::address::Address;
use glider::target::siginfo::parse_siginfo;
use glider::target::{Capture, CapturedThread, LiveMemory, Mapping, Memory, ProcessInfo, TargetError};
use glider::target::{open_target, snapshot, system_calls, with_hold};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// DWARF numbers.
const RBX: u16 = 3;
const RSP: u16 = 7;
const RIP: u16 = 16;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn capture(pid: i32) -> Capture {
    let process = open_target(pid).unwrap();
    with_hold(&process, soon(), |hold| snapshot::take(hold, &[], &ProcessInfo::default())).unwrap()
}

#[test]
fn a_running_process_is_captured_and_runs_on() {
    let target = Target::start("busy", 3);
    let counts = |captured: &Capture, thread: &CapturedThread| {
        let pc = thread.registers.as_ref().and_then(|registers| registers.general.pc()).unwrap();
        let holds_pc = |mapping: &&Mapping| mapping.start.0 <= pc && pc < mapping.end.0;
        let mapping = captured.mappings.iter().find(holds_pc).unwrap();
        mapping.protection.execute && mapping.path == captured.process.exe
    };
    let mut captured = capture(target.pid());
    eventually("every thread counts, in its own code", || {
        captured = capture(target.pid());
        captured.threads.iter().all(|thread| counts(&captured, thread))
    });
    assert_eq!(captured.threads.len(), 3);
    assert_eq!(captured.threads[0].tid, target.pid());
    assert_eq!(captured.process.pid, target.pid());
    assert!(!captured.process.was_stopped);
    assert!(captured.problems.is_empty(), "{:?}", captured.problems);
    assert!(captured.threads.iter().all(|thread| thread.name == "target" && thread.state == "R (running)"));
    target.assert_let_go();
    target.assert_runs_on();
}

#[test]
fn every_register_arrives_where_it_belongs() {
    let target = Target::start("registers", 1);
    let process = open_target(target.pid()).unwrap();
    let loops =
        |captured: &Capture| captured.threads[0].registers.as_ref().unwrap().general.get(RBX) == Some(0x1b1b);
    let mut captured = capture(target.pid());
    eventually("the loop is reached", || {
        captured = capture(target.pid());
        loops(&captured)
    });
    let registers = captured.threads[0].registers.clone().unwrap();
    assert_eq!(registers.general.get(12), Some(0x1c1c));
    assert_eq!(registers.general.get(15), Some(0x1f1f));
    assert_eq!(registers.system_call, -1, "it runs its own code");
    let half = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xfe, 0x3f];
    assert_eq!(registers.floating.st[0], half, "0.5 in extended precision");
    let xmm9 = [0x1111_2222_3333_4444u64.to_le_bytes(), 0x5555_6666_7777_8888u64.to_le_bytes()].concat();
    assert_eq!(registers.floating.xmm[9].as_slice(), xmm9);
    let code = with_hold(&process, soon(), |hold| {
        let memory = LiveMemory::new(hold.process().open_memory().unwrap());
        let mut code = [0; 2];
        memory.read_exact(Address(registers.general.get(RIP).unwrap()), &mut code).unwrap();
        code
    });
    assert_eq!(code.unwrap(), [0xeb, 0xfe], "jmp to itself");
}

#[test]
fn a_sleeping_thread_says_where_it_sleeps() {
    let target = Target::start("threads", 1);
    let mut captured = capture(target.pid());
    let pauses = |thread: &CapturedThread| {
        let registers = thread.registers.as_ref().unwrap();
        system_calls::current(registers).as_deref() == Some("pause") && thread.state == "S (sleeping)"
    };
    eventually("both threads pause", || {
        captured = capture(target.pid());
        captured.threads.len() == 2 && captured.threads.iter().all(pauses)
    });
    assert!(captured.auxv.iter().any(|(kind, _)| *kind == 33), "AT_SYSINFO_EHDR: where the vdso is");
    assert!(captured.mappings.iter().any(|mapping| mapping.path.as_deref() == Some("[vdso]")));
    assert_eq!(captured.process.cmdline.get(1).map(String::as_str), Some("threads"));
    target.assert_let_go();
    eventually("it sleeps again", || target.states() == "SS");
}

#[test]
fn a_stopped_process_stays_stopped() {
    let target = Target::start("busy", 3);
    target.send(libc::SIGSTOP);
    eventually("it is stopped", || target.states() == "TTT");
    for _ in 0..20 {
        let captured = capture(target.pid());
        assert!(captured.process.was_stopped);
        assert!(
            captured.threads.iter().all(|thread| thread.registers.is_some() && thread.state == "T (stopped)")
        );
        target.assert_let_go();
        eventually("it is stopped again", || target.states() == "TTT");
    }
    let before = target.progress();
    assert_eq!(target.progress(), before);
    target.send(libc::SIGCONT);
    target.assert_runs_on();
}

#[test]
fn a_process_inside_a_signal_handler_is_captured_and_stays_there() {
    let target = Target::start("handler", 1);
    eventually("it pauses", || target.states() == "S");
    let captured = capture(target.pid());
    let registers = captured.threads[0].registers.as_ref().unwrap();
    let process = open_target(target.pid()).unwrap();
    let found = with_hold(&process, soon(), |hold| {
        let memory = LiveMemory::new(hold.process().open_memory().unwrap());
        let mut stack = vec![0; 8192];
        let count = memory.read(Address(registers.general.get(RSP).unwrap()), &mut stack);
        let siginfo = stack[..count].windows(128).step_by(8).filter_map(parse_siginfo);
        let mut sent = siginfo.filter(|signal| signal.number == libc::SIGUSR1 && signal.code == "SI_TKILL");
        sent.any(|signal| signal.sender_pid == Some(target.pid()))
    });
    assert!(found.unwrap(), "its siginfo_t lies on the stack");
    target.assert_let_go();
    eventually("it pauses again", || target.states() == "S");
}

#[test]
fn a_leader_that_has_exited_does_not_hide_the_other_threads() {
    let target = Target::start("leader-exits", 1);
    eventually("the leader has exited", || target.states().starts_with('Z'));
    let captured = capture(target.pid());
    let [leader, other] = captured.threads.as_slice() else { panic!("{:?}", captured.threads) };
    assert_eq!((leader.tid, leader.state.as_str()), (target.pid(), "Z (zombie)"));
    assert!(leader.registers.is_none() && leader.problem.as_deref().unwrap().contains("exited"));
    assert!(other.registers.is_some());
    assert!(captured.process.exe.as_deref().unwrap().ends_with("/target"));
    assert_eq!(captured.process.cmdline.get(1).map(String::as_str), Some("leader-exits"));
    assert!(!captured.mappings.is_empty() && !captured.auxv.is_empty());
    let process = open_target(target.pid()).unwrap();
    let memory = with_hold(&process, soon(), |hold| {
        let memory = LiveMemory::new(hold.process().open_memory().unwrap());
        memory.read_u64(captured.mappings[0].start)
    });
    assert_eq!(memory.unwrap().map(|word| word as u32), Some(u32::from_le_bytes(*b"\x7fELF")));
    target.assert_let_go();
    target.assert_runs_on();
}

#[test]
fn a_hundred_captures_of_a_process_that_spawns_threads_all_the_while() {
    let target = Target::start("spawn", 3);
    for _ in 0..100 {
        let captured = capture(target.pid());
        assert!(captured.threads.len() >= 3);
        assert!(captured.problems.is_empty(), "{:?}", captured.problems);
        assert!(captured.threads.iter().all(|thread| thread.registers.is_some()), "{:?}", captured.threads);
        target.assert_runs_on();
    }
    target.assert_let_go();
}

#[test]
fn while_held_nothing_moves_and_no_thread_is_missed() {
    let target = Target::start("spawn", 3);
    let process = open_target(target.pid()).unwrap();
    for _ in 0..20 {
        with_hold(&process, soon(), |hold| {
            let before = (target.progress(), target.states().len());
            assert!(target.states().chars().all(|state| state == 't'), "{}", target.states());
            assert_eq!(hold.threads().iter().filter(|thread| thread.stop.is_stopped()).count(), before.1);
            std::thread::yield_now();
            assert_eq!((target.progress(), target.states().len()), before);
        })
        .unwrap();
    }
    target.assert_runs_on();
}

#[test]
fn no_signal_is_lost_when_it_comes_while_the_process_is_stopped_or_let_go() {
    const SIGNALS: u64 = 3000;
    let target = Target::start("count-signals", 1);
    let (pid, sent) = (target.pid(), Shared::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..SIGNALS {
                target.queue(libc::SIGRTMIN());
                sent.slot(0).fetch_add(1, Ordering::SeqCst);
                std::thread::yield_now();
            }
        });
        while sent.slot(0).load(Ordering::SeqCst) < SIGNALS {
            // Now and then a thread is caught just as it is about to receive one.
            for raw in capture(pid).threads.iter().filter_map(|thread| thread.signal.as_ref()) {
                let signal = parse_siginfo(raw).unwrap();
                assert_eq!((signal.name.as_str(), signal.code.as_str()), ("SIGRTMIN", "SI_QUEUE"));
                assert_eq!(signal.sender_pid, Some(std::process::id().cast_signed()));
            }
        }
    });
    eventually("every signal arrived", || target.progress() == SIGNALS);
}

#[test]
fn no_signal_is_lost_when_glider_is_killed() {
    let target = Target::start("count-signals", 1);
    let held = Shared::new();
    let mut sent = 0;
    for _ in 0..50 {
        let keeper = Elsewhere::start(|| {
            let process = open_target(target.pid()).unwrap();
            let held = held.slot(0);
            let ended = with_hold(&process, soon(), |_| {
                held.store(1, Ordering::SeqCst);
                eventually("it is killed", || held.load(Ordering::SeqCst) == u64::MAX);
            });
            ended.is_ok()
        });
        // While it is being stopped, so that some are about to be received then, and while it stands still.
        let mut more = 40;
        eventually("it is held", || {
            target.queue(libc::SIGRTMIN());
            sent += 1;
            more -= i32::from(held.slot(0).load(Ordering::SeqCst) == 1);
            more == 0
        });
        held.slot(0).store(0, Ordering::SeqCst);
        keeper.kill(libc::SIGKILL);
    }
    target.assert_let_go();
    eventually("every signal arrived", || target.progress() == sent);
}

#[test]
fn a_thread_in_uninterruptible_sleep_is_left_out_in_bounded_time_and_let_go() {
    let target = Target::start("vfork", 1);
    let captured = capture(target.pid());
    let [thread] = captured.threads.as_slice() else { panic!("{:?}", captured.threads) };
    assert_eq!(thread.state, "D (disk sleep)");
    assert!(thread.registers.is_none());
    assert!(thread.problem.as_deref().unwrap().contains("uninterruptible sleep"), "{:?}", thread.problem);
    target.assert_let_go();
    assert_eq!(target.states(), "D");
}

#[test]
fn a_thousand_threads_are_captured_and_let_go() {
    let target = Target::start("threads", 1000);
    let captured = capture(target.pid());
    assert_eq!(captured.threads.len(), 1001);
    assert!(captured.threads.iter().all(|thread| thread.registers.is_some()));
    assert!(captured.threads[1..].is_sorted_by_key(|thread| thread.tid));
    target.assert_let_go();
    eventually("all sleep again", || target.states() == "S".repeat(1001));
}

#[test]
fn a_process_killed_while_it_is_held_finishes() {
    let target = Target::start("busy", 3);
    let held = Shared::new();
    let elsewhere = Elsewhere::start(|| {
        let process = open_target(target.pid()).unwrap();
        let released = with_hold(&process, soon(), |hold| {
            held.slot(0).store(1, Ordering::SeqCst);
            eventually("it has ended", || {
                hold.look_again();
                hold.has_ended()
            });
            hold.release()
        });
        released.is_ok_and(|released| released.ended)
    });
    eventually("it is held", || held.slot(0).load(Ordering::SeqCst) == 1);
    target.send(libc::SIGKILL);
    assert!(elsewhere.succeeds());
    eventually("its parent is told", || target.states() == "Z");
}

#[test]
fn a_panic_while_held_lets_go() {
    let target = Target::start("busy", 2);
    let process = open_target(target.pid()).unwrap();
    let outcome = std::panic::catch_unwind(|| {
        let _ = with_hold(&process, soon(), |hold| {
            assert!(hold.threads().is_empty(), "expected: a panic while held")
        });
    });
    assert!(outcome.is_err());
    target.assert_let_go();
    target.assert_runs_on();
}

#[test]
fn two_tracers_at_once_are_refused_by_name() {
    let target = Target::start("busy", 2);
    let process = open_target(target.pid()).unwrap();
    let second = with_hold(&process, soon(), |_| {
        let second = open_target(target.pid()).err();
        let directory = glider::target::ProcessDirectory::open(target.pid()).unwrap();
        (second, with_hold(&directory, soon(), |_| ()).err())
    });
    let (before, while_seizing) = second.unwrap();
    for error in [before, while_seizing] {
        assert!(matches!(error, Some(TargetError::AlreadyTraced { .. })), "{error:?}");
        assert!(error.unwrap().to_string().contains("is already traced by process"));
    }
    target.assert_runs_on();
}

#[test]
fn the_memory_is_readable_by_whoever_holds_the_descriptor() {
    let target = Target::start("threads", 0);
    let process = open_target(target.pid()).unwrap();
    let memory = process.open_memory().unwrap();
    // SAFETY: duplicates a descriptor that is open; the result is nobody else's.
    let copy = unsafe { OwnedFd::from_raw_fd(libc::dup(memory.as_raw_fd())) };
    drop(memory);
    let maps = process.read_maps().unwrap().mappings;
    assert!(LiveMemory::new(copy.into()).read_u64(maps[0].start).is_some());
}
