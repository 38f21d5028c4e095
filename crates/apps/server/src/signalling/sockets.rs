//! The sockets of the signalling thread: SIP over UDP and TCP on one port, over TLS on another, and
//! the wait for all of them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{BindError, Interest, Reactor, Ready, StreamConfig, Streams, Token, UdpBatch, Waker};
use sip_message::{Flow, Transport};
use tracing::debug;

use crate::config::SipConfig;
use crate::tls::{Dialer, SipTls};

/// The datagram socket's name in the reactor.
pub(super) const UDP: Token = Token(1);
/// The waker's name in the reactor.
pub(super) const WAKER: Token = Token(2);
/// The top byte of the names of everything that has to do with streams.
const STREAMS: u8 = 1;
/// Free ports that are tried before it is said that none is free for both UDP and TCP.
const PORT_TRIES: usize = 16;

/// Everything that the signalling thread waits for.
pub(crate) struct Sockets {
    pub(super) reactor: Reactor,
    pub(super) udp: UdpBatch,
    pub(super) streams: Streams,
    pub(super) waker: Waker,
    tcp_local: SocketAddr,
    tls_local: Option<SocketAddr>,
    ready: Vec<Ready>,
}

impl Sockets {
    /// Binds UDP and TCP to the same address and port, and TLS to its own.
    pub(crate) fn bind(config: &SipConfig, tls: &SipTls) -> Result<Self, BindError> {
        let listen = config.listen;
        let reactor_error = |source| BindError { transport: "UDP", address: listen, source };
        let reactor = Reactor::new().map_err(reactor_error)?;
        let waker = Waker::new(&reactor, WAKER).map_err(reactor_error)?;
        let stream_config = StreamConfig {
            connections_max: config.connections_max,
            // An eighth is what is kept at most.
            own_connections_min: config.connections_max,
            source_connections_max: config.connections_per_source_max,
            ..StreamConfig::default()
        };
        let mut streams = Streams::new(STREAMS, stream_config);
        let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
        let mut tried = 0;
        let (udp, tcp_local) = loop {
            let udp = UdpBatch::bind(listen)?;
            tried += 1;
            // The port that UDP got may be taken for TCP; then another one is tried.
            match streams.listen(&reactor, udp.local()) {
                Ok(local) => break (udp, local),
                Err(error) if tried >= tries => return Err(error),
                Err(_) => {}
            }
        };
        let listen_tls = |address| streams.listen_tls(&reactor, address, tls.acceptor());
        let tls_local = config.tls.listen.map(listen_tls).transpose()?;
        streams.dial_tls_by(Box::new(Dialer(tls.peers())));
        reactor.add(&udp, UDP, Interest::Read).map_err(reactor_error)?;
        Ok(Self { reactor, udp, streams, waker, tcp_local, tls_local, ready: Vec::new() })
    }

    /// Where UDP is received.
    pub(crate) fn udp_local(&self) -> SocketAddr {
        self.udp.local()
    }

    /// Where TCP connections are accepted.
    pub(crate) fn tcp_local(&self) -> SocketAddr {
        self.tcp_local
    }

    /// Where TLS connections are accepted, if they are.
    pub(crate) fn tls_local(&self) -> Option<SocketAddr> {
        self.tls_local
    }

    /// Ends the wait from another thread.
    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Waits until something is ready or the time is over.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> std::io::Result<Vec<Ready>> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        ready.extend(self.reactor.wait(timeout)?);
        Ok(ready)
    }

    /// Gives the list of [`Sockets::wait`] back, so that the next wait need not allocate one.
    pub(super) fn give_back(&mut self, ready: Vec<Ready>) {
        self.ready = ready;
    }

    /// Queues a message. A flow on which it cannot leave is handed back.
    pub(super) fn send(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Result<(), Flow> {
        match flow.transport {
            // A full queue loses a datagram, as a network does; SIP sends it again.
            Transport::Udp => {
                if let Err(error) = self.udp.push(flow.remote, bytes) {
                    debug!(%error, "a datagram was dropped");
                }
                Ok(())
            }
            Transport::Tcp | Transport::Tls => self.send_stream(now, flow, bytes),
        }
    }

    fn send_stream(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Result<(), Flow> {
        let sent = if flow.peer().is_some() {
            self.streams.send_to(now, &self.reactor, flow, bytes)
        } else {
            self.streams.send_on(flow.connection, bytes)
        };
        sent.map_err(|error| {
            debug!(%flow, %error, "a message could not be sent");
            flow
        })
    }

    /// Sends what is queued, as far as it goes without waiting. What the kernel did not take of the
    /// datagrams is tried again after the returned time.
    pub(super) fn flush(&mut self, now: Instant) -> Option<Duration> {
        self.streams.flush(now, &self.reactor);
        match self.udp.flush() {
            net::Flushed::All => None,
            net::Flushed::Waiting(_) => Some(Duration::from_millis(1)),
        }
    }
}
