//! One UDP socket for all SIP datagrams, read and written in batches.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};

use crate::BindError;
use crate::sys::{self, ReceiveBatch};

/// Datagrams read in one call.
pub const BATCH: usize = 64;

/// The largest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Buffers lie further apart than a power of two, or the first bytes of all 64 datagrams would
/// compete for the same few cache lines.
const STRIDE: usize = DATAGRAM_BYTES_MAX + 1 + 33 * 64;

/// What the kernel is asked to buffer in each direction: a burst of some thousand messages.
const SOCKET_BUFFER_BYTES: i32 = 4 << 20;

/// Datagrams that may wait to be sent, and their bytes.
const QUEUE_MAX: usize = 4096;
const QUEUE_BYTES_MAX: usize = 8 << 20;

/// A datagram that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it; an IPv4 sender is told as IPv4 on an IPv6 socket too.
    pub from: SocketAddr,
    /// All of it.
    pub bytes: &'a [u8],
}

/// The queue of datagrams to send is full; the datagram is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many datagrams wait to be sent")]
pub struct QueueFull;

/// What has become of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is sent, or refused and counted.
    All,
    /// The kernel's buffer is full; this many wait for the next [`UdpBatch::flush`].
    Waiting(usize),
}

/// What has passed through a socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UdpCounters {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that the kernel refused to send: no route, too long, filtered.
    pub send_refused: u64,
    /// Datagrams dropped because the queue was full.
    pub queue_full: u64,
    /// Errors reported by the network for datagrams sent earlier (ICMP).
    pub unreachable: u64,
}

/// A UDP socket with its buffers.
pub struct UdpBatch {
    socket: UdpSocket,
    local: SocketAddr,
    inbox: ReceiveBatch,
    outbox: Outbox,
    counters: UdpCounters,
}

/// Datagrams to send, their bytes one after the other.
#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    queue: VecDeque<(SocketAddr, Range<usize>)>,
}

impl Outbox {
    /// Forgets the bytes before the first datagram that still waits.
    fn close_gap(&mut self) {
        let gap = self.queue.front().map_or(self.bytes.len(), |(_, range)| range.start);
        self.bytes.drain(..gap);
        for (_, range) in &mut self.queue {
            *range = range.start - gap..range.end - gap;
        }
    }
}

impl UdpBatch {
    /// Opens and binds the socket. Port 0 takes any free one. An IPv6 wildcard takes IPv4 too.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bind_error = |source| BindError { transport: "UDP", address, source };
        let socket = open(address).map_err(bind_error)?;
        let local = socket.local_addr().map_err(bind_error)?;
        Ok(Self {
            socket,
            local,
            inbox: ReceiveBatch::new(BATCH, DATAGRAM_BYTES_MAX, STRIDE),
            outbox: Outbox::default(),
            counters: UdpCounters::default(),
        })
    }

    /// The address the socket has.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Reads up to [`BATCH`] datagrams and returns how many; fewer than that means no more are
    /// there. [`UdpBatch::received`] has them until the next call.
    pub fn recv(&mut self) -> io::Result<usize> {
        loop {
            match self.inbox.recv(self.socket.as_fd()) {
                Ok(count) => {
                    self.counters.received += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What the network says of a datagram sent earlier; the socket goes on.
                Err(error) if is_about_a_peer(&error) => self.counters.unreachable += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// What the last [`UdpBatch::recv`] read.
    pub fn received(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.inbox.received().map(|(from, bytes)| Datagram { from: sys::canonical(from), bytes })
    }

    /// Queues a datagram for the next [`UdpBatch::flush`].
    pub fn push(&mut self, to: SocketAddr, bytes: &[u8]) -> Result<(), QueueFull> {
        if self.outbox.queue.len() >= QUEUE_MAX
            || self.outbox.bytes.len() + bytes.len() > QUEUE_BYTES_MAX
        {
            self.counters.queue_full += 1;
            return Err(QueueFull);
        }
        let to = if self.local.is_ipv6() { sys::mapped(to) } else { to };
        let start = self.outbox.bytes.len();
        self.outbox.bytes.extend_from_slice(bytes);
        self.outbox.queue.push_back((to, start..self.outbox.bytes.len()));
        Ok(())
    }

    /// Sends what is queued. A datagram that the kernel refuses is counted and skipped.
    pub fn flush(&mut self) -> Flushed {
        let Outbox { bytes, queue } = &mut self.outbox;
        while !queue.is_empty() {
            let datagrams = queue.iter().map(|(to, range)| (*to, &bytes[range.clone()]));
            match sys::send_batch(self.socket.as_fd(), datagrams) {
                Ok(count) => {
                    queue.drain(..count);
                    self.counters.sent += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.outbox.close_gap();
                    return Flushed::Waiting(self.outbox.queue.len());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    self.counters.unreachable += 1;
                }
                Err(_) => {
                    queue.pop_front();
                    self.counters.send_refused += 1;
                }
            }
        }
        bytes.clear();
        Flushed::All
    }

    /// What has passed through the socket.
    pub fn counters(&self) -> UdpCounters {
        self.counters
    }
}

impl AsFd for UdpBatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::fmt::Debug for UdpBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UdpBatch")
            .field("local", &self.local)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    sys::enlarge_buffers(socket.as_fd(), SOCKET_BUFFER_BYTES)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn is_about_a_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
