//! Times as people read them, in local time.

use std::ffi::CStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// `(1278702746) Fri Jul  9 15:12:26 2010`, as ctime(3) writes it.
pub(crate) fn stamp() -> String {
    let (seconds, _) = now();
    format!("({seconds}) {}", format_local(seconds, c"%a %b %e %H:%M:%S %Y"))
}

/// `2010-07-09T15:12:26.123+0000`.
pub(crate) fn log_stamp() -> String {
    let (seconds, milliseconds) = now();
    let zone = format_local(seconds, c"%z");
    format!("{}.{milliseconds:03}{zone}", format_local(seconds, c"%Y-%m-%dT%H:%M:%S"))
}

fn now() -> (i64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() as i64, since.subsec_millis())
}

fn format_local(seconds: i64, format: &CStr) -> String {
    let mut buffer = [0u8; 64];
    // SAFETY: an all-zero tm is valid; localtime_r fills it or fails; strftime writes at most the buffer's length
    // and returns how much it wrote.
    let length = unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const seconds, &raw mut parts).is_null() {
            return seconds.to_string();
        }
        libc::strftime(buffer.as_mut_ptr().cast(), buffer.len(), format.as_ptr(), &raw const parts)
    };
    String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_the_seconds_it_is_given() {
        assert_eq!(format_local(1_278_702_746, c"%s"), "1278702746");
        assert!(stamp().starts_with('(') && log_stamp().contains('T'));
    }
}
