//! Pairs of media sockets on an io_uring.
//!
//! Where the kernel keeps rings from this process (a container's filter), there is nothing to test
//! but that the pool goes on by epoll, and each test says so by ending there.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use net::{Forward, MediaBackend, PacketHandler, ROOM_BYTES, RtpPool, RtpPoolConfig, Woken};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));
const GATHER: Duration = Duration::from_micros(300);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn config(port_min: u16, backend: MediaBackend) -> RtpPoolConfig {
    RtpPoolConfig { address: LOOPBACK, port_min, port_max: port_min + 99, backend, gather: GATHER }
}

/// A pool on a ring; `None` if rings are not to be had here, and then `Auto` means epoll.
fn pool(port_min: u16) -> Option<RtpPool> {
    match RtpPool::new(config(port_min, MediaBackend::IoUring)) {
        Ok(pool) => Some(pool),
        Err(_) => {
            let pool = RtpPool::new(config(port_min, MediaBackend::Auto)).expect("a pool by epoll");
            assert_eq!(pool.backend(), MediaBackend::Epoll);
            None
        }
    }
}

fn peer() -> UdpSocket {
    let peer = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
    peer.set_read_timeout(PATIENCE).expect("a socket");
    peer
}

#[derive(Default)]
struct Recorder {
    forward: Option<(u16, SocketAddr)>,
    packets: Vec<(u16, SocketAddr, Vec<u8>)>,
    not_sent: usize,
}

impl PacketHandler for Recorder {
    fn packet(
        &mut self,
        port: u16,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Forward> {
        self.packets.push((port, from, buffer[..len].to_vec()));
        assert!(buffer.len() >= len + ROOM_BYTES, "room behind the packet");
        buffer[0] = b'!';
        buffer[len] = b'?';
        self.forward.map(|(from, to)| Forward { from, to, len: len + 1 })
    }

    fn not_sent(&mut self, _forward: Forward, packet: &[u8]) {
        assert!(packet.starts_with(b"!"), "what was to be sent");
        self.not_sent += 1;
    }
}

fn turn_until(
    pool: &mut RtpPool,
    handler: &mut Recorder,
    is_done: impl Fn(&RtpPool, &Recorder) -> bool,
) {
    for _ in 0..5_000 {
        if is_done(pool, handler) {
            return;
        }
        // What was sent on is known when the next wait ends, and nothing else may come.
        pool.wait(Some(Duration::from_millis(1))).expect("the ring waits");
        pool.receive(handler);
    }
    panic!("it never came: {:?}", pool.counters());
}

#[test]
fn packets_are_sent_on_from_where_they_came_as_changed_and_longer() {
    let Some(mut pool) = pool(14_000) else { return };
    let ports = pool.grow(2).unwrap();
    let (alice, bob) = (peer(), peer());
    let forward = Some((ports[1], bob.local_addr().unwrap()));
    let mut handler = Recorder { forward, ..Recorder::default() };
    alice.send_to(b"hello", (LOOPBACK, ports[0])).unwrap();
    alice.send_to(b"report", (LOOPBACK, ports[0] + 1)).unwrap();
    turn_until(&mut pool, &mut handler, |pool, _| pool.counters().sent == 2);

    handler.packets.sort();
    let from = alice.local_addr().unwrap();
    let expected = [(ports[0], from, b"hello".to_vec()), (ports[0] + 1, from, b"report".to_vec())];
    assert_eq!(handler.packets, expected);
    let mut heard = [(); 2].map(|()| {
        let mut buffer = [0; 64];
        let (len, from) = bob.recv_from(&mut buffer).unwrap();
        assert_eq!(from.port(), ports[1]);
        buffer[..len].to_vec()
    });
    heard.sort();
    assert_eq!(heard, [b"!ello?".to_vec(), b"!eport?".to_vec()]);
}

#[test]
fn buffers_come_back_however_many_packets_pass() {
    let Some(mut pool) = pool(14_100) else { return };
    let ports = pool.grow(4).unwrap();
    let (alice, bob) = (peer(), peer());
    let forward = Some((ports[1], bob.local_addr().unwrap()));
    let mut handler = Recorder { forward, ..Recorder::default() };
    let mut buffer = [0; 64];
    for round in 0..50_u64 {
        for at in 0..100_u8 {
            alice.send_to(&[at, round as u8], (LOOPBACK, ports[usize::from(at % 4)])).unwrap();
        }
        turn_until(&mut pool, &mut handler, |pool, _| pool.counters().sent == (round + 1) * 100);
        for _ in 0..100 {
            bob.recv(&mut buffer).unwrap();
        }
    }
    assert_eq!(handler.packets.len(), 5_000);
}

#[test]
fn more_packets_at_once_than_there_are_buffers_are_taken_as_buffers_come_back() {
    let Some(mut pool) = pool(14_200) else { return };
    let ports = pool.grow(40).unwrap();
    let alice = peer();
    // A first turn arms the sockets, so that the kernel fills buffers as packets come.
    pool.wait(Some(Duration::ZERO)).unwrap();
    for at in 0..2_000_u16 {
        let port = ports[usize::from(at) % ports.len()];
        alice.send_to(&at.to_be_bytes(), (LOOPBACK, port)).unwrap();
    }
    let mut handler = Recorder::default();
    turn_until(&mut pool, &mut handler, |_, handler| handler.packets.len() == 2_000);
    assert_eq!(pool.counters().received, 2_000);
}

/// The queue has 1,024 places. A pool of that many sockets fills it with receives to arm, and so do as
/// many packets as there are buffers, all to be sent on at once, beside receives that ended for want of
/// buffers.
#[test]
fn more_work_at_once_than_the_queue_has_places_is_done_to_the_last_packet() {
    const SOCKETS: u16 = 1_200;
    let config = RtpPoolConfig { port_max: 41_999, ..config(40_000, MediaBackend::IoUring) };
    let Ok(mut pool) = RtpPool::new(config) else { return };
    let ports = pool.grow(usize::from(SOCKETS / 2)).unwrap();
    let (alice, bob) = (peer(), peer());
    let forward = Some((ports[1], bob.local_addr().unwrap()));
    let mut handler = Recorder { forward, ..Recorder::default() };
    // A first turn arms the sockets, or as many as the queue takes.
    pool.wait(Some(Duration::ZERO)).unwrap();
    for _ in 0..2 {
        for port in &ports {
            alice.send_to(b"rtp", (LOOPBACK, *port)).unwrap();
            alice.send_to(b"rtcp", (LOOPBACK, *port + 1)).unwrap();
        }
    }
    let all = usize::from(SOCKETS) * 2;
    turn_until(&mut pool, &mut handler, |pool, _| {
        let counted = pool.counters();
        counted.sent + counted.send_refused == all as u64
    });
    assert_eq!((handler.packets.len(), pool.counters().received), (all, all as u64));
    assert_eq!(handler.not_sent as u64, pool.counters().send_refused, "each is told");
    for port in ports.iter().flat_map(|port| [*port, *port + 1]) {
        assert_eq!(handler.packets.iter().filter(|(to, ..)| *to == port).count(), 2, "{port}");
    }
}

#[test]
fn what_cannot_be_sent_is_told() {
    let Some(mut pool) = pool(14_300) else { return };
    let ports = pool.grow(1).unwrap();
    let alice = peer();
    for forward in [(9, alice.local_addr().unwrap()), (ports[0], "[::1]:9".parse().unwrap())] {
        let mut handler = Recorder { forward: Some(forward), ..Recorder::default() };
        alice.send_to(b"x", (LOOPBACK, ports[0])).unwrap();
        turn_until(&mut pool, &mut handler, |_, handler| handler.not_sent == 1);
    }
    assert_eq!((pool.counters().send_refused, pool.counters().sent), (2, 0));
}

#[test]
fn a_datagram_too_long_for_media_is_dropped_and_counted() {
    let Some(mut pool) = pool(14_400) else { return };
    let ports = pool.grow(1).unwrap();
    let alice = peer();
    alice.send_to(&[0; 5000], (LOOPBACK, ports[0])).unwrap();
    alice.send_to(b"x", (LOOPBACK, ports[0])).unwrap();
    let mut handler = Recorder::default();
    turn_until(&mut pool, &mut handler, |_, handler| !handler.packets.is_empty());
    assert_eq!((handler.packets.len(), pool.counters().too_long), (1, 1));
}

#[test]
fn a_peer_that_is_gone_does_not_end_the_receiving() {
    let Some(mut pool) = pool(14_500) else { return };
    let ports = pool.grow(1).unwrap();
    let gone = peer().local_addr().unwrap();
    let alice = peer();
    let mut handler = Recorder { forward: Some((ports[0], gone)), ..Recorder::default() };
    for count in 1..=20 {
        alice.send_to(b"x", (LOOPBACK, ports[0])).unwrap();
        turn_until(&mut pool, &mut handler, |_, handler| handler.packets.len() == count);
    }
    assert!(pool.counters().unreachable + pool.counters().sent > 0, "{:?}", pool.counters());
}

#[test]
fn another_thread_ends_the_wait_of_the_thread_that_has_the_pool() {
    let Some(mut pool) = pool(14_600) else { return };
    pool.grow(1).unwrap();
    let waker = pool.waker();
    // The pool is made here and used there, as a server does it.
    let waiting = std::thread::spawn(move || {
        let first = pool.wait(PATIENCE).unwrap();
        pool.receive(&mut Recorder::default());
        let second = loop {
            match pool.wait(Some(Duration::ZERO)).unwrap() {
                Woken::ByWaker => {}
                Woken::ByItself => break Woken::ByItself,
            }
        };
        (first, second)
    });
    waker.wake();
    assert_eq!(waiting.join().unwrap(), (Woken::ByWaker, Woken::ByItself));
}

#[test]
fn a_ring_carries_packets_between_the_two_address_families() {
    if pool(15_800).is_none() {
        return;
    }
    let both =
        RtpPoolConfig { address: "::".parse().unwrap(), ..config(15_800, MediaBackend::IoUring) };
    let mut pool = RtpPool::new(both).unwrap();
    let ports = pool.grow(2).unwrap();
    let alice = peer();
    let bob = UdpSocket::bind("[::1]:0").unwrap();
    bob.set_read_timeout(PATIENCE).unwrap();
    let mut buffer = [0; 64];
    for (from, to, host) in [(&alice, &bob, "127.0.0.1"), (&bob, &alice, "::1")] {
        let mut handler =
            Recorder { forward: Some((ports[1], to.local_addr().unwrap())), ..Recorder::default() };
        let sent = pool.counters().sent;
        from.send_to(b"hello", (host.parse::<IpAddr>().unwrap(), ports[0])).unwrap();
        turn_until(&mut pool, &mut handler, |_, handler| !handler.packets.is_empty());
        assert_eq!(handler.packets[0].1, from.local_addr().unwrap(), "as the peer names itself");
        turn_until(&mut pool, &mut handler, |pool, _| pool.counters().sent == sent + 1);
        let (len, source) = loop {
            // The ring's work may interrupt whatever waits on its thread.
            match to.recv_from(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received.unwrap(),
            }
        };
        assert_eq!((&buffer[..len], source.port()), (&b"!ello?"[..], ports[1]));
    }
}
