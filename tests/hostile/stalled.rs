//! File systems that stop answering while a program of theirs runs.

use super::stage::{Target, assert_root, compile, folder, trace_with};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A mounted file system with one file.
struct FileSystem {
    server: Child,
    output: BufReader<ChildStdout>,
    mounted: PathBuf,
}

impl FileSystem {
    fn mount(folder: &Path, program: &Path) -> FileSystem {
        let server = folder.join("stalled");
        compile("stalled.c", &server, &[]);
        let mounted = folder.join("mounted");
        std::fs::create_dir(&mounted).unwrap();
        let mut command = Command::new(server);
        command.args([&mounted, program]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        let mut system = FileSystem { server, output, mounted };
        system.expect("ready\n");
        system
    }

    fn expect(&mut self, expected: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, expected, "FUSE is needed: a kernel with it, /dev/fuse, and the right to mount");
    }

    /// From here on nothing is answered.
    fn stall(&mut self) {
        self.server.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.expect("stalled\n");
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        self.server.wait().unwrap();
    }
}

#[test]
fn a_file_system_that_does_not_answer_costs_its_file_and_one_line() {
    assert_root();
    let folder = folder("stalled");
    let program = folder.join("waits");
    compile("waits.c", &program, &["-static"]);
    let mut system = FileSystem::mount(&folder, &program);
    // Ended before the file system is: locals are dropped in the opposite order.
    let target = Target::start(&system.mounted.join("program"), None);
    system.stall();
    let report = trace_with(&target, &[], &[]);
    assert!(matches!(report.code, Some(0 | 1)), "{:?}: {}", report.code, report.error);
    assert!(report.json["threads"][0]["frames"][0]["offset"].is_string(), "{}", report.json);
    let told = report.json.to_string().matches("does not answer within").count();
    assert_eq!(told, 1, "{}", report.json);
    assert!(
        report.json["timing"]["paused_us"].as_u64().is_some_and(|pause| pause < 2_000_000),
        "{}",
        report.json
    );
}
