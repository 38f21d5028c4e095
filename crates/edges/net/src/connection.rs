//! One stream connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use sip_message::Flow;
use sip_message::frame::{Frame, FrameError, FrameReader};

use crate::reactor::Interest;

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
    /// Reading or writing failed.
    #[error("connection failed: {0}")]
    Failed(io::ErrorKind),
    /// The peer's stream is no SIP.
    #[error("not SIP: {0}")]
    NotSip(FrameError),
    /// Nothing was said for too long.
    #[error("idle")]
    Idle,
    /// The peer does not read what we write.
    #[error("the peer does not read")]
    Stalled,
}

/// What carries the bytes. TLS will be a second variant.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
}

impl Stream {
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(into),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
        }
    }

    /// What became of a connect that was begun.
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(tcp) => tcp.take_error(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp) => tcp.as_fd(),
        }
    }
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Our connect is under way.
    Connecting,
    Open,
    /// The peer's stream is over or broken: what is queued is still written, then the connection
    /// closes.
    Leaving(CloseReason),
}

/// Whether there is something to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    Empty,
    Waiting,
}

/// A connection with its buffers.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) flow: Flow,
    pub(crate) state: State,
    pub(crate) stream: Stream,
    /// When something was last read or written, or the connect begun.
    pub(crate) active: Instant,
    /// Since when queued bytes wait without any progress.
    pub(crate) stalled: Option<Instant>,
    pub(crate) deadline: Instant,
    /// Whether it is on the list of connections to flush.
    pub(crate) is_dirty: bool,
    /// What the reactor watches it for.
    pub(crate) watched: Interest,
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

/// The keep-alive answer. RFC 5626 §4.4.1.
const PONG: &[u8] = b"\r\n";

/// Bytes that may wait for the peer while its pings are still answered: who does not read the
/// answers to its pings must not fill our memory with them.
const PONG_QUEUE_MAX: usize = 4096;

/// Reads in a row before other connections get their turn.
const READS_MAX: usize = 4;

impl Connection {
    pub(crate) fn new(now: Instant, flow: Flow, stream: Stream, state: State) -> Self {
        Self {
            flow,
            state,
            stream,
            active: now,
            stalled: None,
            deadline: now,
            is_dirty: false,
            watched: Self::interest(state, Queue::Empty),
            reader: FrameReader::new(),
            outbox: Vec::new(),
            written: 0,
        }
    }

    /// What the reactor should watch it for.
    pub(crate) fn wanted(&self) -> Interest {
        Self::interest(self.state, if self.queued() > 0 { Queue::Waiting } else { Queue::Empty })
    }

    fn interest(state: State, queue: Queue) -> Interest {
        match (state, queue) {
            (State::Connecting, _) | (State::Open, Queue::Waiting) => Interest::ReadWrite,
            (State::Open, Queue::Empty) => Interest::Read,
            // Nothing is read any more, and an end that has been read would be told for ever.
            (State::Leaving(_), Queue::Waiting) => Interest::Write,
            (State::Leaving(_), Queue::Empty) => Interest::End,
        }
    }

    /// Reads what is there, up to four buffers, and gives each whole message to `message`.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        mut message: impl FnMut(&[u8]),
    ) -> ReadEnd {
        for _ in 0..READS_MAX {
            let len = match self.stream.read(buffer) {
                Ok(0) => return ReadEnd::Over(CloseReason::ByPeer),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ReadEnd::Drained,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return ReadEnd::Over(CloseReason::Failed(error.kind())),
            };
            self.active = now;
            self.reader.push(&buffer[..len]);
            while let Some(frame) = self.reader.next() {
                match frame {
                    Ok(Frame::Message(bytes)) => message(bytes),
                    Ok(Frame::Ping) if self.outbox.len() - self.written < PONG_QUEUE_MAX => {
                        self.outbox.extend_from_slice(PONG);
                    }
                    Ok(Frame::Ping | Frame::Pong) => {}
                    Err(error) => return ReadEnd::Over(CloseReason::NotSip(error)),
                }
            }
            if len < buffer.len() {
                return ReadEnd::Drained;
            }
        }
        ReadEnd::Drained
    }

    /// The bytes that broke the stream, as far as they came.
    pub(crate) fn broken_at(&self) -> &[u8] {
        self.reader.buffered()
    }

    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
    }

    /// Bytes that wait to be written.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Writes what the stream takes.
    pub(crate) fn write(&mut self, now: Instant) -> Result<(), CloseReason> {
        while self.queued() > 0 {
            match self.stream.write(&self.outbox[self.written..]) {
                Ok(0) => return Err(CloseReason::Failed(io::ErrorKind::WriteZero)),
                Ok(len) => {
                    self.written += len;
                    self.active = now;
                    self.stalled = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled = self.stalled.or(Some(now));
                    self.outbox.drain(..self.written);
                    self.written = 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CloseReason::Failed(error.kind())),
            }
        }
        self.outbox.clear();
        self.written = 0;
        self.stalled = None;
        Ok(())
    }
}
