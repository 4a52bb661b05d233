//! What is known of types: members found by name, also in base classes, alignment, types by
//! their spelled name. Each question is asked of glider once.

use crate::names;
use gimli_plugin_api::{Address, Host, Member, TypeId, TypeInfo, TypeKind};
use std::collections::HashMap;
use std::rc::Rc;

/// Base classes and members inside each other that are looked into.
const MAX_LEVELS: u32 = 24;
/// Base classes and anonymous members that are looked into for one member: a file can say that each has many.
const MAX_TYPES: u32 = 1024;
/// The alignment that malloc(3) gives, and the most that is asked for.
const MAX_ALIGNMENT: u64 = 16;
/// The same in a 32-bit process: in a structure even a `double` is aligned to no more.
const MAX_ALIGNMENT_32: u64 = 4;
/// Where an ELF file says its class, and that of 32 bits.
const CLASS_OFFSET: u64 = 4;
const CLASS_32: u8 = 1;
/// Answers that are kept; a program has fewer types that matter.
const MAX_KNOWN: usize = 1 << 16;

/// A member, wherever in the base classes it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Bytes from the start of the whole object.
    pub(crate) offset: u64,
    /// Its type.
    pub(crate) type_id: TypeId,
}

/// Answers about types, kept for the trace.
#[derive(Default)]
pub(crate) struct Layouts {
    /// Whether pointers take four bytes.
    is_32_bit: bool,
    resolved: HashMap<TypeId, Option<Rc<TypeInfo>>>,
    members: HashMap<(TypeId, &'static str), Option<Part>>,
    alignments: HashMap<TypeId, u64>,
    /// What templates were instantiated with: types only.
    arguments: HashMap<TypeId, Vec<Option<TypeId>>>,
    /// By the object whose debug information was asked, and the name.
    named: HashMap<(Option<String>, String), Option<TypeId>>,
}

impl Layouts {
    /// For a process: its objects say how large its pointers are.
    pub(crate) fn of(host: &Host<'_>) -> Layouts {
        let class_of = |start: Address| host.read::<u8>(start.checked_add(CLASS_OFFSET)?).ok();
        let class = host.objects().iter().find_map(|object| class_of(object.start));
        Layouts { is_32_bit: class == Some(CLASS_32), ..Layouts::default() }
    }

    /// Bytes of a pointer, and of an `unsigned long`.
    pub(crate) fn word(&self) -> u64 {
        if self.is_32_bit { 4 } else { 8 }
    }

    /// The type behind typedefs and qualifiers.
    pub(crate) fn resolve(&mut self, host: &Host<'_>, id: TypeId) -> Option<Rc<TypeInfo>> {
        if let Some(known) = self.resolved.get(&id) {
            return known.clone();
        }
        if self.resolved.len() >= MAX_KNOWN {
            self.resolved.clear();
        }
        let found = host.resolve_type(id).ok().map(Rc::new);
        self.resolved.insert(id, found.clone());
        found
    }

    /// The member of that name: the type's own, else one of its base classes and anonymous members.
    pub(crate) fn member(&mut self, host: &Host<'_>, id: TypeId, name: &'static str) -> Option<Part> {
        if let Some(known) = self.members.get(&(id, name)) {
            return *known;
        }
        if self.members.len() >= MAX_KNOWN {
            self.members.clear();
        }
        let found = self.find_member(host, id, name, MAX_LEVELS, &mut { MAX_TYPES });
        self.members.insert((id, name), found);
        found
    }

    /// Looks into at most `left` types more.
    fn find_member(
        &mut self,
        host: &Host<'_>,
        id: TypeId,
        name: &str,
        levels: u32,
        left: &mut u32,
    ) -> Option<Part> {
        let levels = levels.checked_sub(1)?;
        *left = left.checked_sub(1)?;
        let info = self.resolve(host, id)?;
        if let Some(own) = info.member(name).and_then(part) {
            return Some(own);
        }
        info.members.iter().filter(|member| member.name.is_empty()).find_map(|base| {
            let base = part(base)?;
            let inside = self.find_member(host, base.type_id, name, levels, left)?;
            Some(Part { offset: base.offset.checked_add(inside.offset)?, ..inside })
        })
    }

    /// The base classes of a type, each with its name, those of base classes after their own.
    pub(crate) fn bases(&mut self, host: &Host<'_>, id: TypeId) -> Vec<(String, Part)> {
        let mut found = Vec::new();
        self.add_bases(host, Part { offset: 0, type_id: id }, MAX_LEVELS * 4, &mut found);
        found
    }

    fn add_bases(&mut self, host: &Host<'_>, of: Part, levels: u32, found: &mut Vec<(String, Part)>) {
        let (Some(levels), Some(info)) = (levels.checked_sub(1), self.resolve(host, of.type_id)) else {
            return;
        };
        for base in info.members.iter().filter(|member| member.name.is_empty()).filter_map(part) {
            let Some(offset) = of.offset.checked_add(base.offset) else { continue };
            let Some(base_info) = self.resolve(host, base.type_id) else { continue };
            if found.len() >= MAX_TYPES as usize {
                return;
            }
            let base = Part { offset, ..base };
            found.push((base_info.name.to_string(), base));
            self.add_bases(host, base, levels, found);
        }
    }

    /// What a value of the type is aligned to at least, at most what malloc(3) gives.
    pub(crate) fn alignment(&mut self, host: &Host<'_>, id: TypeId) -> u64 {
        self.alignment_within(host, id, MAX_LEVELS)
    }

    fn alignment_within(&mut self, host: &Host<'_>, id: TypeId, levels: u32) -> u64 {
        if let Some(known) = self.alignments.get(&id) {
            return *known;
        }
        if self.alignments.len() >= MAX_KNOWN {
            self.alignments.clear();
        }
        // A type inside itself, which no compiler writes, is met with this.
        self.alignments.insert(id, 1);
        let found = self.find_alignment(host, id, levels);
        self.alignments.insert(id, found);
        found
    }

    fn find_alignment(&mut self, host: &Host<'_>, id: TypeId, levels: u32) -> u64 {
        let (Some(levels), Some(info)) = (levels.checked_sub(1), self.resolve(host, id)) else { return 1 };
        match info.kind {
            TypeKind::STRUCT | TypeKind::UNION => {
                let of_members = info.members.iter().filter_map(|member| {
                    // Packed structures are aligned to less than their members.
                    let at = part(member)?;
                    let alignment = self.alignment_within(host, at.type_id, levels);
                    Some(if at.offset.is_multiple_of(alignment) { alignment } else { 1 })
                });
                let largest = of_members.max().unwrap_or(1);
                if info.size().is_some_and(|size| size.0.is_multiple_of(largest)) { largest } else { 1 }
            }
            TypeKind::ARRAY => {
                info.target().map_or(1, |element| self.alignment_within(host, element, levels))
            }
            _ => match info.size().map(|size| size.0) {
                Some(size) if size.is_power_of_two() => {
                    size.min(if self.is_32_bit { MAX_ALIGNMENT_32 } else { MAX_ALIGNMENT })
                }
                _ => 1,
            },
        }
    }

    /// The type that stands for a parameter of a template, by its number; `None` for a value.
    pub(crate) fn argument(&mut self, host: &Host<'_>, of: TypeId, index: usize) -> Option<TypeId> {
        if self.arguments.len() >= MAX_KNOWN {
            self.arguments.clear();
        }
        let types = self.arguments.entry(of).or_insert_with(|| {
            let arguments = host.template_arguments(of).unwrap_or_default().into_iter();
            arguments.map(|argument| argument.type_id().filter(|_| !argument.is_value)).collect()
        });
        types.get(index).copied().flatten()
    }

    /// The type of that spelled name in the debug information of an object: what a variable's type is made of is
    /// described where the variable is.
    pub(crate) fn named(&mut self, host: &Host<'_>, object: Option<&str>, name: &str) -> Option<TypeId> {
        let name = names::without_const(name);
        // Pointers and references have no names of their own.
        if name.ends_with(['*', '&']) || name.is_empty() {
            return None;
        }
        let key = (object.map(str::to_owned), name.to_owned());
        if let Some(known) = self.named.get(&key) {
            return *known;
        }
        if self.named.len() >= MAX_KNOWN {
            self.named.clear();
        }
        let found = host.find_type(object, name);
        self.named.insert(key, found);
        found
    }
}

/// Where a member is; `None` for bit-fields and virtual bases.
fn part(member: &Member) -> Option<Part> {
    if member.bit_size().is_some() {
        return None;
    }
    Some(Part { offset: member.offset()?.whole_bytes().0, type_id: member.type_id()? })
}
