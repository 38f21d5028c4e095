//! The sockets of the signalling thread: SIP over UDP and TCP on one port, and the wait for both.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{BindError, Interest, Reactor, Ready, StreamConfig, Streams, Token, UdpBatch, Waker};
use sip_message::{Flow, Transport};
use tracing::debug;

use crate::config::SipConfig;

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
    stream_local: SocketAddr,
    ready: Vec<Ready>,
}

impl Sockets {
    /// Binds UDP and TCP to the same address and port.
    pub(crate) fn bind(config: &SipConfig) -> Result<Self, BindError> {
        let listen = config.listen;
        let reactor_error = |source| BindError { transport: "UDP", address: listen, source };
        let reactor = Reactor::new().map_err(reactor_error)?;
        let waker = Waker::new(&reactor, WAKER).map_err(reactor_error)?;
        let stream_config =
            StreamConfig { connections_max: config.connections_max, ..StreamConfig::default() };
        let mut streams = Streams::new(STREAMS, stream_config);
        let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
        let mut tried = 0;
        let (udp, stream_local) = loop {
            let udp = UdpBatch::bind(listen)?;
            tried += 1;
            // The port that UDP got may be taken for TCP; then another one is tried.
            match streams.listen(&reactor, udp.local()) {
                Ok(local) => break (udp, local),
                Err(error) if tried >= tries => return Err(error),
                Err(_) => {}
            }
        };
        reactor.add(&udp, UDP, Interest::Read).map_err(reactor_error)?;
        Ok(Self { reactor, udp, streams, waker, stream_local, ready: Vec::new() })
    }

    /// Where UDP is received.
    pub(crate) fn udp_local(&self) -> SocketAddr {
        self.udp.local()
    }

    /// Where TCP connections are accepted.
    pub(crate) fn tcp_local(&self) -> SocketAddr {
        self.stream_local
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
            Transport::Tcp => self.send_stream(now, flow, bytes),
            Transport::Tls => Err(flow),
        }
    }

    fn send_stream(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Result<(), Flow> {
        // A response whose connection is gone may go back over a new one (RFC 3261 §18.2.2).
        if flow.connection != 0 && self.streams.send_on(flow.connection, bytes).is_ok() {
            return Ok(());
        }
        self.streams.send_to(now, &self.reactor, flow.remote, bytes).map(|_flow| ()).map_err(
            |error| {
                debug!(remote = %flow.remote, %error, "a message could not be sent over TCP");
                flow
            },
        )
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

    /// The flow of a connection attempt as the engine knows it: it named no connection yet.
    pub(super) fn attempted(&self, flow: Flow) -> Flow {
        Flow { local: self.stream_local, connection: 0, ..flow }
    }
}
