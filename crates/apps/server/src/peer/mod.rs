//! A SIP party beside the service, on sockets and a thread of its own: the simulated carrier and
//! the test caller.
//!
//! It is a stranger to the service like any other peer; all that passes between them is on the
//! wire. What happens to its calls, and every message if asked for, goes to a sink.

mod ports;
mod tls;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Instant;

use agent::{
    Agent, Answering, CallId, CallOrder, Config, Event, Input, MediaPlan, Output, Srtp, Trace,
    Traced,
};
use net::{
    BATCH, Clock, Interest, Reactor, Ready, StreamConfig, StreamEvent, Streams, Token, UdpBatch,
    Waker,
};
use sip_message::{Flow, Transport};
use tracing::error;

use crate::credentials::random;
use ports::Ports;
pub use tls::PeerTls;

const UDP: Token = Token(1);
const WAKER: Token = Token(2);
/// The top byte of the names of everything that has to do with streams.
const STREAMS: u8 = 1;
/// The largest audio datagram that is read.
const PACKET_BYTES_MAX: usize = 2048;
/// Audio port pairs bound at a time, when none is free any more.
const PAIRS_GROWTH: usize = 4;
/// The most audio port pairs: each call of a peer has one.
const PAIRS_MAX: usize = 4096;

/// What a peer is.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// The address that its sockets are bound to, on any free ports.
    pub address: IpAddr,
    /// What carries its SIP.
    pub transport: Transport,
    /// Whether its audio is encrypted.
    pub srtp: Srtp,
    /// What becomes of calls that come to it.
    pub answering: Answering,
    /// Whether every message is told.
    pub trace: Trace,
    /// What it shows and believes, if its transport is TLS.
    pub tls: Option<PeerTls>,
}

/// What a peer tells.
#[derive(Debug)]
pub enum PeerEvent {
    /// Something happened to one of its calls.
    Call {
        /// Which call.
        call: CallId,
        /// What happened.
        event: Event,
    },
    /// It sent or received a message.
    Traced(Traced),
}

/// A peer that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Peer {
    local: SocketAddr,
    transport: Transport,
    orders: Sender<Order>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

/// What a peer is asked.
#[derive(Debug)]
enum Order {
    Call(Box<CallOrder>, Sender<CallId>),
    HangUp(CallId),
    Stop,
}

impl Peer {
    /// Binds a peer's sockets and sets it going. `sink` is called on the peer's thread and must not
    /// wait.
    ///
    /// # Errors
    /// What the system says of sockets or threads.
    pub fn start(
        config: &PeerConfig,
        sink: impl FnMut(PeerEvent) + Send + 'static,
    ) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let waker = Waker::new(&reactor, WAKER)?;
        let any_port = SocketAddr::new(config.address, 0);
        let mut streams = Streams::new(STREAMS, StreamConfig::default());
        let udp = match config.transport {
            Transport::Udp => {
                let udp = UdpBatch::bind(any_port).map_err(|error| error.source)?;
                reactor.add(&udp, UDP, Interest::Read)?;
                Some(udp)
            }
            Transport::Tcp | Transport::Tls => None,
        };
        let local = match (&udp, &config.tls) {
            (Some(udp), _) => udp.local(),
            (None, None) => streams.listen(&reactor, any_port).map_err(|error| error.source)?,
            (None, Some(tls)) => {
                streams.dial_tls_by(tls.dialer());
                streams
                    .listen_tls(&reactor, any_port, tls.acceptor())
                    .map_err(|error| error.source)?
            }
        };
        let agent_config = Config {
            transport: config.transport,
            media: MediaPlan::Ports { address: config.address },
            srtp: config.srtp,
            answering: config.answering.clone(),
            trace: config.trace,
            product: "trunkline",
            ..Config::new(local)
        };
        let (orders, ordered) = mpsc::channel();
        let turning = Loop {
            agent: Agent::new(agent_config, random()),
            reactor,
            udp,
            streams,
            local,
            waker: waker.clone(),
            ports: Ports::new(config.address),
            orders: ordered,
            sink,
            outputs: Vec::new(),
        };
        let thread =
            std::thread::Builder::new().name("peer".into()).spawn(move || turning.run())?;
        Ok(Self { local, transport: config.transport, orders, waker, thread: Some(thread) })
    }

    /// The peer's SIP address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The way from this peer to a SIP address.
    pub fn flow_to(&self, remote: SocketAddr) -> Flow {
        Flow { transport: self.transport, local: self.local, remote, connection: 0 }
    }

    /// Places a call; its events go to the sink. `None` if the peer has stopped.
    pub fn call(&self, order: CallOrder) -> Option<CallId> {
        let (answer, answered) = mpsc::channel();
        self.order(Order::Call(Box::new(order), answer));
        answered.recv().ok()
    }

    /// Hangs up a call, or cancels it if it is not answered.
    pub fn hang_up(&self, call: CallId) {
        self.order(Order::HangUp(call));
    }

    fn order(&self, order: Order) {
        // A peer that has stopped has no calls to order about.
        let _ = self.orders.send(order);
        self.waker.wake();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so by itself.
            let _ = thread.join();
        }
    }
}

struct Loop<S> {
    agent: Agent,
    reactor: Reactor,
    udp: Option<UdpBatch>,
    streams: Streams,
    local: SocketAddr,
    waker: Waker,
    ports: Ports,
    orders: Receiver<Order>,
    sink: S,
    outputs: Vec<Output>,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Again,
    Stop,
}

impl<S: FnMut(PeerEvent)> Loop<S> {
    fn run(mut self) {
        let mut ready: Vec<Ready> = Vec::new();
        loop {
            let now = self.now();
            self.settle(now);
            let timeout = self.next_timeout().map(|at| at.saturating_duration_since(now));
            ready.clear();
            match self.reactor.wait(timeout) {
                Ok(found) => ready.extend(found),
                Err(error) => {
                    error!(%error, "a peer cannot wait for messages and ends");
                    return;
                }
            }
            if self.take(&ready) == Turn::Stop {
                return;
            }
        }
    }

    fn now(&self) -> Instant {
        Clock.now().instant
    }

    fn next_timeout(&self) -> Option<Instant> {
        let agent = self.agent.poll_timeout().map(|(at, _why)| at);
        agent.into_iter().chain(self.streams.poll_timeout()).min()
    }

    fn take(&mut self, ready: &[Ready]) -> Turn {
        let now = self.now();
        let mut turn = Turn::Again;
        for ready in ready {
            if ready.token == UDP {
                self.take_datagrams(now);
            } else if ready.token == WAKER {
                self.waker.acknowledge();
                turn = self.take_orders(now);
            } else if self.streams.owns(ready.token) {
                self.take_stream(now, ready);
            } else if let Some(port) = self.ports.port_of(ready.token) {
                self.take_audio(now, port);
            }
        }
        while let Some((flow, _reason)) = self.streams.poll_closed() {
            self.feed(now, Input::FlowFailed { flow });
        }
        self.streams.handle_timeout(now, &self.reactor);
        self.agent.handle_timeout(now);
        self.drain();
        turn
    }

    fn take_datagrams(&mut self, now: Instant) {
        let Self { agent, udp: Some(udp), ports, reactor, local, outputs, .. } = self else {
            return;
        };
        loop {
            let count = match udp.recv() {
                Ok(count) => count,
                Err(error) => return error!(%error, "a peer's SIP socket cannot be read"),
            };
            for datagram in udp.received() {
                supply_ports(now, agent, ports, reactor);
                let flow = Flow::udp(*local, datagram.from);
                agent.handle_input(now, Input::Message { flow, bytes: datagram.bytes });
                drain(agent, outputs);
            }
            if count < BATCH {
                return;
            }
        }
    }

    fn take_stream(&mut self, now: Instant, ready: &Ready) {
        let Self { agent, streams, ports, reactor, outputs, .. } = self;
        streams.handle_ready(now, reactor, ready, |event| {
            let (StreamEvent::Message { flow, bytes } | StreamEvent::Broken { flow, bytes, .. }) =
                event;
            supply_ports(now, agent, ports, reactor);
            agent.handle_input(now, Input::Message { flow, bytes });
            drain(agent, outputs);
        });
    }

    fn take_audio(&mut self, now: Instant, port: u16) {
        let mut buffer = [0; PACKET_BYTES_MAX];
        while let Some((length, from)) = self.ports.recv(port, &mut buffer) {
            self.feed(now, Input::Media { port, from, packet: &mut buffer[..length] });
        }
    }

    fn take_orders(&mut self, now: Instant) -> Turn {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Call(order, answer)) => {
                    supply_ports(now, &mut self.agent, &mut self.ports, &self.reactor);
                    let call = self.agent.call(now, *order);
                    self.drain();
                    // Whoever ordered may have stopped waiting.
                    let _ = answer.send(call);
                }
                Ok(Order::HangUp(call)) => {
                    self.agent.hang_up(now, call);
                    self.drain();
                }
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return Turn::Stop,
                Err(TryRecvError::Empty) => return Turn::Again,
            }
        }
    }

    fn feed(&mut self, now: Instant, input: Input<'_>) {
        self.agent.handle_input(now, input);
        self.drain();
    }

    fn drain(&mut self) {
        drain(&mut self.agent, &mut self.outputs);
    }

    /// Does what the agent wants done, until it wants nothing more.
    fn settle(&mut self, now: Instant) {
        while !self.outputs.is_empty() {
            for output in std::mem::take(&mut self.outputs) {
                self.act(now, output);
            }
        }
        self.streams.flush(now, &self.reactor);
        if let Some(udp) = &mut self.udp {
            // What the kernel does not take now leaves with the next datagram, or is sent again.
            udp.flush();
        }
    }

    fn act(&mut self, now: Instant, output: Output) {
        match output {
            Output::Send { flow, bytes } => {
                if self.send(now, flow, &bytes).is_err() {
                    self.feed(now, Input::FlowFailed { flow });
                }
            }
            Output::Media { port, channel, to, bytes } => {
                self.ports.send(port, channel, to, &bytes);
            }
            Output::Event { call, event } => (self.sink)(PeerEvent::Call { call, event }),
            Output::Traced(traced) => (self.sink)(PeerEvent::Traced(traced)),
        }
    }

    /// Queues a message. `Err` means that it cannot leave on its flow.
    fn send(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Result<(), Undeliverable> {
        match (flow.transport, &mut self.udp) {
            (Transport::Udp, Some(udp)) => {
                // A full queue loses a datagram, as a network does; SIP sends it again.
                let _ = udp.push(flow.remote, bytes);
                Ok(())
            }
            (Transport::Tcp | Transport::Tls, _) => {
                let sent = if flow.peer().is_some() {
                    self.streams.send_to(now, &self.reactor, flow, bytes)
                } else {
                    self.streams.send_on(flow.connection, bytes)
                };
                sent.map_err(|_| Undeliverable)
            }
            (Transport::Udp, None) => Err(Undeliverable),
        }
    }
}

/// Binds more ports when the last one is taken, so that the next call has one.
fn supply_ports(now: Instant, agent: &mut Agent, ports: &mut Ports, reactor: &Reactor) {
    if agent.ports_free() > 0 || ports.pairs() >= PAIRS_MAX {
        return;
    }
    match ports.grow(reactor, PAIRS_GROWTH) {
        Ok(bound) => agent.handle_input(now, Input::PortsReady(bound)),
        Err(error) => error!(%error, "a peer can bind no more audio ports"),
    }
}

/// A message that cannot leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Undeliverable;

fn drain(agent: &mut Agent, outputs: &mut Vec<Output>) {
    while let Some(output) = agent.poll_output() {
        outputs.push(output);
    }
}
