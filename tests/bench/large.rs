//! The large programs: as many units of C++ as a database or a browser has, with any amount of DWARF.
//!
//! Compiling 300 MB of DWARF takes an hour. So three sources (`large/*.cpp`: templates over the
//! containers of the standard library) are compiled in four ways each (g++ with DWARF 5 and 4,
//! optimized and not; clang++, which writes no `.debug_aranges`), and each of these twelve objects is *stamped*
//! as often as wanted: the name of its namespace, which is in every symbol and type name, is replaced by another one of the
//! same length. What the standard library alone instantiates is in every unit; the linker keeps
//! one copy of the code and the DWARF of all, as in any C++ program.
//!
//! The program's threads go through the first stamp of the twelve, so that a program with more
//! stamps has the same stacks and more DWARF that nobody asks for.

use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HEADER: &str = include_str!("large/large.hpp");
const MAIN: &str = include_str!("large/main.cpp");
const SOURCES: [(&str, &str); 3] = [
    ("storage", include_str!("large/storage.cpp")),
    ("planner", include_str!("large/planner.cpp")),
    ("network", include_str!("large/network.cpp")),
];
const WAYS: [&[&str]; 4] = [
    &["g++", "-gdwarf-5", "-O0"],
    &["g++", "-gdwarf-5", "-O2"],
    &["g++", "-gdwarf-4", "-O1"],
    &["clang++", "-gdwarf-5", "-O1"],
];
/// Every object then has between 0.6 and 1.9 MB of `.debug_info`, as in a unity build; 15 MB together.
const AMOUNTS: [&str; 3] = ["-DSTORAGE_TABLES=20", "-DPLANNER_KINDS=30", "-DNETWORK_SORTS=36"];

/// The name that unit `unit` has in stamp `stamp`; all have one length.
fn name(unit: usize, stamp: usize) -> String {
    format!("unit_{unit:02}_{stamp:04}")
}

/// The program with `stamps` stamps of each unit. Built in `folder`, where it is found again
/// unless its sources or the compilers changed.
pub(crate) fn build(folder: &Path, stamps: usize) -> anyhow::Result<PathBuf> {
    let folder = folder.join(format!("large-{:08x}", recipe()?));
    let program = folder.join(format!("large-{stamps}"));
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    eprintln!("bench: building {} (once)", program.display());
    let units = compile_units(&folder)?;
    let stamped = tempfile::tempdir_in(&folder)?;
    let mut objects = vec![compile_main(&folder)?];
    for (unit, object) in units.iter().enumerate() {
        let bytes = fs::read(object).with_context(|| object.display().to_string())?;
        for stamp in 0..stamps {
            let path = stamped.path().join(name(unit, stamp) + ".o");
            fs::write(&path, restamp(&bytes, &name(unit, 0), &name(unit, stamp)))?;
            objects.push(path);
        }
    }
    // Under another name until it is whole.
    let unfinished = folder.join("unfinished");
    let list = stamped.path().join("objects");
    let quoted: Vec<String> = objects.iter().map(|path| format!("\"{}\"", path.display())).collect();
    fs::write(&list, quoted.join("\n"))?;
    let mut link = Command::new("g++");
    link.arg("-fuse-ld=lld").arg("-pthread").arg("-o").arg(&unfinished);
    run(link.arg(format!("@{}", list.display())), "lld")?;
    fs::rename(&unfinished, &program)?;
    Ok(program)
}

/// A number for the sources and the compilers.
fn recipe() -> anyhow::Result<u32> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = DefaultHasher::new();
    (HEADER, MAIN, SOURCES, WAYS, AMOUNTS).hash(&mut hash);
    for (compiler, package) in [("g++", "g++"), ("clang++", "clang")] {
        let version = Command::new(compiler).arg("--version").output();
        version
            .with_context(|| format!("{compiler} cannot be run (Debian package: {package})"))?
            .stdout
            .hash(&mut hash);
    }
    Ok((hash.finish() >> 32) as u32)
}

/// The twelve objects; those that a former run finished are taken as they are.
fn compile_units(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fs::write(folder.join("large.hpp"), HEADER)?;
    let mut objects = Vec::new();
    for (source, text) in SOURCES {
        let path = folder.join(source).with_extension("cpp");
        fs::write(&path, text)?;
        // The ways side by side: the machine has more than one processor.
        let mut compilers = Vec::new();
        for way in WAYS {
            let name = name(objects.len(), 0);
            let object = folder.join(&name).with_extension("o");
            if !object.is_file() {
                let unfinished = object.with_extension("unfinished");
                let mut command = compiler(way)?;
                command.args(AMOUNTS).arg(format!("-DUNIT={name}"));
                command.arg("-c").arg(&path).arg("-o").arg(&unfinished);
                let child = command.spawn().with_context(|| format!("{} cannot be run", way.join(" ")))?;
                compilers.push((child, unfinished, object.clone()));
            }
            objects.push(object);
        }
        for (mut compiler, unfinished, object) in compilers {
            let status = compiler.wait()?;
            anyhow::ensure!(status.success(), "a compiler refuses {}: {status}", path.display());
            fs::rename(unfinished, object)?;
        }
    }
    Ok(objects)
}

fn compile_main(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("main.cpp");
    fs::write(&path, MAIN)?;
    let object = folder.join("main.o");
    let units: Vec<String> =
        (0..SOURCES.len() * WAYS.len()).map(|unit| format!("UNIT({})", name(unit, 0))).collect();
    let mut command = compiler(WAYS[0])?;
    command.arg(format!("-DUNITS={}", units.join(" "))).arg("-c").arg(&path).arg("-o").arg(&object);
    run(&mut command, "g++")?;
    Ok(object)
}

fn compiler(way: &[&str]) -> anyhow::Result<Command> {
    let (program, flags) = way.split_first().context("a compiler")?;
    let mut command = Command::new(program);
    command.args(flags).args(["-std=c++17", "-pthread"]);
    Ok(command)
}

fn run(command: &mut Command, package: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status().with_context(|| format!("{program} cannot be run (Debian package: {package})"))? {
        status if status.success() => Ok(()),
        status => bail!("{program}: {status} (Debian packages: g++ clang {package})"),
    }
}

/// The object with every occurrence of `from` replaced by `to`, which is as long.
fn restamp(object: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut bytes = object.to_vec();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&bytes[at..], from.as_bytes()) {
        let start = at + found;
        at = start + from.len();
        bytes[start..at].copy_from_slice(to.as_bytes());
    }
    bytes
}
