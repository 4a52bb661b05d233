//! Under the name of the library that it is for, glider finds the plugin by itself.

use crate::program::{compile, glider, plugin, start, trace, words};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn glider_finds_it_for_the_library() {
    // Each step of the installation that README.md gives.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let installed = folder.join("gimli_libstdc++.so");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(plugin(), &installed).unwrap();
    fs::set_permissions(&installed, fs::Permissions::from_mode(0o644)).unwrap();

    let target = start(&compile("values.cpp", "values_installed", &["-O0"]), &[]);
    let report = trace(glider().option("--plugin-path").option(&folder), &target);
    let found = report.plugin("gimli_libstdc++.so").unwrap_or_else(|| panic!("{}", report.json()["plugins"]));
    assert_eq!(found["status"], "loaded", "{found}");
    assert!(found["for"].as_str().unwrap().contains("/libstdc++.so.6"), "{found}");
    assert_eq!(words(&report, "hold_strings", "brief"), "\"brief\"");
}
