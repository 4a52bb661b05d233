//! What a plugin says of itself in its file, readable without loading it: its name, its version and the
//! version of this interface that it was built for.
//!
//! [`export_analyzer!`](crate::export_analyzer) puts it at the symbol [`SYMBOL`] as three NUL-terminated strings
//! behind a fixed mark. The form never changes: every glider can read that of every plugin.

use thiserror::Error;

/// The dynamic symbol that holds the declaration.
pub const SYMBOL: &str = "gimli_plugin_declaration";
/// The dynamic symbol under which abi_stable finds a plugin's root module: a file that has it is a Rust plugin.
pub const ROOT_MODULE_SYMBOL: &str = "_1as_0lib_1header_0root_bmodule_bloader";
/// The version of this interface (semver), stated by plugins built with it.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");
/// A declaration is never larger, in bytes.
pub const MAX_SIZE: usize = 1024;
const MARK: &str = "gimli plugin";

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Name of its package.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// The version of the interface that it was built for.
    pub api_version: String,
}

/// The bytes at [`SYMBOL`] are no declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{SYMBOL} does not hold a plugin's declaration")]
pub struct Malformed;

impl Declaration {
    /// Reads the bytes at the symbol.
    ///
    /// # Errors
    /// When they are not what the export macro writes.
    pub fn parse(bytes: &[u8]) -> Result<Declaration, Malformed> {
        let text = std::str::from_utf8(bytes.get(..MAX_SIZE).unwrap_or(bytes)).map_err(|_| Malformed)?;
        let mut parts = text.split('\0');
        if parts.next() != Some(MARK) {
            return Err(Malformed);
        }
        let mut next = || match parts.next() {
            Some(part) if !part.is_empty() && !part.contains(char::is_control) => Ok(part.to_string()),
            _ => Err(Malformed),
        };
        Ok(Declaration { name: next()?, version: next()?, api_version: next()? })
    }
}

/// How many bytes [`encode`] writes.
#[doc(hidden)]
pub const fn encoded_size(name: &str, version: &str) -> usize {
    MARK.len() + name.len() + version.len() + API_VERSION.len() + 4
}

/// The declaration's bytes, made by the compiler.
#[doc(hidden)]
pub const fn encode<const N: usize>(name: &str, version: &str) -> [u8; N] {
    let parts = [MARK, name, version, API_VERSION];
    let (mut bytes, mut at, mut part) = ([0; N], 0, 0);
    while part < parts.len() {
        let from = parts[part].as_bytes();
        let mut index = 0;
        while index < from.len() {
            bytes[at] = from[index];
            at += 1;
            index += 1;
        }
        at += 1;
        part += 1;
    }
    bytes
}
