//! SIP over TCP: a listener and all connections, ours and theirs.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sip_message::frame::FrameError;
use sip_message::{Flow, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use crate::BindError;
use crate::connection::{CloseReason, Connection, ReadEnd, State, Stream};
use crate::reactor::{Interest, Reactor, Ready, Token};
use crate::sys;

/// Bytes read in one call.
const READ_BYTES: usize = 16 << 10;

/// Connections accepted in a row before other sockets get their turn.
const ACCEPTS_MAX: usize = 64;

/// How long accepting pauses when no file is left to accept with.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a broken connection may take to be told so.
const LEAVE_TIME: Duration = Duration::from_secs(1);

/// Connections that can be told apart by the low bits of their number.
const SLOT_BITS: u32 = 16;

/// Limits of the connections.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// Connections open at once, at most 65,536; the next is closed as soon as it is accepted.
    pub connections_max: usize,
    /// How long a connect may take.
    pub connect_timeout: Duration,
    /// How long a connection may say nothing.
    pub idle_timeout: Duration,
    /// How long a peer may leave what we write unread.
    pub stall_timeout: Duration,
    /// Bytes that may wait to be written to one peer.
    pub queue_bytes_max: usize,
}

impl Default for StreamConfig {
    /// 4,096 connections; connect 5 s, idle 10 min, stall 30 s; 256 KiB queued for each.
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
            stall_timeout: Duration::from_secs(30),
            queue_bytes_max: 256 << 10,
        }
    }
}

/// What came in on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// One whole message.
    Message {
        /// The connection.
        flow: Flow,
        /// The message's bytes.
        bytes: &'a [u8],
    },
    /// The stream cannot be read on. The connection closes by itself within a second; an answer
    /// sent until then still leaves.
    Broken {
        /// The connection.
        flow: Flow,
        /// What is wrong.
        error: FrameError,
        /// The message that broke it, as far as it came.
        bytes: &'a [u8],
    },
}

/// Why a message was not queued for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamSendError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The peer reads more slowly than we write.
    #[error("too many bytes wait to be written to the peer")]
    QueueFull,
    /// All connections are in use.
    #[error("too many connections are open")]
    TooManyConnections,
    /// The connect could not even begin.
    #[error("cannot connect: {0}")]
    ConnectFailed(io::ErrorKind),
}

/// What has passed through the connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections of ours that were begun.
    pub connects: u64,
    /// Connections closed at once because too many were open.
    pub over_limit: u64,
    /// Messages received.
    pub received: u64,
    /// Messages queued to be sent.
    pub sent: u64,
    /// Messages refused because a queue was full.
    pub queue_full: u64,
}

/// All stream connections of one loop.
///
/// After [`Streams::send_on`] and [`Streams::send_to`], [`Streams::flush`] writes; after anything at
/// all, [`Streams::poll_closed`] tells of connections that are no more.
#[derive(Debug)]
pub struct Streams {
    config: StreamConfig,
    /// The top byte of this object's tokens.
    space: u8,
    listener: Option<Listener>,
    slots: Vec<Option<Connection>>,
    free: Vec<u32>,
    open: usize,
    /// Connections made so far; the number of the last one.
    serial: u64,
    by_remote: HashMap<SocketAddr, u64>,
    deadlines: BTreeSet<(Instant, u64)>,
    dirty: Vec<u64>,
    closed: VecDeque<(Flow, CloseReason)>,
    buffer: Box<[u8]>,
    counters: StreamCounters,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    /// Set while there is no file to accept with.
    paused_until: Option<Instant>,
}

impl Streams {
    /// No listener and no connections yet. Tokens whose top byte is `space` belong to it.
    pub fn new(space: u8, config: StreamConfig) -> Self {
        let connections_max = config.connections_max.min(1 << SLOT_BITS);
        Self {
            config: StreamConfig { connections_max, ..config },
            space,
            listener: None,
            slots: Vec::new(),
            free: Vec::new(),
            open: 0,
            serial: 0,
            by_remote: HashMap::new(),
            deadlines: BTreeSet::new(),
            dirty: Vec::new(),
            closed: VecDeque::new(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            counters: StreamCounters::default(),
        }
    }

    /// Listens and returns the address; port 0 takes any free one.
    pub fn listen(
        &mut self,
        reactor: &Reactor,
        address: SocketAddr,
    ) -> Result<SocketAddr, BindError> {
        let bind_error = |source| BindError { transport: "TCP", address, source };
        let socket = open_listener(address).map_err(bind_error)?;
        let local = socket.local_addr().map_err(bind_error)?;
        reactor.add(&socket, self.token(0), Interest::Read).map_err(bind_error)?;
        self.listener = Some(Listener { socket, local, paused_until: None });
        Ok(local)
    }

    /// Whether `token` is of the listener or of a connection here.
    pub fn owns(&self, token: Token) -> bool {
        token.0 >> 56 == u64::from(self.space)
    }

    /// Accepts, reads and writes what `ready` says can be; messages go to `sink`.
    pub fn handle_ready(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        ready: &Ready,
        mut sink: impl FnMut(StreamEvent<'_>),
    ) {
        let id = ready.token.0 & !(0xff << 56);
        if id == 0 {
            self.accept(now, reactor);
            return;
        }
        // A connection that closed earlier in this batch leaves stale events behind.
        let Some(connection) = self.connection(id) else { return };
        if ready.is_writable() {
            if connection.state == State::Connecting {
                match connection.stream.take_error() {
                    Ok(None) => connection.state = State::Open,
                    Ok(Some(error)) | Err(error) => {
                        self.close(id, CloseReason::ConnectFailed(error.kind()));
                        return;
                    }
                }
            }
            self.write(now, reactor, id);
        }
        if ready.is_readable() {
            self.read(now, reactor, id, &mut sink);
        }
    }

    /// Queues a message for a connection: a response goes back by the way its request came.
    pub fn send_on(&mut self, connection: u64, bytes: &[u8]) -> Result<(), StreamSendError> {
        let queue_bytes_max = self.config.queue_bytes_max;
        let Some(open) = self.connection(connection) else { return Err(StreamSendError::Closed) };
        if open.queued() + bytes.len() > queue_bytes_max {
            self.counters.queue_full += 1;
            return Err(StreamSendError::QueueFull);
        }
        open.queue(bytes);
        self.counters.sent += 1;
        self.mark_dirty(connection);
        Ok(())
    }

    /// Queues a message for an address: over a connection that is open to it, else over a new one.
    pub fn send_to(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        remote: SocketAddr,
        bytes: &[u8],
    ) -> Result<Flow, StreamSendError> {
        let id = match self.by_remote.get(&remote) {
            Some(id) => *id,
            None => self.connect(now, reactor, remote)?,
        };
        self.send_on(id, bytes)?;
        self.connection(id).map(|connection| connection.flow).ok_or(StreamSendError::Closed)
    }

    /// Writes what is queued, as far as the peers take it. Never waits for any of them.
    pub fn flush(&mut self, now: Instant, reactor: &Reactor) {
        for id in std::mem::take(&mut self.dirty) {
            if let Some(connection) = self.connection(id) {
                connection.is_dirty = false;
                self.write(now, reactor, id);
            }
        }
    }

    /// When [`Streams::handle_timeout`] is wanted.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let paused = self.listener.as_ref().and_then(|listener| listener.paused_until);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        paused.into_iter().chain(deadline).min()
    }

    /// Closes what has taken too long, and accepts again after a pause.
    pub fn handle_timeout(&mut self, now: Instant, reactor: &Reactor) {
        let config = self.config;
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            let Some(connection) = self.connection(id) else {
                self.deadlines.pop_first();
                continue;
            };
            // Traffic moves `active` alone; the deadline finds out here, once per timeout.
            match config.overdue(now, connection) {
                Some(reason) => self.close(id, reason),
                None => self.arm(id),
            }
        }
        let token = self.token(0);
        if let Some(listener) = &mut self.listener
            && listener.paused_until.is_some_and(|until| until <= now)
            && reactor.add(&listener.socket, token, Interest::Read).is_ok()
        {
            listener.paused_until = None;
        }
    }

    /// The next connection that is no more, and why.
    pub fn poll_closed(&mut self) -> Option<(Flow, CloseReason)> {
        self.closed.pop_front()
    }

    /// Connections that are open or being opened.
    pub fn connections(&self) -> usize {
        self.open
    }

    /// Bytes that wait to be written, to all peers together.
    pub fn queued(&self) -> usize {
        self.slots.iter().flatten().map(Connection::queued).sum()
    }

    /// What has passed through.
    pub fn counters(&self) -> StreamCounters {
        self.counters
    }

    fn token(&self, id: u64) -> Token {
        Token(u64::from(self.space) << 56 | id)
    }

    fn connection(&mut self, id: u64) -> Option<&mut Connection> {
        let slot = (id & ((1 << SLOT_BITS) - 1)) as usize;
        self.slots.get_mut(slot)?.as_mut().filter(|it| it.flow.connection == id)
    }

    fn accept(&mut self, now: Instant, reactor: &Reactor) {
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = &mut self.listener else { return };
            let (stream, remote) = match listener.socket.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_out_of_files(&error) => {
                    // The connection stays in the backlog and would wake us again at once.
                    let _ = reactor.remove(&listener.socket);
                    listener.paused_until = Some(now + ACCEPT_PAUSE);
                    return;
                }
                // The peer gave up before it was accepted, or a signal came.
                Err(_) => continue,
            };
            if self.open >= self.config.connections_max {
                self.counters.over_limit += 1;
                continue;
            }
            let local = stream.local_addr().unwrap_or(listener.local);
            let opened = stream
                .set_nonblocking(true)
                .and_then(|()| stream.set_nodelay(true))
                .and_then(|()| self.open(now, reactor, stream, (local, remote), State::Open));
            // A connection that is reset while being accepted is as if it had never been.
            self.counters.accepted += u64::from(opened.is_ok());
        }
    }

    fn connect(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        remote: SocketAddr,
    ) -> Result<u64, StreamSendError> {
        if self.open >= self.config.connections_max {
            self.counters.over_limit += 1;
            return Err(StreamSendError::TooManyConnections);
        }
        self.counters.connects += 1;
        begin_connect(remote)
            .and_then(|stream| {
                let local = stream.local_addr()?;
                self.open(now, reactor, stream, (local, remote), State::Connecting)
            })
            .map_err(|error| StreamSendError::ConnectFailed(error.kind()))
    }

    fn open(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        stream: TcpStream,
        (local, remote): (SocketAddr, SocketAddr),
        state: State,
    ) -> io::Result<u64> {
        let slot = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        let id = (self.serial + 1) << SLOT_BITS | u64::from(slot);
        let (local, remote) = (sys::canonical(local), sys::canonical(remote));
        let flow = Flow { transport: Transport::Tcp, local, remote, connection: id };
        let connection = Connection::new(now, flow, Stream::Tcp(stream), state);
        reactor.add(&connection.stream, self.token(id), connection.watched)?;
        self.serial += 1;
        self.open += 1;
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots[slot as usize] = Some(connection);
        self.by_remote.insert(remote, id);
        self.arm(id);
        Ok(id)
    }

    fn read(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        id: u64,
        sink: &mut impl FnMut(StreamEvent<'_>),
    ) {
        let slot = (id & ((1 << SLOT_BITS) - 1)) as usize;
        let Self { slots, buffer, counters, .. } = self;
        let Some(connection) =
            slots.get_mut(slot).and_then(Option::as_mut).filter(|it| it.flow.connection == id)
        else {
            return;
        };
        if let State::Leaving(reason) = connection.state {
            // Only a full end is told now, and then nobody is there to read what waits.
            self.close(id, reason);
            return;
        }
        let flow = connection.flow;
        let received_before = counters.received;
        let end = connection.read(now, buffer, |bytes| {
            counters.received += 1;
            sink(StreamEvent::Message { flow, bytes });
        });
        let has_message = counters.received > received_before;
        let is_owed = connection.queued() > 0;
        if is_owed {
            self.mark_dirty(id);
        }
        match end {
            ReadEnd::Drained => {}
            ReadEnd::Over(reason @ CloseReason::NotSip(error)) => {
                let Some(connection) = self.connection(id) else { return };
                sink(StreamEvent::Broken { flow, error, bytes: connection.broken_at() });
                self.leave(now, reactor, id, reason);
            }
            // A peer that says its last word and closes its half may still read the answer.
            ReadEnd::Over(reason @ CloseReason::ByPeer) if has_message || is_owed => {
                self.leave(now, reactor, id, reason);
            }
            ReadEnd::Over(reason) => self.close(id, reason),
        }
    }

    fn write(&mut self, now: Instant, reactor: &Reactor, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        if connection.state == State::Connecting {
            return;
        }
        let was_stalled = connection.stalled.is_some();
        if let Err(reason) = connection.write(now) {
            self.close(id, reason);
            return;
        }
        if let State::Leaving(reason) = connection.state
            && connection.queued() == 0
        {
            self.close(id, reason);
            return;
        }
        let is_stalled = connection.stalled.is_some();
        self.watch(reactor, id);
        if is_stalled && !was_stalled {
            self.arm(id);
        }
    }

    /// Reads no more, and closes once what is owed is written or a second is over.
    fn leave(&mut self, now: Instant, reactor: &Reactor, id: u64, reason: CloseReason) {
        let Some(connection) = self.connection(id) else { return };
        connection.state = State::Leaving(reason);
        connection.active = now;
        self.arm(id);
        self.watch(reactor, id);
    }

    /// Has the reactor watch for what the connection now wants.
    fn watch(&mut self, reactor: &Reactor, id: u64) {
        let token = self.token(id);
        let Some(connection) = self.connection(id) else { return };
        let wanted = connection.wanted();
        if wanted == connection.watched {
            return;
        }
        connection.watched = wanted;
        if let Err(error) = reactor.modify(&connection.stream, token, wanted) {
            self.close(id, CloseReason::Failed(error.kind()));
        }
    }

    fn mark_dirty(&mut self, id: u64) {
        if let Some(connection) = self.connection(id).filter(|it| !it.is_dirty) {
            connection.is_dirty = true;
            self.dirty.push(id);
        }
    }

    fn arm(&mut self, id: u64) {
        let config = self.config;
        let Some(connection) = self.connection(id) else { return };
        let before = connection.deadline;
        let (after, _) = config.deadline(connection);
        connection.deadline = after;
        self.deadlines.remove(&(before, id));
        self.deadlines.insert((after, id));
    }

    fn close(&mut self, id: u64, reason: CloseReason) {
        let slot = (id & ((1 << SLOT_BITS) - 1)) as u32;
        let Some(connection) = self.slots[slot as usize].take_if(|it| it.flow.connection == id)
        else {
            return;
        };
        self.deadlines.remove(&(connection.deadline, id));
        let remote = connection.flow.remote;
        if self.by_remote.get(&remote) == Some(&id) {
            self.by_remote.remove(&remote);
        }
        self.free.push(slot);
        self.open -= 1;
        self.closed.push_back((connection.flow, reason));
    }
}

impl StreamConfig {
    /// When a connection has taken too long, and for what.
    fn deadline(&self, connection: &Connection) -> (Instant, CloseReason) {
        match connection.state {
            State::Connecting => {
                (connection.active + self.connect_timeout, CloseReason::ConnectTimedOut)
            }
            State::Leaving(reason) => (connection.active + LEAVE_TIME, reason),
            State::Open => {
                let idle = (connection.active + self.idle_timeout, CloseReason::Idle);
                let stall =
                    connection.stalled.map(|at| (at + self.stall_timeout, CloseReason::Stalled));
                match stall {
                    Some(stall) if stall.0 < idle.0 => stall,
                    Some(_) | None => idle,
                }
            }
        }
    }

    fn overdue(&self, now: Instant, connection: &Connection) -> Option<CloseReason> {
        let (at, reason) = self.deadline(connection);
        (at <= now).then_some(reason)
    }
}

fn open_listener(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: i32 = 1024;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for connections of the process before.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn begin_connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&remote.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
