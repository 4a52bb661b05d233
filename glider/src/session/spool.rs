//! The spool: rendered parts of a report in a memory file that outlives whoever wrote them.
//!
//! The analyzer appends with pwrite(2), never through a mapping, so that a part is either
//! there as a whole or, when the analyzer died in the middle, recognizably unfinished. The
//! keeper believes nothing it reads back: a record that is out of place ends the reading.
//!
//! Processes that write at the same time have branches of their own: equal parts of a file that
//! is mostly hole.
//!
//! A record is a header of four little-endian words (mark, kind, index, length), then that
//! many bytes. The length is put in its place when the record is complete.

#![forbid(unsafe_code)]

use super::Output;
use super::controls::Controls;
use crate::limits;
use crate::report::Footer;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;

/// `glsp`: begins each record.
const MARK: u32 = u32::from_le_bytes(*b"glsp");
/// Bytes of a record's header.
const HEADER_SIZE: u64 = 16;
/// Where in the header the length is.
const LENGTH_AT: u64 = 12;
/// The length of a record that is not complete: longer than [`MAX_SIZE`], as is every number on
/// the way from it to a true length, of which the highest byte is written last.
const UNFINISHED: u32 = u32::MAX;
/// Bytes a branch may hold.
const MAX_SIZE: u64 = limits::SPOOL;
/// Branches there may be, the first among them.
const MAX_BRANCHES: usize = 64;
/// Longest file that a spool may be.
pub(super) const MAX_FILE: u64 = MAX_SIZE * MAX_BRANCHES as u64;
/// Bytes of footers that are believed, of all branches together: decoded they take many times as much.
const MAX_FOOTER: u64 = 64 << 20;
/// Bytes of what the analyzer has given up, in words.
const MAX_WORDS: u64 = 4096;
/// Bytes copied at a time.
const CHUNK: usize = 64 << 10;

const KIND_HEADER: u32 = 1;
const KIND_THREAD: u32 = 2;
const KIND_FOOTER: u32 = 3;
const KIND_RIGHTS: u32 = 4;

/// Makes an empty spool: a file in memory, with no name in any folder.
///
/// # Errors
/// When the system gives no descriptor.
pub fn create() -> io::Result<File> {
    Ok(File::from(memfd_create("glider-spool", MemfdFlags::CLOEXEC)?))
}

/// The analyzer's end.
#[derive(Debug)]
pub struct SpoolWriter {
    file: File,
    /// Where the branch begins.
    base: u64,
    /// Bytes of the complete records.
    size: u64,
    /// Bytes of the record that is being written, its header included.
    open: u64,
    failed: bool,
}

impl SpoolWriter {
    /// Writes to an empty file.
    pub fn new(file: File) -> Self {
        SpoolWriter { file, base: 0, size: 0, open: 0, failed: false }
    }

    /// Writes one record.
    fn put(&mut self, kind: u32, index: usize, content: &[u8]) {
        self.begin(kind, index);
        self.append(content);
        self.end();
    }

    /// Begins a record behind the last complete one.
    fn begin(&mut self, kind: u32, index: usize) {
        self.open = 0;
        let Ok(index) = u32::try_from(index) else {
            self.failed = true;
            return;
        };
        let mut header = [0; HEADER_SIZE as usize];
        for (place, word) in header.as_chunks_mut::<4>().0.iter_mut().zip([MARK, kind, index, UNFINISHED]) {
            *place = word.to_le_bytes();
        }
        self.append(&header);
    }

    /// Completes it.
    fn end(&mut self) {
        let length = u32::try_from(self.open.saturating_sub(HEADER_SIZE)).unwrap_or(UNFINISHED);
        if !self.failed {
            self.failed =
                self.file.write_all_at(&length.to_le_bytes(), self.base + self.size + LENGTH_AT).is_err();
        }
        if !self.failed {
            self.size += self.open;
        }
        self.open = 0;
    }

    /// Puts what the analyzer has given up, in words.
    pub(super) fn put_rights(&mut self, words: &str) {
        self.put(KIND_RIGHTS, 0, words.as_bytes());
    }
}

impl Output for SpoolWriter {
    fn put_header(&mut self, rendered: &[u8]) {
        self.put(KIND_HEADER, 0, rendered);
    }

    fn begin_thread(&mut self, index: usize) {
        self.begin(KIND_THREAD, index);
    }

    /// After a failure (memory is short) nothing more is written, so that what is there stays readable.
    fn append(&mut self, rendered: &[u8]) {
        // At its own offset: a forked process shares the file's.
        let at = self.base + self.size + self.open;
        let open = self.open + rendered.len() as u64;
        self.failed |= self.size + open > MAX_SIZE;
        if !self.failed {
            self.failed = self.file.write_all_at(rendered, at).is_err();
            self.open = open;
        }
    }

    fn end_thread(&mut self) {
        self.end();
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn descriptor(&self) -> Option<RawFd> {
        Some(self.file.as_raw_fd())
    }

    fn set_size(&mut self, size: u64) {
        // Told by a process that may have gone wild: never more than there is.
        let size = self.file.metadata().map_or(0, |metadata| metadata.len()).min(size);
        self.failed |= self.file.set_len(size).is_err();
        (self.size, self.open) = (size, 0);
    }

    fn put_footer(&mut self, footer: &Footer) -> Result<(), String> {
        let bytes =
            postcard::to_stdvec(footer).map_err(|error| format!("cannot encode the footer: {error}"))?;
        self.put(KIND_FOOTER, 0, &bytes);
        if self.failed { Err("the rendered report does not fit into memory".to_owned()) } else { Ok(()) }
    }

    fn branch(&self, number: usize) -> Option<Box<dyn Output>> {
        let base = MAX_SIZE * u64::try_from(number).ok().filter(|_| number < MAX_BRANCHES)?;
        let file = self.file.try_clone().ok()?;
        Some(Box::new(SpoolWriter { file, base, size: 0, open: 0, failed: false }))
    }
}

/// Where a part lies in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    offset: u64,
    length: u64,
}

impl Part {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The keeper's end: an index of the parts that are there.
#[derive(Debug)]
pub struct SpoolReader {
    file: File,
    /// What the analyzer has given up, in words.
    pub rights: Option<String>,
    /// Everything before the first thread.
    pub header: Option<Part>,
    /// Each thread of the capture.
    pub threads: Vec<Option<Part>>,
    /// What follows the threads, when the analysis came to its end.
    pub footer: Option<Footer>,
    /// Bytes of footers that may still be read.
    footer_room: u64,
}

impl SpoolReader {
    /// Indexes the records of a spool about `thread_count` threads: of each branch up to the first
    /// that is not whole. Of two records for the same part the first counts.
    pub fn new(file: File, thread_count: usize) -> Self {
        let mut reader = SpoolReader {
            file,
            rights: None,
            header: None,
            threads: vec![None; thread_count],
            footer: None,
            footer_room: MAX_FOOTER,
        };
        let size = reader.file.metadata().map_or(0, |metadata| metadata.len());
        for branch in 0..MAX_BRANCHES as u64 {
            let base = branch * MAX_SIZE;
            reader.read_branch(base, size.min(base + MAX_SIZE));
        }
        reader
    }

    /// Indexes the records of one branch.
    fn read_branch(&mut self, base: u64, size: u64) {
        let mut offset = base;
        let mut has_footer = false;
        while let Some((kind, index, part)) = self.read_record(offset, size) {
            offset = part.offset + part.length;
            match kind {
                KIND_HEADER => self.header = self.header.or(Some(part)),
                KIND_THREAD => match self.threads.get_mut(index) {
                    Some(thread) => *thread = thread.or(Some(part)),
                    None => break,
                },
                KIND_RIGHTS => self.rights = self.read_words(part),
                KIND_FOOTER if !has_footer => {
                    has_footer = true;
                    if let Some(footer) = self.read_footer(part) {
                        match &mut self.footer {
                            Some(known) => known.merge(footer),
                            None => self.footer = Some(footer),
                        }
                    }
                }
                _ => break,
            }
        }
    }

    fn read_record(&self, offset: u64, size: u64) -> Option<(u32, usize, Part)> {
        let mut header = [0; HEADER_SIZE as usize];
        self.file.read_exact_at(&mut header, offset).ok()?;
        let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let (mark, kind, index, length) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let part = Part { offset: offset + HEADER_SIZE, length: u64::from(length) };
        let is_whole = part.length <= MAX_SIZE && part.offset + part.length <= size;
        (mark == MARK && is_whole).then_some((kind, usize::try_from(index).ok()?, part))
    }

    fn read_words(&self, part: Part) -> Option<String> {
        let mut words = Vec::new();
        if part.length <= MAX_WORDS {
            self.copy(part, &mut words).ok()?;
        }
        Some(String::from_utf8_lossy(&words).into_owned())
    }

    fn read_footer(&mut self, part: Part) -> Option<Footer> {
        self.footer_room = self.footer_room.checked_sub(part.length)?;
        let mut bytes = vec![0; usize::try_from(part.length).ok()?];
        self.file.read_exact_at(&mut bytes, part.offset).ok()?;
        postcard::from_bytes(&bytes).ok()
    }

    /// Copies a part to `output`.
    ///
    /// # Errors
    /// Those of `output`, and of reading a part that is no longer there.
    pub fn copy(&self, part: Part, output: &mut dyn Write) -> io::Result<()> {
        let (mut buffer, mut controls) = (vec![0; CHUNK], Controls::default());
        let (mut offset, end) = (part.offset, part.offset + part.length);
        while offset < end {
            let wanted = usize::try_from(end - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
            let chunk = buffer.get_mut(..wanted).unwrap_or_default();
            self.file.read_exact_at(chunk, offset)?;
            controls.take_out(chunk);
            output.write_all(chunk)?;
            offset += wanted as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    fn text(reader: &SpoolReader, part: Option<Part>) -> Option<String> {
        let mut bytes = Vec::new();
        reader.copy(part?, &mut bytes).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }

    fn put_thread(writer: &mut SpoolWriter, index: usize, parts: &[&[u8]]) {
        writer.begin_thread(index);
        parts.iter().for_each(|part| writer.append(part));
        writer.end_thread();
    }

    /// A spool with a header, threads 1 and 0, and a footer; its bytes.
    fn example() -> Vec<u8> {
        let file = create().unwrap();
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        writer.put_header(b"head");
        put_thread(&mut writer, 1, &[b"sec", b"", b"ond"]);
        put_thread(&mut writer, 0, &[&[b'x'; 60_000], &[b'y'; 40_000]]);
        let footer = Footer { problems: vec!["a problem".to_owned()], ..Footer::default() };
        writer.put_footer(&footer).unwrap();
        let mut bytes = vec![0; usize::try_from(writer.size()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn reader_of(bytes: &[u8], thread_count: usize) -> SpoolReader {
        let mut file = create().unwrap();
        file.write_all(bytes).unwrap();
        SpoolReader::new(file, thread_count)
    }

    #[test]
    fn what_was_put_comes_back_whatever_the_order() {
        let reader = reader_of(&example(), 3);
        assert_eq!(text(&reader, reader.header).as_deref(), Some("head"));
        assert_eq!(text(&reader, reader.threads[0]).map(|text| text.len()), Some(100_000));
        assert_eq!(text(&reader, reader.threads[1]).as_deref(), Some("second"));
        assert_eq!(reader.threads[2], None);
        assert_eq!(
            reader.footer.as_ref().map(|footer| footer.problems.clone()),
            Some(vec!["a problem".to_owned()])
        );
    }

    #[test]
    fn a_spool_cut_anywhere_gives_the_parts_before_the_cut() {
        let bytes = example();
        let ends = [0, 20, 42, 100_058, bytes.len()];
        for cut in (0..60).chain(100_050..bytes.len()) {
            let reader = reader_of(&bytes[..cut], 2);
            let whole = ends.iter().filter(|&&end| end <= cut).count() - 1;
            let found = [
                reader.header.is_some(),
                reader.threads[1].is_some(),
                reader.threads[0].is_some(),
                reader.footer.is_some(),
            ];
            assert_eq!(found.iter().filter(|found| **found).count(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_thread_that_was_not_ended_does_not_count_but_those_before_it_do() {
        let file = create().unwrap();
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        put_thread(&mut writer, 0, &[]);
        let whole = writer.size();
        writer.begin_thread(1);
        writer.append(&[b'x'; 100_000]);
        assert_eq!(writer.size(), whole);
        let reader = SpoolReader::new(file.try_clone().unwrap(), 3);
        assert!(reader.threads[0].is_some_and(|part| part.is_empty()));
        assert_eq!(reader.threads[1..], [None, None]);

        // The process that began it is gone; the one it was forked from goes on in its place.
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        writer.set_size(whole);
        put_thread(&mut writer, 1, &[b"once", b" more"]);
        writer.put_footer(&Footer::default()).unwrap();
        let reader = SpoolReader::new(file, 3);
        assert_eq!(text(&reader, reader.threads[1]).as_deref(), Some("once more"));
        assert!(reader.footer.is_some());
    }

    #[test]
    fn a_record_whose_length_was_half_written_is_unfinished() {
        let (bytes, length) = (example(), 6_u32.to_le_bytes());
        for written in 0..4 {
            let mut damaged = bytes.clone();
            damaged[32..36].copy_from_slice(&UNFINISHED.to_le_bytes());
            damaged[32..32 + written].copy_from_slice(&length[..written]);
            let reader = reader_of(&damaged, 2);
            assert_eq!((reader.header.is_some(), reader.threads[1]), (true, None), "{written} bytes");
        }
    }

    #[test]
    fn a_record_for_which_there_is_no_room_stays_unfinished_and_nothing_follows() {
        let file = create().unwrap();
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        // As if most of it were taken: a hole in the file, which takes no memory.
        writer.size = MAX_SIZE - 100;
        put_thread(&mut writer, 0, &[&[b'x'; 50], &[b'y'; 50]]);
        put_thread(&mut writer, 1, &[b"z"]);
        assert_eq!(writer.size(), MAX_SIZE - 100);
        assert!(writer.put_footer(&Footer::default()).is_err());
        let mut bytes = Vec::new();
        file.try_clone().unwrap().seek(SeekFrom::End(-66)).unwrap();
        (&file).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes[12..16], UNFINISHED.to_le_bytes());
        assert!(bytes[16..].iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn records_that_are_out_of_place_end_the_reading() {
        let bytes = example();
        for (offset, value) in [(0, 0), (4, 9), (12, 0xff), (20, 1), (28, 7)] {
            let mut damaged = bytes.clone();
            damaged[offset] = value;
            let reader = reader_of(&damaged, 2);
            assert!(reader.footer.is_none() && reader.threads[0].is_none(), "byte {offset}");
        }
        assert!(reader_of(&bytes, 0).footer.is_none(), "a thread that was not captured");
    }

    #[test]
    fn branches_are_written_side_by_side_and_their_footers_put_together() {
        let file = create().unwrap();
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        let footer = |problem: &str| Footer { problems: vec![problem.to_owned()], ..Footer::default() };
        let mut branch = writer.branch(3).unwrap();
        for (index, text) in [(2, b"two"), (0, b"nil")] {
            branch.begin_thread(index);
            branch.append(text);
            branch.end_thread();
        }
        put_thread(&mut writer, 1, &[b"one"]);
        branch.put_footer(&footer("of the branch")).unwrap();
        writer.put_footer(&footer("of the first")).unwrap();
        assert!(writer.branch(MAX_BRANCHES).is_none());
        let reader = SpoolReader::new(file, 3);
        let texts = reader.threads.iter().map(|part| text(&reader, *part).unwrap());
        assert_eq!(texts.collect::<Vec<_>>(), ["nil", "one", "two"]);
        assert_eq!(reader.footer.unwrap().problems, ["of the first", "of the branch"]);
    }

    #[test]
    fn of_two_records_for_a_part_the_first_counts() {
        let file = create().unwrap();
        let mut writer = SpoolWriter::new(file.try_clone().unwrap());
        put_thread(&mut writer, 0, &[b"first"]);
        put_thread(&mut writer, 0, &[b"later"]);
        let reader = SpoolReader::new(file, 1);
        assert_eq!(text(&reader, reader.threads[0]).as_deref(), Some("first"));
    }
}
