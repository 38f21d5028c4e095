//! One stream connection.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use sip_message::Flow;
use sip_message::frame::{Frame, FrameError, FrameReader};

use crate::reactor::Interest;
use crate::tls::{Fault, TlsFault, TlsStream};

/// Why a connection is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer closed it.
    #[error("closed by the peer")]
    ByPeer,
    /// We could not connect: refused, unreachable.
    #[error("cannot connect: {0}")]
    ConnectFailed(io::ErrorKind),
    /// The peer did not answer our connect in time.
    #[error("the peer did not accept the connection in time")]
    ConnectTimedOut,
    /// TLS was not agreed upon.
    #[error("TLS handshake failed: {0}")]
    HandshakeFailed(TlsFault),
    /// TLS was not agreed upon in time.
    #[error("the peer did not finish the TLS handshake in time")]
    HandshakeTimedOut,
    /// Reading or writing failed.
    #[error("connection failed: {0}")]
    Failed(io::ErrorKind),
    /// TLS broke after it had been agreed upon.
    #[error("TLS failed: {0}")]
    TlsFailed(TlsFault),
    /// The peer's stream is no SIP.
    #[error("not SIP: {0}")]
    NotSip(FrameError),
    /// The peer began a message, or the connection, and brought no whole message in time.
    #[error("no whole message came in time")]
    MessageTimedOut,
    /// Nothing was said for too long.
    #[error("idle")]
    Idle,
    /// The peer, which used to answer our keep-alives, does so no more.
    #[error("the peer does not answer keep-alives any more")]
    NoPong,
    /// The peer does not read what we write.
    #[error("the peer does not read")]
    Stalled,
    /// The peer reads so slowly that its queue is full.
    #[error("the peer reads too slowly: its queue is full")]
    QueueFull,
}

impl CloseReason {
    /// Whether the connection never came to be, so that what was to go over it must go another way.
    pub const fn is_failed_connect(self) -> bool {
        match self {
            Self::ConnectFailed(_)
            | Self::ConnectTimedOut
            | Self::HandshakeFailed(_)
            | Self::HandshakeTimedOut => true,
            Self::ByPeer
            | Self::Failed(_)
            | Self::TlsFailed(_)
            | Self::NotSip(_)
            | Self::MessageTimedOut
            | Self::Idle
            | Self::NoPong
            | Self::Stalled
            | Self::QueueFull => false,
        }
    }
}

/// What carries the bytes.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        match self {
            Self::Tcp(tcp) => Ok(tcp.read(into)?),
            Self::Tls(tls) => tls.read(into),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Sends what the stream itself holds back.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }

    fn wants_write(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(tls) => tls.wants_write(),
        }
    }

    /// Whether a read of `len` bytes into a buffer of `room` may have left some behind that the
    /// socket will not tell of again.
    fn may_have_more(&self, len: usize, room: usize) -> bool {
        match self {
            Self::Tcp(_) => len == room,
            Self::Tls(_) => true,
        }
    }

    /// Whether something was read from the socket already that nobody has taken.
    fn holds_back(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(tls) => tls.has_decrypted(),
        }
    }

    /// The certificates that the peer proved to have the first one's key of.
    pub(crate) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Self::Tcp(_) => None,
            Self::Tls(tls) => tls.certificates(),
        }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(tls) => tls.is_handshaking(),
        }
    }

    /// What became of a connect that was begun.
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(tcp) => tcp.take_error(),
            Self::Tls(tls) => tls.tcp.take_error(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp) => tcp.as_fd(),
            Self::Tls(tls) => tls.tcp.as_fd(),
        }
    }
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Our connect is under way.
    Connecting,
    /// TLS is being agreed upon.
    Handshaking,
    Open,
    /// The peer's stream is over or broken: what is queued is still written, then the connection
    /// closes.
    Leaving(CloseReason),
}

/// Who made a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Accepted,
    Ours,
}

/// Whether the peer of a connection of ours answers keep-alives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pongs {
    NoneYet,
    Seen,
}

/// A connection with its buffers.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its number, never used again.
    pub(crate) id: u64,
    /// What it is told of as: an accepted one by its number, one of ours by its peer.
    pub(crate) flow: Flow,
    pub(crate) origin: Origin,
    pub(crate) state: State,
    pub(crate) stream: Stream,
    /// When something was last read or a message written, or the connect begun.
    pub(crate) active: Instant,
    /// Since when queued bytes wait without any progress.
    pub(crate) stalled: Option<Instant>,
    /// Since when the peer owes the rest of a message, or its first one.
    pub(crate) owing: Option<Instant>,
    /// When our last keep-alive left; it is unanswered while `is_pinging`.
    pub(crate) pinged: Instant,
    pub(crate) is_pinging: bool,
    pub(crate) pongs: Pongs,
    pub(crate) deadline: Instant,
    /// Whether it is on the list of connections to flush.
    pub(crate) is_dirty: bool,
    /// What the reactor watches it for.
    pub(crate) watched: Interest,
    /// The address that its peer offers it for (RFC 5923).
    pub(crate) offered: Option<SocketAddr>,
    /// What was asked for and goes over it since.
    pub(crate) reused_for: Vec<Flow>,
    reader: FrameReader,
    outbox: Vec<u8>,
    written: usize,
}

/// What reading brought, besides frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// There may be more later.
    Drained,
    /// The stream is over or broken.
    Over(CloseReason),
}

/// A keep-alive. RFC 5626 §4.4.1.
const PING: &[u8] = b"\r\n\r\n";

/// The keep-alive answer. RFC 5626 §4.4.1.
const PONG: &[u8] = b"\r\n";

/// Bytes that may wait for the peer while its pings are still answered: who does not read the
/// answers to its pings must not fill our memory with them.
const PONG_QUEUE_MAX: usize = 4096;

/// Reads in a row before other connections get their turn.
const READS_MAX: usize = 4;

impl Connection {
    pub(crate) fn new(
        now: Instant,
        (id, flow): (u64, Flow),
        origin: Origin,
        stream: Stream,
        state: State,
    ) -> Self {
        let mut made = Self {
            id,
            flow,
            origin,
            state,
            stream,
            active: now,
            stalled: None,
            owing: (origin == Origin::Accepted).then_some(now),
            pinged: now,
            is_pinging: false,
            pongs: Pongs::NoneYet,
            deadline: now,
            is_dirty: false,
            watched: Interest::Read,
            offered: None,
            reused_for: Vec::new(),
            reader: FrameReader::new(),
            outbox: Vec::new(),
            written: 0,
        };
        made.watched = made.wanted();
        made
    }

    /// What the reactor should watch it for.
    pub(crate) fn wanted(&self) -> Interest {
        let held = self.stream.wants_write();
        match (self.state, self.queued() > 0) {
            (State::Connecting, _) | (State::Open, true) => Interest::ReadWrite,
            (State::Handshaking | State::Open, _) if held => Interest::ReadWrite,
            // Messages wait for the handshake, and room to write does not bring that about.
            (State::Handshaking, _) | (State::Open, false) => Interest::Read,
            // Nothing is read any more, and an end that has been read would be told for ever.
            (State::Leaving(_), true) => Interest::Write,
            (State::Leaving(_), false) if held => Interest::Write,
            (State::Leaving(_), false) => Interest::End,
        }
    }

    /// Reads what is there, up to four buffers, and gives each whole message to `message`.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        mut message: impl FnMut(&[u8]),
    ) -> ReadEnd {
        let mut reads = 0;
        loop {
            let len = match self.stream.read(buffer) {
                Ok(0) => return ReadEnd::Over(CloseReason::ByPeer),
                Ok(len) => len,
                Err(Fault::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(Fault::Io(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(fault) => return ReadEnd::Over(self.reason(fault)),
            };
            self.active = now;
            self.is_pinging = false;
            self.reader.push(&buffer[..len]);
            if let Err(error) = self.take_frames(&mut message) {
                return ReadEnd::Over(CloseReason::NotSip(error));
            }
            reads += 1;
            let has_more = self.stream.may_have_more(len, buffer.len());
            if !has_more || (reads >= READS_MAX && !self.stream.holds_back()) {
                break;
            }
        }
        if self.owing.is_none() && !self.reader.buffered().is_empty() {
            self.owing = Some(now);
        }
        ReadEnd::Drained
    }

    fn take_frames(&mut self, message: &mut impl FnMut(&[u8])) -> Result<(), FrameError> {
        while let Some(frame) = self.reader.next() {
            match frame? {
                Frame::Message(bytes) => {
                    self.owing = None;
                    message(bytes);
                }
                Frame::Ping if self.outbox.len() - self.written < PONG_QUEUE_MAX => {
                    self.outbox.extend_from_slice(PONG);
                }
                Frame::Ping => {}
                Frame::Pong => self.pongs = Pongs::Seen,
            }
        }
        Ok(())
    }

    fn reason(&self, fault: Fault) -> CloseReason {
        match (fault, self.state) {
            (Fault::Tls(fault), State::Handshaking) => CloseReason::HandshakeFailed(fault),
            (Fault::Tls(fault), _) => CloseReason::TlsFailed(fault),
            (Fault::Io(_), State::Handshaking) => CloseReason::HandshakeFailed(TlsFault::Ended),
            (Fault::Io(error), _) => CloseReason::Failed(error.kind()),
        }
    }

    /// The bytes that broke the stream, as far as they came.
    pub(crate) fn broken_at(&self) -> &[u8] {
        self.reader.buffered()
    }

    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
    }

    /// Queues a keep-alive, unless other bytes wait, which would do as well.
    pub(crate) fn ping(&mut self, now: Instant) {
        self.pinged = now;
        self.is_pinging = true;
        if self.queued() == 0 {
            self.outbox.extend_from_slice(PING);
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Whether writing would do anything.
    pub(crate) fn is_owed(&self) -> bool {
        self.queued() > 0 || self.stream.wants_write()
    }

    /// Writes what the stream takes.
    pub(crate) fn write(&mut self, now: Instant) -> Result<(), CloseReason> {
        while self.queued() > 0 && self.state != State::Handshaking {
            match self.stream.write(&self.outbox[self.written..]) {
                Ok(0) => return Err(CloseReason::Failed(io::ErrorKind::WriteZero)),
                Ok(len) => {
                    self.written += len;
                    self.stalled = None;
                    if !self.is_pinging {
                        self.active = now;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.held_up(now, error),
            }
        }
        if self.queued() == 0 {
            self.outbox.clear();
            self.written = 0;
        }
        match self.stream.flush() {
            Ok(()) => {
                self.stalled = None;
                Ok(())
            }
            Err(error) => self.held_up(now, error),
        }
    }

    fn held_up(&mut self, now: Instant, error: io::Error) -> Result<(), CloseReason> {
        if error.kind() == io::ErrorKind::WouldBlock {
            self.stalled = self.stalled.or(Some(now));
            self.outbox.drain(..self.written);
            self.written = 0;
            return Ok(());
        }
        Err(self.reason(Fault::Io(error)))
    }
}
