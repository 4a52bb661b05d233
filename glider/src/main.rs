//! The `glider` program: reads the command line, traces, writes the report, says how it went.

#![forbid(unsafe_code)]

use anyhow::Context;
use glider::analyzer::{self, GliderAnalyzer};
use glider::cli::{self, Settings, When, exit};
use glider::limits::PLUGIN_CALLS;
use glider::plugin::{self, PluginLister};
use glider::report::Status;
use glider::report::render::Style;
use glider::session::last_resort::LastResort;
use glider::session::{Request, look, outlet, trace};
use glider::session::{own_limits, own_signals};
use glider::target::open_target;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    if let Err(error) = own_limits::raise() {
        say(&error);
        return ExitCode::from(exit::NOTHING);
    }
    let code = match cli::parse(std::env::args_os()) {
        Ok(settings) => run(&settings).unwrap_or_else(|error| {
            say(&format!("{error:#}"));
            exit::NOTHING
        }),
        Err(usage) => {
            // A reader that has gone away needs no help.
            let _ = if usage.is_error {
                io::stderr().write_all(usage.text.as_bytes())
            } else {
                io::stdout().write_all(usage.text.as_bytes())
            };
            if usage.is_error { exit::USAGE } else { exit::COMPLETE }
        }
    };
    ExitCode::from(code)
}

/// What the keeper is given to come to an end in, after the time limit.
const GRACE: Duration = Duration::from_secs(10);

/// One trace. An error means that there is no report.
fn run(settings: &Settings) -> anyhow::Result<u8> {
    own_signals::take();
    let last_resort = LastResort::arm(settings.timeout.saturating_add(GRACE));
    let process = open_target(settings.pid)?;
    if process.pid() != settings.pid {
        say(&format!("{} is a thread of process {}, which is traced", settings.pid, process.pid()));
    }
    let (plugins, unused) =
        plugin::sources_for(&process, settings.plugins.clone(), settings.plugin_path_from_environment)?;
    unused.iter().for_each(|why| say(why));
    let request = Request {
        threads: settings.threads.clone(),
        timeout: settings.timeout,
        redactor: settings.redactor.clone(),
        limits: settings.limits.clone(),
        pause: settings.pause,
        max_copy: settings.max_copy,
        servers: settings.debug.servers,
    };
    if settings.lists_plugins {
        let footer = look(&process, &request, &mut PluginLister { sources: plugins })?;
        for list in footer.plugin_output {
            standard_output()?.write_all(list.text.as_bytes())?;
        }
        return Ok(exit::COMPLETE);
    }
    // Opened now, so that a path that cannot be written to costs the target nothing.
    let file = match &settings.output {
        Some(path) => {
            Some(outlet::open(path).with_context(|| format!("cannot write to {}", path.display()))?)
        }
        None => None,
    };
    let style = Style { color: is_colored(settings), verbose: settings.verbose };
    let mut analyzer = GliderAnalyzer::new(analyzer::Settings {
        limits: settings.limits.clone(),
        raw_values: settings.raw_values,
        variables: settings.variables,
        format: settings.format,
        style,
        redactor: settings.redactor.clone(),
        debug: settings.debug.clone(),
        jobs: settings.jobs,
        plugins,
        notes_plugin_calls: settings.trace_plugins,
    });
    let trace = trace(&process, &request, &mut analyzer).inspect_err(|_| {
        if let (Some(path), Some(file)) = (&settings.output, &file) {
            outlet::remove_unused(path, file);
        }
    })?;
    drop(last_resort);
    let written = match file {
        Some(file) => trace.write(settings.format, style, &mut BufWriter::new(file)),
        None => trace.write(settings.format, style, &mut BufWriter::new(standard_output()?)),
    };
    if settings.verbose {
        let timing = trace.footer().timing;
        say(&format!("the analysis ran confined: {}", trace.rights().unwrap_or("it ended before")));
        say(&format!("the process was held for {} µs of {} µs", timing.paused_us, timing.total_us));
    }
    for call in &trace.footer().plugin_calls {
        say(&format!(
            "{}: {}: {} µs, {} bytes printed",
            call.plugin,
            call.hook,
            call.nanoseconds / 1000,
            call.printed
        ));
    }
    if trace.footer().plugin_calls.len() >= PLUGIN_CALLS {
        say(&format!("no more than {PLUGIN_CALLS} calls are shown"));
    }
    Ok(match written {
        Ok(()) if trace.status() == Status::Complete => exit::COMPLETE,
        Ok(()) => exit::PARTIAL,
        // Whoever read the report has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit::PARTIAL,
        Err(error) => {
            say(&format!("cannot write the report: {error}"));
            exit::PARTIAL
        }
    })
}

/// Standard output without the line buffer and the panics of `print!`.
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn is_colored(settings: &Settings) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match settings.color {
        When::Always => true,
        When::Never => false,
        When::Auto => !no_color && settings.output.is_none() && io::stdout().is_terminal(),
    }
}

/// One line on standard error; where that is closed, nobody wants to know.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "glider: {message}");
}
