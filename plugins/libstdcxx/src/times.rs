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
    Ok(Replacement::new(format!("{count} {}", unit(&ratio(view), period))))
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

/// Numerator and denominator of a duration's period, in seconds.
fn ratio(view: &View<'_, '_>) -> Vec<i64> {
    let Ok(of) = view.info() else { return Vec::new() };
    let period = view.context.argument(of.id, 1);
    let arguments = period.and_then(|period| view.context.host.template_arguments(period).ok());
    arguments.unwrap_or_default().iter().filter_map(|argument| argument.value()).collect()
}

/// The name of a period; `period` is its type's.
fn unit(ratio: &[i64], period: &str) -> String {
    let known = match ratio {
        [1, 1_000_000_000] => "ns",
        [1, 1_000_000] => "us",
        [1, 1000] => "ms",
        [1, 1] => "s",
        [60, 1] => "min",
        [3600, 1] => "h",
        [86_400, 1] => "days",
        _ => return format!("* {period} s"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_names() {
        assert_eq!(unit(&[1, 1000], "std::ratio<1, 1000>"), "ms");
        assert_eq!(unit(&[1001, 30000], "std::ratio<1001, 30000>"), "* std::ratio<1001, 30000> s");
    }
}
