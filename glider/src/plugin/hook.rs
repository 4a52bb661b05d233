//! The places at which plugins are called.

/// What of a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Hook {
    /// Loading it: its constructors and its entry function.
    Load,
    /// Before the first thread.
    BeginTrace,
    /// Before a thread.
    BeginThread,
    /// Before a frame.
    BeforeFrame,
    /// Before a variable, or a value inside one.
    BeforeVariable,
    /// A printer for a type.
    PrintValue,
    /// After a variable.
    AfterVariable,
    /// After a frame.
    AfterFrame,
    /// After a thread.
    EndThread,
    /// After all threads.
    GlobalTrace,
}

impl Hook {
    /// Every one.
    pub(super) const ALL: [Hook; 10] = [
        Hook::Load,
        Hook::BeginTrace,
        Hook::BeginThread,
        Hook::BeforeFrame,
        Hook::BeforeVariable,
        Hook::PrintValue,
        Hook::AfterVariable,
        Hook::AfterFrame,
        Hook::EndThread,
        Hook::GlobalTrace,
    ];

    /// Whether it is called for each frame, or each value in one.
    #[inline]
    pub(super) fn is_frequent(self) -> bool {
        matches!(
            self,
            Hook::BeforeVariable
                | Hook::PrintValue
                | Hook::AfterVariable
                | Hook::BeforeFrame
                | Hook::AfterFrame
        )
    }

    /// What it is called in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Hook::Load => "loading it",
            Hook::BeginTrace => "begin of the trace",
            Hook::BeginThread => "begin of thread",
            Hook::BeforeFrame => "before frame",
            Hook::BeforeVariable => "before variable",
            Hook::PrintValue => "printing a value",
            Hook::AfterVariable => "after variable",
            Hook::AfterFrame => "after frame",
            Hook::EndThread => "end of thread",
            Hook::GlobalTrace => "global trace",
        }
    }
}

/// Which hooks a plugin has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HookSet(u32);

impl HookSet {
    /// None.
    pub(super) const NONE: HookSet = HookSet(0);

    /// These.
    pub(super) fn of(hooks: impl IntoIterator<Item = Hook>) -> HookSet {
        hooks.into_iter().fold(HookSet::NONE, HookSet::with)
    }

    /// These and those.
    pub(super) fn and(self, others: HookSet) -> HookSet {
        HookSet(self.0 | others.0)
    }

    /// These and one more.
    pub(super) fn with(self, hook: Hook) -> HookSet {
        HookSet(self.0 | 1 << hook as u32)
    }

    /// These without one.
    pub(super) fn without(self, hook: Hook) -> HookSet {
        HookSet(self.0 & !(1 << hook as u32))
    }

    /// Whether a hook is among them.
    pub(super) fn has(self, hook: Hook) -> bool {
        self.0 & 1 << hook as u32 != 0
    }
}
