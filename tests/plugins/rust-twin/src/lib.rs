//! What an operator wants to know of the C sample server, with the means of the Rust interface:
//! the twin of `server_v2.c`.

use gimli_plugin_api::{
    Address, Analyzer, Error, Flow, Frame, Hooks, Host, Shown, Size, Thread, Variable, export_analyzer,
    plain_struct,
};

plain_struct! {
    /// `struct server_stats`, as far as it is shown.
    struct Stats {
        connections: u64,
        requests: u64,
        errors: u64,
    }

    /// `struct log_ring` up to the text of its first line.
    struct Log {
        next: u32,
        padding: u32,
        written: u64,
        first_when: i64,
    }

    /// `struct point`.
    struct Point {
        x: i32,
        y: i32,
    }
}

/// Bytes of a text of the server.
const TEXT: Size = Size(96);

#[derive(Default)]
struct Server;

impl Analyzer for Server {
    fn begin_trace(&mut self, _: &Host<'_>) -> Result<Hooks, Error> {
        Ok(Hooks::ALL)
    }

    fn printers(&self) -> Vec<String> {
        vec!["struct point".to_owned()]
    }

    fn begin_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<Flow, Error> {
        writeln!(host, "thread {}: {} frames", thread.id, thread.frame_count)?;
        Ok(Flow::Continue)
    }

    fn end_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<(), Error> {
        writeln!(host, "end of thread {}", thread.id)
    }

    fn before_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<Flow, Error> {
        match frame.function() {
            Some("run_worker") => return Ok(Flow::Hide),
            Some("serve_connection") => {
                let connection = host.variable(frame, "connection")?;
                let is_open = connection.number().is_some_and(|number| number > 2);
                let file = frame.file().and_then(|file| file.rsplit('/').next()).unwrap_or("no file");
                let (type_name, size) =
                    (connection.type_name().unwrap_or("?"), connection.size().unwrap_or_default());
                let is_open = if is_open { "yes" } else { "no" };
                writeln!(host, "{type_name} of {size} is open: {is_open}, {file}")?;
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }

    fn after_frame(&mut self, _: &Host<'_>, frame: &Frame<'_>) -> Result<(), Error> {
        if frame.function() == Some("serve_connection") {
            // Not through the host: what is printed to standard output lands at the same place.
            println!("that was a connection");
        }
        Ok(())
    }

    fn before_variable(&mut self, _: &Host<'_>, _: &Frame<'_>, value: &Variable<'_>) -> Result<Shown, Error> {
        Ok(if value.name == "unnamed" { Shown::Hidden } else { Shown::AsIs })
    }

    fn print_value(&mut self, host: &Host<'_>, _: &Frame<'_>, value: &Variable<'_>) -> Result<Shown, Error> {
        let Some(address) = value.address() else { return Ok(Shown::AsIs) };
        let point: Point = host.read(address)?;
        writeln!(host, "point {} is ({}|{})", value.name, point.x, point.y)?;
        Ok(Shown::Hidden)
    }

    fn after_variable(&mut self, host: &Host<'_>, _: &Frame<'_>, value: &Variable<'_>) -> Result<(), Error> {
        match &*value.name {
            "header" => writeln!(host, "that was the header"),
            _ => Ok(()),
        }
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        let object = host.object();
        let latest: Address = host.global_address(object, "my_str", 0)?;
        let stats: Stats = host.read_global(object, "server_stats", 0)?;
        let log: Log = host.read_global(object, "server_log", 0)?;
        let log_address = host.global_address(object, "server_log", 0)?;
        let text =
            log_address.checked_add(size_of::<Log>() as u64).ok_or("the log lies at the end of memory")?;
        writeln!(host, "greeting: {}", host.read_global_string(object, "my_str_ptr")?)?;
        writeln!(host, "requests: {}", host.read_global::<i32>(object, "my_int", 0)?)?;
        writeln!(host, "latest: {}", host.read_string(latest, TEXT)?)?;
        writeln!(host, "keys: {}", host.read_global::<i32>(object, "my_foo_ptr", 1)?)?;
        writeln!(host, "state: {}", host.read_global::<i32>(object, "server_state", 0)?)?;
        let Stats { connections, requests, errors } = stats;
        writeln!(host, "stats: {connections} connections, {requests} requests, {errors} errors")?;
        writeln!(host, "log: {} lines, first: {}", log.written, host.read_string(text, TEXT)?)?;
        let inside = log_address.checked_add(8).and_then(|address| host.name_of(address));
        writeln!(host, "{}", inside.ok_or("the log has no name")?)
    }
}

export_analyzer!(Server::default);
