//! `std::chrono::duration` and `std::chrono::time_point`.

use crate::elements::one_line;
use crate::fault::Fault;
use crate::names::{self, Instance};
use crate::view::View;
use gimli_plugin_api::Replacement;

/// A duration with its unit: `1500 ms`.
pub(crate) fn duration(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let count = one_line(&view.member("__r")?)?.ok_or(Fault::Unknown)?;
    let period = instance.arguments.get(1).copied().unwrap_or_default();
    Ok(Replacement::new(format!("{count} {}", unit(period))))
}

/// A time, as the duration since its clock's epoch.
pub(crate) fn time_point(view: &View<'_, '_>, instance: &Instance<'_>) -> Result<Replacement, Fault> {
    let since = view.member("__d")?;
    let info = since.info()?;
    let parsed = names::parse(&info.name).ok_or(Fault::Unknown)?;
    let text = duration(&since, &parsed)?.text;
    let clock = instance.arguments.first().copied().unwrap_or_default().replace("_V2::", "");
    Ok(Replacement::new(format!("{text} since the epoch of {clock}")))
}

/// The name of a period, `std::ratio<1, 1000>`.
fn unit(period: &str) -> String {
    // clang spells the suffix of the type as well.
    let digits = period.replace(['l', 'L'], "");
    let known = match digits.trim_start_matches("std::ratio<").trim_end_matches('>').trim() {
        "1, 1000000000" => "ns",
        "1, 1000000" => "us",
        "1, 1000" => "ms",
        "1, 1" | "1" => "s",
        "60, 1" | "60" => "min",
        "3600, 1" | "3600" => "h",
        "86400, 1" | "86400" => "days",
        _ => return format!("* {period} s"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_names() {
        assert_eq!(unit("std::ratio<1, 1000>"), "ms");
        assert_eq!(unit("std::ratio<1l, 1000000000l>"), "ns");
        assert_eq!(unit("std::ratio<1001, 30000>"), "* std::ratio<1001, 30000> s");
    }
}
