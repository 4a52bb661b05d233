//! Plugins of other versions: one built against an older minor version works; what cannot work is refused in
//! one line that names the plugin, the version it wants and the one offered.

use crate::fixture::{build, declaration};
use crate::made_up::{MadeUp, OBJECT, frame, thread, variable};
use gimli_plugin_api::declaration::Declaration;
use gimli_plugin_api::load::{self, Reason, Refusal};
use gimli_plugin_api::{API_VERSION, Flow, Replacement, Shown};
use std::path::Path;

fn refusal(path: &Path, declaration: &Declaration) -> Refusal {
    match load::load(path, declaration) {
        Ok(plugin) => panic!("{} is loaded", plugin.name()),
        Err(refusal) => refusal,
    }
}

fn claim(version: &str) -> Declaration {
    Declaration { name: "libfoo".into(), version: "0.1.0".into(), api_version: version.into() }
}

#[test]
fn a_plugin_built_against_an_older_minor_version_works() {
    let fixture = build("older_minor", &[], &[]);
    let stated = declaration(&fixture.path);
    assert_eq!((stated.name.as_str(), stated.api_version.as_str()), ("older-minor", "1.0.0"));
    let plugin = load::load(&fixture.path, &stated).unwrap();
    assert_eq!((plugin.name(), plugin.version()), ("older-minor", "3.2.1"));

    let process = MadeUp::new(&42i32.to_le_bytes()).symbol("my_int", 0x1000);
    let mut analyzer = plugin.new_analyzer();
    analyzer.begin_trace(&process).unwrap();
    assert_eq!(analyzer.begin_thread(&process, &thread()), Ok(Flow::Continue));
    assert_eq!(analyzer.before_frame(&process, &frame(0, "main")), Ok(Flow::Continue));
    assert_eq!(analyzer.before_frame(&process, &frame(1, "secret")), Ok(Flow::Hide));
    let shown = analyzer.before_variable(&process, &frame(0, "main"), &variable("password"));
    assert_eq!(shown, Ok(Shown::Replaced(Replacement::new("not shown"))));
    let error = analyzer.end_thread(&process, &thread()).unwrap_err();
    assert_eq!(error.to_string(), "no end for thread 42");
    analyzer.global_trace(&process).unwrap();
    assert_eq!(process.printed(), format!("begin {OBJECT}\n2 frames, my_int 42 of 4 bytes\n"));
}

#[test]
fn hooks_that_an_older_plugin_does_not_have_do_nothing() {
    let fixture = build("older_minor", &[], &[]);
    let mut analyzer = load::load(&fixture.path, &declaration(&fixture.path)).unwrap().new_analyzer();
    let process = MadeUp::new(&[]);
    assert_eq!(analyzer.printers(), Ok(Vec::new()));
    assert_eq!(analyzer.print_value(&process, &frame(0, "main"), &variable("x")), Ok(Shown::AsIs));
}

#[test]
fn two_plugins_of_different_versions_in_one_process_keep_apart() {
    let (older, newer) = (build("older_minor", &[], &[]), build("panicking", &[], &[]));
    let older = load::load(&older.path, &declaration(&older.path)).unwrap();
    let newer = load::load(&newer.path, &declaration(&newer.path)).unwrap();
    assert_eq!((older.name(), newer.name()), ("older-minor", "panicking"));
    assert_eq!(newer.new_analyzer().printers(), Ok(vec!["struct foo".to_string()]));
}

#[test]
fn a_later_minor_version_is_refused_before_the_file_is_touched() {
    let refused = refusal(Path::new("/nonexistent/libfoo.so"), &claim("1.99.0"));
    let line =
        format!("libfoo wants plugin API 1.99.0, this glider offers {API_VERSION}: a newer glider is needed");
    assert_eq!(refused.to_string(), line);
}

#[test]
fn another_major_version_is_refused_by_what_its_file_states() {
    let fixture = build("older_minor", &[], &[("GIMLI_FIXTURE_CLAIMS", "2.0.0")]);
    let refused = refusal(&fixture.path, &declaration(&fixture.path));
    let line = format!(
        "older-minor wants plugin API 2.0.0, this glider offers {API_VERSION}: build it anew against the version offered"
    );
    assert_eq!(refused.to_string(), line);
    assert!(load::check_version(&claim("0.9.0")).is_err());
}

#[test]
fn patches_make_no_difference() {
    let (major, minor) = API_VERSION.split_once('.').map(|(a, b)| (a, b.split_once('.').unwrap().0)).unwrap();
    for version in [format!("{major}.{minor}.999"), format!("{major}.0.0"), API_VERSION.to_string()] {
        assert!(load::check_version(&claim(&version)).is_ok(), "{version}");
    }
}

#[test]
fn a_version_that_is_none_is_refused() {
    let line = format!(
        "libfoo wants plugin API soon, this glider offers {API_VERSION}: what it wants is no version"
    );
    assert_eq!(refusal(Path::new("/x"), &claim("soon")).to_string(), line);
}

#[test]
fn a_layout_that_differs_is_refused_in_one_line_that_names_the_type() {
    let fixture = build("older_minor", &["--features", "changed-layout"], &[]);
    let refused = refusal(&fixture.path, &declaration(&fixture.path));
    let line = refused.to_string();
    let start = format!(
        "older-minor wants plugin API 1.0.0, this glider offers {API_VERSION}: the layouts differ (Frame: "
    );
    assert!(line.starts_with(&start) && line.lines().count() == 1 && line.len() < 300, "{line}");
    let Reason::Layout { detail, .. } = refused.reason else { panic!("{line}") };
    assert!(detail.lines().count() > 10, "{detail}");
}

#[test]
fn a_library_that_is_no_plugin_is_refused_in_one_line() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.split_whitespace().find(|word| word.contains("/libc.so")).unwrap();
    let line = refusal(Path::new(libc), &claim(API_VERSION)).to_string();
    assert!(line.contains(": it cannot be loaded: ") && line.lines().count() == 1, "{line}");
}

#[test]
fn a_declaration_that_is_damaged_is_none() {
    let parse = |text: &str| Declaration::parse(text.replace('|', "\0").as_bytes());
    assert_eq!(parse("gimli plugin|libfoo|0.1.0|1.1.0|").unwrap().api_version, "1.1.0");
    for bad in [
        "",
        "gimli plugin",
        "gimli plugin|libfoo|",
        "gimli plugin|libfoo||1.1.0|",
        "other|libfoo|0.1.0|1.1.0|",
        "gimli plugin|lib\x1b[31mfoo|0.1.0|1.1.0|",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
    assert!(Declaration::parse(b"gimli plugin\0\xff\x000.1.0\x001.1.0\0").is_err());
}
