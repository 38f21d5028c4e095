//! What holds for every packet, whoever sent it.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::{
    CallMediaId, Channel, Endpoint, EndpointSpec, Expects, Law, LegSpec, LegTerms, LocalPort,
    PortRange, Protection, Relay, RelayConfig, Seed, SenderSpec, Side,
};
use proptest::prelude::*;

fn peers() -> [SocketAddr; 4] {
    ["198.51.100.7:4000", "198.51.100.7:4001", "203.0.113.9:6000", "192.0.2.66:1"]
        .map(|text| text.parse().expect("a sound fixture"))
}

fn relay(now: Instant) -> Relay {
    let mut relay =
        Relay::new(RelayConfig::new(PortRange::parse(20_000, 20_009).expect("a sound fixture")));
    open(&mut relay, now);
    relay
}

fn open(relay: &mut Relay, now: Instant) {
    let [a, _, b, _] = peers();
    let leg = |port, remote| LegSpec {
        port: LocalPort::parse(port).expect("a sound fixture"),
        terms: LegTerms {
            expects: Expects::Media,
            telephone_event: Some(101),
            ..LegTerms::to(remote)
        },
    };
    relay.open(now, CallMediaId(1), [leg(20_000, a), leg(20_002, b)]).expect("a sound fixture");
}

/// Bytes that look like RTP or RTCP more often than chance would have it.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    (0..4u8, proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(kind, mut bytes)| {
        if let Some([first, second]) = bytes.first_chunk_mut::<2>() {
            match kind {
                0 => (*first, *second) = (0x80, 0),
                1 => (*first, *second) = (0x80 | (*first & 0x3f), *second),
                2 => (*first, *second) = (0x80 | (*first & 0x1f), 200 + (*second & 1)),
                _ => {}
            }
        }
        bytes
    })
}

#[derive(Debug, Clone)]
enum Step {
    Packet { port: u16, from: usize, bytes: Vec<u8> },
    Wait(u64),
    Close,
    Hold(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (19_999..20_011u16, 0..4usize, datagram())
            .prop_map(|(port, from, bytes)| Step::Packet { port, from, bytes }),
        1 => (0..90_000u64).prop_map(Step::Wait),
        1 => Just(Step::Close),
        1 => (0..2u8).prop_map(Step::Hold),
    ]
}

proptest! {
    /// Whatever comes, in whatever order, every packet is either sent or counted, once.
    #[test]
    fn every_packet_is_sent_or_counted(steps in proptest::collection::vec(step(), 0..120)) {
        let mut now = Instant::now();
        let mut relay = relay(now);
        let (mut handled, mut sent, mut counted_sent) = (0u64, 0u64, 0u64);
        let close = |relay: &mut Relay| -> u64 {
            relay.close(CallMediaId(1)).map_or(0, |legs| {
                legs.iter().map(|leg| leg.rtp_packets_sent + leg.rtcp_packets_sent).sum()
            })
        };
        for step in steps {
            match step {
                Step::Packet { port, from, mut bytes } => {
                    handled += 1;
                    let outcome = relay.handle(now, port, peers()[from], &mut bytes);
                    if let Ok(out) = outcome {
                        sent += 1;
                        prop_assert!((20_000..=20_003).contains(&out.from));
                    }
                }
                Step::Wait(milliseconds) => {
                    now += Duration::from_millis(milliseconds);
                    relay.handle_timeout(now);
                    let due = relay.poll_timeout();
                    prop_assert!(due.is_none_or(|(at, _)| at > now), "nothing stays overdue");
                }
                Step::Close => {
                    counted_sent += close(&mut relay);
                    open(&mut relay, now);
                }
                Step::Hold(side) => {
                    let side = if side == 0 { Side::A } else { Side::B };
                    relay.update(now, CallMediaId(1), side, LegTerms::unanswered()).expect("a sound fixture");
                }
            }
        }
        counted_sent += close(&mut relay);
        prop_assert_eq!(sent + relay.drops().total(), handled);
        prop_assert_eq!(sent, counted_sent);
    }

    /// An endpoint takes any datagram, or refuses it by name.
    #[test]
    fn an_endpoint_survives_any_datagram(
        datagrams in proptest::collection::vec((0..2u8, datagram()), 0..60)
    ) {
        let now = Instant::now();
        let [remote, ..] = peers();
        let spec = EndpointSpec {
            sender: SenderSpec { law: Law::Mu, payload_type: 0, telephone_event: Some(101) },
            telephone_event: Some(101),
            rtp: Some(remote),
            rtcp: Some(remote),
            protection: Protection::Clear,
        };
        let mut endpoint = Endpoint::new(now, spec, Seed::of(1));
        endpoint.echo(now);
        for (channel, mut bytes) in datagrams {
            let channel = if channel == 0 { Channel::Rtp } else { Channel::Rtcp };
            let before = bytes.len();
            let _ = endpoint.handle(now, channel, remote, &mut bytes);
            prop_assert_eq!(bytes.len(), before);
        }
        let mut out = Vec::new();
        while endpoint.poll_output(now + Duration::from_secs(9), &mut out).is_some() {
            prop_assert!(media::rtcp::is_sound(&out));
        }
    }

    /// The score stays on its scale.
    #[test]
    fn a_score_is_between_one_and_four_point_four(
        expected: u64, lost: u64, jitter_ms in 0..10_000u64, round_trip_ms in 0..100_000u64
    ) {
        let score = media::mean_opinion_score(
            expected,
            lost,
            Duration::from_millis(jitter_ms),
            Some(Duration::from_millis(round_trip_ms)),
        );
        prop_assert!((1.0..=4.4).contains(&score), "{}", score);
    }
}

/// What the fuzzer has found worth keeping, and some damage to each.
#[test]
fn the_fuzz_corpus_holds_every_invariant() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../fuzz/corpus/rtp");
    let start = Instant::now();
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        media::fuzzing::relay(start, &bytes);
        for cut in 0..bytes.len() {
            media::fuzzing::relay(start, &bytes[..cut]);
            media::fuzzing::relay(start, &[&bytes[..cut], &bytes[cut + 1..]].concat());
        }
        inputs += 1;
    }
    assert!(inputs > 0, "the corpus is there");
}
