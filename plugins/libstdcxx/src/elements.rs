//! Parts of a container: children that glider prints as the values they are, and their names.

use crate::fault::Fault;
use crate::names;
use crate::printers;
use crate::view::{Context, View};
use gimli_plugin_api::{Address, Replacement, Size, TypeId, TypeKind};

/// Bytes that a key may take between its brackets.
const MAX_KEY: usize = 120;

/// The type of the elements of a container, which no member of it has.
pub(crate) enum Element {
    /// A type that is described.
    Known(TypeId),
    /// A pointer; what it points at when that is described.
    Pointer(Option<TypeId>),
    /// A type of which only the name is known.
    Unknown,
}

impl Element {
    /// The argument of that number of a template, the type `of`; by its spelled name where an older compiler or glider
    /// says no more.
    pub(crate) fn argument(context: &Context<'_, '_>, of: TypeId, index: usize, name: &str) -> Element {
        match context.argument(of, index) {
            Some(argument) => Element::Known(argument),
            None => Element::named(context, name),
        }
    }

    /// The type of that name.
    fn named(context: &Context<'_, '_>, name: &str) -> Element {
        if let Some(known) = context.named(name) {
            return Element::Known(known);
        }
        match names::pointee(name) {
            Some(pointee) => Element::Pointer(context.named(pointee)),
            None => Element::Unknown,
        }
    }
}

/// A container: its title, and as many of its elements as were walked.
pub(crate) struct Sequence {
    /// `std::list of length 2`.
    pub(crate) title: String,
    /// Where the elements are, in order, from the first.
    pub(crate) addresses: Vec<Address>,
    /// How many there are.
    pub(crate) length: u64,
}

impl Sequence {
    /// Elements named by their place: `[0]`.
    pub(crate) fn numbered(self, view: &View<'_, '_>, element: &Element) -> Replacement {
        let omitted = self.length.saturating_sub(self.addresses.len() as u64);
        let mut shown = Replacement::new(self.title);
        match element {
            Element::Known(id) => {
                for (index, address) in self.addresses.into_iter().enumerate() {
                    shown = shown.child(format!("[{index}]"), address, *id);
                }
                shown.omitting(omitted)
            }
            // No number stands for the pointer's own type: it is told in the text, what it points at is a part.
            Element::Pointer(pointee) => {
                let mut words = Vec::new();
                for (index, address) in self.addresses.into_iter().enumerate() {
                    let Ok(pointer) = view.context.read_pointer(address) else { break };
                    let target = pointee.map(|id| view.with(pointer, id));
                    words.push(describe_pointer(view, pointer, target.as_ref()));
                    if let Some(target) = target.filter(|_| view.context.is_mapped(pointer, 1))
                        && target.is_record()
                    {
                        shown = shown.child(format!("*[{index}]"), pointer, target.type_id);
                    }
                }
                if !words.is_empty() {
                    let more = if omitted > 0 { ", ..." } else { "" };
                    shown.text = format!("{}: {{{}{more}}}", shown.text, words.join(", ")).into();
                }
                if shown.children.is_empty() { shown } else { shown.omitting(omitted) }
            }
            Element::Unknown => {
                if self.length > 0 {
                    shown.text = format!("{}, of a type that is not described", shown.text).into();
                }
                shown
            }
        }
    }

    /// Pairs named by their first: `["key"]`. Where that takes more than one line, as pairs.
    pub(crate) fn keyed(self, view: &View<'_, '_>, pair: TypeId) -> Replacement {
        let omitted = self.length.saturating_sub(self.addresses.len() as u64);
        let mut shown = Replacement::new(self.title);
        for (index, address) in self.addresses.into_iter().enumerate() {
            let pair = view.with(address, pair);
            let parts =
                pair.member("first").and_then(|first| Ok((one_line(&first)?, pair.member("second")?)));
            shown = match parts {
                Ok((Some(key), value)) => shown.child(format!("[{key}]"), value.address, value.type_id),
                _ => shown.child(format!("[{index}]"), address, pair.type_id),
            };
        }
        shown.omitting(omitted)
    }
}

fn describe_pointer(view: &View<'_, '_>, pointer: Address, target: Option<&View<'_, '_>>) -> String {
    if pointer.is_null() {
        return "nil".into();
    }
    let is_text = |target: &View<'_, '_>| target.info().is_ok_and(|info| info.name == "char");
    if target.is_some_and(is_text) {
        let limit = Size(view.context.characters().min(MAX_KEY as u64));
        if let Ok(text) = view.context.host.read_string(pointer, limit) {
            return format!("{pointer} {text:?}");
        }
    }
    let name = view.context.host.name_of(pointer);
    match name.as_ref().and_then(|name| name.symbol()) {
        Some(symbol) => format!("{pointer} ({symbol})"),
        None if view.context.is_mapped(pointer, 1) => pointer.to_string(),
        None => format!("{pointer} <invalid>"),
    }
}

/// A value in a few words, for what is a number or a string; `None` for others and for long ones.
pub(crate) fn one_line(view: &View<'_, '_>) -> Result<Option<String>, Fault> {
    let info = view.info()?;
    let text = match info.kind {
        TypeKind::SIGNED => view.signed()?.to_string(),
        TypeKind::UNSIGNED => view.number()?.to_string(),
        TypeKind::CHAR => match u32::try_from(view.number()?).ok().and_then(char::from_u32) {
            // A byte above 0x7f is no character of its own.
            Some(character) if character.is_ascii() || view.size()? > 1 => format!("{character:?}"),
            _ => view.signed()?.to_string(),
        },
        TypeKind::BOOL => match view.number()? {
            0 => "false".into(),
            1 => "true".into(),
            other => other.to_string(),
        },
        TypeKind::FLOAT => match view.size()? {
            4 => view.context.host.read::<f32>(view.address)?.to_string(),
            8 => view.context.host.read::<f64>(view.address)?.to_string(),
            _ => return Ok(None),
        },
        TypeKind::ENUM => {
            let number = view.signed()?;
            info.enumerator(number).map_or_else(|| number.to_string(), str::to_owned)
        }
        TypeKind::POINTER => describe_pointer(view, view.pointer()?, view.target().ok().as_ref()),
        TypeKind::STRUCT => match printers::print_words(view) {
            Some(words) => words,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(text).filter(|text| text.len() <= MAX_KEY))
}
