//! Types as DWARF describes them (DWARF 5 §5), parsed on demand and kept.
//!
//! Pipeline place: between DWARF and the values. Knows nothing of the process: sizes and
//! bounds that depend on it stay expressions, which `values` evaluates.

#![forbid(unsafe_code)]

mod parse;
mod spelling;
mod variant;

pub(crate) use parse::constant;
pub use variant::{Selector, Variants};

use crate::dwarf::{Die, MAX_CHAIN};
use crate::unwind::Bytes;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// One type.
pub struct Type {
    /// Spelled as in its language, `struct request *`, and cut where that is very long.
    pub name: Arc<str>,
    /// Size in bytes; `None` where it is not fixed or not known.
    pub size: Option<u64>,
    /// What it is.
    pub kind: Kind,
}

/// What a type is made of.
pub enum Kind {
    /// `void`, `()` and what has no values.
    Void,
    /// Integers.
    Integer {
        /// Two's complement.
        signed: bool,
    },
    /// Characters: one byte, or wider code points.
    Char {
        /// Two's complement.
        signed: bool,
    },
    /// Truth values.
    Bool,
    /// Binary floating point of the type's size.
    Float,
    /// A pair of floating point numbers, each of half the type's size.
    Complex,
    /// Pointers.
    Pointer {
        /// What it points at; `None` for `void *`.
        target: Option<Die>,
    },
    /// C++ references.
    Reference {
        /// What it refers to.
        target: Option<Die>,
    },
    /// Arrays and vectors.
    Array {
        /// Type of the elements.
        element: Option<Die>,
        /// Counts, outermost dimension first.
        dimensions: Vec<Count>,
        /// Set where the object is only a descriptor of an array elsewhere (Fortran).
        descriptor: Option<Box<Descriptor>>,
    },
    /// Characters without an end mark (Fortran).
    Text {
        /// How many bytes they are.
        length: Count,
    },
    /// Structures and classes.
    Struct(Record),
    /// Unions.
    Union(Record),
    /// Enumerations.
    Enum {
        /// Numbers and names in order.
        enumerators: Vec<(i128, Arc<str>)>,
        /// Two's complement.
        signed: bool,
    },
    /// Code.
    Function,
    /// Another name or a qualifier: typedef, const, volatile, restrict, atomic.
    Alias {
        /// What it stands for; `None` for `void`.
        target: Option<Die>,
    },
    /// Declared only: its members are not described in this file.
    Incomplete,
    /// C++ pointers to members.
    MemberPointer(MemberPointer),
    /// Something that is shown as bytes: sets, files.
    Opaque,
}

/// How to find the elements of an array that another place describes (DWARF 5 §5.18). All are
/// expressions over the address of the descriptor.
pub struct Descriptor {
    /// Gives the address of the first element.
    pub data: Bytes,
    /// Gives whether there are elements at all.
    pub is_present: Option<Bytes>,
    /// Each gives the distance of the elements in bytes, in the order of the dimensions.
    pub strides: Vec<Option<Bytes>>,
}

/// What a pointer to a member may point at (Itanium C++ ABI §2.3).
pub struct MemberPointer {
    /// The class whose member it is.
    pub class: Option<Die>,
    /// Whether the member is a function: two words, address or slot and adjustment of `this`. Else
    /// the member's offset.
    pub is_function: bool,
}

/// Members of a structure or union.
#[derive(Default)]
pub struct Record {
    /// In order of declaration, base classes among them.
    pub members: Vec<Member>,
    /// The part that depends on a discriminant (Rust enums, Ada variants).
    pub variants: Option<Box<Variants>>,
}

/// A member.
#[derive(Clone)]
pub struct Member {
    /// Name; `None` for anonymous members and base classes.
    pub name: Option<Arc<str>>,
    /// Its type.
    pub type_die: Option<Die>,
    /// Where it starts.
    pub offset: MemberOffset,
    /// Width, for a bit-field.
    pub bit_size: Option<u64>,
}

/// Where a member starts in its structure.
#[derive(Clone, Copy)]
pub enum MemberOffset {
    /// Bits from the start of the structure.
    Bits(u64),
    /// An expression over the structure's address that gives the member's (virtual bases);
    /// or over 0 that gives the offset in bytes (DWARF 2).
    Expression(Bytes),
}

/// How many elements a dimension has.
#[derive(Clone, Copy)]
pub enum Count {
    /// Known at compile time.
    Fixed(u64),
    /// A flexible array member, or unknown.
    Unknown,
    /// Upper bound is the result of an expression in the frame; the lower bound is given.
    UpperBound(Bytes, i64),
    /// Count is the result of an expression in the frame.
    Expression(Bytes),
    /// Lower and upper bound are the results of expressions.
    Bounds(Bytes, Bytes),
    /// Count is stored where an expression says, in so many bytes; a word where that is not said.
    At(Bytes, Option<u64>),
    /// Upper bound is the value of a variable; the lower bound is given.
    UpperBoundVariable(Die, i64),
    /// Count is the value of a variable.
    Variable(Die),
}

impl Type {
    /// Whether it is a structure, union or enumeration without a name.
    pub fn is_anonymous(&self) -> bool {
        self.name.ends_with("{...}")
    }

    /// Whether it is an array whose length only the running function knows.
    pub fn is_variable_length(&self) -> bool {
        let is_fixed = |count: &Count| matches!(count, Count::Fixed(_) | Count::Unknown);
        matches!(&self.kind, Kind::Array { dimensions, .. } if !dimensions.iter().all(is_fixed))
    }
}

/// Bytes of debug information that are searched for the definitions of declared types in all: some 50 ms.
const SEARCHED_FOR_DEFINITIONS: usize = 256 << 20;

/// All types met so far.
pub struct Types {
    known: RefCell<FxHashMap<(usize, usize), Rc<Type>>>,
    definitions: RefCell<FxHashMap<(usize, usize), Option<Die>>>,
    /// Bytes that may still be searched for further ones.
    budget: Cell<usize>,
}

impl Default for Types {
    fn default() -> Types {
        Types {
            known: RefCell::default(),
            definitions: RefCell::default(),
            budget: Cell::new(SEARCHED_FOR_DEFINITIONS),
        }
    }
}

impl Types {
    /// The definition of a declared type: what `search` found, now or before. `search` is given the bytes
    /// that it may search.
    pub(crate) fn definition(
        &self,
        declaration: Die,
        search: impl FnOnce(&Cell<usize>) -> Option<Die>,
    ) -> Option<Die> {
        if let Some(known) = self.definitions.borrow().get(&declaration.key()) {
            return *known;
        }
        let found = search(&self.budget);
        self.definitions.borrow_mut().insert(declaration.key(), found);
        found
    }

    /// The type a DIE describes.
    pub fn get(&self, die: Die) -> Rc<Type> {
        if let Some(known) = self.known.borrow().get(&die.key()) {
            return known.clone();
        }
        let parsed = Rc::new(parse::parse(die));
        self.known.borrow_mut().insert(die.key(), parsed.clone());
        parsed
    }

    /// The name of the type a DIE describes, also where [`Type::name`] is cut for the reader's sake.
    pub fn whole_name(&self, die: Die) -> Arc<str> {
        let shown = self.get(die).name.clone();
        if spelling::is_cut(&shown) { spelling::spell_whole(die) } else { shown }
    }

    /// The type behind typedefs and qualifiers, with its DIE; `None` for `void` and for circles.
    pub fn resolve(&self, die: Die) -> Option<(Die, Rc<Type>)> {
        let mut die = die;
        for _ in 0..MAX_CHAIN {
            let found = self.get(die);
            match found.kind {
                Kind::Alias { target } => die = target?,
                _ => return Some((die, found)),
            }
        }
        None
    }
}
