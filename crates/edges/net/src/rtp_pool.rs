//! Sockets for media: pairs of an even port for RTP and the next odd one for RTCP.

use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::reactor::{Interest, Reactor, Ready, Token};
use crate::sys;
use crate::uring::{Finished, GATHERED, Ring};
use crate::waker::Waker;

/// The largest media datagram that is read; G.711 needs 172 bytes, and a path 1500.
pub(crate) const PACKET_BYTES_MAX: usize = 2048;

/// Bytes that a packet may grow by on its way: the tag of SRTP, and more.
pub const ROOM_BYTES: usize = 64;

/// The pool's waker; ports are tokens up to 65535.
const WAKER: Token = Token(1 << 32);

/// Where a pool's sockets are.
#[derive(Debug, Clone, Copy)]
pub struct RtpPoolConfig {
    /// The address of all of them; `::` takes packets of both families.
    pub address: IpAddr,
    /// The lowest port; if odd, the next is the first.
    pub port_min: u16,
    /// The highest port.
    pub port_max: u16,
    /// How packets come and go.
    pub backend: MediaBackend,
    /// How long a packet may wait for others, so that they share the cost of waking this thread; zero
    /// to take each as it comes. Under a millisecond; where many come it makes no difference.
    pub gather: Duration,
}

/// How packets come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MediaBackend {
    /// By io_uring where the kernel lets us, else by epoll.
    #[default]
    Auto,
    /// By io_uring, or not at all.
    IoUring,
    /// By epoll, `recvfrom` and `sendto`.
    Epoll,
}

/// Where a packet goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// The local port it leaves by.
    pub from: u16,
    /// Its destination.
    pub to: SocketAddr,
    /// How many bytes of the buffer it has.
    pub len: usize,
}

/// Decides on packets; the media thread's relay and endpoints.
pub trait PacketHandler {
    /// A datagram came in on `port`: the first `len` bytes of `buffer`, with room for
    /// [`ROOM_BYTES`] more behind them. It may be changed in place; `Some` sends it on as it then is.
    fn packet(
        &mut self,
        port: u16,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Forward>;

    /// The socket did not take what [`PacketHandler::packet`] sent on.
    fn not_sent(&mut self, forward: Forward, packet: &[u8]);
}

/// What has passed through a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RtpCounters {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that a socket did not take: its buffer is full, no route, no such port.
    pub send_refused: u64,
    /// Datagrams received that were longer than 2048 bytes, and dropped.
    pub too_long: u64,
    /// Errors reported by the network for datagrams sent earlier (ICMP).
    pub unreachable: u64,
    /// Pairs passed over because another process has a port of theirs.
    pub pairs_skipped: u64,
}

/// All media sockets of a process, and the wait for them.
///
/// Binding costs far more than a call does, so pairs are bound ahead, a few at a time, stay bound,
/// and are used again; which pair belongs to which call is not the pool's business.
pub struct RtpPool {
    reactor: Reactor,
    /// With a ring the reactor has the waker alone.
    ring: Option<Box<Ring>>,
    waker: Waker,
    config: RtpPoolConfig,
    /// Pairs by position in the range.
    pairs: Vec<Option<Pair>>,
    /// Where the next pair is tried.
    next: u32,
    ready: Vec<Ready>,
    /// Packets of the last turn.
    taken: usize,
    counters: RtpCounters,
}

struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

/// Whether [`RtpPool::wait`] was ended by the waker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Another thread called [`Waker::wake`]; its queue has something.
    ByWaker,
    /// Packets came, or the time is over.
    ByItself,
}

impl RtpPool {
    /// A pool without sockets; [`RtpPool::grow`] binds them.
    pub fn new(config: RtpPoolConfig) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let waker = Waker::new(&reactor, WAKER)?;
        let next = first_port(&config);
        let ring = || Ring::new(reactor.as_fd().as_raw_fd(), config.gather).map(Box::new);
        let ring = match config.backend {
            MediaBackend::Auto => ring().ok(),
            MediaBackend::IoUring => Some(ring()?),
            MediaBackend::Epoll => None,
        };
        Ok(Self {
            reactor,
            ring,
            waker,
            config,
            pairs: Vec::new(),
            next,
            ready: Vec::new(),
            taken: 0,
            counters: RtpCounters::default(),
        })
    }

    /// How packets come and go: never [`MediaBackend::Auto`].
    pub fn backend(&self) -> MediaBackend {
        if self.ring.is_some() { MediaBackend::IoUring } else { MediaBackend::Epoll }
    }

    /// Ends the pool's wait from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Binds up to `pairs` more and returns their RTP ports; fewer when the range comes to its end.
    ///
    /// Pairs with a port that another process has are passed over. An error (no more files, an
    /// address that is not ours) comes only if nothing at all was bound.
    pub fn grow(&mut self, pairs: usize) -> io::Result<Vec<u16>> {
        let mut bound = Vec::with_capacity(pairs);
        while bound.len() < pairs && self.next < u32::from(self.config.port_max) {
            let port = self.next as u16;
            match self.bind_pair(port) {
                Ok(pair) => {
                    let index = self.index(port).expect("next starts at the first pair");
                    self.pairs.resize_with(index + 1, || None);
                    self.pairs[index] = Some(pair);
                    bound.push(port);
                }
                Err(error) if is_taken(&error) => self.counters.pairs_skipped += 1,
                Err(error) if bound.is_empty() => return Err(error),
                // The next call tries this port again, and tells of the error if it stays.
                Err(_) => return Ok(bound),
            }
            self.next += 2;
        }
        Ok(bound)
    }

    /// Whether the whole range has been tried.
    pub fn is_at_end(&self) -> bool {
        self.next >= u32::from(self.config.port_max)
    }

    /// Pairs that are bound.
    pub fn bound(&self) -> usize {
        self.pairs.iter().flatten().count()
    }

    /// Waits for packets, for the waker, or for the time to be over; `None` waits for ever.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Woken> {
        let mut timeout = timeout;
        self.gather(timeout);
        if let Some(ring) = &mut self.ring {
            ring.wait(timeout)?;
            self.counters.sent += ring.take_sent();
            // The ring has waited for the waker too: only then is there anything in the reactor.
            if !ring.is_polled() {
                return Ok(Woken::ByItself);
            }
            timeout = Some(Duration::ZERO);
        }
        self.ready.clear();
        let mut woken = Woken::ByItself;
        for ready in self.reactor.wait(timeout)? {
            if ready.token == WAKER {
                woken = Woken::ByWaker;
            } else {
                self.ready.push(ready);
            }
        }
        if woken == Woken::ByWaker {
            self.waker.acknowledge();
        }
        Ok(woken)
    }

    /// Lets packets gather where the kernel does not do that by itself: while some come, though few,
    /// the next ones are not waited for but slept towards.
    fn gather(&mut self, timeout: Option<Duration>) {
        let gathers = self.ring.as_ref().is_some_and(|ring| ring.gathers());
        let has_time = timeout.is_none_or(|timeout| timeout > self.config.gather);
        if !gathers && has_time && (1..GATHERED).contains(&mem::take(&mut self.taken)) {
            thread::sleep(self.config.gather);
        }
    }

    /// Gives one packet of each socket that [`RtpPool::wait`] found ready to `handler`, and sends on
    /// what it sends on. A socket with more is found ready again by the next wait.
    ///
    /// One packet each: a stream has one per 20 ms, so a second read would nearly always be a system
    /// call for nothing. Packets leave at once, because no two streams share a socket to batch on.
    pub fn receive(&mut self, handler: &mut impl PacketHandler) {
        if let Some(mut ring) = self.ring.take() {
            let before = self.counters.received;
            while let Some(finished) = ring.next_finished() {
                self.finish(&mut ring, finished, handler);
            }
            self.taken = (self.counters.received - before) as usize;
            self.ring = Some(ring);
            return;
        }
        self.taken = self.ready.len();
        let mut buffer = [0; PACKET_BYTES_MAX + ROOM_BYTES];
        for at in 0..self.ready.len() {
            let port = self.ready[at].token.0 as u16;
            let Some(socket) = self.socket(port) else { continue };
            let (len, from) = match socket.recv_from(&mut buffer[..PACKET_BYTES_MAX]) {
                Ok(received) => received,
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.counters.unreachable += 1;
                    }
                    continue;
                }
            };
            self.counters.received += 1;
            if len == PACKET_BYTES_MAX {
                self.counters.too_long += 1;
                continue;
            }
            let from = sys::canonical(from);
            let Some(forward) = handler.packet(port, from, &mut buffer, len) else { continue };
            let packet = &buffer[..forward.len];
            if self.send(forward, packet).is_err() {
                handler.not_sent(forward, packet);
            }
        }
    }

    /// Takes what the ring has finished.
    fn finish(&mut self, ring: &mut Ring, finished: Finished, handler: &mut impl PacketHandler) {
        match finished {
            Finished::Packet { port, packet } => {
                self.counters.received += 1;
                let Some(from) = packet.from.map(sys::canonical) else {
                    return ring.give_back(packet);
                };
                let len = packet.len;
                let Some(forward) = handler.packet(port, from, ring.bytes_of(&packet), len) else {
                    return ring.give_back(packet);
                };
                let forward = Forward { to: self.on_wire(forward.to), ..forward };
                let outcome = match self.socket(forward.from).map(AsRawFd::as_raw_fd) {
                    Some(socket) => ring.send(packet, socket, forward),
                    None => Err(packet),
                };
                if let Err(packet) = outcome {
                    self.counters.send_refused += 1;
                    handler.not_sent(forward, &ring.bytes_of(&packet)[..forward.len]);
                    ring.give_back(packet);
                }
            }
            Finished::NotSent { packet, forward, error } => {
                let bytes = &ring.bytes_of(&packet)[..forward.len];
                // The report of an earlier packet's fate stood before this one: once more.
                if error.kind() != io::ErrorKind::ConnectionRefused {
                    self.counters.send_refused += 1;
                    handler.not_sent(forward, bytes);
                } else if self.send(forward, bytes).is_err() {
                    handler.not_sent(forward, bytes);
                }
                ring.give_back(packet);
            }
            Finished::TooLong => {
                self.counters.received += 1;
                self.counters.too_long += 1;
            }
            Finished::Unreachable => self.counters.unreachable += 1,
            Finished::Disarmed { port } => {
                if let Some(socket) = self.socket(port) {
                    ring.arm(port, socket.as_raw_fd());
                }
            }
        }
    }

    /// Sends a packet at once. What the socket does not take is lost, as media is, and counted.
    pub fn send(&mut self, forward: Forward, packet: &[u8]) -> io::Result<()> {
        let (from, to) = (forward.from, self.on_wire(forward.to));
        let outcome = match self.socket(from) {
            Some(socket) => match socket.send_to(packet, to) {
                // The report of an earlier packet's fate stands before this one: once more.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    socket.send_to(packet, to)
                }
                outcome => outcome,
            },
            None => Err(io::Error::from(io::ErrorKind::NotConnected)),
        };
        match outcome {
            Ok(_) => {
                self.counters.sent += 1;
                Ok(())
            }
            Err(error) => {
                self.counters.send_refused += 1;
                Err(error)
            }
        }
    }

    /// What has passed through the pool.
    pub fn counters(&self) -> RtpCounters {
        self.counters
    }

    fn bind_pair(&mut self, port: u16) -> io::Result<Pair> {
        let rtp = self.bind(port)?;
        let rtcp = self.bind(port + 1)?;
        match &mut self.ring {
            Some(ring) => {
                ring.arm(port, rtp.as_raw_fd());
                ring.arm(port + 1, rtcp.as_raw_fd());
            }
            None => {
                self.reactor.add(&rtp, Token(port.into()), Interest::Read)?;
                self.reactor.add(&rtcp, Token((port + 1).into()), Interest::Read)?;
            }
        }
        Ok(Pair { rtp, rtcp })
    }

    /// A destination as this pool's sockets name it.
    fn on_wire(&self, to: SocketAddr) -> SocketAddr {
        if self.config.address.is_ipv6() { sys::mapped(to) } else { to }
    }

    fn bind(&self, port: u16) -> io::Result<UdpSocket> {
        let address = SocketAddr::new(self.config.address, port);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        socket.bind(&address.into())?;
        Ok(socket.into())
    }

    /// The pair that a port belongs to, counted from the first of the range.
    fn index(&self, port: u16) -> Option<usize> {
        let above = u32::from(port).checked_sub(first_port(&self.config))?;
        Some(above as usize / 2)
    }

    fn socket(&self, port: u16) -> Option<&UdpSocket> {
        let pair = self.pairs.get(self.index(port)?)?.as_ref()?;
        Some(if port.is_multiple_of(2) { &pair.rtp } else { &pair.rtcp })
    }
}

impl std::fmt::Debug for RtpPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtpPool")
            .field("config", &self.config)
            .field("bound", &self.bound())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// The lowest even port that is one.
fn first_port(config: &RtpPoolConfig) -> u32 {
    u32::from(config.port_min).next_multiple_of(2).max(2)
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}
