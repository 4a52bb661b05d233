//! The futex(2) system call that a thread is asleep in, from the registers of its innermost frame.
//!
//! This is what makes the rest sound: a function's name on the stack says that the thread is
//! *somewhere* in it, perhaps with the lock just taken; these registers say that it sleeps, and where.

use gimli_plugin_api::{Address, Register};

/// The low bits of the operation (`linux/futex.h`), without `FUTEX_PRIVATE_FLAG` and `FUTEX_CLOCK_REALTIME`.
const COMMAND: u64 = 0x7f;
/// `FUTEX_WAIT`, `FUTEX_LOCK_PI`, `FUTEX_WAIT_BITSET`, `FUTEX_WAIT_REQUEUE_PI`, `FUTEX_LOCK_PI2`.
const WAITING: [u64; 5] = [0, 6, 9, 11, 13];
/// What the kernel leaves in `rax` of a thread that it took out of a sleep to be looked at:
/// `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`, `ERESTART_RESTARTBLOCK` (`linux/errno.h`), negated.
const RESTARTED: [i64; 4] = [-512, -513, -514, -516];

/// A sleep in futex(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Futex {
    /// The word that the thread waits on.
    pub(crate) word: Address,
    /// Whether the kernel wakes it when its time is over.
    pub(crate) is_timed: bool,
}

impl Futex {
    /// The sleep that these registers show; `None` when they show none. That the system call is futex(2) must be known already.
    pub(crate) fn from_registers(registers: &[Register<'_>]) -> Option<Futex> {
        let get = |name: &str| {
            registers.iter().find(|register| register.name == name).map(|register| register.value)
        };
        let sleeps = RESTARTED.contains(&get("rax")?.cast_signed());
        let word = get("rdi")?;
        let waits = WAITING.contains(&(get("rsi")? & COMMAND));
        (sleeps && waits && word != 0 && word.is_multiple_of(4))
            .then_some(Futex { word: Address(word), is_timed: get("r10")? != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers(rax: i64, rdi: u64, rsi: u64, r10: u64) -> Vec<Register<'static>> {
        let values = [("rax", rax.cast_unsigned()), ("rdi", rdi), ("rsi", rsi), ("r10", r10)];
        values.into_iter().map(|(name, value)| Register { name: name.into(), value }).collect()
    }

    #[test]
    fn a_sleep_is_read_from_registers() {
        let wait = Futex::from_registers(&registers(-512, 0x1004, 0x189, 0));
        assert_eq!(wait, Some(Futex { word: Address(0x1004), is_timed: false }));
        let timed = Futex::from_registers(&registers(-516, 0x1004, 0x80, 0x7ff0));
        assert_eq!(timed, Some(Futex { word: Address(0x1004), is_timed: true }));
    }

    #[test]
    fn no_sleep_is_made_up() {
        assert_eq!(Futex::from_registers(&registers(0, 0x1004, 0x80, 0)), None, "it was woken");
        assert_eq!(Futex::from_registers(&registers(-512, 0x1004, 0x81, 0)), None, "it wakes others");
        assert_eq!(Futex::from_registers(&registers(-512, 0x1003, 0x80, 0)), None, "no word lies there");
        assert_eq!(Futex::from_registers(&registers(-512, 0, 0x80, 0)), None);
        assert_eq!(Futex::from_registers(&[]), None);
    }
}
