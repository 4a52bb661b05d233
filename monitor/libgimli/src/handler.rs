//! What happens when a fault signal arrives. Everything here runs at an arbitrary point of a broken program:
//! only system calls, no allocation, no lock, no panic.
//!
//! 1. One thread of the process claims the fault; others that fault meanwhile are parked, so that there is one
//!    report and it shows them. The same thread faulting again (in the shutdown function) ends the process.
//! 2. The monitor is asked for a trace and waited for. With our monitor that is a wait on a robust futex, which
//!    ends when the monitor answers or dies in any way; the monitor, not the handler, sends SIGSTOP to hold the
//!    other threads, so a stop is only ever sent by a living monitor, and PR_SET_PDEATHSIG makes the kernel
//!    send SIGCONT when it dies after that. An old monitor knows only processes that stop themselves.
//! 3. The shutdown function runs, and the process dies of the signal it got.

use crate::segment::{OWNER_DIED, Segment, WAITERS};
use std::ffi::{c_int, c_long, c_void};
use std::mem::zeroed;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// The application's last words: signal number and `siginfo_t`.
pub(crate) type ShutdownFunction = unsafe extern "C" fn(c_int, *mut libc::siginfo_t);

const SIGNALS: [c_int; 9] = {
    use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ};
    [SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ]
};
/// The wait looks up once a second, in case the shared words were overwritten by the fault itself …
const LOOK_SECONDS: libc::time_t = 1;
/// … and ends for good after this many looks, whatever the monitor does.
const LOOKS: u32 = 600;
/// What a shutdown function gets when no monitor is left that would end it.
const LAST_WORDS_SECONDS: u32 = 5;

static SEGMENT: AtomicPtr<Segment> = AtomicPtr::new(ptr::null_mut());
static MONITOR: AtomicI32 = AtomicI32::new(0);
/// Whether an old monitor understands SIGUSR2; one that does not would die of it.
static OLD_MONITOR_TAKES_USR2: AtomicBool = AtomicBool::new(false);
/// Where the monitor waits for sd_notify datagrams, and the length of the address.
static LISTENER: OnceLock<(libc::sockaddr_un, libc::socklen_t)> = OnceLock::new();
static SHUTDOWN: AtomicUsize = AtomicUsize::new(0);
/// The thread that handles the process's fault: pid in the high half, tid in the low half.
static CLAIM: AtomicU64 = AtomicU64::new(0);

pub(crate) fn set_shutdown_function(function: Option<ShutdownFunction>) {
    SHUTDOWN.store(function.map_or(0, |function| function as usize), Ordering::Release);
}

/// Installs the handler for every fault signal. `monitor` is its process id, 0 when there is none.
pub(crate) fn install(segment: Option<&'static Segment>, monitor: libc::pid_t) {
    let old = segment.is_none_or(|segment| !segment.understands_faults());
    if old && monitor > 0 {
        OLD_MONITOR_TAKES_USR2.store(takes_signal(monitor, libc::SIGUSR2), Ordering::Relaxed);
    }
    MONITOR.store(monitor, Ordering::Relaxed);
    SEGMENT.store(segment.map_or(ptr::null_mut(), |s| ptr::from_ref(s).cast_mut()), Ordering::Release);
    if let Some(address) = find_listener() {
        LISTENER.get_or_init(|| address);
    }
    allow_tracer(monitor);
    // SAFETY: an all-zero sigaction is valid; the handler has the signature that SA_SIGINFO asks for and only
    // does what signal-safety(7) allows.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigfillset(&raw mut action.sa_mask);
        for signal in SIGNALS {
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
}

/// Wakes the monitor. False when this process may not signal it, having changed its user.
pub(crate) fn poke_monitor(signal: c_int) -> bool {
    let monitor = MONITOR.load(Ordering::Relaxed);
    // SAFETY: a system call with plain numbers.
    monitor > 0 && unsafe { libc::kill(monitor, signal) == 0 }
}

/// The abstract address that our monitor gives its server (unix(7)): a NUL and the name.
fn find_listener() -> Option<(libc::sockaddr_un, libc::socklen_t)> {
    let name = std::env::var("NOTIFY_SOCKET").ok()?;
    // SAFETY: all-zero bytes are a valid address.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let room = address.sun_path.get_mut(1..name.len())?;
    for (to, from) in room.iter_mut().zip(name.strip_prefix('@')?.bytes()) {
        *to = from as libc::c_char;
    }
    Some((address, (std::mem::offset_of!(libc::sockaddr_un, sun_path) + name.len()) as libc::socklen_t))
}

/// Wakes a monitor that this process may not signal, so that it finds the record: by an empty datagram. Without a free
/// descriptor the monitor finds it when it next looks at the heart.
fn knock() {
    let Some((address, length)) = LISTENER.get() else { return };
    // SAFETY: system calls; the address is static and at least as long as told.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        libc::sendto(socket, ptr::null(), 0, libc::MSG_DONTWAIT, ptr::from_ref(address).cast(), *length);
        libc::close(socket);
    }
}

/// Lets the monitor and its children (glider) attach under Yama, prctl(2) PR_SET_PTRACER.
fn allow_tracer(monitor: libc::pid_t) {
    if monitor > 0 {
        // SAFETY: a system call with plain numbers; kernels without Yama refuse it, which does no harm.
        unsafe { libc::prctl(libc::PR_SET_PTRACER, monitor as libc::c_ulong, 0, 0, 0) };
    }
}

/// Whether process `pid` catches or blocks `signal`, from the bit masks of proc_pid_status(5).
fn takes_signal(pid: libc::pid_t, signal: c_int) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    };
    (mask("SigCgt:") | mask("SigBlk:")) & (1 << (signal - 1)) != 0
}

unsafe extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let (pid, thread) = (number(libc::SYS_getpid), number(libc::SYS_gettid));
    let mine = (u64::from(pid) << 32) | u64::from(thread);
    // A claim made by another process (this one was forked from it, or it was a vfork child) is void here.
    let take = |held: u64| (held >> 32 != u64::from(pid)).then_some(mine);
    match CLAIM.fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
        Ok(_) => {}
        Err(held) if held == mine => die(signal, info, pid, thread),
        Err(_) => park(),
    }
    allow_tracer(MONITOR.load(Ordering::Relaxed));
    // SAFETY: SEGMENT is null or a mapping that is never unmapped.
    let segment = unsafe { SEGMENT.load(Ordering::Acquire).as_ref() };
    match segment {
        Some(segment) if segment.understands_faults() => {
            // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo_t.
            let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as u64) };
            if segment.closed.load(Ordering::Acquire) == 0 && take_record(segment, pid) {
                segment.thread.store(thread, Ordering::Relaxed);
                segment.signal.store(signal, Ordering::Relaxed);
                segment.code.store(code, Ordering::Relaxed);
                segment.address.store(if code > 0 { address } else { 0 }, Ordering::Relaxed);
                // Covers the SIGSTOP that a living monitor sends while it has the process traced.
                when_parent_dies(libc::SIGCONT);
                segment.ready.store(pid, Ordering::Release);
                if !poke_monitor(libc::SIGUSR2) {
                    knock();
                }
                wait(segment, |segment| segment.claim.load(Ordering::Acquire) != pid);
            }
        }
        Some(_) => {
            // How a monitor tells a fault from a stop on purpose: the signal is blocked and has no handler.
            set_default(signal);
            when_parent_dies(libc::SIGCONT);
            stop_to_be_seen(pid, thread);
        }
        None => {}
    }
    if let Some(segment) = segment {
        segment.beat(crate::State::Stopping as i32);
        limit_last_words(segment);
    }
    let function = SHUTDOWN.load(Ordering::Acquire);
    if function != 0 {
        restore_mask(context);
        // SAFETY: SHUTDOWN only ever holds 0 or a ShutdownFunction; `info` is the kernel's.
        unsafe { std::mem::transmute::<usize, ShutdownFunction>(function)(signal, info) };
    }
    die(signal, info, pid, thread);
}

/// Waits for the end of the process, with every signal blocked (the handler's mask).
fn park() -> ! {
    loop {
        // SAFETY: ppoll without descriptors and without a timeout touches no memory; it never returns but for
        // a spurious wake-up.
        unsafe { libc::syscall(libc::SYS_ppoll, 0, 0, 0, 0, 0) };
    }
}

/// Takes the segment's record for this process; a forked worker may have to wait until another one is done with
/// it. False when the monitor is gone or does not get to it.
fn take_record(segment: &Segment, pid: u32) -> bool {
    let mut taken = false;
    let alive = wait(segment, |segment| {
        let take = |from| {
            let order = (Ordering::AcqRel, Ordering::Acquire);
            segment.claim.compare_exchange(from, pid, order.0, order.1).is_ok()
        };
        let holder = segment.claim.load(Ordering::Acquire);
        taken = holder == pid || take(0) || (is_gone(holder) && take(holder));
        taken
    });
    alive && taken
}

/// Waits until `done`; false when the monitor died first or never answered. The order matters: the futex word is
/// marked first, then `done` is asked, then the kernel compares the word, so no wake-up is lost.
fn wait(segment: &Segment, mut done: impl FnMut(&Segment) -> bool) -> bool {
    for _ in 0..LOOKS {
        let word = segment.owner.fetch_or(WAITERS, Ordering::AcqRel) | WAITERS;
        let alive = word & OWNER_DIED == 0 && word & libc::FUTEX_TID_MASK != 0;
        if !alive || is_gone(MONITOR.load(Ordering::Relaxed) as u32) {
            return false;
        }
        if done(segment) {
            return true;
        }
        let limit = libc::timespec { tv_sec: LOOK_SECONDS, tv_nsec: 0 };
        let futex = segment.owner.as_ptr();
        // SAFETY: the word lives as long as the process; a shared futex, since the monitor wakes it.
        unsafe { libc::syscall(libc::SYS_futex, futex, libc::FUTEX_WAIT, word, &raw const limit, 0, 0) };
    }
    false
}

/// Whether no process `pid` exists. One that belongs to somebody else does exist.
fn is_gone(pid: u32) -> bool {
    // SAFETY: signal 0 sends nothing; errno is this thread's own.
    unsafe { libc::kill(pid as libc::pid_t, 0) != 0 && *libc::__errno_location() == libc::ESRCH }
}

/// A shutdown function that hangs is ended by the monitor; by the kernel when the monitor dies meanwhile; and by a
/// timer when it is dead already.
fn limit_last_words(segment: &Segment) {
    let monitor = MONITOR.load(Ordering::Relaxed) as u32;
    let is_child = number(libc::SYS_getppid) == monitor;
    if is_child {
        when_parent_dies(libc::SIGKILL);
    }
    let dead = match segment.understands_faults() {
        true => segment.owner.load(Ordering::Acquire) & OWNER_DIED != 0,
        false => !is_child || number(libc::SYS_getppid) != monitor,
    };
    if dead {
        signal_after(LAST_WORDS_SECONDS, libc::SIGKILL);
    }
}

fn when_parent_dies(signal: c_int) {
    // SAFETY: a system call with plain numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong, 0, 0, 0) };
}

/// Has the kernel send `signal` to this process later; false when it has no timer left.
fn signal_after(seconds: u32, signal: c_int) -> bool {
    // SAFETY: all-zero values are valid; system calls on local plain data that outlives them.
    unsafe {
        let mut event: libc::sigevent = zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal;
        let mut timer: c_int = 0;
        let mut when: libc::itimerspec = zeroed();
        when.it_value.tv_sec = libc::time_t::from(seconds);
        libc::syscall(libc::SYS_timer_create, libc::CLOCK_MONOTONIC, &raw const event, &raw mut timer) == 0
            && libc::syscall(libc::SYS_timer_settime, timer, 0, &raw const when, 0) == 0
    }
}

/// Stops until the monitor sends SIGCONT, as the C original's protocol has it; the monitor is told by SIGCHLD, and
/// by SIGUSR2 if it understands that. A parent that dies while we are stopped makes the kernel continue us; for
/// one that dies just before, a timer does, after [`LOOKS`] seconds. The stop goes to this thread, so that nothing
/// runs in it before it is stopped.
fn stop_to_be_seen(pid: u32, thread: u32) {
    let monitor = MONITOR.load(Ordering::Relaxed) as u32;
    if monitor == 0 || number(libc::SYS_getppid) != monitor {
        return;
    }
    if !signal_after(LOOKS, libc::SIGCONT) {
        return;
    }
    // SAFETY: system calls with plain numbers.
    unsafe {
        if OLD_MONITOR_TAKES_USR2.load(Ordering::Relaxed) {
            libc::kill(monitor as libc::pid_t, libc::SIGUSR2);
        }
        libc::syscall(libc::SYS_tgkill, pid, thread, libc::SIGSTOP);
    }
}

/// Gives the shutdown function the signal mask of the interrupted code, rather than the handler's full one.
fn restore_mask(context: *mut c_void) {
    const KERNEL_MASK_BYTES: usize = 8;
    // SAFETY: with SA_SIGINFO the context is a ucontext_t whose signal mask the kernel filled.
    unsafe {
        let mask = &raw const (*context.cast::<libc::ucontext_t>()).uc_sigmask;
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, mask, 0, KERNEL_MASK_BYTES);
    }
}

/// Dies of `signal` with the very siginfo it came with, so that a core file shows the fault and not a kill.
fn die(signal: c_int, info: *mut libc::siginfo_t, pid: u32, thread: u32) -> ! {
    set_default(signal);
    // SAFETY: an all-zero sigset_t is valid; system calls on local plain data. A thread may queue any siginfo to
    // itself (rt_tgsigqueueinfo(2)).
    unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, thread, signal, info);
        let mut only: libc::sigset_t = zeroed();
        libc::sigaddset(&raw mut only, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only, ptr::null_mut());
        // Here only as process 1 of a namespace, which no signal of its own kills.
        libc::_exit(128 + signal)
    }
}

fn set_default(signal: c_int) {
    // SAFETY: an all-zero sigaction is valid and means the default action.
    unsafe {
        let action: libc::sigaction = zeroed();
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

/// The result of a system call without arguments that cannot fail.
fn number(call: c_long) -> u32 {
    // SAFETY: only called with getpid, gettid and getppid.
    unsafe { libc::syscall(call) as u32 }
}
