//! The relay: what goes through, what does not, what is measured and told.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::{
    CallMediaId, DropReason, Event, Expects, LegSpec, LegTerms, LocalPort, OpenError, PayloadMap,
    PortRange, Relay, RelayConfig, Remote, RtcpTo, Side, Sources, Timer, rtcp,
};

const CALL: CallMediaId = CallMediaId(7);
const A_PORT: u16 = 20_000;
const B_PORT: u16 = 20_002;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a sound fixture")
}

fn phone() -> SocketAddr {
    address("198.51.100.7:4000")
}

fn carrier() -> SocketAddr {
    address("203.0.113.9:6000")
}

fn config() -> RelayConfig {
    let ports = PortRange::parse(20_000, 20_009).expect("a sound fixture");
    RelayConfig { one_way_after: None, ..RelayConfig::new(ports) }
}

fn answered(remote: SocketAddr) -> LegTerms {
    LegTerms { expects: Expects::Media, telephone_event: Some(101), ..LegTerms::to(remote) }
}

fn leg(port: u16, terms: LegTerms) -> LegSpec {
    LegSpec { port: LocalPort::parse(port).expect("a sound fixture"), terms }
}

fn relay(now: Instant) -> Relay {
    let mut relay = Relay::new(config());
    let legs = [leg(A_PORT, answered(phone())), leg(B_PORT, answered(carrier()))];
    relay.open(now, CALL, legs).expect("a sound fixture");
    relay
}

fn packet(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 160;
    let header = Header { payload_type, marker: Marker::Clear, sequence, timestamp, ssrc: 42 };
    [&header.print()[..], payload].concat()
}

fn events(relay: &mut Relay) -> Vec<Event> {
    std::iter::from_fn(|| relay.poll_event()).collect()
}

/// Sends `count` packets from `from` to `port`, 20 ms apart, and returns the time after them.
fn stream(relay: &mut Relay, start: Instant, port: u16, from: SocketAddr, count: u16) -> Instant {
    for sequence in 0..count {
        let now = start + Duration::from_millis(20) * sequence.into();
        relay
            .handle(now, port, from, &mut packet(0, sequence, &[0xff; 160]))
            .expect("a sound fixture");
    }
    start + Duration::from_millis(20) * count.into()
}

#[test]
fn a_packet_of_one_leg_leaves_by_the_other() {
    let now = Instant::now();
    let mut relay = relay(now);
    let mut from_a = packet(0, 1, &[1, 2, 3]);
    let before = from_a.clone();
    let sent = relay.handle(now, A_PORT, phone(), &mut from_a);
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((B_PORT, carrier())));
    assert_eq!(from_a, before, "an identity map changes nothing");

    let sent = relay.handle(now, B_PORT, carrier(), &mut packet(8, 1, &[4]));
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((A_PORT, phone())));
}

#[test]
fn payload_types_are_mapped_each_way_and_others_are_dropped() {
    let now = Instant::now();
    let mut relay = Relay::new(config());
    let a = LegTerms { payload_types: PayloadMap::of([(0, 0), (101, 96)]), ..answered(phone()) };
    let b = LegTerms { payload_types: PayloadMap::of([(0, 0), (96, 101)]), ..answered(carrier()) };
    relay.open(now, CALL, [leg(A_PORT, a), leg(B_PORT, b)]).unwrap();

    let mut event = packet(101, 1, &[1, 0x0a, 0, 160]);
    event[1] |= 0x80;
    relay.handle(now, A_PORT, phone(), &mut event).unwrap();
    assert_eq!(event[1], 0x80 | 96, "the marker stays");
    let refused = relay.handle(now, A_PORT, phone(), &mut packet(18, 2, &[0]));
    assert_eq!(refused, Err(DropReason::UnmappedPayloadType));
}

#[test]
fn every_refusal_is_counted_by_its_reason() {
    let now = Instant::now();
    let mut relay = relay(now);
    let stranger = address("192.0.2.66:9");
    for (port, from, mut bytes, reason) in [
        (19_998, phone(), packet(0, 1, &[0]), DropReason::NoCall),
        (20_004, phone(), packet(0, 1, &[0]), DropReason::NoCall),
        (A_PORT, phone(), vec![1, 2, 3], DropReason::NotRtp),
        (A_PORT + 1, phone(), vec![0x80, 0, 0, 0], DropReason::NotRtcp),
        (A_PORT, stranger, packet(0, 1, &[0]), DropReason::ForeignSource),
        (A_PORT, address("198.51.100.7:4444"), packet(0, 1, &[0]), DropReason::UnprovenSource),
    ] {
        assert_eq!(relay.handle(now, port, from, &mut bytes), Err(reason));
        assert!(relay.drops()[reason] > 0);
    }
    assert_eq!(relay.drops().total(), 6);
    let [a, b] = relay.report(CALL).unwrap();
    assert_eq!((a.drops.total(), b.drops.total()), (4, 0));
}

#[test]
fn media_for_a_leg_without_an_address_has_nowhere_to_go() {
    let now = Instant::now();
    let mut relay = Relay::new(config());
    let legs = [leg(A_PORT, answered(phone())), leg(B_PORT, LegTerms::unanswered())];
    relay.open(now, CALL, legs).unwrap();
    let refused = relay.handle(now, A_PORT, phone(), &mut packet(0, 1, &[0]));
    assert_eq!(refused, Err(DropReason::NoDestination));

    relay.update(now, CALL, Side::B, answered(carrier())).unwrap();
    let sent = relay.handle(now, A_PORT, phone(), &mut packet(0, 2, &[0]));
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((B_PORT, carrier())));
}

#[test]
fn a_held_leg_is_sent_nothing_until_it_is_back() {
    let now = Instant::now();
    let mut relay = relay(now);
    let held = LegTerms {
        remote: Remote { rtp: None, rtcp: RtcpTo::Port(None) },
        expects: Expects::Nothing,
        ..answered(phone())
    };
    relay.update(now, CALL, Side::A, held).unwrap();
    let refused = relay.handle(now, B_PORT, carrier(), &mut packet(0, 1, &[0]));
    assert_eq!(refused, Err(DropReason::NoDestination));
    relay.update(now, CALL, Side::A, answered(phone())).unwrap();
    assert!(relay.handle(now, B_PORT, carrier(), &mut packet(0, 2, &[0])).is_ok());
}

#[test]
fn a_closed_port_drains_until_it_is_opened_again() {
    let now = Instant::now();
    let mut relay = relay(now);
    relay.close(CALL).unwrap();
    let late = relay.handle(now, A_PORT, phone(), &mut packet(0, 1, &[0]));
    assert_eq!(late, Err(DropReason::Draining));
    assert_eq!(relay.drops()[DropReason::Draining], 1);
    assert!(relay.close(CALL).is_err() && relay.report(CALL).is_err());

    let legs = [leg(A_PORT, answered(phone())), leg(B_PORT, answered(carrier()))];
    relay.open(now, CallMediaId(8), legs).unwrap();
    assert!(relay.handle(now, A_PORT, phone(), &mut packet(0, 1, &[0])).is_ok());
    assert_eq!(relay.calls(), 1);
}

#[test]
fn a_call_is_opened_only_on_ports_that_are_free() {
    let now = Instant::now();
    let mut relay = relay(now);
    let terms = answered(phone());
    let mut open =
        |id, a, b| relay.open(now, CallMediaId(id), [leg(a, terms.clone()), leg(b, terms.clone())]);
    assert_eq!(open(7, 20_004, 20_006), Err(OpenError::CallExists(CALL)));
    assert_eq!(open(8, A_PORT, 20_006), Err(OpenError::PortTaken(A_PORT)));
    assert_eq!(open(8, 20_004, 20_004), Err(OpenError::PortTaken(20_004)));
    assert_eq!(open(8, 20_004, 30_000), Err(OpenError::PortOutOfRange(30_000)));
    assert_eq!(open(8, 20_004, 20_006), Ok(()));
}

#[test]
fn a_call_cannot_be_aimed_at_its_own_ports() {
    let now = Instant::now();
    let own = address("192.0.2.1:20002");
    let mut relay = Relay::new(RelayConfig { own_addresses: vec![own.ip()], ..config() });
    let legs = [leg(A_PORT, answered(phone())), leg(B_PORT, answered(own))];
    relay.open(now, CALL, legs).unwrap();
    let refused = relay.handle(now, A_PORT, phone(), &mut packet(0, 1, &[0]));
    assert_eq!(refused, Err(DropReason::NoDestination));
}

#[test]
fn the_first_packet_of_each_leg_is_told_once() {
    let now = Instant::now();
    let mut relay = relay(now);
    stream(&mut relay, now, A_PORT, phone(), 3);
    stream(&mut relay, now, B_PORT, carrier(), 3);
    let first = |side, source| Event::FirstPacket { call: CALL, side, source };
    assert_eq!(events(&mut relay), [first(Side::A, phone()), first(Side::B, carrier())]);
    let [a, _] = relay.report(CALL).unwrap();
    assert_eq!(a.first_packet_after, Some(Duration::ZERO));
}

#[test]
fn a_digit_is_told_once_and_relayed_with_every_packet() {
    let now = Instant::now();
    let mut relay = relay(now);
    relay.handle(now, A_PORT, phone(), &mut packet(0, 0, &[0xff; 160])).unwrap();
    events(&mut relay);
    for (sequence, flags) in [(1, 0x0a), (2, 0x0a), (3, 0x8a), (4, 0x8a)] {
        let mut event = packet(101, sequence, &[5, flags, 0, 160]);
        event[4..8].copy_from_slice(&160u32.to_be_bytes());
        relay.handle(now, A_PORT, phone(), &mut event).unwrap();
    }
    let told = events(&mut relay);
    let [Event::Dtmf { call: CALL, side: Side::A, digit }] = told[..] else { panic!("{told:?}") };
    assert_eq!(digit.key(), '5');
    assert_eq!(relay.report(CALL).unwrap()[1].rtp_packets_sent, 5);
}

#[test]
fn packets_and_bytes_are_counted_each_way() {
    let now = Instant::now();
    let mut relay = relay(now);
    stream(&mut relay, now, A_PORT, phone(), 10);
    let [a, b] = relay.close(CALL).unwrap();
    assert_eq!((a.rtp_packets_received, a.rtp_bytes_received), (10, 1720));
    assert_eq!((b.rtp_packets_sent, b.rtp_bytes_sent), (10, 1720));
    assert_eq!((b.rtp_packets_received, a.rtp_packets_sent), (0, 0));
    assert_eq!((a.packets_expected, a.packets_lost), (10, 0));
    assert!(a.mos.is_some_and(|mos| mos > 4.3), "{:?}", a.mos);
    assert_eq!(b.mos, None, "nothing was heard of B");
}

#[test]
fn what_the_socket_refuses_is_taken_back() {
    let now = Instant::now();
    let mut relay = relay(now);
    let mut bytes = packet(0, 1, &[0; 160]);
    let sent = relay.handle(now, A_PORT, phone(), &mut bytes).unwrap();
    relay.not_sent(sent, &bytes);
    let [a, b] = relay.report(CALL).unwrap();
    assert_eq!((b.rtp_packets_sent, b.rtp_bytes_sent), (0, 0));
    assert_eq!(a.drops[DropReason::NotSent], 1);
}

#[test]
fn silence_is_told_when_its_limit_is_reached() {
    let start = Instant::now();
    let mut relay = relay(start);
    let quiet = stream(&mut relay, start, A_PORT, phone(), 50);
    stream(&mut relay, start, B_PORT, carrier(), 50);
    events(&mut relay);

    let last = quiet - Duration::from_millis(20);
    let (at, why) = relay.poll_timeout().unwrap();
    assert_eq!((at, why), (start + Duration::from_secs(60), Timer::Silence));
    relay.handle_timeout(at);
    assert_eq!(events(&mut relay), [], "packets came since the deadline was set");
    let (at, _) = relay.poll_timeout().unwrap();
    assert_eq!(at, last + Duration::from_secs(60));
    relay.handle_timeout(at);
    let silent = |side| Event::Silent {
        call: CALL,
        side,
        timer: Timer::Silence,
        lasted: Duration::from_secs(60),
    };
    assert_eq!(events(&mut relay), [silent(Side::A), silent(Side::B)]);
}

#[test]
fn a_leg_that_is_never_heard_is_told_by_the_shorter_limit() {
    let start = Instant::now();
    let mut relay = relay(start);
    let (at, why) = relay.poll_timeout().unwrap();
    assert_eq!((at, why), (start + Duration::from_secs(30), Timer::FirstPacket));
    relay.handle_timeout(at);
    assert_eq!(events(&mut relay).len(), 2);
}

#[test]
fn a_held_leg_may_be_silent_for_ever() {
    let start = Instant::now();
    let mut relay = relay(start);
    for (side, remote) in [(Side::A, phone()), (Side::B, carrier())] {
        let held = LegTerms { expects: Expects::Nothing, ..answered(remote) };
        relay.update(start, CALL, side, held).unwrap();
    }
    assert_eq!(relay.poll_timeout(), None);

    let later = start + Duration::from_secs(3600);
    relay.update(later, CALL, Side::A, answered(phone())).unwrap();
    let (at, _) = relay.poll_timeout().unwrap();
    assert_eq!(at, later + Duration::from_secs(30), "silence counts from the end of the hold");
}

#[test]
fn a_closed_call_leaves_no_deadline() {
    let mut relay = relay(Instant::now());
    relay.close(CALL).unwrap();
    assert_eq!(relay.poll_timeout(), None);
}

fn sender_report(ntp: u64, blocks: &[rtcp::Block]) -> Vec<u8> {
    let ntp_middle = (ntp >> 16) as u32;
    let info = rtcp::SenderInfo { ntp_middle, timestamp: 0, packets: 1, octets: 160 };
    let mut bytes = Vec::new();
    rtcp::write_report(&mut bytes, 42, Some((ntp, info)), blocks, "a");
    bytes
}

fn answer_to(ntp: u64, delay: u32) -> rtcp::Block {
    rtcp::Block {
        ssrc: 42,
        fraction_lost: 0,
        cumulative_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_report: (ntp >> 16) as u32,
        delay_since_last_report: delay,
    }
}

#[test]
fn reports_are_relayed_and_tell_the_round_trip_of_each_leg() {
    let now = Instant::now();
    let mut relay = relay(now);
    let ntp = 0x0000_0005_4000_0000;
    let mut report = sender_report(ntp, &[]);
    let sent = relay.handle(now, A_PORT + 1, address("198.51.100.7:4001"), &mut report);
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((B_PORT + 1, address("203.0.113.9:6001"))));

    // B held A's report for half a second, and 40 ms were spent on the way to B and back.
    let later = now + Duration::from_millis(540);
    let mut reply = sender_report(1 << 32, &[answer_to(ntp, 32_768)]);
    let sent = relay.handle(later, B_PORT + 1, address("203.0.113.9:6001"), &mut reply);
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((A_PORT + 1, address("198.51.100.7:4001"))));
    let [a, b] = relay.close(CALL).unwrap();
    assert_eq!((a.round_trip, b.round_trip), (None, Some(Duration::from_millis(40))));
    assert_eq!((a.rtcp_packets_received, b.rtcp_packets_sent), (1, 1));
}

#[test]
fn muxed_reports_come_and_go_by_the_rtp_port() {
    let now = Instant::now();
    let mut relay = Relay::new(config());
    let muxed = |remote| LegTerms {
        remote: Remote { rtp: Some(remote), rtcp: RtcpTo::Mux },
        ..answered(remote)
    };
    let legs = [leg(A_PORT, muxed(phone())), leg(B_PORT, answered(carrier()))];
    relay.open(now, CALL, legs).unwrap();
    let sent = relay.handle(now, A_PORT, phone(), &mut sender_report(1 << 32, &[]));
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((B_PORT + 1, address("203.0.113.9:6001"))));
    let from_b = address("203.0.113.9:6001");
    let sent = relay.handle(now, B_PORT + 1, from_b, &mut sender_report(2 << 32, &[]));
    assert_eq!(sent.map(|it| (it.from, it.to)), Ok((A_PORT, phone())));
}

#[test]
fn reports_are_believed_from_the_peers_host_only() {
    let now = Instant::now();
    let mut relay = relay(now);
    let stranger =
        relay.handle(now, A_PORT + 1, address("192.0.2.66:4001"), &mut sender_report(1 << 32, &[]));
    assert_eq!(stranger, Err(DropReason::ForeignSource));
    let behind_nat = address("198.51.100.7:40123");
    relay.handle(now, A_PORT + 1, behind_nat, &mut sender_report(1 << 32, &[])).unwrap();
    let from_b = address("203.0.113.9:6001");
    let sent = relay.handle(now, B_PORT + 1, from_b, &mut sender_report(2 << 32, &[]));
    assert_eq!(
        sent.map(|it| (it.from, it.to)),
        Ok((A_PORT + 1, behind_nat)),
        "answers go where it is"
    );
}

#[test]
fn a_leg_of_fixed_sources_learns_nothing() {
    let now = Instant::now();
    let mut relay = Relay::new(config());
    let fixed = LegTerms { sources: Sources::Announced, ..answered(phone()) };
    relay.open(now, CALL, [leg(A_PORT, fixed), leg(B_PORT, answered(carrier()))]).unwrap();
    for sequence in 0..20 {
        let refused =
            relay.handle(now, A_PORT, address("198.51.100.7:4444"), &mut packet(0, sequence, &[0]));
        assert_eq!(refused, Err(DropReason::ForeignSource));
    }
}

#[test]
fn holes_in_what_peers_send_are_counted_over_open_and_closed_calls() {
    let now = Instant::now();
    let mut relay = relay(now);
    for sequence in [1, 2, 5, 4] {
        relay.handle(now, A_PORT, phone(), &mut packet(0, sequence, &[0xff; 160])).unwrap();
    }
    let holes = media::Gaps { missing: 2, late: 1 };
    assert_eq!(relay.gaps(), holes);
    assert_eq!(relay.close(CALL).unwrap()[0].packets_lost, 1, "one came late, and one never");
    assert_eq!(relay.gaps(), holes, "they outlive their call");
}
