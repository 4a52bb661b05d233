//! Go's strings: their text beside the two words that they are.

use super::location::Scope;
use super::printer::{Instance, Printer};
use super::text;
use crate::address::Address;
use crate::report::Value;

impl Printer<'_> {
    /// A structure that is a Go `string`: an address and a length.
    pub(super) fn go_string(&mut self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<Value> {
        let is_go = instance.die.unit.language == Some(gimli::DW_LANG_Go);
        let is_string = is_go && &*instance.found.name == "string";
        let words = is_string.then(|| self.go_text(scope, instance)).flatten()?;
        Some(self.structure(scope, instance, Some(words)))
    }

    fn go_text(&self, scope: &Scope<'_>, instance: &Instance<'_>) -> Option<String> {
        let memory = scope.process.memory;
        let address = instance.place.read_bits(memory, 0, 64).ok()?;
        let length = u64::try_from(instance.place.read_bits(memory, 64, 64).ok()?).ok()?;
        let mut bytes = vec![0; length.min(self.limits.string as u64) as usize];
        memory.read_exact(Address(u64::try_from(address).ok()?), &mut bytes)?;
        let rest = if length > bytes.len() as u64 { "..." } else { "" };
        Some(format!("{}{rest}", text::quote(&bytes)))
    }
}
