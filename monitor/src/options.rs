//! Options: one table feeds the command line, the environment, the configuration file, `--help` and
//! `--show-config`. Command line over environment over file over built-in value. No effect but reading the
//! file; users are looked up by `daemon`.
//!
//! clap is not used: it has no long options with one dash and no toggles that invert the layer below, and it
//! would be the largest part of a program that has to stay small in memory.

use crate::Refusal;
use crate::event::Settings;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::{self, PathBuf};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Seconds,
    Count,
    Toggle,
    Text,
}

struct Spec {
    name: &'static str,
    variable: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
}

macro_rules! spec {
    ($name:literal, $variable:literal, $kind:ident, $default:literal, $help:literal) => {
        Spec { name: $name, variable: $variable, kind: $kind, default: $default, help: $help }
    };
}

use Kind::{Count, Seconds, Text, Toggle};
#[rustfmt::skip]
const SPECS: [Spec; 23] = [
    spec!("watchdog-interval", "GIMLI_WATCHDOG_INTERVAL", Seconds, "60", "a running server must beat this often; 0: never"),
    spec!("watchdog-start-interval", "GIMLI_WATCHDOG_START_INTERVAL", Seconds, "200", "the same while it starts"),
    spec!("watchdog-stop-interval", "GIMLI_WATCHDOG_STOP_INTERVAL", Seconds, "60", "the same while it stops; then SIGKILL"),
    spec!("trace-interval", "GIMLI_TRACE_INTERVAL", Seconds, "60", "time for glider to trace; 0: no limit"),
    spec!("respawn-frequency", "GIMLI_RESPAWN_FREQUENCY", Seconds, "15", "start the server at most this often"),
    spec!("respawn-max-delay", "GIMLI_RESPAWN_MAX_DELAY", Seconds, "300", "limit of the back-off after fast deaths"),
    spec!("trace-dir", "GIMLI_TRACE_DIR", Text, "/tmp", "where trace files go"),
    spec!("max-traces", "GIMLI_MAX_TRACES", Count, "20", "trace files of one burst, the first are kept; 0: no limit"),
    spec!("max-trace-bytes", "GIMLI_MAX_TRACE_BYTES", Count, "104857600", "bytes of all traces of one burst; 0: no limit"),
    spec!("glider", "GIMLI_GLIDER_PATH", Text, "", "the trace program; else beside monitor, then in PATH"),
    spec!("pidfile", "GIMLI_PID_FILE", Text, "", "holds the monitor's pid and a lock"),
    spec!("log-file", "GIMLI_LOG_FILE", Text, "", "append the log here rather than to standard error"),
    spec!("uid", "GIMLI_UID", Text, "", "run as this user, number or name"),
    spec!("gid", "GIMLI_GID", Text, "", "run as this group, number or name; else the user's own"),
    spec!("detach", "GIMLI_DETACH", Toggle, "1", "go to the background"),
    spec!("setsid", "GIMLI_SETSID", Toggle, "1", "start a new session, and a process group for the server"),
    spec!("quiet", "GIMLI_QUIET", Toggle, "0", "log faults and problems only; detached: no output"),
    spec!("debug", "GIMLI_DEBUG", Toggle, "0", "log each beat's first, each state and each small event"),
    spec!("immortal", "GIMLI_IMMORTAL", Toggle, "0", "start the server again however it ended"),
    spec!("run-once", "GIMLI_RUN_ONCE", Toggle, "0", "never start it again"),
    spec!("config-file", "GIMLI_CONFIG_FILE", Text, "", "file of `name = value` lines, # begins a comment"),
    spec!("arg0", "GIMLI_ARG0", Text, "", "what the server sees as its own name"),
    spec!("show-config", "GIMLI_SHOW_CONFIG", Toggle, "0", "print each value and where it came from, and exit"),
];

/// A value as given, which its kind allows, and where it was given.
#[derive(Debug)]
struct Value {
    text: String,
    place: String,
}

/// All options, in the order of the table, and the command to run.
#[derive(Debug)]
pub(crate) struct Options {
    values: Vec<Value>,
    /// The server's own name and its arguments, as given.
    pub(crate) command: Vec<OsString>,
    /// What is run: a path that holds wherever the monitor goes, or a name to be found in PATH.
    pub(crate) program: PathBuf,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Run(Options),
    /// Text for standard output.
    Print(String),
}

/// Reads all layers. `variable` looks up the environment, `read` a file; both are passed in for the tests.
pub(crate) fn parse(
    arguments: &[OsString],
    variable: impl Fn(&str) -> Option<String>,
    read: impl Fn(&str) -> std::io::Result<String>,
) -> Result<Request, Refusal> {
    let (given, command) = split(arguments);
    for (name, _) in &given {
        match name.as_str() {
            "help" | "h" => return Ok(Request::Print(help())),
            "version" | "V" => return Ok(Request::Print(format!("monitor {}\n", env!("CARGO_PKG_VERSION")))),
            _ => {}
        }
    }
    let built_in = |spec: &Spec| Value { text: spec.default.to_owned(), place: "built-in".to_owned() };
    let program = command.first().map_or_else(PathBuf::new, |name| program(name));
    let mut options = Options { values: SPECS.iter().map(built_in).collect(), command, program };
    let on_command_line = given.iter().rev().find(|(name, _)| name == "config-file");
    let file = on_command_line.and_then(|(_, value)| value.clone()).or_else(|| variable("GIMLI_CONFIG_FILE"));
    if let Some(path) = file.filter(|path| !path.is_empty()) {
        let unreadable = |e| Refusal::usage(format!("cannot read configuration file {path}: {e}"));
        options.set_from_file(&path, &read(&path).map_err(unreadable)?)?;
    }
    for spec in &SPECS {
        if let Some(value) = variable(spec.variable) {
            options.set(spec.name, Some(&value), &format!("environment {}", spec.variable))?;
        }
    }
    for (name, value) in &given {
        options.set(name, value.as_deref(), "command line")?;
    }
    if options.toggle("show-config") {
        return Ok(Request::Print(options.show()));
    }
    if options.command.is_empty() {
        return Err(Refusal::usage("no command to run; try `monitor --help`"));
    }
    Ok(Request::Run(options))
}

/// Splits the command line into options, as name and value, and the command. An option without `=` takes the next
/// word; a toggle only one that reads as a yes or no and is not the last, so that `monitor --debug ./server` means
/// what it seems to.
fn split(arguments: &[OsString]) -> (Vec<(String, Option<String>)>, Vec<OsString>) {
    let mut given = Vec::new();
    let mut rest = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(option) = rest.clone().next().filter(|word| word.starts_with('-')) {
        rest.next();
        if option == "--" {
            break;
        }
        let bare = option.strip_prefix("--").unwrap_or(&option[1..]);
        let (name, mut value) = match bare.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (bare, None),
        };
        let kind = SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.kind);
        let takes =
            |next: &str| kind.is_some_and(|kind| kind != Toggle || (rest.len() > 1 && truth(next).is_some()));
        if let Some(next) = rest.clone().next().filter(|next| value.is_none() && takes(next)) {
            value = Some(next.into_owned());
            rest.next();
        }
        given.push((name.to_owned(), value));
    }
    (given, arguments[arguments.len() - rest.len()..].to_vec())
}

fn absolute(path: &OsStr) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.into())
}

/// A program by its path, or by a name that is looked up in PATH.
pub(crate) fn program(name: &OsStr) -> PathBuf {
    if name.to_string_lossy().contains('/') { absolute(name) } else { name.into() }
}

fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

impl Options {
    /// A comment begins with `#` at the start of a line or after a blank.
    fn set_from_file(&mut self, path: &str, text: &str) -> Result<(), Refusal> {
        for (number, line) in text.lines().enumerate() {
            let line = format!(" {}", line.replace('\t', " "));
            let line = line.split(" #").next().unwrap_or_default().trim();
            let (name, value) = match line.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (line, None),
            };
            if !line.is_empty() {
                self.set(name, value, &format!("{path}:{}", number + 1))?;
            }
        }
        Ok(())
    }

    /// Checks and stores one value. A toggle without a value turns around what the layers below say.
    fn set(&mut self, name: &str, value: Option<&str>, place: &str) -> Result<(), Refusal> {
        let refuse = |problem: String| Err(Refusal::usage(format!("{place}: {problem}")));
        let found = SPECS.iter().zip(&mut self.values).find(|(spec, _)| spec.name == name);
        let Some((spec, slot)) = found else { return refuse(format!("unknown option `{name}`")) };
        let inverted = if truth(&slot.text) == Some(true) { "0" } else { "1" };
        let value = match (value, spec.kind) {
            (None | Some(""), Toggle) => inverted,
            (None | Some(""), Seconds | Count) | (None, Text) => {
                return refuse(format!("`{name}` needs a value"));
            }
            (Some(value), _) => value,
        };
        let (valid, wanted) = match spec.kind {
            Seconds => (value.parse::<u32>().is_ok(), "a number of seconds"),
            Count => (value.parse::<u64>().is_ok(), "a number"),
            Toggle => (truth(value).is_some(), "0 or 1"),
            Text => (!value.contains('\0'), "text without NUL"),
        };
        if !valid {
            return refuse(format!("`{value}` is not {wanted} for `{name}`"));
        }
        *slot = Value { text: value.to_owned(), place: place.to_owned() };
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&Value> {
        SPECS.iter().zip(&self.values).find(|(spec, _)| spec.name == name).map(|(_, value)| value)
    }

    /// The value; None when it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    pub(crate) fn toggle(&self, name: &str) -> bool {
        self.text(name).and_then(truth) == Some(true)
    }

    /// A path that stays what it is when the current folder changes.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(|text| absolute(text.as_ref()))
    }

    /// Says that a value cannot be used, and where it was given.
    pub(crate) fn refuse(&self, name: &str, problem: impl std::fmt::Display) -> Refusal {
        let place = self.value(name).map_or("", |value| &value.place);
        Refusal::usage(format!("{place}: {name} {}: {problem}", self.text(name).unwrap_or_default()))
    }

    /// What the state machine needs to know.
    pub(crate) fn settings(&self) -> Settings {
        let number = |name| self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        let seconds = |name| Duration::from_secs(number(name));
        Settings {
            interval: seconds("watchdog-interval"),
            start_interval: seconds("watchdog-start-interval"),
            stop_interval: seconds("watchdog-stop-interval"),
            trace_interval: seconds("trace-interval"),
            respawn_frequency: seconds("respawn-frequency"),
            respawn_max_delay: seconds("respawn-max-delay"),
            max_traces: number("max-traces"),
            max_trace_bytes: number("max-trace-bytes"),
            immortal: self.toggle("immortal"),
            run_once: self.toggle("run-once"),
        }
    }

    fn show(&self) -> String {
        let mut out = String::new();
        for (spec, value) in SPECS.iter().zip(&self.values).filter(|(spec, _)| spec.name != "show-config") {
            let _ = writeln!(out, "{:<40} # {}", format!("{} = {}", spec.name, value.text), value.place);
        }
        out
    }
}

fn help() -> String {
    let mut out = "usage: monitor [OPTIONS] COMMAND [ARGUMENTS…]\n\nRuns COMMAND, watches its heart, has it traced when it faults or hangs, and starts it again.\nEach option also is an environment variable and a line of the configuration file; the command line\noverrides the environment, which overrides the file. One or two dashes; --name=value or --name value;\n0/1 options without a value are turned around.\n\n".to_owned();
    for spec in &SPECS {
        let value = match spec.kind {
            Seconds => "=SECONDS",
            Count => "=NUMBER",
            Toggle => "[=0|1]",
            Text => "=TEXT",
        };
        let default = if spec.default.is_empty() { String::new() } else { format!(" [{}]", spec.default) };
        let _ = writeln!(out, "  --{:<33} {}{default}", format!("{}{value}", spec.name), spec.help);
        let _ = writeln!(out, "  {:<35} {}", "", spec.variable);
    }
    out.push_str(
        "  --help, --version\n\nSignals: SIGTERM, SIGINT, SIGQUIT are relayed, then monitor exits with the server's status;\nSIGHUP restarts the server; SIGUSR1 is a heart beat; SIGUSR2 traces the server and lets it run on.\nExit: the server's status (128 + signal), 64 usage, 71 system error, 75 another monitor owns the pidfile, or its server cannot be ended,\n126 or 127 the command cannot be run.\n",
    );
    out
}

#[cfg(test)]
impl Options {
    /// The options of a command line alone, for tests.
    pub(crate) fn of(words: &[&str]) -> Options {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        match parse(&words, |_| None, |_| Ok(String::new())) {
            Ok(Request::Run(options)) => options,
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn run(line: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Options, Refusal> {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let read = |path: &str| match path {
            "there" => Ok(file.to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        match parse(&words(line), variable, read)? {
            Request::Run(options) => Ok(options),
            Request::Print(text) => panic!("printed {text}"),
        }
    }

    #[test]
    fn the_command_line_overrides_the_environment_which_overrides_the_file() {
        let file = "# a comment\n\n watchdog-interval = 7 \nrespawn-frequency=8\ntrace-interval = 9\n";
        let variables = [("GIMLI_WATCHDOG_INTERVAL", "17"), ("GIMLI_RESPAWN_FREQUENCY", "18")];
        let line = ["--config-file=there", "-watchdog-interval", "27", "srv", "--debug"];
        let options = run(&line, &variables, file).unwrap();
        let settings = options.settings();
        let seconds = [settings.interval, settings.respawn_frequency, settings.trace_interval];
        assert_eq!(seconds.map(|seconds| seconds.as_secs()), [27, 18, 9]);
        assert_eq!(settings.start_interval.as_secs(), 200);
        assert_eq!(options.command, words(&["srv", "--debug"]), "the command's own options stay its own");
        assert!(!options.toggle("debug"));
    }

    #[test]
    fn a_toggle_takes_a_value_or_turns_the_layer_below_around() {
        for (line, detach) in [
            (&["srv"][..], true),
            (&["--detach", "srv"], false),
            (&["-detach=0", "srv"], false),
            (&["--detach", "1", "srv"], true),
            (&["--detach", "--detach", "srv"], true),
            (&["--detach=off", "srv"], false),
        ] {
            assert_eq!(run(line, &[], "").unwrap().toggle("detach"), detach, "{line:?}");
        }
        let options = run(&["--detach", "srv"], &[("GIMLI_DETACH", "0")], "").unwrap();
        assert!(options.toggle("detach"));
        let options = run(&["--debug", "1"], &[], "").unwrap();
        assert!(options.toggle("debug") && options.command == words(&["1"]));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_its_place() {
        let error = |line: &[&str], variables: &[(&str, &str)], file: &str| {
            run(line, variables, file).unwrap_err().text
        };
        let file = ["--config-file", "there", "srv"];
        assert_eq!(error(&file, &[], "\n# x\nspeed = 3\n"), "there:3: unknown option `speed`");
        assert_eq!(
            error(&file, &[], "trace-interval = soon"),
            "there:1: `soon` is not a number of seconds for `trace-interval`"
        );
        assert_eq!(error(&file, &[], "uid"), "there:1: `uid` needs a value");
        assert!(
            error(&["--config-file=gone", "srv"], &[], "")
                .starts_with("cannot read configuration file gone: ")
        );
        assert_eq!(error(&["--speed=3", "srv"], &[], ""), "command line: unknown option `speed`");
        assert_eq!(
            error(&["--max-traces=-1", "srv"], &[], ""),
            "command line: `-1` is not a number for `max-traces`"
        );
        assert_eq!(error(&["--uid"], &[], ""), "command line: `uid` needs a value");
        assert_eq!(
            error(&["srv"], &[("GIMLI_DETACH", "maybe")], ""),
            "environment GIMLI_DETACH: `maybe` is not 0 or 1 for `detach`"
        );
        assert_eq!(error(&["--debug"], &[], ""), "no command to run; try `monitor --help`");
    }

    #[test]
    fn show_config_names_each_value_and_its_source() {
        let read = |_: &str| Ok("immortal = 1\n".to_owned());
        let variable = |name: &str| (name == "GIMLI_PID_FILE").then(|| "/run/x.pid".to_owned());
        let line = words(&["--show-config", "--config-file=f", "--quiet"]);
        let Request::Print(text) = parse(&line, variable, read).unwrap() else { panic!("it would run") };
        let line =
            |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(line("immortal").ends_with("# f:1") && line("pidfile").contains("/run/x.pid"));
        assert!(line("quiet = 1").ends_with("# command line") && line("uid").ends_with("# built-in"));
        assert_eq!(text.lines().count(), SPECS.len() - 1);
    }

    #[test]
    fn any_file_is_taken_or_refused_in_one_line() {
        let parts =
            ["watchdog-interval", "detach", "uid", "=", " ", "\t", "#", "\n", "\r\n", "9", "-1", "yes"];
        let wild = ["\0", "\u{feff}", "\u{2028}", "999999999999999999999", "config-file", "é", "=="];
        let (mut word, mut taken, mut refused) = (1u64, 0, 0);
        for _ in 0..20_000 {
            let mut next = || {
                word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (word >> 33) as usize
            };
            let count = next() % 12;
            let choose =
                |number: usize| *parts.iter().chain(&wild).nth(number % (parts.len() + wild.len())).unwrap();
            let file: String = (0..count).map(|_| choose(next())).collect();
            match run(&["--config-file=there", "srv"], &[], &file) {
                Ok(options) => {
                    options.settings();
                    taken += 1;
                }
                Err(refusal) => {
                    assert_eq!(refusal.text.lines().count(), 1, "{file:?}: {}", refusal.text);
                    refused += 1;
                }
            }
        }
        assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
    }
}
