//! `floor PID`: the shortest stop in which the stacks of a process can be had. It holds every
//! thread, reads the registers and the 16 KiB of stack above each stack pointer, and lets go.
//!
//! `floor --whole PID` reads each stack from its pointer to its end, which a trace of all frames takes: of a deep
//! stack that is many times as much.
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
    const USAGE: &str = "usage: floor [--whole] PID";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (is_whole, pid) = match arguments.as_slice() {
        [option, pid] if option == "--whole" => (true, pid),
        [pid] => (false, pid),
        _ => anyhow::bail!(USAGE),
    };
    let pid: i32 = pid.parse().context(USAGE)?;
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task")).context("no such process")? {
        let id = entry?.file_name().to_string_lossy().parse().context("a thread id")?;
        threads.push(Pid::from_raw(id));
    }
    // Not zero, or the system would make the pages only when they are read into.
    let mut room = vec![1; if is_whole { writable(pid)? } else { threads.len() * STACK }];
    for thread in &threads {
        ptrace::seize(*thread, ptrace::Options::empty()).context("cannot hold a thread")?;
        ptrace::interrupt(*thread)?;
    }
    for thread in &threads {
        while waitpid(*thread, Some(WaitPidFlag::__WALL)) == Err(Errno::EINTR) {}
    }
    let mappings = if is_whole { mappings(pid)? } else { Vec::new() };
    let mut read = 0;
    for thread in &threads {
        let pointer = ptrace::getregs(*thread)?.rsp as usize;
        let end = mappings.iter().find(|(start, end)| (*start..*end).contains(&pointer));
        let len = end.map_or(STACK, |(_, end)| end - pointer);
        let left = room.get_mut(read..).unwrap_or_default();
        let len = len.min(left.len());
        let stack = IoSliceMut::new(&mut left[..len]);
        // A stack that ends sooner gives what there is.
        let from = RemoteIoVec { base: pointer, len };
        read += process_vm_readv(Pid::from_raw(pid), &mut [stack], &[from]).unwrap_or(0);
    }
    for thread in &threads {
        ptrace::detach(*thread, None)?;
    }
    println!("{} threads, {read} bytes", threads.len());
    Ok(())
}

/// Start and end of each mapping of the process.
fn mappings(pid: i32) -> anyhow::Result<Vec<(usize, usize)>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
    };
    Ok(maps.lines().filter_map(range).collect())
}

/// Bytes of anonymous memory that the process has: its stacks are no more.
fn writable(pid: i32) -> anyhow::Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}
