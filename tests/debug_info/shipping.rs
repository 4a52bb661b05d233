//! Each way of shipping debug information: what glider shows of the program must be what it shows
//! of the same program before it was taken apart. The table in the README has a row for each.

use crate::workshop::{Workshop, frames, lines, module, report};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What the program shows when nothing was done to it; looked at once for each way to compile it.
fn truth(shop: &Workshop, compiled: &str) -> Vec<Value> {
    static KNOWN: Mutex<BTreeMap<String, Vec<Value>>> = Mutex::new(BTreeMap::new());
    let known = KNOWN.lock().unwrap().get(compiled).cloned();
    known.unwrap_or_else(|| {
        let frames = frames(&report(&shop.start("program", &[]), &[]));
        KNOWN.lock().unwrap().insert(compiled.to_owned(), frames.clone());
        frames
    })
}

/// Compiles with `flags`, does what `commands` say to `program`, and compares. Gives the report.
fn ship(row: &str, compiler: &str, flags: &str, commands: &[&str], options: &[&str]) -> Value {
    let shop = Workshop::new();
    shop.compile(compiler, flags);
    let expected = truth(&shop, &format!("{compiler} {flags}"));
    for command in commands {
        shop.run(command);
    }
    let options: Vec<String> =
        options.iter().map(|option| option.replace("$DIR", shop.path("").to_str().unwrap())).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let found = report(&shop.start("program", &[]), &options);
    check_row(row, &expected, &found);
    found
}

/// The frames are the expected ones, and the README says so.
fn check_row(row: &str, expected: &[Value], found: &Value) {
    assert_eq!(frames(found), expected, "{row}: {}", found["modules"]);
    assert_eq!(lines(expected).iter().map(|(name, _)| *name).collect::<Vec<_>>(), NAMES, "{row}");
    claim(row, "yes | yes | yes");
}

const NAMES: [&str; 4] = ["wait_here", "middle", "outer", "main"];

/// The README's table has this row.
pub(crate) fn claim(row: &str, cells: &str) {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let line = format!("| {row} | {cells} |");
    assert!(readme.lines().any(|found| found == line), "README.md lacks the row: {line}");
}

const SEPARATE: &str = "objcopy --only-keep-debug program program.debug";
const STRIP: &str = "strip program";
const LINK: &str = "objcopy --add-gnu-debuglink=program.debug program";

#[test]
fn nothing_taken_away() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    let found = report(&shop.start("program", &[]), &[]);
    let frames = frames(&found);
    // As the source has it.
    assert_eq!(lines(&frames), [("wait_here", 19), ("middle", 26), ("outer", 32), ("main", 47)]);
    let variables = frames[0]["variables"].to_string();
    assert!(variables.contains(r#""name":"kept""#) && variables.contains(r#""text":"25""#), "{variables}");
    assert!(frames[2]["variables"].to_string().contains("here"), "{}", frames[2]);
    assert!(module(&found, "program")["debug_info"].as_str().unwrap().ends_with("/program"));
    check_row("not stripped, gcc", &frames, &found);
}

#[test]
fn by_build_id_in_a_folder() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    let expected = truth(&shop, "gcc ");
    let id = module(&report(&shop.start("program", &[]), &[]), "program")["debug_id"].to_string();
    let id = id.trim_matches('"');
    let (first, rest) = id.split_at(2);
    shop.run(&format!("mkdir -p symbols/.build-id/{first}"));
    shop.run(&format!("objcopy --only-keep-debug program symbols/.build-id/{first}/{rest}.debug"));
    shop.run(STRIP);
    let folder = shop.path("symbols");
    let found = report(&shop.start("program", &[]), &["--debug-dir", folder.to_str().unwrap()]);
    check_row("stripped, by build-id below `--debug-dir`", &expected, &found);
    let came_from = module(&found, "program")["debug_info"].as_str().unwrap();
    assert!(came_from.ends_with(&format!("symbols/.build-id/{first}/{rest}.debug")), "{came_from}");
}

#[test]
fn by_debuglink() {
    ship("stripped, `.gnu_debuglink` beside it", "gcc", "", &[SEPARATE, STRIP, LINK], &[]);
    let hidden = [SEPARATE, STRIP, LINK, "mkdir .debug", "mv program.debug .debug"];
    ship("stripped, `.gnu_debuglink` in `.debug/`", "gcc", "", &hidden, &[]);
    let away = [SEPARATE, STRIP, LINK, "mkdir away", "mv program.debug away"];
    ship("stripped, `.gnu_debuglink` in `--debug-dir`", "gcc", "", &away, &["--debug-dir", "$DIR/away"]);
    let flags = "-Wl,--build-id=none";
    ship("stripped, `.gnu_debuglink` with CRC, no build-id", "gcc", flags, &[SEPARATE, STRIP, LINK], &[]);
    ship("`eu-strip -f`", "gcc", "", &["eu-strip -f program.debug program"], &[]);
}

#[test]
fn a_debug_file_of_another_build_is_not_used() {
    let shop = Workshop::new();
    shop.compile("gcc", "-Wl,--build-id=none");
    for command in [SEPARATE, STRIP, LINK] {
        shop.run(command);
    }
    shop.run("gcc -g -O2 -o other $SRC/shipped.c");
    shop.run("objcopy --only-keep-debug other program.debug");
    let found = report(&shop.start("program", &[]), &[]);
    let module = module(&found, "program");
    assert!(module["debug_info"].is_null(), "{module}");
    assert_eq!(module["problem"], "no debug information");
    assert_eq!(module["remedy"], "--debuginfod or --debug-dir");
}

#[test]
fn compressed() {
    for kind in ["zlib", "zlib-gnu", "zstd"] {
        let command = format!("objcopy --compress-debug-sections={kind} program");
        ship(&format!("sections compressed with {kind}"), "gcc", "", &[&command], &[]);
    }
}

#[test]
fn dwz_files() {
    ship("`dwz`", "gcc", "", &["dwz program"], &[]);
    let shared = ["cp program other", "dwz -m shared.dwz program other"];
    ship("`dwz -m`, common part beside it", "gcc", "", &shared, &[]);
    let stripped = [shared[0], shared[1], SEPARATE, STRIP, LINK];
    ship("`dwz -m`, then stripped, `.gnu_debuglink`", "gcc", "", &stripped, &[]);
}

#[test]
fn split_dwarf() {
    for (compiler, dwarf) in [("gcc", 5), ("gcc", 4), ("clang", 5), ("clang", 4)] {
        let flags = format!("-gdwarf-{dwarf} -gsplit-dwarf");
        ship(&format!("`{compiler} {flags}`, `.dwo`"), compiler, &flags, &[], &[]);
        let packaged = ["llvm-dwp -e program -o program.dwp", "find -name *.dwo -delete"];
        ship(&format!("`{compiler} {flags}`, `.dwp`"), compiler, &flags, &packaged, &[]);
    }
}

#[test]
fn split_dwarf_that_is_missing_is_told() {
    let shop = Workshop::new();
    shop.compile("gcc", "-gsplit-dwarf");
    shop.run("find -name *.dwo -delete");
    let found = report(&shop.start("program", &[]), &[]);
    let problem = module(&found, "program")["problem"].to_string();
    assert!(problem.contains(".dwo") && problem.contains("program.dwp"), "{problem}");
    let frames = frames(&found);
    assert_eq!(lines(&frames).first(), Some(&("wait_here", 19)), "lines are in the program itself");
}

#[test]
fn the_forms_of_dwarf() {
    ship("`clang -gdwarf-5`, no `.debug_aranges`", "clang", "-gdwarf-5", &[], &[]);
    ship("`clang -gdwarf-5 -gpubnames` (`.debug_names`)", "clang", "-gdwarf-5 -gpubnames", &[], &[]);
    ship("`gcc -fdebug-types-section`", "gcc", "-gdwarf-4 -fdebug-types-section", &[], &[]);
    let flags = "-gdwarf-5 -fdebug-types-section -gsplit-dwarf";
    let packaged = ["llvm-dwp -e program -o program.dwp", "find -name *.dwo -delete"];
    ship("split type units, `.dwp`", "gcc", flags, &packaged, &[]);
}

#[test]
fn static_and_fixed() {
    ship("`gcc -static`", "gcc", "-static", &[], &[]);
    ship(
        "`gcc -static-pie`, stripped, `.gnu_debuglink`",
        "gcc",
        "-static-pie",
        &[SEPARATE, STRIP, LINK],
        &[],
    );
    let flags = "-no-pie -Wl,-Ttext-segment=0x10000000";
    ship("fixed address other than usual", "gcc", flags, &[SEPARATE, STRIP, LINK], &[]);
}

/// Its build-id is that of the debug file, but nothing in that is where the program has it.
#[test]
fn a_program_that_was_moved_after_it_was_taken_apart() {
    let shop = Workshop::new();
    let build = "-no-pie -Wl,--build-id=0x5a5a5a5a5a5a5a5a5a5a -Wl,-Ttext-segment=";
    shop.compile("gcc", &format!("{build}0x10000000"));
    shop.run(SEPARATE);
    shop.compile("gcc", &format!("{build}0x20000000"));
    shop.run(STRIP);
    shop.run(LINK);
    let found = report(&shop.start("program", &[]), &[]);
    assert_eq!(module(&found, "program")["debug_info"], Value::Null);
    let frames = found["threads"][0]["frames"].as_array().unwrap();
    let own =
        frames.iter().filter(|frame| frame["module"].as_str().is_some_and(|path| path.ends_with("/program")));
    let named: Vec<&Value> = own.filter(|frame| !frame["file"].is_null()).collect();
    assert!(named.is_empty(), "no line of another place: {named:?}");
}

#[test]
fn thirty_two_bit() {
    ship("`gcc -m32`, stripped, `.gnu_debuglink`", "gcc", "-m32", &[SEPARATE, STRIP, LINK], &[]);
}

/// Names of all functions, nothing else, as Fedora ships its programs (GDB manual, "MiniDebugInfo").
#[test]
fn mini_debug_info() {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    for command in [
        "objcopy --only-keep-debug program full",
        "objcopy --strip-debug full mini",
        "xz mini",
        STRIP,
        "objcopy --add-section .gnu_debugdata=mini.xz program",
    ] {
        shop.run(command);
    }
    let found = report(&shop.start("program", &[]), &[]);
    let names: Vec<String> = frames(&found).iter().map(|frame| frame["function"].to_string()).collect();
    assert_eq!(names, [r#""wait_here""#, r#""outer""#, r#""main""#], "{found}");
    let problem = module(&found, "program")["problem"].to_string();
    assert!(problem.contains(".gnu_debugdata"), "{problem}");
    claim("mini debug info (`.gnu_debugdata`)", "yes, not inlined | no | no");
}
