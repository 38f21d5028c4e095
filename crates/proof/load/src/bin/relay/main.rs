//! Media for `bench/relay.py`: our relay alone, a forwarder that only forwards, and the streams that
//! both, or a peer, carry.
//!
//! `serve` and `bare` run the pool of sockets and the loop of the media thread, with the relay or
//! with a table of ports in the middle. `generate` is both ends of every call. The parties speak in lines of JSON on standard input and output. Loopback only.

mod generate;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use generate::{Callers, Generator};
use media::srtp::{Keys, MasterKey, Suite};
use media::{
    CallMediaId, Expects, LegSpec, LegTerms, LocalPort, PortRange, Protection, Relay, RelayConfig,
};
use net::{Forward, MediaBackend, PacketHandler, RtpPool, RtpPoolConfig, raise_fd_limit};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
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
    /// Microseconds that packets may wait for others, as media.gather_us.
    #[arg(long, default_value_t = 400)]
    gather: u64,
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
            let callers = if srtp { Callers::Encrypt } else { Callers::InClear };
            Generator::bind(port, calls, callers)?.run(Duration::from_secs(seconds))
        }
    }
}

fn pool(forwarding: &Forwarding, pairs: usize) -> io::Result<(RtpPool, Vec<u16>)> {
    let backend = match forwarding.backend {
        Backend::Auto => MediaBackend::Auto,
        Backend::IoUring => MediaBackend::IoUring,
        Backend::Epoll => MediaBackend::Epoll,
    };
    let mut pool = RtpPool::new(RtpPoolConfig {
        address: LOOPBACK,
        port_min: forwarding.port,
        port_max: forwarding.port.saturating_add(9_999),
        backend,
        gather: Duration::from_micros(forwarding.gather),
    })?;
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
    let (mut pool, ports) = pool(forwarding, remotes.len() * 2)?;
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
    let (mut pool, ports) = pool(forwarding, remotes.len() * 2)?;
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
