//! A raw `siginfo_t` in words: which signal, why, where, from whom.
//!
//! Pure. Serves a thread stopped by a signal ([`CapturedThread::signal`](super::CapturedThread))
//! and the `siginfo_t` that the kernel put on the stack for a handler. Reference:
//! sigaction(2), "The siginfo_t argument to a SA_SIGINFO handler", and the kernel's
//! include/uapi/asm-generic/siginfo.h for the layout. The bytes may hold anything.

#![cfg_attr(not(test), forbid(unsafe_code))]

use super::Arch;
use crate::address::Address;

/// Bytes of a `siginfo_t`.
pub const SIZE: usize = 128;

/// A signal, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// Number of the signal.
    pub number: i32,
    /// `SIGSEGV`.
    pub name: String,
    /// strsignal(3): `Segmentation fault`.
    pub description: String,
    /// `si_code` by name, `SEGV_MAPERR`; the number where it has none.
    pub code: String,
    /// The code in words: `address not mapped to object`, `sent by kill()`.
    pub message: String,
    /// Fault address, for the signals that have one.
    pub address: Option<Address>,
    /// Sender, when a process sent it. The process that ended, for SIGCHLD.
    pub sender_pid: Option<i32>,
    /// See `sender_pid`.
    pub sender_uid: Option<u32>,
}

/// Decodes a raw `siginfo_t` of x86-64; `None` when there are fewer than 32 bytes or the
/// number is not that of a signal.
pub fn parse_siginfo(raw: &[u8]) -> Option<SignalInfo> {
    let field =
        |offset: usize| raw.get(offset..offset + 4)?.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    let (number, code) = (field(0)?, field(8)?);
    if !(1..=64).contains(&number) {
        return None;
    }
    let (first, second, third) = (field(16)?, field(20)?, field(24)?);
    let address = u64::from_le_bytes(*raw.get(16..24)?.first_chunk()?);
    let (code_name, words) = describe_code(number, code);
    let mut signal = SignalInfo {
        number,
        name: name(number),
        description: description(number),
        code: code_name.map_or_else(|| code.to_string(), str::to_owned),
        message: words.map_or_else(|| format!("unknown code {code}"), str::to_owned),
        address: None,
        sender_pid: None,
        sender_uid: None,
    };
    match (number, code) {
        // Sent by a process: _kill and _rt begin with its id and user.
        (_, SI_USER | SI_QUEUE | SI_TKILL | SI_MESGQ) => {
            (signal.sender_pid, signal.sender_uid) = (Some(first), Some(second.cast_unsigned()));
        }
        // The kernel raises SIGSEGV this way for a non-canonical address: it knows none.
        (_, SI_KERNEL) | (_, ..=-1) => {}
        (libc::SIGILL | libc::SIGFPE | libc::SIGSEGV | libc::SIGBUS | libc::SIGTRAP, _) => {
            signal.address = Some(Address(address));
        }
        (libc::SIGCHLD, _) => {
            (signal.sender_pid, signal.sender_uid) = (Some(first), Some(second.cast_unsigned()));
            signal.message = match code {
                CLD_EXITED => format!("child process {first} exited with status {third}"),
                _ => format!("{} (process {first}, {})", signal.message, name(third)),
            };
        }
        // _sigsys: the calling address, then the number of the system call.
        (libc::SIGSYS, _) => {
            signal.address = Some(Address(address));
            // `si_arch`: AUDIT_ARCH_I386 of linux/audit.h.
            let arch = if field(28) == Some(0x4000_0003) { Arch::X86 } else { Arch::X86_64 };
            let call = super::system_calls::name(arch, i64::from(third))
                .map_or_else(|| format!("number {third}"), str::to_owned);
            signal.message = format!("{} (system call {call})", signal.message);
        }
        _ => {}
    }
    Some(signal)
}

/// The `siginfo_t` of 32-bit code in the layout of 64-bit code: there the union begins four
/// bytes further on, and an address has eight bytes.
pub fn widen(raw: &[u8; SIZE]) -> [u8; SIZE] {
    let mut wide = [0; SIZE];
    let mut copy = |from: usize, length: usize, to: usize| {
        if let (Some(source), Some(slot)) = (raw.get(from..from + length), wide.get_mut(to..to + length)) {
            slot.copy_from_slice(source);
        }
    };
    copy(0, 12, 0);
    let field = |offset: usize| raw.get(offset..offset + 4).and_then(|bytes| bytes.first_chunk());
    let number = field(0).map_or(0, |bytes| i32::from_le_bytes(*bytes));
    let code = field(8).map_or(0, |bytes| i32::from_le_bytes(*bytes));
    let begins_with_address =
        [libc::SIGILL, libc::SIGFPE, libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP, libc::SIGSYS]
            .contains(&number);
    if begins_with_address && code > 0 {
        copy(12, 4, 16);
        copy(16, 8, 24);
    } else {
        copy(12, SIZE - 16, 16);
    }
    wide
}

/// `SIGSEGV`; real-time signals count from the first one a program may use (signal(7)): `SIGRTMIN+2`.
pub fn name(number: i32) -> String {
    match SIGNALS.iter().find(|(signal, ..)| *signal == number) {
        Some((_, name, _)) => (*name).to_owned(),
        // glibc keeps 32 and 33 for itself, so SIGRTMIN is 34 to programs.
        None if number == 34 => "SIGRTMIN".to_owned(),
        None if (35..64).contains(&number) => format!("SIGRTMIN+{}", number - 34),
        None if number == 64 => "SIGRTMAX".to_owned(),
        None => format!("SIG{number}"),
    }
}

/// The words of strsignal(3).
pub fn description(number: i32) -> String {
    match SIGNALS.iter().find(|(signal, ..)| *signal == number) {
        Some((_, _, words)) => (*words).to_owned(),
        None if (34..=64).contains(&number) => format!("Real-time signal {}", number - 34),
        None => format!("Unknown signal {number}"),
    }
}

const SIGNALS: [(i32, &str, &str); 31] = [
    (libc::SIGHUP, "SIGHUP", "Hangup"),
    (libc::SIGINT, "SIGINT", "Interrupt"),
    (libc::SIGQUIT, "SIGQUIT", "Quit"),
    (libc::SIGILL, "SIGILL", "Illegal instruction"),
    (libc::SIGTRAP, "SIGTRAP", "Trace/breakpoint trap"),
    (libc::SIGABRT, "SIGABRT", "Aborted"),
    (libc::SIGBUS, "SIGBUS", "Bus error"),
    (libc::SIGFPE, "SIGFPE", "Floating point exception"),
    (libc::SIGKILL, "SIGKILL", "Killed"),
    (libc::SIGUSR1, "SIGUSR1", "User defined signal 1"),
    (libc::SIGSEGV, "SIGSEGV", "Segmentation fault"),
    (libc::SIGUSR2, "SIGUSR2", "User defined signal 2"),
    (libc::SIGPIPE, "SIGPIPE", "Broken pipe"),
    (libc::SIGALRM, "SIGALRM", "Alarm clock"),
    (libc::SIGTERM, "SIGTERM", "Terminated"),
    (libc::SIGSTKFLT, "SIGSTKFLT", "Stack fault"),
    (libc::SIGCHLD, "SIGCHLD", "Child exited"),
    (libc::SIGCONT, "SIGCONT", "Continued"),
    (libc::SIGSTOP, "SIGSTOP", "Stopped (signal)"),
    (libc::SIGTSTP, "SIGTSTP", "Stopped"),
    (libc::SIGTTIN, "SIGTTIN", "Stopped (tty input)"),
    (libc::SIGTTOU, "SIGTTOU", "Stopped (tty output)"),
    (libc::SIGURG, "SIGURG", "Urgent I/O condition"),
    (libc::SIGXCPU, "SIGXCPU", "CPU time limit exceeded"),
    (libc::SIGXFSZ, "SIGXFSZ", "File size limit exceeded"),
    (libc::SIGVTALRM, "SIGVTALRM", "Virtual timer expired"),
    (libc::SIGPROF, "SIGPROF", "Profiling timer expired"),
    (libc::SIGWINCH, "SIGWINCH", "Window changed"),
    (libc::SIGIO, "SIGIO", "I/O possible"),
    (libc::SIGPWR, "SIGPWR", "Power failure"),
    (libc::SIGSYS, "SIGSYS", "Bad system call"),
];

const SI_USER: i32 = 0;
const SI_QUEUE: i32 = -1;
const SI_MESGQ: i32 = -3;
const SI_TKILL: i32 = -6;
const SI_KERNEL: i32 = 0x80;
const CLD_EXITED: i32 = 1;

/// Codes that mean the same for every signal.
const GENERAL_CODES: [(i32, &str, &str); 10] = [
    (SI_USER, "SI_USER", "sent by kill()"),
    (SI_QUEUE, "SI_QUEUE", "sent by sigqueue()"),
    (SI_TKILL, "SI_TKILL", "sent by tgkill()"),
    (SI_MESGQ, "SI_MESGQ", "message queue changed"),
    (SI_KERNEL, "SI_KERNEL", "sent by the kernel"),
    (-2, "SI_TIMER", "a timer expired"),
    (-4, "SI_ASYNCIO", "asynchronous I/O completed"),
    (-5, "SI_SIGIO", "I/O possible"),
    (-7, "SI_DETHREAD", "another thread of the process called exec()"),
    (-60, "SI_ASYNCNL", "asynchronous name lookup completed"),
];

/// Codes of one signal each (sigaction(2), asm-generic/siginfo.h).
const CODES: [(i32, i32, &str, &str); 51] = [
    (libc::SIGILL, 1, "ILL_ILLOPC", "illegal opcode"),
    (libc::SIGILL, 2, "ILL_ILLOPN", "illegal operand"),
    (libc::SIGILL, 3, "ILL_ILLADR", "illegal addressing mode"),
    (libc::SIGILL, 4, "ILL_ILLTRP", "illegal trap"),
    (libc::SIGILL, 5, "ILL_PRVOPC", "privileged opcode"),
    (libc::SIGILL, 6, "ILL_PRVREG", "privileged register"),
    (libc::SIGILL, 7, "ILL_COPROC", "coprocessor error"),
    (libc::SIGILL, 8, "ILL_BADSTK", "internal stack error"),
    (libc::SIGILL, 9, "ILL_BADIADDR", "unimplemented instruction address"),
    (libc::SIGFPE, 1, "FPE_INTDIV", "integer divide by zero"),
    (libc::SIGFPE, 2, "FPE_INTOVF", "integer overflow"),
    (libc::SIGFPE, 3, "FPE_FLTDIV", "floating point divide by zero"),
    (libc::SIGFPE, 4, "FPE_FLTOVF", "floating point overflow"),
    (libc::SIGFPE, 5, "FPE_FLTUND", "floating point underflow"),
    (libc::SIGFPE, 6, "FPE_FLTRES", "floating point inexact result"),
    (libc::SIGFPE, 7, "FPE_FLTINV", "floating point invalid operation"),
    (libc::SIGFPE, 8, "FPE_FLTSUB", "subscript out of range"),
    (libc::SIGFPE, 14, "FPE_FLTUNK", "undiagnosed floating point exception"),
    (libc::SIGFPE, 15, "FPE_CONDTRAP", "trap on condition"),
    (libc::SIGSEGV, 1, "SEGV_MAPERR", "address not mapped to object"),
    (libc::SIGSEGV, 2, "SEGV_ACCERR", "invalid permissions for mapped object"),
    (libc::SIGSEGV, 3, "SEGV_BNDERR", "failed address bound checks"),
    (libc::SIGSEGV, 4, "SEGV_PKUERR", "access denied by memory protection keys"),
    (libc::SIGSEGV, 10, "SEGV_CPERR", "control protection fault"),
    (libc::SIGBUS, 1, "BUS_ADRALN", "invalid address alignment"),
    (libc::SIGBUS, 2, "BUS_ADRERR", "nonexistent physical address"),
    (libc::SIGBUS, 3, "BUS_OBJERR", "object-specific hardware error"),
    (libc::SIGBUS, 4, "BUS_MCEERR_AR", "hardware memory error consumed on a machine check; action required"),
    (libc::SIGBUS, 5, "BUS_MCEERR_AO", "hardware memory error detected but not consumed; action optional"),
    (libc::SIGTRAP, 1, "TRAP_BRKPT", "process breakpoint"),
    (libc::SIGTRAP, 2, "TRAP_TRACE", "process trace trap"),
    (libc::SIGTRAP, 3, "TRAP_BRANCH", "process taken branch trap"),
    (libc::SIGTRAP, 4, "TRAP_HWBKPT", "hardware breakpoint or watchpoint"),
    (libc::SIGTRAP, 5, "TRAP_UNK", "undiagnosed trap"),
    (libc::SIGTRAP, 6, "TRAP_PERF", "performance event"),
    (libc::SIGCHLD, CLD_EXITED, "CLD_EXITED", "child has exited"),
    (libc::SIGCHLD, 2, "CLD_KILLED", "child was killed"),
    (libc::SIGCHLD, 3, "CLD_DUMPED", "child terminated abnormally"),
    (libc::SIGCHLD, 4, "CLD_TRAPPED", "traced child has trapped"),
    (libc::SIGCHLD, 5, "CLD_STOPPED", "child has stopped"),
    (libc::SIGCHLD, 6, "CLD_CONTINUED", "stopped child has continued"),
    (libc::SIGIO, 1, "POLL_IN", "data input available"),
    (libc::SIGIO, 2, "POLL_OUT", "output buffers available"),
    (libc::SIGIO, 3, "POLL_MSG", "input message available"),
    (libc::SIGIO, 4, "POLL_ERR", "I/O error"),
    (libc::SIGIO, 5, "POLL_PRI", "high priority input available"),
    (libc::SIGIO, 6, "POLL_HUP", "device disconnected"),
    (libc::SIGSYS, 1, "SYS_SECCOMP", "forbidden by a seccomp filter"),
    (libc::SIGSYS, 2, "SYS_USER_DISPATCH", "caught by system call user dispatch"),
    (libc::SIGSEGV, 8, "SEGV_MTEAERR", "asynchronous memory tag error"),
    (libc::SIGSEGV, 9, "SEGV_MTESERR", "synchronous memory tag error"),
];

/// Name and words of an `si_code`.
fn describe_code(number: i32, code: i32) -> (Option<&'static str>, Option<&'static str>) {
    let general =
        GENERAL_CODES.iter().find(|(value, ..)| *value == code).map(|&(_, name, words)| (name, words));
    let own = || {
        let found = CODES.iter().find(|(signal, value, ..)| (*signal, *value) == (number, code));
        found.map(|&(_, _, name, words)| (name, words))
    };
    general.or_else(own).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `siginfo_t` with this number and code, and these words from byte 16 on.
    fn raw(number: i32, code: i32, words: &[i32]) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            [number, 0, code, 0].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(SIZE, 0);
        bytes
    }

    #[test]
    fn a_wild_pointer_says_where() {
        let signal = parse_siginfo(&raw(libc::SIGSEGV, 1, &[0x2a, 0])).unwrap();
        assert_eq!(
            (signal.number, signal.name.as_str(), signal.description.as_str()),
            (11, "SIGSEGV", "Segmentation fault")
        );
        assert_eq!(
            (signal.code.as_str(), signal.message.as_str()),
            ("SEGV_MAPERR", "address not mapped to object")
        );
        assert_eq!((signal.address, signal.sender_pid), (Some(Address(0x2a)), None));
    }

    #[test]
    fn a_signal_that_was_sent_says_by_whom_and_has_no_address() {
        let signal = parse_siginfo(&raw(libc::SIGSEGV, SI_USER, &[77, 1000])).unwrap();
        assert_eq!((signal.sender_pid, signal.sender_uid, signal.address), (Some(77), Some(1000), None));
        assert_eq!((signal.code.as_str(), signal.message.as_str()), ("SI_USER", "sent by kill()"));
        let abort = parse_siginfo(&raw(libc::SIGABRT, SI_TKILL, &[5, 0])).unwrap();
        assert_eq!(abort.message, "sent by tgkill()");
    }

    #[test]
    fn a_general_protection_fault_has_no_address() {
        let signal = parse_siginfo(&raw(libc::SIGSEGV, SI_KERNEL, &[0, 0])).unwrap();
        assert_eq!((signal.code.as_str(), signal.address, signal.sender_pid), ("SI_KERNEL", None, None));
    }

    #[test]
    fn a_child_says_how_it_ended() {
        let exited = parse_siginfo(&raw(libc::SIGCHLD, 1, &[9, 0, 3])).unwrap();
        assert_eq!(exited.message, "child process 9 exited with status 3");
        let killed = parse_siginfo(&raw(libc::SIGCHLD, 2, &[9, 0, 11])).unwrap();
        assert_eq!(killed.message, "child was killed (process 9, SIGSEGV)");
    }

    #[test]
    fn a_forbidden_system_call_is_named() {
        let signal = parse_siginfo(&raw(libc::SIGSYS, 1, &[0x1000, 0, 59])).unwrap();
        assert_eq!(signal.message, "forbidden by a seccomp filter (system call execve)");
        assert_eq!(signal.address, Some(Address(0x1000)));
    }

    #[test]
    fn the_layout_of_32_bit_code_is_widened() {
        let narrow = |number: i32, code: i32, words: &[u32]| {
            let mut bytes = [0; SIZE];
            let words =
                [number.cast_unsigned(), 0, code.cast_unsigned()].into_iter().chain(words.iter().copied());
            for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
                slot.copy_from_slice(&word.to_le_bytes());
            }
            parse_siginfo(&widen(&bytes)).unwrap()
        };
        assert_eq!(narrow(libc::SIGSEGV, 1, &[0xf000_0000]).address, Some(Address(0xf000_0000)));
        let sent = narrow(libc::SIGUSR1, SI_USER, &[77, 1000]);
        assert_eq!((sent.sender_pid, sent.sender_uid), (Some(77), Some(1000)));
        assert!(narrow(libc::SIGCHLD, 1, &[9, 0, 3]).message.ends_with("status 3"));
        let forbidden = narrow(libc::SIGSYS, 1, &[0x1000, 11, 0x4000_0003]);
        assert_eq!(forbidden.message, "forbidden by a seccomp filter (system call execve)");
    }

    #[test]
    fn unknown_codes_and_real_time_signals_are_numbers() {
        let signal = parse_siginfo(&raw(36, 17, &[])).unwrap();
        assert_eq!(
            (signal.name.as_str(), signal.code.as_str(), signal.message.as_str()),
            ("SIGRTMIN+2", "17", "unknown code 17")
        );
        assert_eq!(
            (name(64).as_str(), name(32).as_str(), description(99).as_str()),
            ("SIGRTMAX", "SIG32", "Unknown signal 99")
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse_siginfo(&raw(0, 1, &[])), None);
        assert_eq!(parse_siginfo(&raw(65, 1, &[])), None);
        assert_eq!(parse_siginfo(&raw(-11, 1, &[])), None);
        assert_eq!(parse_siginfo(&raw(11, 1, &[])[..20]), None);
        assert_eq!(parse_siginfo(&[]), None);
    }

    #[test]
    fn descriptions_are_those_of_strsignal() {
        for (number, _, words) in SIGNALS {
            // SAFETY: strsignal gives a NUL-terminated string that is valid until the next call;
            // it is copied at once, and the numbers are those of signals.
            let libc_words = unsafe { std::ffi::CStr::from_ptr(libc::strsignal(number)) };
            assert_eq!(libc_words.to_str(), Ok(words));
        }
    }

    #[test]
    fn every_signal_and_code_is_described_once() {
        let mut keys: Vec<_> = CODES.iter().map(|(signal, code, ..)| (*signal, *code)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), CODES.len());
        for (signal, code) in keys {
            assert!(!(GENERAL_CODES.iter().any(|(general, ..)| *general == code)), "{signal} {code}");
        }
    }
}
