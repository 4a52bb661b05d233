//! Types that the unit at hand only declares, completed by their definition in another unit or object.

use super::Process;
use crate::dwarf::{Declared, Die};
use crate::types::{Kind, Type};
use std::rc::Rc;

impl Process<'_> {
    /// The type behind typedefs and qualifiers, like [`Types::resolve`](crate::types::Types::resolve), and
    /// its definition where it is only declared.
    pub(super) fn resolve_defined(&self, die: Die) -> Option<(Die, Rc<Type>)> {
        let (die, found) = self.types.resolve(die)?;
        Some(self.defined(die, &found).unwrap_or((die, found)))
    }

    /// The definition of `found`, which `die` declares; `None` where it has its own or there is none.
    pub(super) fn defined(&self, die: Die, found: &Type) -> Option<(Die, Rc<Type>)> {
        matches!(found.kind, Kind::Incomplete).then_some(())?;
        let definition = self.types.definition(die, |budget| {
            let declared = Declared::of(die)?;
            let infos = || self.modules.iter().filter_map(|module| module.object.as_ref().ok()?.debug_info());
            let own = infos().find(|info| info.holds(die));
            let others = infos().filter(|info| !info.holds(die));
            // Other files are not loaded for what is most likely in one that is too large to be searched.
            let found = own.map_or(Ok(None), |info| info.find_definition(&declared, budget)).ok()?;
            found.or_else(|| others.filter_map(|info| info.find_definition(&declared, budget).ok()?).next())
        })?;
        Some((definition, self.types.get(definition)))
    }
}
