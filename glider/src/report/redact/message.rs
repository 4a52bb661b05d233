//! Secrets in what a process says of itself: the message of a panic or an assertion, what an exception says.
//!
//! Masked are texts that are known for secrets from the variables seen so far, logins in URLs, and what is said of a
//! telling name: `password=…`, `token: …`, ``key "…"``, `` `token` is …``. As everywhere, names are known, not secrets.

use super::Redactor;
use std::collections::BTreeSet;

/// Shorter texts are not looked for: they would be found in words that have nothing to do with them.
const MIN_KNOWN: usize = 4;
/// Texts that are kept to be looked for.
const MAX_KNOWN: usize = 1024;
/// Values that say nothing of a secret.
const PLAIN: [&str; 5] = ["NULL", "null", "nil", "0", "nullptr"];

/// Texts of secrets that were met in variables.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Keeps texts of secrets, which are as a report shows them.
    pub(super) fn learn(&mut self, texts: &BTreeSet<String>) {
        for text in texts {
            let bare = text.trim_end_matches("...").trim_matches('"');
            if bare.len() >= MIN_KNOWN && self.0.len() < MAX_KNOWN {
                self.0.insert(bare.to_owned());
            }
        }
    }
}

impl Redactor {
    /// A message without the secrets in it; the same where none are to be masked.
    pub fn message(&self, text: &str, met: &Secrets) -> String {
        if self.patterns.is_none() {
            return text.to_owned();
        }
        if self.is_pattern(text) {
            return self.tag(text.as_bytes());
        }
        let mut text = text.to_owned();
        for secret in &met.0 {
            text = text.replace(secret, &self.tag(secret.as_bytes()));
        }
        self.mask_logins(&self.mask_named(&text))
    }

    fn mask_logins(&self, text: &str) -> String {
        let words = text.split_inclusive(char::is_whitespace);
        words.map(|word| self.mask_login(word).unwrap_or_else(|| word.to_owned())).collect()
    }

    /// Masks what is said of telling names.
    fn mask_named(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_of_name) {
            let (before, from) = rest.split_at(start);
            let (name, after) = from.split_at(from.find(|c| !is_of_name(c)).unwrap_or(from.len()));
            out.push_str(before);
            out.push_str(name);
            rest = after;
            if !self.is_telling(name) {
                continue;
            }
            let Some((link, value, behind)) = value_of(after) else { continue };
            out.push_str(link);
            out.push_str(&if PLAIN.contains(&value) { value.to_owned() } else { self.tag(value.as_bytes()) });
            rest = behind;
        }
        out + rest
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// What stands between a name and the value that is said of it, the value, and what is behind it.
fn value_of(after: &str) -> Option<(&str, &str, &str)> {
    // A name may be in quotes itself, or followed by an index or a call.
    let is_link = |c: char| c.is_whitespace() || "=:,`'\"()[]*&".contains(c);
    let mut end = after.find(|c| !is_link(c)).unwrap_or(after.len());
    let mut link = after.get(..end)?;
    let said =
        ["is ", "was "].into_iter().find(|word| after.get(end..).is_some_and(|rest| rest.starts_with(word)));
    if let Some(word) = said {
        end += word.len();
        let quotes = after.get(end..)?;
        end += quotes.find(|c: char| !"`'\"".contains(c)).unwrap_or(quotes.len());
        link = after.get(..end)?;
    }
    let last = link.chars().next_back()?;
    // What is masked already stays.
    let rest = after.get(end..).filter(|rest| !rest.starts_with("<redacted "))?;
    let (value, behind) = match last {
        '"' | '\'' | '`' if link.len() > 1 => rest.split_at(rest.find(last)?),
        _ if said.is_some() || link.contains(['=', ':']) => {
            let is_end = |c: char| c.is_whitespace() || ",;)".contains(c);
            let end = rest.find(is_end).unwrap_or(rest.len());
            let end = if rest.get(..end)?.ends_with(':') { end - 1 } else { end };
            rest.split_at(end)
        }
        _ => return None,
    };
    (!value.is_empty()).then_some((link, value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let message = Redactor::new(&[]).message(text, &Secrets::default());
        let mut out = String::new();
        let mut rest = message.as_str();
        while let Some((before, after)) = rest.split_once("<redacted ") {
            out += before;
            out += "#";
            rest = after.split_once('>').unwrap().1;
        }
        out + rest
    }

    #[test]
    fn what_is_said_of_a_telling_name_is_masked() {
        for (text, expected) in [
            ("login failed: password=hunter2, user=ada", "login failed: password=#, user=ada"),
            ("bad token: abc123", "bad token: #"),
            ("wrong password 'hunter2' for ada", "wrong password '#' for ada"),
            ("api_key \"k-1\" refused", "api_key \"#\" refused"),
            ("the password was \"hunter2\"", "the password was \"#\""),
            (
                "check: Assertion `strcmp(password, \"hunter2\") == 0' failed.",
                "check: Assertion `strcmp(password, \"#\") == 0' failed.",
            ),
            (
                "`session->token` is 0x4141414141414141, not an address",
                "`session->token` is #, not an address",
            ),
            (
                "`session->token` is NULL: `session->token[0]` was read",
                "`session->token` is NULL: `session->token[0]` was read",
            ),
            ("cannot reach pg://joe:l0gin@localhost/db today", "cannot reach pg://joe:#@localhost/db today"),
            ("no '=' in \"verbose\" on line 2", "no '=' in \"verbose\" on line 2"),
            ("the password is too short", "the password is # short"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn what_a_variable_told_is_masked_anywhere() {
        let redactor = Redactor::new(&[]);
        let mut met = Secrets::default();
        met.learn(&["\"hunter2\"", "\"ab\""].map(str::to_owned).into());
        let text = redactor.message("ada said hunter2 and absent", &met);
        assert!(text.starts_with("ada said <redacted ") && text.ends_with(" and absent"), "{text}");
        assert_eq!(Redactor::default().message("password=hunter2", &met), "password=hunter2");
    }
}
