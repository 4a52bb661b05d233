//! What wraps one value: shared pointers with their counts, cells and locks with their state.

use super::part::Part;
use super::sequence::{Run, not_a};
use crate::address::Address;
use crate::report::{Pointee, Value};
use crate::types::Kind;
use crate::values::location::Scope;
use crate::values::printer::Printer;

/// The low bits of a std RwLock's state: how many readers it has, all of them set for a writer.
const RWLOCK_MASK: u64 = (1 << 30) - 1;

impl Printer<'_> {
    /// `Rc`, `Arc` and their `Weak`.
    pub(super) fn shared(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let kind = part.short_name().to_owned();
        let is_weak = kind == "Weak";
        let pointer = part.member(types, "ptr")?.pointer(types)?;
        let address = pointer.number(scope)?;
        if is_weak && address == u64::MAX {
            return Some(wrapper(part, &kind, Some("of nothing"), Pointee::None));
        }
        let Kind::Pointer { target } = pointer.found.kind else { return None };
        let inner = Part::new(types, target?, crate::values::Place::Memory(Address(address)))?;
        let count = |name: &str| inner.member(types, name)?.number(scope);
        let value = inner.member(types, "value").or_else(|| inner.member(types, "data"))?;
        let (Some(strong), Some(weak)) = (count("strong"), count("weak")) else {
            return Some(not_a(&kind, format_args!("its counts at {address:#x} are not mapped")));
        };
        let (most, least) = (isize::MAX as u64, u64::from(!is_weak));
        if strong > most || weak > most || strong < least || weak == 0 {
            return Some(not_a(&kind, format_args!("strong {strong}, weak {weak}")));
        }
        // All strong ones together hold one weak count.
        let weak = weak - u64::from(strong > 0);
        let state = format!("strong {strong}, weak {weak}");
        let start = value.place.address()?;
        let shown = if is_weak {
            Pointee::None
        } else if let Some(length) = part.deep(types, "length").and_then(|length| length.number(scope)) {
            // The value of an unsized one is of the type of its elements.
            let run = Run { element: value.die, start: start.0, length };
            let name = &*part.found.name;
            let is_text = name.contains("Rc<str,") || name.contains("Arc<str,") || name.ends_with("<str>");
            let shown = if is_text {
                self.text(scope, "str", start.0, length)
            } else {
                self.run(scope, part, &kind, &run, depth)
            };
            Pointee::Value(Box::new(shown))
        } else if part.deep(types, "vtable").is_some() {
            return None;
        } else {
            self.pointee(scope, Some(value.die), value.die, &value.found, start, depth)
        };
        Some(wrapper(part, &kind, Some(&state), shown))
    }

    /// `Cell`, `RefCell`, `Mutex`, `RwLock`, `OnceCell`.
    pub(super) fn cell(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let kind = part.short_name().to_owned();
        let state = match kind.as_str() {
            "RefCell" => match part.member(types, "borrow")?.signed(scope)? {
                0 => None,
                -1 => Some("mutably borrowed".to_owned()),
                1 => Some("borrowed".to_owned()),
                count @ 2.. => Some(format!("borrowed {count} times")),
                count => return Some(not_a(&kind, format_args!("{count} borrows"))),
            },
            "Mutex" => locked(scope, part, |state| match state {
                0 => None,
                1 => Some("held".to_owned()),
                _ => Some("held, waited for".to_owned()),
            })?,
            "RwLock" => locked(scope, part, |state| match state & RWLOCK_MASK {
                0 => None,
                RWLOCK_MASK => Some("held by a writer".to_owned()),
                1 => Some("held by a reader".to_owned()),
                readers => Some(format!("held by {readers} readers")),
            })?,
            _ => None,
        };
        let value = match kind.as_str() {
            "Mutex" | "RwLock" => part.member(types, "data")?,
            "OnceCell" => part.member(types, "inner")?,
            _ => part.member(types, "value")?,
        };
        let value = value.member(types, "value").unwrap_or(value);
        let shown = self.value(scope, Some(value.die), &value.place, depth + 1);
        Some(wrapper(part, &kind, state.as_deref(), Pointee::Value(Box::new(shown))))
    }

    /// `OnceLock` and `LazyLock`: the value once there is one.
    pub(super) fn once(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let state = once_state(scope, &part.member(types, "once")?)?;
        let guarded = part.member(types, "value").or_else(|| part.member(types, "data"))?;
        let shown = match state {
            None => {
                let value = self.value(scope, Some(part.parameter("T")?), &guarded.place, depth + 1);
                Pointee::Value(Box::new(value))
            }
            Some(_) => Pointee::None,
        };
        Some(wrapper(part, part.short_name(), state, shown))
    }

    /// `LazyCell`, the same for one thread.
    pub(super) fn lazy_cell(&mut self, scope: &Scope<'_>, part: &Part, depth: usize) -> Option<Value> {
        let types = scope.process.types;
        let state = part.member(types, "state")?.member(types, "value")?;
        let (state, shown) = match state.active_name(scope)? {
            "Init" => {
                let value = state.active_variant(scope)?.member(types, "__0")?;
                let shown = self.value(scope, Some(value.die), &value.place, depth + 1);
                (None, Pointee::Value(Box::new(shown)))
            }
            "Uninit" => (Some("not initialised"), Pointee::None),
            "Poisoned" => (Some("poisoned"), Pointee::None),
            _ => return None,
        };
        Some(wrapper(part, part.short_name(), state, shown))
    }
}

/// Why what a `Once` guards is not there, `None` where it is. std has changed the name and the numbers of its word
/// together; `None` for other words.
fn once_state(scope: &Scope<'_>, once: &Part) -> Option<Option<&'static str>> {
    const ABSENT: Option<&str> = Some("not initialised");
    const POISONED: Option<&str> = Some("poisoned");
    const RUNNING: Option<&str> = Some("being initialised");
    let types = scope.process.types;
    if let Some(word) = once.deep(types, "state_and_queued") {
        return Some(match word.number(scope)? & 3 {
            0 => None,
            1 => RUNNING,
            2 => POISONED,
            _ => ABSENT,
        });
    }
    match once.deep(types, "state")?.number(scope)? {
        0 => Some(ABSENT),
        1 => Some(POISONED),
        2 | 3 => Some(RUNNING),
        4 => Some(None),
        _ => None,
    }
}

/// What a lock's futex word says, and whether the lock is poisoned: `None` for another sort of lock.
fn locked(
    scope: &Scope<'_>,
    part: &Part,
    in_words: impl Fn(u64) -> Option<String>,
) -> Option<Option<String>> {
    let types = scope.process.types;
    let inner = part.member(types, "inner")?;
    let word = inner.member(types, "futex").or_else(|| inner.member(types, "state"))?;
    let poisoned = part.member(types, "poison")?.number(scope)? != 0;
    let held = in_words(word.number(scope)?);
    let words: Vec<String> = held.into_iter().chain(poisoned.then(|| "poisoned".to_owned())).collect();
    Some((!words.is_empty()).then(|| words.join(", ")))
}

fn wrapper(part: &Part, name: &str, state: Option<&str>, value: Pointee) -> Value {
    Value::Wrapper {
        type_name: Some(part.found.name.clone()),
        name: name.to_owned(),
        state: state.map(str::to_owned),
        value,
    }
}
