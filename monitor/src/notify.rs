//! sd_notify(3): the datagrams a server sends, and the ones the monitor passes on to a service manager above.
//! `parse` is pure; the sockets are below. Who may speak is decided by the caller, from the
//! credentials that the kernel attaches.

use crate::event::{Event, Pid};
use nix::sys::socket::{self, ControlMessageOwned, MsgFlags, SockFlag, UnixAddr, recvmsg};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

const MAX_DATAGRAM: usize = 4096;
/// More do not come with one message (unix(7), SCM_RIGHTS).
const MAX_DESCRIPTORS: usize = 253;
const MAX_STATUS: usize = 256;

/// What the assignments of one datagram mean, one on each line; what is unknown or malformed is skipped, as systemd
/// does.
fn parse(text: &[u8]) -> Vec<Event> {
    let event = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let time = || value.parse().ok().map(Duration::from_micros);
        Some(match (name, value) {
            ("READY", "1") => Event::Ready,
            ("STOPPING", "1") => Event::Stopping,
            ("WATCHDOG", "1") => Event::Watchdog,
            ("WATCHDOG", "trigger") => Event::Trigger,
            ("WATCHDOG_USEC", _) => Event::Interval(time()?),
            ("EXTEND_TIMEOUT_USEC", _) => Event::Extend(time()?),
            ("STATUS", text) => {
                let text: String = text.chars().take(MAX_STATUS).collect();
                Event::Status(text.replace(char::is_control, " "))
            }
            _ => return None,
        })
    };
    String::from_utf8_lossy(text).lines().filter_map(event).collect()
}

/// The socket a server's datagrams arrive at: an abstract address that the kernel chose, so nothing is left
/// behind in the file system.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: OwnedFd,
    name: String,
}

impl Listener {
    pub(crate) fn open() -> nix::Result<Listener> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (family, kind) = (socket::AddressFamily::Unix, socket::SockType::Datagram);
        let socket = socket::socket(family, kind, flags, None)?;
        socket::bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        socket::setsockopt(&socket, socket::sockopt::PassCred, &true)?;
        let address: UnixAddr = socket::getsockname(socket.as_raw_fd())?;
        let name = address.as_abstract().unwrap_or_default();
        Ok(Listener { socket, name: format!("@{}", String::from_utf8_lossy(name)) })
    }

    /// The value for `NOTIFY_SOCKET`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next datagram and the process that sent it; None when there is none. Descriptors that came with it are
    /// closed, which is the answer to BARRIER=1 and to FDSTORE=1 from one who keeps none.
    pub(crate) fn receive(&self) -> Option<(Pid, Vec<Event>)> {
        let mut text = [0; MAX_DATAGRAM];
        let mut control = nix::cmsg_space!(libc::ucred, [RawFd; MAX_DESCRIPTORS]);
        let mut parts = [IoSliceMut::new(&mut text)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let message =
            recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags).ok()?;
        let length = message.bytes;
        let mut sender = 0;
        for control in message.cmsgs().ok()? {
            match control {
                ControlMessageOwned::ScmCredentials(credentials) => sender = credentials.pid(),
                // SAFETY: fresh descriptors of this process, which nothing else knows of.
                ControlMessageOwned::ScmRights(descriptors) => descriptors
                    .into_iter()
                    .for_each(|descriptor| drop(unsafe { OwnedFd::from_raw_fd(descriptor) })),
                _ => {}
            }
        }
        Some((sender, parse(text.get(..length).unwrap_or_default())))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Tells the service manager above, if there is one, at `NOTIFY_SOCKET`.
pub(crate) fn tell_manager(assignment: &str) {
    if let Ok(address) = std::env::var("NOTIFY_SOCKET") {
        let _ = send(&address, assignment);
    }
}

/// Sends a datagram to a path, or to `@` and an abstract name. Never waits: one who does not listen is no reason to
/// stop watching the server.
fn send(address: &str, assignment: &str) -> io::Result<usize> {
    let place = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(address),
    }?;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(assignment.as_bytes(), &place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_assignment_of_a_datagram() {
        let text = b"READY=1\nWATCHDOG=1\nSTATUS=up and\x1b[31m well\nEXTEND_TIMEOUT_USEC=2500000\nSTOPPING=1\nWATCHDOG=trigger\nWATCHDOG_USEC=1\n";
        let (status, extend) = ("up and [31m well".to_owned(), Duration::from_millis(2500));
        let first = [Event::Ready, Event::Watchdog, Event::Status(status), Event::Extend(extend)];
        assert_eq!(parse(text)[..4], first);
        let rest = [Event::Stopping, Event::Trigger, Event::Interval(Duration::from_micros(1))];
        assert_eq!(parse(text)[4..], rest);
    }

    #[test]
    fn skips_what_is_unknown_malformed_or_not_text() {
        let text = b"READY=0\nWATCHDOG\nEXTEND_TIMEOUT_USEC=-3\nFDSTORE=1\n\xff\xfe=1\n=\n";
        assert_eq!(parse(text), []);
    }

    #[test]
    fn a_listener_says_who_sent_what() {
        let listener = Listener::open().unwrap();
        assert!(listener.receive().is_none());
        send(listener.name(), "STOPPING=1").unwrap();
        assert_eq!(listener.receive(), Some((std::process::id() as Pid, vec![Event::Stopping])));
    }

    #[test]
    fn descriptors_that_come_along_are_closed_and_the_words_are_heard() {
        let listener = Listener::open().unwrap();
        let (socket, (mut end, passed)) = (UnixDatagram::unbound().unwrap(), io::pipe().unwrap());
        let name = listener.name().trim_start_matches('@');
        let address = UnixAddr::new_abstract(name.as_bytes()).unwrap();
        let (descriptors, text) = ([passed.as_raw_fd()], [io::IoSlice::new(b"WATCHDOG=1\nFDSTORE=1")]);
        let rights = [socket::ControlMessage::ScmRights(&descriptors)];
        socket::sendmsg(socket.as_raw_fd(), &text, &rights, MsgFlags::empty(), Some(&address)).unwrap();
        drop(passed);
        assert_eq!(listener.receive(), Some((std::process::id() as Pid, vec![Event::Watchdog])));
        assert_eq!(io::Read::read(&mut end, &mut [0]).unwrap(), 0, "nobody has it open");
    }
}
