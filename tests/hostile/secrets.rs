//! What of a process's secrets is in a report.

use super::stage::{Target, compile, folder};
use std::process::Command;

/// Values that must not be shown, in memory and on the command line.
const SECRETS: [&str; 5] =
    ["hunter2-of-joe", "k3y-of-the-remote", "pa55-of-the-database", "t0k3n-of-the-shell", "l0gin-of-the-url"];

fn report(target: &Target, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    let output = command.args(arguments).arg(target.pid().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn with_redact_the_cause_has_no_secret() {
    let program = folder("secrets-in-a-cause").join("secrets");
    compile("secrets.c", &program, &[]);
    let target = Target::run(Command::new(&program).arg("assert"));
    let cause = |arguments: &[&str]| {
        let report = report(&target, arguments);
        let cause = report.lines().find(|line| line.starts_with("Cause "));
        cause.unwrap_or_else(|| panic!("no cause in {report}")).to_owned()
    };
    assert!(
        cause(&["--no-plugins"]).contains("Assertion `strcmp(login.password, \"pa55-of-the-assertion\")")
    );
    let masked = cause(&["--no-plugins", "--redact"]);
    assert!(masked.contains("Assertion `strcmp(login.password, \"<redacted "), "{masked}");
    assert!(!masked.contains("pa55-of-the-assertion"), "{masked}");
}

#[test]
fn with_redact_no_secret_is_in_the_report_and_equal_ones_are_recognised() {
    let program = folder("secrets").join("secrets");
    compile("secrets.c", &program, &[]);
    let mut command = Command::new(&program);
    command.args(["--token", "t0k3n-of-the-shell", "pg://joe:l0gin-of-the-url@localhost/db"]);
    let target = Target::run(command.env("MARK", "v4lue-of-the-environment"));
    let open = report(&target, &["--no-plugins"]);
    for secret in SECRETS {
        assert!(open.contains(secret), "{secret} is shown where nobody asked: {open}");
    }
    for format in ["--format=text", "--format=json"] {
        let masked = report(&target, &["--no-plugins", "--redact", format]);
        for secret in SECRETS {
            assert!(!masked.contains(secret), "{secret} in {masked}");
        }
        assert!(masked.contains("joe") && masked.contains("4711"), "what is no secret stays: {masked}");
        for value in ["v4lue-of-the-environment", "v4lue-that-was-added"] {
            assert!(!masked.contains(value) && !open.contains(value), "{value} in {open}");
        }
        assert!(open.matches("<environment, not shown>").count() >= 5, "{open}");
    }
    let masked = report(&target, &["--no-plugins", "--redact"]);
    let tag_of = |name: &str| {
        let line = masked.lines().find(|line| line.contains(name) && line.contains("<redacted "));
        let line = line.unwrap_or_else(|| panic!("{name} in {masked}"));
        line.split_once("<redacted ").unwrap().1[..8].to_owned()
    };
    assert_eq!(tag_of("password"), tag_of("again"), "the same text under another name: {masked}");
    assert_ne!(tag_of("password"), tag_of("api_key"));
    let also = report(&target, &["--no-plugins", "--redact-also", "remote"]);
    assert!(!also.contains("4711"), "{also}");
}
