//! `gimli_libc.so` on `locks.c` and on the sample server: with the debug information of the C library (Debian's
//! libc6-dbg) and without.

use crate::process::{Report, folder, install, run, source, trace};
use sample_targets::{Build, Language, Optimisation, Target, build};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const PLUGIN: &str = "gimli_libc.so";

/// The compiled program, the plugin, and perhaps a C library without debug information, in a folder.
struct Bench {
    folder: tempfile::TempDir,
    /// Whether the program runs with the C library in the folder.
    is_bare: bool,
}

impl Bench {
    fn new() -> Bench {
        Bench::compile("-g")
    }

    fn compile(debug: &str) -> Bench {
        let folder = folder();
        install("gimli-libc", PLUGIN, folder.path());
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", debug, "-pthread", "-o"]);
        run(compiler.arg(folder.path().join("locks")).arg(source("locks.c")), "gcc");
        Bench { folder, is_bare: false }
    }

    /// The same with a C library for which no debug information is found.
    fn without_debug_information(self) -> Bench {
        let library = mapped_library();
        let mut strip = Command::new("objcopy");
        strip.args(["--remove-section", ".note.gnu.build-id", "--remove-section", ".gnu_debuglink"]);
        run(strip.arg(library).arg(self.path().join("libc.so.6")), "binutils");
        Bench { is_bare: true, ..self }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn start(&self, scenario: &str) -> Target {
        let mut command = Command::new(self.path().join("locks"));
        command.arg(scenario);
        if self.is_bare {
            command.env("LD_LIBRARY_PATH", self.path());
        }
        Target::start_command(&mut command, scenario).unwrap()
    }

    /// Traces a scenario when all of its threads sleep.
    fn trace(&self, scenario: &str) -> Report {
        let target = self.start(scenario);
        target.wait_until_blocked().unwrap();
        self.trace_now(&target)
    }

    fn trace_now(&self, target: &Target) -> Report {
        let report = trace(target, &["--plugin-path", self.path().to_str().unwrap()]);
        report.assert_loaded(&[PLUGIN]);
        report
    }
}

/// The C library that this test runs with.
fn mapped_library() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    PathBuf::from(path.into_iter().find(|path| path.ends_with("/libc.so.6")).unwrap())
}

/// Asserts that a line has all of these words.
#[track_caller]
fn assert_line(text: &str, words: &[&str]) {
    let found = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no line with {words:?} in:\n{text}");
}

/// The number of the line of `locks.c` that has this in it.
fn line(marker: &str) -> String {
    let text = std::fs::read_to_string(source("locks.c")).unwrap();
    let number = text.lines().position(|line| line.contains(marker)).unwrap() + 1;
    format!("(locks.c:{number})")
}

fn check_three(report: &Report) {
    let section = report.section(PLUGIN);
    let first = section.lines().next().unwrap();
    assert_eq!(first, "DEADLOCK: 3 threads wait for each other, none of them can go on");
    let place = line("the second fork");
    for (waiter, fork, holder) in [("plato", 1, "kant"), ("kant", 2, "hegel"), ("hegel", 0, "plato")] {
        let fork = format!("mutex locks`table.places[{fork}].fork");
        assert_line(&section, &[&format!("{waiter}, in dine {place}"), &fork, holder]);
        let at_thread = report.at_thread(PLUGIN, waiter);
        assert_line(&at_thread, &["blocked in", "called by dine", &place, &fork, "held by", holder]);
    }
    assert_line(&section, &["stuck behind them", "locks"]);
    assert_eq!(section.matches("DEADLOCK").count(), 1, "{section}");
}

fn check_rwlocks(report: &Report) {
    let section = report.section(PLUGIN);
    assert!(section.starts_with("DEADLOCK: 2 threads"), "{section}");
    let (writer, reader) = (line("the writer's second lock"), line("the reader's second lock"));
    assert_line(&section, &["booking, in book", &writer, "read-write lock locks`orders", "reporting"]);
    assert_line(&section, &["reporting, in report", &reader, "read-write lock locks`accounts", "booking"]);
    assert_line(&report.at_thread(PLUGIN, "booking"), &["pthread_rwlock_wrlock", "to write"]);
    assert_line(&report.at_thread(PLUGIN, "reporting"), &["pthread_rwlock_rdlock", "to read"]);
}

fn check_twice(report: &Report) {
    let section = report.section(PLUGIN);
    assert_line(&section, &["DEADLOCK: a thread waits for itself"]);
    assert_line(&section, &["forgetful, in lock_twice", &line("/* again */"), "locks`once", "forgetful"]);
    // A join and a mutex make a circle too.
    assert_line(&section, &["DEADLOCK: 2 threads"]);
    assert_line(&section, &["in twice", &line("with the shop locked"), "the end of", "customer"]);
    assert_line(&section, &["customer, in wait_for_shop", &line("closed"), "locks`shop", "held by thread 0"]);
    assert_eq!(section.matches("DEADLOCK").count(), 2, "{section}");
}

fn check_waits(report: &Report, is_named: bool) {
    let at = |thread: &str| report.at_thread(PLUGIN, thread);
    let blocked_in = |function: &'static str| if is_named { function } else { "a function without a name" };
    assert_line(
        &at("w-mutex"),
        &["pthread_mutex_lock", "want_mutex", "mutex locks`busy", "held by thread 0"],
    );
    let robust = [blocked_in("pthread_mutex_lock"), "mutex locks`robust", "held by thread 0"];
    assert_line(&at("w-robust"), &robust);
    let timed =
        [blocked_in("pthread_mutex_clocklock"), "locks`busy", "for a limited time", "held by thread 0"];
    assert_line(&at("w-timed"), &timed);
    assert_line(&at("w-read"), &["read-write lock locks`written", "to read", "held by thread 0"]);
    assert_line(&at("w-write"), &["read-write lock locks`read_by_two", "to write", "held by 2 readers"]);
    assert_line(
        &at("w-cond"),
        &["pthread_cond_wait", "want_letter", "condition variable locks`letter_came ("],
    );
    assert_line(&at("w-sem"), &[blocked_in("sem_wait"), "want_place", "semaphore locks`places_left"]);
    assert_line(&at("locks"), &["pthread_join", "waits", "the end of", "holder"]);
    assert_eq!(at("holder"), "", "it sleeps, but waits for nobody");

    let section = report.section(PLUGIN);
    assert!(!section.contains("DEADLOCK"), "{section}");
    assert!(!section.contains("corrupt"), "{section}");
    let holder = section.lines().position(|line| line.contains("mutex locks`busy")).unwrap();
    let waiters: Vec<&str> = section.lines().skip(holder + 1).take(2).map(str::trim).collect();
    assert!(waiters[0].contains("w-mutex") && waiters[1].contains("w-timed"), "{section}");
}

#[test]
fn two_threads_in_deadlock_are_named_with_their_lines_and_locks() {
    let bench = folder();
    install("gimli-libc", PLUGIN, bench.path());
    // At -O2 the last call of lock_both is a jump, and its frame is gone.
    let builds =
        [(Optimisation::O0, "lock_both (threads.c:48)"), (Optimisation::O2, "run_transfer (threads.c:54)")];
    for (level, place) in builds {
        let program = build(&Build::new(Language::C, level, 5)).unwrap();
        let target = Target::start(&program, "deadlock", &[]).unwrap();
        target.wait_until_blocked().unwrap();
        let report = trace(&target, &["--plugin-path", bench.path().to_str().unwrap()]);
        let section = report.section(PLUGIN);
        assert!(section.starts_with("DEADLOCK: 2 threads wait for each other"), "{section}");
        let there = [&format!("transfer-there, in {place}"), "server`bob.lock", "transfer-back"];
        assert_line(&section, &there);
        let back = [&format!("transfer-back, in {place}"), "server`alice.lock", "transfer-there"];
        assert_line(&section, &back);
        assert_line(&section, &["stuck behind them: thread 0", "server"]);
        assert!(report.problems().is_empty(), "{:?}", report.problems());
    }
}

/// The report of a sample's deadlock in another language than C.
fn trace_sample(language: Language) -> Report {
    let bench = folder();
    let plugin = install("gimli-libc", PLUGIN, bench.path());
    let program = build(&Build::new(language, Optimisation::O0, 5)).unwrap();
    let target = Target::start(&program, "deadlock", &[]).unwrap();
    target.wait_until_blocked().unwrap();
    trace(&target, &["--plugin", plugin.to_str().unwrap()])
}

#[test]
fn a_mutex_of_cpp_is_one_of_the_c_librarys() {
    let section = trace_sample(Language::Cpp).section(PLUGIN);
    assert!(section.starts_with("DEADLOCK: 2 threads wait for each other"), "{section}");
    // The accounts are local variables of the function that started the threads.
    let (place, function) = ("transfer (threads.cpp:", "deadlock in thread 0");
    for (waiter, account, holder) in
        [("transfer-there", "bob", "transfer-back"), ("transfer-back", "alice", "transfer-there")]
    {
        let mutex = format!("waits for mutex {account}.lock");
        assert_line(&section, &[&format!("{waiter}, in"), place, &mutex, function, "held by", holder]);
    }
}

#[test]
fn of_locks_that_note_no_holder_none_is_made_up() {
    // Rust's own mutexes are a futex that is taken or not.
    let report = trace_sample(Language::Rust);
    let section = report.section(PLUGIN);
    assert!(!section.contains("DEADLOCK") && !section.contains("held by"), "{section}");
    let line = report.at_thread(PLUGIN, "transfer-there");
    assert_line(&line, &["blocked in syscall, called by", "transfer (threads.rs:", "waits for futex"]);
    assert_line(&report.at_thread(PLUGIN, "sample_rust"), &["pthread_join", "the end of", "transfer-there"]);
}

#[test]
fn every_circle_is_found() {
    let bench = Bench::new();
    check_three(&bench.trace("three"));
    check_rwlocks(&bench.trace("rwlocks"));
    check_twice(&bench.trace("twice"));
}

#[test]
fn every_kind_of_wait_is_told_and_none_is_a_deadlock() {
    let bench = Bench::new();
    let target = bench.start("waits");
    target.wait_until_blocked().unwrap();
    // A timed wait goes on by another system call (restart_syscall(2)) after the first time.
    check_waits(&bench.trace_now(&target), true);
    target.wait_until_blocked().unwrap();
    let report = bench.trace_now(&target);
    check_waits(&report, true);
    assert_line(&report.at_thread(PLUGIN, "w-cond"), &["with mutex locks`letter_lock"]);
}

#[test]
fn without_the_librarys_debug_information_the_program_own_is_enough() {
    let bench = Bench::new().without_debug_information();
    check_three(&bench.trace("three"));
    check_rwlocks(&bench.trace("rwlocks"));
    check_twice(&bench.trace("twice"));
    let target = bench.start("waits");
    target.wait_until_blocked().unwrap();
    check_waits(&bench.trace_now(&target), false);
    target.wait_until_blocked().unwrap();
    let report = bench.trace_now(&target);
    check_waits(&report, false);
    assert_line(&report.section(PLUGIN), &["heap: nothing known"]);
}

#[test]
fn without_any_debug_information_symbols_and_registers_remain() {
    let bench = Bench::compile("-g0").without_debug_information();
    let section = bench.trace("rwlocks").section(PLUGIN);
    assert!(section.starts_with("DEADLOCK: 2 threads"), "{section}");
    assert_line(&section, &["booking, in book+0x", "read-write lock locks`orders"]);

    let report = bench.trace("waits");
    let at = |thread: &str| report.at_thread(PLUGIN, thread);
    assert_line(&at("w-mutex"), &["want_mutex+0x", "mutex locks`busy", "held by thread 0"]);
    assert_line(&at("locks"), &["the end of", "holder"]);
    // Where it is not known what the word belongs to nothing is made up.
    assert_line(&at("w-sem"), &["futex locks`places_left"]);
    assert!(!at("w-sem").contains("held by"), "{}", at("w-sem"));
    assert_line(&at("w-cond"), &["a condition variable around locks`letter_came+0x", "only the C library's"]);
    assert!(!report.section(PLUGIN).contains("DEADLOCK"));
}

#[test]
fn a_lock_that_was_written_over_is_corrupt_and_one_without_its_holder_abandoned() {
    let bench = Bench::new();
    let mut target = bench.start("corrupt");
    target.wait_until_blocked().unwrap();
    let section = bench.trace_now(&target).section(PLUGIN);
    assert_line(&section, &["ABANDONED", "mutex locks`left_locked"]);
    assert_line(&section, &["mutex locks`broken", "held by thread 0"]);

    target.stdin().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(target.read_line().unwrap().as_deref(), Some("done"));
    let report = bench.trace_now(&target);
    let broken = report.at_thread(PLUGIN, "w-broken");
    assert_line(&broken, &["mutex locks`broken", "corrupt", "no mutex is of kind 0x41414141"]);
    assert!(!report.section(PLUGIN).contains("DEADLOCK"));
}

#[test]
fn threads_that_merely_contend_are_never_in_deadlock() {
    let bench = Bench::new();
    let target = bench.start("contention");
    let mut waits = 0;
    for _ in 0..12 {
        let report = bench.trace_now(&target);
        let section = report.section(PLUGIN);
        assert!(!section.contains("DEADLOCK") && !section.contains("ABANDONED"), "{section}");
        assert!(!section.contains("corrupt"), "{section}");
        assert_eq!(report.thread_count(), 7);
        waits += usize::from(section.contains("mutex locks`first"));
    }
    assert!(waits > 0, "six threads on one lock, and never one that waits");
}

#[test]
fn errno_is_that_of_the_thread() {
    let report = Bench::new().trace("failures");
    assert_line(&report.at_thread(PLUGIN, "failed"), &["errno is 2 (No such file or directory)"]);
    assert_eq!(report.at_thread(PLUGIN, "locks"), "", "its own is 0");
}

#[test]
fn the_heap_is_that_of_malloc() {
    let section = Bench::new().trace("waits").section(PLUGIN);
    // The program has allocated little: one piece from brk, 132 KiB and a page's rest.
    assert_line(&section, &["heap: 1 arena, 135168 bytes from the system"]);
    assert_line(&section, &["0 large blocks outside of the arenas, 0 bytes"]);
}

#[test]
fn an_arena_list_that_leads_nowhere_is_corrupt() {
    let bench = Bench::new();
    let target = bench.start("waits");
    target.wait_until_blocked().unwrap();
    let mut gdb = Command::new("gdb");
    // Where it leaves a core of itself when it fails.
    gdb.current_dir(env!("CARGO_TARGET_TMPDIR"));
    gdb.args(["-nx", "-batch", "-ex", "set var main_arena.next = 0x1234", "-p", &target.pid().to_string()]);
    run(&mut gdb, "gdb");
    let section = bench.trace_now(&target).section(PLUGIN);
    assert_line(&section, &["heap: 1 arena, and then their list leads nowhere: it is corrupt"]);
}
