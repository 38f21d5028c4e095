//! Legs that are protected, each by itself, between a phone and a carrier.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::srtp::{Inbound, Keys, MasterKey, Outbound, STREAMS_MAX, Suite, TRAILER_BYTES_MAX};
use media::{
    CallMediaId, DropReason, Expects, LegSpec, LegTerms, LocalPort, PortRange, Protection, Relay,
    RelayConfig, Sent, Side, Sources, rtcp,
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

fn key(suite: Suite, byte: u8) -> MasterKey {
    let bytes = vec![byte; suite.key_bytes() + suite.salt_bytes()];
    MasterKey::parse(suite, &bytes).expect("a sound fixture")
}

/// What the relay is told of a leg: it sends by `ours` and the peer by `theirs`.
fn srtp(suite: Suite, ours: u8, theirs: u8) -> Protection {
    let keys = Keys { outbound: key(suite, ours), inbound: key(suite, theirs), inbound_mki: None };
    Protection::Srtp(Box::new(keys))
}

fn terms(remote: SocketAddr, protection: Protection) -> LegTerms {
    LegTerms { expects: Expects::Media, protection, ..LegTerms::to(remote) }
}

fn leg(port: u16, terms: LegTerms) -> LegSpec {
    LegSpec { port: LocalPort::parse(port).expect("a sound fixture"), terms }
}

fn relay(now: Instant, a: Protection, b: Protection) -> Relay {
    let ports = PortRange::parse(20_000, 20_009).expect("a sound fixture");
    let mut relay = Relay::new(RelayConfig::new(ports));
    let legs = [leg(A_PORT, terms(phone(), a)), leg(B_PORT, terms(carrier(), b))];
    relay.open(now, CALL, legs).expect("a sound fixture");
    relay
}

fn plain(sequence: u16) -> Vec<u8> {
    let timestamp = u32::from(sequence).wrapping_mul(160);
    let header = Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc: 42 };
    [&header.print()[..], &[sequence as u8; 160]].concat()
}

fn report() -> Vec<u8> {
    let mut report = Vec::new();
    rtcp::write_report(&mut report, 42, None, &[], "phone");
    report
}

fn protected(outbound: &mut Outbound, packet: &[u8]) -> Vec<u8> {
    let mut buffer = [packet, &[0; TRAILER_BYTES_MAX]].concat();
    let len = outbound.protect_rtp(&mut buffer, packet.len()).expect("a sound fixture");
    buffer.truncate(len);
    buffer
}

fn unprotected(inbound: &mut Inbound, packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let len = inbound.unprotect_rtp(&mut packet).expect("authentic");
    packet.truncate(len);
    packet
}

/// Hands a datagram to the relay; what it sends on, and where.
fn handle(
    relay: &mut Relay,
    now: Instant,
    port: u16,
    from: SocketAddr,
    packet: &[u8],
) -> Result<(Sent, Vec<u8>), DropReason> {
    let mut buffer = [packet, &[0; TRAILER_BYTES_MAX]].concat();
    let sent = relay.handle_in(now, port, from, &mut buffer, packet.len())?;
    buffer.truncate(sent.len);
    Ok((sent, buffer))
}

#[test]
fn a_call_is_bridged_whatever_protects_its_legs() {
    let protections = || {
        let suites = Suite::ALL.map(Some);
        suites.into_iter().chain([None])
    };
    for (a, b) in protections().flat_map(|a| protections().map(move |b| (a, b))) {
        let now = Instant::now();
        let of = |suite: Option<Suite>, ours, theirs| {
            suite.map_or(Protection::Clear, |suite| srtp(suite, ours, theirs))
        };
        let mut relay = relay(now, of(a, 1, 2), of(b, 3, 4));
        let mut phone_sends = a.map(|suite| Outbound::new(key(suite, 2)));
        let mut carrier_hears = b.map(|suite| Inbound::new(key(suite, 3), None));
        // Over a rollover of the sequence number.
        for step in 0..20_u16 {
            let packet = plain(65_530_u16.wrapping_add(step));
            let wire = phone_sends.as_mut().map_or(packet.clone(), |it| protected(it, &packet));
            let (sent, out) = handle(&mut relay, now, A_PORT, phone(), &wire).unwrap();
            assert_eq!((sent.from, sent.to), (B_PORT, carrier()));
            let heard = carrier_hears.as_mut().map_or(out.clone(), |it| unprotected(it, &out));
            assert_eq!(heard, packet, "{a:?} to {b:?}");
        }
        let [a_quality, b_quality] = relay.report(CALL).unwrap();
        assert_eq!(a_quality.packets_lost, 0);
        let bytes = 172 + b.map_or(0, |suite| suite.rtp_tag_bytes() as u64);
        assert_eq!(b_quality.rtp_bytes_sent, 20 * bytes, "as they are on the wire");
    }
}

#[test]
fn reports_are_bridged_too() {
    let now = Instant::now();
    let suite = Suite::AesCm128Sha1With32;
    let mut relay = relay(now, srtp(suite, 1, 2), Protection::Clear);
    let from = address("198.51.100.7:4001");
    let mut phone_sends = Outbound::new(key(suite, 2));
    let mut wire = [report(), vec![0; TRAILER_BYTES_MAX]].concat();
    let len = phone_sends.protect_rtcp(&mut wire, report().len()).unwrap();
    wire.truncate(len);
    let (sent, out) = handle(&mut relay, now, A_PORT + 1, from, &wire).unwrap();
    assert_eq!((sent.from, out), (B_PORT + 1, report()));
    let again = handle(&mut relay, now, A_PORT + 1, from, &wire);
    assert_eq!(again, Err(DropReason::Replayed));
    let clear = handle(&mut relay, now, A_PORT + 1, from, &report());
    assert!(clear.is_err(), "a report in clear");

    let back = address("203.0.113.9:6001");
    let (sent, out) = handle(&mut relay, now, B_PORT + 1, back, &report()).unwrap();
    assert_eq!(sent.from, A_PORT + 1);
    let mut phone_hears = Inbound::new(key(suite, 1), None);
    let mut heard = out;
    let len = phone_hears.unprotect_rtcp(&mut heard).unwrap();
    assert_eq!(heard[..len], report());
}

#[test]
fn a_protected_leg_takes_nothing_in_clear_nothing_forged_and_nothing_twice() {
    let now = Instant::now();
    let suite = Suite::AesGcm128;
    let mut relay = relay(now, srtp(suite, 1, 2), Protection::Clear);
    let clear = handle(&mut relay, now, A_PORT, phone(), &plain(1));
    assert_eq!(clear, Err(DropReason::NotAuthentic));
    let forged = protected(&mut Outbound::new(key(suite, 9)), &plain(1));
    let forged = handle(&mut relay, now, A_PORT, phone(), &forged);
    assert_eq!(forged, Err(DropReason::NotAuthentic));
    let genuine = protected(&mut Outbound::new(key(suite, 2)), &plain(1));
    handle(&mut relay, now, A_PORT, phone(), &genuine).unwrap();
    let again = handle(&mut relay, now, A_PORT, phone(), &genuine);
    assert_eq!(again, Err(DropReason::Replayed));
    assert_eq!(relay.report(CALL).unwrap()[0].drops.total(), 3);
}

#[test]
fn nothing_passes_before_the_keys_are_settled() {
    let now = Instant::now();
    let mut relay = relay(now, Protection::Clear, Protection::Awaited);
    let early = handle(&mut relay, now, B_PORT, carrier(), &plain(1));
    assert_eq!(early, Err(DropReason::Unkeyed));
    let early = handle(&mut relay, now, A_PORT, phone(), &plain(1));
    assert_eq!(early, Err(DropReason::Unkeyed));
    let suite = Suite::AesCm128Sha1With80;
    relay.update(now, CALL, Side::B, terms(carrier(), srtp(suite, 3, 4))).unwrap();
    let (_, out) = handle(&mut relay, now, A_PORT, phone(), &plain(2)).unwrap();
    let mut carrier_hears = Inbound::new(key(suite, 3), None);
    assert_eq!(unprotected(&mut carrier_hears, &out), plain(2));
}

#[test]
fn a_hold_and_a_move_keep_the_rollover_counter_and_a_new_key_replaces_the_old_one() {
    let now = Instant::now();
    let suite = Suite::AesCm256Sha1With80;
    let mut relay = relay(now, srtp(suite, 1, 2), Protection::Clear);
    let mut phone_sends = Outbound::new(key(suite, 2));
    for sequence in [65_535, 0, 1] {
        let wire = protected(&mut phone_sends, &plain(sequence));
        handle(&mut relay, now, A_PORT, phone(), &wire).unwrap();
    }
    // Held and taken up again, from another port of the phone.
    let moved = address("198.51.100.7:4010");
    let held = LegTerms { expects: Expects::Nothing, ..terms(phone(), srtp(suite, 1, 2)) };
    relay.update(now, CALL, Side::A, held).unwrap();
    relay.update(now, CALL, Side::A, terms(moved, srtp(suite, 1, 2))).unwrap();
    let wire = protected(&mut phone_sends, &plain(2));
    handle(&mut relay, now, A_PORT, moved, &wire).unwrap();

    let late = protected(&mut phone_sends, &plain(3));
    relay.update(now, CALL, Side::A, terms(moved, srtp(suite, 5, 6))).unwrap();
    let late = handle(&mut relay, now, A_PORT, moved, &late);
    assert_eq!(late, Err(DropReason::NotAuthentic), "the old key is gone");
    phone_sends.rekey(&key(suite, 6));
    let wire = protected(&mut phone_sends, &plain(4));
    handle(&mut relay, now, A_PORT, moved, &wire).unwrap();
}

#[test]
fn a_source_that_is_not_authentic_is_never_learned() {
    let start = Instant::now();
    let suite = Suite::AesCm128Sha1With80;
    let mut relay = relay(start, srtp(suite, 1, 2), Protection::Clear);
    let anyone = LegTerms { sources: Sources::Anyone, ..terms(phone(), srtp(suite, 1, 2)) };
    relay.update(start, CALL, Side::A, anyone).unwrap();
    let attacker = address("192.0.2.66:5555");
    let mut forging = Outbound::new(key(suite, 9));
    for sequence in 0..50 {
        let wire = protected(&mut forging, &plain(sequence));
        let refused = handle(&mut relay, start, A_PORT, attacker, &wire);
        assert_eq!(refused, Err(DropReason::NotAuthentic));
        let (sent, _) = handle(&mut relay, start, B_PORT, carrier(), &plain(sequence)).unwrap();
        assert_eq!(sent.to, phone(), "audio does not turn to the attacker");
    }
    // Behind a NAT, the phone itself is learned.
    let nat = address("198.51.100.7:61000");
    let mut phone_sends = Outbound::new(key(suite, 2));
    for sequence in 100..103 {
        let now = start + Duration::from_millis(20) * u32::from(sequence);
        let wire = protected(&mut phone_sends, &plain(sequence));
        let _ = handle(&mut relay, now, A_PORT, nat, &wire);
    }
    let (sent, _) = handle(&mut relay, start, B_PORT, carrier(), &plain(100)).unwrap();
    assert_eq!(sent.to, nat);
}

#[test]
fn a_key_that_comes_back_after_media_in_clear_goes_on_where_it_was() {
    let now = Instant::now();
    let suite = Suite::AesCm128Sha1With80;
    let mut relay = relay(now, srtp(suite, 1, 2), Protection::Clear);
    let toward_phone = |relay: &mut Relay, sequence| {
        handle(relay, now, B_PORT, carrier(), &plain(sequence)).map(|(_, packet)| packet)
    };
    let first = toward_phone(&mut relay, 9).expect("the first of its number");
    for protection in [Protection::Clear, Protection::Awaited, srtp(suite, 1, 2)] {
        relay.update(now, CALL, Side::A, terms(phone(), protection)).expect("an open call");
    }
    assert_eq!(toward_phone(&mut relay, 9), Err(DropReason::Replayed), "the key stream of 9 again");
    assert!(toward_phone(&mut relay, 10).is_ok());

    for protection in [Protection::Clear, srtp(suite, 3, 2)] {
        relay.update(now, CALL, Side::A, terms(phone(), protection)).expect("an open call");
    }
    let anew = toward_phone(&mut relay, 9).expect("a new key begins anew");
    assert_ne!(anew, first);
    assert_eq!(unprotected(&mut Inbound::new(key(suite, 3), None), &anew), plain(9));
}

#[test]
fn no_source_that_was_sent_under_a_key_is_forgotten_to_make_room_for_another() {
    let mut outbound = Outbound::new(key(Suite::AesGcm128, 1));
    let mut send = |ssrc: u32| {
        let mut packet = plain(7);
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        packet.extend([0; TRAILER_BYTES_MAX]);
        outbound.protect_rtp(&mut packet, 172)
    };
    let most = STREAMS_MAX as u32;
    assert!((0..most).all(|ssrc| send(ssrc).is_ok()));
    assert_eq!(send(most), Err(DropReason::KeyExhausted));
    assert_eq!(send(0), Err(DropReason::Replayed), "the first one is still known");
}
