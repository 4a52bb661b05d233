//! The program under test as a process: compiled, started, held by ptrace, read, ended.

use glider::address::Address;
use glider::target::{Memory, ThreadRegisters};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A directory with one compiled program in it.
pub(crate) struct Program {
    _directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl Program {
    /// Compiles `stacks.c` with these options.
    pub(crate) fn compile(options: &[&str]) -> Program {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("stacks");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/unwind/stacks.c");
        let output = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-infinite-recursion", "-o"])
            .arg(&path)
            .args(options)
            .arg(source)
            .arg("-pthread")
            .output()
            .expect("cc must run; on Debian it is in the package gcc");
        assert!(output.status.success(), "cc {options:?}: {}", String::from_utf8_lossy(&output.stderr));
        Program { _directory: directory, path }
    }

    /// Starts it and waits until it says `ready`.
    pub(crate) fn start(&self, scenario: &str) -> Target {
        let mut child = Command::new(&self.path)
            .arg(scenario)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the compiled program starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let mut target = Target { child, stdin, stdout: BufReader::new(stdout) };
        let mut line = String::new();
        target.stdout.read_line(&mut line).expect("the program's output");
        assert_eq!(line, "ready\n", "{scenario}");
        target
    }
}

/// A running program; killed and reaped when dropped.
pub(crate) struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Kept open: the program may say more.
    stdout: BufReader<ChildStdout>,
}

impl Drop for Target {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Target {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Thread ids, the leader first.
    pub(crate) fn threads(&self) -> Vec<Pid> {
        let mut tids: Vec<i32> = std::fs::read_dir(format!("/proc/{}/task", self.pid()))
            .expect("the program runs")
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
            .collect();
        tids.sort_unstable();
        tids.into_iter().map(Pid::from_raw).collect()
    }

    /// Waits until a thread is in the system call with this number.
    pub(crate) fn await_system_call(&self, thread: Pid, number: u32) {
        let path = format!("/proc/{}/task/{thread}/syscall", self.pid());
        for _ in 0..20_000 {
            let text = std::fs::read_to_string(&path).expect("/proc/PID/task/TID/syscall");
            if text.split(' ').next() == Some(&number.to_string()) {
                return;
            }
            std::thread::yield_now();
        }
        panic!("thread {thread} does not come to system call {number}");
    }

    /// Sends the byte that lets a waiting program go on.
    pub(crate) fn release(&mut self) {
        self.stdin.as_mut().expect("stdin is a pipe").write_all(b"x").expect("the program reads");
    }

    pub(crate) fn memory(&self) -> ProcessMemory {
        let file = File::open(format!("/proc/{}/mem", self.pid())).expect("/proc/PID/mem");
        ProcessMemory { file, pages: RefCell::default() }
    }
}

/// A thread held by ptrace; let go when dropped.
pub(crate) struct Held {
    thread: Pid,
}

impl Held {
    /// Stops a thread wherever it is.
    pub(crate) fn stop(thread: Pid) -> Held {
        let held = Held::seize(thread);
        ptrace::interrupt(thread).expect("PTRACE_INTERRUPT");
        held.wait();
        held
    }

    /// Traces a thread without stopping it; threads that it makes are held at their birth.
    pub(crate) fn seize(thread: Pid) -> Held {
        ptrace::seize(thread, ptrace::Options::PTRACE_O_TRACECLONE).expect("PTRACE_SEIZE");
        Held { thread }
    }

    /// Waits until the thread makes another one, and until that is held, too.
    pub(crate) fn wait_for_birth(&self) -> Held {
        assert_eq!(self.wait(), None, "PTRACE_EVENT_CLONE");
        let born = ptrace::getevent(self.thread).expect("PTRACE_GETEVENTMSG");
        let born = Held { thread: Pid::from_raw(i32::try_from(born).expect("a thread id")) };
        assert_eq!(born.wait(), None, "the stop of a new thread");
        born
    }

    /// Waits for the next stop, and gives its signal.
    pub(crate) fn wait(&self) -> Option<Signal> {
        match waitpid(self.thread, Some(WaitPidFlag::__WALL)).expect("the thread stops") {
            WaitStatus::Stopped(_, signal) => Some(signal),
            WaitStatus::PtraceEvent(..) => None,
            other => panic!("the thread ended: {other:?}"),
        }
    }

    /// Runs one instruction, or enters the handler of a signal that comes instead.
    pub(crate) fn step(&self) {
        let mut signal = None;
        loop {
            ptrace::step(self.thread, signal).expect("PTRACE_SINGLESTEP");
            signal = self.wait().filter(|signal| *signal != Signal::SIGTRAP);
            if signal.is_none() {
                return;
            }
        }
    }

    /// Drops the signal it was stopped by and leaves it in a job-control stop instead.
    pub(crate) fn leave_stopped(self) {
        ptrace::detach(self.thread, Signal::SIGSTOP).expect("PTRACE_DETACH");
        std::mem::forget(self);
    }

    pub(crate) fn registers(&self) -> ThreadRegisters {
        let raw = ptrace::getregs(self.thread).expect("PTRACE_GETREGS");
        let mut registers = ThreadRegisters::default();
        for (number, value) in (0..).zip([
            raw.rax, raw.rdx, raw.rcx, raw.rbx, raw.rsi, raw.rdi, raw.rbp, raw.rsp, raw.r8, raw.r9, raw.r10,
            raw.r11, raw.r12, raw.r13, raw.r14, raw.r15, raw.rip,
        ]) {
            registers.general.set(number, Some(value));
        }
        registers.system_call = raw.orig_rax.cast_signed();
        assert_eq!(registers.general.sp(), Some(raw.rsp));
        assert_eq!(registers.general.pc(), Some(raw.rip));
        registers
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Fails only when the thread is gone.
        let _ = ptrace::detach(self.thread, None);
    }
}

/// A process's memory, page by page, each read once.
pub(crate) struct ProcessMemory {
    file: File,
    pages: RefCell<HashMap<u64, Option<Box<[u8; 4096]>>>>,
}

impl Memory for ProcessMemory {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        let mut pages = self.pages.borrow_mut();
        let mut done = 0;
        while done < buffer.len() {
            let Some(at) = address.0.checked_add(done as u64) else { break };
            let page = pages.entry(at / 4096).or_insert_with(|| {
                let mut page = Box::new([0; 4096]);
                self.file.read_exact_at(&mut page[..], at / 4096 * 4096).is_ok().then_some(page)
            });
            let Some(page) = page else { break };
            let from = &page[(at % 4096) as usize..];
            let length = from.len().min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&from[..length]);
            done += length;
        }
        done
    }
}
