//! Signals: at the frames where the kernel called a handler, and as the cause of it all.

use crate::address::Address;
use crate::object::Modules;
use crate::report::{CrashInfo, Signal};
use crate::session::fallback;
use crate::target::siginfo::{self, SignalInfo, parse_siginfo};
use crate::target::{Capture, Mapping, Memory};

/// Reads the `siginfo_t` that the kernel put at `address`.
pub(super) fn read(memory: &dyn Memory, address: Address) -> Option<SignalInfo> {
    let mut raw = [0; siginfo::SIZE];
    memory.read_exact(address, &mut raw)?;
    parse_siginfo(&raw)
}

/// What lies at an address that a signal names: a symbol, or the mapping's own name.
pub(super) fn describe_address(address: Address, modules: &Modules, mappings: &[Mapping]) -> Option<String> {
    if let Some(name) = modules.name(address) {
        return Some(name.to_string());
    }
    let after = mappings.partition_point(|mapping| mapping.start <= address);
    let mapping = mappings.get(after.checked_sub(1)?).filter(|mapping| address < mapping.end)?;
    Some(mapping.path.clone().unwrap_or_else(|| "anonymous memory".to_owned()))
}

/// A signal as the report shows it at its frame.
pub(super) fn report(signal: &SignalInfo, modules: &Modules, capture: &Capture) -> Signal {
    Signal {
        number: signal.number,
        name: signal.name.clone(),
        description: signal.description.clone(),
        code: signal.code.clone(),
        message: signal.message.clone(),
        address: signal.address,
        address_symbol: signal
            .address
            .and_then(|address| describe_address(address, modules, &capture.mappings)),
        sender_pid: signal.sender_pid,
        sender_uid: signal.sender_uid,
    }
}

/// The cause of the crash among all signals met: a fault before any other signal, the first
/// thread's before later ones.
#[derive(Default)]
pub(super) struct Cause {
    found: Option<(bool, CrashInfo)>,
}

impl Cause {
    /// Considers a signal of the thread with this index.
    pub(super) fn consider(&mut self, signal: &SignalInfo, thread: usize, address_symbol: Option<String>) {
        let is_fault = is_fault(signal.number);
        let is_better = match &self.found {
            None => true,
            Some((known_is_fault, _)) => is_fault && !known_is_fault,
        };
        if is_better {
            self.found =
                Some((is_fault, CrashInfo { address_symbol, ..fallback::crash_info(signal, thread) }));
        }
    }

    /// The cause found.
    pub(super) fn crash(&self) -> Option<CrashInfo> {
        self.found.as_ref().map(|(_, crash)| crash.clone())
    }
}

/// Signals that end a process because of what it did itself.
fn is_fault(number: i32) -> bool {
    use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ};
    [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ].contains(&number)
}
