//! What may step in while values are printed: plugins, behind one small trait.
//!
//! The printer asks before and after every variable, member, element and pointee; what the
//! hooks print takes its place in the value tree.

use super::{Place, Scope};
use crate::dwarf::Die;
use crate::report::{PluginText, Value, VariableKind};

/// A value that is about to be printed.
pub struct Item<'v> {
    /// What it is.
    pub part: Part,
    /// Its name; of what a pointer points at, `*`: the hooks know the pointer's.
    pub name: ItemName<'v>,
    /// Its type; `None` where the debug information has none.
    pub type_die: Option<Die>,
    /// Where it is.
    pub place: &'v Place,
    /// Its size where that is not its type's: of a bit-field, rounded up to bytes.
    pub size: Option<u64>,
    /// How deep it is nested: 0 for a variable.
    pub depth: usize,
}

/// The name of an [`Item`].
#[derive(Clone, Copy)]
pub enum ItemName<'v> {
    /// A name; empty where it has none.
    Text(&'v str),
    /// `[3]`.
    Index(u64),
}

/// What an [`Item`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A parameter or local.
    Variable(VariableKind),
    /// A member of a structure or union.
    Member,
    /// An element of an array.
    Element,
    /// What a pointer points at.
    Pointee,
    /// A part named by [`Shown::Replaced`].
    Child,
}

/// How a value is shown.
#[derive(Default)]
pub enum Shown {
    /// As glider prints it.
    #[default]
    AsIs,
    /// Not by glider: it is hidden, or was printed by the hooks.
    Taken,
    /// By these words and parts in place of its own. Boxed: nearly every value is as it is.
    Replaced(Box<Replaced>),
}

/// What stands for a value.
pub struct Replaced {
    /// Who says so.
    pub plugin: String,
    /// What stands after the `=`.
    pub text: String,
    /// Parts, which are printed as values.
    pub children: Vec<Child>,
    /// How many parts are left out.
    pub omitted: u64,
}

/// A part of a replaced value.
pub struct Child {
    /// What stands before the `=`.
    pub name: String,
    /// Where and what it is.
    pub place: Place,
    /// Its type.
    pub type_die: Option<Die>,
}

/// What came of the hooks before a value.
#[derive(Default)]
pub struct Before {
    /// What was printed.
    pub texts: Vec<PluginText>,
    /// How the value is shown.
    pub shown: Shown,
}

/// What came of the hooks after a value.
#[derive(Default)]
pub struct After {
    /// What was printed.
    pub texts: Vec<PluginText>,
}

/// Called around every value.
pub trait ValueHooks {
    /// Before the value is read. `None` when nothing was printed and it is shown as it is.
    fn before(&self, scope: &Scope<'_>, item: &Item<'_>) -> Option<Box<Before>>;

    /// After a value that was shown. `None` when nothing was printed.
    fn after(&self, scope: &Scope<'_>, item: &Item<'_>) -> Option<Box<After>>;
}

/// A value with what hooks printed around it; `None` when it was hidden without a word.
pub(super) fn with_texts(
    value: Option<Value>,
    text_before: Vec<PluginText>,
    text_after: Vec<PluginText>,
) -> Option<Value> {
    if text_before.is_empty() && text_after.is_empty() {
        return value;
    }
    Some(Value::Plugin { text_before, value: value.map(Box::new), text_after })
}
