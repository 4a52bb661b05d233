//! What analyzer and plugin host have given up.

use super::stage::{NOBODY, Target, assert_root, compile, folder, plugin, trace};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_plugin_in_a_target_of_another_user_can_do_nothing_but_look() {
    assert_root();
    let folder = folder("escapes");
    let program = folder.join("waits");
    compile("waits.c", &program, &[]);
    let plugin = plugin(&folder, "escapes");
    let target = Target::start(&program, Some(NOBODY));
    let report = trace(&target, &["-v", "--plugin", plugin.to_str().unwrap()]);
    let printed = report.printed();
    for line in [
        "user: 65534 65534 65534\n",
        "groups: 0\n",
        "become root: Operation not permitted\n",
        "trace: Operation not permitted\n",
        "read memory: Operation not permitted\n",
        "signal the target: Operation not permitted\n",
        "signal the keeper: Operation not permitted\n",
        "make a file: Permission denied\n",
        "make a folder: Operation not permitted\n",
        "open a socket: Operation not permitted\n",
        "execute: Operation not permitted\n",
        "load a library: done\n",
        "fork: done\n",
    ] {
        assert!(printed.contains(line), "{line} in {printed}{}", report.json["problems"]);
    }
    for words in [
        "the analysis ran confined: user 65534, group 65534, no capability; no new privileges;",
        "files can only be read (landlock);",
        "system calls allowed (seccomp)",
    ] {
        assert!(report.error.contains(words), "{}", report.error);
    }
    assert_eq!(report.code, Some(0), "{}", report.json["problems"]);
}

#[test]
fn files_that_only_root_can_open_are_used_all_the_same() {
    assert_root();
    let folder = folder("private");
    let (program, library) = (folder.join("waits"), folder.join("gimli_escapes.so"));
    compile("waits.c", &program, &[]);
    plugin(&folder, "escapes");
    set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    let target = Target::start_then_become(&program, NOBODY);
    set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    let report = trace(&target, &["--plugin", library.to_str().unwrap()]);
    assert!(report.functions().contains(&"inner"), "{}", report.json["problems"]);
    assert!(report.printed().contains("user: 65534"), "{}", report.json["problems"]);
    assert_eq!(report.code, Some(0), "{}", report.json["problems"]);
    std::fs::remove_file(&program).unwrap();
    let report = trace(&target, &["--no-plugins"]);
    assert!(report.functions().contains(&"inner"), "of a file that is gone: {}", report.json["problems"]);
}

#[test]
fn a_target_of_root_leaves_the_analysis_no_capability() {
    assert_root();
    let folder = folder("root");
    let program = folder.join("waits");
    compile("waits.c", &program, &[]);
    let plugin = plugin(&folder, "escapes");
    let report = trace(&Target::start(&program, None), &["--plugin", plugin.to_str().unwrap()]);
    let printed = report.printed();
    for line in
        ["user: 0 0 0\n", "trace: Operation not permitted\n", "signal the target: Operation not permitted\n"]
    {
        assert!(printed.contains(line), "{line} in {printed}");
    }
}
