//! A Go program, optimised and not: frames, lines and the values of its functions are gdb's.

use super::{Guard, Result, assert_in_order, compile, report_of, start, wait_for_pause};
use gimli_tests::compare::compare;
use gimli_tests::figures::{Difference, Subject};
use gimli_tests::trace::Trace;
use gimli_tests::{gdb, glider};
use std::path::Path;
use std::process::Command;

/// Starts the program, compiled with these flags, and waits until it blocks.
fn start_compiled(folder: &Path, flags: &str) -> Result<Guard> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/glider/worker.go");
    let program = folder.join("worker");
    let mut compiler = Command::new("go");
    compiler.args(["build", &format!("-gcflags=all={flags}"), "-o"]).args([&program, &source]);
    compiler.env("GOCACHE", folder.join("cache")).env("GOFLAGS", "-mod=mod");
    compile(&mut compiler, "golang-go")?;
    let target = start(&program)?;
    wait_for_pause(target.0.id())?;
    Ok(target)
}

/// Whether a difference is one of the two that gdb is to blame for: it goes on behind the outermost frame, and
/// shows what is in registers, none of which Go's functions preserve.
fn is_gdbs(difference: &Difference) -> bool {
    match difference.subject {
        Subject::Frames => difference.gdb.ends_with(" ??") && difference.glider == "-",
        Subject::Values => {
            difference.glider.contains("overwritten by the call")
                || difference.gdb.contains("does not preserve")
        }
        _ => false,
    }
}

/// The thread that runs main. Those of Go's runtime do not stand still.
fn first_thread(mut trace: Trace, pid: u32) -> Trace {
    trace.threads.retain(|thread| thread.lwp == i64::from(pid));
    trace
}

#[test]
fn a_go_program_is_named_and_lined_and_its_values_are_right() -> Result<()> {
    for flags in ["", "-N -l"] {
        let folder = tempfile::tempdir()?;
        let target = start_compiled(folder.path(), flags)?;
        let (pid, limits) = (target.0.id(), gdb::Limits::default());
        let ours = glider::trace(Path::new(env!("CARGO_BIN_EXE_glider")), pid, &limits)?;
        let theirs = gdb::trace(pid, &limits)?;
        let figures = compare(&first_thread(theirs, pid), &first_thread(ours, pid));
        let ours_to_blame: Vec<&Difference> =
            figures.differences.iter().filter(|difference| !is_gdbs(difference)).collect();
        assert!(ours_to_blame.is_empty(), "{flags}: {ours_to_blame:#?}");
        for (subject, least) in [(Subject::Frames, 5), (Subject::Lines, 5), (Subject::Values, 10)] {
            let equal = figures.count(subject).equal;
            assert!(equal >= least, "{flags}: only {equal} {} were equal", subject.name());
        }
        assert_in_order(
            &report_of(pid)?,
            "Go",
            &[
                "main.block+0x… (worker.go:27)\n",
                "main.work+0x… (worker.go:35)\n",
                "main.main+0x… (worker.go:44)\n",
            ],
        );
        if flags.is_empty() {
            continue;
        }
        assert_in_order(
            &report_of(pid)?,
            "Go",
            &[
                "int8 level = -3 (0x…)\n",
                "float32 small = 0.5\n",
                "string name = \"first\"",
                "uint64 id = 7 (0x…)\n",
                "bool done = true\n",
                "int32 y = -4 (0x…)\n",
                "int64 table[3] = {-1, 0, 1}\n",
                "complex128 factor = 1.5 + -2.0i\n",
                "int64 negative = -4000000003 (0x…)\n",
            ],
        );
    }
    Ok(())
}
