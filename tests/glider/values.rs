//! How values read in the text report, beyond being right: that they are right is what the
//! comparison with gdb tells.

mod compiled;
mod declared;
mod go;
mod much_memory;

use sample_targets::{Build, Compiler, Language, Optimisation, Target, build};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The text report of a sample in a scenario, made readable as in [`report_of`].
fn report(recipe: &Build, scenario: &str) -> Result<String> {
    let target = Target::start(&build(recipe)?, scenario, &[])?;
    target.wait_until_blocked()?;
    report_of(target.pid().unsigned_abs())
}

/// The text report of a process, with `0x…` for every number in hexadecimal and without the paths
/// of objects.
fn report_of(pid: u32) -> Result<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_glider"))
        .args(["--no-plugins", "--max-depth", "6", &pid.to_string()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut shown = String::new();
    for (place, part) in String::from_utf8(output.stdout)?.split("0x").enumerate() {
        if place > 0 {
            shown.push_str("0x…");
        }
        let part =
            if place > 0 { part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()) } else { part };
        // `(/path/of/the/program`symbol+0x10)`
        match part.strip_prefix(" (/").and_then(|symbol| symbol.split_once('`')) {
            Some((_, symbol)) => shown.extend([" (", symbol]),
            None => shown.push_str(part),
        }
    }
    Ok(shown)
}

/// Fails unless the report has these texts, each behind the one before it.
fn assert_shows(recipe: &Build, scenario: &str, expected: &[&str]) -> Result<()> {
    assert_in_order(&report(recipe, scenario)?, &format!("{recipe} {scenario}"), expected);
    Ok(())
}

fn assert_in_order(report: &str, what: &str, expected: &[&str]) {
    let mut rest = report;
    for text in expected {
        match rest.find(text) {
            Some(place) => rest = &rest[place + text.len()..],
            None => panic!("{what}: no `{text}` in\n{report}"),
        }
    }
}

fn few_builds(language: Language) -> [Build; 3] {
    [
        Build::new(language, Optimisation::O0, 5),
        Build::new(language, Optimisation::O2, 5),
        Build::new(language, Optimisation::O0, 5).compiler(Compiler::Clang),
    ]
}

#[test]
fn a_cpp_object_behind_a_pointer_to_its_base_is_shown_as_what_it_is() -> Result<()> {
    for recipe in few_builds(Language::Cpp) {
        let held = if recipe.compiler == Compiler::Clang { "long" } else { "long int" };
        let [class, member] = [
            format!("(anonymous namespace)::Cage<{held}> @ 0x… = {{\n"),
            format!("        {held} held_ = 42 (0x…)\n"),
        ];
        assert_shows(
            &recipe,
            "variables",
            &[
                "Output * output = 0x… [deref'd above]\n",
                "Animal * caged = 0x… [deref'ing caged]\n",
                &class,
                "        Named = {\n",
                "            char name_[12] = \"cage",
                "        Animal = {\n",
                "Animal = 0x… (vtable for (anonymous namespace)::Cage<long>+0x…)\n",
                &member,
                "Animal & reference = 0x… [deref'd above]\n",
            ],
        )?;
    }
    Ok(())
}

#[test]
fn cpp_pointers_to_members_have_the_names_of_members() -> Result<()> {
    let builds = few_builds(Language::Cpp);
    for recipe in builds.iter().filter(|recipe| recipe.optimisation == Optimisation::O0) {
        let long = if recipe.compiler == Compiler::Clang { "long" } else { "long int" };
        let lines = [
            format!("{long} (Animal::*virtual_method)(int) = 0x… (virtual Animal::speak)\n"),
            "int Widget::* member = 0x… (Widget::width)\n".to_owned(),
            "double Widget::* no_member = nil\n".to_owned(),
            format!("{long} (Widget::*method)(int) const = 0x… (Widget::resize)\n"),
            format!("{long} (Widget::*no_method)(int) const = nil\n"),
        ];
        assert_shows(recipe, "variables", &lines.each_ref().map(String::as_str))?;
    }
    Ok(())
}

#[test]
fn wide_characters_and_null_are_themselves_in_cpp() -> Result<()> {
    for recipe in few_builds(Language::Cpp) {
        assert_shows(
            &recipe,
            "variables",
            &["wchar_t wide = 8364 '€'\n", "const wchar_t * wide_text = 0x… (0x…) \"wide text\"\n"],
        )?;
        assert_shows(&recipe, "variables", &["std::nullptr_t null = nil\n"])?;
    }
    Ok(())
}

#[test]
fn c_values_of_rare_formats_read_as_their_source_writes_them() -> Result<()> {
    for recipe in [Optimisation::O0, Optimisation::O2].map(|level| Build::new(Language::C, level, 5)) {
        assert_shows(
            &recipe,
            "variables",
            &[
                "const wchar_t * wide = 0x… (0x…) \"grüße\"\n",
                "wchar_t wide_name[12] = \"wide name\"\n",
                "const char16_t * sixteen = 0x… (0x…) \"clef 𝄞\"\n",
                "char32_t thirty_two[4] = \"a€\\x01\"\n",
                "char pairs[24] = \"key\\0value\"\n",
                "quad = 0.3333333333333333333333333333333333",
                "complex long double turned = 1.0 + 0.25i\n",
                "int lowest:1 = -1 (0x…)\n",
                "long int most:63 = -4611686018427387903 (0x…)\n",
                "sides:4 = NORTH|WEST 9 (0x…)\n",
                "int number = 70000 (0x…)\n",
                "union sized sized = (largest: large) {\n",
                "_Float16 half = 1.5\n",
                "__int128 unsigned wide_bits = 1237940039285380274899124229 (0x…)\n",
                "_Float64x extended = 1.25\n",
            ],
        )?;
        assert_shows(
            &recipe,
            "variables-in-vectors",
            &[
                "vector2l pair = {17, -4}\n",
                "double scalar = 2.5\n",
                "vector8f doubled = {2.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0}\n",
            ],
        )?;
    }
    Ok(())
}

/// Runs a compiler, which is in this Debian package.
fn compile(compiler: &mut Command, package: &str) -> Result<()> {
    let output = compiler
        .output()
        .map_err(|error| format!("cannot run {compiler:?} (Debian package {package}): {error}"))?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Starts a program in its folder and waits until it says that it is ready.
fn start(program: &Path) -> Result<Guard> {
    let folder = program.parent().ok_or("a program without a folder")?;
    let mut child = Command::new(program).current_dir(folder).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take();
    let target = Guard(child);
    let mut ready = String::new();
    BufReader::new(output.ok_or("no output")?).read_line(&mut ready)?;
    assert!(ready.starts_with("ready"), "{ready}");
    Ok(target)
}

/// Waits until the first thread of a process is in pause(2), on its way to which it is.
fn wait_for_pause(pid: u32) -> Result<()> {
    /// Its number in a 32-bit process (arch/x86/entry/syscalls/syscall_32.tbl).
    const PAUSE_32: i64 = 29;
    let current = format!("/proc/{pid}/syscall");
    let numbers = [libc::SYS_pause, PAUSE_32].map(|number| format!("{number} "));
    let is_there = |text: String| numbers.iter().any(|number| text.starts_with(number));
    while !is_there(std::fs::read_to_string(&current)?) {
        if std::fs::read_to_string(format!("/proc/{pid}/stat"))?.contains(") Z ") {
            return Err("it has ended".into());
        }
        std::thread::yield_now();
    }
    Ok(())
}

/// A process that ends with its owner.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_fortran_program_is_named_and_lined_and_its_values_are_right() -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/shapes.f90");
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("shapes");
    let mut compiler = Command::new("gfortran");
    compiler.current_dir(folder.path()).args(["-g", "-O0", "-o"]).args([&program, &source]);
    compile(&mut compiler, "gfortran")?;
    let target = start(&program)?;
    assert_in_order(
        &report_of(target.0.id())?,
        "Fortran",
        &[
            "shapes::deeper+0x… (shapes.f90:",
            "integer(kind=4) n = 5 (0x…)\n",
            "character(len=*) name = \"fortran text\"\n",
            "real(kind=4) values[] = {1.0, 2.0, 3.0, 4.0}\n",
            "integer(kind=8) big = 1099511627781 (0x…)\n",
            "real(kind=10) extended = 6.25\n",
            "integer(kind=4) grid[3][2] = {\n        [0] = {1, 2}\n",
            "integer(kind=4) heap[] = {7, 8, 9}\n",
            "character(len=8) label = \"label   \"\n",
            "real(kind=16) quad = 0.33333333333333333333333333333333",
            "logical(kind=4) yes = true\n",
            "complex(kind=8) z = 1.5 + -2.0i\n",
            "MAIN__+0x… (shapes.f90:",
        ],
    );
    Ok(())
}
