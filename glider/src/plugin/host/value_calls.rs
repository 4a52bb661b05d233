//! The hooks of values: called before and after every variable, member, element and pointee, more than a million
//! times in a trace of a thousand threads.
//!
//! Hardly anything comes of most calls. So no more is done around one than what limits of time and output
//! need: the board says whose call it is, and whether something was printed is looked at without a system call.
//! Whatever is not needed each time is in functions of its own, which leaves the others few registers to save.

use super::{Analyzer, Host};
use crate::plugin::c_api;
use crate::plugin::hook::Hook;
use crate::plugin::nest::Told;
use crate::report::PluginText;
use crate::values::{After, Before, Item, Scope, Shown, ValueHooks};

impl Host<'_> {
    /// Calls a hook of a value; the text is what was printed.
    #[inline(always)]
    fn call_for_value<R>(
        &self,
        index: usize,
        hook: Hook,
        run: impl FnOnce() -> R,
    ) -> (R, Option<Box<PluginText>>) {
        let moment = self.begin_call(index, hook);
        let result = run();
        self.end_call(moment);
        // A copy that a plugin has made of this process goes on for a while; it ends before it puts anything anywhere.
        let text = if self.seat.printed.has_begun() { self.settle(index) } else { None };
        (result, text)
    }

    #[cold]
    #[inline(never)]
    fn settle(&self, index: usize) -> Option<Box<PluginText>> {
        self.check_copy();
        self.take(index).map(Box::new)
    }

    /// The same with everything looked at, and each call noted.
    #[inline(never)]
    fn before_watchfully(&self, (scope, item, told): Value<'_>) -> Option<Box<Before>> {
        let mut before = None;
        for hook in [Hook::BeforeVariable, Hook::PrintValue] {
            for (index, slot) in self.slots.iter().enumerate() {
                let Some(plugin) = slot.with(hook).filter(|_| is_asked(hook, &before)) else { continue };
                let call = || ask(plugin, self, hook, (scope, item, told));
                let (decided, text) = self.call(index, hook, call);
                note(&mut before, decided, text);
            }
        }
        before
    }

    #[inline(never)]
    fn after_watchfully(&self, (scope, item, told): Value<'_>) -> Option<Box<After>> {
        let texts: Vec<PluginText> =
            self.each(Hook::AfterVariable, |plugin| plugin.after_value(self, scope, item, told));
        (!texts.is_empty()).then(|| Box::new(After { texts }))
    }

    #[inline(never)]
    fn ask_printers(&self, value: Value<'_>, mut before: Option<Box<Before>>) -> Option<Box<Before>> {
        for (index, slot) in self.slots.iter().enumerate() {
            let hook = Hook::PrintValue;
            let Some(plugin) = slot.with(hook).filter(|_| is_asked(hook, &before)) else { continue };
            let (decided, text) = self.call_for_value(index, hook, || ask(plugin, self, hook, value));
            note(&mut before, decided, text.map(|text| *text));
        }
        before
    }
}

/// A value as a hook is asked about it.
type Value<'v> = (&'v Scope<'v>, &'v Item<'v>, &'v Told);

/// Whether a hook is called at all: all see what comes, but of printers none is asked in vain.
fn is_asked(hook: Hook, before: &Option<Box<Before>>) -> bool {
    hook == Hook::BeforeVariable || before.as_ref().is_none_or(|before| matches!(before.shown, Shown::AsIs))
}

#[inline(always)]
fn ask(plugin: &dyn Analyzer, host: &Host<'_>, hook: Hook, (scope, item, told): Value<'_>) -> Shown {
    match hook {
        Hook::PrintValue => plugin.print_value(host, scope, item, told),
        _ => plugin.before_value(host, scope, item, told),
    }
}

/// Adds what came of a call: the first plugin to decide wins.
#[cold]
#[inline(never)]
fn note(before: &mut Option<Box<Before>>, decided: Shown, text: Option<PluginText>) {
    if matches!(decided, Shown::AsIs) && text.is_none() {
        return;
    }
    let before = before.get_or_insert_default();
    before.texts.extend(text);
    if matches!(before.shown, Shown::AsIs) {
        before.shown = decided;
    }
}

impl ValueHooks for Host<'_> {
    fn before(&self, scope: &Scope<'_>, item: &Item<'_>) -> Option<Box<Before>> {
        // Borrowed until all are asked: the name is in it.
        let mut nest = self.nest.borrow_mut();
        let told = nest.enter(item, |die| c_api::declare(self, die))?;
        if self.is_watchful {
            return self.before_watchfully((scope, item, told));
        }
        let mut before = None;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(plugin) = slot.with(Hook::BeforeVariable) else { continue };
            let hook = || plugin.before_value(self, scope, item, told);
            let (decided, text) = self.call_for_value(index, Hook::BeforeVariable, hook);
            if !matches!(decided, Shown::AsIs) || text.is_some() {
                note(&mut before, decided, text.map(|text| *text));
            }
        }
        if self.hooks.get().has(Hook::PrintValue) {
            return self.ask_printers((scope, item, told), before);
        }
        before
    }

    fn after(&self, scope: &Scope<'_>, item: &Item<'_>) -> Option<Box<After>> {
        if !self.hooks.get().has(Hook::AfterVariable) {
            return None;
        }
        let nest = self.nest.borrow();
        let told = nest.told(item.depth)?;
        if self.is_watchful {
            return self.after_watchfully((scope, item, told));
        }
        let mut after: Option<Box<After>> = None;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(plugin) = slot.with(Hook::AfterVariable) else { continue };
            let hook = || plugin.after_value(self, scope, item, told);
            if let ((), Some(text)) = self.call_for_value(index, Hook::AfterVariable, hook) {
                after.get_or_insert_default().texts.push(*text);
            }
        }
        after
    }
}
