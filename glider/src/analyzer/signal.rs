//! Signals: at the frames where the kernel called a handler, and as the cause of it all.

use crate::address::Address;
use crate::object::Modules;
use crate::report::{CrashInfo, Signal};
use crate::session::fallback;
use crate::target::siginfo::{self, SignalInfo, parse_siginfo};
use crate::target::{Arch, Capture, Mapping, Memory};
use crate::unwind::SignalFrame;

/// The signal of a signal frame. The kernel fills the `siginfo_t` only for handlers installed
/// with `SA_SIGINFO`; for others the trap that the `ucontext_t` keeps tells a fault, and
/// nothing tells a signal that was sent.
pub(super) fn read(memory: &dyn Memory, frame: SignalFrame) -> Option<SignalInfo> {
    // The kernel leaves si_errno and the padding after si_code zero; old stack contents rarely are.
    let is_filled = |raw: &[u8]| raw.get(4..8) == Some(&[0; 4]) && raw.get(12..16) == Some(&[0; 4]);
    let raw = frame.read_siginfo(memory);
    let filled = raw.filter(|raw| is_filled(raw)).and_then(|raw| parse_siginfo(&raw));
    filled.or_else(|| from_trap(memory, frame))
}

/// A fault as the processor's trap number tells it (Intel SDM vol. 3 §6.15), read from
/// `uc_mcontext` of a `ucontext_t`.
fn from_trap(memory: &dyn Memory, frame: SignalFrame) -> Option<SignalInfo> {
    // Where the registers begin, and the words of the error code, the trap and cr2 among them.
    let (registers, error, trap, address) = match frame.arch {
        Arch::X86_64 => (40, 19, 20, 22),
        Arch::X86 => (20, 13, 12, 21),
    };
    let register = |index: u64| {
        let place = frame.ucontext.checked_add(registers + frame.arch.word() * index)?;
        memory.read_word(place, frame.arch)
    };
    let (error, trap, address) = (register(error)?, register(trap)?, register(address)?);
    let (signal, code, address) = match trap {
        6 => (libc::SIGILL, 2, 0),
        13 => (libc::SIGSEGV, 0x80, 0),
        14 => (libc::SIGSEGV, if error & 1 == 0 { 1 } else { 2 }, address),
        16 | 19 => (libc::SIGFPE, 7, 0),
        17 => (libc::SIGBUS, 1, 0),
        _ => return None,
    };
    let mut raw = [0; siginfo::SIZE];
    raw.get_mut(0..4)?.copy_from_slice(&signal.to_le_bytes());
    raw.get_mut(8..12)?.copy_from_slice(&i32::to_le_bytes(code));
    raw.get_mut(16..24)?.copy_from_slice(&address.to_le_bytes());
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

/// What is shown at a signal frame that does not tell its signal.
pub(super) fn unknown() -> Signal {
    Signal {
        number: 0,
        name: "unknown".to_owned(),
        description: "Unknown signal".to_owned(),
        code: String::new(),
        message: "The handler was installed without SA_SIGINFO: which signal it was is not told.".to_owned(),
        address: None,
        address_symbol: None,
        sender_pid: None,
        sender_uid: None,
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

    /// Orders causes of different threads: the least is better.
    pub(super) fn key(&self) -> Option<u64> {
        let (is_fault, crash) = self.found.as_ref()?;
        let thread = u64::try_from(crash.crashing_thread?).ok()?;
        Some(u64::from(!is_fault) << 32 | thread)
    }

    /// The thread of a cause with this key.
    pub(super) fn thread_of(key: u64) -> usize {
        usize::try_from(key & u64::from(u32::MAX)).unwrap_or(usize::MAX)
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
