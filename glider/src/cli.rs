//! The command line: from arguments to [`Settings`], plain data.
//!
//! Each option is defined once, here; the help is made from it.

#![forbid(unsafe_code)]

use crate::limits::{DEPTH, Limits};
use crate::object::DebugSources;
use crate::plugin::Sources;
use crate::report::redact::Redactor;
use crate::report::render::Format;
use crate::session::Pause;
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Exit codes, as elfutils' `eu-stack` has them.
pub mod exit {
    /// Everything was shown.
    pub const COMPLETE: u8 = 0;
    /// Something is missing from the report, or the report could not be written to its end.
    pub const PARTIAL: u8 = 1;
    /// There is no report.
    pub const NOTHING: u8 = 2;
    /// The command line was wrong (`EX_USAGE` of sysexits.h).
    pub const USAGE: u8 = 64;
}

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process, or one of its threads.
    pub pid: i32,
    /// Text or JSON.
    pub format: Format,
    /// Where the report goes; standard output when `None`.
    pub output: Option<PathBuf>,
    /// Only these threads; all of them when empty.
    pub threads: Vec<i32>,
    /// Whether variables are shown.
    pub variables: bool,
    /// Whether values are shown as their types are laid out.
    pub raw_values: bool,
    /// What bounds the report.
    pub limits: Limits,
    /// When the target is let go at the latest.
    pub timeout: Duration,
    /// For how long the target is held.
    pub pause: Pause,
    /// Bytes of memory copied at the most so that it can be let go early.
    pub max_copy: u64,
    /// Processes that analyze threads at the same time.
    pub jobs: Option<usize>,
    /// What masks secrets.
    pub redactor: Redactor,
    /// Whether text is coloured.
    pub color: When,
    /// Whether more is told.
    pub verbose: bool,
    /// Where debug information is taken from.
    pub debug: DebugSources,
    /// Which plugins are loaded.
    pub plugins: Sources,
    /// Whether the folders among them were named by GIMLI_PLUGIN_PATH.
    pub plugin_path_from_environment: bool,
    /// Whether it is told what each call of a plugin took.
    pub trace_plugins: bool,
    /// Not to trace, but to list the plugins that would be loaded.
    pub lists_plugins: bool,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For a person
    Text,
    /// For a program: one JSON object
    Json,
}

/// Shows what a living process is doing: every thread, every frame, every variable.
///
/// The process is stopped for a moment, looked at, and let go; it runs on unchanged, or stays
/// stopped if it was stopped before. glider needs the right to trace it: the same user, or
/// root, or CAP_SYS_PTRACE.
#[derive(Debug, Parser)]
#[command(name = "glider", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true, color = ColorChoice::Never, max_term_width = 100, after_long_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Process to trace; the id of one of its threads means the same process
    #[arg(required = true, value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,

    /// What the report is written as
    #[arg(short, long, value_enum, default_value = "text")]
    format: FormatName,

    /// Write the report to FILE instead of standard output
    ///
    /// The file is new, and can be read by its owner alone: no link is followed and nothing
    /// overwritten. It is made before the process is stopped and written after it was let go.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show only these threads (ids separated by commas, or the option repeated)
    #[arg(short, long = "thread", value_name = "TID", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(1..))]
    threads: Vec<i32>,

    /// Show frames without their variables
    #[arg(long)]
    no_variables: bool,

    /// Most frames shown for a thread; of a deeper stack the first and the last ones
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().frames, value_parser = at_least_one)]
    max_frames: usize,

    /// Most threads shown; those about to receive a signal go first
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().threads, value_parser = at_least_one)]
    max_threads: usize,

    /// Most variables shown of a frame
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().variables)]
    max_variables: usize,

    /// Most values shown of a frame, members and elements counted
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().values)]
    max_values: usize,

    /// Most members shown of a structure
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().members)]
    max_members: usize,

    /// Levels of structures, arrays and pointers shown inside each other, at most 256
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().depth, value_parser = parse_depth)]
    max_depth: usize,

    /// Most elements shown of an array
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().array)]
    max_array: usize,

    /// Most bytes shown of a string (suffixes: k, M, G)
    #[arg(long, value_name = "SIZE", default_value_t = Limits::default().string, value_parser = parse_string_size)]
    max_string: usize,

    /// Show values as their types are laid out, not as their language writes them
    #[arg(long)]
    raw_values: bool,

    /// Most pointers followed for the variables of a frame
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().pointers)]
    max_pointers: usize,

    /// Size of the report from which on variables are left out (suffixes: k, M, G)
    #[arg(long, value_name = "SIZE", env = "GIMLI_MAX_OUTPUT", default_value = "256M", value_parser = parse_size)]
    max_output: u64,

    /// Most memory that each process of the analysis may allocate, mapped files apart (suffixes: k, M, G)
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = parse_size)]
    max_memory: u64,

    /// Time after which the process is let go, whatever is known by then
    #[arg(long, value_name = "SECONDS", env = "GIMLI_TIMEOUT", default_value = "60", value_parser = parse_seconds)]
    timeout: Duration,

    /// Let the process go after so long, even if memory is still to be copied or read
    ///
    /// The stacks are copied first; what is read later comes from the running process and is marked so.
    #[arg(long, value_name = "MS", value_parser = parse_milliseconds, conflicts_with = "snapshot")]
    max_pause: Option<Duration>,

    /// Hold the process only for its registers and stacks
    ///
    /// All other memory is read from the running process; what is read so is marked.
    #[arg(long)]
    snapshot: bool,

    /// Most memory copied, beside the stacks, so that the process can be let go before it is analyzed
    ///
    /// Where more can change, what words of the stacks lead to is copied, the nearest first; what is
    /// read beyond that comes from the running process and is marked so. With 0 nothing is copied: the process
    /// is held until all that the report shows has been read, however long that takes (suffixes: k, M, G).
    #[arg(long, value_name = "SIZE", default_value = "8M", value_parser = parse_size)]
    max_copy: u64,

    /// Processes that analyze threads at the same time
    ///
    /// By default one for each processor while the process is held, and one less while it runs.
    /// With plugins there is one: they see the threads in order.
    #[arg(short, long, value_name = "COUNT", value_parser = at_least_one)]
    jobs: Option<usize>,

    #[command(flatten)]
    plugins: PluginArguments,

    /// Time that one call of a plugin may take before the plugin is dropped
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    plugin_call_time: Duration,

    /// Time that all calls of one plugin may take
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = parse_seconds)]
    plugin_time: Duration,

    /// Most bytes that one plugin may print (suffixes: k, M, G)
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    max_plugin_output: u64,

    /// Most memory that plugins may allocate (suffixes: k, M, G)
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_size)]
    max_plugin_memory: u64,

    #[command(flatten)]
    debug: DebugArguments,

    /// Tell on standard error what each call of a plugin took
    #[arg(long)]
    trace_plugins: bool,

    /// Mask secrets: values and arguments named password, token, key, secret and the like
    ///
    /// Names of variables, members, types and options count. Equal secrets of one report have equal
    /// tags. What plugins print in words of their own is not masked.
    #[arg(long)]
    redact: bool,

    /// Mask what is named, typed or reads so, too: a word, or a pattern with * and ? (implies --redact)
    #[arg(long, value_name = "PATTERN")]
    redact_also: Vec<String>,

    /// When to colour the text; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    color: When,

    /// Show whole paths and all modules, and tell how long it took
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the plugins that would be loaded for a process, where they were looked for, and why not
    ///
    /// Nothing of a plugin runs, and the process is not stopped.
    Plugins {
        /// The process
        #[arg(value_parser = clap::value_parser!(i32).range(1..))]
        pid: i32,

        #[command(flatten)]
        plugins: PluginArguments,
    },
}

/// Where plugins come from.
#[derive(Debug, Args)]
struct PluginArguments {
    /// Look for plugins in these folders too, after that of each object and before the system's
    ///
    /// Folders separated by colons, or the option repeated. The variable is not used for a process of another user.
    #[arg(long, value_name = "FOLDER", env = "GIMLI_PLUGIN_PATH", value_delimiter = ':')]
    plugin_path: Vec<PathBuf>,

    /// Load this plugin, whatever the process is
    #[arg(long = "plugin", value_name = "FILE")]
    plugin: Vec<PathBuf>,

    /// Load no plugin at all
    #[arg(long, conflicts_with = "plugin")]
    no_plugins: bool,
}

impl PluginArguments {
    fn sources(self) -> Sources {
        let folders = self.plugin_path.into_iter().filter(|folder| !folder.as_os_str().is_empty());
        Sources {
            none: self.no_plugins,
            folders: folders.collect(),
            files: self.plugin,
            ..Sources::default()
        }
    }
}

/// Where debug information comes from.
#[derive(Debug, Args)]
struct DebugArguments {
    /// Look for debug files in these folders first
    ///
    /// As /usr/lib/debug is: by build-id, or by the path of the object; a file may also lie in the
    /// folder itself. Folders separated by colons, or the option repeated.
    #[arg(long = "debug-dir", value_name = "FOLDER", env = "GIMLI_DEBUG_DIR", value_delimiter = ':')]
    folders: Vec<PathBuf>,

    /// Ask the servers in DEBUGINFOD_URLS for debug files that are not here
    ///
    /// Before the process is stopped, never while it is.
    #[arg(long = "debuginfod", env = "GIMLI_DEBUGINFOD", value_parser = FalseyValueParser::new())]
    asks_servers: bool,

    /// Seconds that all of --debuginfod may take; a third of --timeout at most
    #[arg(long = "debuginfod-time", value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    server_time: Duration,
}

impl DebugArguments {
    fn sources(self, timeout: Duration) -> DebugSources {
        let folders = self.folders.into_iter().filter(|folder| !folder.as_os_str().is_empty());
        let servers = self.asks_servers.then(|| self.server_time.min(timeout / 3));
        DebugSources { folders: folders.collect(), servers }
    }
}

const AFTER_HELP: &str = "\
Exit codes:
  0   the report is complete
  1   something is missing from it; its problems say what
  2   there is no report: the reason is on standard error
  64  the command line is wrong

Examples:
  glider 4711
      everything about process 4711
  glider --thread 4712,4713 --max-depth 2 4711
      two of its threads, structures shown two levels deep
  glider --format json --output report.json 4711
      the same facts for a program";

/// Why there are no settings.
#[derive(Debug)]
pub struct Usage {
    /// What to print: help and version on standard output, an error on standard error.
    pub text: String,
    /// Whether it is an error.
    pub is_error: bool,
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// With what to tell the user: an error, or the help or version asked for.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Settings, Usage> {
    let usage = |error: clap::Error| Usage { text: error.render().to_string(), is_error: error.use_stderr() };
    let matches = Arguments::command().try_get_matches_from(arguments).map_err(usage)?;
    let arguments = Arguments::from_arg_matches(&matches).map_err(usage)?;
    let folders = matches.subcommand().map_or(&matches, |(_, matches)| matches).value_source("plugin_path");
    let (pid, plugins, lists_plugins) = match arguments.command {
        Some(Command::Plugins { pid, plugins }) => (pid, plugins.sources(), true),
        // The parser demands the id where there is no subcommand.
        None => (arguments.pid.unwrap_or_default(), arguments.plugins.sources(), false),
    };
    Ok(Settings {
        pid,
        format: match arguments.format {
            FormatName::Text => Format::Text,
            FormatName::Json => Format::Json,
        },
        output: arguments.output,
        threads: arguments.threads,
        variables: !arguments.no_variables,
        raw_values: arguments.raw_values,
        limits: Limits {
            frames: arguments.max_frames,
            depth: arguments.max_depth,
            threads: arguments.max_threads,
            variables: arguments.max_variables,
            values: arguments.max_values,
            members: arguments.max_members,
            memory: arguments.max_memory,
            array: arguments.max_array,
            string: arguments.max_string,
            pointers: arguments.max_pointers,
            output: arguments.max_output,
            plugin_call: arguments.plugin_call_time,
            plugin_time: arguments.plugin_time,
            plugin_output: arguments.max_plugin_output,
            plugin_memory: arguments.max_plugin_memory,
        },
        timeout: arguments.timeout,
        pause: match arguments.max_pause {
            Some(most) => Pause::AtMost(most),
            None if arguments.snapshot => Pause::Snapshot,
            None => Pause::Consistent,
        },
        max_copy: arguments.max_copy,
        jobs: arguments.jobs,
        redactor: match arguments.redact || !arguments.redact_also.is_empty() {
            true => Redactor::new(&arguments.redact_also),
            false => Redactor::default(),
        },
        color: arguments.color,
        verbose: arguments.verbose,
        debug: arguments.debug.sources(arguments.timeout),
        plugins,
        plugin_path_from_environment: folders == Some(ValueSource::EnvVariable),
        trace_plugins: arguments.trace_plugins,
        lists_plugins,
    })
}

fn parse_depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(levels) if levels <= DEPTH => Ok(levels),
        Ok(_) => Err(format!("at most {DEPTH} are possible")),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

/// `4096`, `16k`, `256M`, `1G`: powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (text.len() - 1, 10),
        Some(b'm' | b'M') => (text.len() - 1, 20),
        Some(b'g' | b'G') => (text.len() - 1, 30),
        _ => (text.len(), 0),
    };
    let number = text.get(..digits).and_then(|digits| digits.parse::<u64>().ok());
    let size = number.ok_or_else(|| "not a size like 4096, 16k or 256M".to_owned())?;
    size.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

fn parse_string_size(text: &str) -> Result<usize, String> {
    parse_size(text).and_then(|size| usize::try_from(size).map_err(|_| "too large".to_owned()))
}

/// Seconds, with a fraction or without; at most a day, so that no deadline overflows.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("must be more than 0 and at most 86400".to_owned())
    }
}

/// Milliseconds, with a fraction or without.
fn parse_milliseconds(text: &str) -> Result<Duration, String> {
    let milliseconds: f64 = text.parse().map_err(|_| "not a number of milliseconds".to_owned())?;
    if milliseconds > 0.0 && milliseconds <= 86_400_000.0 {
        Ok(Duration::from_secs_f64(milliseconds / 1000.0))
    } else {
        Err("must be more than 0 and at most 86400000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str]) -> Settings {
        parse(["glider"].iter().chain(arguments).map(OsString::from)).unwrap()
    }

    fn usage(arguments: &[&str]) -> Usage {
        parse(["glider"].iter().chain(arguments).map(OsString::from)).unwrap_err()
    }

    #[test]
    fn defaults_are_those_of_the_limits() {
        let settings = settings(&["7"]);
        assert_eq!(format!("{:?}", settings.limits), format!("{:?}", Limits::default()));
        assert_eq!(
            (settings.pid, settings.format, settings.timeout),
            (7, Format::Text, Duration::from_secs(60))
        );
        assert!(
            settings.variables
                && settings.threads.is_empty()
                && settings.output.is_none()
                && !settings.verbose
        );
        assert_eq!(settings.color, When::Auto);
    }

    #[test]
    fn every_option_arrives() {
        let settings = settings(&[
            "--format",
            "json",
            "--output",
            "out",
            "--thread",
            "8,9",
            "--thread",
            "10",
            "--no-variables",
            "--max-frames",
            "1",
            "--max-depth",
            "2",
            "--max-threads",
            "11",
            "--max-variables",
            "12",
            "--max-values",
            "14",
            "--max-members",
            "15",
            "--max-memory",
            "13k",
            "--max-array",
            "3",
            "--max-string",
            "4k",
            "--max-pointers",
            "5",
            "--max-output",
            "6M",
            "--timeout",
            "0.25",
            "--color",
            "always",
            "--max-pause",
            "2.5",
            "--max-copy",
            "1M",
            "--jobs",
            "3",
            "-v",
            "7",
        ]);
        assert_eq!((settings.format, settings.threads.as_slice()), (Format::Json, [8, 9, 10].as_slice()));
        assert_eq!(settings.output, Some(PathBuf::from("out")));
        let limits = settings.limits;
        assert_eq!((limits.frames, limits.depth, limits.array, limits.pointers), (1, 2, 3, 5));
        assert_eq!((limits.threads, limits.variables, limits.memory), (11, 12, 13 << 10));
        assert_eq!((limits.values, limits.members), (14, 15));
        assert_eq!((limits.string, limits.output), (4096, 6 << 20));
        assert_eq!((settings.timeout, settings.color), (Duration::from_millis(250), When::Always));
        assert_eq!(
            (settings.pause, settings.max_copy),
            (Pause::AtMost(Duration::from_micros(2500)), 1 << 20)
        );
        assert_eq!(settings.jobs, Some(3));
        assert_eq!(self::settings(&["--snapshot", "7"]).pause, Pause::Snapshot);
        assert!(!settings.variables && settings.verbose);
    }

    #[test]
    fn plugins_come_from_folders_and_files_and_can_be_listed() {
        let settings = settings(&["--plugin-path", "/a:/b", "--plugin", "x.so", "--trace-plugins", "7"]);
        assert_eq!(settings.plugins.folders, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(
            (settings.plugins.files.as_slice(), settings.trace_plugins),
            ([PathBuf::from("x.so")].as_slice(), true)
        );
        assert!(!settings.plugins.none && !settings.lists_plugins);
        let listing = self::settings(&["plugins", "--plugin-path", "/c", "8"]);
        assert_eq!((listing.pid, listing.lists_plugins), (8, true));
        assert_eq!(listing.plugins.folders, [PathBuf::from("/c")]);
        assert!(self::settings(&["--no-plugins", "7"]).plugins.none);
        for wrong in [
            &["plugins"] as &[&str],
            &["plugins", "x"],
            &["--no-plugins", "--plugin", "x", "7"],
            &["7", "plugins", "8"],
        ] {
            assert!(usage(wrong).is_error, "{wrong:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            &[] as &[&str],
            &["0"],
            &["-5"],
            &["x"],
            &["99999999999"],
            &["1", "2"],
            &["--max-frames", "0", "1"],
            &["--max-output", "M", "1"],
            &["--max-output", "99999999999G", "1"],
            &["--max-output", "1\u{20ac}", "1"],
            &["--timeout", "0", "1"],
            &["--timeout", "nan", "1"],
            &["--timeout", "inf", "1"],
            &["--timeout", "-1", "1"],
            &["--max-pause", "0", "1"],
            &["--max-pause", "5", "--snapshot", "1"],
            &["--format", "xml", "1"],
            &["--unknown", "1"],
        ] {
            assert!(usage(arguments).is_error, "{arguments:?}");
        }
    }

    #[test]
    fn help_explains_and_is_no_error() {
        let help = usage(&["--help"]);
        assert!(!help.is_error);
        for word in ["Exit codes", "Examples", "--max-pointers", "CAP_SYS_PTRACE", "NO_COLOR"] {
            assert!(help.text.contains(word), "{word}");
        }
        assert!(usage(&["--version"]).text.starts_with("glider "));
    }
}
