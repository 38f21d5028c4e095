//! Pairs of media sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use net::{Forward, MediaBackend, PacketHandler, ROOM_BYTES, RtpPool, RtpPoolConfig, Woken};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A pool in a stretch of ports of this test alone, below those that the kernel hands out; other
/// processes may still have some of them.
fn pool(port_min: u16, port_max: u16) -> RtpPool {
    let backend = MediaBackend::Epoll;
    let config = RtpPoolConfig {
        address: LOOPBACK,
        port_min,
        port_max,
        backend,
        gather: Duration::from_micros(300),
    };
    RtpPool::new(config).expect("a sound fixture")
}

fn peer() -> UdpSocket {
    let peer = UdpSocket::bind((LOOPBACK, 0)).expect("a sound fixture");
    peer.set_read_timeout(PATIENCE).expect("a sound fixture");
    peer
}

/// Sends each packet on by `forward` and remembers it.
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
        self.forward.map(|(from, to)| Forward { from, to, len })
    }

    fn not_sent(&mut self, _forward: Forward, packet: &[u8]) {
        assert!(packet.starts_with(b"!"), "what was to be sent");
        self.not_sent += 1;
    }
}

fn receive(pool: &mut RtpPool, handler: &mut Recorder, count: usize) {
    while handler.packets.len() < count {
        let before = handler.packets.len();
        pool.wait(PATIENCE).expect("a sound fixture");
        pool.receive(handler);
        assert!(handler.packets.len() > before, "{before} of {count}");
    }
}

#[test]
fn pairs_are_bound_a_few_at_a_time_until_the_range_ends() {
    let mut pool = pool(15_001, 15_020);
    assert_eq!(pool.bound(), 0);
    let first = pool.grow(4).unwrap();
    assert!(first.iter().all(|port| port % 2 == 0 && (15_002..=15_018).contains(port)));
    assert!(!pool.is_at_end());
    let rest = pool.grow(100).unwrap();
    let skipped = pool.counters().pairs_skipped as usize;
    assert_eq!(first.len() + rest.len() + skipped, 9, "15002 to 15019");
    assert!(pool.is_at_end());
    assert_eq!(pool.grow(1).unwrap(), Vec::<u16>::new());
    assert_eq!(pool.bound(), 9 - skipped);
}

#[test]
fn a_pair_of_which_another_has_one_port_is_passed_over() {
    // Either we get the port, or somebody has it already: both ways it is taken.
    let _other = UdpSocket::bind((LOOPBACK, 15_103));
    let mut pool = pool(15_100, 15_109);
    let ports = pool.grow(10).unwrap();
    assert!(!ports.contains(&15_102), "{ports:?}");
    assert!(pool.counters().pairs_skipped >= 1);
}

#[test]
fn an_address_that_is_not_ours_is_an_error() {
    let config = RtpPoolConfig {
        address: "192.0.2.1".parse().unwrap(),
        port_min: 15_200,
        port_max: 15_209,
        backend: MediaBackend::Epoll,
        gather: Duration::ZERO,
    };
    assert!(RtpPool::new(config).unwrap().grow(1).is_err());
}

#[test]
fn packets_are_handed_over_with_their_port_and_sent_on_as_changed() {
    let mut pool = pool(15_300, 15_399);
    let ports = pool.grow(2).unwrap();
    let (alice, bob) = (peer(), peer());
    let to = bob.local_addr().unwrap();
    let mut handler = Recorder { forward: Some((ports[1], to)), ..Recorder::default() };
    alice.send_to(b"hello", (LOOPBACK, ports[0])).unwrap();
    alice.send_to(b"report", (LOOPBACK, ports[0] + 1)).unwrap();
    receive(&mut pool, &mut handler, 2);

    let from = alice.local_addr().unwrap();
    handler.packets.sort();
    assert_eq!(
        handler.packets,
        [(ports[0], from, b"hello".to_vec()), (ports[0] + 1, from, b"report".to_vec())]
    );
    let mut heard = Vec::new();
    for _ in 0..2 {
        let mut buffer = [0; 64];
        let (len, from) = bob.recv_from(&mut buffer).unwrap();
        assert_eq!(from.port(), ports[1]);
        heard.push(buffer[..len].to_vec());
    }
    heard.sort();
    assert_eq!(heard, [b"!ello".to_vec(), b"!eport".to_vec()]);
    assert_eq!((pool.counters().received, pool.counters().sent), (2, 2));
}

#[test]
fn many_packets_on_one_socket_all_come() {
    let mut pool = pool(15_400, 15_499);
    let ports = pool.grow(1).unwrap();
    let alice = peer();
    for at in 0..100u8 {
        alice.send_to(&[at], (LOOPBACK, ports[0])).unwrap();
    }
    let mut handler = Recorder::default();
    receive(&mut pool, &mut handler, 100);
    let order: Vec<u8> = handler.packets.iter().map(|(_, _, bytes)| bytes[0]).collect();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_sent_is_told() {
    let mut pool = pool(15_500, 15_599);
    let ports = pool.grow(1).unwrap();
    let alice = peer();
    let mut handler =
        Recorder { forward: Some((9, alice.local_addr().unwrap())), ..Recorder::default() };
    alice.send_to(b"x", (LOOPBACK, ports[0])).unwrap();
    receive(&mut pool, &mut handler, 1);
    assert_eq!((handler.not_sent, pool.counters().send_refused), (1, 1));
}

#[test]
fn a_datagram_too_long_for_media_is_dropped_and_counted() {
    let mut pool = pool(15_600, 15_699);
    let ports = pool.grow(1).unwrap();
    let alice = peer();
    alice.send_to(&[0; 5000], (LOOPBACK, ports[0])).unwrap();
    alice.send_to(b"x", (LOOPBACK, ports[0])).unwrap();
    let mut handler = Recorder::default();
    while handler.packets.is_empty() {
        pool.wait(PATIENCE).unwrap();
        pool.receive(&mut handler);
    }
    assert_eq!((handler.packets.len(), pool.counters().too_long), (1, 1));
}

#[test]
fn a_peer_that_is_not_there_does_no_harm() {
    let mut pool = pool(15_700, 15_799);
    let ports = pool.grow(1).unwrap();
    let gone = peer().local_addr().unwrap();
    for _ in 0..3 {
        pool.send(Forward { from: ports[0], to: gone, len: 1 }, b"x").unwrap();
    }
    let alice = peer();
    alice.send_to(b"y", (LOOPBACK, ports[0])).unwrap();
    let mut handler = Recorder::default();
    receive(&mut pool, &mut handler, 1);
}

#[test]
fn another_thread_ends_the_wait() {
    let mut pool = pool(15_800, 15_809);
    let waker = pool.waker();
    let thread = std::thread::spawn(move || waker.wake());
    assert_eq!(pool.wait(PATIENCE).unwrap(), Woken::ByWaker);
    thread.join().unwrap();
    assert_eq!(pool.wait(Some(Duration::ZERO)).unwrap(), Woken::ByItself);
}

#[test]
fn one_pool_carries_packets_between_the_two_address_families() {
    let config = RtpPoolConfig {
        address: "::".parse().unwrap(),
        port_min: 15_600,
        port_max: 15_699,
        backend: MediaBackend::Epoll,
        gather: Duration::ZERO,
    };
    let mut pool = RtpPool::new(config).unwrap();
    let ports = pool.grow(2).unwrap();
    let alice = peer();
    let bob = UdpSocket::bind("[::1]:0").unwrap();
    bob.set_read_timeout(PATIENCE).unwrap();
    let mut buffer = [0; 64];
    for (from, to, host) in [(&alice, &bob, "127.0.0.1"), (&bob, &alice, "::1")] {
        let forward = Some((ports[1], to.local_addr().unwrap()));
        let mut handler = Recorder { forward, ..Recorder::default() };
        from.send_to(b"hello", (host.parse::<IpAddr>().unwrap(), ports[0])).unwrap();
        receive(&mut pool, &mut handler, 1);
        assert_eq!(handler.packets[0].1, from.local_addr().unwrap(), "as the peer names itself");
        let (len, source) = to.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], source.port()), (&b"!ello"[..], ports[1]));
    }
}
