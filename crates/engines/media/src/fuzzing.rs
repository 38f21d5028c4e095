//! The bodies of the fuzz targets, here so that stable tests run it too. It panics only if we are wrong.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::srtp::{Inbound, MASTER_BYTES_MAX, MasterKey, Outbound, Suite, TRAILER_BYTES_MAX};
use crate::{
    CallMediaId, Channel, Digit, Endpoint, EndpointSpec, Expects, Law, LegSpec, LegTerms,
    LocalPort, Play, PortRange, Protection, Relay, RelayConfig, Seed, SenderSpec, Side, rtcp,
};

const CALL: CallMediaId = CallMediaId(1);
const FIRST_PORT: u16 = 20_000;

/// Plays a script of datagrams, waits, holds and closes to a relay: every packet is sent or counted,
/// and no deadline stays overdue. The same datagrams go to an endpoint.
///
/// Each step is a byte that chooses it, a byte that chooses port and source, a length and as many
/// bytes of datagram.
pub fn relay(start: Instant, script: &[u8]) {
    let mut world = World::new(start);
    let mut rest = script;
    while let [kind, place, len, after @ ..] = rest {
        let (bytes, after) = after.split_at(usize::from(*len).min(after.len()));
        world.step(*kind, *place, bytes);
        rest = after;
    }
    world.close();
    assert_eq!(world.sent + world.relay.drops().total(), world.handled, "each packet once");
    assert_eq!(world.sent, world.counted, "a leg counts what leaves by it");
}

struct World {
    relay: Relay,
    endpoint: Endpoint,
    now: Instant,
    handled: u64,
    sent: u64,
    counted: u64,
}

impl World {
    fn new(now: Instant) -> Self {
        let ports = PortRange::parse(FIRST_PORT, FIRST_PORT + 7).expect("four pairs");
        let remote = peer(0);
        let spec = EndpointSpec {
            sender: SenderSpec { law: Law::Mu, payload_type: 0, telephone_event: Some(101) },
            telephone_event: Some(101),
            rtp: Some(remote),
            rtcp: Some(remote),
            protection: Protection::Clear,
        };
        let mut world = Self {
            relay: Relay::new(RelayConfig::new(ports)),
            endpoint: Endpoint::new(now, spec, Seed::of(1)),
            now,
            handled: 0,
            sent: 0,
            counted: 0,
        };
        world.open();
        world
    }

    fn step(&mut self, kind: u8, place: u8, bytes: &[u8]) {
        match kind % 8 {
            0 => {
                self.now += Duration::from_millis(u64::from(place) * 500);
                self.relay.handle_timeout(self.now);
                let overdue = self.relay.poll_timeout().filter(|(at, _)| *at <= self.now);
                assert_eq!(overdue, None);
                self.listen();
            }
            1 => {
                self.close();
                self.open();
            }
            2 => {
                let terms = if place & 2 == 0 { LegTerms::unanswered() } else { terms(place) };
                let side = if place & 1 == 0 { Side::A } else { Side::B };
                self.relay.update(self.now, CALL, side, terms).expect("the call is open");
            }
            3 => match place % 4 {
                0 => self.endpoint.echo(self.now),
                1 => self.endpoint.play(self.now, Play::Tone),
                2 => self.endpoint.play(self.now, Play::Nothing),
                _ => {
                    let digits: Vec<_> =
                        bytes.iter().copied().filter_map(Digit::of_event).collect();
                    // A refusal is an answer too.
                    let _ = self.endpoint.send_digits(self.now, &digits);
                }
            },
            _ => self.packet(place, bytes),
        }
    }

    fn packet(&mut self, place: u8, bytes: &[u8]) {
        let port = FIRST_PORT + u16::from(place & 7);
        let from = peer(place >> 3);
        self.handled += 1;
        let outcome = self.relay.handle(self.now, port, from, &mut bytes.to_vec());
        self.sent += u64::from(outcome.is_ok());
        let channel = if port.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp };
        // A refusal is an answer too.
        let _ = self.endpoint.handle(self.now, channel, from, &mut bytes.to_vec());
    }

    fn listen(&mut self) {
        let mut out = Vec::new();
        while let Some(outgoing) = self.endpoint.poll_output(self.now, &mut out) {
            let is_rtcp = outgoing.channel == Channel::Rtcp;
            assert_eq!(rtcp::is_sound(&out), is_rtcp, "an endpoint sends sound datagrams");
        }
        let due = self.endpoint.poll_timeout();
        assert!(due.is_none_or(|at| at > self.now), "nothing due is left");
    }

    fn open(&mut self) {
        let leg = |port, place| LegSpec {
            port: LocalPort::parse(port).expect("an even port"),
            terms: terms(place),
        };
        let legs = [leg(FIRST_PORT, 0), leg(FIRST_PORT + 2, 1)];
        self.relay.open(self.now, CALL, legs).expect("the ports are free");
    }

    fn close(&mut self) {
        let legs = self.relay.close(CALL).expect("the call is open");
        self.counted +=
            legs.iter().map(|it| it.rtp_packets_sent + it.rtcp_packets_sent).sum::<u64>();
    }
}

fn terms(place: u8) -> LegTerms {
    LegTerms { expects: Expects::Media, telephone_event: Some(101), ..LegTerms::to(peer(place)) }
}

fn peer(number: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, number & 3], 4000 + u16::from(number >> 2)))
}

/// Two contexts of one key with a network between them, as the first byte chooses; then steps: a
/// byte that chooses what happens, a sequence number, a length and as many bytes.
///
/// What was protected reads as it was, once, whatever else comes; no other bytes are taken.
pub fn srtp(script: &[u8]) {
    let [choice, rest @ ..] = script else { return };
    let suite = Suite::ALL[usize::from(choice & 7)];
    let key = |byte| {
        let bytes = [byte; MASTER_BYTES_MAX];
        MasterKey::parse(suite, &bytes[..suite.key_bytes() + suite.salt_bytes()])
            .expect("the suite's own length")
    };
    let mut outbound = Outbound::new(key(1));
    let mut inbound = Inbound::new(key(1), None);
    let mut rest = rest;
    while let [kind, high, low, len, after @ ..] = rest {
        let (bytes, after) = after.split_at(usize::from(*len).min(after.len()));
        rest = after;
        if kind & 0xf0 == 0xf0 {
            outbound.rekey(&key(*low));
            inbound.rekey(&key(*low), None);
            continue;
        }
        let mut datagram = bytes.to_vec();
        // Strangers' bytes, as they are.
        assert!(inbound.unprotect_rtp(&mut datagram.clone()).is_err(), "not ours");
        assert!(inbound.unprotect_rtcp(&mut datagram).is_err(), "not ours");
        exchange(&mut outbound, &mut inbound, *kind, [*high, *low], bytes);
    }
}

/// One packet from end to end: lost, damaged, repeated, or all of that.
fn exchange(
    outbound: &mut Outbound,
    inbound: &mut Inbound,
    kind: u8,
    number: [u8; 2],
    payload: &[u8],
) {
    let ssrc = kind & 3;
    let is_report = kind & 4 != 0;
    let header: &[u8] = match is_report {
        true => &[0x80, 200, 0, 0, 0, 0, 0, ssrc],
        false => &[0x80, 0, number[0], number[1], 0, 0, 0, 0, 0, 0, 0, ssrc],
    };
    let plain = [header, payload].concat();
    let mut wire = [&plain[..], &[0; TRAILER_BYTES_MAX]].concat();
    let protected = match is_report {
        true => outbound.protect_rtcp(&mut wire, plain.len()),
        false => outbound.protect_rtp(&mut wire, plain.len()),
    };
    // A number that was used before, or lies before the beginning.
    let Ok(len) = protected else { return };
    wire.truncate(len);
    let mut unprotect = |packet: &mut [u8]| match is_report {
        true => inbound.unprotect_rtcp(packet),
        false => inbound.unprotect_rtp(packet),
    };
    if kind & 8 != 0 {
        let mut damaged = wire.clone();
        let at = usize::from(kind) * 7 % damaged.len();
        damaged[at] ^= 1 << (kind >> 4 & 7);
        assert!(unprotect(&mut damaged).is_err(), "damaged");
    }
    if kind & 16 != 0 {
        return;
    }
    let mut whole = wire.clone();
    // What comes later than the window lets it is refused, and nothing else is.
    if let Ok(len) = unprotect(&mut whole) {
        assert_eq!(whole[..len], plain, "as it was");
        assert!(unprotect(&mut wire).is_err(), "twice");
    }
}
