//! "It stays small": what has to be read to know all that monitor and libgimli do.

use std::path::{Path, PathBuf};

const LIMIT: usize = 2000;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            found.push(path);
        }
    }
}

/// Lines that say something: not blank, not a comment, not closing brackets alone, and not of unit tests, which
/// stand at the end of a file.
fn lines(text: &str) -> usize {
    let (mut count, mut in_comment) = (0, false);
    for line in text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]") {
        let begins = line.starts_with("/*");
        let comment = in_comment || begins || line.starts_with("//");
        in_comment = (in_comment || begins) && !line.ends_with("*/");
        count += usize::from(!comment && line.contains(char::is_alphanumeric));
    }
    count
}

#[test]
fn monitor_and_libgimli_have_less_than_two_thousand_lines() {
    let monitor = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![monitor.join("libgimli/libgimli.h")];
    files(&monitor.join("src"), &mut found);
    files(&monitor.join("libgimli/src"), &mut found);
    let mut counts: Vec<_> =
        found.iter().map(|path| (lines(&std::fs::read_to_string(path).unwrap()), path)).collect();
    counts.sort();
    let total: usize = counts.iter().map(|(lines, _)| lines).sum();
    println!("{total} lines in {} files", counts.len());
    assert!(counts.iter().all(|(lines, _)| *lines > 0), "files that were not understood: {counts:?}");
    assert!(total < LIMIT, "{total} lines: {counts:?}");
}

#[test]
fn comments_brackets_blanks_and_tests_are_not_counted() {
    let rust = "//! A.\nuse b;\n\n/// C.\nfn d() {\n    // e\n    f(); // g\n}\n#[cfg(test)]\nmod tests {\n    h();\n}\n";
    assert_eq!(lines(rust), 3);
    assert_eq!(lines("/* a\n * b */\nint c;\n/* d */\n#endif /* e */\n"), 2);
}
