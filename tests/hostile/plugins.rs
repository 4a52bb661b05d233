//! Plugins that a process of somebody else asks for.

use super::stage::{NOBODY, Target, assert_root, compile, folder, plugin, trace_with};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

const SAYS: &str = "user: 65534";

/// A program that names the plugin `escapes`, in a folder of its own.
fn program(folder: &Path) -> std::path::PathBuf {
    let program = folder.join("waits");
    compile("waits.c", &program, &["-DPLUGIN=\"gimli_escapes\""]);
    program
}

#[test]
fn beside_the_files_of_another_user_nothing_is_loaded_but_what_root_has_put_there() {
    assert_root();
    let folder = folder("beside");
    let program = program(&folder);
    let plugin = plugin(&folder, "escapes");
    let target = Target::start(&program, Some(NOBODY));
    assert!(trace_with(&target, &[], &[]).printed().contains(SAYS), "root's own");
    let owners = [(&plugin, "belongs to user 65534"), (&folder, "belongs to user 65534")];
    for (place, why) in owners {
        chown(place, Some(NOBODY), None).unwrap();
        let report = trace_with(&target, &[], &[]);
        assert_eq!(report.printed(), "", "{}", place.display());
        let problems = report.json["problems"].to_string();
        assert!(problems.contains(why) && problems.contains("--plugin-path"), "{problems}");
        chown(place, Some(0), None).unwrap();
    }
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o666)).unwrap();
    let report = trace_with(&target, &[], &[]);
    assert_eq!(report.printed(), "");
    assert!(report.json["problems"].to_string().contains("can be written by other users"));
}

#[test]
fn the_environment_names_no_folder_for_the_process_of_another_user() {
    assert_root();
    let (folder, plugins) = (folder("environment"), folder("environment/plugins"));
    let program = program(&folder);
    std::fs::create_dir_all(&plugins).unwrap();
    plugin(&plugins, "escapes");
    let variable = [("GIMLI_PLUGIN_PATH", plugins.to_str().unwrap())];
    let option = format!("--plugin-path={}", plugins.display());
    let theirs = Target::start(&program, Some(NOBODY));
    let report = trace_with(&theirs, &[], &variable);
    assert_eq!(report.printed(), "");
    assert!(report.error.contains("GIMLI_PLUGIN_PATH is not used"), "{}", report.error);
    assert!(trace_with(&theirs, &[&option], &variable).printed().contains(SAYS), "the option goes first");
    let ours = Target::start(&program, None);
    assert!(trace_with(&ours, &[], &variable).printed().contains("user: 0"));
}
