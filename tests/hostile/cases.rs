//! File systems and namespaces that are made to lead glider astray. Whatever they are, there is a report
//! soon, no code is loaded, nothing is written, and the target runs on.

use super::stage::{NOBODY, Report, Target, assert_root, compile, folder, plugin, trace_with};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// What stands at a path instead of what is expected there.
type Trap = fn(&Path);

/// Each kind of thing that a path can lead to.
const TRAPS: [(&str, Trap); 13] = [
    ("nothing", |_| {}),
    ("pipe", |path| nix::unistd::mkfifo(path, Mode::S_IRWXU).unwrap()),
    ("folder", |path| fs::create_dir(path).unwrap()),
    ("socket", |path| drop(UnixListener::bind(path).unwrap())),
    ("device", |path| mknod(path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 5)).unwrap()),
    ("link to endless zeros", |path| symlink("/dev/zero", path).unwrap()),
    ("link to a terminal", |path| symlink("/dev/tty", path).unwrap()),
    ("link to a secret", |path| symlink("/etc/shadow", path).unwrap()),
    ("link to itself", |path| symlink(path, path).unwrap()),
    ("empty file", |path| drop(File::create(path).unwrap())),
    ("text", |path| fs::write(path, "#!/bin/sh\ntouch /tmp/gimli-escaped\n").unwrap()),
    ("another program", |path| _ = fs::copy("/bin/true", path).unwrap()),
    ("giant hole", |path| {
        fs::copy("/bin/true", path).unwrap();
        File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
    }),
];

/// Checks what holds for every case: a report with the thread and its pc, and no word of the plugin.
fn check(name: &str, report: &Report) {
    assert!(matches!(report.code, Some(0 | 1)), "{name}: {:?} {}", report.code, report.error);
    assert!(report.json["threads"][0]["frames"][0]["offset"].is_string(), "{name}: {}", report.json);
    assert!(!report.json.to_string().contains("become root: "), "{name}: a plugin ran");
    assert!(!Path::new("/tmp/gimli-escaped").exists(), "{name}: something was executed or written");
    assert!(!report.error.contains("panicked"), "{name}: {}", report.error);
}

/// Static, so that nothing is read but the program itself.
fn waits(folder: &Path) -> PathBuf {
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static"]);
    program
}

#[test]
fn thirteen_things_in_the_place_of_the_program() {
    assert_root();
    let folder = folder("program-replaced");
    let (original, program) = (waits(&folder), folder.join("program"));
    for (name, trap) in TRAPS {
        fs::copy(&original, &program).unwrap();
        let target = Target::start(&program, Some(NOBODY));
        fs::remove_file(&program).unwrap();
        trap(&program);
        let report = trace_with(&target, &[], &[]);
        check(name, &report);
        // What is mapped is found through the kernel's own link, whatever is at the path.
        assert!(report.functions().contains(&"inner"), "{name}: {}", report.json["problems"]);
        remove(&program);
    }
}

/// A program and where its debug file is looked for.
struct Separate {
    program: PathBuf,
    /// By its build-id. There is none yet.
    debug: PathBuf,
    /// What has it looked for there.
    option: String,
}

fn separate(name: &str) -> Separate {
    let folder = folder(name);
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static", "-Wl,--build-id=0x0123456789abcdef"]);
    let below = folder.join("debug/.build-id/01");
    fs::create_dir_all(&below).unwrap();
    let option = format!("--debug-dir={}", folder.join("debug").display());
    Separate { program, debug: below.join("23456789abcdef.debug"), option }
}

#[test]
fn thirteen_things_in_the_place_of_a_debug_file() {
    assert_root();
    let Separate { program, debug: file, option } = separate("debug-replaced");
    let target = Target::start(&program, Some(NOBODY));
    for (name, trap) in TRAPS {
        trap(&file);
        let report = trace_with(&target, &[&option], &[]);
        check(name, &report);
        assert!(report.functions().contains(&"inner"), "{name}: {}", report.json["problems"]);
        remove(&file);
    }
}

#[test]
fn thirteen_things_in_the_place_of_a_plugin() {
    assert_root();
    let folder = folder("plugin-replaced");
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static", "-DPLUGIN=\"gimli_escapes\""]);
    let target = Target::start(&program, Some(NOBODY));
    let file = folder.join("gimli_escapes.so");
    for (name, trap) in TRAPS {
        trap(&file);
        check(name, &trace_with(&target, &[], &[]));
        remove(&file);
    }
}

#[test]
fn fourteen_things_in_the_place_of_a_map_of_generated_code() {
    assert_root();
    let program = folder("perf-map-replaced").join("guises");
    compile("guises.c", &program, &["-static"]);
    let target = Target::run(Command::new(&program).arg("generated"));
    let map = PathBuf::from(format!("/tmp/perf-{}.map", target.pid()));
    let lies: Trap = |path| {
        // Names for all addresses there are, and commands to the terminal as names.
        let line = format!("0 ffffffffffffffff \x1b[2J{}\n", "long".repeat(50_000));
        fs::write(path, line + "1 ffffffffffffffff \n-1 -1 x\n7fffffffffffffff 7fffffffffffffff y\nffffffff")
            .unwrap();
    };
    for (name, trap) in TRAPS.into_iter().chain([("lies", lies)]) {
        trap(&map);
        let report = trace_with(&target, &[], &[]);
        check(name, &report);
        assert!(report.functions().contains(&"inner"), "{name}: {}", report.json["problems"]);
        assert!(!report.json.to_string().contains('\x1b'), "{name}");
        remove(&map);
    }
}

#[test]
fn a_debug_file_that_changes_and_shrinks_while_it_is_read() {
    assert_root();
    let Separate { program, debug, option } = separate("debug-changing");
    fs::copy(&program, &debug).unwrap();
    let status = Command::new("strip").arg(&program).status();
    assert!(status.is_ok_and(|status| status.success()), "strip is needed (Debian package: binutils)");
    let target = Target::start(&program, Some(NOBODY));
    let good = fs::read(&debug).unwrap();
    let file = File::options().write(true).open(&debug).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Any parts of it, in an order that looks random.
            for step in 1usize.. {
                let at = step.wrapping_mul(2_654_435_761) % good.len();
                let changed = match step % 3 {
                    0 => file.set_len(at as u64),
                    1 => file.write_all_at(&good, 0),
                    _ => file.write_all_at(&good[..good.len() - at], at as u64),
                };
                changed.unwrap();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let traces = std::panic::catch_unwind(|| {
            for _ in 0..10 {
                check("a file that changes", &trace_with(&target, &[&option], &[]));
            }
        });
        is_over.store(true, Ordering::Relaxed);
        traces.unwrap();
    });
}

/// Removes whatever a trap has put there.
fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}

#[test]
fn plugins_that_somebody_else_has_a_hand_in() {
    assert_root();
    let folder = folder("plugin-of-others");
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static", "-DPLUGIN=\"gimli_escapes\""]);
    let target = Target::start(&program, Some(NOBODY));
    let plugin = plugin(&folder, "escapes");
    let (elsewhere, parked) = (folder.join("theirs"), folder.join("parked"));
    fs::create_dir(&elsewhere).unwrap();
    chown(&elsewhere, Some(NOBODY), None).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let cases: [(&str, &dyn Fn()); 6] = [
        ("it belongs to another user", &|| chown(&plugin, Some(NOBODY), None).unwrap()),
        ("its group may write to it", &|| mode(&plugin, 0o664)),
        ("everybody may write to it", &|| mode(&plugin, 0o666)),
        ("everybody may write to its folder", &|| mode(&folder, 0o1777)),
        ("its folder is another user's", &|| chown(&folder, Some(NOBODY), None).unwrap()),
        ("it is a link into a folder of another user", &|| {
            fs::rename(&plugin, elsewhere.join("plugin.so")).unwrap();
            symlink(elsewhere.join("plugin.so"), &plugin).unwrap();
        }),
    ];
    fs::copy(&plugin, &parked).unwrap();
    for (name, prepare) in cases {
        prepare();
        let report = trace_with(&target, &[], &[]);
        check(name, &report);
        assert!(
            report.json["problems"].to_string().contains("not loaded"),
            "{name}: {}",
            report.json["problems"]
        );
        remove(&plugin);
        fs::copy(&parked, &plugin).unwrap();
        mode(&plugin, 0o755);
        mode(&folder, 0o755);
        chown(&folder, Some(0), None).unwrap();
    }
    let report = trace_with(&target, &[], &[]);
    assert!(
        report.printed().contains("become root: "),
        "as it was, it is loaded: {}",
        report.json["problems"]
    );
}

#[test]
fn names_that_pretend_to_be_something_else() {
    assert_root();
    let folder = folder("names");
    let program = waits(&folder);
    let long = format!("{}/waits", ["d".repeat(200).as_str(); 15].join("/"));
    let names: [(&str, &[u8]); 9] = [
        ("a deleted file", b"waits (deleted)"),
        ("a line of the memory map", b"waits\n00400000-00500000 r-xp 00000000 00:00 1 /etc/shadow"),
        ("an escaped newline", b"waits\\012x"),
        ("a command to the terminal", b"waits\x1b]0;title\x07\x1b[2J"),
        ("a mapping of the kernel", b"[vdso]"),
        ("a name that is not UTF-8", b"waits\xff\xfe"),
        ("blanks", b" waits \t "),
        ("a format", b"%s%n%s{}{0}"),
        ("a long path", long.as_bytes()),
    ];
    for (name, file) in names {
        let file = folder.join(OsStr::from_bytes(file));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(&program, &file).unwrap();
        let target = Target::start(&file, Some(NOBODY));
        let report = trace_with(&target, &[], &[]);
        check(name, &report);
        assert!(report.functions().contains(&"inner"), "{name}: {}", report.json["problems"]);
        let text = Command::new(env!("CARGO_BIN_EXE_glider")).arg(target.pid().to_string()).output().unwrap();
        assert!(!text.stdout.contains(&0x1b) && !text.stdout.contains(&7), "{name}");
    }
}

/// Starts a program by a shell line in namespaces of its own; the line ends in `exec`.
fn unshared(options: &[&str], line: &str) -> Target {
    let mut command = Command::new("unshare");
    Target::run(command.args(options).args(["--", "sh", "-c", line]))
}

#[test]
fn targets_in_other_roots_and_namespaces() {
    assert_root();
    let folder = folder("namespaces");
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static", "-DPLUGIN=\"gimli_escapes\""]);
    let (root, empty) = (folder.join("root"), folder.join("empty"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&empty).unwrap();
    fs::copy(&program, root.join("waits")).unwrap();
    // In its own root it is beside the program; where glider looks, there is nothing.
    plugin(&root, "escapes");
    let (root, empty) = (root.display(), empty.display());
    let into_tmpfs = format!("mount -t tmpfs none {empty} && cp {root}/* {empty} && exec {empty}/waits");
    let cases: [(&str, Target); 6] = [
        ("another root", Target::run(Command::new("chroot").args([&root.to_string(), "/waits"]))),
        ("another root and a mount namespace", unshared(&["--mount"], &format!("exec chroot {root} /waits"))),
        ("a file system of its own", unshared(&["--mount"], &into_tmpfs)),
        ("a user namespace", unshared(&["--user", "--map-root-user"], &format!("exec chroot {root} /waits"))),
        (
            "namespaces of every kind",
            unshared(&["--mount", "--uts", "--ipc", "--net", "--cgroup"], &into_tmpfs),
        ),
        ("no root any more", {
            let gone = folder.join("gone");
            fs::create_dir(&gone).unwrap();
            fs::copy(&program, gone.join("waits")).unwrap();
            let target = Target::run(Command::new("chroot").arg(&gone).arg("/waits"));
            fs::remove_dir_all(&gone).unwrap();
            target
        }),
    ];
    for (name, target) in &cases {
        let report = trace_with(target, &[], &[]);
        check(name, &report);
        assert!(report.functions().contains(&"inner"), "{name}: {}", report.json["problems"]);
    }
}

#[test]
fn an_environment_that_names_programs_and_libraries() {
    assert_root();
    let folder = folder("environment-of-programs");
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["cc", "dpkg", "debuginfod-find", "gdb", "objdump", "sh", "uname", "xz"] {
        fs::write(bin.join(name), "#!/bin/sh\ntouch /tmp/gimli-escaped\n").unwrap();
        fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    let target = Target::start(&waits(&folder), Some(NOBODY));
    let bin = bin.to_str().unwrap();
    let variables =
        [("PATH", bin), ("GIMLI_PLUGIN_PATH", bin), ("SHELL", bin), ("HOME", bin), ("TMPDIR", bin)];
    check("an environment", &trace_with(&target, &[], &variables));
}

#[test]
fn places_for_the_report_that_lead_elsewhere() {
    let folder = folder("output");
    let target = Target::start(&waits(&folder), None);
    let (place, prize) = (folder.join("report"), folder.join("prize"));
    let cases: [(&str, &dyn Fn()); 5] = [
        ("a file", &|| fs::write(&place, "precious").unwrap()),
        ("a link to a file", &|| symlink(&prize, &place).unwrap()),
        ("a link to nothing", &|| symlink(folder.join("nothing"), &place).unwrap()),
        ("a pipe that nobody reads", &|| nix::unistd::mkfifo(&place, Mode::S_IRWXU).unwrap()),
        ("a folder", &|| fs::create_dir(&place).unwrap()),
    ];
    fs::write(&prize, "precious").unwrap();
    for (name, prepare) in cases {
        prepare();
        let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
        let output = command.arg("--output").arg(&place).arg(target.pid().to_string()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {error}");
        assert!(error.contains("cannot write to") && error.lines().count() == 1, "{name}: {error}");
        assert_eq!(fs::read(&prize).unwrap(), b"precious", "{name}");
        assert!(!folder.join("nothing").exists(), "{name}");
        remove(&place);
    }
    target.assert_let_go();
}
