//! Waiting for sockets: epoll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::sys::{self, EpollChange};

/// Events taken from the kernel in one call.
const EVENTS_MAX: usize = 256;

/// A name that the caller gives to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// What a socket is watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something to read; told again until it is read (level-triggered).
    Read,
    /// Something to read, or room to write.
    ReadWrite,
    /// Something to read; told once for each arrival (edge-triggered).
    ReadOnce,
    /// Room to write.
    Write,
    /// Nothing but the connection's end, which is always told.
    End,
}

impl Interest {
    const fn events(self) -> u32 {
        let bits = match self {
            Self::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Self::ReadWrite => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLOUT,
            Self::ReadOnce => libc::EPOLLIN | libc::EPOLLET,
            Self::Write => libc::EPOLLOUT,
            Self::End => 0,
        };
        bits as u32
    }
}

/// A socket that has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Which socket.
    pub token: Token,
    events: u32,
}

impl Ready {
    /// Whether a read will not block: data, an end, or an error.
    pub fn is_readable(&self) -> bool {
        const READ: i32 = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR;
        self.events & READ as u32 != 0
    }

    /// Whether a write will not block: room, an end, or an error.
    pub fn is_writable(&self) -> bool {
        const WRITE: i32 = libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR;
        self.events & WRITE as u32 != 0
    }
}

/// The set of sockets that one loop waits for.
#[derive(Debug)]
pub struct Reactor {
    epoll: OwnedFd,
    events: Box<[libc::epoll_event]>,
}

impl Reactor {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        let none = libc::epoll_event { events: 0, u64: 0 };
        Ok(Self { epoll: sys::epoll_create()?, events: vec![none; EVENTS_MAX].into_boxed_slice() })
    }

    /// Watches a socket. Closing it ends that by itself.
    pub fn add(&self, source: &impl AsFd, token: Token, interest: Interest) -> io::Result<()> {
        self.change(EpollChange::Add, source, token, interest)
    }

    /// Watches a socket for something else from now on.
    pub fn modify(&self, source: &impl AsFd, token: Token, interest: Interest) -> io::Result<()> {
        self.change(EpollChange::Modify, source, token, interest)
    }

    /// Watches a socket no longer.
    pub fn remove(&self, source: &impl AsFd) -> io::Result<()> {
        self.change(EpollChange::Delete, source, Token(0), Interest::Read)
    }

    /// Waits until a socket has something or the time is over; `None` waits for ever.
    ///
    /// At most 256 sockets are told at once; the rest come with the next call. A signal ends the
    /// wait early with nothing. A timeout is rounded up to whole milliseconds, so that a timer that
    /// is waited for is due when the wait ends.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
    ) -> io::Result<impl ExactSizeIterator<Item = Ready> + '_> {
        let timeout_ms = match timeout {
            None => -1,
            Some(time) => i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
        };
        let count = match sys::epoll_wait(self.epoll.as_fd(), &mut self.events, timeout_ms) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        Ok(self.events[..count]
            .iter()
            .map(|event| Ready { token: Token(event.u64), events: event.events }))
    }

    /// The set's own descriptor: readable when a socket of the set has something.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn change(
        &self,
        change: EpollChange,
        source: &impl AsFd,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        sys::epoll_change(self.epoll.as_fd(), change, source.as_fd(), interest.events(), token.0)
    }
}
