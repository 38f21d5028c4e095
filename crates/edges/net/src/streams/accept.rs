//! Accepting connections: from whom, and how many.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sip_message::{Flow, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use super::Streams;
use crate::BindError;
use crate::connection::{Origin, State, Stream};
use crate::reactor::{Interest, Reactor};
use crate::sys;
use crate::tls::TlsAcceptor;

/// Connections accepted in a row before other sockets get their turn.
const ACCEPTS_MAX: usize = 64;

/// How long accepting pauses when no file is left to accept with.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listeners of one [`Streams`]: their tokens lie below those of connections.
const LISTENERS_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    local: SocketAddr,
    /// `None` for plain TCP.
    tls: Option<TlsAcceptor>,
    /// Set while there is no file to accept with.
    pub(super) paused_until: Option<Instant>,
}

/// How many accepted connections there are, and from where.
#[derive(Debug, Default)]
pub(super) struct Sources {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Sources {
    pub(super) fn enter(&mut self, remote: IpAddr) {
        self.all += 1;
        *self.by_source.entry(source(remote)).or_default() += 1;
    }

    pub(super) fn leave(&mut self, remote: IpAddr) {
        self.all -= 1;
        let source = source(remote);
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    fn of(&self, remote: IpAddr) -> usize {
        self.by_source.get(&source(remote)).copied().unwrap_or(0)
    }
}

/// What counts as one source: an IPv4 address, or the /64 that one IPv6 host has to itself.
fn source(remote: IpAddr) -> IpAddr {
    match remote {
        IpAddr::V4(_) => remote,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

impl Streams {
    /// Listens for plain TCP and returns the address; port 0 takes any free one.
    pub fn listen(
        &mut self,
        reactor: &Reactor,
        address: SocketAddr,
    ) -> Result<SocketAddr, BindError> {
        self.listen_by(reactor, address, None)
    }

    /// Listens for TLS and returns the address; port 0 takes any free one.
    pub fn listen_tls(
        &mut self,
        reactor: &Reactor,
        address: SocketAddr,
        tls: TlsAcceptor,
    ) -> Result<SocketAddr, BindError> {
        self.listen_by(reactor, address, Some(tls))
    }

    fn listen_by(
        &mut self,
        reactor: &Reactor,
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
    ) -> Result<SocketAddr, BindError> {
        let transport = if tls.is_some() { "TLS" } else { "TCP" };
        let bind_error = |source| BindError { transport, address, source };
        assert!(self.listeners.len() < LISTENERS_MAX, "no machine has that many addresses");
        let socket = open_listener(address).map_err(bind_error)?;
        let local = socket.local_addr().map_err(bind_error)?;
        let token = self.token(self.listeners.len() as u64);
        reactor.add(&socket, token, Interest::Read).map_err(bind_error)?;
        self.listeners.push(Listener { socket, local, tls, paused_until: None });
        Ok(local)
    }

    pub(super) fn accept(&mut self, now: Instant, reactor: &Reactor, at: usize) {
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = self.listeners.get_mut(at) else { return };
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
            let remote = sys::canonical(remote);
            let local = sys::canonical(stream.local_addr().unwrap_or(listener.local));
            let tls = listener.tls.clone();
            if self.has_room(remote.ip(), tls.as_ref()) {
                // A connection that is reset while being accepted is as if it had never been.
                let _ = self.take_in(now, reactor, stream, (local, remote), tls);
            }
        }
    }

    /// Whether one more connection from there may be accepted. Who may not is counted.
    fn has_room(&mut self, remote: IpAddr, tls: Option<&TlsAcceptor>) -> bool {
        let own = self.config.own_connections_min;
        let refused = if self.open >= self.config.connections_max
            || self.sources.all + own >= self.config.connections_max
        {
            &mut self.counters.over_limit
        } else if self.sources.of(remote) >= self.config.source_connections_max {
            &mut self.counters.over_source_limit
        } else if tls.is_some()
            && (self.handshakes.all >= self.config.handshakes_max
                || self.handshakes.of(remote) >= self.config.source_handshakes_max)
        {
            &mut self.counters.over_handshakes
        } else {
            return true;
        };
        *refused += 1;
        false
    }

    fn take_in(
        &mut self,
        now: Instant,
        reactor: &Reactor,
        tcp: TcpStream,
        (local, remote): (SocketAddr, SocketAddr),
        tls: Option<TlsAcceptor>,
    ) -> io::Result<()> {
        tcp.set_nonblocking(true)?;
        tcp.set_nodelay(true)?;
        let (transport, stream, state) = match tls {
            None => (Transport::Tcp, Stream::Tcp(tcp), State::Open),
            Some(tls) => {
                let session = tls.accept(tcp).map_err(|fault| io::Error::other(fault.code()))?;
                (Transport::Tls, Stream::Tls(Box::new(session)), State::Handshaking)
            }
        };
        // Its own number takes the place of the peer's once it has one.
        let flow = Flow { transport, local, remote, connection: 0 };
        let id = self.open(now, reactor, (flow, Origin::Accepted), stream, state)?;
        self.sources.enter(remote.ip());
        if state == State::Handshaking {
            self.handshakes.enter(remote.ip());
        }
        self.counters.accepted += 1;
        self.arm(id);
        Ok(())
    }

    /// Accepts again where accepting paused for want of files.
    pub(super) fn resume_listening(&mut self, now: Instant, reactor: &Reactor) {
        for at in 0..self.listeners.len() {
            let token = self.token(at as u64);
            let listener = &mut self.listeners[at];
            if listener.paused_until.is_some_and(|until| until <= now)
                && reactor.add(&listener.socket, token, Interest::Read).is_ok()
            {
                listener.paused_until = None;
            }
        }
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

fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}
