//! Every build of the matrix compiles without a warning, and has the debugging information asked for.

use gimli::{DW_AT_producer, DwarfSections, EndianSlice, LittleEndian};
use object::{Object, ObjectSection};
use sample_targets::{Build, Compiler, Error, Language, Optimisation, Program, build, matrix};
use std::borrow::Cow;
use std::collections::BTreeSet;

fn program(recipe: &Build) -> Program {
    build(recipe).unwrap_or_else(|error| panic!("{error}"))
}

/// The DWARF version of each compilation unit, with what its producer says of itself and its flags.
fn units(program: &Program) -> Vec<(u16, String)> {
    let bytes = std::fs::read(program.path()).unwrap();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    let sections = DwarfSections::load(|id| -> Result<Cow<'_, [u8]>, object::Error> {
        match file.section_by_name(id.name()) {
            Some(section) => section.uncompressed_data(),
            None => Ok(Cow::Borrowed(&[])),
        }
    })
    .unwrap();
    let dwarf = sections.borrow(|section| EndianSlice::new(section, LittleEndian));
    let mut found = Vec::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next().unwrap() {
        let version = header.version();
        let unit = dwarf.unit(header).unwrap();
        let mut entries = unit.entries();
        let root = entries.next_dfs().unwrap().unwrap();
        let producer = root.attr_value(DW_AT_producer).unwrap();
        let producer = dwarf.attr_string(&unit, producer).unwrap().to_string_lossy().into_owned();
        found.push((version, producer));
    }
    found
}

fn check_matrix_of(language: Language, optimisation: Optimisation) {
    let of_these = |recipe: &&Build| recipe.language == language && recipe.optimisation == optimisation;
    for recipe in matrix().iter().filter(of_these) {
        let program = program(recipe);
        assert_eq!(program.compiler_messages(), "", "{recipe}");
        let units = units(&program);
        assert!(units.len() > 5, "{recipe}: {units:?}");
        for (version, producer) in &units {
            assert_eq!(*version, u16::from(recipe.dwarf), "{recipe}");
            let expected = if language == Language::C { "GNU C11" } else { "GNU C++17" };
            assert!(producer.starts_with(expected), "{recipe}: {producer}");
            let level = format!("-{}", recipe.optimisation);
            assert!(
                producer.contains(&level) || recipe.optimisation == Optimisation::O0,
                "{recipe}: {producer}"
            );
        }
    }
}

#[test]
fn unoptimised_c_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::C, Optimisation::O0);
}

#[test]
fn fast_c_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::C, Optimisation::O2);
}

#[test]
fn small_c_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::C, Optimisation::Os);
}

#[test]
fn unoptimised_cpp_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::Cpp, Optimisation::O0);
}

#[test]
fn fast_cpp_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::Cpp, Optimisation::O2);
}

#[test]
fn small_cpp_builds_have_their_dwarf_version_and_no_warning() {
    check_matrix_of(Language::Cpp, Optimisation::Os);
}

#[test]
fn extra_flags_reach_the_compiler_and_make_another_build() {
    let recipe = Build::new(Language::C, Optimisation::O1, 4);
    let plain = program(&recipe);
    let fixed_address = program(&recipe.flag("-no-pie"));
    assert_ne!(plain.path(), fixed_address.path());
    let kind = |program: &Program| {
        let bytes = std::fs::read(program.path()).unwrap();
        object::File::parse(bytes.as_slice()).unwrap().kind()
    };
    assert_eq!(kind(&plain), object::ObjectKind::Dynamic);
    assert_eq!(kind(&fixed_address), object::ObjectKind::Executable);
}

#[test]
fn processes_and_threads_that_ask_at_once_get_the_same_finished_build() {
    let recipe = Build::new(Language::C, Optimisation::O3, 5).flag("-DASKED_AT_ONCE");
    let paths: BTreeSet<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| program(&recipe))).collect();
        asking.into_iter().map(|thread| thread.join().unwrap().path().to_path_buf()).collect()
    });
    assert_eq!(paths.len(), 1);
    assert!(paths.first().unwrap().is_file());
}

#[test]
fn a_refusing_compiler_is_quoted() {
    let recipe = Build::new(Language::C, Optimisation::O0, 5).flag("-fno-such-flag");
    let Err(error) = build(&recipe) else { panic!("the compiler took -fno-such-flag") };
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
fn clang_builds_too() {
    let recipe = Build::new(Language::C, Optimisation::O2, 5).compiler(Compiler::Clang);
    assert!(units(&program(&recipe)).iter().all(|(_, producer)| producer.contains("clang")));
}
