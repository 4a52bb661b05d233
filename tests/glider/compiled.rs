//! Values of small programs, each compiled here as its test needs it.

use super::{Result, assert_in_order, compile, report_of, start, wait_for_pause};
use std::process::Command;

/// The report of a program of one unit, which must print `ready` and block.
fn report_of_source(compiler: &str, flags: &[&str], source: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let extension = if compiler.ends_with("++") { "cc" } else { "c" };
    let file = folder.path().join(format!("source.{extension}"));
    std::fs::write(&file, source)?;
    let program = folder.path().join("program");
    let mut command = Command::new(compiler);
    command.args(["-g", "-O0"]).args(flags).arg(&file).arg("-o").arg(&program);
    compile(&mut command, "gcc, g++ or clang")?;
    let target = start(&program)?;
    wait_for_pause(target.0.id())?;
    report_of(target.0.id())
}

#[test]
fn what_ends_with_a_flexible_array_says_what_is_known_of_it() -> Result<()> {
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        struct line { int length; char text[]; };
        struct series { int count; long values[]; };
        struct none { int count; long values[0]; };
        int main(void) {
            struct line *line = calloc(1, sizeof *line + 16);
            struct series *series = calloc(1, sizeof *series + 24);
            struct none none = {5};
            strcpy(line->text, "flexible");
            series->count = 3;
            puts("ready"), fflush(stdout), pause();
            return none.count;
        }"#;
    for compiler in ["gcc", "clang"] {
        let report = report_of_source(compiler, &[], source)?;
        assert_in_order(&report, compiler, &["char text[] = \"flexible\"\n"]);
        let unknown = "values[] <unreadable: its length is not in the debug information>\n";
        assert_in_order(&report, compiler, &["int count = 3", unknown]);
        assert_in_order(&report, compiler, &["int count = 5", "values[0] = {}\n"]);
    }
    Ok(())
}

#[test]
fn characters_of_utf_8_are_text() -> Result<()> {
    let source = r#"
        #include <cstdio>
        #include <unistd.h>
        int main() {
            const char8_t *text = u8"gr\u00fc\u00dfe";
            char8_t name[8] = u8"n\u00e4me";
            char8_t letter = u8'x';
            std::puts("ready"), std::fflush(stdout), pause();
            return text[0] + name[0] + letter;
        }"#;
    for compiler in ["g++", "clang++"] {
        assert_in_order(
            &report_of_source(compiler, &["-std=c++20"], source)?,
            compiler,
            &[
                "char8_t * text = 0x…",
                "\"grüße\"\n",
                "char8_t name[8] = \"näme\"\n",
                "char8_t letter = 120 'x'\n",
            ],
        );
    }
    Ok(())
}

#[test]
fn vectors_of_64_bytes_are_their_elements_in_memory_and_in_registers() -> Result<()> {
    let source = r#"
        #include <stdio.h>
        #include <unistd.h>
        typedef double eight __attribute__((vector_size(64)));
        __attribute__((noinline)) int hold(int count) {
            eight wide = {0.5, count, 2, 3, 4, 5, 6, -7};
        #ifdef __AVX512F__
            register eight high __asm__("xmm20") = wide + 1;
            long result;
            __asm__ volatile("syscall" : "=a"(result) : "0"(34L), "v"(wide), "v"(high) : "rcx", "r11", "memory");
            return (int)wide[1] + (int)high[2] + (int)result;
        #else
            pause();
            return (int)wide[1];
        #endif
        }
        int main(int count, char **words) {
            (void)words;
            puts("ready"), fflush(stdout);
            return hold(count);
        }"#;
    let wide = "eight wide = {0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0}\n";
    assert_in_order(&report_of_source("gcc", &["-Wno-psabi"], source)?, "in memory", &[wide]);
    if std::is_x86_feature_detected!("avx512f") {
        let high = "eight high = {1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, -6.0}\n";
        let report = report_of_source("gcc", &["-O1", "-mavx512f"], source)?;
        assert_in_order(&report, "in registers", &[wide, high]);
    }
    Ok(())
}

#[test]
fn thrown_numbers_and_texts_are_told_with_their_value() -> Result<()> {
    let source = r#"
        #include <cstdio>
        #include <unistd.h>
        template <typename Thrown> void handle(Thrown thrown, void (*next)()) {
            try { throw thrown; } catch (Thrown) { next(); }
        }
        void wait_here() { std::puts("ready"), std::fflush(stdout), pause(); }
        void with_text() { handle("text", wait_here); }
        void with_float() { handle(-2.5, with_text); }
        void with_bool() { handle(true, with_float); }
        void with_unsigned() { handle(4000000000u, with_bool); }
        void with_long_long() { handle(-5000000000LL, with_unsigned); }
        int main() { handle(-42L, with_long_long); }"#;
    for flags in [&[] as &[&str], &["-m32"]] {
        let report = report_of_source("g++", flags, source)?;
        let told = [
            "char const* @ 0x…: text",
            "double @ 0x…: -2.5",
            "bool @ 0x…: true",
            "unsigned int @ 0x…: 4000000000",
            "long long @ 0x…: -5000000000",
            "long @ 0x…: -42",
        ];
        assert_in_order(&report, "thrown", &told);
    }
    Ok(())
}

#[test]
fn a_list_is_followed_to_the_greatest_depth_and_more_is_refused() -> Result<()> {
    let source = r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        struct links { struct element *next; };
        struct element { int number; struct links links[1]; };
        __attribute__((noinline)) int hold(struct element *list) {
            puts("ready"), fflush(stdout), pause();
            return list->number;
        }
        int main(void) {
            struct element *list = NULL;
            for (int number = 1000; number > 0; number--) {
                struct element *first = malloc(sizeof *first);
                first->number = number, first->links[0].next = list, list = first;
            }
            return hold(list);
        }"#;
    let folder = tempfile::tempdir()?;
    let (file, program) = (folder.path().join("source.c"), folder.path().join("program"));
    std::fs::write(&file, source)?;
    compile(Command::new("gcc").args(["-g", "-o"]).args([&program, &file]), "gcc")?;
    let target = start(&program)?;
    let glider = |depth: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
        command.args(["--no-plugins", "--max-depth", depth, "--max-pointers", "10000"]);
        command.arg(target.0.id().to_string()).output()
    };
    let deepest = glider("256")?;
    let report = String::from_utf8(deepest.stdout)?;
    // A pointer, the structure, the array and the structure in it: four levels for each element.
    assert_eq!((deepest.status.code(), report.matches("int number = ").count()), (Some(0), 64), "{report}");
    let refused = glider("257")?;
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8(refused.stderr)?.contains("at most 256 are possible"));
    Ok(())
}

#[test]
fn what_was_null_is_named_as_the_source_spells_it() -> Result<()> {
    let source = r#"
        #include <signal.h>
        #include <stdio.h>
        #include <unistd.h>
        struct s { int before; int v; };
        struct pair { struct s *p; long more; };
        struct big { long more[4]; struct s *p; };
        struct { long more; struct s *first; struct s *tab[4]; struct { struct s *p; } in; } g;
        struct s *gt[4];
        struct s *grid[2][3];
        static void stop(int number) { (void)number; pause(); }
        __attribute__((noinline)) int of_pair(struct pair l) { return l.p->v; }
        __attribute__((noinline)) int of_big(struct big b) { return b.p->v; }
        int main(void) {
            struct pair pair = {0, 1};
            struct big big = {{0}, 0};
            struct s *lt[3] = {0};
            signal(SIGSEGV, stop);
            puts("ready"), fflush(stdout);
            return EXPRESSION + (pair.p == big.p) + (lt[0] == 0);
        }"#;
    let cases = [
        ("g.tab[1]->v", "`g.tab[1]` is NULL: `g.tab[1]->v` was read"),
        ("gt[2]->v", "`gt[2]` is NULL: `gt[2]->v` was read"),
        ("grid[1][2]->v", "`grid[1][2]` is NULL"),
        ("lt[1]->v", "`lt[1]` is NULL: `lt[1]->v` was read"),
        ("g.first->v", "`g.first` is NULL: `g.first->v` was read"),
        ("g.in.p->v", "`g.in.p` is NULL: `g.in.p->v` was read"),
        ("of_pair(pair)", "`l.p` is NULL: `l.p->v` was read"),
        ("of_big(big)", "`b.p` is NULL: `b.p->v` was read"),
    ];
    for (expression, told) in cases {
        for word in ["-m64", "-m32"] {
            let flags = [word, &format!("-DEXPRESSION={expression}")];
            let report = report_of_source("gcc", &flags, source)?;
            assert_in_order(&report, &format!("{word} {expression}"), &[told]);
        }
    }
    Ok(())
}
