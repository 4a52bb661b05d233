//! The class that an object really is of, told by its vtable (Itanium C++ ABI §2.5.2, §2.9).
//!
//! Nothing found in the target is believed by itself: a vtable lies in an object file, its type
//! information is of the C++ library's own classes or its symbol says what it is, the name in it is
//! that of a class which the debug information describes, and that class is a polymorphic one.

use super::{MAX_NESTING, bases};
use crate::address::Address;
use crate::dwarf::Die;
use crate::object::demangle;
use crate::target::Arch;
use crate::types::{Kind, MemberOffset, Record, Type, Types};
use crate::values::Process;
use crate::values::location::Scope;
use crate::values::scalar;
use std::rc::Rc;

/// Bytes of a mangled type name that are read.
const MAX_NAME: usize = 1024;
/// Functions of a vtable that are asked for their class.
const MAX_SLOTS: i64 = 64;

/// Looks through one process, whose words have the size of `arch`.
#[derive(Clone, Copy)]
struct Vtables<'a> {
    process: Process<'a>,
    arch: Arch,
}

/// The whole object that `part`, an instance of a class with these members at `address`, belongs to.
/// `None` when it has no vtable, or one that says nothing that can be followed.
pub(in crate::values) fn whole_object(
    scope: &Scope<'_>,
    part: &Record,
    address: Address,
) -> Option<(Die, Rc<Type>, Address)> {
    let types = scope.process.types;
    let offset = vtable_pointer(types, part, MAX_NESTING)?;
    let vtables = Vtables { process: scope.process, arch: scope.thread.general.arch() };
    let place = address.checked_add(offset)?;
    let vtable = Address(vtables.word(place, 0)?);
    let name = vtables.class_name(vtable)?;
    let bits = 8 * vtables.arch.word();
    let to_top = scalar::number(vtables.word(vtable, -2)?.into(), bits, true);
    let top = Address(place.0.checked_add_signed(i64::try_from(to_top).ok()?)?);
    // The vtables of further bases hold thunks, which belong to no class; the object's first does not.
    let first = vtables.word(top, 0).map(Address);
    let first = first.filter(|first| vtables.class_name(*first).as_ref() == Some(&name));
    let (die, found) =
        [first, Some(vtable)].into_iter().flatten().find_map(|table| vtables.class(table, &name))?;
    let Kind::Struct(whole) = &found.kind else { return None };
    vtable_pointer(types, whole, MAX_NESTING)?;
    // The part lies inside of the whole.
    let end = top.checked_add(found.size?)?;
    (top <= address && address < end).then_some((die, found, top))
}

/// Offset of the first pointer to a vtable in a class.
fn vtable_pointer(types: &Types, record: &Record, levels: u32) -> Option<u64> {
    let levels = levels.checked_sub(1)?;
    let own = record.members.iter().find_map(|member| match (&member.name, member.offset) {
        (Some(name), MemberOffset::Bits(start)) if name.starts_with("_vptr") => Some(start / 8),
        _ => None,
    });
    own.or_else(|| {
        bases(types, record).into_iter().find_map(|(start, _, base)| match &base.kind {
            Kind::Struct(base) => start.checked_add(vtable_pointer(types, base, levels)?),
            _ => None,
        })
    })
}

impl Vtables<'_> {
    /// The word that many words behind a place.
    fn word(self, place: Address, index: i64) -> Option<u64> {
        let bytes = index.checked_mul(i64::try_from(self.arch.word()).ok()?)?;
        self.process.memory.read_word(Address(place.0.checked_add_signed(bytes)?), self.arch)
    }

    /// The mangled name of the class that a vtable is for: of its type information, else (`-fno-rtti`)
    /// of its symbol.
    fn class_name(self, vtable: Address) -> Option<String> {
        self.process.modules.find(vtable)?;
        match self.word(vtable, -1)? {
            0 => self.symbol(vtable)?.strip_prefix("_ZTV").map(str::to_owned),
            information => self.type_name(Address(information)),
        }
    }

    /// The mangled name in a `std::type_info` of a class.
    fn type_name(self, information: Address) -> Option<String> {
        self.process.modules.find(information)?;
        let own_class = self.symbol(Address(self.word(information, 0)?))?;
        // __class_type_info, __si_class_type_info, __vmi_class_type_info; others for what is no class.
        own_class.strip_prefix("_ZTVN10__cxxabiv1")?.strip_suffix("_type_infoE")?;
        let mut bytes = [0; MAX_NAME];
        let read = self.process.memory.read(Address(self.word(information, 1)?), &mut bytes);
        let text = bytes.get(..read)?.split(|byte| *byte == 0).next()?;
        // `*` marks a name that is compared by address.
        let text = text.strip_prefix(b"*").unwrap_or(text);
        let is_name = !text.is_empty() && text.len() < MAX_NAME && text.iter().all(u8::is_ascii_graphic);
        is_name.then(|| String::from_utf8_lossy(text).into_owned())
    }

    /// The mangled name of what lies at an address.
    fn symbol(self, address: Address) -> Option<&'static str> {
        let module = self.process.modules.find(address)?;
        let object = module.object.as_ref().ok()?;
        object.symbols().find(module.bias.to_file(address)).map(|symbol| symbol.name)
    }

    /// The class of that mangled name: the scope of one of the vtable's functions, since the unit that
    /// defines a class's functions describes all of it.
    fn class(self, vtable: Address, name: &str) -> Option<(Die, Rc<Type>)> {
        let wanted = without_spaces(&readable(name)?);
        for slot in 0..MAX_SLOTS {
            let function = Address(self.word(vtable, slot)?);
            let Some(module) = self.process.modules.find(function) else {
                // 0 stands for a function that is never called.
                if function.0 == 0 { continue } else { break }
            };
            let info = module.object.as_ref().ok().and_then(|object| object.debug_info());
            let scopes = info.and_then(|info| info.scopes(module.bias.to_file(function)));
            let Some(class) = scopes.and_then(|scopes| scopes.function.die.declaring_type()) else {
                continue;
            };
            let is_named = class.qualified_name().is_some_and(|class| without_spaces(&class) == wanted);
            if (is_named || self.symbol(function).is_some_and(|symbol| is_method(symbol, name)))
                && let Some((die, found)) = self.process.types.resolve(class)
                && matches!(found.kind, Kind::Struct(_))
            {
                return Some((die, found));
            }
        }
        None
    }
}

/// The name that `std::type_info` gives, as people write it.
fn readable(name: &str) -> Option<String> {
    demangle(&format!("_ZTS{name}"))?.strip_prefix("typeinfo name for ").map(str::to_owned)
}

/// Demanglers and compilers differ in where they put spaces.
fn without_spaces(name: &str) -> String {
    name.chars().filter(|character| *character != ' ').collect()
}

/// Whether a mangled name is that of a function of a class (Itanium C++ ABI §5.1.4): compilers and
/// demanglers do not spell template arguments alike.
fn is_method(symbol: &str, class: &str) -> bool {
    let class = class.strip_prefix('N').and_then(|nested| nested.strip_suffix('E')).unwrap_or(class);
    let function = symbol
        .strip_prefix("_ZN")
        .and_then(|nested| nested.trim_start_matches(['r', 'V', 'K', 'R', 'O']).strip_prefix(class));
    let Some(function) = function else { return false };
    let digits = function.bytes().take_while(u8::is_ascii_digit).count();
    let length = match function.get(..digits).unwrap_or_default().parse::<usize>() {
        Ok(length) => digits.saturating_add(length),
        // A destructor or an operator.
        Err(_) => 2,
    };
    function.get(length..).is_some_and(|rest| rest.starts_with(['E', 'B']))
}

#[cfg(test)]
mod tests {
    use super::{is_method, readable};

    #[test]
    fn a_function_is_known_as_one_of_its_class_by_its_mangled_name() {
        assert!(is_method("_ZN3Dog5speakEi", "3Dog"));
        assert!(is_method("_ZNK3Dog5speakEi", "3Dog"));
        assert!(is_method("_ZN3DogD0Ev", "3Dog"));
        assert!(is_method("_ZN3DogeqERKS_", "3Dog"));
        assert!(is_method("_ZNSt13runtime_errorD1Ev", "St13runtime_error"));
        assert!(is_method("_ZN12_GLOBAL__N_14CageIlE5speakEi", "N12_GLOBAL__N_14CageIlEE"));
        assert!(!is_method("_ZN3Dog4Tail4wagsEv", "3Dog"));
        assert!(!is_method("_ZN3DogE", "3Dog"));
        assert!(!is_method("_ZN4CageIlE5speakEi", "4CageIiE"));
        assert!(!is_method("_ZN3Dog99E", "3Dog"));
        assert!(!is_method("main", ""));
    }

    #[test]
    fn type_names_are_readable() {
        assert_eq!(readable("3Dog").as_deref(), Some("Dog"));
        assert_eq!(readable("St13runtime_error").as_deref(), Some("std::runtime_error"));
        assert_eq!(readable("\u{1}"), None);
    }
}
