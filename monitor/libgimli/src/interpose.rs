//! Stands in front of the C library's `pthread_create`, so that each thread starts with an alternate stack.
//!
//! In a dynamically linked program the real function is the next one in search order, whether this code came
//! from libgimli.so, libgimli.a or the Rust crate. In a fully static program there is no search order: glibc's
//! own `pthread_create` is a weak symbol that ours replaces, and its other name `__pthread_create` is called; the
//! linker has to be told to take that along (`-static -Wl,-u,__pthread_create`), else no thread can be created.
//! The feature `interpose` leaves all this out.
//! Threads that the C library makes for itself (SIGEV_THREAD timers, getaddrinfo_a) do not come this way.

use crate::altstack;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Create =
    unsafe extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, Start, *mut c_void) -> c_int;

struct Thread {
    start: Start,
    argument: *mut c_void,
}

/// pthread_create(3): the same arguments and results; the new thread gets an alternate signal stack first.
///
/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let Some(create) = real() else { return libc::EAGAIN };
    // SAFETY: plain allocation of a Thread, checked for null before use, owned by the new thread once it has
    // started and freed here when it has not. All arguments are the caller's own.
    unsafe {
        let parcel = libc::malloc(size_of::<Thread>()).cast::<Thread>();
        if parcel.is_null() {
            return create(thread, attributes, start, argument);
        }
        parcel.write(Thread { start, argument });
        let result = create(thread, attributes, begin, parcel.cast());
        if result != 0 {
            libc::free(parcel.cast());
        }
        result
    }
}

/// First function of each thread. "C-unwind" and nothing to drop: pthread_exit and cancellation unwind through.
unsafe extern "C-unwind" fn begin(parcel: *mut c_void) -> *mut c_void {
    // SAFETY: `parcel` is the Thread that pthread_create above allocated for this thread alone.
    unsafe {
        let Thread { start, argument } = parcel.cast::<Thread>().read();
        libc::free(parcel);
        altstack::install();
        start(argument)
    }
}

fn real() -> Option<Create> {
    static REAL: AtomicUsize = AtomicUsize::new(0);
    let mut address = REAL.load(Ordering::Relaxed);
    if address == 0 {
        // SAFETY: dlsym with a NUL-terminated name; the assembly only loads a GOT entry, which is 0 when the
        // weak symbol is not defined.
        unsafe {
            address = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr()) as usize;
            if address == 0 {
                std::arch::asm!(
                    ".weak __pthread_create",
                    "mov {address}, qword ptr [rip + __pthread_create@GOTPCREL]",
                    address = out(reg) address,
                    options(nostack, pure, readonly, preserves_flags),
                );
            }
        }
        REAL.store(address, Ordering::Relaxed);
    }
    // SAFETY: the address is 0 (None) or that of the C library's pthread_create, which has this signature.
    unsafe { std::mem::transmute::<usize, Option<Create>>(address) }
}
