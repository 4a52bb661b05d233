//! Which of the system's packages would bring the debug information that a report lacks: looked
//! up by the keeper, once the target runs on.

use crate::report::Module;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// dpkg's lists of files, one a package (dpkg(1)).
const LISTS: &str = "/var/lib/dpkg/info";
/// Bytes of lists that are read; a large system has some 50 MB.
const MAX_READ: usize = 256 << 20;

/// Completes the remedy of each module that has one with the package to install.
pub(super) fn name(modules: &mut [Module]) {
    let lacking: HashSet<&str> = modules
        .iter()
        .filter(|module| module.remedy.is_some())
        .map(|module| without_usr(&module.filename))
        .collect();
    if lacking.is_empty() {
        return;
    }
    let owners = owners(Path::new(LISTS), &lacking);
    for module in modules {
        let owner = owners.get(without_usr(&module.filename));
        if let (Some(remedy), Some(package)) = (&mut module.remedy, owner) {
            *remedy = format!("package {}, {remedy}", debug_package(package));
        }
    }
}

/// Since the folders were merged the same file is known with and without `/usr`.
fn without_usr(path: &str) -> &str {
    path.strip_prefix("/usr").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Debian's name for the package of debug information. All but a few are made automatically.
fn debug_package(package: &str) -> String {
    match package {
        "libc6" => "libc6-dbg".to_owned(),
        package => format!("{package}-dbgsym"),
    }
}

/// The packages that own the files.
fn owners(lists: &Path, files: &HashSet<&str>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut read = 0;
    for list in fs::read_dir(lists).into_iter().flatten().flatten() {
        let name = list.file_name();
        let Some(package) = name.to_str().and_then(|name| name.strip_suffix(".list")) else { continue };
        let package = package.split(':').next().unwrap_or(package);
        let Ok(text) = fs::read(list.path()) else { continue };
        read += text.len();
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let owned = lines.map(without_usr).filter(|line| files.contains(line));
        found.extend(owned.map(|file| (file.to_owned(), package.to_owned())));
        if found.len() == files.len() || read > MAX_READ {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_file_is_found_with_and_without_usr() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("zlib1g:amd64.list"), "/.\n/lib\n/lib/libz.so.1\n").unwrap();
        fs::write(folder.path().join("other.list"), "/usr/lib/libother.so.1\n").unwrap();
        fs::write(folder.path().join("other.md5sums"), "/lib/libnone.so\n").unwrap();
        let files = ["/usr/lib/libz.so.1", "/lib/libother.so.1", "/lib/libnone.so"].map(without_usr);
        let owners = owners(folder.path(), &files.into_iter().collect());
        assert_eq!(owners.get("/lib/libz.so.1").map(String::as_str), Some("zlib1g"));
        assert_eq!(owners.get("/lib/libother.so.1").map(String::as_str), Some("other"));
        assert_eq!(owners.len(), 2);
    }

    #[test]
    fn packages_of_debug_information_are_named_as_debian_names_them() {
        assert_eq!(debug_package("zlib1g"), "zlib1g-dbgsym");
        assert_eq!(debug_package("libc6"), "libc6-dbg");
    }
}
