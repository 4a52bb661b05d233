//! Puts a name into a type: `char [32]` and `name` make `char name[32]`.
//!
//! Pipeline place: used by the text renderer. It knows the spelling of C types and
//! nothing of values; types of other languages get the name behind them.

use std::fmt::Write;

/// Replaces `declaration` by that of `name` with the type `type_name`, and its width for a bit-field.
///
/// C puts the name inside array and function types: `char name[32]`,
/// `int (*callback)(int)`, `int (*table[4])(void)` (C11 §6.7.6, "declarators"; the type
/// alone is §6.7.7's abstract declarator). Anything else is type, space, name. Without a
/// type or without a name, it is the other alone.
pub(super) fn declare(declaration: &mut String, type_name: &str, name: &str, bits: Option<u64>) {
    declaration.clear();
    if type_name.is_empty() || name.is_empty() {
        declaration.push_str(type_name);
        declaration.push_str(name);
    } else {
        let (before, glue, after) = split(type_name);
        for part in [before, glue, name, after] {
            declaration.push_str(part);
        }
    }
    if let Some(bits) = bits {
        // Writing to a String cannot fail.
        let _ = write!(declaration, ":{bits}");
    }
}

/// What stands before the name, between it and the name, and after the name.
fn split(type_name: &str) -> (&str, &str, &str) {
    if let Some((before, after)) = position_in_group(type_name).and_then(|at| type_name.split_at_checked(at))
    {
        let before = before.trim_end();
        let glue = if before.ends_with(|last: char| last.is_ascii_alphanumeric()) { " " } else { "" };
        return (before, glue, after);
    }
    let (before, after) = split_array_suffix(type_name);
    (before, " ", after)
}

/// Where the name goes inside the first group that starts with a pointer: `(*` … `)`.
///
/// Only a group outside of template arguments and parameter lists can be the
/// declarator; those in Rust's `(*const u8, u8)` or `fn(*mut T)` do not end where a
/// declarator does and are left alone.
fn position_in_group(type_name: &str) -> Option<usize> {
    // Few types have one; to look for it takes a tenth of going through the name.
    if !type_name.as_bytes().contains(&b'(') {
        return None;
    }
    let (mut angles, mut parentheses) = (0usize, 0usize);
    for (at, byte) in type_name.bytes().enumerate() {
        match byte {
            b'<' => angles += 1,
            b'>' => angles = angles.saturating_sub(1),
            b'(' => {
                if angles == 0 && parentheses == 0 && starts_with_pointer(type_name.get(at + 1..)?) {
                    return position_after_pointers(type_name, at + 1);
                }
                parentheses += 1;
            }
            b')' => parentheses = parentheses.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Whether `text` starts with `*`, `&`, `^` or a pointer to member, `Class::*`.
fn starts_with_pointer(text: &str) -> bool {
    pointer_end(text).is_some()
}

/// Length of the pointer that `text` starts with.
fn pointer_end(text: &str) -> Option<usize> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let path = text.len() - text.trim_start_matches(is_path).len();
    let after_path = text.get(path..)?;
    let allowed = path == 0 || text.get(..path).is_some_and(|path| path.ends_with("::"));
    (allowed && after_path.starts_with(['*', '&', '^'])).then_some(path + 1)
}

/// The end of the run of pointers and qualifiers that starts at `at`, inside the innermost
/// of the groups that follow each other (`(*(*)(int))(void)`), if a declarator can end there.
fn position_after_pointers(type_name: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = type_name.get(at..)?;
        let trimmed = rest.trim_start();
        let qualifier =
            ["const", "volatile", "restrict", "_Atomic"].iter().find(|word| trimmed.starts_with(**word));
        if let Some(length) = pointer_end(trimmed) {
            at += rest.len() - trimmed.len() + length;
        } else if let Some(word) = qualifier {
            at += rest.len() - trimmed.len() + word.len();
        } else if trimmed.starts_with('(') {
            at += rest.len() - trimmed.len() + 1;
        } else {
            return trimmed.starts_with([')', '[']).then(|| type_name.len() - trimmed.len());
        }
    }
}

/// Splits `int [2][3]` into `int` and `[2][3]`. Rust's `[i32; 3]` and `&[u8]` have no such suffix.
fn split_array_suffix(type_name: &str) -> (&str, &str) {
    let (mut base, mut suffix) = (type_name, "");
    while let Some((before, count)) = base.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        let before = before.trim_end();
        if before.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        suffix = type_name.get(before.len()..).unwrap_or_default();
        base = before;
    }
    (base, suffix.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(type_name: &str, name: &str, bits: Option<u64>) -> String {
        let mut declaration = String::from("of before");
        declare(&mut declaration, type_name, name, bits);
        declaration
    }

    #[test]
    fn the_name_stands_where_the_language_puts_it() {
        for (type_name, expected) in [
            // Plain C.
            ("int", "int x"),
            ("unsigned long", "unsigned long x"),
            ("struct request *", "struct request * x"),
            ("char **", "char ** x"),
            ("const char * const", "const char * const x"),
            // Arrays.
            ("char [32]", "char x[32]"),
            ("char []", "char x[]"),
            ("int [2][3]", "int x[2][3]"),
            ("int [2] [3]", "int x[2] [3]"),
            ("char * [4]", "char * x[4]"),
            ("char *[4]", "char * x[4]"),
            ("struct point [0]", "struct point x[0]"),
            // Pointers to functions and arrays.
            ("int (*)(int)", "int (*x)(int)"),
            ("void (*)(void)", "void (*x)(void)"),
            ("int (*)[3]", "int (*x)[3]"),
            ("int (*[4])(int)", "int (*x[4])(int)"),
            ("int (* [4])(int)", "int (*x[4])(int)"),
            ("int (**)(int)", "int (**x)(int)"),
            ("int (* const)(int)", "int (* const x)(int)"),
            ("int (*const)(int)", "int (*const x)(int)"),
            ("int (* const [2])(int)", "int (* const x[2])(int)"),
            ("void (*(*)(int))(void)", "void (*(*x)(int))(void)"),
            ("void (*(*[3])(int))(void)", "void (*(*x[3])(int))(void)"),
            ("void (*)(int (*)(int), char *)", "void (*x)(int (*)(int), char *)"),
            ("struct list * (*)(struct list *)", "struct list * (*x)(struct list *)"),
            // C++.
            ("std::vector<int, std::allocator<int> >", "std::vector<int, std::allocator<int> > x"),
            ("std::function<int (*)(int)>", "std::function<int (*)(int)> x"),
            ("std::array<char [4], 2> &", "std::array<char [4], 2> & x"),
            ("(anonymous namespace)::Session *", "(anonymous namespace)::Session * x"),
            ("run(void (*)(int))::Local", "run(void (*)(int))::Local x"),
            ("int (&)[3]", "int (&x)[3]"),
            ("int (&&)[3]", "int (&&x)[3]"),
            ("int (Server::*)(int)", "int (Server::*x)(int)"),
            ("int (net::Server::*)(int) const", "int (net::Server::*x)(int) const"),
            // Rust.
            ("alloc::vec::Vec<u8, alloc::alloc::Global>", "alloc::vec::Vec<u8, alloc::alloc::Global> x"),
            ("[i32; 3]", "[i32; 3] x"),
            ("[[i32; 3]; 2]", "[[i32; 3]; 2] x"),
            ("&[u8]", "&[u8] x"),
            ("&mut [u8]", "&mut [u8] x"),
            ("*const [u8; 3]", "*const [u8; 3] x"),
            ("(i32, *const u8)", "(i32, *const u8) x"),
            ("(*const u8, u8)", "(*const u8, u8) x"),
            ("fn(*const u8) -> i32", "fn(*const u8) -> i32 x"),
            ("unsafe fn(&str) -> *mut (u8)", "unsafe fn(&str) -> *mut (u8) x"),
            // Nothing, or nonsense.
            ("", "x"),
            ("(*", "(* x"),
            ("(*(*(*", "(*(*(* x"),
            ("[3]", "[3] x"),
            ("größe [3]", "größe x[3]"),
            ("(größe*)", "(größe*) x"),
        ] {
            assert_eq!(declared(type_name, "x", None), expected, "for type {type_name:?}");
        }
    }

    #[test]
    fn bit_fields_and_missing_names() {
        assert_eq!(declared("unsigned int", "urgent", Some(1)), "unsigned int urgent:1");
        assert_eq!(declared("unsigned int", "", Some(3)), "unsigned int:3");
        assert_eq!(declared("Base", "", None), "Base");
    }

    #[test]
    fn a_long_hostile_type_takes_linear_time() {
        let type_name = "(*".repeat(200_000);
        assert!(declared(&type_name, "x", None).ends_with(" x"));
        let type_name = format!("int {}", "[1]".repeat(200_000));
        assert!(declared(&type_name, "x", None).starts_with("int x[1]"));
    }
}
