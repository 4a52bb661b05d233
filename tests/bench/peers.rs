//! The tools that are measured, and how each is asked for all it can show.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A tool.
pub(crate) struct Peer {
    /// Its name in the table.
    pub(crate) name: String,
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Peer {
    /// The command that looks at process `pid`; its output is still to be directed.
    pub(crate) fn command(&self, pid: i32) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).arg(pid.to_string());
        // No tool is to ask the network.
        command.env_remove("DEBUGINFOD_URLS").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// glider and those of its peers that are installed; eu-stack and gdb must be, lldb may.
pub(crate) fn find(glider: &Path) -> anyhow::Result<Vec<Peer>> {
    if !glider.is_file() {
        bail!("{} is not there; build it with cargo build --release -p glider", glider.display());
    }
    let peer = |name: &str, program: PathBuf, arguments| Peer { name: name.into(), program, arguments };
    let eu_stack = in_path("eu-stack").context("eu-stack not found (Debian package: elfutils)")?;
    let gdb = in_path("gdb").context("gdb not found (Debian package: gdb)")?;
    let mut peers = vec![
        // More frames than any target has, so that all tools print all of them.
        peer("glider", glider.to_owned(), &["--max-frames", "10000"]),
        peer("eu-stack -s -i", eu_stack, &["-s", "-i", "-n", "0", "-p"]),
        peer("gdb bt full", gdb, &["-q", "-batch", "-nx", "-ex", "thread apply all bt full", "-p"]),
    ];
    let lldb = ["lldb", "lldb-19", "lldb-16", "lldb-14"].iter().find_map(|name| in_path(name));
    if let Some(lldb) = lldb {
        peers.push(peer("lldb bt all", lldb, &["--batch", "-o", "bt all", "-p"]));
    }
    Ok(peers)
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
