//! Nanoseconds of [`media::Relay::handle`] per packet, without I/O: `cargo bench -p media`.
#![expect(clippy::disallowed_methods, reason = "a bench measures")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::{CallMediaId, LegSpec, LegTerms, LocalPort, PortRange, Relay, RelayConfig};

/// Calls open at once; their legs' state is far larger than a core's first cache.
const CALLS: u16 = 500;
const PACKETS_PER_LEG: u32 = 2_000;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test` runs benches once as tests; one short round proves that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (packets, rounds) = if is_bench { (PACKETS_PER_LEG, ROUNDS) } else { (20, 1) };
    let mut best = f64::MAX;
    for _ in 0..rounds {
        best = best.min(round(packets));
    }
    println!("relay: {best:.1} ns per 172-byte packet, {CALLS} calls, best of {rounds}");
}

fn round(packets_per_leg: u32) -> f64 {
    let start = Instant::now();
    let ports = PortRange::parse(20_000, 29_999).expect("a sound range");
    let mut relay = Relay::new(RelayConfig::new(ports));
    let mut legs = Vec::new();
    for call in 0..CALLS {
        let pair = [20_000 + 4 * call, 20_002 + 4 * call].map(|port| {
            let remote = SocketAddr::from(([198, 51, 100, 7], port + 20_000));
            legs.push((port, remote));
            let port = LocalPort::parse(port).expect("an even port");
            LegSpec { port, terms: LegTerms::to(remote) }
        });
        relay.open(start, CallMediaId(call.into()), pair).expect("free ports");
    }

    let mut packet = [0u8; 172];
    packet[0] = 0x80;
    let mut sent = 0u64;
    let began = Instant::now();
    for number in 0..packets_per_leg {
        let now = start + Duration::from_millis(20) * number;
        packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
        for (port, remote) in &legs {
            sent += u64::from(relay.handle(now, *port, *remote, &mut packet).is_ok());
        }
    }
    let took = began.elapsed();
    assert_eq!(sent, u64::from(packets_per_leg) * legs.len() as u64, "every packet is forwarded");
    took.as_nanos() as f64 / sent as f64
}
