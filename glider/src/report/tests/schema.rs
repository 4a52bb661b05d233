//! The schema, its document and the renderer say the same.

use super::{render, sample};
use crate::report::render::{Format, Style};
use crate::report::{Footer, Status};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../schema.md");

fn schema() -> Value {
    serde_json::from_str(include_str!("../schema.json")).unwrap()
}

/// Checks values against the part of JSON Schema that `schema.json` uses. Stricter than the
/// standard in one thing: a field the schema does not list is an error.
struct Checker {
    definitions: serde_json::Map<String, Value>,
    /// `Definition.field` of all that was seen with a value other than null.
    seen: BTreeSet<String>,
}

impl Checker {
    fn new() -> Self {
        Checker { definitions: schema()["$defs"].as_object().unwrap().clone(), seen: BTreeSet::new() }
    }

    /// What is wrong with `value`, found at `place`, by `rule`, which is the definition `name`.
    fn check(&mut self, rule: &Value, name: &str, value: &Value, place: &str) -> Result<(), String> {
        for (keyword, wanted) in rule.as_object().unwrap() {
            match keyword.as_str() {
                "$schema" | "title" | "description" | "$defs" | "additionalProperties" | "items" => {}
                "$ref" => {
                    let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    let rule =
                        self.definitions.get(name).unwrap_or_else(|| panic!("no definition {name}")).clone();
                    self.check(&rule, name, value, place)?;
                }
                "type" if !types(wanted).contains(&type_of(value)) => {
                    return Err(format!("{place} is {value}, not {wanted}"));
                }
                "const" if value != wanted => return Err(format!("{place} is {value}, not {wanted}")),
                "enum" if !wanted.as_array().unwrap().contains(value) => {
                    return Err(format!("{place} is {value}, not one of {wanted}"));
                }
                "type" | "const" | "enum" => {}
                "pattern" => {
                    assert_eq!(wanted, "^0x[0-9a-f]+$", "the only pattern known here");
                    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
                    let hexadecimal = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
                    if digits.is_empty() || !digits.chars().all(hexadecimal) {
                        return Err(format!("{place} is {value}, not an address"));
                    }
                }
                "required" => {
                    for field in wanted.as_array().unwrap() {
                        if value.get(field.as_str().unwrap()).is_none() {
                            return Err(format!("{place} has no {field}"));
                        }
                    }
                }
                "anyOf" | "oneOf" => self.check_choice(keyword, wanted, name, value, place)?,
                "properties" => self.check_fields(wanted, name, value, place)?,
                other => panic!("keyword {other} is not known here"),
            }
        }
        for (place, item, rule) in children(rule, value, place) {
            self.check(rule, name, item, &place)?;
        }
        Ok(())
    }

    fn check_choice(
        &mut self,
        keyword: &str,
        rules: &Value,
        name: &str,
        value: &Value,
        place: &str,
    ) -> Result<(), String> {
        let results: Vec<_> =
            rules.as_array().unwrap().iter().map(|rule| self.check(rule, name, value, place)).collect();
        match results.iter().filter(|result| result.is_ok()).count() {
            1 => Ok(()),
            2.. if keyword == "anyOf" => Ok(()),
            fitting => {
                let reasons: Vec<String> = results.into_iter().filter_map(Result::err).collect();
                Err(format!("{place} fits {fitting} of {keyword}: {}", reasons.join("; ")))
            }
        }
    }

    fn check_fields(&mut self, rules: &Value, name: &str, value: &Value, place: &str) -> Result<(), String> {
        for (field, value) in value.as_object().into_iter().flatten() {
            let rule = rules.get(field).ok_or_else(|| format!("{place}.{field} is not in the schema"))?;
            self.check(rule, name, value, &format!("{place}.{field}"))?;
            if !value.is_null() {
                self.seen.insert(format!("{name}.{field}"));
            }
        }
        Ok(())
    }
}

/// The items of an array with the rule for them, the fields of an object used as a map.
fn children<'a>(rule: &'a Value, value: &'a Value, place: &str) -> Vec<(String, &'a Value, &'a Value)> {
    let mut found = Vec::new();
    if let (Some(rule), Some(items)) = (rule.get("items"), value.as_array()) {
        found.extend(items.iter().enumerate().map(|(at, item)| (format!("{place}[{at}]"), item, rule)));
    }
    if let (Some(rule), Some(fields)) = (rule.get("additionalProperties"), value.as_object()) {
        found.extend(fields.iter().map(|(field, item)| (format!("{place}.{field}"), item, rule)));
    }
    found
}

fn types(wanted: &Value) -> Vec<&str> {
    match wanted {
        Value::String(one) => vec![one],
        several => several.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Fails where a rendered report is not what the schema says; gives the fields seen in it.
pub(super) fn validate(json: &str) -> Result<BTreeSet<String>, String> {
    let value = serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))?;
    let mut checker = Checker::new();
    checker.check(&schema(), "Report", &value, "report")?;
    Ok(checker.seen)
}

/// The fields of every definition of `schema.json`.
fn defined_fields() -> BTreeMap<String, BTreeSet<String>> {
    let fields = |definition: &Value| {
        Some(definition.get("properties")?.as_object()?.keys().cloned().collect::<BTreeSet<String>>())
    };
    let definitions = schema()["$defs"].as_object().unwrap().clone();
    definitions.iter().filter_map(|(name, definition)| Some((name.clone(), fields(definition)?))).collect()
}

#[test]
fn a_report_with_one_of_everything_is_valid_and_shows_every_field() {
    let json = render(&sample::report(), Status::Partial, Format::Json, Style::default());
    let seen = validate(&json).unwrap();
    let defined: BTreeSet<String> = defined_fields()
        .into_iter()
        .flat_map(|(name, fields)| fields.into_iter().map(move |field| format!("{name}.{field}")))
        .collect();
    let unseen: Vec<_> = defined.difference(&seen).collect();
    // The sample's crash has an address in no object and no sender; its signal frame has both.
    assert_eq!(unseen, ["CrashInfo.address_symbol", "CrashInfo.sender_pid", "CrashInfo.sender_uid"]);
}

#[test]
fn a_report_without_threads_is_valid() {
    let empty = (sample::header(), vec![], Footer::default());
    validate(&render(&empty, Status::Complete, Format::Json, Style::default())).unwrap();
}

#[test]
fn the_document_lists_the_fields_of_the_schema_and_no_others() {
    let mut documented: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut heading = String::new();
    for line in DOCUMENT.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            heading = name.to_owned();
        } else if let Some((field, _)) = line.strip_prefix("| `").and_then(|row| row.split_once('`')) {
            assert!(
                documented.entry(heading.clone()).or_default().insert(field.to_owned()),
                "{heading}.{field} twice"
            );
        }
    }
    assert_eq!(documented, defined_fields());
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let json = render(&sample::report(), Status::Partial, Format::Json, Style::default());
    for (right, wrong, complaint) in [
        ("\"pid\":6704", "\"pid\":\"6704\"", "report.pid is \"6704\""),
        ("\"status\":\"PARTIAL\"", "\"status\":\"partial\"", "report.status is \"partial\""),
        ("\"uid\":33", "\"user\":33", "report.process.user is not in the schema"),
        ("\"trust\":\"scan\"", "\"trust\":\"luck\"", "frames[3].trust is \"luck\""),
        ("\"rip\":\"0x7f35ad69a1a1\"", "\"rip\":\"7f35\"", "not an address"),
        ("\"kind\":\"float\"", "\"kind\":\"decimal\"", "fits 0 of oneOf"),
        ("\"kind\":\"float\",", "", "has no \"kind\""),
    ] {
        assert!(json.contains(right), "the sample has no {right}");
        let error = validate(&json.replace(right, wrong)).expect_err(wrong);
        assert!(error.contains(complaint), "{wrong}: {error}");
    }
}
