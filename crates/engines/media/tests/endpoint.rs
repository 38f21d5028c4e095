//! Endpoints: what they send, what they hear, and two of them talking through a relay.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::srtp::TRAILER_BYTES_MAX;
use media::{
    CallMediaId, Channel, Digit, DropReason, Endpoint, EndpointSpec, Expects, Law, LegSpec,
    LegTerms, LocalPort, Play, PortRange, Protection, Relay, RelayConfig, Reply, Seed, SenderSpec,
};

const TICK: Duration = Duration::from_millis(5);

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a sound fixture")
}

fn spec(law: Law, rtp: SocketAddr) -> EndpointSpec {
    let payload_type = match law {
        Law::Mu => 0,
        Law::A => 8,
    };
    EndpointSpec {
        sender: SenderSpec { law, payload_type, telephone_event: Some(101) },
        telephone_event: Some(101),
        rtp: Some(rtp),
        rtcp: Some(SocketAddr::new(rtp.ip(), rtp.port() + 1)),
        protection: Protection::Clear,
    }
}

fn digits(keys: &str) -> Vec<Digit> {
    keys.chars().map(|key| Digit::parse(key).expect("a sound fixture")).collect()
}

/// Everything that is due at `now`.
fn poll(endpoint: &mut Endpoint, now: Instant) -> Vec<(Channel, Vec<u8>)> {
    let mut out = Vec::new();
    let mut datagrams = Vec::new();
    while let Some(outgoing) = endpoint.poll_output(now, &mut out) {
        datagrams.push((outgoing.channel, out.clone()));
    }
    datagrams
}

fn rtp(datagrams: Vec<(Channel, Vec<u8>)>) -> Vec<Vec<u8>> {
    datagrams.into_iter().filter(|(channel, _)| *channel == Channel::Rtp).map(|it| it.1).collect()
}

/// Two endpoints with a relay between them.
struct Call {
    relay: Relay,
    caller: Endpoint,
    callee: Endpoint,
    now: Instant,
    /// Each n-th packet that leaves the relay is lost.
    lose_every: u32,
    relayed: u32,
}

const CALLER_PORT: u16 = 20_000;
const CALLEE_PORT: u16 = 20_002;

impl Call {
    fn new(law: Law) -> Self {
        let now = Instant::now();
        let mut relay = Relay::new(RelayConfig::new(
            PortRange::parse(20_000, 20_009).expect("a sound fixture"),
        ));
        let leg = |port, remote| LegSpec {
            port: LocalPort::parse(port).expect("a sound fixture"),
            terms: LegTerms {
                expects: Expects::Media,
                telephone_event: Some(101),
                ..LegTerms::to(remote)
            },
        };
        let legs =
            [leg(CALLER_PORT, Self::caller_address()), leg(CALLEE_PORT, Self::callee_address())];
        relay.open(now, CallMediaId(1), legs).expect("a sound fixture");
        let endpoint = |port, seed| {
            Endpoint::new(
                now,
                spec(law, SocketAddr::new([192, 0, 2, 1].into(), port)),
                Seed::of(seed),
            )
        };
        Self {
            relay,
            caller: endpoint(CALLER_PORT, 1),
            callee: endpoint(CALLEE_PORT, 2),
            now,
            lose_every: u32::MAX,
            relayed: 0,
        }
    }

    fn caller_address() -> SocketAddr {
        address("198.51.100.7:4000")
    }

    fn callee_address() -> SocketAddr {
        address("203.0.113.9:6000")
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += TICK;
            for (channel, bytes) in poll(&mut self.caller, self.now) {
                self.carry(CALLER_PORT, Self::caller_address(), channel, bytes);
            }
            for (channel, bytes) in poll(&mut self.callee, self.now) {
                self.carry(CALLEE_PORT, Self::callee_address(), channel, bytes);
            }
        }
    }

    /// Takes a datagram to the relay and on to the other side, and an echo all the way back.
    fn carry(&mut self, port: u16, from: SocketAddr, channel: Channel, mut bytes: Vec<u8>) {
        let above = u16::from(channel == Channel::Rtcp);
        let from = SocketAddr::new(from.ip(), from.port() + above);
        let len = bytes.len();
        bytes.resize(len + TRAILER_BYTES_MAX, 0);
        let sent = self.relay.handle_in(self.now, port + above, from, &mut bytes, len);
        let sent = sent.expect("a sound fixture");
        bytes.truncate(sent.len);
        self.relayed += 1;
        if self.relayed.is_multiple_of(self.lose_every) {
            return;
        }
        let relay = SocketAddr::new([192, 0, 2, 1].into(), sent.from);
        let is_for_callee = sent.to.ip() == Self::callee_address().ip();
        let hearer = if is_for_callee { &mut self.callee } else { &mut self.caller };
        if let Reply::Echo { len, .. } =
            hearer.handle(self.now, channel, relay, &mut bytes).expect("a sound fixture")
        {
            bytes.truncate(len);
            self.carry(CALLEE_PORT, Self::callee_address(), Channel::Rtp, bytes);
        }
    }
}

#[test]
fn a_tone_goes_out_in_packets_of_twenty_milliseconds() {
    let start = Instant::now();
    let mut endpoint = Endpoint::new(
        start,
        spec(Law::Mu, Call::callee_address()),
        Seed { ssrc: 9, sequence: 65_535, timestamp: 0 },
    );
    assert_eq!(endpoint.poll_timeout(), None, "nothing is played yet");
    endpoint.play(start, Play::Tone);
    let mut packets = Vec::new();
    for tick in 0..=20 {
        packets.extend(rtp(poll(&mut endpoint, start + TICK * tick)));
    }
    let headers: Vec<_> = packets.iter().map(|packet| Header::parse(packet).unwrap()).collect();
    assert_eq!(packets.len(), 6, "at 0, 20, 40, 60, 80 and 100 ms");
    assert!(packets.iter().all(|packet| packet.len() == 172));
    assert_eq!(headers.iter().map(|it| it.sequence).collect::<Vec<_>>(), [65_535, 0, 1, 2, 3, 4]);
    assert_eq!(
        headers.iter().map(|it| it.timestamp).collect::<Vec<_>>(),
        [0, 160, 320, 480, 640, 800]
    );
    assert_eq!(headers[0].marker, Marker::Set);
    assert!(headers[1..].iter().all(|header| header.marker == Marker::Clear && header.ssrc == 9));
    assert_eq!(endpoint.poll_timeout(), Some(start + Duration::from_millis(120)));
}

#[test]
fn a_stalled_loop_makes_no_burst() {
    let start = Instant::now();
    let mut endpoint = Endpoint::new(start, spec(Law::Mu, Call::callee_address()), Seed::of(1));
    endpoint.play(start, Play::Tone);
    let first = rtp(poll(&mut endpoint, start));
    let after = rtp(poll(&mut endpoint, start + Duration::from_secs(3)));
    assert_eq!((first.len(), after.len()), (1, 1));
    let at = |packet: &[u8]| Header::parse(packet).unwrap().timestamp;
    assert_eq!(
        at(&after[0]).wrapping_sub(at(&first[0])),
        24_000,
        "the time is counted all the same"
    );
}

#[test]
fn digits_are_events_of_their_own_time_and_take_the_place_of_audio() {
    let start = Instant::now();
    let mut endpoint = Endpoint::new(start, spec(Law::Mu, Call::callee_address()), Seed::of(1));
    endpoint.send_digits(start, &digits("1#")).unwrap();
    let mut packets = Vec::new();
    for tick in 0..200 {
        packets.extend(rtp(poll(&mut endpoint, start + TICK * tick)));
    }
    assert_eq!(packets.len(), 14, "seven packets each");
    let headers: Vec<_> = packets.iter().map(|packet| Header::parse(packet).unwrap()).collect();
    assert!(headers.iter().all(|header| header.payload_type == 101));
    let marked: Vec<_> = headers.iter().map(|header| header.marker == Marker::Set).collect();
    assert_eq!(marked.iter().filter(|it| **it).count(), 2);
    assert!(marked[0] && marked[7]);
    assert!(headers[..7].iter().all(|header| header.timestamp == headers[0].timestamp));
    assert_eq!(headers[7].timestamp.wrapping_sub(headers[0].timestamp), 1600);
    let last_three = &packets[4..7];
    assert!(last_three.iter().all(|packet| packet[12..] == [1, 0x8a, 0x03, 0x20]), "ended thrice");
    assert!(!endpoint.is_sending_digits());
}

#[test]
fn more_digits_than_may_wait_are_refused_whole() {
    let now = Instant::now();
    let mut endpoint = Endpoint::new(now, spec(Law::Mu, Call::callee_address()), Seed::of(1));
    assert!(endpoint.send_digits(now, &digits(&"1".repeat(65))).is_err());
    assert!(!endpoint.is_sending_digits());
}

#[test]
fn an_echoed_tone_is_heard_by_the_one_who_sent_it() {
    for law in [Law::Mu, Law::A] {
        let mut call = Call::new(law);
        call.callee.echo(call.now);
        call.caller.play(call.now, Play::Tone);
        call.run(Duration::from_secs(3));
        let (caller, callee) = (call.caller.report(), call.callee.report());
        assert!(callee.heard.has_tone(), "{law:?}: {callee:?}");
        assert!(caller.heard.has_tone(), "{law:?}: {caller:?}");
        assert_eq!(caller.heard.packets, caller.packets_sent);
        assert_eq!((caller.heard.packets_lost, callee.heard.packets_lost), (0, 0));
        assert_eq!((caller.packets_refused, callee.packets_refused), (0, 0));
        assert!(caller.round_trip.is_some() && callee.round_trip.is_some(), "{caller:?}");
        assert!(caller.mos.is_some_and(|mos| mos > 4.3), "{caller:?}");
        let [a, b] = call.relay.close(CallMediaId(1)).unwrap();
        assert!(a.round_trip.is_some() && b.round_trip.is_some(), "{a:?}");
        assert_eq!(a.drops.total() + b.drops.total(), 0);
    }
}

#[test]
fn digits_arrive_each_once_even_when_packets_are_lost() {
    let mut call = Call::new(Law::Mu);
    call.lose_every = 4;
    call.callee.play(call.now, Play::Silence);
    call.run(Duration::from_millis(500));
    call.callee.send_digits(call.now, &digits("1123#")).unwrap();
    call.run(Duration::from_secs(2));
    assert_eq!(call.caller.report().heard.digits, "1123#");
    let told: Vec<_> = std::iter::from_fn(|| call.relay.poll_event())
        .filter_map(|event| match event {
            media::Event::Dtmf { digit, .. } => Some(digit.key()),
            media::Event::FirstPacket { .. }
            | media::Event::Silent { .. }
            | media::Event::OneWay { .. } => None,
        })
        .collect();
    assert_eq!(told, ['1', '1', '2', '3', '#']);
}

#[test]
fn loss_on_the_way_is_seen_by_the_hearer() {
    let mut call = Call::new(Law::Mu);
    call.lose_every = 10;
    call.caller.play(call.now, Play::Tone);
    call.run(Duration::from_secs(4));
    let heard = call.callee.report().heard;
    let percent = 100 * heard.packets_lost / heard.packets_expected;
    assert!((8..=11).contains(&percent), "{heard:?}");
    assert!(call.callee.report().mos.is_some_and(|mos| mos < 3.7));
}

#[test]
fn silence_is_not_taken_for_a_tone() {
    let mut call = Call::new(Law::Mu);
    call.caller.play(call.now, Play::Silence);
    call.run(Duration::from_secs(1));
    let heard = call.callee.report().heard;
    assert!(!heard.has_tone() && heard.silence_packets >= 49, "{heard:?}");
}

#[test]
fn packets_of_anyone_else_are_refused() {
    let now = Instant::now();
    let mut endpoint = Endpoint::new(now, spec(Law::Mu, Call::callee_address()), Seed::of(1));
    let header =
        Header { payload_type: 0, marker: Marker::Clear, sequence: 1, timestamp: 1, ssrc: 1 };
    let stranger = address("192.0.2.66:5555");
    for channel in [Channel::Rtp, Channel::Rtcp] {
        let refused = endpoint.handle(now, channel, stranger, &mut header.print());
        assert_eq!(refused, Err(DropReason::ForeignSource));
    }
    let unknown = Header { payload_type: 77, ..header };
    let refused = endpoint.handle(now, Channel::Rtp, Call::callee_address(), &mut unknown.print());
    assert_eq!(refused, Err(DropReason::UnmappedPayloadType));
    assert_eq!(endpoint.report().packets_refused, 3);
}

#[test]
fn a_held_endpoint_sends_nothing_and_goes_on_afterwards() {
    let start = Instant::now();
    let terms = spec(Law::Mu, Call::callee_address());
    let mut endpoint = Endpoint::new(start, terms.clone(), Seed::of(1));
    endpoint.play(start, Play::Tone);
    assert_eq!(rtp(poll(&mut endpoint, start)).len(), 1);
    endpoint.agree(EndpointSpec { rtp: None, rtcp: None, ..terms.clone() });
    assert_eq!(endpoint.poll_timeout(), None);
    assert_eq!(poll(&mut endpoint, start + Duration::from_secs(1)), []);
    endpoint.agree(terms);
    assert_eq!(rtp(poll(&mut endpoint, start + Duration::from_secs(2))).len(), 1);
}
