//! One UDP socket, many datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use net::{BATCH, Flushed, Interest, Reactor, Token, UdpBatch};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().expect("a sound fixture")
}

/// Reads until `count` datagrams have come.
fn read(batch: &mut UdpBatch, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut reactor = Reactor::new().expect("a sound fixture");
    reactor.add(batch, Token(1), Interest::Read).expect("a sound fixture");
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        assert!(
            reactor.wait(PATIENCE).expect("a sound fixture").len() > 0,
            "{} of {count}",
            datagrams.len()
        );
        batch.recv().expect("a sound fixture");
        datagrams.extend(batch.received().map(|it| (it.from, it.bytes.to_vec())));
    }
    datagrams
}

#[test]
fn datagrams_come_whole_in_order_and_with_their_sender() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let peer = UdpSocket::bind(any_port()).unwrap();
    let sent: Vec<Vec<u8>> =
        (0..200u16).map(|at| at.to_be_bytes().repeat(usize::from(at) + 1)).collect();
    for bytes in &sent {
        peer.send_to(bytes, batch.local()).unwrap();
    }
    let from = peer.local_addr().unwrap();
    let wanted: Vec<_> = sent.into_iter().map(|bytes| (from, bytes)).collect();
    assert_eq!(read(&mut batch, 200), wanted);
    assert_eq!(batch.counters().received, 200);
}

#[test]
fn a_batch_is_read_in_one_call_and_an_empty_socket_is_no_error() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    assert_eq!(batch.recv().unwrap(), 0);
    let peer = UdpSocket::bind(any_port()).unwrap();
    for _ in 0..BATCH + 1 {
        peer.send_to(b"x", batch.local()).unwrap();
    }
    assert_eq!(batch.recv().unwrap(), BATCH);
    assert_eq!(batch.recv().unwrap(), 1);
    assert_eq!(batch.recv().unwrap(), 0);
    assert_eq!(batch.received().count(), 0, "nothing of the read before is left");
}

#[test]
fn a_datagram_of_the_largest_size_goes_through() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let mut peer = UdpBatch::bind(any_port()).unwrap();
    let largest = vec![7; 65_507];
    peer.push(batch.local(), &largest).unwrap();
    peer.push(batch.local(), b"").unwrap();
    assert_eq!(peer.flush(), Flushed::All);
    let read = read(&mut batch, 2);
    assert_eq!((read[0].1.len(), read[1].1.len()), (65_507, 0));
    assert!(read[0].1.iter().all(|byte| *byte == 7));
}

#[test]
fn datagrams_for_many_peers_leave_together_and_in_order() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let mut peers: Vec<_> = (0..3).map(|_| UdpBatch::bind(any_port()).unwrap()).collect();
    for at in 0..150u8 {
        let to = peers[usize::from(at) % 3].local();
        batch.push(to, &[at]).unwrap();
    }
    assert_eq!(batch.flush(), Flushed::All);
    for (first, peer) in peers.iter_mut().enumerate() {
        let heard: Vec<u8> = read(peer, 50).into_iter().map(|(_, bytes)| bytes[0]).collect();
        let wanted: Vec<u8> = (first as u8..150).step_by(3).collect();
        assert_eq!(heard, wanted);
    }
    assert_eq!(batch.counters().sent, 150);
}

#[test]
fn a_datagram_that_the_kernel_refuses_does_not_hold_up_the_others() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let mut peer = UdpBatch::bind(any_port()).unwrap();
    batch.push(peer.local(), b"before").unwrap();
    batch.push(peer.local(), &vec![0; 65_508]).unwrap();
    batch.push("[::1]:9".parse().unwrap(), b"another family").unwrap();
    batch.push(peer.local(), b"after").unwrap();
    assert_eq!(batch.flush(), Flushed::All);
    let heard: Vec<_> = read(&mut peer, 2).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(heard, [b"before".to_vec(), b"after".to_vec()]);
    assert_eq!(batch.counters().send_refused, 2);
}

#[test]
fn a_peer_that_is_not_there_does_no_harm() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let gone = UdpSocket::bind(any_port()).unwrap().local_addr().unwrap();
    for _ in 0..3 {
        batch.push(gone, b"hello?").unwrap();
        assert_eq!(batch.flush(), Flushed::All);
        assert_eq!(batch.recv().unwrap(), 0);
    }
}

#[test]
fn the_queue_has_an_end() {
    let mut batch = UdpBatch::bind(any_port()).unwrap();
    let to = batch.local();
    let queued = (0..10_000).take_while(|_| batch.push(to, b"x").is_ok()).count();
    assert_eq!(queued, 4096);
    assert_eq!(batch.counters().queue_full, 1);
}

#[test]
fn an_ipv6_wildcard_speaks_ipv4_too_and_says_so_plainly() {
    let mut batch = UdpBatch::bind("[::]:0".parse().unwrap()).unwrap();
    let port = batch.local().port();
    let peer = UdpSocket::bind(any_port()).unwrap();
    peer.send_to(b"hello", ("127.0.0.1", port)).unwrap();
    let from = peer.local_addr().unwrap();
    assert_eq!(read(&mut batch, 1), [(from, b"hello".to_vec())]);

    batch.push(from, b"back").unwrap();
    assert_eq!(batch.flush(), Flushed::All);
    peer.set_read_timeout(PATIENCE).unwrap();
    let mut buffer = [0; 16];
    let (len, _) = peer.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"back");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let batch = UdpBatch::bind(any_port()).unwrap();
    let error = UdpBatch::bind(batch.local()).unwrap_err();
    assert_eq!(error.address, batch.local());
    assert!(error.to_string().starts_with("cannot listen on UDP 127.0.0.1:"), "{error}");
}
