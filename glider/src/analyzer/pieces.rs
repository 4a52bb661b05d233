//! The way of the threads into the output: rendered piece by piece, handed over in chunks, so
//! that of a thread's frames and of its rendering there is never more in memory than that.

use crate::plugin::Seat;
use crate::report::render::{
    Format, Style, render_frame, render_gap, render_thread_begin, render_thread_end,
};
use crate::report::{Frame, Thread, Truncation};
use crate::session::Output;

/// Bytes rendered before they are handed over.
const CHUNK: usize = 64 << 10;

/// Takes the pieces of one thread after the other.
pub(super) struct Pieces<'o> {
    output: &'o mut dyn Output,
    seat: Option<&'o Seat<'o>>,
    format: Format,
    style: Style,
    /// Threads that are in the output already: their pieces are dropped.
    done: usize,
    /// Index of the thread at hand in the capture.
    thread: usize,
    /// Whether the output knows of it.
    is_begun: bool,
    /// Its frames so far.
    frames: usize,
    rendered: Vec<u8>,
}

impl<'o> Pieces<'o> {
    /// For all threads. `seat`: in the plugin host, which must not write before it was checked.
    pub(super) fn new(
        output: &'o mut dyn Output,
        seat: Option<&'o Seat<'o>>,
        (format, style): (Format, Style),
        done: usize,
    ) -> Pieces<'o> {
        let rendered = Vec::with_capacity(CHUNK);
        Pieces { output, seat, format, style, done, thread: 0, is_begun: false, frames: 0, rendered }
    }

    /// Bytes in the output.
    pub(super) fn size(&self) -> u64 {
        self.output.size()
    }

    /// How many frames the thread has so far.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// What precedes the frames of a thread.
    pub(super) fn begin(&mut self, thread: &Thread) {
        self.render(|format, style, out| render_thread_begin(thread, thread.index == 0, format, style, out));
    }

    /// A frame.
    pub(super) fn frame(&mut self, frame: &Frame) {
        let is_first = self.frames == 0;
        self.frames += 1;
        self.render(|format, style, out| render_frame(frame, is_first, format, style, out));
    }

    /// Frames that are left out.
    pub(super) fn gap(&mut self, gap: &Truncation) {
        self.render(|format, style, out| render_gap(gap, format, style, out));
    }

    /// What follows the frames of a thread.
    pub(super) fn end(&mut self, thread: &Thread) {
        self.render(|format, style, out| render_thread_end(thread, format, style, out));
    }

    /// The thread is complete, or has no pieces because it is hidden. The next one follows.
    pub(super) fn next_thread(&mut self) {
        if self.thread >= self.done {
            self.hand_over();
            self.output.end_thread();
            if let Some(seat) = self.seat {
                seat.advance(self.thread + 1, self.output.size());
            }
        }
        (self.thread, self.is_begun, self.frames) = (self.thread + 1, false, 0);
    }

    fn render(&mut self, render: impl FnOnce(Format, Style, &mut Vec<u8>)) {
        if self.thread < self.done {
            return;
        }
        render(self.format, self.style, &mut self.rendered);
        if self.rendered.len() >= CHUNK {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if let Some(seat) = self.seat {
            seat.check();
        }
        if !self.is_begun {
            self.output.begin_thread(self.thread);
            self.is_begun = true;
        }
        self.output.append(&self.rendered);
        self.rendered.clear();
    }
}
