//! C modules and targets, compiled when a test needs them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of a test's own. Below cargo's own folders, since glider loads nothing from a place
/// that others may write to, such as /tmp.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn compile(source: &Path, into: &Path, options: &[&str]) {
    let mut command = Command::new("cc");
    command.args(["-std=gnu11", "-g", "-O0", "-Wall", "-Wextra", "-pthread"]).args(options);
    command.arg("-I").arg(repository().join("plugin-api/include"));
    // Compiled beside its place and moved there, since tests may run at the same time.
    let unfinished = into.with_extension(format!("{}.{:?}", std::process::id(), std::thread::current().id()));
    let output = command.arg(source).arg("-o").arg(&unfinished).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run cc: {error} (Debian package: gcc)"));
    assert!(output.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
    std::fs::rename(unfinished, into).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn source(name: &str) -> PathBuf {
    repository().join("tests/plugins/modules").join(name)
}

/// Compiles `modules/SOURCE.c` to the shared object `name` in `folder`.
pub(crate) fn module(folder: &Path, source_name: &str, name: &str, options: &[&str]) -> PathBuf {
    let into = folder.join(name);
    compile(&source(&format!("{source_name}.c")), &into, &[&["-shared", "-fPIC"], options].concat());
    into
}

/// Compiles `modules/target.c`.
pub(crate) fn target(folder: &Path, name: &str, options: &[&str]) -> PathBuf {
    let into = folder.join(name);
    compile(&source("target.c"), &into, options);
    into
}
