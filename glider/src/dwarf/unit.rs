//! Compilation units by offset, parsed once when first asked for.

use super::line::LineTable;
use super::split::SplitUnits;
use super::unit_index::UnitIndex;
use super::{Attribute, CallSite, Die};
use crate::object::{Image, Object};
use crate::unwind::Bytes;
use gimli::{
    AttributeValue, DebugInfoOffset, DebugTypeSignature, Reader, Section as _, UnitOffset, UnitSectionOffset,
    UnitType,
};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

type Header = gimli::UnitHeader<Bytes>;

/// The DWARF sections of one file.
pub struct DwarfFile {
    pub(super) dwarf: gimli::Dwarf<Bytes>,
    /// The file that dwz moved common entries to.
    supplementary: Option<&'static DwarfFile>,
    /// Where the split units are that it has skeletons of.
    split: SplitUnits,
    /// For a split unit's file, the one with the skeleton.
    skeletons: Option<&'static DwarfFile>,
    /// How the file is mapped, when it is one.
    pub(super) image: Option<Image>,
    /// What of the debug information was needed and not found, in words.
    pub(super) gap: OnceCell<String>,
    headers: OnceCell<Headers>,
    units: RefCell<HashMap<UnitId, Option<&'static Unit>>>,
    signatures: OnceCell<HashMap<u64, (UnitId, UnitOffset)>>,
    /// Types found in packages of split units.
    packaged_types: RefCell<HashMap<u64, Option<Die>>>,
}

/// A unit's place: its section and its offset there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct UnitId {
    is_of_types: bool,
    offset: usize,
}

impl UnitId {
    /// The unit at an offset of `.debug_info`.
    pub(super) fn of_info(offset: DebugInfoOffset) -> UnitId {
        UnitId { is_of_types: false, offset: offset.0 }
    }
}

/// How many units are looked at before memory is given back.
pub(super) const UNITS_IN_MEMORY: usize = 256;

/// The unit headers of a file: those of `.debug_info` by offset, then those of `.debug_types`.
type Headers = Vec<(UnitId, Header)>;

/// A compilation, partial or type unit.
pub struct Unit {
    pub(super) file: &'static DwarfFile,
    pub(super) unit: gimli::Unit<Bytes>,
    /// For a split unit, what the program has of it: the line table is there.
    pub(super) skeleton: Option<&'static Unit>,
    /// `DW_AT_language`.
    pub language: Option<gimli::DwLang>,
    /// Whether `DW_AT_producer` names a GNU compiler.
    pub is_gnu: bool,
    pub(super) lines: OnceCell<LineTable>,
    pub(super) file_paths: RefCell<HashMap<u64, Option<Arc<str>>>>,
    index: OnceCell<UnitIndex>,
    pub(super) call_sites: RefCell<HashMap<UnitOffset, Rc<[CallSite]>>>,
    pub(super) names: RefCell<HashMap<UnitOffset, Option<Arc<str>>>>,
}

impl DwarfFile {
    /// Maps the DWARF sections of `debug`, the file with the debug information of `object`, and
    /// of its supplementary file.
    pub(super) fn load(object: &Object, debug: &Object) -> Option<DwarfFile> {
        debug.has_section(".debug_info").then_some(())?;
        let section = |object: &Object, id: gimli::SectionId| {
            let found = object.section(id.name()).map(|section| section.data);
            Ok::<_, gimli::Error>(found.unwrap_or(Bytes::new(&[], gimli::LittleEndian)))
        };
        let mut dwarf = gimli::Dwarf::load(|id| section(debug, id)).ok()?;
        let mut supplementary = None;
        if let Some(shared) = crate::object::find_supplementary(debug) {
            dwarf.load_sup(|id| section(&shared, id)).ok()?;
            let own = gimli::Dwarf::load(|id| section(&shared, id)).ok()?;
            supplementary = Some(&*Box::leak(Box::new(DwarfFile::new(own, None))));
        }
        let mut file = DwarfFile::new(dwarf, supplementary);
        file.split = SplitUnits::new(object, debug);
        file.image = Some(debug.image());
        if let Some(name) = debug.supplementary_name().filter(|_| supplementary.is_none()) {
            file.add_gap(|| {
                format!("names and types are missing: the file that dwz moved them to, {name}, is not found")
            });
        }
        Some(file)
    }

    /// The sections of a split unit whose skeleton is in `skeletons`.
    pub(super) fn split(dwarf: gimli::Dwarf<Bytes>, skeletons: &'static DwarfFile) -> DwarfFile {
        let file = DwarfFile::new(dwarf, skeletons.supplementary);
        DwarfFile { skeletons: Some(skeletons), ..file }
    }

    fn new(dwarf: gimli::Dwarf<Bytes>, supplementary: Option<&'static DwarfFile>) -> DwarfFile {
        DwarfFile {
            dwarf,
            supplementary,
            split: SplitUnits::default(),
            skeletons: None,
            image: None,
            gap: OnceCell::new(),
            headers: OnceCell::new(),
            units: RefCell::default(),
            signatures: OnceCell::new(),
            packaged_types: RefCell::default(),
        }
    }

    /// Notes what is missing; the first such thing is said.
    pub(super) fn add_gap(&self, gap: impl FnOnce() -> String) {
        self.gap.get_or_init(gap);
    }

    /// Headers of every unit; a broken one ends the list of its section.
    fn headers(&self) -> &Headers {
        self.headers.get_or_init(|| {
            let mut headers = Headers::default();
            let mut units = self.dwarf.units();
            while let Ok(Some(header)) = units.next() {
                if headers.len() % UNITS_IN_MEMORY == 0 {
                    self.release_units();
                }
                headers.push((UnitId { is_of_types: false, offset: header.offset().0 }, header));
            }
            let mut types = self.dwarf.type_units();
            while let Ok(Some(header)) = types.next() {
                headers.push((UnitId { is_of_types: true, offset: header.offset().0 }, header));
            }
            headers
        })
    }

    /// Every unit's header. Touches the whole of `.debug_info`, if a page for each unit only.
    pub(super) fn unit_headers(&self) -> impl Iterator<Item = (UnitId, &Header)> {
        self.headers().iter().map(|(id, header)| (*id, header))
    }

    /// Gives the memory of `.debug_info` back while many units are looked at for little: with
    /// each page that is touched the system maps its neighbours, 64 KiB together.
    pub(super) fn release_units(&self) {
        if let Some(image) = self.image {
            image.release(self.dwarf.debug_info.reader().slice());
        }
    }

    fn header(&self, id: UnitId) -> Option<Header> {
        if !id.is_of_types {
            return self.dwarf.debug_info.header_from_offset(DebugInfoOffset(id.offset)).ok();
        }
        let headers = self.headers();
        let found = headers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        headers.get(found).map(|(_, header)| *header)
    }

    /// The abbreviations of a unit and what follows them.
    pub(super) fn abbreviations_of(&self, id: UnitId) -> Option<Bytes> {
        let mut table = *self.dwarf.debug_abbrev.reader();
        table.skip(self.header(id)?.debug_abbrev_offset().0).ok()?;
        Some(table)
    }

    /// The unit, parsed now or before.
    pub(super) fn unit(&'static self, id: UnitId) -> Option<&'static Unit> {
        if let Some(known) = self.units.borrow().get(&id) {
            return *known;
        }
        let unit = self.parse_unit(id);
        self.units.borrow_mut().insert(id, unit);
        unit
    }

    fn parse_unit(&'static self, id: UnitId) -> Option<&'static Unit> {
        let unit = Unit::new(self, self.header(id)?, None)?;
        if unit.unit.dwo_id.is_none() || self.skeletons.is_some() {
            return Some(unit);
        }
        match self.split.find(unit) {
            Ok(split) => Some(split),
            // The skeleton has the lines.
            Err(problem) => {
                self.add_gap(|| problem);
                Some(unit)
            }
        }
    }

    /// The split unit at an offset of this file, completed by its skeleton.
    pub(super) fn split_unit(
        &'static self,
        offset: UnitSectionOffset,
        skeleton: &'static Unit,
    ) -> Option<&'static Unit> {
        let (id, header) = self.unit_headers().find(|(_, header)| header.offset() == offset)?;
        let unit = Unit::new(self, *header, Some(skeleton))?;
        self.units.borrow_mut().insert(id, Some(unit));
        Some(unit)
    }

    /// The unit whose part of `.debug_info` holds `offset`.
    pub(super) fn unit_holding(&self, offset: DebugInfoOffset) -> Option<UnitId> {
        let headers = self.headers();
        let after = headers.partition_point(|(id, _)| *id <= UnitId::of_info(offset));
        headers.get(after.checked_sub(1)?).map(|(id, _)| *id)
    }

    /// The DIE at an offset of `.debug_info` (`DW_FORM_ref_addr`).
    pub(super) fn die(&'static self, offset: DebugInfoOffset) -> Option<Die> {
        let unit = self.unit(self.unit_holding(offset)?)?;
        Some(Die { unit, offset: UnitSectionOffset(offset.0).to_unit_offset(&unit.unit.header)? })
    }

    /// The DIE at an offset of the supplementary file (`DW_FORM_ref_sup4`, `DW_FORM_GNU_ref_alt`).
    pub(super) fn supplementary_die(&self, offset: DebugInfoOffset) -> Option<Die> {
        self.supplementary?.die(offset)
    }

    /// The type a signature names (`DW_FORM_ref_sig8`).
    pub(super) fn signed_type(&'static self, signature: DebugTypeSignature) -> Option<Die> {
        let signatures = self.signatures.get_or_init(|| {
            let typed = |(id, header): (UnitId, &Header)| match header.type_() {
                UnitType::Type { type_signature, type_offset }
                | UnitType::SplitType { type_signature, type_offset } => {
                    Some((type_signature.0, (id, type_offset)))
                }
                _ => None,
            };
            self.unit_headers().filter_map(typed).collect()
        });
        match signatures.get(&signature.0) {
            Some((unit, offset)) => Some(Die { unit: self.unit(*unit)?, offset: *offset }),
            None => self.packaged_type(signature),
        }
    }

    /// The same in the package of split units.
    fn packaged_type(&'static self, signature: DebugTypeSignature) -> Option<Die> {
        let skeletons = self.skeletons?;
        if let Some(known) = skeletons.packaged_types.borrow().get(&signature.0) {
            return *known;
        }
        let dwarf = skeletons.split.type_unit(signature, &skeletons.dwarf);
        let found = dwarf.and_then(|dwarf| {
            let file: &'static DwarfFile = Box::leak(Box::new(DwarfFile::split(dwarf, skeletons)));
            let is_it = |header: &Header| match header.type_() {
                UnitType::Type { type_signature, type_offset }
                | UnitType::SplitType { type_signature, type_offset } => {
                    (type_signature == signature).then_some(type_offset)
                }
                _ => None,
            };
            let found = file.unit_headers().find_map(|(id, header)| Some((id, is_it(header)?)));
            found.and_then(|(id, offset)| Some(Die { unit: file.unit(id)?, offset }))
        });
        skeletons.packaged_types.borrow_mut().insert(signature.0, found);
        found
    }
}

impl Unit {
    /// Parses the unit's root. A split unit takes from its skeleton what the linker filled in there.
    fn new(
        file: &'static DwarfFile,
        header: Header,
        skeleton: Option<&'static Unit>,
    ) -> Option<&'static Unit> {
        let mut unit = file.dwarf.unit(header).ok()?;
        if let Some(skeleton) = skeleton {
            unit.copy_relocated_attributes(&skeleton.unit);
        }
        let root = unit.entry(unit.header.root_offset()).ok()?;
        let language = match root.attr_value(gimli::DW_AT_language) {
            Some(AttributeValue::Language(language)) => Some(language),
            _ => None,
        };
        let producer = root.attr_value(gimli::DW_AT_producer);
        let producer = producer.and_then(|value| file.dwarf.attr_string(&unit, value).ok());
        Some(Box::leak(Box::new(Unit {
            is_gnu: producer.is_some_and(|name| name.slice().starts_with(b"GNU")),
            file,
            unit,
            skeleton,
            language,
            lines: OnceCell::new(),
            file_paths: RefCell::default(),
            index: OnceCell::new(),
            call_sites: RefCell::default(),
            names: RefCell::default(),
        })))
    }

    /// The entry that all others of this unit are inside of.
    pub(super) fn root(&self) -> UnitOffset {
        self.unit.header.root_offset()
    }

    /// The functions and nesting of this unit.
    pub(super) fn index(&self) -> &UnitIndex {
        self.index.get_or_init(|| UnitIndex::new(self))
    }

    /// The DIE that a reference attribute of this unit names.
    pub(crate) fn follow(&'static self, reference: &Attribute) -> Option<Die> {
        match *reference {
            AttributeValue::UnitRef(offset) => Some(Die { unit: self, offset }),
            AttributeValue::DebugInfoRef(offset) => self.file.die(offset),
            AttributeValue::DebugInfoRefSup(offset) => self.file.supplementary_die(offset),
            AttributeValue::DebugTypesRef(signature) => self.file.signed_type(signature),
            _ => None,
        }
    }

    /// The location list an attribute names (DWARF 5 §2.6.2).
    pub(crate) fn locations(&self, attribute: &Attribute) -> Option<gimli::LocListIter<Bytes>> {
        self.file.dwarf.attr_locations(&self.unit, *attribute).ok().flatten()
    }

    /// An entry of `.debug_addr` (DWARF 5 §7.27).
    pub(crate) fn indexed_address(&self, index: gimli::DebugAddrIndex) -> Option<u64> {
        self.file.dwarf.address(&self.unit, index).ok()
    }

    /// The bytes of a string attribute.
    pub(crate) fn string(&self, attribute: Attribute) -> Option<Bytes> {
        self.file.dwarf.attr_string(&self.unit, attribute).ok()
    }

    /// The operand type that a base type entry stands for (DWARF 5 §2.5.1).
    pub(crate) fn value_type(&self, offset: UnitOffset) -> Option<gimli::ValueType> {
        gimli::ValueType::from_entry(&self.unit.entry(offset).ok()?).ok().flatten()
    }

    /// DWARF version and sizes, as expressions of this unit need them.
    pub fn encoding(&self) -> gimli::Encoding {
        self.unit.encoding()
    }

    /// Whether type names carry `struct`, `union` and `enum`, as C writes them.
    pub fn is_c(&self) -> bool {
        use gimli::{DW_LANG_C, DW_LANG_C11, DW_LANG_C17, DW_LANG_C89, DW_LANG_C99};
        /// In the registry of language codes since DWARF 5 was published; gimli does not name it.
        const DW_LANG_C23: gimli::DwLang = gimli::DwLang(0x3e);
        let c = [DW_LANG_C, DW_LANG_C89, DW_LANG_C99, DW_LANG_C11, DW_LANG_C17, DW_LANG_C23];
        self.language.is_none_or(|language| c.contains(&language))
    }
}
