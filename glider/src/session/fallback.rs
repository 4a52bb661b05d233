//! The report without an analysis: what the kernel alone says, as report data.
//!
//! Used for the parts an analyzer that died or took too long has not delivered, so that a
//! trace is never empty. Pure.

#![forbid(unsafe_code)]

use super::bare::Bare;
use crate::address::Address;
use crate::limits::BARE_FRAMES;
use crate::report::{CrashInfo, Frame, Header, Process, SystemInfo, Thread, Truncation, Trust, rfc3339};
use crate::target::siginfo::{SignalInfo, parse_siginfo};
use crate::target::{Arch, Capture, CapturedThread, Mapping, ProcessInfo, Registers, system_calls};
use std::sync::Arc;

/// The header of a report on `capture`. `crash_info` is that of a thread that was about to
/// receive a signal when it was stopped; a thread inside a handler takes unwinding to find.
pub fn header(capture: &Capture) -> Header {
    let crash = capture.threads.iter().enumerate().find_map(|(index, thread)| {
        let signal = parse_siginfo(thread.signal.as_ref()?)?;
        Some(crash_info(&signal, index))
    });
    Header {
        pid: capture.process.pid,
        process: process(&capture.process),
        crash_info: crash,
        cause: None,
        system_info: SystemInfo {
            os: "Linux".to_owned(),
            os_ver: capture.process.os_version.clone(),
            cpu_arch: cpu_arch(capture).to_owned(),
        },
        thread_count: capture.threads.len(),
    }
}

/// The process as the report has it.
pub fn process(info: &ProcessInfo) -> Process {
    Process {
        exe: info.exe.clone(),
        cmdline: info.cmdline.clone(),
        start_time: info.start_time.map(rfc3339),
        cwd: info.cwd.clone(),
        uid: info.uid,
        gid: info.gid,
        was_stopped: info.was_stopped,
    }
}

/// A signal as the report's `crash_info`; what its address points at is left to be found.
pub fn crash_info(signal: &SignalInfo, thread: usize) -> CrashInfo {
    CrashInfo {
        signal_name: signal.name.clone(),
        number: signal.number,
        code: signal.code.clone(),
        address: signal.address,
        address_symbol: None,
        crashing_thread: Some(thread),
        message: signal.message.clone(),
        sender_pid: signal.sender_pid,
        sender_uid: signal.sender_uid,
    }
}

/// What the process runs as, by Debian's names for architectures.
fn cpu_arch(capture: &Capture) -> &'static str {
    let registers = capture.threads.iter().find_map(|thread| thread.registers.as_deref());
    match registers.map_or(Arch::X86_64, |registers| registers.general.arch()) {
        Arch::X86_64 => "amd64",
        Arch::X86 => "i386",
    }
}

/// The thread with this index in the capture: the frames that are known without any file, unsymbolized,
/// and why there is no more.
pub fn thread(capture: &Capture, bare: &Bare, index: usize, why: &str) -> Thread {
    let Some(captured) = capture.threads.get(index) else { return Thread::default() };
    let (frames, left_out) = match bare.stacks.get(index) {
        Some(walked) if !walked.frames.is_empty() => (walked.frames.clone(), walked.left_out),
        _ => (innermost_frame(capture, captured).into_iter().collect(), 0),
    };
    let limit = format!("{BARE_FRAMES} frames where nothing is analyzed");
    let gap = Truncation { before_frame: frames.len(), left_out, limit };
    Thread {
        index,
        thread_id: captured.tid,
        thread_name: captured.name.clone(),
        state: captured.state.clone(),
        wait_channel: captured.wait_channel.clone(),
        system_call: captured.registers.as_ref().and_then(|registers| system_calls::current(registers)),
        frame_count: frames.len() + left_out,
        frames,
        truncated: (left_out > 0).then_some(gap),
        problem: Some(captured.problem.clone().unwrap_or_else(|| format!("not analyzed: {why}"))),
        ..Thread::default()
    }
}

fn innermost_frame(capture: &Capture, captured: &CapturedThread) -> Option<Frame> {
    frame(&capture.mappings, 0, &captured.registers.as_ref()?.general, Trust::Context)
}

/// A frame of which the registers are known and nothing else: pc and file.
pub(super) fn frame(
    mappings: &[Mapping],
    number: usize,
    registers: &Registers,
    trust: Trust,
) -> Option<Frame> {
    let pc = Address(registers.pc()?);
    let mapping = mappings.iter().find(|mapping| mapping.start <= pc && pc < mapping.end);
    Some(Frame {
        frame: number,
        offset: pc,
        module: mapping.and_then(|mapping| mapping.path.as_deref()).map(Arc::from),
        module_offset: None,
        function: None,
        function_offset: None,
        file: None,
        line: None,
        column: None,
        trust,
        registers: registers.known().map(|(name, value)| (name, Address(value))).collect(),
        signal: None,
        inlines: Vec::new(),
        variables: Vec::new(),
        text_before: Vec::new(),
        text_after: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Protection, ThreadRegisters};

    fn capture() -> Capture {
        let mut registers = ThreadRegisters { system_call: libc::SYS_futex, ..ThreadRegisters::default() };
        registers.general.set(registers.general.arch().pc(), Some(0x1234));
        let running = CapturedThread {
            tid: 7,
            name: "a".to_owned(),
            registers: Some(Box::new(registers)),
            ..Default::default()
        };
        let exited =
            CapturedThread { tid: 8, problem: Some("it has exited".to_owned()), ..Default::default() };
        let mut signal: Vec<u8> =
            [11, 0, 1, 0, 0x2a, 0].iter().flat_map(|word: &i32| word.to_le_bytes()).collect();
        signal.resize(128, 0);
        Capture {
            process: ProcessInfo { pid: 7, start_time: Some(1_278_702_746), ..ProcessInfo::default() },
            mappings: vec![Mapping {
                start: Address(0x1000),
                end: Address(0x2000),
                protection: Protection::default(),
                offset: 0,
                device: (0, 0),
                inode: 0,
                is_shared: false,
                is_remote: false,
                path: Some("/bin/x".to_owned()),
            }],
            auxv: Vec::new(),
            threads: vec![running, exited, CapturedThread { signal: Some(signal), ..Default::default() }],
            problems: Vec::new(),
        }
    }

    #[test]
    fn a_thread_has_its_innermost_frame_and_the_reason() {
        let shown = thread(&capture(), &Bare::default(), 0, "out of time");
        assert_eq!(
            (shown.thread_id, shown.thread_name.as_str(), shown.system_call.as_deref()),
            (7, "a", Some("futex"))
        );
        assert_eq!(shown.problem.as_deref(), Some("not analyzed: out of time"));
        assert_eq!(shown.frames.len(), 1);
        assert_eq!(
            (shown.frames[0].offset, shown.frames[0].module.as_deref()),
            (Address(0x1234), Some("/bin/x"))
        );
        assert_eq!(shown.frames[0].registers.get("rip"), Some(Address(0x1234)));
    }

    #[test]
    fn a_thread_without_registers_keeps_its_own_reason() {
        let shown = thread(&capture(), &Bare::default(), 1, "out of time");
        assert_eq!(
            (shown.index, shown.frames.len(), shown.problem.as_deref()),
            (1, 0, Some("it has exited"))
        );
    }

    #[test]
    fn a_thread_stopped_by_a_signal_is_the_crash() {
        let header = header(&capture());
        let crash = header.crash_info.unwrap();
        assert_eq!(
            (crash.signal_name.as_str(), crash.crashing_thread, crash.address),
            ("SIGSEGV", Some(2), Some(Address(0x2a)))
        );
        assert_eq!((header.thread_count, header.pid), (3, 7));
        assert_eq!(header.process.start_time.as_deref(), Some("2010-07-09T19:12:26Z"));
    }
}
