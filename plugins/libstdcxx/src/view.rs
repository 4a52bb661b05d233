//! An object of the traced process, seen as its type: members by name, numbers, pointers.

use crate::fault::{Fault, ensure};
use crate::layout::{Layouts, Part};
use gimli_plugin_api::{Address, Frame, Host, TypeId, TypeInfo, TypeKind};
use std::cell::RefCell;
use std::rc::Rc;

/// Parts of containers that are shown of one frame. Elements can be containers themselves: what each limit allows for
/// one multiplies.
pub(crate) const MAX_PARTS: u64 = 4096;
/// Characters of one string, whatever the report's limit.
const MAX_STRING: u64 = 1 << 20;

/// What a printer works with: the process, the frame, and what is known of types.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c, 'h> {
    pub(crate) host: &'c Host<'h>,
    pub(crate) layouts: &'c RefCell<Layouts>,
    /// The object that the frame's code is in.
    object: Option<&'c str>,
}

impl<'c, 'h> Context<'c, 'h> {
    pub(crate) fn new(
        host: &'c Host<'h>,
        frame: &'c Frame<'_>,
        layouts: &'c RefCell<Layouts>,
    ) -> Context<'c, 'h> {
        Context { host, layouts, object: frame.object() }
    }

    /// The type of that spelled name.
    pub(crate) fn named(&self, name: &str) -> Option<TypeId> {
        self.layouts.borrow_mut().named(self.host, self.object, name)
    }

    /// The type that a template was instantiated with, by its number.
    pub(crate) fn argument(&self, of: TypeId, index: usize) -> Option<TypeId> {
        self.layouts.borrow_mut().argument(self.host, of, index)
    }

    /// Bytes of a pointer, and of an `unsigned long`.
    pub(crate) fn word(&self) -> u64 {
        self.layouts.borrow().word()
    }

    /// Reads an unsigned number of `size` bytes.
    pub(crate) fn read_number(&self, address: Address, size: u64) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        let wanted = usize::try_from(size).ok().and_then(|size| bytes.get_mut(..size));
        self.host.read_exact(address, wanted.ok_or(Fault::Unknown)?)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads a pointer.
    pub(crate) fn read_pointer(&self, address: Address) -> Result<Address, Fault> {
        self.read_number(address, self.word()).map(Address)
    }

    /// Elements of a container that are walked and shown.
    pub(crate) fn elements(&self) -> u64 {
        self.host.limits().elements.min(MAX_PARTS)
    }

    /// Characters of a string that are read and shown.
    pub(crate) fn characters(&self) -> u64 {
        self.host.limits().string.min(MAX_STRING)
    }

    /// Whether the first and the last of `length` bytes can be read.
    pub(crate) fn is_mapped(&self, address: Address, length: u64) -> bool {
        let is_readable = |address: Address| self.host.read_memory(address, &mut [0]) == 1;
        let last = address.checked_add(length.saturating_sub(1));
        is_readable(address) && (length <= 1 || last.is_some_and(is_readable))
    }

    /// That `length` bytes at `address` may be what a pointer called `what` points at.
    pub(crate) fn ensure_points(
        &self,
        what: &str,
        address: Address,
        alignment: u64,
        length: u64,
    ) -> Result<(), Fault> {
        ensure(!address.is_null(), || format!("{what} is null"))?;
        ensure(address.0.is_multiple_of(alignment.max(1)), || {
            format!("{what} {address} is not aligned to {alignment}")
        })?;
        ensure(self.is_mapped(address, length), || format!("{what} {address} is not mapped"))
    }
}

/// An object at an address.
#[derive(Clone, Copy)]
pub(crate) struct View<'c, 'h> {
    pub(crate) context: Context<'c, 'h>,
    pub(crate) address: Address,
    pub(crate) type_id: TypeId,
}

impl<'c, 'h> View<'c, 'h> {
    /// The same place, or another one, as this type.
    pub(crate) fn with(&self, address: Address, type_id: TypeId) -> View<'c, 'h> {
        View { address, type_id, ..*self }
    }

    /// The type behind typedefs and qualifiers.
    pub(crate) fn info(&self) -> Result<Rc<TypeInfo>, Fault> {
        let found = self.context.layouts.borrow_mut().resolve(self.context.host, self.type_id);
        found.ok_or(Fault::Unknown)
    }

    /// Bytes of a value; never 0.
    pub(crate) fn size(&self) -> Result<u64, Fault> {
        let size = self.info()?.size().map(|size| size.0);
        size.filter(|size| *size > 0).ok_or(Fault::Unknown)
    }

    /// What a value is aligned to.
    pub(crate) fn alignment(&self) -> u64 {
        self.context.layouts.borrow_mut().alignment(self.context.host, self.type_id)
    }

    /// The member of that name, also of a base class.
    pub(crate) fn member(&self, name: &'static str) -> Result<View<'c, 'h>, Fault> {
        let found = self.context.layouts.borrow_mut().member(self.context.host, self.type_id, name);
        self.part(found.ok_or(Fault::Unknown)?)
    }

    /// Whether there is a member of that name.
    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.member(name).is_ok()
    }

    /// The member at the end of a path of names.
    pub(crate) fn path(&self, names: &[&'static str]) -> Result<View<'c, 'h>, Fault> {
        names.iter().try_fold(*self, |view, name| view.member(name))
    }

    /// Its base classes, those of base classes included, with their names.
    pub(crate) fn bases(&self) -> Result<Vec<(String, View<'c, 'h>)>, Fault> {
        let found = self.context.layouts.borrow_mut().bases(self.context.host, self.type_id);
        found.into_iter().map(|(name, part)| Ok((name, self.part(part)?))).collect()
    }

    fn part(&self, part: Part) -> Result<View<'c, 'h>, Fault> {
        let address = self.address.checked_add(part.offset);
        let address = address.ok_or_else(|| Fault::invalid("it reaches past the end of memory"))?;
        Ok(self.with(address, part.type_id))
    }

    /// An integer or pointer, zero-extended.
    pub(crate) fn number(&self) -> Result<u64, Fault> {
        self.context.read_number(self.address, self.size()?)
    }

    /// An integer, sign-extended.
    pub(crate) fn signed(&self) -> Result<i64, Fault> {
        let unused = 64u64.saturating_sub(self.size()?.saturating_mul(8)).min(63);
        Ok((self.number()? << unused).cast_signed() >> unused)
    }

    /// A pointer.
    pub(crate) fn pointer(&self) -> Result<Address, Fault> {
        self.number().map(Address)
    }

    /// What a pointer's type says it points at, at `address`.
    pub(crate) fn target_at(&self, address: Address) -> Result<View<'c, 'h>, Fault> {
        let target = self.info()?.target().ok_or(Fault::Unknown)?;
        Ok(self.with(address, target))
    }

    /// What a pointer points at.
    pub(crate) fn target(&self) -> Result<View<'c, 'h>, Fault> {
        self.target_at(self.pointer()?)
    }

    /// Whether it is a structure or class.
    pub(crate) fn is_record(&self) -> bool {
        self.info().is_ok_and(|info| info.kind == TypeKind::STRUCT)
    }
}
