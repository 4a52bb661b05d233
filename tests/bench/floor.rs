//! `floor PID`: the shortest stop in which the stacks of a process can be had. It holds every
//! thread, reads the registers and the 16 KiB of stack above each stack pointer, and lets go.
//!
//! One of the tools that `bench` runs; it prints what it held and read.

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::io::IoSliceMut;

const STACK: usize = 16 * 1024;

fn main() -> anyhow::Result<()> {
    let pid: i32 =
        std::env::args().nth(1).context("usage: floor PID")?.parse().context("usage: floor PID")?;
    let mut stacks = Vec::new();
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task")).context("no such process")? {
        let id = entry?.file_name().to_string_lossy().parse().context("a thread id")?;
        threads.push(Pid::from_raw(id));
    }
    stacks.resize(threads.len() * STACK, 0);
    for thread in &threads {
        ptrace::seize(*thread, ptrace::Options::empty()).context("cannot hold a thread")?;
        ptrace::interrupt(*thread)?;
    }
    for thread in &threads {
        while waitpid(*thread, Some(WaitPidFlag::__WALL)) == Err(Errno::EINTR) {}
    }
    let mut read = 0;
    for (thread, stack) in threads.iter().zip(stacks.chunks_mut(STACK)) {
        let registers = ptrace::getregs(*thread)?;
        let from = RemoteIoVec { base: registers.rsp as usize, len: STACK };
        // A stack that ends sooner gives what there is.
        read += process_vm_readv(Pid::from_raw(pid), &mut [IoSliceMut::new(stack)], &[from]).unwrap_or(0);
    }
    for thread in &threads {
        ptrace::detach(*thread, None)?;
    }
    println!("{} threads, {read} bytes", threads.len());
    Ok(())
}
