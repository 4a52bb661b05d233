//! Types that one unit declares and another one defines: what a pointer to them leads to is shown as
//! gdb shows it.

use super::{Result, compile, report_of, start};
use std::path::Path;
use std::process::Command;

const C: [(&str, &str); 2] = [
    (
        "main.c",
        "#include <stdio.h>\n#include <unistd.h>\n\
         struct store; union slot; struct store *open_store(void); union slot *first_slot(void);\n\
         typedef struct store store_t;\n\
         int main(void) {\n\
           store_t *store = open_store(); union slot *slot = first_slot();\n\
           puts(\"ready\"); fflush(stdout); pause();\n\
           return store == 0 && slot == 0; }\n",
    ),
    (
        "store.c",
        "struct store { int used; const char *name; struct store *next; };\n\
         union slot { long number; char text[8]; };\n\
         static struct store second = {7, \"second\", 0}; static struct store first = {3, \"first\", &second};\n\
         static union slot slot = {.text = \"slotted\"};\n\
         struct store *open_store(void) { return &first; }\n\
         union slot *first_slot(void) { return &slot; }\n",
    ),
];

const CPP: [(&str, &str); 2] = [
    (
        "main.cc",
        "#include <cstdio>\n#include <unistd.h>\n#include \"widget.h\"\n\
         int main() {\n\
           shop::Widget widget; shop::Ledger *ledger = shop::ledger();\n\
           std::puts(\"ready\"); std::fflush(stdout); pause();\n\
           return ledger == nullptr; }\n",
    ),
    (
        "widget.cc",
        "#include \"widget.h\"\n\
         namespace shop {\n\
         struct Widget::Hidden { int width = 41; };\n\
         class Ledger { public: long balance = -5; };\n\
         Widget::Widget() : hidden(new Hidden) {}\n\
         Ledger *ledger() { static Ledger one; return &one; } }\n",
    ),
];

const HEADER: &str = "namespace shop { class Ledger; Ledger *ledger();\n\
    class Widget { public: Widget(); private: struct Hidden; Hidden *hidden; }; }\n";

/// The report of a program of two units, and what gdb prints of expressions in main. `library` makes the second
/// unit a shared one.
fn report_and_gdb(
    compiler: &str,
    [main, other]: [(&str, &str); 2],
    library: bool,
    expressions: [&str; 2],
) -> Result<[String; 2]> {
    let folder = tempfile::tempdir()?;
    for (name, text) in [main, other, ("widget.h", HEADER)] {
        std::fs::write(folder.path().join(name), text)?;
    }
    let compile = |arguments: &[&str]| {
        let mut command = Command::new(compiler);
        command.current_dir(folder.path()).args(["-g", "-O0"]).args(arguments);
        compile(&mut command, "gcc, g++ or clang")
    };
    match library {
        true => {
            compile(&["-shared", "-fPIC", other.0, "-o", "libother.so"])?;
            compile(&[main.0, "./libother.so", "-o", "program"])?;
        }
        false => compile(&[main.0, other.0, "-o", "program"])?,
    }
    let program = folder.path().join("program");
    let target = start(&program)?;
    let pid = target.0.id();
    Ok([report_of(pid)?, gdb(pid, &program, expressions)?])
}

fn gdb(pid: u32, program: &Path, expressions: [&str; 2]) -> Result<String> {
    let mut command = Command::new("gdb");
    // Where it leaves a core of itself when it fails.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.args(["-q", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-ex", "frame function main"]);
    for expression in expressions {
        command.arg("-ex").arg(format!("print {expression}"));
    }
    let output = command
        .arg(program)
        .args(["-p", &pid.to_string()])
        .output()
        .map_err(|error| format!("cannot run gdb (Debian package gdb): {error}"))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Fails unless each of gdb's texts and each line of the report is there.
fn assert_both(what: &str, [report, gdb]: [String; 2], gdbs: &[&str], ours: &[&str]) {
    for text in gdbs {
        assert!(gdb.contains(text), "{what}: gdb has no `{text}`:\n{gdb}");
    }
    super::assert_in_order(&report, what, ours);
}

#[test]
fn a_c_structure_is_shown_where_another_unit_or_library_defines_it() -> Result<()> {
    for (compiler, library) in [("gcc", false), ("gcc", true), ("clang", false), ("clang", true)] {
        assert_both(
            &format!("{compiler}, library: {library}"),
            report_and_gdb(compiler, C, library, ["*store", "*slot"])?,
            // gdb looks for it in the program alone.
            if library { &[] } else { &["{used = 3, name = ", "{number = "] },
            &[
                "store_t * store = 0x…",
                "        int used = 3 (0x…)\n",
                "        const char * name = 0x…",
                "\"first\"\n",
                "            int used = 7 (0x…)\n",
                "union slot * slot = 0x…",
                "char text[8] = \"slotted\"\n",
            ],
        );
    }
    Ok(())
}

#[test]
fn a_cpp_class_is_shown_where_another_unit_defines_it_also_inside_of_a_class() -> Result<()> {
    for compiler in ["g++", "clang++"] {
        assert_both(
            compiler,
            report_and_gdb(compiler, CPP, false, ["*widget.hidden", "*ledger"])?,
            &["{width = 41}", "{balance = -5}"],
            &["shop::Widget widget = {\n", "int width = 41 (0x…)\n", "balance = -5 (0x"],
        );
    }
    Ok(())
}
