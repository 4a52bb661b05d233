//! Words for signals and their codes, and which signals mean that a program is broken.

use nix::sys::signal::Signal;

/// `SIGSEGV (Segmentation fault)`, or `signal 60`.
pub(crate) fn describe(signal: i32) -> String {
    let Ok(known) = Signal::try_from(signal) else { return format!("signal {signal}") };
    // SAFETY: strsignal(3) gives a static string for every known signal; the monitor has one thread.
    let words = unsafe { std::ffi::CStr::from_ptr(libc::strsignal(signal)) };
    format!("{} ({})", known.as_str(), words.to_string_lossy())
}

/// Whether a process that died of it is started again without being told to be immortal: faults, and what the
/// kernel sends when it ends a process for using too much.
pub(crate) fn is_fault(signal: i32) -> bool {
    use Signal::*;
    let faults =
        [SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ, SIGSTKFLT, SIGKILL];
    faults.into_iter().any(|fault| fault as i32 == signal)
}

/// What `si_code` says of a fault (sigaction(2)).
pub(crate) fn describe_code(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        (_, libc::SI_USER) => "sent by kill",
        (_, libc::SI_TKILL) => "sent by a thread, as abort does",
        (_, libc::SI_QUEUE) => "sent by sigqueue",
        (_, libc::SI_KERNEL) => "sent by the kernel",
        (libc::SIGSEGV, 1) => "address not mapped to object",
        (libc::SIGSEGV, 2) => "invalid permissions for mapped object",
        (libc::SIGBUS, 1) => "invalid address alignment",
        (libc::SIGBUS, 2) => "nonexistent physical address",
        (libc::SIGILL, 2) => "illegal operand",
        (libc::SIGFPE, 1) => "integer divide by zero",
        (libc::SIGSYS, 1) => "refused by a seccomp filter",
        _ => "no details",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_known_and_unknown_signals() {
        assert_eq!(describe(11), "SIGSEGV (Segmentation fault)");
        assert_eq!(describe(15), "SIGTERM (Terminated)");
        assert_eq!(describe(60), "signal 60");
    }

    #[test]
    fn a_kill_is_a_fault_and_a_termination_is_not() {
        assert!(is_fault(libc::SIGKILL) && is_fault(libc::SIGSYS));
        assert!(!is_fault(libc::SIGTERM) && !is_fault(libc::SIGHUP) && !is_fault(libc::SIGPIPE));
    }
}
