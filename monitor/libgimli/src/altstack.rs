//! A stack of its own for the fault handler, one per thread, so that a stack overflow can be handled.
//!
//! The kernel keeps the alternate stack per thread (sigaltstack(2)) and starts each new thread without one; so
//! the main thread gets it when handlers are installed, and other threads when they start (`interpose`).

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;

/// Room for the handler, the signal frame with its vector registers, and a shutdown function that prints.
const STACK_BYTES: usize = 64 * 1024;
const GUARD_BYTES: usize = 4096;

/// Gives the calling thread an alternate stack unless it has one that is large enough. When memory is short
/// the thread keeps what it has.
pub(crate) fn install() {
    let Some(key) = key() else { return };
    // SAFETY: stack_t is plain data; sigaltstack with a null first argument only reports. The mapping is fresh,
    // its guard page stays inaccessible, and it is unmapped by `release` after the thread has let go of it.
    unsafe {
        let mut now: libc::stack_t = std::mem::zeroed();
        if libc::sigaltstack(ptr::null(), &raw mut now) != 0
            || (now.ss_flags & libc::SS_DISABLE == 0 && now.ss_size >= STACK_BYTES)
        {
            return;
        }
        let base = libc::mmap(
            ptr::null_mut(),
            GUARD_BYTES + STACK_BYTES,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
            -1,
            0,
        );
        if base == libc::MAP_FAILED {
            return;
        }
        let stack = base.byte_add(GUARD_BYTES);
        let new = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: STACK_BYTES };
        if libc::mprotect(stack, STACK_BYTES, libc::PROT_READ | libc::PROT_WRITE) != 0
            || libc::pthread_setspecific(key, base) != 0
            || libc::sigaltstack(&raw const new, ptr::null_mut()) != 0
        {
            libc::pthread_setspecific(key, ptr::null());
            libc::munmap(base, GUARD_BYTES + STACK_BYTES);
        }
    }
}

/// The key whose destructor frees a thread's stack when it ends, by return, pthread_exit or cancellation.
fn key() -> Option<libc::pthread_key_t> {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: `key` outlives the call, and `release` has the signature of a destructor.
        (unsafe { libc::pthread_key_create(&raw mut key, Some(release)) } == 0).then_some(key)
    })
}

unsafe extern "C" fn release(base: *mut c_void) {
    // SAFETY: `base` is the mapping that `install` stored for this very thread. It is unmapped only when the
    // thread no longer uses it as its alternate stack; on the stack itself sigaltstack refuses, and it stays.
    unsafe {
        let mut now: libc::stack_t = std::mem::zeroed();
        if libc::sigaltstack(ptr::null(), &raw mut now) == 0 && now.ss_sp == base.byte_add(GUARD_BYTES) {
            let off = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            if libc::sigaltstack(&raw const off, ptr::null_mut()) != 0 {
                return;
            }
        }
        libc::munmap(base, GUARD_BYTES + STACK_BYTES);
    }
}
