//! Strangers who write to a media port, and peers whose address is not what their SDP says.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::{
    CallMediaId, DropReason, Expects, LATCH_PACKETS, LegSpec, LegTerms, LocalPort, PortRange,
    RELATCH_SILENCE, Relay, RelayConfig, Side, Sources,
};

const CALL: CallMediaId = CallMediaId(1);
const PORT: u16 = 20_000;

/// A relay, the leg under attack, and a clock.
struct World {
    relay: Relay,
    now: Instant,
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a sound fixture")
}

/// What the phone's SDP says.
fn announced() -> SocketAddr {
    address("198.51.100.7:4000")
}

/// The same host by another port: what a NAT makes of it.
fn mapped() -> SocketAddr {
    address("198.51.100.7:61000")
}

fn stranger() -> SocketAddr {
    address("192.0.2.66:5555")
}

impl World {
    fn new(sources: Sources) -> Self {
        let now = Instant::now();
        let mut relay = Relay::new(RelayConfig::new(
            PortRange::parse(PORT, PORT + 9).expect("a sound fixture"),
        ));
        let terms = |remote| LegTerms { sources, expects: Expects::Media, ..LegTerms::to(remote) };
        let leg = |port, remote| LegSpec {
            port: LocalPort::parse(port).expect("a sound fixture"),
            terms: terms(remote),
        };
        let carrier = address("203.0.113.9:6000");
        relay
            .open(now, CALL, [leg(PORT, announced()), leg(PORT + 2, carrier)])
            .expect("a sound fixture");
        Self { relay, now }
    }

    fn nat() -> Self {
        Self::new(Sources::SameHost { signaling: None })
    }

    fn send(&mut self, from: SocketAddr, ssrc: u32, sequence: u16) -> Result<(), DropReason> {
        let timestamp = u32::from(sequence) * 160;
        let header = Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc };
        self.relay.handle(self.now, PORT, from, &mut header.print()).map(drop)
    }

    /// Sends a packet each 20 ms; how many of them went through.
    fn stream(&mut self, from: SocketAddr, ssrc: u32, sequences: std::ops::Range<u16>) -> usize {
        sequences
            .filter(|sequence| {
                self.now += Duration::from_millis(20);
                self.send(from, ssrc, *sequence).is_ok()
            })
            .count()
    }

    /// Where the phone's media is sent.
    fn target(&self) -> Option<SocketAddr> {
        self.relay.report(CALL).expect("a sound fixture")[Side::A.index()].remote
    }
}

#[test]
fn the_announced_address_is_heard_from_its_first_packet() {
    let mut world = World::nat();
    assert_eq!(world.send(announced(), 1, 10), Ok(()));
    assert_eq!(world.target(), Some(announced()));
}

#[test]
fn a_peer_behind_a_nat_is_heard_after_a_steady_start() {
    let mut world = World::nat();
    let unproven = usize::from(LATCH_PACKETS) - 1;
    assert_eq!(world.stream(mapped(), 1, 0..50), 50 - unproven);
    assert_eq!(world.target(), Some(mapped()));
}

#[test]
fn a_peer_whose_sdp_is_private_is_heard_from_its_signalling_host() {
    let public = address("192.0.2.200:7000");
    let mut world = World::new(Sources::SameHost { signaling: Some(public.ip()) });
    assert_eq!(world.stream(public, 1, 0..10), 8);
    assert_eq!(world.target(), Some(public));
}

#[test]
fn a_stranger_who_sprays_packets_is_neither_heard_nor_answered() {
    let mut world = World::nat();
    assert_eq!(world.stream(stranger(), 9, 0..200), 0);
    assert_eq!(world.target(), Some(announced()));
}

#[test]
fn a_stranger_during_the_call_is_not_heard() {
    let mut world = World::nat();
    world.stream(announced(), 1, 0..50);
    for sequence in 50..100 {
        world.stream(announced(), 1, sequence..sequence + 1);
        // Even with the call's own SSRC and the next sequence number, as an eavesdropper has them.
        assert_eq!(world.send(stranger(), 1, sequence + 1), Err(DropReason::ForeignSource));
        assert_eq!(world.send(mapped(), 1, sequence + 1), Err(DropReason::ForeignSource));
    }
    assert_eq!(world.target(), Some(announced()));
}

#[test]
fn a_neighbour_who_was_first_loses_the_leg_to_the_announced_address() {
    let mut world = World::nat();
    world.stream(mapped(), 9, 0..50);
    assert_eq!(world.target(), Some(mapped()));
    assert_eq!(world.send(announced(), 1, 10), Ok(()));
    assert_eq!(world.target(), Some(announced()));
    assert_eq!(world.send(mapped(), 9, 50), Err(DropReason::ForeignSource));
}

#[test]
fn numbers_out_of_order_prove_nothing() {
    let mut world = World::nat();
    for sequence in [5, 900, 17, 4000, 2, 65_000, 31] {
        world.now += Duration::from_millis(20);
        assert_eq!(world.send(mapped(), 9, sequence), Err(DropReason::UnprovenSource));
    }
    for (ssrc, sequence) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        world.now += Duration::from_millis(20);
        assert_eq!(world.send(mapped(), ssrc, sequence), Err(DropReason::UnprovenSource));
    }
    assert_eq!(world.target(), Some(announced()));
}

#[test]
fn noise_from_the_same_host_does_not_keep_a_steady_stream_out() {
    let mut world = World::nat();
    let noise = address("198.51.100.7:1234");
    let mut heard = 0;
    for sequence in 0..50u16 {
        let _ = world.send(noise, 9, sequence.wrapping_mul(7919));
        heard += world.stream(mapped(), 1, sequence..sequence + 1);
    }
    assert!(heard >= 40, "{heard} of 50");
    assert_eq!(world.target(), Some(mapped()));
}

#[test]
fn a_mapping_that_changes_after_a_silence_is_followed() {
    let mut world = World::nat();
    world.stream(mapped(), 1, 0..50);
    let remapped = address("198.51.100.7:62000");
    assert_eq!(world.send(remapped, 1, 50), Err(DropReason::ForeignSource), "no silence yet");
    world.now += RELATCH_SILENCE;
    assert_eq!(world.stream(remapped, 1, 50..60), 8);
    assert_eq!(world.target(), Some(remapped));
}

#[test]
fn a_stream_that_moves_to_another_host_after_a_silence_is_followed_if_it_goes_on() {
    let elsewhere = address("192.0.2.123:7000");
    let mut world = World::new(Sources::Anyone);
    world.stream(announced(), 1, 0..50);
    world.now += RELATCH_SILENCE;
    assert_eq!(world.stream(elsewhere, 9, 50..60), 0, "another stream is no continuation");
    assert_eq!(world.stream(elsewhere, 1, 60..70), 8);
    assert_eq!(world.target(), Some(elsewhere));
}

#[test]
fn a_stranger_does_not_inherit_a_silent_leg() {
    let mut world = World::nat();
    world.stream(announced(), 1, 0..50);
    world.now += Duration::from_secs(30);
    assert_eq!(world.stream(stranger(), 9, 0..100), 0);
    assert_eq!(world.target(), Some(announced()));
}

#[test]
fn a_re_invite_with_another_address_moves_the_leg() {
    let mut world = World::nat();
    world.stream(announced(), 1, 0..50);
    let moved = address("198.51.100.99:8000");
    world.relay.update(world.now, CALL, Side::A, LegTerms::to(moved)).unwrap();
    assert_eq!(world.target(), Some(moved));
    assert_eq!(world.send(announced(), 1, 50), Err(DropReason::ForeignSource));
    assert_eq!(world.send(moved, 2, 1), Ok(()));
}

#[test]
fn a_re_invite_with_the_same_address_keeps_what_was_learned() {
    let mut world = World::nat();
    world.stream(mapped(), 1, 0..50);
    world.relay.update(world.now, CALL, Side::A, LegTerms::to(announced())).unwrap();
    assert_eq!(world.target(), Some(mapped()));
    assert_eq!(world.send(mapped(), 1, 50), Ok(()));
}

#[test]
fn a_new_ssrc_of_the_believed_source_is_a_transfer_and_is_heard() {
    let mut world = World::nat();
    world.stream(announced(), 1, 0..50);
    assert_eq!(world.stream(announced(), 2, 30_000..30_050), 50);
    let [a, _] = world.relay.report(CALL).unwrap();
    assert_eq!((a.packets_expected, a.packets_lost), (100, 0), "a new numbering is no loss");
}
