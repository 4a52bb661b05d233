//! What a hook prints, wherever it prints it from, stands where the hook stands; what plugins
//! decide is decided in their order; what a call took can be told.

use crate::module;
use crate::report::{Report, run, text};
use crate::twins::program;
use sample_targets::Target;
use std::path::Path;

#[test]
fn plugins_are_called_in_the_order_they_were_named_and_the_first_to_decide_wins() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    target.wait_until_blocked().unwrap();
    let folder = module::folder("hooks");
    let first = module::module(&folder, "server_v2", "gimli_first.so", &[]);
    let second = module::module(&folder, "server_v3", "gimli_second.so", &[]);
    let both = |a: &Path, b: &Path| {
        let arguments = ["--plugin".as_ref(), a, "--plugin".as_ref(), b];
        let report = Report::of(target.pid(), &arguments);
        let mut plugins = report.json["plugins"].as_array().unwrap().iter();
        assert_eq!(plugins.next().unwrap()["path"], a.to_str().unwrap());
        assert_eq!(plugins.next().unwrap()["path"], b.to_str().unwrap());
        let json = report.json["threads"].to_string();
        // Each says the same of a point; only one of them is heard.
        assert_eq!(json.matches("point origin is (1|-1)").count(), 1, "{json}");
        let at = json.find("point origin is (1|-1)").unwrap();
        json[..at].rfind("gimli_").map(|name| json[name..].split('.').next().unwrap().to_owned()).unwrap()
    };
    // A hook before a variable comes before printers for its type, whatever the order of the plugins.
    assert_eq!(both(&first, &second), "gimli_first");
    assert_eq!(both(&second, &first), "gimli_first");
    let third = module::module(&folder, "server_v3", "gimli_third.so", &[]);
    assert_eq!(both(&second, &third), "gimli_second");
    assert_eq!(both(&third, &second), "gimli_third");
}

#[test]
fn text_from_printf_puts_and_write_stands_in_order() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    let plugin = module::module(&module::folder("hooks"), "printing", "gimli_printing.so", &[]);
    let report = text(target.pid(), &["--plugin".as_ref(), plugin.as_path()]);
    let section = report.split("\nPlugin gimli_printing.so\n").nth(1).unwrap();
    assert!(
        section.starts_with(
            "    1 printf\n    2 puts\n    3 write\n    4 stderr\n    5 stdio again without an end\n"
        ),
        "{section}"
    );
    // Every frame has its own line, and no frame another's.
    for (line, next) in report.lines().zip(report.lines().skip(1)) {
        if let Some(number) = line.strip_prefix("    this is frame ") {
            assert!(
                next.starts_with(&format!("#{number} ")) || next.starts_with('#'),
                "{line} before {next}"
            );
        }
    }
    let frames = report.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(report.lines().filter(|line| line.starts_with("    this is frame ")).count(), frames);
}

#[test]
fn writing_to_the_process_is_refused_and_bad_handles_are_harmless() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    let plugin = module::module(&module::folder("hooks"), "contract", "gimli_contract.so", &[]);
    let report = Report::of(target.pid(), &["--plugin".as_ref(), plugin.as_path()]);
    let section = report.section(&plugin);
    let (questions, printed) = section.split_at(section.find("text_t it").unwrap_or(section.len()));
    assert_eq!(
        (report.code, questions),
        (0, "memory\nhandles\ntypes\ntables\n"),
        "{:?} {section}",
        report.problems()
    );
    for line in [
        "text_t it = {\n    const char * words = 0x",
        " \"hello\"\n}\nunion first * bytes = 0x",
        " [deref'ing bytes]\nunion first @ 0x",
        "    unsigned char letters[2] = {104, 101}\n    unsigned char low:4 = 8 (0x8)\n    unsigned char high:4 = 6 (0x6)\n",
        "    struct point where = {\n        int x = 1819043176 (0x6c6c6568)\n",
        "    enum kind kind = HELL 1819043176 (0x6c6c6568)\n}\n",
        "struct text nowhere = {\n    const char * words <unreadable: no memory at 0x10>\n}\nprinting\n",
    ] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
}

#[test]
fn the_sizes_of_the_process_are_those_that_the_kernel_tells() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    target.wait_until_blocked().unwrap();
    let plugin = module::module(&module::folder("hooks"), "status", "gimli_status.so", &[]);
    let report = Report::of(target.pid(), &["--plugin".as_ref(), plugin.as_path()]);
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", target.pid())).unwrap();
    let pages: Vec<u64> = statm.split(' ').take(2).map(|pages| pages.parse().unwrap()).collect();
    let expected = format!("{} {} {}\n", target.pid(), pages[0] * 4096, pages[1] * 4096);
    assert_eq!(report.section(&plugin), expected);
}

#[test]
fn what_each_call_took_is_told_on_request() {
    let target = Target::start(&program(), "variables", &[]).unwrap();
    let plugin = module::module(&module::folder("hooks"), "printing", "gimli_printing.so", &[]);
    let arguments = ["--trace-plugins".as_ref(), "--plugin".as_ref(), plugin.as_path()];
    let messages = String::from_utf8(run(target.pid(), &arguments).stderr).unwrap();
    let of = |hook: &str| {
        messages.lines().filter(|line| line.contains(&format!("gimli_printing.so: {hook}"))).count()
    };
    let frames = text(target.pid(), &["--no-plugins"]).lines().filter(|line| line.starts_with('#')).count();
    assert_eq!((of("loading it"), of("before frame"), of("global trace")), (1, frames, 1), "{messages}");
    assert!(messages.lines().all(|line| line.contains(" µs, ")), "{messages}");
}
