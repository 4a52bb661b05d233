//! A value of the target's memory, read and named, ready to print.
//!
//! In JSON every value is an object with `kind` and `text`; `text` is what the text
//! report prints for it.

use super::PluginText;
use crate::address::Address;
use compact_str::CompactString;
use serde::Serialize;
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Value {
    /// An integer: `42`, with `0x2a` beside it.
    Integer {
        /// Decimal.
        text: CompactString,
        /// Hexadecimal of its bytes, two's complement, as wide as the type for negative ones.
        hex: CompactString,
    },
    /// A floating point number (also complex ones, and vectors of them are arrays).
    Float {
        /// Shortest decimal that reads back as the same value; `nan`, `inf`.
        text: CompactString,
    },
    /// `true`, `false`; another byte is shown as its number.
    Bool {
        /// `true`.
        text: CompactString,
    },
    /// A character: number and, when printable, the quoted character.
    Char {
        /// `97 'a'`.
        text: CompactString,
    },
    /// An enumerator.
    Enum {
        /// `MODE_FAST`, `FLAG_A|FLAG_B`, or the number where no name fits.
        text: CompactString,
        /// The number, decimal.
        number: CompactString,
        /// The number, hexadecimal.
        hex: CompactString,
    },
    /// A pointer or reference.
    Pointer {
        /// `0x7ffe5e819dd0`, `nil`.
        text: CompactString,
        /// What lies there when it is inside an object: `/srv/app`table+0x10`.
        symbol: Option<String>,
        /// What is printed for the memory behind it.
        pointee: Pointee,
    },
    /// A character array, shown as a string.
    String {
        /// Quoted and escaped, with `...` after the closing quote where it was cut.
        text: String,
        /// Bytes the whole array has.
        length: u64,
    },
    /// An array or vector.
    Array {
        /// Type of the whole array, `int [3]`.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// The elements shown, equal neighbours folded.
        elements: Vec<Element>,
        /// How many elements the array has.
        length: u64,
        /// How many of them are not shown (limit `--max-array`).
        omitted: u64,
    },
    /// A structure or class.
    Struct {
        /// Type name, `struct request`.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// What it means in words, where glider knows that: of a `siginfo_t`.
        #[serde(skip_serializing_if = "Option::is_none")]
        words: Option<String>,
        /// Where it lies; `None` when it is in registers.
        address: Option<Address>,
        /// Its members in order.
        members: Vec<Member>,
        /// Set when members are not shown: the option that cut them.
        #[serde(skip_serializing_if = "Option::is_none")]
        cut: Option<String>,
    },
    /// A union; all members are shown, each read from the same bytes.
    Union {
        /// Type name, `union number`.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// Where it lies; `None` when it is in registers.
        address: Option<Address>,
        /// Name of the largest member, where one is larger than the others.
        #[serde(skip_serializing_if = "Option::is_none")]
        largest: Option<Arc<str>>,
        /// Its members in order.
        members: Vec<Member>,
        /// Set when members are not shown: the option that cut them.
        #[serde(skip_serializing_if = "Option::is_none")]
        cut: Option<String>,
    },
    /// A variant of an enum, a tuple (whose name is empty), or a structure written like one: `Some(5)`.
    Variant {
        /// Type of the whole, `core::option::Option<i32>`.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// `Some`.
        name: String,
        /// Whether its members have numbers for names.
        tuple: bool,
        /// Where it lies; `None` when it is in registers.
        address: Option<Address>,
        /// Its members in order.
        members: Vec<Member>,
        /// Set when members are not shown: the option that cut them.
        #[serde(skip_serializing_if = "Option::is_none")]
        cut: Option<String>,
    },
    /// A vector, slice, deque or set: elements that are held elsewhere.
    Sequence {
        /// Type of the whole.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// Whether it is a set.
        set: bool,
        /// The elements shown.
        elements: Vec<Element>,
        /// How many elements there are.
        length: u64,
        /// How many of them are not shown (limits `--max-array`, `--max-depth`).
        omitted: u64,
    },
    /// A map.
    Map {
        /// Type of the whole.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// The entries shown.
        entries: Vec<Entry>,
        /// How many entries there are.
        length: u64,
        /// How many of them are not shown (limits `--max-array`, `--max-depth`).
        omitted: u64,
    },
    /// What holds one value and a state of its own: `Rc (strong 2, weak 1)`, `Mutex (held)`.
    Wrapper {
        /// Type of the whole.
        #[serde(rename = "type")]
        type_name: Option<Arc<str>>,
        /// `Rc`; of a trait object its address.
        name: String,
        /// `strong 2, weak 1`; `None` where there is nothing to say.
        state: Option<String>,
        /// The value it holds.
        value: Pointee,
    },
    /// A value as its language writes it: `1.5s`.
    Literal {
        /// `1.5s`.
        text: String,
    },
    /// Code: what a function pointer points at.
    Function {
        /// The function's name.
        text: String,
    },
    /// A plugin printed it, or something beside it.
    Plugin {
        /// What plugins printed before it, or in its place.
        text_before: Vec<PluginText>,
        /// What glider shows; `None` where a plugin took its place.
        value: Option<Box<Value>>,
        /// What plugins printed after it.
        text_after: Vec<PluginText>,
    },
    /// A plugin's words in place of the value, with parts that are printed as values.
    Replaced {
        /// File name of the plugin.
        plugin: String,
        /// `vector of 2`.
        text: String,
        /// The parts.
        members: Vec<Member>,
        /// How many parts are left out.
        omitted: u64,
    },
    /// The compiler kept no trace of it at this pc.
    OptimizedOut {
        /// `<optimized out>`.
        text: &'static str,
    },
    /// It holds a secret (`--redact`).
    Redacted {
        /// `<redacted 1f2e3d4c>`: the same for equal secrets of one report.
        text: String,
    },
    /// It has a place, but that could not be read or made sense of.
    Unreadable {
        /// `<unreadable: why>`.
        text: String,
    },
}

impl Value {
    /// The value of a variable whose location the debug information does not give here.
    pub const OPTIMIZED_OUT: Value = Value::OptimizedOut { text: "<optimized out>" };

    /// What stands for a value in a place that must not be empty, where a plugin hides it.
    pub const HIDDEN: Value = Value::Plugin { text_before: Vec::new(), value: None, text_after: Vec::new() };

    /// A value that has a place that could not be read: `<unreadable: why>`.
    pub fn unreadable(why: impl std::fmt::Display) -> Value {
        Value::Unreadable { text: format!("<unreadable: {why}>") }
    }
}

/// What is shown behind a pointer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Pointee {
    /// Nothing more than the address.
    #[default]
    None,
    /// The value it points at, printed as `[deref'ing name]`.
    Value(Box<Value>),
    /// Printed already further up: `[deref'd above]`; or why it is not followed: `<invalid>`.
    Note(&'static str),
}

/// A member of a structure or union.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// Name; `None` for an anonymous struct or union, or a base class.
    pub name: Option<Arc<str>>,
    /// Type in the spelling of its language.
    #[serde(rename = "type")]
    pub type_name: Option<Arc<str>>,
    /// Width in bits, for a bit-field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u64>,
    /// What it holds.
    pub value: Value,
}

/// An array element, or a run of equal ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Element {
    /// Index of the first element of the run.
    pub index: u64,
    /// How many equal neighbours it stands for, at least 1.
    pub repeats: u64,
    /// What it holds.
    pub value: Value,
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its key.
    pub key: Value,
    /// Its value.
    pub value: Value,
}
