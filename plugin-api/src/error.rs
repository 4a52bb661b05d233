//! The one error that crosses between glider and a plugin: a kind and a line of text.

use abi_stable::StableAbi;
use abi_stable::std_types::RString;
use std::fmt;

/// Why something could not be had, or what an analyzer gives up with.
///
/// Prints as one lower-case line that names the thing: `cannot read 16 bytes at 0x2a`. A hook
/// that returns an error costs its own output only; the line is shown in the report.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Error {
    kind: ErrorKind,
    message: RString,
}

/// What went wrong, for code that wants to tell one from another.
///
/// An open set: a later minor version may add kinds, so a `match` needs a last arm `_`.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, StableAbi)]
pub struct ErrorKind(u32);

impl ErrorKind {
    /// An error of the analyzer's own.
    pub const OTHER: ErrorKind = ErrorKind(0);
    /// No symbol, object, thread, frame, variable or type of that name or number.
    pub const NOT_FOUND: ErrorKind = ErrorKind(1);
    /// Nothing is mapped there, or less than was asked for.
    pub const UNREADABLE: ErrorKind = ErrorKind(2);
    /// It is known that the program has it, but not what or where: the debug information does
    /// not say, or the compiler kept no trace of it here.
    pub const NO_INFORMATION: ErrorKind = ErrorKind(3);
    /// A limit on time, memory or output was reached.
    pub const LIMIT: ErrorKind = ErrorKind(4);
    /// The request makes no sense: a size that does not fit, a number out of range.
    pub const INVALID: ErrorKind = ErrorKind(5);
    /// The analyzer panicked; the message says where.
    pub const PANIC: ErrorKind = ErrorKind(6);
    /// The analyzer does not have this hook: [`Error::unused`]. Since 1.1.
    pub const UNUSED: ErrorKind = ErrorKind(7);
}

impl fmt::Debug for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            ErrorKind::OTHER => "OTHER",
            ErrorKind::NOT_FOUND => "NOT_FOUND",
            ErrorKind::UNREADABLE => "UNREADABLE",
            ErrorKind::NO_INFORMATION => "NO_INFORMATION",
            ErrorKind::LIMIT => "LIMIT",
            ErrorKind::INVALID => "INVALID",
            ErrorKind::PANIC => "PANIC",
            ErrorKind::UNUSED => "UNUSED",
            ErrorKind(number) => return write!(f, "ErrorKind({number})"),
        })
    }
}

impl Error {
    /// An error of this kind; `message` is one lower-case line that names the thing.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: RString::from(message.into()) }
    }

    /// What the default of every hook answers: there is nothing to do, and it need not be called again.
    pub fn unused() -> Error {
        Error::new(ErrorKind::UNUSED, "the plugin does not have this hook")
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The line of text.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(message: String) -> Error {
        Error::new(ErrorKind::OTHER, message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Error {
        Error::new(ErrorKind::OTHER, message)
    }
}
