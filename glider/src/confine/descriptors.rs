//! Which descriptors a forked process keeps.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Makes the standard descriptors of this process, just forked, lead nowhere, but for standard error
/// if one is given, and closes all others but `kept`. For a process with one thread that goes on to
/// use nothing else it inherited.
///
/// # Errors
/// Those of open(2) and dup2(2).
pub fn keep_only(kept: &[RawFd], error: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let error = error.unwrap_or(null.as_fd());
    for (file, number) in [(null.as_fd(), 0), (null.as_fd(), 1), (error, 2)] {
        // SAFETY: the standard descriptors belong to the whole process, and this one has no other thread.
        if unsafe { libc::dup2(file.as_raw_fd(), number) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    close_all_but(kept);
    // `null` may or may not have been among those just closed: its number must not be closed again.
    std::mem::forget(null);
    Ok(())
}

/// Closes every descriptor above the standard ones except those kept.
fn close_all_but(kept: &[RawFd]) {
    let mut kept: Vec<RawFd> = kept.iter().copied().filter(|&number| number > 2).collect();
    kept.sort_unstable();
    let mut first = 3;
    for end in kept.into_iter().chain([RawFd::MAX]) {
        if let (Ok(from), Ok(to)) = (u32::try_from(first), u32::try_from(end - 1))
            && from <= to
        {
            // SAFETY: the process is about to use the descriptors kept and nothing else it
            // inherited; their former owners never run here again. On a kernel without the
            // call they stay open, which is harmless.
            unsafe { libc::close_range(from, to, 0) };
        }
        first = end.saturating_add(1);
    }
}
