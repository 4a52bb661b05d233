//! Stopped or blocked inside signal handlers: a crash handler, and one that interrupts a sort.

use crate::process::block_here;
use crate::{Scenario, faults};
use std::hint::black_box;
use std::sync::atomic::{AtomicI32, Ordering};
use std::{mem, ptr};

pub(crate) const SCENARIOS: &[Scenario] =
    &[("fault-handler", "[FAULT]", fault_under_handler), ("signal-handler", "", |_| signal_handler())];

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn install(signo: libc::c_int, handler: Handler, flags: libc::c_int) {
    // SAFETY: an all-zero sigaction is a valid one with an empty mask; both handlers here call only
    // what signal-safety(7) allows.
    let result = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = flags | libc::SA_SIGINFO;
        libc::sigaction(signo, &action, ptr::null_mut())
    };
    assert_eq!(result, 0, "sigaction of {signo}");
}

/// Stops the process where the fault is, so that it can be looked at, and then lets it die of it.
extern "C" fn on_fault(signo: libc::c_int, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: raise touches no memory; SA_RESETHAND has put the default action back.
    unsafe {
        libc::raise(libc::SIGSTOP);
        libc::raise(signo);
    }
}

fn fault_under_handler(arguments: &[String]) {
    let name = arguments.first().map_or("null", String::as_str);
    let Some((_, _, fault)) = faults::SCENARIOS.iter().find(|(known, _, _)| *known == name) else {
        eprintln!("not a fault: {name}");
        std::process::exit(64);
    };
    // The runtime has given this thread an alternate stack.
    for signo in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT] {
        install(signo, on_fault, libc::SA_ONSTACK | libc::SA_RESETHAND);
    }
    fault(&[]);
}

struct Reload {
    generation: i32,
    requested_by: i32,
}

static GENERATION: AtomicI32 = AtomicI32::new(4);

extern "C" fn on_reload(signo: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo_t, and raise fills in the sender's pid.
    let requested_by = unsafe { (*info).si_pid() };
    let reload = Reload { generation: GENERATION.load(Ordering::Relaxed) + signo, requested_by };
    block_here();
    GENERATION.store(reload.generation + reload.requested_by, Ordering::Relaxed);
}

fn signal_handler() {
    install(libc::SIGUSR1, on_reload, 0);
    let mut priorities = black_box([20, 10, 40, 30]);
    priorities.sort_by(|left, right| {
        if left + right == 30 {
            // SAFETY: raise touches no memory; the handler was installed above.
            unsafe { libc::raise(libc::SIGUSR1) };
        }
        left.cmp(right)
    });
    println!("{priorities:?}");
}
