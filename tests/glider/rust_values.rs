//! Rust values: the same elements and values as gdb with Rust's own pretty printers, and what
//! those do not show.

use sample_targets::{Build, Language, Optimisation, Target, build};
use serde_json::Value;
use std::process::{Command, Output, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/gdb/rust_values.py");

fn start(optimisation: Optimisation) -> Result<Target> {
    let target = Target::start(&build(&Build::new(Language::Rust, optimisation, 5))?, "variables", &[])?;
    target.wait_until_blocked()?;
    Ok(target)
}

fn glider(target: &Target, options: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glider"));
    command.args(["--no-plugins", "--max-array", "64", "--max-depth", "10"]).args(options);
    Ok(command.arg(target.pid().to_string()).stdin(Stdio::null()).output()?)
}

/// What gdb shows: `{function: {variable: value}}`.
fn gdb(target: &Target) -> Result<Value> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let printers = format!("{}/lib/rustlib/etc", String::from_utf8(sysroot.stdout)?.trim());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("values.json");
    let output = Command::new("gdb")
        // Where it leaves a core of itself when it fails.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(["-batch", "-nx", "-x", SCRIPT, "-p", &target.pid().to_string()])
        .env("GIMLI_DUMP_OUT", &file)
        .env("GIMLI_RUST_PRINTERS", printers)
        .env("GIMLI_FUNCTIONS", "::hold_")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("gdb: {error} (Debian package: gdb)"))?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(serde_json::from_str(&text)?)
}

/// Values compared: how many scalars were equal, and what was not.
#[derive(Default)]
struct Judge {
    equal: usize,
    different: Vec<String>,
}

impl Judge {
    fn scalar(&mut self, place: &str, theirs: &str, ours: &str) {
        match theirs == ours {
            true => self.equal += 1,
            false => self.different.push(format!("{place}: gdb {theirs}, glider {ours}")),
        }
    }

    /// Compares a value of gdb's with one of the report. What gdb shows as a bare structure of the
    /// library, since it has no printer for it, is not judged where glider says more.
    fn value(&mut self, place: &str, theirs: &Value, ours: &Value) {
        let kind = ours["kind"].as_str().unwrap_or("note");
        let text = ours["text"].as_str().unwrap_or_default();
        // gdb shows what the callee left in the register.
        if text.contains("overwritten by the call") {
            return;
        }
        if let Some(theirs) = theirs.as_str() {
            match kind {
                "string" => self.scalar(place, theirs, &unquoted(text)),
                // A number stands before the character.
                _ => self.scalar(place, theirs, text.split(' ').next().unwrap_or_default()),
            }
        } else if let Some(theirs) = theirs.as_array() {
            self.scalar(&format!("{place} length"), &length(ours, theirs.len()), &theirs.len().to_string());
            for (index, theirs) in theirs.iter().enumerate() {
                self.value(&format!("{place}[{index}]"), theirs, element(ours, index));
            }
        } else if let Some(name) = theirs["variant"].as_str() {
            self.scalar(place, name, ours["name"].as_str().unwrap_or(kind));
            for (index, theirs) in theirs["members"].as_array().into_iter().flatten().enumerate() {
                self.value(&format!("{place}.{index}"), theirs, &ours["members"][index]["value"]);
            }
        } else if let Some(pairs) = theirs["map"].as_array() {
            self.scalar(&format!("{place} length"), &pairs.len().to_string(), &ours["length"].to_string());
            for (index, pair) in pairs.iter().enumerate() {
                let entry = &ours["entries"][index];
                self.value(&format!("{place} key {index}"), &pair[0], &entry["key"]);
                self.value(&format!("{place} value {index}"), &pair[1], &entry["value"]);
            }
        } else if let Some(address) = theirs["address"].as_u64() {
            if kind == "pointer" {
                let shown = if address == 0 { "nil".to_owned() } else { format!("{address:#x}") };
                self.scalar(place, &shown, text);
            }
        } else if let Some(members) = theirs["members"].as_object() {
            self.members(place, members, ours, kind);
        }
    }

    fn members(&mut self, place: &str, theirs: &serde_json::Map<String, Value>, ours: &Value, kind: &str) {
        let number = |name: &str| theirs.get(name).and_then(Value::as_str);
        let name = ours["name"].as_str().unwrap_or_default();
        match (kind, name) {
            ("wrapper", "Rc" | "Arc") => {
                if let (Some(strong), Some(weak)) = (number("strong"), number("weak")) {
                    let counts = format!("strong {strong}, weak {weak}");
                    self.scalar(place, &counts, ours["state"].as_str().unwrap_or_default());
                    // gdb shows the first byte of an unsized value.
                    if ours["value"]["kind"] != "string" {
                        self.value(&format!("{place}.value"), &theirs["value"], &ours["value"]);
                    }
                }
            }
            ("wrapper", "Cell" | "RefCell") => {
                let state = number("borrow").filter(|borrow| *borrow != "0");
                self.scalar(
                    place,
                    if state == Some("-1") { "mutably borrowed" } else { "" },
                    ours["state"].as_str().unwrap_or_default(),
                );
                self.value(&format!("{place}.value"), &theirs["value"], &ours["value"]);
            }
            ("struct" | "variant", _) => {
                for (name, theirs) in theirs {
                    let bare = name.strip_prefix("__").unwrap_or(name);
                    let is_it = |member: &&Value| member["name"] == name.as_str() || member["name"] == bare;
                    match ours["members"].as_array().into_iter().flatten().find(is_it) {
                        Some(member) => self.value(&format!("{place}.{bare}"), theirs, &member["value"]),
                        None => self.different.push(format!("{place} has no member {bare}")),
                    }
                }
            }
            _ => {}
        }
    }
}

fn length(ours: &Value, shown: usize) -> String {
    // gdb was asked for 64 at most.
    let length = ours["length"].as_u64().unwrap_or(0);
    if shown == 64 && length > 64 { shown.to_string() } else { length.to_string() }
}

/// The element with this index: equal neighbours are folded.
fn element(ours: &Value, index: usize) -> &Value {
    let holds = |element: &&Value| {
        let (first, count) =
            (element["index"].as_u64().unwrap_or(0), element["repeats"].as_u64().unwrap_or(1));
        (first..first + count).contains(&(index as u64))
    };
    ours["elements"]
        .as_array()
        .and_then(|all| all.iter().find(holds))
        .map_or(&Value::Null, |found| &found["value"])
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').replace("\\n", "\n").replace("\\\"", "\"")
}

#[test]
fn rust_values_are_those_of_gdb_with_the_printers_of_rust() -> Result<()> {
    for (optimisation, least) in [(Optimisation::O0, 300), (Optimisation::O2, 50)] {
        let target = start(optimisation)?;
        let report: Value = serde_json::from_slice(&glider(&target, &["--format", "json"])?.stdout)?;
        let theirs = gdb(&target)?;
        let mut judge = Judge::default();
        let frames = report["threads"][0]["frames"].as_array().ok_or("no frames")?;
        for (function, variables) in theirs.as_object().ok_or("nothing from gdb")? {
            let name = |frame: &&Value| {
                let name = frame["function"].as_str().unwrap_or_default();
                name.rsplit("::").next() == function.split('<').next()
            };
            let Some(frame) = frames.iter().find(name) else { continue };
            for (name, theirs) in variables.as_object().ok_or("no variables")? {
                // Of several with one name gdb shows the innermost.
                let ours = frame["variables"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|one| one["name"] == name.as_str());
                let innermost = ours.max_by_key(|one| one["depth"].as_u64());
                let Some(ours) = innermost else { return Err(format!("{function}: no {name}").into()) };
                judge.value(&format!("{function} {name}"), theirs, &ours["value"]);
            }
        }
        println!("{optimisation:?}: {} scalars equal", judge.equal);
        assert!(judge.different.is_empty(), "{optimisation:?}: {:#?}", judge.different);
        assert!(judge.equal >= least, "{optimisation:?}: only {} scalars were compared", judge.equal);
    }
    Ok(())
}

#[test]
fn what_the_printers_of_rust_do_not_show_is_shown() -> Result<()> {
    let target = start(Optimisation::O0)?;
    let report = String::from_utf8(glider(&target, &[])?.stdout)?;
    for expected in [
        "letters = {101 'e', 104 'h', 108 'l', 111 'o'}",
        "c_text = \"with a NUL\"",
        "c_owned = \"C string\"",
        "boxed = \"boxed\"",
        "text = Rc (strong 1, weak 0): \"shared text\"",
        "poisoned = Arc (strong 1, weak 0): Mutex (poisoned): 3",
        "mutex = Mutex (held): 17",
        "read_twice = RwLock (held by 2 readers): 1",
        "duration = 1.5s",
        "flag = true",
        "parent = RefCell: Weak (strong 1, weak 1)",
        "(is a sample_rust::variables_std::Lamp)",
        "<not a String: length 139 exceeds capacity 3>",
        "wide = 1267650600228229401496703205383",
        "once = OnceLock: 9",
        "unset = OnceLock (not initialised)\n",
        "set_cell = OnceCell: Some(7",
        "lazy = LazyLock: \"made when first used\"",
        "unused = LazyLock (not initialised)\n",
        "lazy_cell = LazyCell: -5",
        "unused_cell = LazyCell (not initialised)\n",
        "s on the monotonic clock\n",
        "created = 2023-11-14T22:13:20.25Z\n",
        "half_open = 1..7\n",
        "closed = 'a'..='z'\n",
        "from = 1..\n",
        "to = ..-2\n",
        "up_to = ..=340282366920938463463374607431768211455\n",
    ] {
        assert!(report.contains(expected), "no {expected:?} in:\n{report}");
    }
    let raw = String::from_utf8(glider(&target, &["--raw-values"])?.stdout)?;
    assert!(raw.contains("alloc::vec::Vec<u8, alloc::alloc::Global> vec = {"), "{raw}");
    assert!(!raw.contains("Mutex (held)"));
    Ok(())
}
