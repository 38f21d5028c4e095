//! SIP over TCP: framing, keep-alives, limits, and peers that behave badly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use net::{CloseReason, Reactor, StreamConfig, StreamEvent, StreamSendError, Streams};
use sip_message::frame::FrameError;
use sip_message::{Flow, PeerId, Transport};

const PATIENCE: Duration = Duration::from_secs(5);
const SPACE: u8 = 3;
const OPTIONS: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi";

/// A loop around [`Streams`] that remembers what came.
struct World {
    reactor: Reactor,
    streams: Streams,
    local: SocketAddr,
    messages: Vec<(Flow, Vec<u8>)>,
    broken: Vec<(Flow, FrameError, Vec<u8>)>,
    closed: Vec<(Flow, CloseReason)>,
}

impl World {
    fn new(config: StreamConfig) -> Self {
        let reactor = Reactor::new().expect("a sound fixture");
        let mut streams = Streams::new(SPACE, config);
        let local = streams
            .listen(&reactor, "127.0.0.1:0".parse().expect("a sound fixture"))
            .expect("a sound fixture");
        Self { reactor, streams, local, messages: vec![], broken: vec![], closed: vec![] }
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.local).expect("a sound fixture");
        stream.set_read_timeout(Some(PATIENCE)).expect("a sound fixture");
        stream
    }

    /// Turns the loop until `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < give_up, "waited in vain until {what}");
            self.turn(Duration::from_millis(50));
        }
    }

    fn turn(&mut self, timeout: Duration) {
        let Self { reactor, streams, messages, broken, .. } = self;
        let ready: Vec<_> = reactor.wait(Some(timeout)).expect("a sound fixture").collect();
        for ready in ready {
            assert!(streams.owns(ready.token));
            streams.handle_ready(Instant::now(), reactor, &ready, |event| match event {
                StreamEvent::Message { flow, bytes } => messages.push((flow, bytes.to_vec())),
                StreamEvent::Broken { flow, error, bytes } => {
                    broken.push((flow, error, bytes.to_vec()));
                }
            });
        }
        streams.flush(Instant::now(), reactor);
        self.note_closed();
    }

    fn note_closed(&mut self) {
        self.closed.extend(std::iter::from_fn(|| self.streams.poll_closed()));
    }

    fn time_out(&mut self, after: Duration) {
        self.streams.handle_timeout(Instant::now() + after, &self.reactor);
        self.note_closed();
    }
}

/// The way to somebody who listens at `remote`.
fn toward(world: &World, remote: SocketAddr) -> Flow {
    Flow::toward(Transport::Tcp, world.local, remote, PeerId::ANYBODY)
}

fn read_exactly(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).expect("a sound fixture");
    bytes
}

/// Whether the peer sees the end of its connection, by a close or by a reset.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(len) => len == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn messages_are_found_however_the_stream_is_cut() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.set_nodelay(true).unwrap();
    peer.write_all(&OPTIONS[..10]).unwrap();
    world.until("the first piece is accepted", |world| world.streams.connections() == 1);
    peer.write_all(&[&OPTIONS[10..], OPTIONS, &OPTIONS[..30]].concat()).unwrap();
    world.until("two messages are there", |world| world.messages.len() == 2);
    peer.write_all(&OPTIONS[30..]).unwrap();
    world.until("three messages are there", |world| world.messages.len() == 3);

    let (flow, _) = world.messages[0];
    assert!(world.messages.iter().all(|(on, bytes)| *on == flow && bytes == OPTIONS));
    assert_eq!((flow.transport, flow.local), (Transport::Tcp, world.local));
    assert_eq!(flow.remote, peer.local_addr().unwrap());
    assert_ne!(flow.connection, 0);
}

#[test]
fn an_answer_goes_back_on_the_connection_of_its_request() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.write_all(OPTIONS).unwrap();
    world.until("the request is there", |world| world.messages.len() == 1);
    let (flow, _) = world.messages[0];
    world.streams.send_on(flow.connection, b"SIP/2.0 200 OK\r\n\r\n").unwrap();
    world.streams.flush(Instant::now(), &world.reactor);
    assert_eq!(read_exactly(&mut peer, 18), b"SIP/2.0 200 OK\r\n\r\n");
}

#[test]
fn a_ping_is_answered_by_a_pong() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.write_all(b"\r\n\r\n").unwrap();
    world.until("the ping is accepted", |world| world.streams.connections() == 1);
    world.turn(Duration::from_millis(50));
    assert_eq!(read_exactly(&mut peer, 2), b"\r\n");
    assert!(world.messages.is_empty());
}

#[test]
fn pings_whose_pongs_are_never_read_take_no_memory() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.set_nonblocking(true).unwrap();
    world.until("the connection is accepted", |world| world.streams.connections() == 1);
    let pings = b"\r\n\r\n".repeat(8 << 10);
    for _ in 0..1000 {
        // As many as the kernel takes; the rest with the next turn.
        let _ = peer.write(&pings);
        world.turn(Duration::ZERO);
    }
    assert!(world.streams.queued() <= 4096 + 2, "{} bytes wait", world.streams.queued());
}

#[test]
fn a_request_dials_and_the_next_one_goes_the_same_way() {
    let mut world = World::new(StreamConfig::default());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = server.local_addr().unwrap();
    let now = Instant::now();
    let flow = toward(&world, remote);
    world.streams.send_to(now, &world.reactor, flow, b"one ").unwrap();
    world.streams.send_to(now, &world.reactor, flow, b"two ").unwrap();
    let (mut peer, _) = server.accept().unwrap();
    world.until("both are written", |world| world.streams.connections() == 1);
    world.turn(Duration::from_millis(50));
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read_exactly(&mut peer, 8), b"one two ");

    peer.write_all(OPTIONS).unwrap();
    world.until("the peer's request is there", |world| world.messages.len() == 1);
    assert_eq!(world.messages[0].0, flow);
    assert_eq!(world.streams.counters().connects, 1);
}

#[test]
fn a_port_where_nobody_listens_is_told() {
    let mut world = World::new(StreamConfig::default());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flow = toward(&world, nobody);
    world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS).unwrap();
    world.until("the refusal is there", |world| !world.closed.is_empty());
    let refused = CloseReason::ConnectFailed(ErrorKind::ConnectionRefused);
    assert_eq!(world.closed, [(flow, refused)]);
    assert_eq!(world.streams.connections(), 0);
}

#[test]
fn a_connect_that_takes_too_long_is_given_up() {
    let mut world = World::new(StreamConfig::default());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = server.local_addr().unwrap();
    let flow = toward(&world, remote);
    world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS).unwrap();
    // The loop does not turn, so the connect's success is never seen.
    world.time_out(Duration::from_secs(4));
    assert_eq!(world.closed, []);
    world.time_out(Duration::from_secs(6));
    assert_eq!(world.closed, [(flow, CloseReason::ConnectTimedOut)]);
}

#[test]
fn a_peer_that_closes_is_told_and_its_number_is_dead() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.write_all(OPTIONS).unwrap();
    peer.shutdown(Shutdown::Both).unwrap();
    world.until("the close is there", |world| !world.closed.is_empty());
    let (flow, _) = world.messages[0];
    assert_eq!(world.closed, [(flow, CloseReason::ByPeer)]);
    assert_eq!(world.streams.send_on(flow.connection, b"x"), Err(StreamSendError::Closed));

    let mut next = world.dial();
    next.write_all(OPTIONS).unwrap();
    world.until("the next peer is there", |world| world.messages.len() == 2);
    assert_ne!(world.messages[1].0.connection, flow.connection, "numbers are not used again");
    assert_eq!(world.streams.send_on(flow.connection, b"x"), Err(StreamSendError::Closed));
}

#[test]
fn a_peer_that_closes_its_half_still_gets_its_answer() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.write_all(OPTIONS).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    world.until("the request is there", |world| world.messages.len() == 1);
    let (flow, _) = world.messages[0];
    world.streams.send_on(flow.connection, b"SIP/2.0 200 OK\r\n\r\n").unwrap();
    world.until("it is closed", |world| !world.closed.is_empty());
    assert_eq!(read_exactly(&mut peer, 18), b"SIP/2.0 200 OK\r\n\r\n");
    assert!(is_closed(&mut peer));
    assert_eq!(world.closed, [(flow, CloseReason::ByPeer)]);
}

#[test]
fn a_stream_that_is_no_sip_is_told_answered_and_closed() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    let no_length = b"OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n";
    peer.write_all(no_length).unwrap();
    world.until("the fault is there", |world| !world.broken.is_empty());
    let (flow, error, bytes) = world.broken[0].clone();
    assert_eq!((error, &bytes[..]), (FrameError::ContentLengthMissing, &no_length[..]));
    world.streams.send_on(flow.connection, b"SIP/2.0 400 Bad Request\r\n\r\n").unwrap();
    world.until("it is closed", |world| !world.closed.is_empty());
    assert_eq!(world.closed, [(flow, CloseReason::NotSip(error))]);
    assert!(read_exactly(&mut peer, 27).starts_with(b"SIP/2.0 400"));
    assert!(is_closed(&mut peer));
}

#[test]
fn a_stream_that_is_no_sip_is_closed_even_when_nobody_answers() {
    let mut world = World::new(StreamConfig::default());
    let mut peer = world.dial();
    peer.write_all(b"\x16\x03\x01 this is TLS").unwrap();
    world.until("the fault is there", |world| !world.broken.is_empty());
    world.time_out(Duration::from_secs(2));
    assert_eq!(world.closed[0].1, CloseReason::NotSip(FrameError::NotSip));
}

#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let mut world = World::new(StreamConfig {
        idle_timeout: Duration::from_secs(60),
        ..StreamConfig::default()
    });
    let mut peer = world.dial();
    world.until("the peer is accepted", |world| world.streams.connections() == 1);
    peer.write_all(OPTIONS).unwrap();
    world.until("the message is there", |world| world.messages.len() == 1);
    world.time_out(Duration::from_secs(59));
    assert_eq!(world.closed, []);
    assert!(world.streams.poll_timeout().is_some());
    world.time_out(Duration::from_secs(61));
    assert_eq!(world.closed, [(world.messages[0].0, CloseReason::Idle)]);
    assert!(is_closed(&mut peer));
    assert_eq!(world.streams.poll_timeout(), None);
}

#[test]
fn a_peer_that_does_not_read_loses_its_connection_and_nobody_elses() {
    let mut world = World::new(StreamConfig::default());
    let mut slow = world.dial();
    slow.write_all(OPTIONS).unwrap();
    world.until("the slow peer is there", |world| world.messages.len() == 1);
    let mut good = world.dial();
    good.write_all(OPTIONS).unwrap();
    world.until("the good peer is there", |world| world.messages.len() == 2);
    let [slow_id, good_id] = [0, 1].map(|at| world.messages[at].0.connection);

    let block = vec![b'x'; 32 << 10];
    let mut refused = None;
    for _ in 0..10_000 {
        if let Err(error) = world.streams.send_on(slow_id, &block) {
            refused = Some(error);
            break;
        }
        world.streams.flush(Instant::now(), &world.reactor);
    }
    assert_eq!(refused, Some(StreamSendError::QueueFull));
    world.note_closed();
    let closed: Vec<_> = world.closed.iter().map(|(flow, why)| (flow.connection, *why)).collect();
    assert_eq!(closed, [(slow_id, CloseReason::QueueFull)]);
    world.streams.send_on(good_id, b"still here").unwrap();
    world.streams.flush(Instant::now(), &world.reactor);
    assert_eq!(read_exactly(&mut good, 10), b"still here");
    assert_eq!(world.streams.connections(), 1);
}

#[test]
fn a_peer_that_leaves_what_it_is_sent_unread_is_closed_after_a_while() {
    let queue_bytes_max = 64 << 20;
    let mut world = World::new(StreamConfig { queue_bytes_max, ..StreamConfig::default() });
    let mut peer = world.dial();
    peer.write_all(OPTIONS).unwrap();
    world.until("the peer is there", |world| world.messages.len() == 1);
    let (flow, _) = world.messages[0];
    world.streams.send_on(flow.connection, &vec![b'x'; 32 << 20]).unwrap();
    world.streams.flush(Instant::now(), &world.reactor);
    world.time_out(Duration::from_secs(29));
    assert_eq!(world.closed, []);
    world.time_out(Duration::from_secs(31));
    assert_eq!(world.closed, [(flow, CloseReason::Stalled)]);
}

#[test]
fn a_connection_that_brings_no_whole_message_in_time_is_closed_however_busy() {
    let mut world = World::new(StreamConfig::default());
    let mut silent = world.dial();
    silent.write_all(b"\r\n\r\n").unwrap();
    let mut trickling = world.dial();
    trickling.write_all(&[OPTIONS, &OPTIONS[..20]].concat()).unwrap();
    let mut whole = world.dial();
    whole.write_all(OPTIONS).unwrap();
    world.until("all have begun", |world| world.messages.len() == 2);
    assert_eq!(read_exactly(&mut silent, 2), b"\r\n");
    trickling.write_all(&OPTIONS[20..21]).unwrap();
    world.turn(Duration::from_millis(50));

    world.time_out(Duration::from_secs(31));
    assert_eq!(world.closed, []);
    world.time_out(Duration::from_secs(33));
    let reasons: Vec<_> = world.closed.iter().map(|(_, why)| *why).collect();
    assert_eq!(reasons, [CloseReason::MessageTimedOut; 2]);
    assert!(is_closed(&mut silent));
    assert_eq!(world.streams.connections(), 1, "the one that brought a message stays");
}

#[test]
fn a_quiet_connection_of_ours_is_kept_alive_and_a_peer_that_stops_answering_is_left() {
    let mut world = World::new(StreamConfig::default());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = toward(&world, server.local_addr().unwrap());
    world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS).unwrap();
    let (mut peer, _) = server.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    world.turn(Duration::from_millis(50));
    world.turn(Duration::from_millis(50));
    assert_eq!(read_exactly(&mut peer, OPTIONS.len()), OPTIONS);

    world.time_out(Duration::from_secs(101));
    world.streams.flush(Instant::now(), &world.reactor);
    assert_eq!(read_exactly(&mut peer, 4), b"\r\n\r\n");
    world.time_out(Duration::from_secs(120));
    assert_eq!(world.closed, [], "who has never answered one need not");

    world.time_out(Duration::from_secs(230));
    world.streams.flush(Instant::now(), &world.reactor);
    assert_eq!(read_exactly(&mut peer, 4), b"\r\n\r\n");
    peer.write_all(b"\r\n").unwrap();
    world.turn(Duration::from_millis(50));
    world.time_out(Duration::from_secs(250));
    assert_eq!(world.closed, [], "it answered");

    world.time_out(Duration::from_secs(340));
    world.streams.flush(Instant::now(), &world.reactor);
    assert_eq!(read_exactly(&mut peer, 4), b"\r\n\r\n");
    world.time_out(Duration::from_secs(351));
    assert_eq!(world.closed, [(flow, CloseReason::NoPong)]);
}

#[test]
fn one_source_cannot_take_every_connection() {
    let config = StreamConfig { source_connections_max: 2, ..StreamConfig::default() };
    let mut world = World::new(config);
    let _held = [world.dial(), world.dial()];
    world.until("two are accepted", |world| world.streams.connections() == 2);
    let mut third = world.dial();
    world.until("the third is refused", |world| world.streams.counters().over_source_limit == 1);
    assert!(is_closed(&mut third));
    drop(_held);
    world.until("there is room again", |world| world.streams.connections() == 0);
    let _fourth = world.dial();
    world.until("the fourth is accepted", |world| world.streams.connections() == 1);
}

#[test]
fn what_is_accepted_leaves_room_for_connections_of_ours() {
    let config =
        StreamConfig { connections_max: 8, own_connections_min: 1, ..StreamConfig::default() };
    let mut world = World::new(config);
    let _held: Vec<_> = (0..7).map(|_| world.dial()).collect();
    world.until("seven are accepted", |world| world.streams.connections() == 7);
    let mut eighth = world.dial();
    world.until("the eighth is refused", |world| world.streams.counters().over_limit == 1);
    assert!(is_closed(&mut eighth));
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = toward(&world, server.local_addr().unwrap());
    world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS).unwrap();
}

#[test]
fn a_peer_that_reads_late_gets_everything() {
    let mut world =
        World::new(StreamConfig { queue_bytes_max: 64 << 20, ..StreamConfig::default() });
    let mut peer = world.dial();
    peer.write_all(OPTIONS).unwrap();
    world.until("the peer is there", |world| world.messages.len() == 1);
    let (flow, _) = world.messages[0];
    let bytes: Vec<u8> = (0..16u32 << 20).map(|at| (at % 251) as u8).collect();
    world.streams.send_on(flow.connection, &bytes).unwrap();
    world.streams.flush(Instant::now(), &world.reactor);
    let reader = std::thread::spawn(move || read_exactly(&mut peer, 16 << 20));
    world.until("all is written", |_| reader.is_finished());
    assert!(reader.join().unwrap() == bytes, "the bytes differ");
}

#[test]
fn one_connection_too_many_is_closed_at_once() {
    let mut world = World::new(StreamConfig { connections_max: 2, ..StreamConfig::default() });
    let _first = world.dial();
    let _second = world.dial();
    world.until("two are accepted", |world| world.streams.connections() == 2);
    let mut third = world.dial();
    world.until("the third is refused", |world| world.streams.counters().over_limit == 1);
    assert!(is_closed(&mut third));
    let flow = toward(&world, world.local);
    let refused = world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS);
    assert_eq!(refused, Err(StreamSendError::TooManyConnections));
}

#[test]
fn a_plain_connection_that_is_offered_for_our_requests_is_not_used_for_them() {
    let mut world = World::new(StreamConfig::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let mut stranger = world.dial();
    let offer = format!(
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{};branch=z9hG4bKa;alias\r\n\
         Content-Length: 0\r\n\r\n",
        at.port()
    );
    stranger.write_all(offer.as_bytes()).unwrap();
    world.until("the offer is there", |world| world.messages.len() == 1);
    let flow = toward(&world, at);
    world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS).unwrap();
    let (mut owner, _) = listener.accept().unwrap();
    owner.set_read_timeout(Some(PATIENCE)).unwrap();
    world.turn(PATIENCE);
    assert_eq!(read_exactly(&mut owner, OPTIONS.len()), OPTIONS);
    assert_eq!(world.streams.counters().reused, 0);
}
