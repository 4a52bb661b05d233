//! Runs glider with plugins, and reads its report as text and as JSON.

use serde_json::Value as Json;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What one run of glider gave.
pub(crate) struct Report {
    /// Exit code.
    pub(crate) code: i32,
    /// The JSON report.
    pub(crate) json: Json,
}

/// Runs glider on a process; the report is text.
pub(crate) fn run<A: AsRef<OsStr>>(pid: i32, arguments: &[A]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_glider"))
        .args(arguments)
        .arg(pid.to_string())
        .env_remove("GIMLI_PLUGIN_PATH")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The text report.
pub(crate) fn text<A: AsRef<OsStr>>(pid: i32, arguments: &[A]) -> String {
    String::from_utf8(run(pid, arguments).stdout).unwrap()
}

impl Report {
    /// The JSON report of a process.
    pub(crate) fn of<A: AsRef<OsStr>>(pid: i32, arguments: &[A]) -> Report {
        let json: &OsStr = "--format=json".as_ref();
        let arguments: Vec<&OsStr> = [json].into_iter().chain(arguments.iter().map(AsRef::as_ref)).collect();
        let output = run(pid, &arguments);
        Report { code: output.status.code().unwrap(), json: serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// The threads.
    pub(crate) fn threads(&self) -> &[Json] {
        self.json["threads"].as_array().unwrap()
    }

    /// Thread ids, and program counters of each thread: what no plugin may change without being asked.
    pub(crate) fn skeleton(&self) -> Vec<(i64, Vec<String>)> {
        let pcs = |thread: &Json| {
            let frames = thread["frames"].as_array().unwrap();
            frames.iter().map(|frame| frame["offset"].as_str().unwrap().to_owned()).collect()
        };
        self.threads().iter().map(|thread| (thread["thread_id"].as_i64().unwrap(), pcs(thread))).collect()
    }

    /// Everything a plugin printed after the threads.
    pub(crate) fn section(&self, plugin: &Path) -> String {
        joined(&self.json["plugin_output"], plugin)
    }

    /// The problems, a line each.
    pub(crate) fn problems(&self) -> Vec<&str> {
        self.json["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect()
    }

    /// What the report says of a plugin's fate.
    pub(crate) fn plugin(&self, path: &Path) -> &Json {
        let path = path.to_str().unwrap();
        let plugins = self.json["plugins"].as_array().unwrap();
        plugins
            .iter()
            .find(|plugin| plugin["path"] == path)
            .unwrap_or_else(|| panic!("no {path} in {plugins:?}"))
    }
}

/// What one plugin printed, in a list of texts.
pub(crate) fn joined(texts: &Json, plugin: &Path) -> String {
    let name = plugin.file_name().unwrap().to_str().unwrap();
    let own = texts.as_array().unwrap().iter().filter(|text| text["plugin"] == name);
    own.map(|text| text["text"].as_str().unwrap()).collect()
}
