//! A plugin whose hooks panic: by name of the frame, each in another way.

use gimli_plugin_api::{Analyzer, Error, Flow, Frame, Hooks, Host, Shown, Thread, Variable, export_analyzer};
use std::panic::panic_any;

/// Panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the second");
    }
}

struct Panicking {
    calls: u32,
}

impl Analyzer for Panicking {
    fn begin_trace(&mut self, _: &Host<'_>) -> Result<Hooks, Error> {
        Ok(Hooks::ALL)
    }

    fn printers(&self) -> Vec<String> {
        vec!["struct foo".into()]
    }

    fn begin_thread(&mut self, _: &Host<'_>, thread: &Thread<'_>) -> Result<Flow, Error> {
        panic!("thread {}", thread.id)
    }

    fn before_frame(&mut self, _: &Host<'_>, frame: &Frame<'_>) -> Result<Flow, Error> {
        self.calls += 1;
        match frame.function() {
            Some("index") => {
                let none: Vec<u32> = Vec::new();
                Ok(if none[self.calls as usize] == 0 { Flow::Hide } else { Flow::Continue })
            }
            Some("any") => panic_any(7),
            Some("bomb") => panic_any(Bomb),
            Some("error") => Err("an error of its own".into()),
            Some("nested") => {
                let inner = std::panic::catch_unwind(|| panic!("caught by the plugin"));
                assert!(inner.is_err());
                Ok(Flow::Hide)
            }
            _ => Ok(Flow::Continue),
        }
    }

    fn before_variable(&mut self, _: &Host<'_>, _: &Frame<'_>, _: &Variable<'_>) -> Result<Shown, Error> {
        panic!("before a variable")
    }

    fn print_value(&mut self, _: &Host<'_>, _: &Frame<'_>, _: &Variable<'_>) -> Result<Shown, Error> {
        panic!("a value")
    }

    fn after_variable(&mut self, _: &Host<'_>, _: &Frame<'_>, _: &Variable<'_>) -> Result<(), Error> {
        panic!("after a variable")
    }

    fn after_frame(&mut self, _: &Host<'_>, _: &Frame<'_>) -> Result<(), Error> {
        panic!("after a frame")
    }

    fn end_thread(&mut self, _: &Host<'_>, _: &Thread<'_>) -> Result<(), Error> {
        panic!("the end of a thread")
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        writeln!(host, "{} calls", self.calls)
    }
}

export_analyzer!(|| Panicking { calls: 0 });
