//! Which printer is for which type.

use crate::fault::Fault;
use crate::view::View;
use crate::{lists, names, pointers, products, sequences, strings, sums, times, trees};
use gimli_plugin_api::{Replacement, TypeKind};

/// The templates that are printed, and whether the library has them in its inline namespace `__cxx11` too.
const TEMPLATES: [&str; 24] = [
    "std::basic_string",
    "std::basic_string_view",
    "std::vector",
    "std::array",
    "std::deque",
    "std::list",
    "std::forward_list",
    "std::map",
    "std::multimap",
    "std::set",
    "std::multiset",
    "std::unordered_map",
    "std::unordered_multimap",
    "std::unordered_set",
    "std::unordered_multiset",
    "std::pair",
    "std::tuple",
    "std::unique_ptr",
    "std::shared_ptr",
    "std::weak_ptr",
    "std::optional",
    "std::variant",
    "std::function",
    "std::atomic",
];

/// The names that glider is to ask about.
pub(crate) fn patterns() -> Vec<String> {
    let plain = TEMPLATES.iter().map(|template| format!("{template}<*"));
    let inlined = ["std::__cxx11::basic_string<*", "std::__cxx11::list<*"].map(str::to_owned);
    let times = ["std::chrono::duration<*", "std::chrono::time_point<*"].map(str::to_owned);
    plain.chain(inlined).chain(times).collect()
}

/// The value in words, and its parts.
///
/// # Errors
/// [`Fault::Unknown`] when no printer is for it, [`Fault::Invalid`] when it is none of what its type says.
pub(crate) fn print(view: &View<'_, '_>) -> Result<Replacement, Fault> {
    let info = view.info()?;
    if info.kind != TypeKind::STRUCT {
        return Err(Fault::Unknown);
    }
    let instance = names::parse(&info.name).ok_or(Fault::Unknown)?;
    let instance = &instance;
    match instance.template.as_str() {
        "std::basic_string" => strings::string(view, instance),
        "std::basic_string_view" => strings::string_view(view, instance),
        "std::vector" => sequences::vector(view, instance),
        "std::array" => sequences::array(view),
        "std::deque" => sequences::deque(view),
        "std::list" => lists::list(view, instance),
        "std::forward_list" => lists::forward_list(view, instance),
        "std::map" | "std::multimap" | "std::set" | "std::multiset" => trees::tree(view, instance),
        "std::unordered_map"
        | "std::unordered_multimap"
        | "std::unordered_set"
        | "std::unordered_multiset" => lists::unordered(view, instance),
        "std::pair" => products::pair(view),
        "std::tuple" => products::tuple(view),
        "std::unique_ptr" => pointers::unique(view),
        kind @ ("std::shared_ptr" | "std::weak_ptr") => pointers::shared(view, kind),
        "std::optional" => sums::optional(view),
        "std::variant" => sums::variant(view, instance),
        "std::function" => sums::function(view),
        "std::atomic" => sums::atomic(view),
        "std::chrono::duration" => times::duration(view, instance),
        "std::chrono::time_point" => times::time_point(view, instance),
        _ => Err(Fault::Unknown),
    }
}

/// The value in words when it is of a type that has no parts.
pub(crate) fn print_words(view: &View<'_, '_>) -> Option<String> {
    let info = view.info().ok()?;
    let template = names::parse(&info.name)?.template;
    let has_no_parts =
        ["std::basic_string", "std::basic_string_view", "std::chrono::duration", "std::chrono::time_point"];
    let shown = has_no_parts.contains(&template.as_str()).then(|| print(view).ok())??;
    Some(shown.text.into())
}

/// What the type is called in a sentence: `std::vector`.
pub(crate) fn name(view: &View<'_, '_>) -> String {
    let Ok(info) = view.info() else { return "value of its type".into() };
    let Some(instance) = names::parse(&info.name) else { return info.name.to_string() };
    let Some(rest) = instance.template.strip_prefix("std::basic_string") else { return instance.template };
    let prefix = match instance.arguments.first().copied() {
        Some("char") => "",
        Some("wchar_t") => "w",
        Some("char8_t") => "u8",
        Some("char16_t") => "u16",
        Some("char32_t") => "u32",
        _ => return instance.template,
    };
    format!("std::{prefix}string{rest}")
}
