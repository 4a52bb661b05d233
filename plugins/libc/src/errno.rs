//! A thread's `errno`.

use gimli_plugin_api::{Host, ThreadId};

/// The highest number that means an error (`MAX_ERRNO` of the kernel).
const MAX_ERRNO: i32 = 4095;

/// The error that a thread's last failed call has left, in words; `None` when there is none, or it
/// cannot be read: a thread that has not used it has no place for it.
///
/// Calls that succeed leave it alone, so it may be old.
pub(crate) fn read(host: &Host<'_>, thread: ThreadId, libc: &str) -> Option<String> {
    let place = host.thread_local(thread, libc, "errno").ok()?;
    describe(host.read(place).ok()?)
}

fn describe(number: i32) -> Option<String> {
    match number {
        0 => None,
        1..=MAX_ERRNO => {
            let words = std::io::Error::from_raw_os_error(number).to_string();
            let words = words.split(" (os error").next().unwrap_or_default();
            Some(format!("errno is {number} ({words}), from the last call that failed"))
        }
        _ => Some(format!("errno is {number}, which no call sets: its memory is corrupt")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_put_into_words() {
        assert_eq!(describe(0), None);
        let denied = "errno is 13 (Permission denied), from the last call that failed";
        assert_eq!(describe(13).as_deref(), Some(denied));
        assert!(describe(-7).is_some_and(|text| text.contains("corrupt")));
    }
}
