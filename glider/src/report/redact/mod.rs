//! Masking of secrets: values whose variable, member or type has a telling name, and words of the
//! command line. What is masked shows a tag that is the same for equal secrets of one report, and says
//! nothing of the secret: it is a hash with a key that is thrown away with the process.
//!
//! A rule of thumb, not a proof: a secret under a name that tells nothing is shown.

mod message;

pub use message::Secrets;

use super::value::{Entry, Member, Pointee, Value};
use super::{Frame, Variable};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Names that tell a secret.
pub const TELLING: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "key",
    "apikey",
    "cookie",
    "authorization",
];
/// Shorter words must stand alone in a name: `key` is not meant in `monkey`, `token` is in `authtoken`.
const LONG: usize = 5;

/// Masks secrets, for one report.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// `None`: nothing is masked.
    patterns: Option<Vec<String>>,
    key: RandomState,
}

impl Redactor {
    /// Masks what is named by one of the usual words, or by one of `more`: words, or patterns with `*` and `?`
    /// for a whole name, type or text. Upper and lower case are the same.
    pub fn new(more: &[String]) -> Redactor {
        let patterns =
            TELLING.iter().map(|word| (*word).to_owned()).chain(more.iter().map(|word| word.to_lowercase()));
        Redactor { patterns: Some(patterns.collect()), ..Redactor::default() }
    }

    /// Masks the variables of a frame and of the calls inlined there; `met` learns the secrets among them.
    pub fn frame(&self, frame: &mut Frame, met: &mut Secrets) {
        if self.patterns.is_none() {
            return;
        }
        let lists =
            frame.inlines.iter_mut().map(|inline| &mut inline.variables).chain([&mut frame.variables]);
        let mut variables: Vec<&mut Variable> = lists.flatten().collect();
        let mut secrets = BTreeSet::new();
        for variable in &mut variables {
            self.named(
                Some(&variable.name),
                variable.type_name.as_deref(),
                &mut variable.value,
                &mut secrets,
            );
        }
        // The same text may be reached under a name that tells nothing.
        for variable in variables {
            self.known(&mut variable.value, &secrets);
        }
        met.learn(&secrets);
    }

    /// Masks secrets in a command line.
    pub fn command_line(&self, arguments: &mut [String]) {
        if self.patterns.is_none() {
            return;
        }
        let mut is_next = false;
        for argument in arguments {
            if std::mem::take(&mut is_next) {
                *argument = self.tag(argument.as_bytes());
            } else if let Some((name, value)) = argument.split_once('=') {
                if self.is_telling(name) && !value.is_empty() {
                    *argument = format!("{name}={}", self.tag(value.as_bytes()));
                }
            } else if let Some(masked) = self.mask_login(argument) {
                *argument = masked;
            } else {
                is_next = argument.starts_with('-') && self.is_telling(argument);
            }
        }
    }

    /// `scheme://user:password@host` without the password.
    fn mask_login(&self, text: &str) -> Option<String> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split('/').next()?;
        let (login, host) = authority.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let path = rest.get(authority.len()..)?;
        Some(format!("{scheme}://{user}:{}@{host}{path}", self.tag(password.as_bytes())))
    }

    /// Masks a value that is named so, or the parts of it that are.
    fn named(
        &self,
        name: Option<&str>,
        type_name: Option<&str>,
        value: &mut Value,
        secrets: &mut BTreeSet<String>,
    ) {
        let is_named = [name, type_name].into_iter().flatten().any(|name| self.is_telling(name));
        if is_named {
            if can_be_secret(value) {
                texts(value, &mut |text| _ = secrets.insert(text.to_owned()));
                *value = self.masked(value);
            }
            return;
        }
        if let Value::String { text, .. } = value {
            let content = text.trim_matches('"');
            let is_assignment = content.split_once('=').is_some_and(|(name, value)| {
                !value.is_empty()
                    && name.len() < 64
                    && !name.contains(char::is_whitespace)
                    && self.is_telling(name)
            });
            if is_assignment || self.mask_login(content).is_some() || self.is_pattern(content) {
                *value = self.masked(value);
            }
            return;
        }
        parts(value, &mut |part| match part {
            Part::Value(value) => self.named(None, None, value, secrets),
            Part::Member(member) => {
                let (name, type_name) = (member.name.clone(), member.type_name.clone());
                self.named(name.as_deref(), type_name.as_deref(), &mut member.value, secrets);
            }
            Part::Entry(key, value) => self.named(Some(&key), None, value, secrets),
        });
    }

    /// Masks the texts that are known to be secrets.
    fn known(&self, value: &mut Value, secrets: &BTreeSet<String>) {
        if let Value::String { text, .. } = value {
            if secrets.contains(text.as_str()) {
                *value = self.masked(value);
            }
            return;
        }
        parts(value, &mut |part| match part {
            Part::Value(value) | Part::Entry(_, value) => self.known(value, secrets),
            Part::Member(member) => self.known(&mut member.value, secrets),
        });
    }

    /// Whether a name of a variable, member, type or option tells a secret.
    fn is_telling(&self, name: &str) -> bool {
        let patterns = self.patterns.as_deref().unwrap_or_default();
        let name = name.trim_start_matches('-');
        let lower = name.to_lowercase();
        let words = words(name);
        patterns.iter().any(|pattern| {
            if pattern.contains(['*', '?']) {
                matches(pattern.as_bytes(), lower.as_bytes())
            } else {
                words.iter().any(|word| word == pattern || word.strip_suffix('s') == Some(pattern))
                    || pattern.len() >= LONG && lower.contains(pattern.as_str())
            }
        })
    }

    /// Whether a whole text is one of the patterns.
    fn is_pattern(&self, text: &str) -> bool {
        let patterns = self.patterns.as_deref().unwrap_or_default();
        let mut patterns = patterns.iter().filter(|pattern| pattern.contains(['*', '?'])).peekable();
        patterns.peek().is_some() && {
            let text = text.to_lowercase();
            patterns.any(|pattern| matches(pattern.as_bytes(), text.as_bytes()))
        }
    }

    /// What stands for a value: equal for equal content, wherever it lies.
    fn masked(&self, value: &Value) -> Value {
        let mut content = Vec::new();
        if let Ok(json) = serde_json::to_value(value) {
            collect(&json, &mut content);
        }
        Value::Redacted { text: self.tag(&content) }
    }

    fn tag(&self, content: &[u8]) -> String {
        let mut hasher = self.key.build_hasher();
        hasher.write(content);
        format!("<redacted {:08x}>", hasher.finish() >> 32)
    }
}

/// A part of a value that may hold a secret of its own.
enum Part<'v> {
    Value(&'v mut Value),
    Member(&'v mut Member),
    /// The value of an entry of a map, with the text that is its key.
    Entry(String, &'v mut Value),
}

/// Calls `visit` for each part of a value, not for theirs.
fn parts(value: &mut Value, visit: &mut dyn FnMut(Part<'_>)) {
    match value {
        Value::Pointer { pointee: Pointee::Value(pointee), .. } => visit(Part::Value(pointee)),
        Value::Array { elements, .. } | Value::Sequence { elements, .. } => {
            elements.iter_mut().for_each(|element| visit(Part::Value(&mut element.value)));
        }
        Value::Struct { members, .. }
        | Value::Union { members, .. }
        | Value::Variant { members, .. }
        | Value::Replaced { members, .. } => {
            members.iter_mut().for_each(|member| visit(Part::Member(member)));
        }
        Value::Map { entries, .. } => entries.iter_mut().for_each(|Entry { key, value }| {
            match key {
                Value::String { text, .. } => visit(Part::Entry(text.trim_matches('"').to_owned(), value)),
                _ => visit(Part::Value(value)),
            }
            visit(Part::Value(key));
        }),
        Value::Wrapper { value: Pointee::Value(value), .. } => visit(Part::Value(value)),
        Value::Plugin { value: Some(value), .. } => visit(Part::Value(value)),
        // Named one by one, so that a new kind of value is thought of here.
        Value::Pointer { .. }
        | Value::Wrapper { .. }
        | Value::Literal { .. }
        | Value::Plugin { value: None, .. }
        | Value::Integer { .. }
        | Value::Float { .. }
        | Value::Bool { .. }
        | Value::Char { .. }
        | Value::Enum { .. }
        | Value::String { .. }
        | Value::Function { .. }
        | Value::OptimizedOut { .. }
        | Value::Unreadable { .. }
        | Value::Redacted { .. } => {}
    }
}

/// Calls `visit` for each text in a value.
fn texts(value: &mut Value, visit: &mut dyn FnMut(&str)) {
    if let Value::String { text, .. } = value {
        return visit(text);
    }
    parts(value, &mut |part| match part {
        Part::Value(value) | Part::Entry(_, value) => texts(value, visit),
        Part::Member(member) => texts(&mut member.value, visit),
    });
}

/// Whether there is anything to mask.
fn can_be_secret(value: &Value) -> bool {
    !matches!(value, Value::OptimizedOut { .. } | Value::Unreadable { .. } | Value::Function { .. })
}

/// What a value holds, without where it lies.
fn collect(json: &Json, content: &mut Vec<u8>) {
    match json {
        Json::String(text) => {
            content.extend(text.as_bytes());
            content.push(0);
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, content)),
        Json::Object(fields) => {
            let is_followed = fields.get("pointee").is_some_and(Json::is_object);
            let place = ["address", "symbol", "kind", "type", "name", "length"];
            let is_content = |key: &str| !place.contains(&key) && (!is_followed || key != "text");
            fields.iter().filter(|(key, _)| is_content(key)).for_each(|(_, value)| collect(value, content));
        }
        other => content.extend(other.to_string().as_bytes()),
    }
}

/// The words of a name, in lower case: `apiKey2` and `API_KEY_2` have `api`, `key` and `2`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last = ' ';
    for char in name.chars() {
        let begins = char.is_uppercase() && last.is_lowercase() || char.is_numeric() != last.is_numeric();
        if begins || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
        last = char;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a pattern with `*` (any bytes) and `?` (one) matches a whole text.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    // Where to go on when what follows the last `*` does not match: it takes one byte more.
    let mut again = None;
    while let Some(byte) = text.get(in_text) {
        match pattern.get(at) {
            Some(b'*') => {
                again = Some((at + 1, in_text));
                at += 1;
            }
            Some(expected) if expected == byte || *expected == b'?' => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((after, from)) = again else { return false };
                again = Some((after, from + 1));
                (at, in_text) = (after, from + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use compact_str::format_compact;

    #[test]
    fn names_tell_by_their_words() {
        let redactor = Redactor::new(&["x_*".to_owned(), "Salt".to_owned()]);
        for name in [
            "password",
            "dbPassword",
            "API_KEY",
            "apiKey2",
            "keys",
            "authtoken",
            "--token",
            "x_anything",
            "salt",
            "struct session_secret *",
            "std::vector<Credential>",
        ] {
            assert!(redactor.is_telling(name), "{name}");
        }
        for name in ["monkey", "keyboard", "spinning", "ax_b", "salty_dog", "pass", "compass", "count"] {
            assert!(!redactor.is_telling(name), "{name}");
        }
        assert!(!Redactor::default().is_telling("password"));
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "axxbxxc", true),
            ("a*b*c", "axxbxx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*aaab", "aaaaaaaaaaab", true),
            ("bearer *", "bearer x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    fn text(content: &str) -> Value {
        Value::String { text: format!("{content:?}"), length: content.len() as u64 }
    }

    fn pointer(address: u64, to: Value) -> Value {
        Value::Pointer {
            text: format_compact!("{address:#x}"),
            symbol: None,
            pointee: Pointee::Value(Box::new(to)),
        }
    }

    fn mask(redactor: &Redactor, name: &str, mut value: Value) -> Value {
        redactor.named(Some(name), Some("char *"), &mut value, &mut BTreeSet::new());
        value
    }

    #[test]
    fn an_entry_of_a_map_is_named_by_its_key() {
        let entry = |key: &str| Entry { key: text(key), value: text("hunter2") };
        let entries = vec![entry("db_password"), entry("user")];
        let map = Value::Map { type_name: None, entries, length: 2, omitted: 0 };
        let Value::Map { entries, .. } = mask(&Redactor::new(&[]), "settings", map) else { panic!() };
        assert!(matches!(entries[0].value, Value::Redacted { .. }));
        // The same secret under a name that tells nothing.
        assert_eq!(entries[1].key, text("user"));
    }

    #[test]
    fn equal_secrets_have_equal_tags_wherever_they_lie_and_only_within_a_report() {
        let redactor = Redactor::new(&[]);
        let first = mask(&redactor, "password", pointer(1, text("hunter2")));
        let again = mask(&redactor, "old_password", pointer(2, text("hunter2")));
        let other = mask(&redactor, "password", pointer(1, text("hunter3")));
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert_ne!(mask(&Redactor::new(&[]), "password", pointer(1, text("hunter2"))), first);
        assert!(!format!("{first:?}").contains("hunter2"));
    }

    #[test]
    fn members_are_masked_in_structures_behind_pointers_and_the_same_text_elsewhere() {
        let redactor = Redactor::new(&[]);
        let member =
            |name: &str, value| Member { name: Some(name.into()), type_name: None, bits: None, value };
        let login = Value::Struct {
            type_name: None,
            words: None,
            address: None,
            members: vec![member("user", text("joe")), member("token", pointer(7, text("t0k3n")))],
            cut: None,
        };
        let mut value = pointer(1, login);
        let mut secrets = BTreeSet::new();
        redactor.named(Some("login"), None, &mut value, &mut secrets);
        let shown = serde_json::to_string(&value).unwrap();
        assert!(shown.contains("joe") && !shown.contains("t0k3n"), "{shown}");
        let mut elsewhere = pointer(9, text("t0k3n"));
        redactor.known(&mut elsewhere, &secrets);
        assert!(!format!("{elsewhere:?}").contains("t0k3n"));
        let assignment = mask(&redactor, "argument", text("DB_PASSWORD=hunter2"));
        assert!(matches!(assignment, Value::Redacted { .. }), "{assignment:?}");
    }

    #[test]
    fn words_of_the_command_line_are_masked() {
        let line = ["srv", "--password=a", "--token", "b", "--port", "1", "pg://joe:c@host/x", "--keep"];
        let mut line = line.map(str::to_owned);
        Redactor::new(&[]).command_line(&mut line);
        let shown = line.join(" ");
        let expected = "srv --password=T --token T --port 1 pg://joe:T@host/x --keep";
        let untagged = shown.split("<redacted ").map(|part| match part.split_once('>') {
            Some((_, rest)) => format!("T{rest}"),
            None => part.to_owned(),
        });
        assert_eq!(untagged.collect::<String>(), expected);
    }
}
