//! What a plugin is: an [`Analyzer`], and what its hooks answer.

use crate::address::{Address, TypeId};
use crate::error::Error;
use crate::frame::{Frame, Variable};
use crate::host::Host;
use crate::process::Thread;
use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec};

/// Hooks into a trace. Every method has a default: glider calls it once, learns that it does nothing
/// ([`Error::unused`]), and does not call it again.
///
/// They are called in the order of the report: [`begin_trace`](Analyzer::begin_trace) once; for
/// each thread [`begin_thread`](Analyzer::begin_thread), then for each of its frames
/// [`before_frame`](Analyzer::before_frame), the hooks of its variables, and
/// [`after_frame`](Analyzer::after_frame), then [`end_thread`](Analyzer::end_thread); last
/// [`global_trace`](Analyzer::global_trace). What a hook prints with [`Host::print`] appears at
/// that place of the report.
///
/// A hook that returns an error costs its own answer and one line in the report; later hooks are still
/// called. A plugin that keeps failing, or panics, is not called any more.
pub trait Analyzer {
    /// Before the first thread. Says which hooks are worth calling in this process: each call that is not
    /// made makes the trace faster. [`Hooks::NONE`] is the answer of an analyzer that finds nothing to do;
    /// hooks that it does not have need not be left out.
    fn begin_trace(&mut self, host: &Host<'_>) -> Result<Hooks, Error> {
        let _ = host;
        Ok(Hooks::ALL)
    }

    /// The types that [`print_value`](Analyzer::print_value) is for, asked once, after `begin_trace`.
    ///
    /// A name is compared with the type's own spelling and with that of what its typedefs and
    /// qualifiers stand for. One that ends in `*` stands for all that begin with what is before it, `std::vector<*`;
    /// with a space before the star it is the name of a pointer type, `char *`.
    fn printers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Before a thread. [`Flow::Hide`] leaves the thread out; its frames are not offered then.
    fn begin_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<Flow, Error> {
        let _ = (host, thread);
        Err(Error::unused())
    }

    /// Before a frame. [`Flow::Hide`] leaves the frame and its variables out.
    fn before_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<Flow, Error> {
        let _ = (host, frame);
        Err(Error::unused())
    }

    /// Before a variable of a frame, and before everything nested in one: members, elements,
    /// what pointers point at, at any depth ([`Variable::depth`]).
    fn before_variable(
        &mut self,
        host: &Host<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        let _ = (host, frame, variable);
        Err(Error::unused())
    }

    /// A value of one of the types named by [`printers`](Analyzer::printers) is about to be
    /// printed, at any depth. Not called for what `before_variable` has hidden or replaced.
    fn print_value(
        &mut self,
        host: &Host<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<Shown, Error> {
        let _ = (host, frame, variable);
        Err(Error::unused())
    }

    /// After a variable, unless it was hidden. Not called for nested ones.
    fn after_variable(
        &mut self,
        host: &Host<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> Result<(), Error> {
        let _ = (host, frame, variable);
        Err(Error::unused())
    }

    /// After a frame and its variables, unless it was hidden.
    fn after_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<(), Error> {
        let _ = (host, frame);
        Err(Error::unused())
    }

    /// After a thread's last frame, unless the thread was hidden.
    fn end_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<(), Error> {
        let _ = (host, thread);
        Err(Error::unused())
    }

    /// After all threads: a section of the plugin's own.
    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        let _ = host;
        Err(Error::unused())
    }
}

/// Whether a thread or frame is shown.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
pub enum Flow {
    /// It is shown.
    Continue,
    /// It is left out.
    Hide,
}

/// How a variable is shown.
#[repr(u8)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub enum Shown {
    /// As glider prints it, or another plugin.
    AsIs,
    /// Not at all. An analyzer that has printed the variable itself answers this.
    Hidden,
    /// Its name and type as ever, and this in place of its value.
    Replaced(Replacement),
}

impl Shown {
    /// This text in place of the value.
    pub fn text(text: impl Into<String>) -> Shown {
        Shown::Replaced(Replacement::new(text))
    }
}

/// What is printed in place of a value: a line of text and, below it, parts that glider prints
/// as the values they are, so that nested types find their own printers.
///
/// ```
/// use gimli_plugin_api::{Address, Replacement, TypeId};
///
/// let (element, data) = (TypeId(7), Address(0x1000));
/// let shown = Replacement::new("vector of 2").child("[0]", data, element).omitting(1);
/// assert_eq!(shown.children.len(), 1);
/// ```
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Replacement {
    /// What stands after the `=`.
    pub text: RString,
    /// The parts, in order.
    pub children: RVec<Child>,
    /// How many more parts there are than `children` has.
    pub omitted: u64,
}

impl Replacement {
    /// This text, without parts.
    pub fn new(text: impl Into<String>) -> Replacement {
        Replacement { text: RString::from(text.into()), children: RVec::new(), omitted: 0 }
    }

    /// Adds a part.
    #[must_use]
    pub fn child(mut self, name: impl Into<String>, address: Address, type_id: TypeId) -> Replacement {
        self.children.push(Child {
            name: RString::from(name.into()),
            address,
            type_id: ROption::RSome(type_id),
        });
        self
    }

    /// Says that there are more parts, which are not shown.
    #[must_use]
    pub fn omitting(mut self, count: u64) -> Replacement {
        self.omitted = count;
        self
    }
}

/// A part of a replaced value.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Child {
    /// What stands before the `=`: `[0]`, `["key"]`, `size`.
    pub name: RString,
    /// Where it lies in the traced process.
    pub address: Address,
    /// What it is printed as; with none, only its address and what that points at.
    pub type_id: ROption<TypeId>,
}

/// A set of hooks.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
pub struct Hooks(u64);

impl Hooks {
    /// No hook.
    pub const NONE: Hooks = Hooks(0);
    /// Every hook that there is, those of later versions included.
    pub const ALL: Hooks = Hooks(u64::MAX);
    /// [`Analyzer::begin_thread`].
    pub const BEGIN_THREAD: Hooks = Hooks(1);
    /// [`Analyzer::before_frame`].
    pub const BEFORE_FRAME: Hooks = Hooks(1 << 1);
    /// [`Analyzer::before_variable`].
    pub const BEFORE_VARIABLE: Hooks = Hooks(1 << 2);
    /// [`Analyzer::print_value`].
    pub const PRINT_VALUE: Hooks = Hooks(1 << 3);
    /// [`Analyzer::after_variable`].
    pub const AFTER_VARIABLE: Hooks = Hooks(1 << 4);
    /// [`Analyzer::after_frame`].
    pub const AFTER_FRAME: Hooks = Hooks(1 << 5);
    /// [`Analyzer::end_thread`].
    pub const END_THREAD: Hooks = Hooks(1 << 6);
    /// [`Analyzer::global_trace`].
    pub const GLOBAL_TRACE: Hooks = Hooks(1 << 7);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Hooks) -> Hooks {
        Hooks(self.0 | other.0)
    }

    /// This set without the hooks of `other`.
    #[must_use]
    pub const fn without(self, other: Hooks) -> Hooks {
        Hooks(self.0 & !other.0)
    }

    /// Whether every hook of `other` is in this set.
    pub const fn contains(self, other: Hooks) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Hooks {
    type Output = Hooks;

    fn bitor(self, other: Hooks) -> Hooks {
        self.and(other)
    }
}
