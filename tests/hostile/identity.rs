//! Ids that go to other processes: those are never stopped, read or named.

use super::stage::{Target, assert_root, compile, folder};
use glider::limits::Limits;
use glider::report::Footer;
use glider::report::redact::Redactor;
use glider::session::{Analyzer, Output, Pause, Request, trace};
use glider::target::{Capture, Mapping, Memory, ProcessInfo, open_target};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that has, or whose children have, the ids of others.
struct Impostor {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Impostor {
    fn start(program: &Path, id: Option<u32>) -> Impostor {
        let mut command = Command::new(program);
        command.args(id.map(|id| id.to_string())).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "it cannot have the id {id:?}: {:?}", child.wait());
        Impostor { child, output }
    }

    /// What it says of what was done to it.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn impostor(folder: &Path) -> PathBuf {
    let program = folder.join("impostor");
    compile("impostor.c", &program, &[]);
    program
}

/// Must not come to see anything.
struct Unused;

impl Analyzer for Unused {
    fn prepare(&mut self, _: &ProcessInfo, mappings: &[Mapping]) {
        assert!(mappings.is_empty(), "mappings of another process");
    }
    fn analyze(&mut self, _: &Capture, _: &dyn Memory, _: &mut dyn Output) -> Footer {
        unreachable!("another process was held")
    }
}

#[test]
fn a_process_that_got_the_id_meanwhile_is_neither_stopped_nor_read() {
    assert_root();
    let folder = folder("identity");
    let (waits, program) = (folder.join("waits"), impostor(&folder));
    compile("waits.c", &waits, &["-static"]);
    let target = Target::start(&waits, None);
    let id = target.pid();
    let process = open_target(id.cast_signed()).unwrap();
    assert!(!process.has_ended());
    drop(target);
    let impostor = Impostor::start(&program, Some(id));
    assert!(process.has_ended());
    assert!(process.thread_ids().is_err() && process.open_memory().is_err());
    assert!(process.read_executable_path().is_none() && process.read_owner().is_err());
    assert!(process.read_maps().map_or(true, |maps| maps.mappings.is_empty()));
    let request = Request {
        servers: None,
        threads: Vec::new(),
        timeout: Duration::from_secs(30),
        limits: Limits::default(),
        redactor: Redactor::default(),
        pause: Pause::Consistent,
        max_copy: 0,
    };
    let error = trace(&process, &request, &mut Unused).unwrap_err();
    assert!(!error.to_string().is_empty());
    assert_eq!(impostor.end(), "never stopped\n");
}

#[test]
fn processes_that_get_the_ids_of_threads_are_not_stopped() {
    assert_root();
    let impostor = Impostor::start(&impostor(&folder("thread-identity")), None);
    for _ in 0..12 {
        let mut glider = Command::new(env!("CARGO_BIN_EXE_glider"));
        glider.args(["--no-plugins", "--format=json"]).arg(impostor.child.id().to_string());
        let output = glider.stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {error}", output.status);
    }
    assert_eq!(impostor.end(), "0 stopped\n");
}
