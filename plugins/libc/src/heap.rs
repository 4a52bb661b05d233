//! What malloc has taken from the system, from `main_arena` and `mp_` of glibc.
//!
//! Both are inner variables of the C library: where they lie and what they look like is read from its
//! debug information. Without that there is nothing to say.

use gimli_plugin_api::{Address, Error, ErrorKind, Host, TypeInfo};
use std::collections::BTreeSet;

/// Arenas followed; malloc makes eight for each processor.
const MAX_ARENAS: usize = 4096;
/// The flags in the low bits of a chunk's size (`malloc.c`).
const SIZE_FLAGS: u64 = 7;

/// Prints the sizes of the arenas and of what was mapped outside of them.
///
/// # Errors
/// `NO_INFORMATION` when the C library has no debug information; `UNREADABLE`.
pub(crate) fn print(host: &Host<'_>, libc: &str) -> Result<(), Error> {
    let main = variable(host, libc, "main_arena", "struct malloc_state")?;
    let (mut count, mut system, mut top, mut most) = (0u64, 0u64, 0u64, 0u64);
    let mut seen = BTreeSet::new();
    let mut at = main.address;
    let mut end = None;
    while end.is_none() {
        if !seen.insert(at) {
            end =
                Some(if at == main.address { "" } else { ", and then their list goes round: it is corrupt" });
        } else if seen.len() > MAX_ARENAS {
            end = Some(", and more");
        } else {
            let arena = Variable { address: at, ..main.clone() };
            let Ok(sizes) = arena.sizes(host) else {
                end = Some(", and then their list leads nowhere: it is corrupt");
                break;
            };
            count += 1;
            system = system.saturating_add(sizes.system);
            most = most.max(sizes.most);
            top = top.saturating_add(sizes.top);
            at = sizes.next;
        }
    }
    writeln!(
        host,
        "heap: {count} arena{}{}, {system} bytes from the system, {top} of them untouched at the top",
        if count == 1 { "" } else { "s" },
        end.unwrap_or_default(),
    )?;
    writeln!(host, "    the largest arena has had {most} bytes")?;
    let parameters = variable(host, libc, "mp_", "struct malloc_par")?;
    let blocks = parameters.number(host, "n_mmaps")?;
    let mapped = parameters.number(host, "mmapped_mem")?;
    writeln!(host, "    {blocks} large blocks outside of the arenas, {mapped} bytes")
}

/// A variable and its type.
#[derive(Clone)]
struct Variable {
    address: Address,
    type_info: TypeInfo,
}

/// What an arena says of itself, in bytes.
struct Sizes {
    system: u64,
    most: u64,
    top: u64,
    next: Address,
}

fn variable(host: &Host<'_>, libc: &str, name: &str, type_name: &str) -> Result<Variable, Error> {
    let missing = || Error::new(ErrorKind::NO_INFORMATION, format!("no debug information on {name}"));
    let address = host.find_symbol(libc, name).ok_or_else(missing)?.address;
    let type_info = host.resolve_type(host.find_type(libc, type_name).ok_or_else(missing)?)?;
    Ok(Variable { address, type_info })
}

impl Variable {
    /// A member that is a number of four or eight bytes.
    fn number(&self, host: &Host<'_>, name: &str) -> Result<u64, Error> {
        let missing = || Error::new(ErrorKind::NO_INFORMATION, format!("no member {name}"));
        let member = self.type_info.member(name).ok_or_else(missing)?;
        let offset = member.offset().ok_or_else(missing)?.whole_bytes().0;
        let place = self.address.checked_add(offset).ok_or_else(missing)?;
        let size = host.resolve_type(member.type_id().ok_or_else(missing)?)?.size();
        match size.map(|size| size.0) {
            Some(4) => host.read::<u32>(place).map(u64::from),
            Some(8) => host.read(place),
            _ => Err(missing()),
        }
    }

    /// Reads this as an arena.
    fn sizes(&self, host: &Host<'_>) -> Result<Sizes, Error> {
        // The chunk at the top has its size in its second word.
        let top = match Address(self.number(host, "top")?).checked_add(8) {
            Some(place) => host.read::<u64>(place)? & !SIZE_FLAGS,
            None => 0,
        };
        let (system, most) = (self.number(host, "system_mem")?, self.number(host, "max_system_mem")?);
        Ok(Sizes { system, most, top, next: Address(self.number(host, "next")?) })
    }
}
