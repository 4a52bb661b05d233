//! Types of the program, as its debug information describes them.
//!
//! Plain data that glider fills in and a plugin reads; see `process` for the rule on layouts.

use crate::address::{Bits, Size, TypeId};
use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec};

/// A type.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct TypeInfo {
    /// The type's own number.
    pub id: TypeId,
    /// Spelled as in its language: `struct request *`.
    pub name: RString,
    /// What it is.
    pub kind: TypeKind,
    /// Size of a value; none where it is not fixed or not known.
    pub size: ROption<Size>,
    /// What a pointer or reference points at, the element of an array, what an alias stands
    /// for, what a function returns. None for `void`.
    pub target: ROption<TypeId>,
    /// Members of a structure or union, base classes among them, in order of declaration.
    pub members: RVec<Member>,
    /// Names of an enumeration.
    pub enumerators: RVec<Enumerator>,
    /// How many elements an array has in each dimension, the outermost first; none where only the running program knows.
    pub dimensions: RVec<ROption<u64>>,
    /// Parameters of a function.
    pub parameters: RVec<TypeId>,
}

impl TypeInfo {
    /// Size of a value; `None` where it is not fixed or not known.
    pub fn size(&self) -> Option<Size> {
        self.size.into_option()
    }

    /// Pointee, element, aliased or returned type, by kind.
    pub fn target(&self) -> Option<TypeId> {
        self.target.into_option()
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The name of an enumeration's value.
    pub fn enumerator(&self, value: i64) -> Option<&str> {
        self.enumerators.iter().find(|one| one.value == value).map(|one| one.name.as_str())
    }

    /// How many elements an array has in all dimensions together, where that is known.
    pub fn element_count(&self) -> Option<u64> {
        if self.dimensions.is_empty() {
            return None;
        }
        self.dimensions.iter().try_fold(1u64, |count, one| count.checked_mul(one.into_option()?))
    }
}

/// What a type is. An open set: later minor versions may add to it.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, StableAbi)]
pub struct TypeKind(pub u32);

impl TypeKind {
    /// Something that has only bytes, or a kind this version has no word for.
    pub const OPAQUE: TypeKind = TypeKind(0);
    /// `void`, `()`.
    pub const VOID: TypeKind = TypeKind(1);
    /// A signed integer.
    pub const SIGNED: TypeKind = TypeKind(2);
    /// An unsigned integer.
    pub const UNSIGNED: TypeKind = TypeKind(3);
    /// A character.
    pub const CHAR: TypeKind = TypeKind(4);
    /// A truth value.
    pub const BOOL: TypeKind = TypeKind(5);
    /// A binary floating point number.
    pub const FLOAT: TypeKind = TypeKind(6);
    /// Two floating point numbers.
    pub const COMPLEX: TypeKind = TypeKind(7);
    /// A pointer.
    pub const POINTER: TypeKind = TypeKind(8);
    /// A reference.
    pub const REFERENCE: TypeKind = TypeKind(9);
    /// An array or vector.
    pub const ARRAY: TypeKind = TypeKind(10);
    /// A structure or class.
    pub const STRUCT: TypeKind = TypeKind(11);
    /// A union.
    pub const UNION: TypeKind = TypeKind(12);
    /// An enumeration.
    pub const ENUM: TypeKind = TypeKind(13);
    /// A function.
    pub const FUNCTION: TypeKind = TypeKind(14);
    /// Another name for a type.
    pub const TYPEDEF: TypeKind = TypeKind(15);
    /// A type with `const` before it.
    pub const CONST: TypeKind = TypeKind(16);
    /// A type with `volatile` before it.
    pub const VOLATILE: TypeKind = TypeKind(17);
    /// A type with `restrict` or `_Atomic` before it.
    pub const QUALIFIED: TypeKind = TypeKind(18);

    /// Whether this only gives another type a name or a qualifier; `target` is that type.
    pub fn is_alias(self) -> bool {
        matches!(self, TypeKind::TYPEDEF | TypeKind::CONST | TypeKind::VOLATILE | TypeKind::QUALIFIED)
    }
}

impl std::fmt::Debug for TypeKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [&str; 19] = [
            "OPAQUE",
            "VOID",
            "SIGNED",
            "UNSIGNED",
            "CHAR",
            "BOOL",
            "FLOAT",
            "COMPLEX",
            "POINTER",
            "REFERENCE",
            "ARRAY",
            "STRUCT",
            "UNION",
            "ENUM",
            "FUNCTION",
            "TYPEDEF",
            "CONST",
            "VOLATILE",
            "QUALIFIED",
        ];
        match usize::try_from(self.0).ok().and_then(|number| NAMES.get(number)) {
            Some(name) => f.write_str(name),
            None => write!(f, "TypeKind({})", self.0),
        }
    }
}

/// A member of a structure or union, or a base class.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Member {
    /// Its name; empty for an anonymous structure or union and for a base class.
    pub name: RString,
    /// Its type; none when the debug information has none.
    pub type_id: ROption<TypeId>,
    /// Where it starts, from the start of the structure; none where only a living object knows (virtual bases).
    pub offset: ROption<Bits>,
    /// Its width, for a bit-field.
    pub bit_size: ROption<Bits>,
}

impl Member {
    /// Where it starts, in bits from the start of the structure.
    pub fn offset(&self) -> Option<Bits> {
        self.offset.into_option()
    }

    /// Its type.
    pub fn type_id(&self) -> Option<TypeId> {
        self.type_id.into_option()
    }

    /// Its width, for a bit-field.
    pub fn bit_size(&self) -> Option<Bits> {
        self.bit_size.into_option()
    }
}

/// A name of an enumeration.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct Enumerator {
    /// The name.
    pub name: RString,
    /// The number; unsigned ones above `i64::MAX` wrap.
    pub value: i64,
}

/// An argument that a template was instantiated with: of `std::array<int, 4>` the type `int`, and 4. For generic
/// types of Rust as well: `T` of `Vec<T>`. Since 1.2.
#[repr(C)]
#[derive(Clone, Debug, PartialEq, Eq, StableAbi)]
pub struct TemplateArgument {
    /// Name of the parameter it stands for: `_Tp`. Those of a parameter pack have the pack's.
    pub name: RString,
    /// The argument, when it is a type; the type of the argument, when it is a value. None for `void`, and where the
    /// debug information has none.
    pub type_id: ROption<TypeId>,
    /// Whether it is a value.
    pub is_value: bool,
    /// The value, where it is a constant number; unsigned ones above `i64::MAX` wrap.
    pub value: ROption<i64>,
}

impl TemplateArgument {
    /// The argument, when it is a type; the type of the argument, when it is a value.
    pub fn type_id(&self) -> Option<TypeId> {
        self.type_id.into_option()
    }

    /// The value, where it is a constant number.
    pub fn value(&self) -> Option<i64> {
        self.value.into_option()
    }
}
