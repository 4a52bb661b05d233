//! A plugin that panics in the middle of a trace.

use gimli_plugin_api::{Analyzer, Error, Flow, Frame, Host, export_analyzer};

#[derive(Default)]
struct Panics {
    frames: u32,
}

impl Analyzer for Panics {
    fn before_frame(&mut self, host: &Host<'_>, _: &Frame<'_>) -> Result<Flow, Error> {
        self.frames += 1;
        if self.frames == 12 {
            panic!("twelve is too many");
        }
        writeln!(host, "frame {} of all", self.frames)?;
        Ok(Flow::Continue)
    }
}

export_analyzer!(Panics::default);
