//! What to build: language, optimisation, DWARF version, compiler. Knows no file and runs nothing.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// The language of a sample program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// `c/`, with a shared library and a library loaded by dlopen.
    C,
    /// `cpp/`, with a shared library.
    Cpp,
    /// `src/bin/sample_rust/`.
    Rust,
}

/// The `-O` level. Rust takes `Os` as its `s`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "each is the compilers' own name")]
pub enum Optimisation {
    O0,
    O1,
    O2,
    O3,
    Os,
}

/// The family of compilers for C and C++; Rust has its one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Compiler {
    /// gcc and g++.
    Gcc,
    /// clang and clang++.
    Clang,
}

/// One way to build one of the samples.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Build {
    /// Which program.
    pub language: Language,
    /// How much the compiler may rearrange it.
    pub optimisation: Optimisation,
    /// The version of the debugging information: 2, 3, 4 or 5.
    pub dwarf: u8,
    /// Who compiles C and C++.
    pub compiler: Compiler,
    /// More flags for each compiler call, `-static` or `-gsplit-dwarf` say; for Rust, flags of rustc.
    pub flags: Vec<String>,
}

impl Build {
    /// A build by gcc (or rustc) without further flags.
    pub fn new(language: Language, optimisation: Optimisation, dwarf: u8) -> Build {
        Build { language, optimisation, dwarf, compiler: Compiler::Gcc, flags: Vec::new() }
    }

    /// The same with another compiler family.
    pub fn compiler(self, compiler: Compiler) -> Build {
        Build { compiler, ..self }
    }

    /// The same with one more compiler flag.
    pub fn flag(mut self, flag: &str) -> Build {
        self.flags.push(flag.to_string());
        self
    }
}

/// The builds that every C and C++ statement is tried on: -O0, -O2 and -Os, with DWARF 2, 3, 4 and 5.
pub fn matrix() -> Vec<Build> {
    let mut builds = Vec::new();
    for language in [Language::C, Language::Cpp] {
        for optimisation in [Optimisation::O0, Optimisation::O2, Optimisation::Os] {
            for dwarf in 2..=5 {
                builds.push(Build::new(language, optimisation, dwarf));
            }
        }
    }
    builds
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::C => "c",
            Language::Cpp => "cpp",
            Language::Rust => "rust",
        })
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(word: &str) -> Result<Language, Error> {
        match word {
            "c" => Ok(Language::C),
            "cpp" | "c++" => Ok(Language::Cpp),
            "rust" => Ok(Language::Rust),
            _ => Err(Error::UnknownName { word: word.to_string(), expected: "c, cpp or rust" }),
        }
    }
}

impl fmt::Display for Optimisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Optimisation {
    type Err = Error;

    fn from_str(word: &str) -> Result<Optimisation, Error> {
        match word {
            "O0" => Ok(Optimisation::O0),
            "O1" => Ok(Optimisation::O1),
            "O2" => Ok(Optimisation::O2),
            "O3" => Ok(Optimisation::O3),
            "Os" => Ok(Optimisation::Os),
            _ => Err(Error::UnknownName { word: word.to_string(), expected: "O0, O1, O2, O3 or Os" }),
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compiler::Gcc => "gcc",
            Compiler::Clang => "clang",
        })
    }
}

impl FromStr for Compiler {
    type Err = Error;

    fn from_str(word: &str) -> Result<Compiler, Error> {
        match word {
            "gcc" => Ok(Compiler::Gcc),
            "clang" => Ok(Compiler::Clang),
            _ => Err(Error::UnknownName { word: word.to_string(), expected: "gcc or clang" }),
        }
    }
}

impl fmt::Display for Build {
    /// A name fit for a folder: `cpp-clang-O2-dwarf4`. The extra flags are not in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.language)?;
        if self.language != Language::Rust {
            write!(f, "{}-", self.compiler)?;
        }
        write!(f, "{}-dwarf{}", self.optimisation, self.dwarf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_what_they_name() {
        for language in [Language::C, Language::Cpp, Language::Rust] {
            assert_eq!(language.to_string().parse::<Language>().unwrap(), language);
        }
        for level in ["O0", "O1", "O2", "O3", "Os"] {
            assert_eq!(level.parse::<Optimisation>().unwrap().to_string(), level);
        }
        for compiler in [Compiler::Gcc, Compiler::Clang] {
            assert_eq!(compiler.to_string().parse::<Compiler>().unwrap(), compiler);
        }
        let refused = "O9".parse::<Optimisation>().unwrap_err().to_string();
        assert_eq!(refused, "O9 is not O0, O1, O2, O3 or Os");
    }

    #[test]
    fn the_matrix_has_each_combination_once() {
        let names: std::collections::BTreeSet<String> = matrix().iter().map(Build::to_string).collect();
        assert_eq!(names.len(), 2 * 3 * 4);
        assert!(names.contains("cpp-gcc-Os-dwarf3"));
    }
}
