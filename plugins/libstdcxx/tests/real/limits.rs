//! glider's limits are the plugin's.

use crate::program::{compile, glider, members, plugin, start, trace, value, values};

#[test]
fn elements_and_characters_are_cut_where_glider_cuts_them() {
    let target = start(values(), &[]);
    let few = glider().plugin(plugin()).option("--max-array=2").option("--max-string=4");
    let report = trace(few, &target);
    let cut = |name| {
        let value = value(&report, "hold_sequences", name);
        (members(value).len(), value["omitted"].as_u64().unwrap())
    };
    assert_eq!(cut("numbers"), (2, 1));
    assert_eq!(cut("deque"), (2, 2));
    assert_eq!(cut("list"), (2, 1));
    assert_eq!(cut("forward"), (2, 1));
    let bits = &value(&report, "hold_sequences", "bits")["text"];
    assert_eq!(bits, "std::vector<bool> of length 3, capacity 64: {true, false, ...}");
    assert_eq!(value(&report, "hold_associations", "squares")["omitted"], 8);
    assert_eq!(value(&report, "hold_strings", "brief")["text"], "\"brie\"... (length 5)");
    assert_eq!(value(&report, "hold_strings", "very_long")["text"], "\"vvvv\"... (length 1000)");
}

#[test]
fn what_lies_too_deep_is_counted_only() {
    let target = start(values(), &[]);
    let report = trace(glider().plugin(plugin()).option("--max-depth=1"), &target);
    let nested = members(value(&report, "hold_sequences", "nested"));
    let [_, ("[1]", inner)] = nested.as_slice() else { panic!("{nested:?}") };
    assert_eq!(inner["text"], "std::vector of length 2, capacity 2");
    assert_eq!((members(inner).len(), inner["omitted"].as_u64()), (0, Some(2)));
}

#[test]
fn containers_in_containers_do_not_multiply() {
    fn count(value: &serde_json::Value) -> usize {
        members(value).into_iter().map(|(_, member)| 1 + count(member)).sum()
    }
    let target = start(&compile("wide.cpp", "wide", &["-O0"]), &[]);
    for option in ["--max-array=16", "--max-array=1000000"] {
        let report = trace(glider().plugin(plugin()).option(option), &target);
        let shown = count(value(&report, "hold_wide", "cube"));
        assert_eq!(shown, 4096, "{option}");
        // The next variable is told, without its parts.
        let after = value(&report, "hold_wide", "after");
        assert_eq!(
            (after["text"].as_str(), after["omitted"].as_u64()),
            (Some("std::vector of length 1, capacity 1"), Some(1))
        );
    }
}
