//! Programs and plugins for these tests: compiled, laid out as a user would install them, traced.

use sample_targets::Target;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder below cargo's own, which nobody else can write to: glider loads no plugin from `/tmp`.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Runs a tool to its end, which must be a good one.
pub(crate) fn run(command: &mut Command, package: &str) {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program} must run ({error}); on Debian it is in the package {package}")
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A source file of this folder.
pub(crate) fn source(name: &str) -> PathBuf {
    repository().join("tests/plugins_real").join(name)
}

/// The repository's top.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Puts the plugin that cargo has built of a package into `folder`, under the name that glider looks for.
pub(crate) fn install(package: &str, name: &str, folder: &Path) -> PathBuf {
    let built = gimli_plugin_api::testing::library(package).unwrap();
    let path = folder.join(name);
    fs::copy(built, &path).unwrap();
    path
}

/// A report.
pub(crate) struct Report {
    json: Value,
}

/// Traces a process; `options` say where plugins are.
pub(crate) fn trace(target: &Target, options: &[&str]) -> Report {
    let output = Command::new(env!("CARGO_BIN_EXE_glider"))
        .args(["--format", "json", "--timeout", "180", "--plugin-call-time", "180", "--plugin-time", "180"])
        .args(options)
        .arg(target.pid().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    Report { json }
}

impl Report {
    /// What a plugin has printed after the threads.
    pub(crate) fn section(&self, plugin: &str) -> String {
        texts(&self.json["plugin_output"], plugin)
    }

    /// What a plugin has printed before the thread of this name.
    pub(crate) fn at_thread(&self, plugin: &str, name: &str) -> String {
        let threads = self.json["threads"].as_array().unwrap();
        let thread = threads.iter().find(|thread| thread["thread_name"] == name);
        texts(&thread.unwrap_or_else(|| panic!("no thread {name}"))["text_before"], plugin)
    }

    /// How many threads it has.
    pub(crate) fn thread_count(&self) -> usize {
        self.json["threads"].as_array().unwrap().len()
    }

    /// Asserts that the plugins which were loaded and ran to the end have these file names.
    #[track_caller]
    pub(crate) fn assert_loaded(&self, names: &[&str]) {
        let plugins = self.json["plugins"].as_array().unwrap().iter();
        let loaded = plugins.filter(|plugin| plugin["status"] == "loaded");
        let loaded: Vec<_> =
            loaded.filter_map(|plugin| plugin["path"].as_str()?.rsplit('/').next()).collect();
        let (plugins, problems) = (&self.json["plugins"], &self.json["problems"]);
        assert_eq!(loaded, names, "{plugins:#} {problems:#} {:#}", self.json["timing"]);
    }

    /// What the report complains of.
    pub(crate) fn problems(&self) -> Vec<&str> {
        self.json["problems"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }
}

fn texts(list: &Value, plugin: &str) -> String {
    let pieces = list.as_array().into_iter().flatten().filter(|piece| piece["plugin"] == plugin);
    pieces.filter_map(|piece| piece["text"].as_str()).collect()
}
