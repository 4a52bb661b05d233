//! `glider plugins PID`: what would be loaded for a process, and why not. Nothing of a plugin
//! runs, and the process is not stopped. Its files are read by a confined process, as for a trace.

#![forbid(unsafe_code)]

use super::doors::Doors;
use super::search::{Finder, Plan, Search, Sources, Verdict};
use crate::object::{Modules, ObjectCache};
use crate::report::{Footer, FoundBy, PluginText, escaped};
use crate::session::{Analyzer, Output};
use crate::target::{Capture, Mapping, Memory, ProcessInfo};
use std::fmt::Write;

/// Looks for the plugins of a process; the list is what its footer has plugins print.
#[derive(Debug)]
pub struct PluginLister {
    /// Which plugins there may be.
    pub sources: Sources,
}

impl Analyzer for PluginLister {
    fn prepare(&mut self, _process: &ProcessInfo, _mappings: &[Mapping]) {}

    fn analyze(&mut self, capture: &Capture, memory: &dyn Memory, _output: &mut dyn Output) -> Footer {
        let modules = Modules::of_capture(capture, memory, &mut ObjectCache::default());
        let plan = Finder::default().plan(&self.sources, &modules, memory);
        let list = PluginText { plugin: String::new(), text: render_plan(&plan) };
        Footer { plugin_output: vec![list], ..Footer::default() }
    }
}

/// The list as text: for each object each name looked for, and each place it was looked for at.
fn render_plan(plan: &Plan) -> String {
    let mut text = String::new();
    let mut object = None;
    // Writing to a string does not fail.
    for search in &plan.searches {
        if object != Some(&search.object) {
            let _ = writeln!(text, "{}", escaped(&search.object));
            object = Some(&search.object);
        }
        let _ = render_search(&mut text, search);
    }
    let _ = writeln!(text, "{} to load", plan.plugins.len());
    for problem in &plan.problems {
        let _ = writeln!(text, "{}", escaped(problem));
    }
    text
}

fn render_search(text: &mut String, search: &Search) -> std::fmt::Result {
    let by = match search.wanted.found_by {
        FoundBy::Option => "asked for with --plugin",
        FoundBy::Section => "named in the section gimli_trace",
        FoundBy::Symbol => "named by gimli_tracer_module_name",
        FoundBy::Name => "from the file name",
    };
    writeln!(text, "    {} ({by})", escaped(&search.wanted.name))?;
    for (path, verdict) in &search.tried {
        let path = escaped(&path.display().to_string());
        match verdict {
            Verdict::Absent => writeln!(text, "        {path}: not there")?,
            Verdict::Refused(why) => writeln!(text, "        {path}: refused: {}", escaped(why))?,
            Verdict::Usable(doors) => {
                writeln!(text, "        {path}: to be loaded, {} interface", name_doors(*doors))?;
            }
            Verdict::Again => writeln!(text, "        {path}: to be loaded already")?,
        }
    }
    Ok(())
}

fn name_doors(doors: Doors) -> &'static str {
    match (doors.rust, doors.module_init, doors.ana_init) {
        (true, _, _) => "Rust",
        (false, true, true) => "C (versions 2 and 3)",
        (false, true, false) => "C (version 3)",
        (false, false, _) => "C (version 1 or 2)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::declared::Wanted;
    use std::path::PathBuf;

    #[test]
    fn each_object_has_its_names_and_each_name_its_places() {
        let search = |name: &str, found_by, tried: Vec<(PathBuf, Verdict)>| Search {
            object: "/srv/app".to_owned(),
            wanted: Wanted { found_by, name: name.to_owned() },
            tried,
        };
        let doors = Doors { ana_init: true, ..Doors::default() };
        let plan = Plan {
            searches: vec![
                search(
                    "gimli_x.so",
                    FoundBy::Section,
                    vec![(PathBuf::from("/srv/gimli_x.so"), Verdict::Absent)],
                ),
                search(
                    "gimli_app.so",
                    FoundBy::Name,
                    vec![
                        (PathBuf::from("/srv/gimli_app.so"), Verdict::Refused("/srv is\nopen".to_owned())),
                        (PathBuf::from("/usr/gimli_app.so"), Verdict::Usable(doors)),
                    ],
                ),
            ],
            ..Plan::default()
        };
        insta::assert_snapshot!(render_plan(&plan), @r"
        /srv/app
            gimli_x.so (named in the section gimli_trace)
                /srv/gimli_x.so: not there
            gimli_app.so (from the file name)
                /srv/gimli_app.so: refused: /srv is\nopen
                /usr/gimli_app.so: to be loaded, C (version 1 or 2) interface
        0 to load
        ");
    }
}
