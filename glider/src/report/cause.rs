//! Why the process stopped, in words.

use serde::Serialize;

/// The cause of a fault or abort as far as the process itself tells it: from its messages, the
/// faulting instruction and its variables. Nothing in it is a guess: `known_by` says where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What sort of cause it is.
    pub kind: CauseKind,
    /// The cause, one sentence: `session is nil: session->requests was read`.
    pub text: String,
    /// Where it happened, where the process itself says so: `src/main.rs:12:5`.
    pub location: Option<String>,
    /// How this is known.
    pub known_by: String,
    /// Index of the thread in the report.
    pub thread: usize,
}

/// What sort of cause it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A Rust panic.
    RustPanic,
    /// The C library ended the process with a message: a failed assertion, a damaged heap, a smashed stack.
    AbortMessage,
    /// The C++ runtime ended the process: an uncaught exception, a pure virtual call.
    CppTerminate,
    /// A null pointer, or one that is nearly null, was used.
    NullPointer,
    /// A pointer to memory that is not mapped, or may not be used in this way.
    BadPointer,
    /// An integer was divided by zero, or the quotient has no room.
    Division,
    /// A trap that the compiler or the programmer put there.
    Trap,
    /// The stack has no room left.
    StackOverflow,
    /// The file behind a mapping ends before the address.
    MappedFile,
}
