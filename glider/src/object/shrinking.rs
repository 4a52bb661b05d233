//! Files that are cut short while they are mapped.
//!
//! Reading a page of a mapping that the file no longer reaches is a SIGBUS (mmap(2)). Whoever may write
//! a file that glider reads, an installer that replaces a library in place for one, could end the
//! analysis by that. Here such a page becomes zeros, and the file is noted. Reading whole files into
//! memory instead would cost what debug files of hundreds of megabytes cost; this costs nothing until it happens.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, Once, PoisonError};

/// Mappings that are guarded; a fault in any beyond these ends the process, as without a guard.
const MAX: usize = 1 << 14;
const PAGE: usize = 4096;

/// A mapping, written once before it is read from.
struct Guarded {
    start: AtomicUsize,
    end: AtomicUsize,
    was_cut: AtomicBool,
}

static GUARDED: [Guarded; MAX] = [const {
    Guarded { start: AtomicUsize::new(0), end: AtomicUsize::new(0), was_cut: AtomicBool::new(false) }
}; MAX];
/// How many of them there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Their files, in the same order.
static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Guards the mapping of a whole file, which must stay for as long as the process lives.
pub(super) fn guard(bytes: &'static [u8], path: &Path) {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(install);
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = GUARDED.get(files.len()) else { return };
    place.start.store(bytes.as_ptr() as usize, Relaxed);
    place.end.store((bytes.as_ptr() as usize + bytes.len()).next_multiple_of(PAGE), Relaxed);
    files.push(path.to_owned());
    COUNT.store(files.len(), Relaxed);
}

/// The files that were cut short while they were read, a line each.
pub fn cut_short() -> Vec<String> {
    let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let cut = files.iter().zip(&GUARDED).filter(|(_, guarded)| guarded.was_cut.load(Relaxed));
    cut.map(|(file, _)| {
        format!("{} was cut short while it was read: what is missing was taken for zeros", file.display())
    })
    .collect()
}

fn install() {
    // SAFETY: all zeros are a valid `sigaction`; it is filled in before it is used.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = fill_in as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler does only what signal-safety(7) allows: atomics, and mmap(2) and sigaction(2), which
    // are system calls and nothing more.
    unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) };
}

extern "C" fn fill_in(_: libc::c_int, information: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo_t to a handler installed with SA_SIGINFO.
    let address = unsafe { (*information).si_addr() } as usize;
    let guarded = GUARDED.iter().take(COUNT.load(Relaxed));
    for guarded in guarded {
        if (guarded.start.load(Relaxed)..guarded.end.load(Relaxed)).contains(&address) {
            guarded.was_cut.store(true, Relaxed);
            let page = (address - address % PAGE) as *mut libc::c_void;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            // SAFETY: the page is one of a file's mapping that lives as long as the process and is only
            // read; what was read of it never came. Zeros take its place.
            let filled = unsafe { libc::mmap(page, PAGE, libc::PROT_READ, flags, -1, 0) };
            if filled != libc::MAP_FAILED {
                return;
            }
        }
    }
    // Not a file of ours, or there is no memory: the fault comes again, and ends the process.
    // SAFETY: signal(2) with the default action.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use super::super::Image;
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_cut_off_reads_as_zeros_and_the_file_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![7; 10 * PAGE]).unwrap();
        let image = Image::map(file.path(), file.as_file()).unwrap();
        assert_eq!(image.data[9 * PAGE], 7);
        file.as_file().set_len(PAGE as u64 + 1).unwrap();
        let sum = |from: usize, to: usize| {
            image.data[from..to].iter().map(|byte| usize::from(*byte)).sum::<usize>()
        };
        assert_eq!(sum(0, PAGE), 7 * PAGE);
        assert_eq!(sum(2 * PAGE, 10 * PAGE), 0);
        let name = file.path().display().to_string();
        assert!(cut_short().iter().any(|line| line.starts_with(&name)), "{:?}", cut_short());
    }
}
