//! Texts of a Rust process that are read without their types: known by their shape.

use crate::address::Address;
use crate::target::Memory;

/// Bytes that are read as words.
const MAX_WORDS: u64 = 64 << 10;
/// Bytes of a message that are shown.
pub(crate) const MAX_MESSAGE: u64 = crate::limits::MESSAGE as u64;

/// The aligned words from one address to another.
pub(crate) fn words(memory: &dyn Memory, from: u64, to: u64) -> Vec<u64> {
    let length = to.saturating_sub(from).min(MAX_WORDS) as usize;
    let mut bytes = vec![0; length];
    let read = memory.read(Address(from), &mut bytes);
    bytes.truncate(read);
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// A `String` at an address.
pub(crate) fn owned(memory: &dyn Memory, data: u64) -> Option<String> {
    let words = words(memory, data, data.checked_add(24)?);
    string(memory, words.first_chunk::<3>()?)
}

/// A `String`: capacity, pointer and length in whatever order.
pub(crate) fn string(memory: &dyn Memory, words: &[u64; 3]) -> Option<String> {
    let [a, b, c] = *words;
    [(a, b, c), (b, a, c), (b, c, a), (a, c, b)].into_iter().find_map(|(capacity, pointer, length)| {
        let is_sound = length <= capacity && capacity <= 1 << 30 && pointer > 1 << 16 && length > 0;
        is_sound.then(|| utf8(memory, pointer, length)).flatten()
    })
}

/// A `&str` at an address.
pub(crate) fn text(memory: &dyn Memory, data: u64) -> Option<String> {
    let words = words(memory, data, data.checked_add(16)?);
    let [pointer, length] = *words.first_chunk::<2>()?;
    (length > 0 && length <= 1 << 30).then(|| utf8(memory, pointer, length)).flatten()
}

/// The UTF-8 text at an address; `None` when it is none. A long one is cut.
pub(crate) fn utf8(memory: &dyn Memory, pointer: u64, length: u64) -> Option<String> {
    let mut bytes = vec![0; length.min(MAX_MESSAGE) as usize];
    memory.read_exact(Address(pointer), &mut bytes)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if length <= MAX_MESSAGE => Some(text.to_owned()),
        Ok(text) => Some(format!("{text}...")),
        // The cut may go through a character.
        Err(error) if length > MAX_MESSAGE && error.error_len().is_none() => {
            bytes.truncate(error.valid_up_to());
            Some(format!("{}...", String::from_utf8_lossy(&bytes)))
        }
        Err(_) => None,
    }
}
