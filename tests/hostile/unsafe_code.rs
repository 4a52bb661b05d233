//! Where the sources have `unsafe`: only in the folders that ARCHITECTURE.md names.

use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.join("CACHEDIR.TAG").exists() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Whether a line of code begins a block, function or trait that is `unsafe`.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let code = code.split('"').step_by(2).collect::<String>();
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait"]
        .iter()
        .any(|word| code.contains(word))
}

#[test]
fn only_the_folders_that_are_named_have_unsafe_code() {
    let architecture = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = architecture.split_once("## Where `unsafe` is\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let named: Vec<PathBuf> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|folder| repository().join(folder))
        .collect();
    let mut files = Vec::new();
    for part in [
        "glider/src",
        "monitor/src",
        "monitor/libgimli/src",
        "plugin-api/src",
        "plugins",
        "sample-targets/src",
        "tests/src",
    ] {
        sources(&repository().join(part), &mut files);
    }
    let mut used = vec![false; named.len()];
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        if !text.lines().any(has_unsafe) {
            continue;
        }
        let folder = named.iter().position(|folder| file.starts_with(folder));
        let folder = folder.unwrap_or_else(|| {
            panic!("{} has unsafe code; ARCHITECTURE.md does not name its folder", file.display())
        });
        used[folder] = true;
    }
    assert!(
        used.iter().all(|used| *used),
        "ARCHITECTURE.md names a folder without unsafe code: {named:?} {used:?}"
    );
}

#[test]
fn what_parses_forbids_it() {
    let forbids = |file: &str| {
        let text = fs::read_to_string(repository().join("glider/src").join(file)).unwrap();
        assert!(text.contains("forbid(unsafe_code)"), "{file} does not forbid unsafe code");
    };
    for module in ["cause", "dwarf", "report", "stacks", "types", "unwind", "values"] {
        forbids(&format!("{module}/mod.rs"));
    }
    for file in [
        "address",
        "cli",
        "confine/trust",
        "main",
        "object/elf",
        "object/headers",
        "object/mapped",
        "object/mini",
        "object/modules",
        "object/symbols",
        "plugin/declared",
        "plugin/doors",
        "session/bare",
        "session/spool",
        "target/maps",
        "target/procfs",
        "target/register_sets",
        "target/siginfo",
    ] {
        forbids(&format!("{file}.rs"));
    }
}
