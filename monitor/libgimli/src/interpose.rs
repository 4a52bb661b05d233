//! Stands in front of the C library's `pthread_create` and C11's `thrd_create`, so that each thread starts with an alternate stack.
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

/// The first function of a thread of C11.
type StartC11 = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

/// `thrd_error` and `thrd_nomem` of threads.h, the same in glibc and musl.
const THRD_ERROR: c_int = 2;
const THRD_NOMEM: c_int = 3;

struct Thread<F> {
    start: F,
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
        let parcel = libc::malloc(size_of::<Thread<Start>>()).cast::<Thread<Start>>();
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
        let Thread { start, argument } = parcel.cast::<Thread<Start>>().read();
        libc::free(parcel);
        altstack::install();
        start(argument)
    }
}

/// thrd_create(3): the same arguments and results. The C library does not call the `pthread_create` above for it; a
/// `thrd_t` is a `pthread_t`, and thrd_join(3) takes the low bits of what the thread gives.
///
/// # Safety
/// As for the function of the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn thrd_create(
    thread: *mut libc::pthread_t,
    start: StartC11,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: as in pthread_create.
    unsafe {
        let parcel = libc::malloc(size_of::<Thread<StartC11>>()).cast::<Thread<StartC11>>();
        if parcel.is_null() {
            return THRD_NOMEM;
        }
        parcel.write(Thread { start, argument });
        let result = pthread_create(thread, std::ptr::null(), begin_c11, parcel.cast());
        if result != 0 {
            libc::free(parcel.cast());
        }
        match result {
            0 => 0,
            libc::ENOMEM => THRD_NOMEM,
            _ => THRD_ERROR,
        }
    }
}

/// What `begin` calls for a thread of C11.
unsafe extern "C-unwind" fn begin_c11(parcel: *mut c_void) -> *mut c_void {
    // SAFETY: `parcel` is the Thread that thrd_create above allocated for this thread alone.
    unsafe {
        let Thread { start, argument } = parcel.cast::<Thread<StartC11>>().read();
        libc::free(parcel);
        start(argument) as usize as *mut c_void
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
