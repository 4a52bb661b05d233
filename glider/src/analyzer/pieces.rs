//! The way of the threads into the output: rendered piece by piece, handed over in chunks, so
//! that of a thread's frames and of its rendering there is never more in memory than that.

use super::turns::Turns;
use crate::plugin::Seat;
use crate::report::render::{
    Format, Style, render_frame, render_gap, render_thread_begin, render_thread_end,
};
use crate::report::{Footer, Frame, Thread, Truncation};
use crate::session::Output;

/// Bytes rendered before they are handed over.
const CHUNK: usize = 32 << 10;

/// Takes the pieces of one thread after the other.
pub(super) struct Pieces<'o> {
    output: &'o mut dyn Output,
    seat: Option<&'o Seat<'o>>,
    turns: &'o Turns,
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
        turns: &'o Turns,
        (format, style): (Format, Style),
        done: usize,
    ) -> Pieces<'o> {
        let rendered = Vec::with_capacity(CHUNK);
        Pieces { output, seat, turns, format, style, done, thread: 0, is_begun: false, frames: 0, rendered }
    }

    /// The thread with this index in the capture is next.
    pub(super) fn turn_to(&mut self, thread: usize) {
        (self.thread, self.is_begun, self.frames) = (thread, false, 0);
    }

    /// Bytes rendered so far, by whomever.
    pub(super) fn size(&self) -> u64 {
        self.turns.size() + self.rendered.len() as u64
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

    /// The thread is complete, or has no pieces because it is hidden.
    pub(super) fn end_thread(&mut self) {
        if self.thread >= self.done {
            self.hand_over();
            self.output.end_thread();
            if let Some(seat) = self.seat {
                seat.advance(self.thread + 1, self.output.size(), false);
            }
        }
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
        self.turns.grow(self.rendered.len());
        self.rendered.clear();
    }
}

/// An output for what is in the report already.
pub(super) struct Nowhere;

impl Output for Nowhere {
    fn put_header(&mut self, _: &[u8]) {}
    fn begin_thread(&mut self, _: usize) {}
    fn append(&mut self, _: &[u8]) {}
    fn end_thread(&mut self) {}
    fn size(&self) -> u64 {
        0
    }
    fn set_size(&mut self, _: u64) {}
    fn put_footer(&mut self, _: &Footer) -> Result<(), String> {
        Ok(())
    }
    fn branch(&self, _: usize) -> Option<Box<dyn Output>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::PluginText;
    use crate::report::render::render_thread;
    use crate::session::bare::Bare;
    use crate::session::fallback;
    use crate::target::{Capture, CapturedThread, ProcessInfo, ThreadRegisters};

    /// What was put, thread by thread, each with its parts.
    #[derive(Default)]
    struct Recorder {
        threads: Vec<(usize, Vec<Vec<u8>>)>,
        ended: usize,
    }

    impl Output for Recorder {
        fn put_header(&mut self, _: &[u8]) {}
        fn begin_thread(&mut self, index: usize) {
            self.threads.push((index, Vec::new()));
        }
        fn append(&mut self, rendered: &[u8]) {
            self.threads.last_mut().unwrap().1.push(rendered.to_vec());
        }
        fn end_thread(&mut self) {
            self.ended += 1;
        }
        fn size(&self) -> u64 {
            0
        }
        fn set_size(&mut self, _: u64) {}
        fn put_footer(&mut self, _: &Footer) -> Result<(), String> {
            Ok(())
        }
        fn branch(&self, _: usize) -> Option<Box<dyn Output>> {
            None
        }
    }

    /// A thread of four thousand frames, with a gap and everything around it.
    fn deep_thread() -> Thread {
        let mut registers = ThreadRegisters::default();
        registers.general.set(registers.general.arch().pc(), Some(0x1234));
        let captured = CapturedThread { registers: Some(Box::new(registers)), ..CapturedThread::default() };
        let capture = Capture {
            process: ProcessInfo::default(),
            mappings: Vec::new(),
            auxv: Vec::new(),
            threads: vec![captured],
            problems: Vec::new(),
        };
        let thread = fallback::thread(&capture, &Bare::default(), 0, "it was made up");
        let texts = vec![PluginText { plugin: "p".to_owned(), text: "around it".to_owned() }];
        Thread {
            frames: vec![thread.frames[0].clone(); 4000],
            truncated: Some(Truncation { before_frame: 600, left_out: 7, limit: "--max-frames".to_owned() }),
            text_before: texts.clone(),
            text_after: texts,
            ..thread
        }
    }

    fn put(thread: &Thread, pieces: &mut Pieces<'_>) {
        pieces.turn_to(thread.index);
        pieces.begin(thread);
        for frame in &thread.frames {
            if let Some(gap) = thread.truncated.as_ref().filter(|gap| gap.before_frame == pieces.frames()) {
                pieces.gap(gap);
            }
            pieces.frame(frame);
        }
        pieces.end(thread);
        pieces.end_thread();
    }

    #[test]
    fn the_pieces_are_the_rendered_thread_in_parts_of_bounded_size() {
        let threads = [deep_thread(), Thread { index: 1, ..deep_thread() }];
        for format in [Format::Text, Format::Json] {
            let mut output = Recorder::default();
            let turns = Turns::new(2, 0);
            let mut pieces = Pieces::new(&mut output, None, &turns, (format, Style::default()), 0);
            threads.iter().for_each(|thread| put(thread, &mut pieces));
            assert_eq!((output.threads.len(), output.ended), (2, 2));
            for (thread, (index, parts)) in threads.iter().zip(&output.threads) {
                let mut whole = Vec::new();
                render_thread(thread, thread.index == 0, format, Style::default(), &mut whole);
                assert!(whole.len() > 2 * CHUNK && *index == thread.index);
                assert_eq!(parts.concat(), whole);
                assert!(parts.iter().all(|part| part.len() < CHUNK + 1000));
            }
        }
    }

    #[test]
    fn a_hidden_thread_is_put_empty_and_what_was_done_before_is_not_put_again() {
        let mut output = Recorder::default();
        let turns = Turns::new(3, 0);
        let mut pieces = Pieces::new(&mut output, None, &turns, (Format::Text, Style::default()), 1);
        put(&deep_thread(), &mut pieces);
        pieces.turn_to(1);
        pieces.end_thread();
        let thread = Thread { index: 2, ..Thread::default() };
        put(&thread, &mut pieces);
        let size = pieces.size();
        let lengths: Vec<(usize, usize)> =
            output.threads.iter().map(|(index, parts)| (*index, parts.concat().len())).collect();
        assert_eq!(lengths, [(1, 0), (2, "\nThread 2 (LWP 0)\n".len())]);
        assert_eq!((output.ended, size), (2, "\nThread 2 (LWP 0)\n".len() as u64));
    }
}
