//! What an operator wants to know of our server when it hangs.

use gimli_plugin_api::{
    Address, Analyzer, Error, Flow, Frame, Hooks, Host, Shown, Size, Variable, export_analyzer, plain_struct,
};

plain_struct! {
    /// `struct stats` of server.c.
    struct Stats {
        requests: u64,
        errors: u32,
    }

    /// `struct request` of server.c.
    struct Request {
        id: i32,
        path: Address, // a pointer of the server's: to be read through, never to be followed
    }
}

#[derive(Default)]
struct Server {
    handling: u32,
}

impl Analyzer for Server {
    fn begin_trace(&mut self, host: &Host<'_>) -> Result<Hooks, Error> {
        if host.find_symbol(host.object(), "server_stats").is_none() {
            return Ok(Hooks::NONE); // an old server: nothing to say about it
        }
        Ok(Hooks::BEFORE_FRAME | Hooks::PRINT_VALUE | Hooks::GLOBAL_TRACE)
    }

    fn printers(&self) -> Vec<String> {
        vec!["struct request".into()]
    }

    fn before_frame(&mut self, host: &Host<'_>, frame: &Frame<'_>) -> Result<Flow, Error> {
        match frame.function() {
            Some("wait_for_ever") => return Ok(Flow::Hide),
            Some("handle") => {
                self.handling += 1;
                let request = host.variable(frame, "request")?;
                if let Some(address) = request.pointer() {
                    let request: Request = host.read(address)?;
                    writeln!(host, "busy with request {}", request.id)?;
                }
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }

    fn print_value(&mut self, host: &Host<'_>, _: &Frame<'_>, value: &Variable<'_>) -> Result<Shown, Error> {
        let Some(address) = value.address() else {
            return Ok(Shown::AsIs); // in registers, or gone
        };
        let request: Request = host.read(address)?;
        let path = host.read_string(request.path, Size(200))?;
        Ok(Shown::text(format!("request {} for {path}", request.id)))
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        let name = host.read_global_string(host.object(), "server_name")?;
        let stats: Stats = host.read_global(host.object(), "server_stats", 0)?;
        writeln!(host, "{name}: {} requests, {} errors", stats.requests, stats.errors)?;
        writeln!(host, "{} in work", self.handling)
    }
}

export_analyzer!(Server::default);
