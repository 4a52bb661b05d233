//! Builds the plugins that lie beside the tests, and reads what their files say of themselves.

use gimli_plugin_api::declaration::{Declaration, SYMBOL};
use object::{Object, ObjectSection, ObjectSymbol};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A plugin's file, in a folder of its own that goes with it.
pub(crate) struct Fixture {
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Builds the crate in `tests/NAME` into `libNAME.so`, with these further arguments and variables for cargo.
pub(crate) fn build(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Fixture {
    /// Variants of a crate have one name and one place.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    // Other test programs have their variants too: the folder is theirs until the copy is made.
    std::fs::create_dir_all(&target).unwrap();
    let lock = std::fs::File::create(target.join("turn")).unwrap();
    lock.lock().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = format!("lib{name}.so");
    let path = folder.path().join(&file);
    std::fs::copy(target.join("debug").join(&file), &path).unwrap();
    Fixture { path, _folder: folder }
}

/// The declaration in a plugin's file, read as glider reads it: as data.
pub(crate) fn declaration(path: &Path) -> Declaration {
    let bytes = std::fs::read(path).unwrap();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(SYMBOL)).unwrap();
    let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
    let bytes = section.data_range(symbol.address(), symbol.size()).unwrap().unwrap();
    Declaration::parse(bytes).unwrap()
}
