//! SIP over TCP and TLS: listeners and all connections, ours and theirs.

mod accept;
mod alias;
mod config;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Instant;

use sip_message::{Flow, PeerId, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use crate::connection::{CloseReason, Connection, Origin, ReadEnd, State, Stream};
use crate::reactor::{Reactor, Ready, Token};
use crate::tls::TlsDialer;
use accept::{Listener, Sources};
pub use alias::Reused;
use config::Due;
pub use config::{StreamConfig, StreamCounters, StreamEvent, StreamSendError};

/// Bytes read in one call.
const READ_BYTES: usize = 16 << 10;

/// Connections that can be told apart by the low bits of their number.
const SLOT_BITS: u32 = 16;

/// All stream connections of one loop.
///
/// After [`Streams::send_on`] and [`Streams::send_to`], [`Streams::flush`] writes; after anything at
/// all, [`Streams::poll_closed`] tells of connections that are no more.
///
/// An accepted connection is told of by its number, in [`Flow::connection`]. One of ours is told of
/// as the flow that it was asked for by, [toward its peer](Flow::toward): that stays the same when
/// the connection is lost and made again.
pub struct Streams {
    config: StreamConfig,
    /// The top byte of this object's tokens.
    space: u8,
    listeners: Vec<Listener>,
    slots: Vec<Option<Connection>>,
    free: Vec<u32>,
    open: usize,
    sources: Sources,
    /// Accepted connections that have not agreed on TLS yet.
    handshakes: Sources,
    /// Connections made so far; the number of the last one.
    serial: u64,
    /// Connections of ours that are open or being opened.
    by_peer: HashMap<(Transport, SocketAddr, PeerId), u64>,
    /// Connections that peers made and offer for requests to an address (RFC 5923).
    offers: HashMap<SocketAddr, u64>,
    reused: VecDeque<Reused>,
    dialer: Option<Box<dyn TlsDialer>>,
    deadlines: BTreeSet<(Instant, u64)>,
    dirty: Vec<u64>,
    closed: VecDeque<(Flow, CloseReason)>,
    buffer: Box<[u8]>,
    counters: StreamCounters,
}

impl Streams {
    /// No listener and no connections yet. Tokens whose top byte is `space` belong to it.
    pub fn new(space: u8, config: StreamConfig) -> Self {
        let connections_max = config.connections_max.min(1 << SLOT_BITS);
        let own_connections_min = config.own_connections_min.min(connections_max / 8);
        Self {
            config: StreamConfig { connections_max, own_connections_min, ..config },
            space,
            listeners: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            open: 0,
            sources: Sources::default(),
            handshakes: Sources::default(),
            serial: 0,
            by_peer: HashMap::new(),
            offers: HashMap::new(),
            reused: VecDeque::new(),
            dialer: None,
            deadlines: BTreeSet::new(),
            dirty: Vec::new(),
            closed: VecDeque::new(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            counters: StreamCounters::default(),
        }
    }

    /// Secures connections of ours by what `dialer` says; without one, none goes over TLS.
    pub fn dial_tls_by(&mut self, dialer: Box<dyn TlsDialer>) {
        self.dialer = Some(dialer);
    }

    /// Whether `token` is of a listener or of a connection here.
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
        if id < 1 << SLOT_BITS {
            self.accept(now, reactor, id as usize);
            return;
        }
        // A connection that closed earlier in this batch leaves stale events behind.
        let Some(connection) = self.connection(id) else { return };
        if ready.is_writable() {
            if connection.state == State::Connecting {
                match connection.stream.take_error() {
                    Ok(None) => self.connected(now, id),
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

    /// Queues a message for an accepted connection: a response goes back by the way its request
    /// came. A peer whose queue is full loses its connection.
    pub fn send_on(&mut self, connection: u64, bytes: &[u8]) -> Result<(), StreamSendError> {
        let queue_bytes_max = self.config.queue_bytes_max;
        let Some(open) = self.connection(connection) else { return Err(StreamSendError::Closed) };
        if open.queued() + bytes.len() > queue_bytes_max {
            self.counters.queue_full += 1;
            self.close(connection, CloseReason::QueueFull);
            return Err(StreamSendError::QueueFull);
        }
        open.queue(bytes);
        match open.flow.transport {
            Transport::Tls => self.counters.sent_tls += 1,
            Transport::Tcp | Transport::Udp => self.counters.sent += 1,
        }
        self.mark_dirty(connection);
        Ok(())
    }

    /// Queues a message for the peer that `flow` is [toward](Flow::toward): over a connection of
    /// ours that is open to it, else over one that it made and offers (RFC 5923), else over a new
    /// one.
    ///
    /// # Panics
    /// If `flow` is one of an accepted connection.
    pub fn send_to(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        flow: Flow,
        bytes: &[u8],
    ) -> Result<(), StreamSendError> {
        let peer = flow.peer().expect("what is sent to a peer names the peer");
        let id = match self.by_peer.get(&(flow.transport, flow.remote, peer)) {
            Some(id) => *id,
            None => match self.reuse(flow, peer) {
                Some(id) => id,
                None => self.connect(now, reactor, flow, peer)?,
            },
        };
        self.send_on(id, bytes)
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
        let paused = self.listeners.iter().filter_map(|listener| listener.paused_until).min();
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        paused.into_iter().chain(deadline).min()
    }

    /// Closes what has taken too long, sends keep-alives, and accepts again after a pause.
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
            match config.due(now, connection) {
                Some(Due::Close(reason)) => self.close(id, reason),
                Some(Due::Ping) => {
                    connection.ping(now);
                    self.mark_dirty(id);
                    self.arm(id);
                }
                Some(Due::Unanswered) => {
                    connection.is_pinging = false;
                    self.arm(id);
                }
                None => self.arm(id),
            }
        }
        self.resume_listening(now, reactor);
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
        self.slots.get_mut(slot)?.as_mut().filter(|it| it.id == id)
    }

    fn connect(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        flow: Flow,
        peer: PeerId,
    ) -> Result<u64, StreamSendError> {
        if self.open >= self.config.connections_max {
            self.counters.over_limit += 1;
            return Err(StreamSendError::TooManyConnections);
        }
        let dial = match flow.transport {
            Transport::Tcp | Transport::Udp => None,
            Transport::Tls => {
                let dial = self.dialer.as_ref().and_then(|it| it.dial(peer, flow.remote));
                Some(dial.ok_or(StreamSendError::PeerUnknown)?)
            }
        };
        let failed = |error: io::Error| StreamSendError::ConnectFailed(error.kind());
        let tcp = begin_connect(flow.local.ip(), flow.remote).map_err(failed)?;
        let stream = match dial {
            None => Stream::Tcp(tcp),
            Some(dial) => {
                Stream::Tls(Box::new(dial.connect(tcp).map_err(|_| StreamSendError::PeerUnknown)?))
            }
        };
        let id = self
            .open(now, reactor, (flow, Origin::Ours), stream, State::Connecting)
            .map_err(failed)?;
        self.counters.connects += 1;
        self.by_peer.insert((flow.transport, flow.remote, peer), id);
        self.arm(id);
        Ok(id)
    }

    fn open(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        (flow, origin): (Flow, Origin),
        stream: Stream,
        state: State,
    ) -> io::Result<u64> {
        let slot = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        let id = (self.serial + 1) << SLOT_BITS | u64::from(slot);
        let flow = match origin {
            Origin::Accepted => Flow { connection: id, ..flow },
            Origin::Ours => flow,
        };
        let connection = Connection::new(now, (id, flow), origin, stream, state);
        reactor.add(&connection.stream, self.token(id), connection.watched)?;
        self.serial += 1;
        self.open += 1;
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots[slot as usize] = Some(connection);
        Ok(id)
    }

    /// A connect of ours has been accepted.
    fn connected(&mut self, now: Instant, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        connection.pinged = now;
        connection.state = match connection.stream {
            Stream::Tcp(_) => State::Open,
            Stream::Tls(_) => State::Handshaking,
        };
        self.arm(id);
    }

    /// TLS may just have been agreed upon: what waited for it may leave.
    fn after_handshake(&mut self, now: Instant, id: u64) {
        let Some(connection) = self.connection(id) else { return };
        if connection.state != State::Handshaking || connection.stream.is_handshaking() {
            return;
        }
        connection.state = State::Open;
        connection.active = now;
        if connection.origin == Origin::Accepted {
            connection.owing = connection.owing.and(Some(now));
            let remote = connection.flow.remote.ip();
            self.handshakes.leave(remote);
            self.counters.accepted_tls += 1;
        }
        self.mark_dirty(id);
        self.arm(id);
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
            slots.get_mut(slot).and_then(Option::as_mut).filter(|it| it.id == id)
        else {
            return;
        };
        if let State::Leaving(reason) = connection.state {
            // Only a full end is told now, and then nobody is there to read what waits.
            self.close(id, reason);
            return;
        }
        let flow = connection.flow;
        let owed_before = connection.owing;
        let received = match flow.transport {
            Transport::Tls => &mut counters.received_tls,
            Transport::Tcp | Transport::Udp => &mut counters.received,
        };
        let received_before = *received;
        let may_offer = connection.origin == Origin::Accepted
            && flow.transport == Transport::Tls
            && connection.offered.is_none();
        let mut offer = None;
        let end = connection.read(now, buffer, |bytes| {
            *received += 1;
            if may_offer {
                offer = offer.or_else(|| alias::offered(bytes));
            }
            sink(StreamEvent::Message { flow, bytes });
        });
        let has_message = *received > received_before;
        let is_owed = connection.is_owed();
        let owes_since_now = connection.owing == Some(now) && owed_before != Some(now);
        self.after_handshake(now, id);
        if let Some(port) = offer {
            self.take_offer(id, port);
        }
        if is_owed {
            self.mark_dirty(id);
        }
        if owes_since_now {
            self.arm(id);
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
            && !connection.is_owed()
        {
            self.close(id, reason);
            return;
        }
        let is_stalled = connection.stalled.is_some();
        self.after_handshake(now, id);
        self.watch(reactor, id);
        if is_stalled && !was_stalled {
            self.arm(id);
        }
    }

    /// Reads no more, and closes once what is owed is written or a second is over.
    fn leave(&mut self, now: Instant, reactor: &Reactor, id: u64, reason: CloseReason) {
        let Some(connection) = self.connection(id) else { return };
        if connection.state == State::Handshaking && connection.origin == Origin::Accepted {
            let remote = connection.flow.remote.ip();
            self.handshakes.leave(remote);
        }
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
        let Some(connection) = self.slots[slot as usize].take_if(|it| it.id == id) else { return };
        self.deadlines.remove(&(connection.deadline, id));
        let flow = connection.flow;
        match (connection.origin, flow.peer()) {
            (Origin::Ours, Some(peer)) => {
                self.by_peer.remove(&(flow.transport, flow.remote, peer));
            }
            (Origin::Ours | Origin::Accepted, _) => {
                self.sources.leave(flow.remote.ip());
                if connection.state == State::Handshaking {
                    self.handshakes.leave(flow.remote.ip());
                }
            }
        }
        self.free.push(slot);
        self.open -= 1;
        let asked_over_it = self.end_offer(&connection);
        self.closed.extend(asked_over_it.into_iter().map(|asked| (asked, reason)));
        self.closed.push_back((flow, reason));
    }
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams")
            .field("config", &self.config)
            .field("open", &self.open)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// Begins a connect from `local`, so that the peer sees the address that our messages name; a
/// loopback address reaches nobody else, and one that stands for all says nothing.
fn begin_connect(local: IpAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if !local.is_unspecified() && !local.is_loopback() && local.is_ipv4() == remote.is_ipv4() {
        socket.bind(&SocketAddr::new(local, 0).into())?;
    }
    match socket.connect(&remote.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}
