//! Names of template instances, taken apart: `std::__cxx11::list<int, std::allocator<int> >`.
//!
//! Text only: nothing here knows the traced process.

/// A namespace that the library inlines into `std` for the newer of its two ABIs.
const INLINE_NAMESPACES: [&str; 2] = ["__cxx11::", "_V2::"];

/// An instance of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance<'n> {
    /// The template, without inline namespaces: `std::list`.
    pub(crate) template: String,
    /// Its arguments, as they are spelled.
    pub(crate) arguments: Vec<&'n str>,
}

/// Takes a name apart. `None` for what is no instance of a template, among them what is declared inside one:
/// `std::list<int>::iterator`.
///
/// glider cuts very long names and ends them in `...`: the last argument is incomplete then.
pub(crate) fn parse(name: &str) -> Option<Instance<'_>> {
    let (template, rest) = name.split_once('<')?;
    let list = match closing(rest) {
        Some(end) if rest.get(end + 1..).is_some_and(|after| after.trim().is_empty()) => rest.get(..end)?,
        None if name.ends_with("...") => rest,
        _ => return None,
    };
    let mut template = template.trim().to_owned();
    for namespace in INLINE_NAMESPACES {
        template = template.replace(namespace, "");
    }
    Some(Instance { template, arguments: split(list) })
}

/// Where the angle bracket is closed that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = Depth::default();
    text.char_indices().find(|(at, character)| !depth.step(text, *at, *character)).map(|(at, _)| at)
}

fn split(list: &str) -> Vec<&str> {
    let (mut arguments, mut start, mut depth) = (Vec::new(), 0, Depth::default());
    for (at, character) in list.char_indices() {
        if character == ',' && depth.is_outside() {
            arguments.extend(list.get(start..at).map(str::trim));
            start = at + 1;
        }
        depth.step(list, at, character);
    }
    arguments.extend(list.get(start..).map(str::trim).filter(|last| !last.is_empty()));
    arguments
}

/// How many brackets are open.
#[derive(Default)]
struct Depth {
    angles: u32,
    others: u32,
}

impl Depth {
    fn is_outside(&self) -> bool {
        self.angles == 0 && self.others == 0
    }

    /// Goes on by one character; `false` at the one that closes more than was opened.
    fn step(&mut self, text: &str, at: usize, character: char) -> bool {
        match character {
            // In a lambda's or function's parameters an angle bracket still opens a template.
            '<' => self.angles += 1,
            '>' if text.get(..at).is_some_and(|before| before.ends_with('-')) => {}
            '>' if self.is_outside() => return false,
            '>' => self.angles = self.angles.saturating_sub(1),
            '(' | '[' | '{' => self.others += 1,
            ')' | ']' | '}' => self.others = self.others.saturating_sub(1),
            _ => {}
        }
        true
    }
}

/// The instance of `template` that a name contains: of `std::_List_node` in
/// `std::allocator<std::_List_node<int> >` it is `std::_List_node<int>`.
pub(crate) fn find_inside<'n>(name: &'n str, template: &str) -> Option<&'n str> {
    let opened = format!("{template}<");
    let start = name.find(&opened)?;
    let found = name.get(start..)?;
    let end = opened.len() + closing(found.get(opened.len()..)?)?;
    found.get(..=end)
}

/// A type without the `const` around it.
pub(crate) fn without_const(name: &str) -> &str {
    let name = name.trim();
    if name.ends_with(['*', '&']) {
        return name;
    }
    let name = name.strip_prefix("const ").unwrap_or(name);
    name.strip_suffix(" const").unwrap_or(name).trim()
}

/// What a spelled pointer points at: `Order` for `const Order* const`.
pub(crate) fn pointee(name: &str) -> Option<&str> {
    let name = name.trim();
    let name = name.strip_suffix("const").map_or(name, str::trim_end);
    Some(without_const(name.strip_suffix('*')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_taken_apart() {
        let name = "std::__cxx11::list<std::pair<int const, char>, std::allocator<int> >";
        let list = parse(name).unwrap();
        assert_eq!(list.template, "std::list");
        assert_eq!(list.arguments, ["std::pair<int const, char>", "std::allocator<int>"]);
        let function = parse("std::function<int(std::map<int, char>, long)>").unwrap();
        assert_eq!(function.arguments, ["int(std::map<int, char>, long)"]);
        let erased = parse("std::_Function_handler<int(int), f(int)::<lambda(int) -> long> >").unwrap();
        assert_eq!(erased.arguments, ["int(int)", "f(int)::<lambda(int) -> long>"]);
        assert_eq!(parse("std::tuple<>").unwrap().arguments, [""; 0]);
    }

    #[test]
    fn what_is_declared_inside_an_instance_is_none() {
        for name in ["std::list<int>::iterator", "int", "std::list<int", "std::list<int> *"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_cut_name_keeps_its_first_arguments() {
        let cut = parse("std::map<int, std::vector<std::pair<int, std::...").unwrap();
        assert_eq!((cut.template.as_str(), cut.arguments.first()), ("std::map", Some(&"int")));
    }

    #[test]
    fn nodes_are_found_in_the_names_of_their_allocators() {
        let name = "std::allocator<std::_Rb_tree_node<std::pair<int const, char> > >";
        assert_eq!(
            find_inside(name, "std::_Rb_tree_node"),
            Some("std::_Rb_tree_node<std::pair<int const, char> >")
        );
        assert_eq!(find_inside(name, "std::_List_node"), None);
    }

    #[test]
    fn qualifiers_and_pointers_are_taken_off() {
        assert_eq!(without_const("const Order"), "Order");
        assert_eq!(without_const("Order const"), "Order");
        assert_eq!(without_const("const char*"), "const char*");
        assert_eq!(pointee("const Order* const"), Some("Order"));
        assert_eq!(pointee("char const*"), Some("char"));
        assert_eq!(pointee("Order"), None);
    }
}
