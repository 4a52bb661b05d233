//! The C and C++ samples: a program of several source files, and one shared library for each
//! folder beside them (`libsample/` becomes `libsample.so`).
//!
//! The program is linked with the libraries named `lib…`; the others are there to be loaded by dlopen.

use super::{check_compiler, package_folder, run_compiler};
use crate::{Build, Compiler, Error, Language};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "server";
const MESSAGES: &str = "compiler-messages.txt";

/// The compiler's command, the Debian package that has it, the ending of its source files.
struct Tool {
    command: &'static str,
    package: &'static str,
    ending: &'static str,
    standard: &'static str,
}

fn tool(build: &Build) -> Tool {
    let (command, package) = match (build.language, build.compiler) {
        (Language::C, Compiler::Gcc) => ("gcc", "gcc"),
        (Language::C, Compiler::Clang) => ("clang", "clang"),
        (_, Compiler::Gcc) => ("g++", "g++"),
        (_, Compiler::Clang) => ("clang++", "clang"),
    };
    match build.language {
        Language::C => Tool { command, package, ending: "c", standard: "-std=gnu11" },
        Language::Cpp | Language::Rust => Tool { command, package, ending: "cpp", standard: "-std=gnu++17" },
    }
}

/// The sources of one program: its own files, and its libraries by name with theirs.
struct Sources {
    folder: PathBuf,
    program: Vec<PathBuf>,
    libraries: Vec<(String, Vec<PathBuf>)>,
}

/// Gives the path of the executable and what the compilers said.
pub(super) fn build(build: &Build, cache: &Path) -> Result<(PathBuf, String), Error> {
    let tool = tool(build);
    let sources = find_sources(build, &tool)?;
    let finished = cache.join(format!("{build}-{:016x}", fingerprint(build, &tool, &sources)?));
    let lock_path = finished.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    if !finished.is_dir() {
        let unfinished = finished.with_extension("unfinished");
        if unfinished.is_dir() {
            fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
        }
        fs::create_dir(&unfinished).map_err(Error::io("create", &unfinished))?;
        let messages = compile(build, &tool, &sources, &unfinished)?;
        let messages_path = unfinished.join(MESSAGES);
        fs::write(&messages_path, messages).map_err(Error::io("write", &messages_path))?;
        fs::rename(&unfinished, &finished).map_err(Error::io("rename", &unfinished))?;
    }
    let messages_path = finished.join(MESSAGES);
    let messages = fs::read_to_string(&messages_path).map_err(Error::io("read", &messages_path))?;
    Ok((finished.join(PROGRAM), messages))
}

fn find_sources(build: &Build, tool: &Tool) -> Result<Sources, Error> {
    let folder = package_folder().join(build.language.to_string());
    let mut sources = Sources { program: list(&folder, tool.ending)?, libraries: Vec::new(), folder };
    for entry in fs::read_dir(&sources.folder).map_err(Error::io("read", &sources.folder))? {
        let path = entry.map_err(Error::io("read", &sources.folder))?.path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.libraries.push((name, list(&path, tool.ending)?));
        }
    }
    sources.libraries.sort();
    Ok(sources)
}

/// The files of a folder with this ending, sorted.
fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Changes with anything that the result depends on: flags, compiler, sources and headers.
fn fingerprint(build: &Build, tool: &Tool, sources: &Sources) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    build.hash(&mut hasher);
    tool.standard.hash(&mut hasher);
    run_compiler(Command::new(tool.command).arg("--version"), tool.package)?.stdout.hash(&mut hasher);
    let mut files = sources.program.clone();
    files.extend(list(&sources.folder, "h")?);
    for (name, library) in &sources.libraries {
        files.extend(library.iter().cloned());
        files.extend(list(&sources.folder.join(name), "h")?);
    }
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).map_err(Error::io("read", &file))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn compile(build: &Build, tool: &Tool, sources: &Sources, into: &Path) -> Result<String, Error> {
    let mut messages = String::new();
    for (name, files) in &sources.libraries {
        let mut library = command(build, tool, sources, files, &into.join(format!("{name}.so")));
        library.args(["-fPIC", "-shared"]);
        messages += &run(build, tool, &mut library)?;
    }
    let mut program = command(build, tool, sources, &sources.program, &into.join(PROGRAM));
    program.arg("-L").arg(into).arg("-Wl,-rpath,$ORIGIN").arg("-pthread");
    for (name, _) in &sources.libraries {
        if let Some(short) = name.strip_prefix("lib") {
            program.arg(format!("-l{short}"));
        }
    }
    program.args(["-ldl", "-lm"]);
    messages += &run(build, tool, &mut program)?;
    Ok(messages)
}

/// The part of the command that all objects of a build share. Sources are named relative to their
/// folder, as a project's own build does.
fn command(build: &Build, tool: &Tool, sources: &Sources, files: &[PathBuf], output: &Path) -> Command {
    let mut command = Command::new(tool.command);
    command.current_dir(&sources.folder);
    command.arg(format!("-{}", build.optimisation)).arg(format!("-gdwarf-{}", build.dwarf));
    command.args([tool.standard, "-Wall", "-Wextra", "-I."]).args(&build.flags);
    command.args(files.iter().map(|file| file.strip_prefix(&sources.folder).unwrap_or(file)));
    command.arg("-o").arg(output);
    command
}

fn run(build: &Build, tool: &Tool, command: &mut Command) -> Result<String, Error> {
    let output = run_compiler(command, tool.package)?;
    check_compiler(build, command, &output)
}
