//! Objects that are not where they were: deleted, replaced, in a container, in memory, in an archive,
//! mapped more than once, generated.

use crate::shipping::claim;
use crate::workshop::{Workshop, frames, module, report};
use sample_targets::Target;
use serde_json::Value;
use std::process::Command;

const ALL: &str = "yes | yes | yes";

/// The shipped program, and what it shows when nothing happens to it.
fn plain() -> (Workshop, Vec<Value>) {
    let shop = Workshop::new();
    shop.compile("gcc", "");
    let expected = frames(&report(&shop.start("program", &[]), &[]));
    (shop, expected)
}

#[test]
fn a_file_that_is_deleted_or_replaced() {
    let (shop, expected) = plain();
    let target = shop.start("program", &[]);
    shop.run("rm program");
    let found = report(&target, &[]);
    assert_eq!(frames(&found), expected);
    let read_from = module(&found, "program")["read_from"].as_str().unwrap();
    assert_eq!(read_from, format!("/proc/{}/exe", target.pid()));
    claim("deleted since it was started", ALL);

    shop.run("gcc -g -O2 -DSHARED -shared -fPIC -o program $SRC/shipped.c");
    let found = report(&target, &[]);
    assert_eq!(frames(&found), expected, "another file has its name now");
    claim("replaced since it was started", ALL);
}

#[test]
fn a_library_that_is_replaced() {
    let (shop, expected) = with_library();
    let target = shop.start("loads", &["twice", shop.path("library.so").to_str().unwrap()]);
    shop.run("cp library.so kept");
    shop.run("rm library.so");
    shop.run("gcc -g -O2 -Dmiddle=other -DSHARED -shared -fPIC -o library.so $SRC/shipped.c");
    let found = report(&target, &[]);
    let library = module(&found, "library.so");
    // Only root may look through map_files; for others the code is in memory, without its names.
    if library["read_from"].to_string().contains("map_files") {
        assert_eq!(twice(&frames(&found)), twice_over(&expected));
    } else {
        assert_eq!(library["read_from"], "the memory of the process");
    }
    assert!(!found.to_string().contains("\"other\""), "the new library's names are not used");
}

/// Nobody but root may look through map_files: the library is put together from memory. Its own
/// names are those of its dynamic symbols.
#[test]
fn a_deleted_library_seen_by_an_ordinary_user() {
    let (shop, expected) = with_library();
    shop.run("objcopy --only-keep-debug library.so library.debug");
    let id = module_id(&shop);
    shop.run(&format!("mkdir -p symbols/.build-id/{}", &id[..2]));
    shop.run(&format!("mv library.debug symbols/.build-id/{}/{}.debug", &id[..2], &id[2..]));
    shop.run("chmod -R a+rX .");
    let nobody = |program: &str| {
        let mut command = Command::new("setpriv");
        if is_root() {
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        }
        command.arg(program).current_dir(shop.path(""));
        command
    };
    let mut start = nobody("./loads");
    start.arg("twice").arg(shop.path("library.so"));
    let target = Target::start_command(&mut start, "setpriv (Debian package: util-linux)").unwrap();
    target.wait_until_blocked().unwrap();
    shop.run("rm library.so");
    // Where a test runs others may not be able to go.
    std::fs::copy(crate::GLIDER, shop.path("glider")).unwrap();
    let trace = |options: &[&str]| -> Value {
        let mut command = nobody("./glider");
        command.args(["--format", "json"]).args(options).arg(target.pid().to_string());
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let found = trace(&[]);
    assert_eq!(module(&found, "library.so")["read_from"], "the memory of the process");
    let names: Vec<Value> = twice(&frames(&found)).iter().map(|frame| frame["function"].clone()).collect();
    assert_eq!(names, ["outer", "outer"], "{found}");
    let found = trace(&["--debug-dir", "symbols"]);
    assert_eq!(twice(&frames(&found)), twice_over(&expected), "{}", found["modules"]);
    claim("deleted library, seen by an ordinary user, by build-id", ALL);
}

fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

fn module_id(shop: &Workshop) -> String {
    let path = shop.path("library.so");
    let found = report(&shop.start("loads", &["twice", path.to_str().unwrap()]), &[]);
    module(&found, "library.so")["debug_id"].as_str().unwrap().to_owned()
}

/// `loads` and the library that it loads, and what is shown of that when it is loaded as usual.
fn with_library() -> (Workshop, Vec<Value>) {
    let shop = Workshop::new();
    shop.run("gcc -g -O1 -fPIC -fvisibility=hidden -Douter=__attribute__((visibility(\"default\")))outer -DSHARED -shared -nostartfiles -o library.so $SRC/shipped.c");
    shop.run("gcc -g -O1 -o loads $SRC/loads.c -ldl");
    let path = shop.path("library.so");
    let found = report(&shop.start("loads", &["twice", path.to_str().unwrap()]), &[]);
    let all: Vec<Value> = twice(&frames(&found));
    let expected = all.get(..3).unwrap().to_vec();
    let names: Vec<&Value> = all.iter().map(|frame| &frame["function"]).collect();
    assert_eq!(names, ["wait_here", "middle", "outer", "wait_here", "middle", "outer"]);
    assert_eq!(all, twice_over(&expected));
    claim("mapped twice (`dlmopen`)", ALL);
    (shop, expected)
}

/// The frames of the library.
fn twice(frames: &[Value]) -> Vec<Value> {
    frames.iter().filter(|frame| frame["function"] != "main").cloned().collect()
}

fn twice_over(frames: &[Value]) -> Vec<Value> {
    frames.iter().chain(frames).cloned().collect()
}

#[test]
fn a_library_in_an_archive_or_in_memory_only() {
    let (shop, expected) = with_library();
    shop.run("dd if=/dev/zero of=archive bs=4096 count=3 status=none");
    shop.run("dd if=library.so of=archive bs=4096 seek=3 status=none");
    let archive = shop.path("archive");
    let found = report(&shop.start("loads", &["archive", archive.to_str().unwrap(), "12288"]), &[]);
    assert_eq!(twice(&frames(&found)), expected, "{}", found["modules"]);
    claim("mapped out of an archive", ALL);

    let library = shop.path("library.so");
    let found = report(&shop.start("loads", &["memfd", library.to_str().unwrap()]), &[]);
    let in_memory = module(&found, "memfd:library");
    if in_memory["read_from"].to_string().contains("map_files") {
        assert_eq!(twice(&frames(&found)), expected, "{}", found["modules"]);
    } else {
        assert_eq!(in_memory["read_from"], "the memory of the process");
    }
    claim("a `memfd`, or deleted library (root)", ALL);
}

/// A file system of its own, as a container has: nothing of it can be seen from outside.
#[test]
fn a_process_with_another_root() {
    let shop = Workshop::new();
    shop.compile("gcc", "-static");
    let expected = frames(&report(&shop.start("program", &[]), &[]));
    for command in [
        "objcopy --only-keep-debug program program.debug",
        "strip program",
        "objcopy --add-gnu-debuglink=program.debug program",
        "mkdir root",
        "gcc -static -o enters $SRC/enters.c",
    ] {
        shop.run(command);
    }
    let script = "mount -t tmpfs none root && mkdir root/srv && mv program root/srv/inside && \
                  mv program.debug root/srv && exec ./enters root /srv/inside";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script]).current_dir(shop.path(""));
    let target = Target::start_command(&mut command, "unshare (Debian package: util-linux)").unwrap();
    let found = report(&target, &[]);
    assert_eq!(frames(&found), expected, "{}", found["modules"]);
    let inside = module(&found, "/srv/inside");
    assert_eq!(inside["read_from"], "/srv/inside in the root of the process");
    assert_eq!(inside["debug_info"], "/srv/program.debug");
    claim("in a container, debug file inside", ALL);
}

#[test]
fn generated_code() {
    let shop = Workshop::new();
    shop.run("gcc -g -O1 -o generates $SRC/generates.c");
    for arguments in [&[][..], &["doublemapper"]] {
        check_generated(&shop.start("generates", arguments));
    }
    claim("generated code with a perf map", "yes | no | no");
}

fn check_generated(target: &Target) {
    let map = format!("/tmp/perf-{}.map", target.pid());
    let found = report(target, &[]);
    let functions = |report: &Value| -> Vec<String> {
        let frames = report["threads"][0]["frames"].as_array().unwrap().clone();
        frames.iter().map(|frame| frame["function"].as_str().unwrap_or("?").to_owned()).collect()
    };
    let names = functions(&found);
    let at = names.iter().position(|name| name == "LazyCompile:~work /srv/app.js:3");
    let (before, after) = (at.and_then(|at| names.get(at - 1)), at.and_then(|at| names.get(at + 1)));
    assert_eq!(
        (before.map(String::as_str), after.map(String::as_str)),
        (Some("wait_for_ever"), Some("main")),
        "{names:?}"
    );
    std::fs::remove_file(&map).unwrap();
    assert!(functions(&report(target, &[])).contains(&"main".to_owned()), "frame pointers lead through it");
}
