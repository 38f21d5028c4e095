//! Media for `bench/relay.py`: our relay alone, a forwarder that only forwards, and the streams that
//! both, or a peer, carry.
//!
//! `serve` and `bare` run the pool of sockets and the loop of the media thread, with the relay or
//! with a table of ports in the middle. `generate` is both ends of every call: each leg sends 172
//! bytes every 20 ms with the time in them, and what arrives at the called leg tells how long it was
//! on the way. The parties speak in lines of JSON on standard input and output. Loopback only.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use media::rtp::{HEADER_BYTES, Header, Marker};
use media::srtp::{Keys, MasterKey, Outbound, Suite, TRAILER_BYTES_MAX};
use media::{
    CallMediaId, Expects, LegSpec, LegTerms, LocalPort, PortRange, Protection, Relay, RelayConfig,
};
use net::{Forward, MediaBackend, PacketHandler, RtpPool, RtpPoolConfig, raise_fd_limit};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PACKET_BYTES: usize = 172;
const EVERY: Duration = Duration::from_millis(20);
/// The key of every caller, and ours toward it: a benchmark has no secrets.
const CALLERS_KEY: [u8; 30] = [1; 30];
const OUR_KEY: [u8; 30] = [2; 30];

/// Media streams through a relay, and two relays to send them through.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Our relay; the caller's legs under SRTP with --srtp.
    Serve(Forwarding),
    /// A forwarder with one socket per leg that looks at nothing.
    Bare(Forwarding),
    /// Both ends of every call.
    Generate {
        /// Calls, two streams each.
        #[arg(long)]
        calls: u16,
        /// How long packets are sent.
        #[arg(long)]
        seconds: u64,
        /// Callers protect what they send.
        #[arg(long)]
        srtp: bool,
        /// The first port.
        #[arg(long, default_value_t = 40_000)]
        port: u16,
    },
}

#[derive(clap::Args)]
struct Forwarding {
    #[arg(long, value_enum, default_value = "auto")]
    backend: Backend,
    #[arg(long)]
    srtp: bool,
    /// The first port.
    #[arg(long, default_value_t = 20_000)]
    port: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    Auto,
    IoUring,
    Epoll,
}

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    raise_fd_limit(65_536)?;
    match Arguments::parse().command {
        Command::Serve(forwarding) => serve(&forwarding),
        Command::Bare(forwarding) => bare(&forwarding),
        Command::Generate { calls, seconds, srtp, port } => {
            let (pool, ports) = pool(port, Backend::Auto, usize::from(calls) * 2)?;
            Generator { pool, ports, srtp }.run(Duration::from_secs(seconds))
        }
    }
}

fn pool(port_min: u16, backend: Backend, pairs: usize) -> io::Result<(RtpPool, Vec<u16>)> {
    let backend = match backend {
        Backend::Auto => MediaBackend::Auto,
        Backend::IoUring => MediaBackend::IoUring,
        Backend::Epoll => MediaBackend::Epoll,
    };
    let port_max = port_min.saturating_add(9_999);
    let mut pool = RtpPool::new(RtpPoolConfig { address: LOOPBACK, port_min, port_max, backend })?;
    let ports = pool.grow(pairs)?;
    if ports.len() < pairs {
        Err(io::Error::other("too few free ports"))
    } else {
        Ok((pool, ports))
    }
}

/// Reads one line of JSON: the RTP ports of each call's two legs.
fn read_legs() -> Result<Vec<[u16; 2]>, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn tell(value: &impl serde::Serialize) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(value)?);
    Ok(io::stdout().flush()?)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::new(LOOPBACK, port)
}

fn pairs_of(ports: &[u16]) -> Vec<[u16; 2]> {
    ports.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
}

struct Relaying {
    relay: Relay,
    now: Instant,
}

impl PacketHandler for Relaying {
    fn packet(
        &mut self,
        port: u16,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Forward> {
        let sent = self.relay.handle_in(self.now, port, from, buffer, len).ok()?;
        Some(Forward { from: sent.from, to: sent.to, len: sent.len })
    }

    fn not_sent(&mut self, _forward: Forward, _packet: &[u8]) {}
}

fn serve(forwarding: &Forwarding) -> Result<(), Failure> {
    let remotes = read_legs()?;
    let (mut pool, ports) = pool(forwarding.port, forwarding.backend, remotes.len() * 2)?;
    let range = PortRange::parse(forwarding.port, forwarding.port.saturating_add(9_999))?;
    let mut handler = Relaying { relay: Relay::new(RelayConfig::new(range)), now: Instant::now() };
    let legs = pairs_of(&ports);
    for (call, (ours, theirs)) in (0..).zip(legs.iter().zip(&remotes)) {
        let leg = |at: usize, protection| {
            let port = LocalPort::parse(ours[at]).expect("the pool binds even ports");
            let to = LegTerms::to(local(theirs[at]));
            LegSpec { port, terms: LegTerms { protection, expects: Expects::Media, ..to } }
        };
        let caller = if forwarding.srtp { protection() } else { Protection::Clear };
        let specs = [leg(0, caller), leg(1, Protection::Clear)];
        handler.relay.open(handler.now, CallMediaId(call), specs)?;
    }
    tell(&legs)?;
    loop {
        let timeout = handler.relay.poll_timeout().map(|(at, _)| at);
        pool.wait(timeout.map(|at| at.saturating_duration_since(Instant::now())))?;
        handler.now = Instant::now();
        pool.receive(&mut handler);
        handler.relay.handle_timeout(handler.now);
        while handler.relay.poll_event().is_some() {}
    }
}

fn protection() -> Protection {
    let key = |bytes: &[u8]| {
        MasterKey::parse(Suite::AesCm128Sha1With80, bytes).expect("a key of its length")
    };
    let (outbound, inbound) = (key(&OUR_KEY), key(&CALLERS_KEY));
    Protection::Srtp(Box::new(Keys { outbound, inbound, inbound_mki: None }))
}

/// Where a packet that came to a port goes.
struct Table(BTreeMap<u16, (u16, SocketAddr)>);

impl PacketHandler for Table {
    fn packet(&mut self, port: u16, _: SocketAddr, _: &mut [u8], len: usize) -> Option<Forward> {
        let (from, to) = *self.0.get(&port)?;
        Some(Forward { from, to, len })
    }

    fn not_sent(&mut self, _forward: Forward, _packet: &[u8]) {}
}

fn bare(forwarding: &Forwarding) -> Result<(), Failure> {
    let remotes = read_legs()?;
    let (mut pool, ports) = pool(forwarding.port, forwarding.backend, remotes.len() * 2)?;
    let legs = pairs_of(&ports);
    let ways = legs.iter().zip(&remotes).flat_map(|(ours, theirs)| {
        let [a, b] = *ours;
        [(a, (b, local(theirs[1]))), (b, (a, local(theirs[0])))]
    });
    let mut table = Table(ways.collect());
    tell(&legs)?;
    loop {
        pool.wait(None)?;
        pool.receive(&mut table);
    }
}

/// One leg's stream out.
struct Stream {
    port: u16,
    to: SocketAddr,
    ssrc: u32,
    outbound: Option<Outbound>,
}

/// Both ends of every call.
struct Generator {
    pool: RtpPool,
    ports: Vec<u16>,
    srtp: bool,
}

/// What arrived.
struct Heard {
    epoch: Instant,
    now: Instant,
    /// Packets on the called legs can be read, and tell how long they took.
    called: BTreeSet<u16>,
    packets: u64,
    micros: Vec<u32>,
}

impl PacketHandler for Heard {
    fn packet(&mut self, port: u16, _: SocketAddr, buffer: &mut [u8], _: usize) -> Option<Forward> {
        self.packets += 1;
        if self.called.contains(&port) {
            let stamp = buffer[HEADER_BYTES..].first_chunk().copied().map(u64::from_be_bytes)?;
            let now = self.now.duration_since(self.epoch).as_nanos() as u64;
            self.micros.push((now.saturating_sub(stamp) / 1000) as u32);
        }
        None
    }

    fn not_sent(&mut self, _forward: Forward, _packet: &[u8]) {}
}

#[derive(serde::Serialize)]
struct Report {
    sent: u64,
    heard: u64,
    p50_us: u32,
    p99_us: u32,
}

impl Generator {
    fn run(mut self, time: Duration) -> Result<(), Failure> {
        let legs = pairs_of(&self.ports);
        tell(&legs)?;
        let relays = read_legs()?;
        let mut streams = Vec::new();
        for (ours, theirs) in legs.iter().zip(&relays) {
            for at in [0, 1] {
                let key = MasterKey::parse(Suite::AesCm128Sha1With80, &CALLERS_KEY);
                let outbound = key.filter(|_| self.srtp && at == 0).map(Outbound::new);
                let (port, to) = (ours[at], local(theirs[at]));
                streams.push(Stream { port, to, ssrc: port.into(), outbound });
            }
        }
        let epoch = Instant::now();
        let mut heard = Heard {
            epoch,
            now: epoch,
            called: legs.iter().map(|leg| leg[1]).collect(),
            packets: 0,
            micros: Vec::with_capacity(1 << 20),
        };
        // The first two seconds warm up: sources are learned, tables and caches filled.
        self.send(&mut streams, &mut heard, 0, Duration::from_secs(2))?;
        tell(&"begun")?;
        (heard.packets, heard.micros) = (0, Vec::with_capacity(1 << 22));
        let sent = self.send(&mut streams, &mut heard, 100, time)?;
        tell(&report(sent, &mut heard))
    }

    /// Sends every stream's packets, evenly spread, and listens meanwhile.
    fn send(
        &mut self,
        streams: &mut [Stream],
        heard: &mut Heard,
        first: u64,
        time: Duration,
    ) -> Result<u64, Failure> {
        let began = Instant::now();
        let step = EVERY / streams.len() as u32;
        let total = (time.as_nanos() / step.as_nanos()) as u64;
        let mut sent = 0;
        loop {
            let now = Instant::now();
            while sent < total && began + step * sent as u32 <= now {
                let number = first + sent / streams.len() as u64;
                let at = sent as usize % streams.len();
                self.send_one(&mut streams[at], heard.epoch, number);
                sent += 1;
            }
            // What was sent last has a moment to arrive.
            if sent == total && now > began + time + Duration::from_millis(300) {
                return Ok(total);
            }
            self.pool.wait(Some(Duration::from_micros(100)))?;
            heard.now = Instant::now();
            self.pool.receive(heard);
        }
    }

    fn send_one(&mut self, stream: &mut Stream, epoch: Instant, number: u64) {
        let header = Header {
            payload_type: 0,
            marker: Marker::Clear,
            sequence: number as u16,
            timestamp: number as u32 * 160,
            ssrc: stream.ssrc,
        };
        let mut packet = [0xff; PACKET_BYTES + TRAILER_BYTES_MAX];
        packet[..HEADER_BYTES].copy_from_slice(&header.print());
        let stamp = epoch.elapsed().as_nanos() as u64;
        packet[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&stamp.to_be_bytes());
        let len = match &mut stream.outbound {
            Some(outbound) => outbound.protect_rtp(&mut packet, PACKET_BYTES).unwrap_or(0),
            None => PACKET_BYTES,
        };
        // What the network does not take is lost, and missing at the other end.
        let _ = self.pool.send(Forward { from: stream.port, to: stream.to, len }, &packet[..len]);
    }
}

fn report(sent: u64, heard: &mut Heard) -> Report {
    heard.micros.sort_unstable();
    let at = |part: f64| {
        let last = heard.micros.len().saturating_sub(1);
        heard.micros.get((last as f64 * part) as usize).copied().unwrap_or_default()
    };
    Report { sent, heard: heard.packets, p50_us: at(0.5), p99_us: at(0.99) }
}
