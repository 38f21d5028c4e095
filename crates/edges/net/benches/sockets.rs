//! CPU of the loop's thread for each datagram, on loopback: `cargo bench -p net`.
//!
//! - `rtp`: an [`RtpPool`] with 200 streams sends packets of 172 bytes on, at two rates and as fast as
//!   they come.
//! - `sip`: a [`UdpBatch`] echoes datagrams of 900 bytes with one and with 32 in flight.
//!
//! CPU time is the thread's own, from `/proc/thread-self/schedstat`, so that the load generator in
//! the other thread does not count.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use net::{
    Forward, Interest, MediaBackend, PacketHandler, Reactor, RtpPool, RtpPoolConfig, Token,
    UdpBatch,
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STREAMS: usize = 200;
const PATIENCE: Option<Duration> = Some(Duration::from_secs(2));

fn main() {
    // `cargo test` runs benches once as tests; one short round proves that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let packets = if is_bench { 100_000 } else { 500 };
    for rate in [10_000, 40_000, u64::MAX] {
        for backend in [MediaBackend::Epoll, MediaBackend::IoUring] {
            // Where the kernel keeps rings from us there is nothing to measure.
            let Some((micros, relayed)) = relay(packets, rate, backend) else { continue };
            let name = if rate == u64::MAX { "saturated".to_owned() } else { format!("{rate}/s") };
            println!("rtp {backend:?} {name}: {micros:.2} µs CPU for each of {relayed} packets");
        }
    }
    for in_flight in [1, 32] {
        let micros = echo(packets, in_flight);
        println!("sip, {in_flight} in flight: {micros:.2} µs CPU for each datagram echoed");
    }
}

/// Nanoseconds that this thread has been on a CPU.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux keeps it");
    let first = stat.split_whitespace().next().expect("three numbers");
    first.parse().expect("a number")
}

/// Sends every packet on to the generator's own socket.
struct Onward {
    to: SocketAddr,
    relayed: u64,
}

impl PacketHandler for Onward {
    fn packet(
        &mut self,
        port: u16,
        _from: SocketAddr,
        _buffer: &mut [u8],
        len: usize,
    ) -> Option<Forward> {
        self.relayed += 1;
        Some(Forward { from: port, to: self.to, len })
    }

    fn not_sent(&mut self, _forward: Forward, _packet: &[u8]) {
        self.relayed -= 1;
    }
}

fn relay(packets: u64, rate: u64, backend: MediaBackend) -> Option<(f64, u64)> {
    let config = RtpPoolConfig {
        address: LOOPBACK,
        port_min: 16_000,
        port_max: 18_999,
        backend,
        gather: Duration::ZERO,
    };
    let mut pool = RtpPool::new(config).ok()?;
    let ports = pool.grow(STREAMS).expect("free ports");
    let sink = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
    let drain = drain(sink.try_clone().expect("a second handle"));
    let mut handler = Onward { to: sink.local_addr().expect("bound"), relayed: 0 };
    static DONE: AtomicBool = AtomicBool::new(false);
    DONE.store(false, Ordering::SeqCst);
    let waker = pool.waker();
    let generator = thread::spawn(move || {
        generate(&ports, packets, rate);
        DONE.store(true, Ordering::SeqCst);
        waker.wake();
    });

    let before = cpu_ns();
    while !DONE.load(Ordering::SeqCst) {
        pool.wait(PATIENCE).expect("epoll");
        pool.receive(&mut handler);
    }
    let spent = cpu_ns() - before;
    generator.join().expect("the generator");
    sink.send_to(b"", handler.to).expect("the word to stop");
    drain.join().expect("the sink");
    Some((spent as f64 / 1000.0 / handler.relayed.max(1) as f64, handler.relayed))
}

/// Reads until an empty datagram comes: packets into a full buffer would cost less than real ones.
fn drain(sink: UdpSocket) -> JoinHandle<()> {
    thread::spawn(move || while sink.recv(&mut [0; 256]).is_ok_and(|len| len > 0) {})
}

/// Sends to each port in turn, one packet each per round, as streams do.
fn generate(ports: &[u16], packets: u64, rate: u64) {
    let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
    let packet = [0x80; 172];
    let began = Instant::now();
    for (sent, port) in (0..packets).zip(ports.iter().cycle()) {
        if rate != u64::MAX {
            let due = began + Duration::from_nanos(sent * 1_000_000_000 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        // A full buffer is a lost packet, as on any path.
        let _ = socket.send_to(&packet, (LOOPBACK, *port));
    }
}

fn echo(datagrams: u64, in_flight: usize) -> f64 {
    let mut batch = UdpBatch::bind((LOOPBACK, 0).into()).expect("a socket");
    let mut reactor = Reactor::new().expect("epoll");
    reactor.add(&batch, Token(0), Interest::Read).expect("epoll");
    let client = ping(batch.local(), datagrams, in_flight);
    let (before, mut echoed) = (cpu_ns(), 0);
    while echoed < datagrams {
        let ready = reactor.wait(PATIENCE).expect("epoll").len();
        if ready == 0 {
            break;
        }
        batch.recv().expect("a socket");
        let replies: Vec<_> = batch.received().map(|it| (it.from, it.bytes.to_vec())).collect();
        for (to, bytes) in replies {
            batch.push(to, &bytes).expect("room");
            echoed += 1;
        }
        batch.flush();
    }
    let spent = cpu_ns() - before;
    client.join().expect("the client");
    spent as f64 / 1000.0 / echoed.max(1) as f64
}

fn ping(to: SocketAddr, datagrams: u64, in_flight: usize) -> JoinHandle<()> {
    thread::spawn(move || {
        let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        socket.set_read_timeout(PATIENCE).expect("a timeout");
        let mut buffer = [0; 900];
        (0..in_flight).for_each(|_| drop(socket.send_to(&buffer, to)));
        for at in 0..datagrams {
            if socket.recv_from(&mut buffer).is_err() {
                return;
            }
            if at + (in_flight as u64) < datagrams {
                let _ = socket.send_to(&buffer, to);
            }
        }
    })
}
