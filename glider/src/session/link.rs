//! The line between keeper and analyzer: one-byte messages, and once the descriptors that make
//! up the hand-over (the capture, in a memory file, the target's memory, and what was copied of it).
//!
//! Nothing here can block the keeper: what is long goes through memory files, and waiting
//! has a deadline.

use crate::target::image::{Image, ImageView, Run};
use crate::target::{Capture, LiveMemory};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv, recvmsg, send,
    sendmsg, socketpair,
};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Analyzer to keeper: what can be loaded beforehand is loaded.
const WARM: u8 = b'w';
/// Analyzer to keeper: everything is in the spool.
const DONE: u8 = b'd';
/// Keeper to analyzer, with the descriptors: the target is, or was, held.
const HELD: u8 = b'h';

/// What the keeper hears of the analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is ready for the hand-over.
    Warm,
    /// It has finished.
    Done,
    /// It is no longer there.
    Gone,
    /// The time is over.
    TimedOut,
    /// Something happened to another descriptor that was watched too.
    Other,
}

/// One end of the line.
#[derive(Debug)]
pub(super) struct Link(OwnedFd);

impl Link {
    /// Both ends: the keeper's, the analyzer's.
    pub(super) fn pair() -> io::Result<(Link, Link)> {
        let (keeper, analyzer) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Link(keeper), Link(analyzer)))
    }

    pub(super) fn say_warm(&self) -> io::Result<()> {
        self.say(WARM)
    }

    pub(super) fn say_done(&self) -> io::Result<()> {
        self.say(DONE)
    }

    fn say(&self, message: u8) -> io::Result<()> {
        send(self.0.as_raw_fd(), &[message], MsgFlags::MSG_NOSIGNAL)?;
        Ok(())
    }

    /// Waits for news of the analyzer, or for `other` to become readable.
    pub(super) fn listen(&self, deadline: Instant, other: Option<BorrowedFd<'_>>) -> News {
        // Woken now and then: a signal descriptor may miss what another thread of the process took.
        const LONGEST: Duration = Duration::from_secs(1);
        let mut watched = vec![PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        watched.extend(other.map(|other| PollFd::new(other, PollFlags::POLLIN)));
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return News::TimedOut;
        }
        // Rounded up, or the last fraction of a millisecond would be spent spinning.
        let rest = rest.min(LONGEST).as_millis() + 1;
        let timeout = PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX);
        let Ok(1..) = poll(&mut watched, timeout) else { return News::Other };
        if !watched.first().and_then(PollFd::any).unwrap_or(false) {
            return News::Other;
        }
        let mut message = [0];
        match recv(self.0.as_raw_fd(), &mut message, MsgFlags::MSG_DONTWAIT) {
            Ok(1) if message == [WARM] => News::Warm,
            Ok(1) if message == [DONE] => News::Done,
            Ok(0) | Err(nix::Error::ECONNRESET) => News::Gone,
            _ => News::Other,
        }
    }

    /// Gives the analyzer the capture, the open memory of the target and its page map, and what was copied of it:
    /// `runs` of `image`.
    pub(super) fn hand_over(
        &self,
        capture: &Capture,
        memory: &File,
        page_map: Option<&File>,
        image: Option<&Image>,
        runs: &[Run],
    ) -> io::Result<()> {
        let mut file = File::from(memfd_create("glider-capture", MemfdFlags::CLOEXEC)?);
        file.write_all(
            &postcard::to_stdvec(&(capture, runs, page_map.is_some())).map_err(io::Error::other)?,
        )?;
        file.rewind()?;
        let mut descriptors = vec![file.as_raw_fd(), memory.as_raw_fd()];
        descriptors.extend(page_map.map(AsRawFd::as_raw_fd));
        descriptors.extend(image.map(|image| image.file().as_raw_fd()));
        let control = [ControlMessage::ScmRights(&descriptors)];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        sendmsg::<()>(self.0.as_raw_fd(), &[IoSlice::new(&[HELD])], &control, flags, None)?;
        Ok(())
    }

    /// Waits for the hand-over; `None` when the keeper has gone or gives nothing.
    pub(super) fn await_hand_over(&self) -> io::Result<Option<(Capture, LiveMemory)>> {
        let mut message = [0];
        let mut parts = [IoSliceMut::new(&mut message)];
        let mut space = nix::cmsg_space!([i32; 4]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<()>(self.0.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let mut files = Vec::new();
        for control in received.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = control {
                files.extend(descriptors.into_iter().map(|descriptor| {
                    // SAFETY: the kernel has just installed this descriptor for us; nobody else owns it.
                    File::from(unsafe { OwnedFd::from_raw_fd(descriptor) })
                }));
            }
        }
        let mut files = files.into_iter();
        let (Some(mut capture), Some(memory)) = (files.next(), files.next()) else { return Ok(None) };
        let mut bytes = Vec::new();
        capture.read_to_end(&mut bytes)?;
        let (capture, runs, has_page_map): (Capture, Vec<Run>, bool) =
            postcard::from_bytes(&bytes).map_err(io::Error::other)?;
        let page_map = if has_page_map { files.next() } else { None };
        let image = files.next().map(|image| ImageView::open(&image, runs)).transpose()?;
        let memory = LiveMemory::of_target(memory, image, page_map, &capture.mappings);
        Ok(Some((capture, memory)))
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::target::copy::Range;
    use crate::target::{CapturedThread, Memory, ProcessInfo};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn messages_arrive_and_the_end_is_noticed() {
        let (keeper, analyzer) = Link::pair().unwrap();
        analyzer.say_warm().unwrap();
        analyzer.say_done().unwrap();
        assert_eq!(keeper.listen(soon(), None), News::Warm);
        assert_eq!(keeper.listen(soon(), None), News::Done);
        assert_eq!(keeper.listen(Instant::now(), None), News::TimedOut);
        drop(analyzer);
        assert_eq!(keeper.listen(soon(), None), News::Gone);
    }

    #[test]
    fn the_capture_and_the_memory_are_handed_over() {
        let (keeper, analyzer) = Link::pair().unwrap();
        let thread = CapturedThread { tid: 7, registers: Some(Box::default()), ..CapturedThread::default() };
        let capture = Capture {
            process: ProcessInfo { pid: 7, ..ProcessInfo::default() },
            mappings: Vec::new(),
            auxv: vec![(6, 4096)],
            threads: vec![thread; 3000],
            problems: vec!["one".to_owned()],
        };
        let mut file = File::from(memfd_create("memory", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(&[b'x'; 4100]).unwrap();
        let range = Range { start: 0, end: 4096 };
        let runs = [Run { range, at: None }];
        for image in [None, Some(Image::create(4096, 0).unwrap())] {
            keeper.hand_over(&capture, &file, None, image.as_ref(), &runs).unwrap();
            let (received, memory) = analyzer.await_hand_over().unwrap().unwrap();
            assert_eq!(
                (received.threads.len(), &received.auxv, &received.problems),
                (3000, &capture.auxv, &capture.problems)
            );
            let mut contents = [1; 8];
            assert_eq!(memory.read(Address(4092), &mut contents), 8);
            assert_eq!(&contents, if image.is_some() { b"\0\0\0\0xxxx" } else { b"xxxxxxxx" });
        }
        drop(keeper);
        assert!(analyzer.await_hand_over().unwrap().is_none(), "the keeper has gone");
    }
}
