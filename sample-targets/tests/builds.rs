//! Every build of the matrix compiles without a warning, and has the debugging information asked for.

use gimli::{DW_AT_name, DW_AT_producer, DwarfSections, EndianSlice, LittleEndian};
use object::{Object, ObjectKind, ObjectSection};
use sample_targets::{Build, Compiler, Error, Language, Optimisation, Program, build, matrix};
use std::borrow::Cow;
use std::collections::BTreeSet;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What a compilation unit says of itself.
#[derive(Debug)]
struct Unit {
    version: u16,
    name: String,
    /// The compiler and the flags that it ran with.
    producer: String,
}

fn units(program: &Program) -> TestResult<Vec<Unit>> {
    let bytes = std::fs::read(program.path())?;
    let file = object::File::parse(bytes.as_slice())?;
    let sections = DwarfSections::load(|id| -> Result<Cow<'_, [u8]>, object::Error> {
        match file.section_by_name(id.name()) {
            Some(section) => section.uncompressed_data(),
            None => Ok(Cow::Borrowed(&[])),
        }
    })?;
    let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
    let mut found = Vec::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let version = header.version();
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        let root = entries.next_dfs()?.ok_or("a unit without entries")?;
        let text = |attribute| -> TestResult<String> {
            let value = root.attr_value(attribute).ok_or("a unit without a name or a producer")?;
            Ok(dwarf.attr_string(&unit, value)?.to_string_lossy().into_owned())
        };
        found.push(Unit { version, name: text(DW_AT_name)?, producer: text(DW_AT_producer)? });
    }
    Ok(found)
}

fn kind(program: &Program) -> TestResult<ObjectKind> {
    Ok(object::File::parse(std::fs::read(program.path())?.as_slice())?.kind())
}

fn check_matrix_of(language: Language, optimisation: Optimisation) -> TestResult {
    let of_these = |recipe: &&Build| recipe.language == language && recipe.optimisation == optimisation;
    for recipe in matrix().iter().filter(of_these) {
        let program = build(recipe)?;
        assert_eq!(program.compiler_messages(), "", "{recipe}");
        let units = units(&program)?;
        assert!(units.len() > 5, "{recipe}: {units:?}");
        for Unit { version, producer, .. } in &units {
            assert_eq!(*version, u16::from(recipe.dwarf), "{recipe}");
            let expected = if language == Language::C { "GNU C11" } else { "GNU C++17" };
            assert!(producer.starts_with(expected), "{recipe}: {producer}");
            let level = format!("-{}", recipe.optimisation);
            assert!(producer.contains(&level), "{recipe}: {producer}");
        }
    }
    Ok(())
}

#[test]
fn unoptimised_c_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::C, Optimisation::O0)
}

#[test]
fn fast_c_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::C, Optimisation::O2)
}

#[test]
fn small_c_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::C, Optimisation::Os)
}

#[test]
fn unoptimised_cpp_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::Cpp, Optimisation::O0)
}

#[test]
fn fast_cpp_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::Cpp, Optimisation::O2)
}

#[test]
fn small_cpp_builds_have_their_dwarf_version_and_no_warning() -> TestResult {
    check_matrix_of(Language::Cpp, Optimisation::Os)
}

#[test]
fn extra_flags_reach_the_compiler_and_make_another_build() -> TestResult {
    let recipe = Build::new(Language::C, Optimisation::O1, 4);
    let plain = build(&recipe)?;
    let fixed_address = build(&recipe.flag("-no-pie"))?;
    assert_ne!(plain.path(), fixed_address.path());
    assert_eq!(kind(&plain)?, ObjectKind::Dynamic);
    assert_eq!(kind(&fixed_address)?, ObjectKind::Executable);
    Ok(())
}

#[test]
fn those_who_ask_at_once_get_the_same_finished_build() {
    // A flag of its own, so that no other test has built it.
    let recipe =
        Build::new(Language::C, Optimisation::O3, 5).flag(&format!("-DASKED_BY={}", std::process::id()));
    let paths: BTreeSet<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| build(&recipe).unwrap())).collect();
        asking.into_iter().map(|thread| thread.join().unwrap().path().to_path_buf()).collect()
    });
    assert_eq!(paths.len(), 1);
    let folder = paths.first().unwrap().parent().unwrap();
    assert!(folder.join("server").is_file());
    assert!(!folder.with_extension("unfinished").exists());
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::remove_file(folder.with_extension("lock")).unwrap();
}

#[test]
fn a_refusing_compiler_is_quoted() {
    let error = build(&Build::new(Language::C, Optimisation::O0, 5).flag("-fno-such-flag")).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("cannot build c-gcc-O0-dwarf5: gcc ended with"), "{text}");
    assert!(text.contains("-fno-such-flag"), "{text}");
}

#[test]
fn an_impossible_dwarf_version_is_refused() {
    let error = build(&Build::new(Language::C, Optimisation::O0, 6)).unwrap_err();
    assert!(matches!(error, Error::DwarfVersion(6)), "{error}");
}

#[test]
fn clang_builds_both_languages() -> TestResult {
    for language in [Language::C, Language::Cpp] {
        let program = build(&Build::new(language, Optimisation::O2, 5).compiler(Compiler::Clang))?;
        assert_eq!(program.compiler_messages(), "", "{language}");
        for unit in units(&program)? {
            assert_eq!(unit.version, 5);
            assert!(unit.producer.contains("clang"), "{language}: {unit:?}");
        }
    }
    Ok(())
}

#[test]
fn the_rust_program_is_built_at_both_levels_with_its_dwarf_version() -> TestResult {
    let plain = build(&Build::new(Language::Rust, Optimisation::O0, 5))?;
    let optimised = build(&Build::new(Language::Rust, Optimisation::O2, 4))?;
    for (program, version) in [(&plain, 5), (&optimised, 4)] {
        let own: Vec<u16> = units(program)?
            .into_iter()
            .filter(|unit| unit.name.contains("sample_rust"))
            .map(|unit| unit.version)
            .collect();
        assert!(!own.is_empty(), "{}", program.build());
        assert!(own.iter().all(|found| *found == version), "{}: {own:?}", program.build());
    }
    Ok(())
}
