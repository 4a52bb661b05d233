//! A `siginfo_t` among the variables: its members, and what it says in words.

use super::location::Scope;
use super::place::Place;
use super::printer::{Instance, Printer};
use crate::report::Value;
use crate::target::{Memory, siginfo};
use crate::types::Record;

impl Printer<'_> {
    /// A structure that is a `siginfo_t`.
    pub(super) fn siginfo(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        let words = is_siginfo(instance.record).then(|| in_words(scope.process.memory, instance.place))??;
        Some(self.structure(scope, instance, Some(words)))
    }
}

/// Whether a structure is a `siginfo_t`, whatever name its type goes by.
fn is_siginfo(record: &Record) -> bool {
    let names = record.members.iter().map(|member| member.name.as_deref());
    names.take(3).eq([Some("si_signo"), Some("si_errno"), Some("si_code")])
}

/// A `siginfo_t` as a signal frame shows it.
fn in_words(memory: &dyn Memory, place: &Place) -> Option<String> {
    let mut raw = [0; siginfo::SIZE];
    place.read(memory, &mut raw).ok()?;
    let signal = siginfo::parse_siginfo(&raw)?;
    let address = signal.address.map(|address| format!(" ({address})")).unwrap_or_default();
    Some(format!("Signal {}: {}. {}{address}", signal.number, signal.description, signal.message))
}
