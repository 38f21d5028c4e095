//! What peers that flood, loop, aim at strangers or fall silent can do, and what is told of them.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::{
    CallMediaId, DropReason, Event, Expects, LegSpec, LegTerms, LocalPort, PortRange, Relay,
    RelayConfig, Side, rtcp,
};

const CALL: CallMediaId = CallMediaId(7);
const A_PORT: u16 = 20_000;
const B_PORT: u16 = 20_002;
const TICK: Duration = Duration::from_millis(20);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a sound fixture")
}

fn phone() -> SocketAddr {
    address("198.51.100.7:4000")
}

fn carrier() -> SocketAddr {
    address("203.0.113.9:6000")
}

fn leg(port: u16, remote: SocketAddr, expects: Expects) -> LegSpec {
    let port = LocalPort::parse(port).expect("a sound fixture");
    LegSpec { port, terms: LegTerms { expects, ..LegTerms::to(remote) } }
}

fn config() -> RelayConfig {
    RelayConfig::new(PortRange::parse(20_000, 20_019).expect("a sound fixture"))
}

fn relay(now: Instant, expects: Expects) -> Relay {
    let mut relay = Relay::new(config());
    let legs = [leg(A_PORT, phone(), expects), leg(B_PORT, carrier(), expects)];
    relay.open(now, CALL, legs).expect("a sound fixture");
    relay
}

fn packet(sequence: u32) -> Vec<u8> {
    let (timestamp, sequence) = (sequence.wrapping_mul(160), sequence as u16);
    let header = Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc: 42 };
    [&header.print()[..], &[0xff; 160]].concat()
}

fn events(relay: &mut Relay) -> Vec<Event> {
    std::iter::from_fn(|| relay.poll_event())
        .filter(|event| !matches!(event, Event::FirstPacket { .. }))
        .collect()
}

#[test]
fn an_address_that_never_sent_is_sent_to_for_a_minute_and_no_longer() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Nothing);
    for tick in 0..=3_000 {
        let sent = relay.handle(start + TICK * tick, B_PORT, carrier(), &mut packet(tick));
        assert_eq!(sent.unwrap().to, phone());
    }
    for tick in 3_001..3_100 {
        let now = start + TICK * tick;
        let refused = relay.handle(now, B_PORT, carrier(), &mut packet(tick));
        assert_eq!(refused, Err(DropReason::Unverified));
    }
    // The caller is answered and begins to talk: it is heard, and hears again.
    let now = start + TICK * 3_100;
    relay.handle(now, A_PORT, phone(), &mut packet(1)).unwrap();
    relay.handle(now, B_PORT, carrier(), &mut packet(3_100)).unwrap();
}

#[test]
fn a_report_shows_that_a_silent_listener_is_there() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Nothing);
    let mut report = Vec::new();
    rtcp::write_report(&mut report, 7, None, &[], "a");
    relay.handle(start, A_PORT + 1, address("198.51.100.7:4001"), &mut report).unwrap();
    for tick in 0..4_000 {
        relay.handle(start + TICK * tick, B_PORT, carrier(), &mut packet(tick)).unwrap();
    }
}

#[test]
fn naming_one_stranger_after_another_brings_no_more_packets() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Nothing);
    let mut sent = 0_u32;
    for tick in 0..6_000 {
        let now = start + TICK * tick;
        if tick % 100 == 0 {
            let victim = SocketAddr::from(([192, 0, 2, (tick / 100) as u8], 4000));
            relay.update(now, CALL, Side::A, LegTerms::to(victim)).unwrap();
        }
        sent += u32::from(relay.handle(now, B_PORT, carrier(), &mut packet(tick)).is_ok());
    }
    assert_eq!(sent, 3_001);
}

#[test]
fn a_flood_of_a_peer_is_cut_to_what_a_call_needs() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Media);
    relay.handle(start, B_PORT, carrier(), &mut packet(0)).unwrap();
    let flood = 20_000;
    let sent = (0..flood)
        .filter(|number| {
            let now = start + Duration::from_secs(4) * *number / flood;
            relay.handle(now, A_PORT, phone(), &mut packet(*number)).is_ok()
        })
        .count();
    assert!((1_240..=1_260).contains(&sent), "4 s of 250, and one second's worth at once: {sent}");
    assert_eq!(relay.drops()[DropReason::TooFast], u64::from(flood) - sent as u64);

    // A second after the flood, talk is talk.
    let later = start + Duration::from_secs(6);
    for tick in 0..200 {
        let number = flood + tick;
        relay.handle(later + TICK * tick, A_PORT, phone(), &mut packet(number)).unwrap();
    }
}

#[test]
fn a_stranger_cannot_use_up_what_a_peer_may_send() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Media);
    relay.handle(start, A_PORT, phone(), &mut packet(0)).unwrap();
    let stranger = address("192.0.2.66:9");
    for number in 0..1_000 {
        relay.handle(start, A_PORT, stranger, &mut packet(number)).unwrap_err();
    }
    relay.handle(start, A_PORT, phone(), &mut packet(1)).unwrap();
}

#[test]
fn a_packet_that_goes_round_between_two_calls_is_dropped_soon() {
    let start = Instant::now();
    let us = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
    let mut relay = Relay::new(config());
    // Each call's far leg is the other one's: somebody routes calls back to us.
    let first = [leg(A_PORT, phone(), Expects::Media), leg(20_002, us(20_004), Expects::Media)];
    let second = [leg(20_004, us(20_002), Expects::Media), leg(20_006, us(20_008), Expects::Media)];
    let third = [leg(20_008, us(20_006), Expects::Media), leg(20_010, us(A_PORT), Expects::Media)];
    for (number, legs) in [first, second, third].into_iter().enumerate() {
        relay.open(start, CallMediaId(number as u64), legs).unwrap();
    }
    relay.update(start, CallMediaId(0), Side::A, LegTerms::to(us(20_010))).unwrap();
    let (mut port, mut from, mut hops) = (A_PORT, us(20_010), 0_u32);
    let mut packet = packet(1);
    // A hop takes some ten microseconds.
    while let Ok(sent) =
        relay.handle(start + Duration::from_micros(10) * hops, port, from, &mut packet)
    {
        (from, port) = (us(sent.from), sent.to.port());
        hops += 1;
        assert!(hops < 10_000, "it goes round for ever");
    }
    assert!(relay.drops()[DropReason::TooFast] >= 1);
}

#[test]
fn audio_in_one_direction_alone_is_told_once_with_the_side_that_is_not_heard() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Media);
    let mut told = Vec::new();
    for tick in 0..1_000 {
        let now = start + TICK * tick;
        relay.handle(now, A_PORT, phone(), &mut packet(tick)).unwrap();
        relay.handle_timeout(now);
        told.extend(events(&mut relay).into_iter().map(|event| (tick, event)));
    }
    let ten = Duration::from_secs(10);
    assert_eq!(told, [(500, Event::OneWay { call: CALL, side: Side::B, lasted: ten })]);
}

#[test]
fn reports_without_audio_are_one_way_audio_all_the_same() {
    let start = Instant::now();
    let mut relay = relay(start, Expects::Media);
    let mut told = Vec::new();
    for tick in 0..600 {
        let now = start + TICK * tick;
        relay.handle(now, B_PORT, carrier(), &mut packet(tick)).unwrap();
        let mut report = Vec::new();
        rtcp::write_report(&mut report, 7, None, &[], "a");
        let _ = relay.handle(now, A_PORT + 1, address("198.51.100.7:4001"), &mut report);
        relay.handle_timeout(now);
        told.extend(events(&mut relay));
    }
    assert!(matches!(told[..], [Event::OneWay { side: Side::A, .. }]), "{told:?}");
}

#[test]
fn silence_on_both_sides_and_on_hold_is_not_one_way_audio() {
    let start = Instant::now();
    for expects in [Expects::Media, Expects::Nothing] {
        let mut relay = relay(start, expects);
        for tick in 0..1_000 {
            let now = start + TICK * tick;
            if expects == Expects::Nothing {
                relay.handle(now, A_PORT, phone(), &mut packet(tick)).unwrap();
            }
            relay.handle_timeout(now);
            assert_eq!(events(&mut relay), []);
        }
    }
}
