//! Names as their authors wrote them: Rust (legacy and v0) and C++ (Itanium) mangling.

#![forbid(unsafe_code)]

use crate::limits::SYMBOL_NAME;
use std::fmt::{self, Write};

/// A writer that fails once it holds [`SYMBOL_NAME`] bytes.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > SYMBOL_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The demangled name of a symbol, without parameters and return type, `None` when it is
/// not mangled or not understood.
///
/// ```
/// # use glider::object::demangle;
/// assert_eq!(demangle("_ZN3net6Server4stopEi").as_deref(), Some("net::Server::stop"));
/// assert_eq!(demangle("_ZN4core3fmt5write17h0123456789abcdefE").as_deref(), Some("core::fmt::write"));
/// assert_eq!(demangle("_ZTV3Dog").as_deref(), Some("vtable for Dog"));
/// assert_eq!(demangle("main"), None);
/// ```
pub fn demangle(symbol: &str) -> Option<String> {
    if symbol.len() > SYMBOL_NAME || !(symbol.starts_with("_Z") || symbol.starts_with("_R")) {
        return None;
    }
    let mut name = Bounded(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(symbol) {
        return write!(name, "{rust:#}").ok().map(|()| name.0);
    }
    let parsed = cpp_demangle::Symbol::new(symbol).ok()?;
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    parsed.structured_demangle(&mut name, &options).ok()?;
    Some(plain_special_name(&name.0).unwrap_or(name.0))
}

/// What `cpp_demangle` writes as `{vtable(Dog)}`, as binutils, gdb and LLVM write it: `vtable for Dog`.
fn plain_special_name(name: &str) -> Option<String> {
    let (what, of) = name.strip_prefix('{')?.strip_suffix(")}")?.split_once('(')?;
    let what = what.strip_prefix("vtt").map_or_else(|| what.to_owned(), |rest| format!("VTT{rest}"));
    what.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ').then(|| format!("{what} for {of}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_that_expands_without_bound_is_refused() {
        let mut bomb = String::from("_Z1f");
        bomb.push_str("St4pairIiiE");
        for level in 0..40u32 {
            let digit = char::from_digit(level % 36, 36).map(|c| c.to_ascii_uppercase()).unwrap();
            bomb.push_str(&format!("S0_IS{digit}_S{digit}_E"));
        }
        assert!(demangle(&bomb).is_none_or(|name| name.len() <= SYMBOL_NAME));
    }
}
