//! The tools that are measured, and how each is asked for all it can show.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A tool.
pub(crate) struct Peer {
    /// Which it is.
    pub(crate) tool: Tool,
    /// Its name in the tables.
    pub(crate) name: String,
    program: PathBuf,
    arguments: Vec<&'static str>,
}

impl Peer {
    /// The command that looks at process `pid`; its output is still to be directed.
    pub(crate) fn command(&self, pid: i32) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(pid.to_string());
        // No tool is to ask the network.
        command.env_remove("DEBUGINFOD_URLS").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// Where in [`find`]'s list those are that the bounds speak of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tool {
    /// glider as it is by default.
    Glider,
    /// glider with the shortest stop it offers.
    Snapshot,
    /// elfutils.
    EuStack,
    /// gdb.
    Gdb,
    /// lldb.
    Lldb,
    /// `floor.rs`.
    Floor,
    /// `floor.rs`, reading the stacks to their ends.
    WholeFloor,
}

/// More frames, bytes and seconds than any target needs, so that all tools print everything.
const EVERYTHING: [&str; 6] = ["--max-frames", "100000", "--max-output", "16G", "--timeout", "600"];

/// glider and its peers.
pub(crate) fn find(glider: &Path, floor: &Path) -> anyhow::Result<Vec<Peer>> {
    for program in [glider, floor] {
        if !program.is_file() {
            bail!(
                "{} is not there; build it with cargo build --release -p glider -p gimli-tests",
                program.display()
            );
        }
    }
    let help = Command::new(glider).arg("--help").output().context("glider --help")?.stdout;
    let has_snapshot = String::from_utf8_lossy(&help).contains("--snapshot");
    let peer = |tool, name: &str, program: PathBuf, arguments: &[&'static str]| Peer {
        tool,
        name: name.into(),
        program,
        arguments: arguments.to_vec(),
    };
    let eu_stack = in_path("eu-stack").context("eu-stack not found (Debian package: elfutils)")?;
    let gdb = in_path("gdb").context("gdb not found (Debian package: gdb)")?;
    let lldb = ["lldb", "lldb-19", "lldb-16", "lldb-14"].iter().find_map(|name| in_path(name));
    let lldb = lldb.context("lldb not found (Debian package: lldb or lldb-14)")?;
    let mut peers = vec![peer(Tool::Glider, "glider", glider.to_owned(), &EVERYTHING)];
    if has_snapshot {
        let arguments = [&EVERYTHING[..], &["--snapshot"]].concat();
        peers.push(peer(Tool::Snapshot, "glider --snapshot", glider.to_owned(), &arguments));
    }
    peers.extend([
        peer(Tool::EuStack, "eu-stack -s -i", eu_stack, &["-s", "-i", "-n", "0", "-p"]),
        peer(
            Tool::Gdb,
            "gdb, bt full",
            gdb,
            &["-q", "-batch", "-nx", "-ex", "thread apply all bt full", "-p"],
        ),
        peer(Tool::Lldb, "lldb, bt all", lldb, &["--batch", "-o", "bt all", "-p"]),
        peer(Tool::Floor, "floor", floor.to_owned(), &[]),
        peer(Tool::WholeFloor, "floor, whole stacks", floor.to_owned(), &["--whole"]),
    ]);
    Ok(peers)
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
