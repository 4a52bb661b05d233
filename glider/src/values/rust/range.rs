//! Ranges of integers and characters.

use super::part::Part;
use crate::report::Value;
use crate::types::Kind;
use crate::values::location::Scope;
use crate::values::scalar;

/// `0..5`, `..=9`, as `{:?}` prints them; `None` for ranges of something else.
pub(super) fn range(scope: &Scope<'_>, part: &Part) -> Option<Value> {
    let bound = |name: &str| bound(scope, &part.member(scope.process.types, name)?);
    let text = match part.short_name() {
        "Range" => format!("{}..{}", bound("start")?, bound("end")?),
        "RangeInclusive" => {
            let end = bound("end").or_else(|| bound("last"))?;
            let exhausted = part.member(scope.process.types, "exhausted");
            let is_exhausted = exhausted.and_then(|exhausted| exhausted.number(scope)) == Some(1);
            format!("{}..={end}{}", bound("start")?, if is_exhausted { ", exhausted" } else { "" })
        }
        "RangeFrom" => format!("{}..", bound("start")?),
        "RangeTo" => format!("..{}", bound("end")?),
        "RangeToInclusive" => format!("..={}", bound("end").or_else(|| bound("last"))?),
        "RangeFull" => "..".to_owned(),
        _ => return None,
    };
    Some(Value::Literal { text })
}

fn bound(scope: &Scope<'_>, part: &Part) -> Option<String> {
    let bits = part.size()?.checked_mul(8)?;
    let raw = part.place.read_bits(scope.process.memory, 0, bits).ok()?;
    match part.found.kind {
        Kind::Integer { signed } => match scalar::integer(raw, bits, signed) {
            Value::Integer { text, .. } => Some(text.into()),
            _ => None,
        },
        Kind::Char { .. } => Some(format!("{:?}", char::from_u32(u32::try_from(raw).ok()?)?)),
        _ => None,
    }
}
