//! Why a walk ended before the outermost frame.

use crate::address::Address;

/// The reason, worded for the report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("the thread's program counter or stack pointer is not known")]
    NoRegisters,
    #[error("the stack pointer in the frame at {pc} is not known")]
    NoStackPointer { pc: Address },
    #[error("cannot read the stack at {address}")]
    Unreadable { address: Address },
    #[error(
        "{return_address}, the return address of the frame at {pc}, is not in code: the stack is corrupt"
    )]
    BadReturnAddress { pc: Address, return_address: Address },
    #[error("no call frame information for {pc}, and nothing on the stack looks like a return address")]
    NoCaller { pc: Address },
    #[error("the stack pointer does not move on from {sp}: the stack is corrupt")]
    NoProgress { sp: Address },
    #[error("more than {limit} frames")]
    TooManyFrames { limit: usize },
}
