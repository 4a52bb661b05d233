//! The analysis of a capture, from registers to report: the one place where the parts of
//! the pipeline meet.
//!
//! Modules, then for each thread: unwinding, then for each of its frames: code by pc,
//! variables, report, rendered and handed over before the next one begins, so that memory
//! does not grow with the report.

mod pieces;
mod signal;
mod threads;
mod turns;

use crate::dwarf::DebugInfo;
use crate::limits::Limits;
use crate::object::{DebugSources, Module, Modules, ObjectCache, cut_short};
use crate::plugin::{self, Finder, Host, Seat, Sources};
use crate::report::redact::Redactor;
use crate::report::render::{Format, Style, render_header};
use crate::report::{self, Footer};
use crate::session::shared_memory::share;
use crate::session::workers::Workers;
use crate::session::{Analyzer, Output, fallback};
use crate::stacks::Stacks;
use crate::target::{Capture, Mapping, Memory, ProcessInfo};
use crate::types::Types;
use crate::values::{Environment, Process};
use pieces::Pieces;
use std::num::NonZeroUsize;
use threads::Threads;
use turns::Turns;

/// Threads that are analyzed before others are given to other processes: what they look up is then
/// known to all.
const WARM_UP: usize = 4;

/// What is analyzed, and how much of it is shown.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What keeps the report finite.
    pub limits: Limits,
    /// Whether parameters and locals are shown.
    pub variables: bool,
    /// Whether values are shown as their types are laid out, and not as their language writes them.
    pub raw_values: bool,
    /// What the report is written as.
    pub format: Format,
    /// How the text looks.
    pub style: Style,
    /// What masks secrets.
    pub redactor: Redactor,
    /// Where debug information is taken from.
    pub debug: DebugSources,
    /// Processes that analyze threads at the same time; by default as many as there are processors,
    /// or one less while the target runs.
    pub jobs: Option<usize>,
    /// Which plugins are loaded.
    pub plugins: Sources,
    /// Whether each call of a plugin is noted.
    pub notes_plugin_calls: bool,
}

/// glider's own analyzer.
pub struct GliderAnalyzer {
    settings: Settings,
    objects: ObjectCache,
    plugins: Finder,
    /// Why not all debug information could be asked for.
    fetch_problem: Option<String>,
}

impl GliderAnalyzer {
    /// An analyzer for one trace.
    pub fn new(settings: Settings) -> GliderAnalyzer {
        let objects = ObjectCache::new(settings.debug.clone());
        GliderAnalyzer { settings, objects, plugins: Finder::default(), fetch_problem: None }
    }

    /// Every thread, the header and what the footer says of them. `seat` makes this the plugin
    /// host; the first `done` threads are in the output already, and are gone through for the plugins alone.
    /// Without plugins up to `jobs` processes share the threads.
    fn go_through(
        &self,
        process: Process<'_>,
        capture: &Capture,
        seat: Option<&Seat<'_>>,
        (done, jobs): (usize, usize),
        output: &mut dyn Output,
    ) -> Footer {
        let count = capture.threads.len();
        let alone = Turns::new(count, output.size());
        let shared = if jobs > 1 { share(Turns::new(count, output.size())).ok() } else { None };
        let branches: Vec<_> = match shared {
            Some(_) => (1..jobs).map_while(|number| output.branch(number)).collect(),
            None => Vec::new(),
        };
        let turns = shared.unwrap_or(&alone);
        let stacks = Stacks::new(process, capture);
        let host = seat.map(|seat| Host::load(seat, &stacks, &self.settings.limits));
        let mut threads = Threads::new(&stacks, &self.settings, host.as_ref());
        let look = (self.settings.format, self.settings.style);
        let mut pieces = Pieces::new(output, seat, turns, look, done);
        let mut workers = Workers::default();
        if !branches.is_empty() {
            threads.take_turns(turns, WARM_UP, &mut pieces);
            // Each is worth its start only with some threads to do.
            for mut branch in branches.into_iter().take(turns.left() / WARM_UP) {
                workers.start(|| {
                    threads.take_problems();
                    let mut pieces = Pieces::new(&mut *branch, None, turns, look, 0);
                    threads.take_turns(turns, usize::MAX, &mut pieces);
                    let _ = branch.put_footer(&footer(&process, &mut threads));
                });
            }
        }
        threads.take_turns(turns, usize::MAX, &mut pieces);
        let failures = workers.wait();
        let mut footer = footer(&process, &mut threads);
        footer.problems.splice(0..0, self.fetch_problem.clone());
        footer.problems.extend(failures);
        threads.recall_cause(turns);
        let mut header = fallback::header(capture);
        header.crash_info = threads.crash();
        header.cause = threads.words();
        if let Some(host) = &host {
            host.finish(&mut footer);
            host.check();
        }
        let mut rendered = Vec::new();
        render_header(&header, look.0, look.1, &mut rendered);
        output.put_header(&rendered);
        if let Some(host) = &host {
            host.conclude(capture.threads.len(), output.size());
        }
        footer
    }

    /// How many processes analyze threads at the same time: one less than there are processors
    /// when the target is to have one itself.
    fn jobs(&self, memory: &dyn Memory) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let automatic = if memory.is_released() { processors - 1 } else { processors };
        self.settings.jobs.unwrap_or(automatic).max(1)
    }
}

/// What is to be said of the threads that were analyzed here.
fn footer(process: &Process<'_>, threads: &mut Threads<'_>) -> Footer {
    Footer {
        modules: process.modules.iter().map(|module| describe(module, threads)).collect(),
        variables_left_out: threads.has_left_out_variables(),
        problems: threads
            .take_problems()
            .into_iter()
            .chain(cut_short())
            .chain(process.modules.gap())
            .collect(),
        ..Footer::default()
    }
}

impl Analyzer for GliderAnalyzer {
    fn prepare(&mut self, process: &ProcessInfo, mappings: &[Mapping]) {
        let modules = Modules::load(process.pid, mappings, None, &mut self.objects);
        if !self.settings.plugins.none {
            self.plugins.prepare(&modules);
        }
        // The program and the C library are on nearly every stack.
        let is_usual = |module: &&Module| Some(&*module.path) == process.exe.as_deref() || module.is_libc();
        self.fetch_problem = self.objects.fetch(&modules, &is_usual);
        for object in modules.iter().filter(is_usual).filter_map(|module| module.object.as_ref().ok()) {
            if let Some(info) = object.debug_info() {
                info.prepare();
            }
        }
    }

    fn analyze(&mut self, capture: &Capture, memory: &dyn Memory, output: &mut dyn Output) -> Footer {
        let modules = Modules::of_capture(capture, memory, &mut self.objects);
        let types = Types::default();
        let environment = Environment::find(capture, &modules, memory);
        let process = Process { memory, modules: &modules, types: &types, environment: &environment };
        let plan = self.plugins.plan(&self.settings.plugins, &modules, memory);
        if plan.plugins.is_empty() {
            let mut footer = self.go_through(process, capture, None, (0, self.jobs(memory)), output);
            footer.problems.splice(0..0, plan.problems);
            footer.plugins = plan.missing;
            return footer;
        }
        plugin::supervise(
            &plan,
            self.settings.notes_plugin_calls,
            &self.settings.limits,
            output,
            &|seat, done, output| self.go_through(process, capture, seat, (done, 1), output),
        )
    }
}

/// A module as the report lists it.
fn describe(module: &Module, threads: &Threads<'_>) -> report::Module {
    let object = module.object.as_ref().ok();
    let debug_info = object.and_then(|object| object.known_debug_info());
    let is_bare = object.is_some() && threads.has_code_in(module) && debug_info.is_none();
    let problem = match &module.object {
        Err(problem) => Some(problem.clone()),
        Ok(object) if is_bare && object.has_known_mini() => {
            Some("no debug information but the names of functions (.gnu_debugdata)".to_owned())
        }
        Ok(_) if is_bare => Some("no debug information".to_owned()),
        Ok(_) => debug_info.and_then(DebugInfo::gap).map(str::to_owned),
    };
    report::Module {
        filename: module.path.clone(),
        base_addr: module.start,
        end_addr: module.end,
        debug_id: object.and_then(|object| object.build_id_in_hex()),
        read_from: object.and_then(|object| object.read_from.clone()),
        debug_info: debug_info.map(|info| info.path().display().to_string()),
        problem,
        remedy: (is_bare && module.path.starts_with('/')).then(|| threads.remedy().to_owned()),
    }
}
