//! Objects that are none are said to be, and cost nothing.

use crate::program::{compile, glider, members, plugin, start, trace, value, words};
use gimli_plugin_api::testing::Report;

/// What is wrong with a variable, in the plugin's words.
fn fault<'r>(report: &'r Report, name: &str) -> &'r str {
    let words = words(report, "hold_damaged", name);
    words
        .strip_prefix("<not a valid std::")
        .and_then(|words| words.strip_suffix('>'))
        .unwrap_or_else(|| panic!("{name} is taken for valid: {words}"))
}

/// The words for the members of the structure that `place` points at.
fn filled(report: &Report) -> Vec<(String, String)> {
    let everything = &value(report, "hold_filled", "place")["pointee"];
    let held = members(everything).into_iter().find(|(name, _)| *name == "held").unwrap().1;
    let text = |value: &serde_json::Value| value["text"].as_str().unwrap_or_default().to_owned();
    members(held).into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

fn traced(options: &[&str], name: &str, byte: &str) -> Report {
    let program = compile("corrupt.cpp", name, options);
    let mut target = start(&program, &[byte]);
    // A plugin may not take longer than this for all it does: what walked without bound would be ended.
    let bounded = glider().plugin(plugin()).option("--plugin-time").option("5");
    let report = trace(bounded, &target);
    assert!(target.is_running());
    report
}

#[test]
fn memory_that_never_was_an_object_is_recognised() {
    for (byte, name) in [("165", "corrupt_a5"), ("255", "corrupt_ff")] {
        let report = traced(&["-O0"], name, byte);
        let filled = filled(&report);
        assert_eq!(filled.len(), 17);
        for (name, text) in &filled {
            // An index of 255 is how a variant says that it holds nothing.
            let is_nothing = byte == "255" && name == "variant";
            match is_nothing {
                true => assert_eq!(text, "std::variant, valueless by exception"),
                false => assert!(text.starts_with("<not a valid std::"), "{byte}: {name} is {text}"),
            }
        }
    }
}

#[test]
fn memory_of_zeros_is_what_zeros_mean() {
    let report = traced(&["-O0"], "corrupt_00", "0");
    for (name, text) in filled(&report) {
        let is_valid = !text.starts_with("<not a valid");
        // These have no pointer to themselves or to memory of their own when they are empty.
        let may_be_zero = [
            "view", "vector", "bits", "forward", "unique", "shared", "weak", "optional", "variant",
            "function",
        ];
        assert_eq!(is_valid, may_be_zero.contains(&name.as_str()), "{name} is {text}");
    }
}

#[test]
fn one_word_written_over_is_found() {
    let report = traced(&["-O0"], "corrupt_one", "165");
    for (name, why) in [
        ("reversed", "vector: end before begin"),
        ("odd", "vector: its 10 bytes are no multiple of the element's 4"),
        ("unmapped", "vector: its data pointer 0x1000 is not mapped"),
        ("too_long", "string: length 1000 above capacity 15"),
        ("unterminated", "string: no NUL at its end"),
        ("dangling", "string: its data pointer 0x2000 is not mapped"),
        ("circle", "list: [3] does not lead back to the one before it"),
        ("shortened", "list: it ends after 3 of 5 elements"),
        ("forward_circle", "forward_list: it is a circle: the link after [2] leads back"),
        ("loose_end", "forward_list: the link to [2] 0xdead0 is not mapped"),
        ("ring", "unordered_map: it is a circle: the link to [3] leads back"),
        ("longer", "unordered_map: it ends after 2 of 7 elements"),
        ("elsewhere", "deque: begin lies outside of its block"),
        ("flag", "optional: its flag is 7"),
        ("index", "variant: alternative 9 of 2"),
    ] {
        assert_eq!(fault(&report, name), why, "{name}");
    }
    for (name, start, end) in [
        ("unaligned", "vector: its data pointer 0x", " is not aligned to 4"),
        ("enormous", "vector: its data pointer 0x", " is not mapped"),
        ("crossed", "map: node 0x", " does not lead back to its parent"),
        ("freed", "shared_ptr: its control block 0x", " has no virtual table"),
    ] {
        let why = fault(&report, name);
        assert!(why.starts_with(start) && why.ends_with(end), "{name}: {why}");
    }
    // What could be reached before the damage is shown.
    let reached = |name| members(value(&report, "hold_damaged", name)).len();
    assert_eq!([reached("circle"), reached("loose_end"), reached("ring")], [3, 2, 3]);
}

#[test]
fn a_list_without_end_is_walked_a_few_steps() {
    let report = traced(&["-O2"], "corrupt_2", "165");
    let endless = value(&report, "hold_damaged", "endless");
    assert_eq!(endless["text"], "std::forward_list of length more than 4096");
    assert_eq!((members(endless).len(), endless["omitted"].as_u64()), (16, Some(4080)));
}
