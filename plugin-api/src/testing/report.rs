//! A report, as text and as JSON, and the ways into it that tests ask for most.

use serde_json::Value;

/// What glider has written of one process. The shape of the JSON is glider's own, documented there.
#[derive(Clone, Debug)]
pub struct Report {
    text: String,
    json: Value,
    complete: bool,
}

impl Report {
    pub(super) fn new(text: String, json: Value, complete: bool) -> Report {
        Report { text, json, complete }
    }

    /// The report for a person.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The report for a program.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Whether nothing is missing from it; a plugin that failed makes it partial.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What a plugin has printed after the threads, by its file name; empty when that is nothing.
    pub fn section(&self, plugin: &str) -> String {
        let pieces = list(&self.json, "plugin_output").filter(|piece| piece["plugin"] == plugin);
        pieces.filter_map(|piece| piece["text"].as_str()).collect()
    }

    /// The first frame of a function that is not inlined, as JSON.
    pub fn frame(&self, function: &str) -> Option<&Value> {
        self.frames().find(|frame| frame["function"] == function)
    }

    /// A variable of the first frame of a function, as JSON.
    pub fn variable(&self, function: &str, name: &str) -> Option<&Value> {
        let frame = self.frame(function)?;
        list(frame, "variables").find(|variable| variable["name"] == name)
    }

    /// The value of a variable of the first frame of a function, as JSON, without what plugins print around it.
    /// `None` also when a plugin has hidden it.
    pub fn value(&self, function: &str, name: &str) -> Option<&Value> {
        let value = &self.variable(function, name)?["value"];
        let value = if value["kind"] == "plugin" { &value["value"] } else { value };
        (!value.is_null()).then_some(value)
    }

    /// What the report complains of, a line each.
    pub fn problems(&self) -> Vec<&str> {
        list(&self.json, "problems").filter_map(Value::as_str).collect()
    }

    /// What the report says of a plugin, by its file name, as JSON: whether it was loaded, and why not.
    pub fn plugin(&self, file_name: &str) -> Option<&Value> {
        let is_it = |path: &str| path.rsplit('/').next() == Some(file_name);
        list(&self.json, "plugins").find(|plugin| plugin["path"].as_str().is_some_and(is_it))
    }

    fn frames(&self) -> impl Iterator<Item = &Value> {
        list(&self.json, "threads").flat_map(|thread| list(thread, "frames"))
    }
}

/// The elements of an array in an object; none when it is absent.
fn list<'j>(object: &'j Value, name: &str) -> impl Iterator<Item = &'j Value> + use<'j> {
    object[name].as_array().into_iter().flatten()
}
