//! The C header compiles everywhere and says what existing modules expect of it; modules written
//! against it, the talk's among them, become shared objects with the right symbols.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Command, Debian package, standards.
type Compiler = (&'static str, &'static str, &'static [&'static str]);

const C: [Compiler; 2] =
    [("gcc", "gcc", &["-std=c11", "-std=gnu17"]), ("clang", "clang", &["-std=c11", "-std=gnu17"])];
const CPP: [Compiler; 2] = [
    ("g++", "g++", &["-std=c++11", "-std=c++17", "-std=c++20"]),
    ("clang++", "clang", &["-std=c++11", "-std=c++17"]),
];
const WARNINGS: [&str; 6] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wundef", "-Wshadow"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A module of these tests, or of those that glider runs: its path.
fn of_this_repository(source: &str) -> String {
    let places = [folder("tests/c"), folder("../tests/plugins/modules")].map(|place| place.join(source));
    let found = places.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("there is no {source}")).display().to_string()
}

/// Runs a compiler and fails with its own words.
fn compile(compiler: &Compiler, arguments: &[&str]) {
    let (command, package, _) = compiler;
    let output = Command::new(command)
        .args(WARNINGS)
        .arg("-I")
        .arg(folder("include"))
        .args(arguments)
        .current_dir(folder("tests/c"))
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command}: {error} (Debian package: {package})"));
    assert!(
        output.status.success(),
        "{command} {}\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn for_each_standard(compilers: &[Compiler], arguments: &[&str]) {
    for compiler in compilers {
        for standard in compiler.2 {
            compile(compiler, &[&[*standard], arguments].concat());
        }
    }
}

/// Links a module and gives the names in its dynamic symbol table: defined ones, `gimli` ones left undefined.
fn build_module(compiler: &Compiler, source: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.so");
    let output = path.to_str().unwrap();
    compile(compiler, &["-shared", "-fPIC", "-fvisibility=hidden", "-g", "-o", output, source]);
    let bytes = std::fs::read(&path).unwrap();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    let (mut defined, mut undefined) = (BTreeSet::new(), BTreeSet::new());
    for symbol in file.dynamic_symbols() {
        let name = symbol.name().unwrap().to_string();
        if !symbol.is_undefined() {
            defined.insert(name);
        } else if name.starts_with("gimli") || name == "the_proc" {
            undefined.insert(name);
        }
    }
    (defined, undefined)
}

#[test]
fn header_says_what_modules_expect_in_c() {
    for_each_standard(&C, &["-Wstrict-prototypes", "-fsyntax-only", "contract.c"]);
}

#[test]
fn header_says_what_modules_expect_in_cpp() {
    for_each_standard(&CPP, &["-fsyntax-only", "contract.cpp"]);
}

#[test]
fn header_needs_no_other_before_it_and_may_be_included_twice() {
    let folder = tempfile::tempdir().unwrap();
    let twice = "#include <libgimli_ana.h>\n#include <libgimli_ana.h>\n";
    for (name, compilers) in [("twice.c", &C), ("twice.cpp", &CPP)] {
        let path = folder.path().join(name);
        std::fs::write(&path, twice).unwrap();
        for_each_standard(compilers, &["-fsyntax-only", path.to_str().unwrap()]);
    }
}

#[test]
fn a_difference_from_what_modules_expect_does_not_compile() {
    // Proves that the contract file can fail: one order changed in a copy of the header.
    let changed = tempfile::tempdir().unwrap();
    let header = std::fs::read_to_string(folder("include/libgimli_ana.h")).unwrap();
    let (first, second) = ("size_t pr_size;", "size_t pr_rssize;");
    let swapped = header.replace(first, "@").replace(second, first).replace('@', second);
    assert_ne!(header, swapped);
    std::fs::write(changed.path().join("libgimli_ana.h"), swapped).unwrap();
    let output = Command::new("gcc")
        .args(["-fsyntax-only", "-I", changed.path().to_str().unwrap(), "contract.c"])
        .current_dir(folder("tests/c"))
        .output()
        .unwrap_or_else(|error| panic!("cannot run gcc: {error} (Debian package: gcc)"));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("pr_size"));
}

#[test]
fn every_function_of_the_header_is_in_the_contract() {
    let functions = |path: &str| -> BTreeSet<String> {
        let text = std::fs::read_to_string(folder(path)).unwrap();
        let names = text.split('(').map(|piece| {
            piece.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
        });
        names.filter(|name| name.starts_with("gimli_")).map(str::to_string).collect()
    };
    let (header, contract) = (functions("include/libgimli_ana.h"), functions("tests/c/contract.h"));
    assert!(contract.len() > 80, "{} functions", contract.len());
    assert_eq!(header, contract);
}

#[test]
fn the_modules_of_the_talk_and_of_versions_1_and_2_leave_nothing_to_the_linker() {
    for compiler in &C {
        for source in ["slides.c", "server_v1.c", "server_v2.c"] {
            let (defined, undefined) = build_module(compiler, &of_this_repository(source));
            assert!(defined.contains("gimli_ana_init"), "{source}: {defined:?}");
            assert!(undefined.is_empty(), "{source}: {undefined:?}");
        }
    }
}

#[test]
fn a_module_of_version_3_leaves_gliders_functions_to_the_linker() {
    for compiler in &C {
        let (defined, undefined) = build_module(compiler, "module_v3.c");
        assert!(defined.contains("gimli_module_init"), "{defined:?}");
        assert!(!defined.contains("gimli_ana_init"), "{defined:?}");
        for name in ["the_proc", "gimli_module_register_tracer", "gimli_print_addr_as_type"] {
            assert!(undefined.contains(name), "{name}: {undefined:?}");
        }
    }
}

#[test]
fn one_file_may_have_both_doors_in_cpp_too() {
    for compiler in &CPP {
        let (defined, undefined) = build_module(compiler, "module_v3.cpp");
        assert!(defined.contains("gimli_module_init") && defined.contains("gimli_ana_init"), "{defined:?}");
        assert!(undefined.contains("gimli_proc_visit_threads"), "{undefined:?}");
    }
}

#[test]
fn the_c_of_the_guide_compiles() {
    let guide = std::fs::read_to_string(folder("docs/C-GUIDE.md")).unwrap();
    let pieces: Vec<&str> =
        guide.split("```c\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(pieces.len(), 4);
    let sources = tempfile::tempdir().unwrap();
    for (number, piece) in pieces.iter().enumerate() {
        // What the guide says is declared as in the server.
        let before = if piece.contains("declared as in the server") {
            "#include <libgimli_ana.h>\n#include <stdio.h>\nstruct request { int id; };\n"
        } else {
            ""
        };
        let path = sources.path().join(format!("{number}.c"));
        std::fs::write(&path, format!("{before}{piece}")).unwrap();
        let path = path.to_str().unwrap();
        let quiet = ["-Wno-unused-parameter", "-Wno-unused-function", "-D_GNU_SOURCE", "-fsyntax-only", path];
        for_each_standard(&C, &quiet);
    }
}
