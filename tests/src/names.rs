//! Function names and source files in the spellings of two tools.
//!
//! What counts as one spelling of a name, and why, is listed at [`same_function`] and [`same_file`].

/// Whether two tools name one function.
///
/// `linkage_name` is the symbol gdb found for it. Equal are:
/// - names that differ in white space alone: `foo<int, long>` and `foo<int,long>`;
/// - `__GI_raise` and `raise`: one function of the C library, by the name of its symbol (gdb) and by
///   that in the source;
/// - for Rust, the demangled linkage name, with or without its hash: gdb names Rust functions by
///   their place in the debug information (`vec::{impl#1}::push<u8, Global>`), the symbol says
///   `<Vec<T> as Extend>::push`; without a symbol only `push` can be compared;
/// - for C++, what is local to a function, lambdas above all: gdb says `operator()` for
///   `f(int)::{lambda()#1}::operator()() const`;
/// - names with one base: gdb leaves out the parameters of a C++ function where it has debug
///   information, shows them where it has only a symbol; template arguments, ABI tags, clone
///   suffixes (`.isra.0`, `.cold`) and symbol versions (`@@GLIBC_2.34`) are spelled by taste.
pub fn same_function(gdb: &str, linkage_name: Option<&str>, other: &str) -> bool {
    // glibc's alias for its own calls.
    let (gdb, other) = (gdb.trim_start_matches("__GI_"), other.trim_start_matches("__GI_"));
    if squeeze(gdb) == squeeze(other) {
        return true;
    }
    let symbol = linkage_name.unwrap_or(gdb);
    if squeeze(symbol) == squeeze(other) {
        return true;
    }
    if let Ok(demangled) = rustc_demangle::try_demangle(symbol) {
        let rust = [demangled.to_string(), format!("{demangled:#}")];
        if rust.iter().any(|name| squeeze(name) == squeeze(other)) {
            return true;
        }
    }
    if gdb.contains("{impl#") || gdb.starts_with('<') || other.starts_with('<') || other.contains("<impl ") {
        return last(&base(gdb)) == last(&base(other));
    }
    let (theirs, ours) = (base(gdb), base(other));
    // In the scope of a function gdb gives the last part alone.
    let is_local = !theirs.contains("::") && other.contains(")::");
    theirs == if is_local { last(&ours) } else { &ours }
}

/// Whether a file name of `theirs` and the name `ours` denote one source file: after `.` and `..`
/// are resolved, one is the other, or the end of it at a `/` (a compiler is given relative paths,
/// and tools may or may not put the compilation folder before them).
pub fn same_file(theirs: &[String], ours: &str) -> bool {
    let ours = components(ours);
    theirs.iter().any(|their| {
        let their = components(their);
        let (long, short) = if their.len() >= ours.len() { (&their, &ours) } else { (&ours, &their) };
        !short.is_empty() && long.ends_with(short)
    })
}

/// The components of a path, without `.`; a `..` takes the component before it away.
fn components(path: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
}

fn squeeze(name: &str) -> String {
    name.chars().filter(|character| !character.is_whitespace()).collect()
}

/// The path of a function: no parameters, template arguments, tags or suffixes.
///
/// `ns::foo<int>(char)::{lambda()#1}::operator()(int) const [clone .isra.0]` is
/// `ns::foo::{lambda}::operator()`.
fn base(name: &str) -> String {
    // Both spell it so; its parentheses are no parameters.
    let name = name.replace("(anonymous namespace)", "{anonymous}");
    let name = name.split(" [clone").next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    let mut out = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if let Some((operator, after)) = operator(&out, rest) {
            out.push_str(&operator);
            rest = after;
            continue;
        }
        let after = match first {
            '<' => skip(rest, '<', '>'),
            '[' => skip(rest, '[', ']'),
            '(' => skip(rest, '(', ')'),
            // Closures are counted by some (`{closure#0}`) and doubled by others (`{{closure}}`).
            '{' => {
                let after = skip(rest, '{', '}');
                let inner = rest.strip_suffix(after).unwrap_or(rest);
                out.push_str(&closure(inner));
                after
            }
            // ` const`, and clone suffixes.
            ' ' | '.' => break,
            first => {
                out.push(first);
                rest.get(first.len_utf8()..).unwrap_or_default()
            }
        };
        rest = after;
    }
    out
}

/// `{lambda(int)#2}` and `{{closure}}` without what follows the word.
fn closure(text: &str) -> String {
    let word: String = text
        .trim_start_matches('{')
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    format!("{{{word}}}")
}

/// At the start of a component: an operator's name as a whole, so that its signs open nothing.
fn operator<'a>(before: &str, rest: &'a str) -> Option<(String, &'a str)> {
    if !(before.is_empty() || before.ends_with(':')) {
        return None;
    }
    let after = rest.strip_prefix("operator")?;
    const SIGNS: [&str; 14] =
        ["<=>", "<<=", ">>=", "->*", "()", "[]", "<<", ">>", "<=", ">=", "->", "<", ">", "="];
    let sign = SIGNS.iter().find(|sign| after.starts_with(**sign))?;
    Some((format!("operator{sign}"), after.strip_prefix(*sign)?))
}

/// What follows the group that starts `text`; nothing when it does not end.
fn skip(text: &str, open: char, close: char) -> &str {
    let mut depth = 0usize;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close && !(close == '>' && before == '-') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return text.get(at + character.len_utf8()..).unwrap_or_default();
            }
        }
        before = character;
    }
    ""
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_function_are_equal() {
        for (gdb, other) in [
            ("main", "main"),
            ("__GI_raise", "raise"),
            ("foo<int, long>", "foo<int,long>"),
            ("ns::foo", "ns::foo(int, char const*)"),
            ("ns::foo<int>", "void ns::foo<int>(int)".trim_start_matches("void ")),
            ("std::operator<< <char>", "std::operator<<<std::char_traits<char>>(int)"),
            ("(anonymous namespace)::f", "(anonymous namespace)::f(int)"),
            ("f[abi:cxx11]()", "f()"),
            ("work", "work.isra.0"),
            ("work", "work(int) [clone .constprop.0]"),
            ("foo()::{lambda(int)#1}::operator()", "foo()::{lambda(int)#1}::operator()(int) const"),
            ("operator()", "hold(int)::{lambda(int)#1}::operator()(int) const"),
            ("pthread_create@@GLIBC_2.34", "pthread_create"),
        ] {
            assert!(same_function(gdb, None, other), "{gdb} and {other}");
        }
    }

    #[test]
    fn rust_functions_are_known_by_their_symbol() {
        let symbol = "_ZN39_$LT$r..S$LT$T$GT$$u20$as$u20$r..T1$GT$2go17h9db3a2bf919ee6f4E";
        assert!(same_function("r::{impl#0}::go<u8>", Some(symbol), "<r::S<T> as r::T1>::go"));
        assert!(same_function("r::{impl#0}::go<u8>", Some(symbol), "r::{impl#0}::go<u8>"));
        assert!(!same_function("r::{impl#0}::go<u8>", Some(symbol), "<r::S<T> as r::T1>::stop"));
    }

    #[test]
    fn other_functions_are_not() {
        for (gdb, other) in [
            ("main", "Main"),
            ("a::foo", "b::foo"),
            ("foo", "foo2"),
            ("operator<<", "operator<"),
            ("ns::operator()", "ns::operator[]"),
            ("work", ""),
            ("operator()", "hold(int)::{lambda(int)#1}::operator[](int) const"),
            ("work", "a::work()"),
            ("f()::{lambda()#1}::operator()", "f()"),
        ] {
            assert!(!same_function(gdb, None, other), "{gdb} and {other}");
        }
    }

    #[test]
    fn files_are_equal_when_one_ends_with_the_other() {
        let gdb = ["../sysdeps/unix/pause.c".to_owned(), "./posix/../sysdeps/unix/pause.c".to_owned()];
        assert!(same_file(&gdb, "/build/glibc/posix/../sysdeps/unix/pause.c"));
        assert!(same_file(&gdb, "pause.c"));
        assert!(!same_file(&gdb, "use.c"));
        assert!(!same_file(&gdb, "/build/sysdeps/linux/pause.c"));
        assert!(!same_file(&gdb, ""));
        assert!(!same_file(&[], "pause.c"));
    }
}
