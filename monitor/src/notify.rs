//! sd_notify(3): the datagrams a server sends, and the ones the monitor passes on to a service manager above.
//! [`Message::parse`] is pure; the sockets are below. Who may speak is decided by the caller, from the
//! credentials that the kernel attaches.

use nix::sys::socket::{self, ControlMessageOwned, MsgFlags, SockFlag, UnixAddr, recvmsg};
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

const MAX_DATAGRAM: usize = 4096;
const MAX_STATUS: usize = 256;

/// The assignments of one datagram that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) ready: bool,
    pub(crate) stopping: bool,
    /// WATCHDOG=1
    pub(crate) watchdog: bool,
    /// WATCHDOG=trigger
    pub(crate) trigger: bool,
    /// WATCHDOG_USEC=
    pub(crate) watchdog_interval: Option<Duration>,
    /// EXTEND_TIMEOUT_USEC=
    pub(crate) extend: Option<Duration>,
    pub(crate) status: Option<String>,
}

impl Message {
    /// Reads newline-separated assignments; what is unknown or malformed is skipped, as systemd does.
    pub(crate) fn parse(text: &[u8]) -> Message {
        let mut message = Message::default();
        for line in String::from_utf8_lossy(text).lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            let microseconds = || value.parse().ok().map(Duration::from_micros);
            match (name, value) {
                ("READY", "1") => message.ready = true,
                ("STOPPING", "1") => message.stopping = true,
                ("WATCHDOG", "1") => message.watchdog = true,
                ("WATCHDOG", "trigger") => message.trigger = true,
                ("WATCHDOG_USEC", _) => message.watchdog_interval = microseconds(),
                ("EXTEND_TIMEOUT_USEC", _) => message.extend = microseconds(),
                ("STATUS", text) => {
                    let clean = |c: char| if c.is_control() { ' ' } else { c };
                    message.status = Some(text.chars().take(MAX_STATUS).map(clean).collect());
                }
                _ => {}
            }
        }
        message
    }
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

    /// The next datagram and the process that sent it; None when there is none. Descriptors that came with it
    /// (BARRIER=1) have no room in the control buffer, so the kernel closes them, which is the answer.
    pub(crate) fn receive(&self) -> Option<(i32, Message)> {
        let mut text = [0; MAX_DATAGRAM];
        let mut control = nix::cmsg_space!(libc::ucred);
        let mut parts = [IoSliceMut::new(&mut text)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let message =
            recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags).ok()?;
        let length = message.bytes;
        let sender = message.cmsgs().ok()?.find_map(|control| match control {
            ControlMessageOwned::ScmCredentials(credentials) => Some(credentials.pid()),
            _ => None,
        });
        Some((sender.unwrap_or(0), Message::parse(text.get(..length).unwrap_or_default())))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Tells the service manager that listens at `address` (a path, or `@` and an abstract name). Best effort: one that
/// does not listen is no reason to do anything else.
pub(crate) fn tell_manager(address: &str, assignment: &str) {
    let place = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(address),
    };
    if let (Ok(place), Ok(socket)) = (place, UnixDatagram::unbound()) {
        let _ =
            socket.set_nonblocking(true).and_then(|()| socket.send_to_addr(assignment.as_bytes(), &place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_assignment_of_a_datagram() {
        let message =
            Message::parse(b"READY=1\nWATCHDOG=1\nSTATUS=up and\x1b[31m well\nEXTEND_TIMEOUT_USEC=2500000\n");
        assert!(message.ready && message.watchdog && !message.stopping && !message.trigger);
        assert_eq!(message.status.as_deref(), Some("up and [31m well"));
        assert_eq!(message.extend, Some(Duration::from_millis(2500)));
    }

    #[test]
    fn skips_what_is_unknown_malformed_or_not_text() {
        let message =
            Message::parse(b"READY=0\nWATCHDOG\nEXTEND_TIMEOUT_USEC=-3\nFDSTORE=1\n\xff\xfe=1\n=\n");
        assert_eq!(message, Message::default());
    }

    #[test]
    fn a_listener_says_who_sent_what() {
        let listener = Listener::open().unwrap();
        assert!(listener.receive().is_none());
        tell_manager(listener.name(), "STOPPING=1");
        let (sender, message) = listener.receive().unwrap();
        assert_eq!(sender, std::process::id() as i32);
        assert!(message.stopping);
    }
}
