//! The glider that traces, and the plugin it is given.

use super::{Failure, Report, Target};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A glider and the options it is run with.
#[derive(Clone, Debug)]
pub struct Glider {
    program: PathBuf,
    options: Vec<OsString>,
}

impl Glider {
    /// Finds glider: what the variable `GLIDER` names, or `glider` in the folder of the test's executable or above
    /// (cargo's `target/debug`), or in `PATH`.
    ///
    /// # Errors
    /// [`Failure::Missing`].
    pub fn find() -> Result<Glider, Failure> {
        if let Some(program) = std::env::var_os("GLIDER") {
            return Ok(Glider::at(program));
        }
        let mut places = built_folders();
        places.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        find_file("glider", places, ": build or install it, or name it in the variable GLIDER")
            .map(Glider::at)
    }

    /// The glider at this path.
    pub fn at(program: impl Into<PathBuf>) -> Glider {
        Glider { program: program.into(), options: Vec::new() }
    }

    /// Has it load this plugin, whatever is mapped in the target.
    #[must_use]
    pub fn plugin(self, path: impl AsRef<Path>) -> Glider {
        self.option("--plugin").option(path.as_ref())
    }

    /// Adds an option.
    #[must_use]
    pub fn option(mut self, option: impl Into<OsString>) -> Glider {
        self.options.push(option.into());
        self
    }

    /// Traces a process twice, for the text and for the JSON report; the plugin runs each time.
    ///
    /// # Errors
    /// When glider cannot be run or gives no report. One that is partial is a report: see [`Report::is_complete`].
    pub fn trace(&self, target: &Target) -> Result<Report, Failure> {
        let (text, complete) = self.run(target, "text")?;
        let (json, _) = self.run(target, "json")?;
        Ok(Report::new(text, serde_json::from_str(&json)?, complete))
    }

    fn run(&self, target: &Target, format: &str) -> Result<(String, bool), Failure> {
        let output = Command::new(&self.program)
            .args(["--format", format])
            .args(&self.options)
            .arg(target.pid().to_string())
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Failure::Start { program: self.program.display().to_string(), source })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0) => Ok((text, true)),
            Some(1) if !text.is_empty() => Ok((text, false)),
            _ => Err(Failure::NoReport {
                status: output.status.to_string(),
                message: String::from_utf8_lossy(&output.stderr).trim().to_string(),
            }),
        }
    }
}

/// The shared object that cargo has made of a package, by the package's name: `gimli-libfoo` becomes `libgimli_libfoo.so`.
///
/// # Errors
/// [`Failure::Missing`]: the package needs `crate-type = ["cdylib", "rlib"]`, so that cargo builds it for its tests.
pub fn library(package: &str) -> Result<PathBuf, Failure> {
    let file = format!("lib{}.so", package.replace('-', "_"));
    find_file(&file, built_folders(), ": its crate-type must be [\"cdylib\", \"rlib\"]")
}

/// The folder of the running test, `target/debug/deps`, and those above it that cargo puts what it built into.
fn built_folders() -> Vec<PathBuf> {
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors().skip(1).take(2).map(Path::to_path_buf).collect()
}

fn find_file(name: &str, places: Vec<PathBuf>, remedy: &'static str) -> Result<PathBuf, Failure> {
    match places.iter().map(|place| place.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => Err(Failure::Missing { what: name.to_string(), places, remedy }),
    }
}
