//! A trace as plain data, in the form in which the two tools can be compared.
//!
//! Both readers build it, the comparison sees nothing else.

/// What a tool says of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Its threads, in the tool's order.
    pub threads: Vec<Thread>,
}

/// One thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Kernel thread id.
    pub lwp: i64,
    /// Physical frames from the innermost one, without a gap.
    pub frames: Vec<Frame>,
    /// What stands behind the last frame.
    pub end: End,
    /// Frames that were deduced and stand on no stack: gdb's tail-call frames.
    pub deduced: usize,
}

/// Why a stack ends where it ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// It was shown to its outermost frame.
    Outermost,
    /// The tool was asked for no more frames.
    Limit,
    /// The tool lost its way, and says why.
    Lost(String),
}

/// A physical frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Program counter.
    pub pc: u64,
    /// Whether the kernel called a signal handler here.
    pub signal: bool,
    /// The calls inlined at this pc, innermost first, and last the function itself.
    pub calls: Vec<Call>,
}

/// A function as it runs in a frame: inlined, or the frame's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// Its name as the tool prints it.
    pub function: Option<String>,
    /// Its name in the symbol table, where the tool gives it.
    pub linkage_name: Option<String>,
    /// Spellings of its source file.
    pub files: Vec<String>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Parameters and locals; of two with one name the one of the inner block comes first.
    pub variables: Vec<Variable>,
}

/// A parameter or local.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Parameter or local.
    pub parameter: bool,
    /// What it holds.
    pub value: Value,
}

/// A value, as far as two tools can be expected to agree on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Integer, character, boolean or enumerator: decimal, without leading zeros.
    Number(String),
    /// A floating point number: decimal as printed, and the bytes its type has (0: not known).
    Float {
        /// As the tool prints it.
        text: String,
        /// Bytes of its type.
        size: u64,
    },
    /// An address; what lies there is not compared.
    Pointer(u64),
    /// An array of bytes, shown as text or not.
    Bytes {
        /// The first of them.
        shown: Vec<u8>,
        /// How many the array has.
        length: u64,
    },
    /// Another array.
    Array {
        /// How many elements it has.
        length: u64,
        /// The runs of elements that are shown.
        runs: Vec<Run>,
    },
    /// A structure or union.
    Record(Vec<Member>),
    /// The debug information gives no place for it at this pc.
    OptimizedOut,
    /// It was in this register, and a call that the frame made does not preserve that register.
    Clobbered(String),
    /// It has a place that could not be read, and why.
    Unreadable(String),
    /// There is a value that this comparison cannot judge.
    Uncompared(String),
}

/// Neighbouring elements with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Index of the first.
    pub index: u64,
    /// How many.
    pub count: u64,
    /// Their value.
    pub value: Value,
}

/// A member of a structure or union.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name; `None` for base classes and for anonymous structures and unions.
    pub name: Option<String>,
    /// What it holds.
    pub value: Value,
}

impl Value {
    /// How many scalars this value holds for the reader: what the figure `values` counts.
    pub fn leaves(&self) -> u64 {
        match self {
            Value::Number(_) | Value::Float { .. } | Value::Pointer(_) | Value::Bytes { .. } => 1,
            Value::Array { runs, .. } => {
                runs.iter().map(|run| run.value.leaves().saturating_mul(run.count)).sum()
            }
            Value::Record(members) => members.iter().map(|member| member.value.leaves()).sum(),
            Value::OptimizedOut | Value::Clobbered(_) | Value::Unreadable(_) | Value::Uncompared(_) => 0,
        }
    }
}
