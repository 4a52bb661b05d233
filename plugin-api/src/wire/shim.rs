//! A plugin's analyzer as glider calls it: every panic becomes an error before it reaches the boundary.

use super::services::ServicesRef;
use crate::analyzer::{Analyzer, Flow, Hooks, Shown};
use crate::error::{Error, ErrorKind};
use crate::frame::{Frame, Variable};
use crate::host::Host;
use crate::process::Thread;
use abi_stable::sabi_trait;
use abi_stable::sabi_trait::prelude::TD_Opaque;
use abi_stable::std_types::{RBox, RResult, RString, RVec};
use std::cell::Cell;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// An analyzer that glider owns.
pub type AnalyzerBox = Hooked_TO<'static, RBox<()>>;

/// [`Analyzer`] as it crosses to glider: the same hooks, in types of stable layout.
///
/// New hooks go to the end, each with a default body (`docs/VERSIONING.md`).
#[sabi_trait]
pub trait Hooked {
    fn begin_trace(&mut self, services: ServicesRef<'_>) -> RResult<Hooks, Error>;
    fn begin_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<Flow, Error>;
    fn before_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<Flow, Error>;
    fn before_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error>;
    fn after_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<(), Error>;
    fn after_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<(), Error>;
    fn end_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<(), Error>;
    #[sabi(last_prefix_field)]
    fn global_trace(&mut self, services: ServicesRef<'_>) -> RResult<(), Error>;

    /// Since 1.1.
    fn printers(&mut self) -> RResult<RVec<RString>, Error> {
        RResult::ROk(RVec::new())
    }

    /// Since 1.1.
    fn print_value(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error> {
        let _ = (services, frame, variable);
        RResult::ROk(Shown::AsIs)
    }
}

/// Wraps an author's analyzer; `make` may panic too, every hook tells of it then.
pub fn new_analyzer<A: Analyzer + 'static>(make: fn() -> A) -> AnalyzerBox {
    Hooked_TO::from_value(Guarded { analyzer: guard(|| Ok(make())).into_result() }, TD_Opaque)
}

struct Guarded<A> {
    analyzer: Result<A, Error>,
}

impl<A: Analyzer> Guarded<A> {
    fn call<T>(&mut self, hook: impl FnOnce(&mut A) -> Result<T, Error>) -> RResult<T, Error> {
        match &mut self.analyzer {
            Ok(analyzer) => guard(|| hook(analyzer)),
            Err(error) => RResult::RErr(error.clone()),
        }
    }
}

thread_local! {
    /// Whether a panic of this thread will be caught here.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// What the panic being caught said, and where.
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs a piece of the plugin. What it has printed with `print!` is sent on, since the
/// plugin's buffer of standard output is out of glider's reach.
fn guard<T>(run: impl FnOnce() -> Result<T, Error>) -> RResult<T, Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(keep_panics);
    GUARDED.set(true);
    // Nothing is used after a panic but through the next hook, where an analyzer in an odd
    // state can do no worse than give odd answers.
    let outcome = catch_unwind(AssertUnwindSafe(run));
    GUARDED.set(false);
    let _reader_gone = std::io::stdout().flush();
    match outcome {
        Ok(result) => result.into(),
        Err(payload) => {
            // A payload may panic when it is dropped.
            std::mem::forget(payload);
            let text = PANIC.take().unwrap_or_else(|| "panicked".into());
            RResult::RErr(Error::new(ErrorKind::PANIC, text))
        }
    }
}

/// Has the panics that are caught noted instead of printed. Concerns the plugin alone: a shared
/// object has a standard library of its own.
fn keep_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !GUARDED.get() {
            return others(info);
        }
        let said = info.payload_as_str().unwrap_or("no message");
        let text = match info.location() {
            Some(place) => format!("panicked at {}:{}: {said}", place.file(), place.line()),
            None => format!("panicked: {said}"),
        };
        PANIC.set(Some(text));
    }));
}

impl<A: Analyzer> Hooked for Guarded<A> {
    fn begin_trace(&mut self, services: ServicesRef<'_>) -> RResult<Hooks, Error> {
        self.call(|analyzer| analyzer.begin_trace(&Host::new(services)))
    }

    fn printers(&mut self) -> RResult<RVec<RString>, Error> {
        self.call(|analyzer| Ok(analyzer.printers().into_iter().map(RString::from).collect()))
    }

    fn begin_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<Flow, Error> {
        self.call(|analyzer| analyzer.begin_thread(&Host::new(services), thread))
    }

    fn before_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<Flow, Error> {
        self.call(|analyzer| analyzer.before_frame(&Host::new(services), frame))
    }

    fn before_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error> {
        self.call(|analyzer| analyzer.before_variable(&Host::new(services), frame, variable))
    }

    fn print_value(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<Shown, Error> {
        self.call(|analyzer| analyzer.print_value(&Host::new(services), frame, variable))
    }

    fn after_variable(
        &mut self,
        services: ServicesRef<'_>,
        frame: &Frame<'_>,
        variable: &Variable<'_>,
    ) -> RResult<(), Error> {
        self.call(|analyzer| analyzer.after_variable(&Host::new(services), frame, variable))
    }

    fn after_frame(&mut self, services: ServicesRef<'_>, frame: &Frame<'_>) -> RResult<(), Error> {
        self.call(|analyzer| analyzer.after_frame(&Host::new(services), frame))
    }

    fn end_thread(&mut self, services: ServicesRef<'_>, thread: &Thread<'_>) -> RResult<(), Error> {
        self.call(|analyzer| analyzer.end_thread(&Host::new(services), thread))
    }

    fn global_trace(&mut self, services: ServicesRef<'_>) -> RResult<(), Error> {
        self.call(|analyzer| analyzer.global_trace(&Host::new(services)))
    }
}
