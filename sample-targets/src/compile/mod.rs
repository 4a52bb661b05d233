//! Builds samples into a cache below cargo's target folder, once for each recipe and state of the sources.
//!
//! A finished build is a folder that is never written again: it is made under another name and
//! renamed, while a lock file keeps a second process from doing the same work.

mod c_family;
mod cargo;

use crate::{Build, Error, Language};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A sample that is built and can be started.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    build: Build,
    messages: String,
}

impl Program {
    /// The executable; for C and C++ its libraries lie beside it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recipe it was built from.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// What the compilers said while they built it: warnings. Always empty for Rust.
    pub fn compiler_messages(&self) -> &str {
        &self.messages
    }

    /// The names of the scenarios that this program has, in its own order.
    pub fn scenarios(&self) -> Result<Vec<String>, Error> {
        Ok(self.usage()?.lines().filter_map(|line| line.split(' ').next()).map(str::to_string).collect())
    }

    /// The scenarios with the arguments that each takes, one a line.
    pub fn usage(&self) -> Result<String, Error> {
        let output = Command::new(&self.path).arg("--list").output().map_err(Error::io("run", &self.path))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Builds a sample, or finds it built.
///
/// # Errors
/// A missing compiler is told with the package to install; a compiler that refuses, with its messages.
pub fn build(build: &Build) -> Result<Program, Error> {
    if !(2..=5).contains(&build.dwarf) {
        return Err(Error::DwarfVersion(build.dwarf));
    }
    let cache = cache_folder();
    fs::create_dir_all(&cache).map_err(Error::io("create", &cache))?;
    let (path, messages) = match build.language {
        Language::C | Language::Cpp => c_family::build(build, &cache)?,
        Language::Rust => (cargo::build(build, &cache)?, String::new()),
    };
    Ok(Program { path, build: build.clone(), messages })
}

/// The folder of this package's sources.
fn package_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cache: below the target folder that the running executable was built in, which is known by
/// the tag that cargo puts there, or else below the workspace's `target`.
fn cache_folder() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    let tagged = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let target = match tagged {
        Some(folder) => folder.to_path_buf(),
        None => package_folder().join("../target"),
    };
    target.join("sample-targets")
}

/// Runs a compiler to its end and collects what it wrote. `package` is where Debian has it.
fn run_compiler(command: &mut Command, package: &'static str) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::CompilerMissing { program, package },
        _ => Error::Io { action: "run", path: program.into(), source: error },
    })
}

/// The messages of a compiler that succeeded; its refusal as an error.
fn check_compiler(build: &Build, command: &Command, output: &Output) -> Result<String, Error> {
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok(messages);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    Err(Error::CompilerFailed { build: build.to_string(), program, status: output.status, messages })
}
