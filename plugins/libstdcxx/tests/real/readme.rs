//! README.md shows what is really printed.

use crate::program::{compile, glider, plugin, start, trace};

const STRING: &str = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
const MAP: &str = "std::map<std::string, int, std::less<std::string >, std::allocator<std::pair<const std::string, int> > >";

/// A line without what differs from run to run: addresses, and the folder of the program.
fn without_addresses(line: &str) -> String {
    let mut words = line.split(' ');
    let mut plain = Vec::new();
    for word in &mut words {
        let is_address = word.starts_with("0x") && word.len() > 10;
        let is_code = word.contains("/shop`deliver+0x");
        plain.push(if is_address || is_code { "-" } else { word });
    }
    plain.join(" ")
}

#[test]
fn the_example_is_what_is_printed() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let example = readme.split("```").find(|part| part.starts_with("text\n#1")).unwrap();
    let example: Vec<String> = example.lines().skip(1).map(without_addresses).collect();
    let target = start(&compile("shop.cpp", "shop", &["-O0"]), &[]);
    let report = trace(glider().plugin(plugin()), &target);
    let text = report.text().replace(STRING, "std::string").replace(MAP, "std::map<…>");
    let lines: Vec<String> = text.lines().map(without_addresses).collect();
    let start = lines.iter().position(|line| *line == example[0]).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(lines[start..start + example.len()], example);
}
