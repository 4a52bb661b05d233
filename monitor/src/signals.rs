//! Words for signals, their codes and errno values, and which signals mean that a program is broken.

use nix::sys::signal::Signal;

/// `SIGSEGV (Segmentation fault)`, or `signal 42`.
pub(crate) fn describe(signal: i32) -> String {
    let Ok(known) = Signal::try_from(signal) else { return format!("signal {signal}") };
    let words = match known {
        Signal::SIGSEGV => "Segmentation fault",
        Signal::SIGABRT => "Aborted",
        Signal::SIGBUS => "Bus error",
        Signal::SIGILL => "Illegal instruction",
        Signal::SIGFPE => "Arithmetic exception",
        Signal::SIGSYS => "Bad system call",
        Signal::SIGTRAP => "Trap",
        Signal::SIGXCPU => "CPU time limit exceeded",
        Signal::SIGXFSZ => "File size limit exceeded",
        Signal::SIGKILL => "Killed",
        _ => return known.as_str().to_owned(),
    };
    format!("{} ({words})", known.as_str())
}

/// Whether a process that died of it is started again without being told to be immortal: faults, and what the
/// kernel sends when it ends a process for using too much.
pub(crate) fn is_fault(signal: i32) -> bool {
    matches!(
        Signal::try_from(signal),
        Ok(Signal::SIGSEGV
            | Signal::SIGABRT
            | Signal::SIGBUS
            | Signal::SIGILL
            | Signal::SIGFPE
            | Signal::SIGSYS
            | Signal::SIGTRAP
            | Signal::SIGXCPU
            | Signal::SIGXFSZ
            | Signal::SIGSTKFLT
            | Signal::SIGKILL)
    )
}

/// What `si_code` says of a fault (sigaction(2)).
pub(crate) fn describe_code(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        (_, libc::SI_USER) => "sent by kill",
        (_, libc::SI_TKILL) => "sent by a thread, as abort does",
        (_, libc::SI_QUEUE) => "sent by sigqueue",
        (libc::SIGSEGV, 1) => "address not mapped to object",
        (libc::SIGSEGV, 2) => "invalid permissions for mapped object",
        (libc::SIGBUS, 1) => "invalid address alignment",
        (libc::SIGBUS, 2) => "nonexistent physical address",
        (libc::SIGBUS, 4 | 5) => "hardware memory error",
        (libc::SIGFPE, 1) => "integer divide by zero",
        (libc::SIGFPE, 2) => "integer overflow",
        (libc::SIGFPE, _) => "floating-point exception",
        (libc::SIGILL, _) => "illegal instruction or operand",
        (libc::SIGSYS, 1) => "refused by a seccomp filter",
        (libc::SIGTRAP, _) => "breakpoint or trace trap",
        (_, 0x80) => "sent by the kernel",
        _ => "no details",
    }
}

/// `No such file or directory (os error 2)`.
pub(crate) fn errno_text(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_known_and_unknown_signals() {
        assert_eq!(describe(11), "SIGSEGV (Segmentation fault)");
        assert_eq!(describe(15), "SIGTERM");
        assert_eq!(describe(60), "signal 60");
    }

    #[test]
    fn a_kill_is_a_fault_and_a_termination_is_not() {
        assert!(is_fault(libc::SIGKILL) && is_fault(libc::SIGSYS));
        assert!(!is_fault(libc::SIGTERM) && !is_fault(libc::SIGHUP) && !is_fault(libc::SIGPIPE));
    }
}
