//! One side of a relayed call.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::dropped::{DropReason, Drops};
use crate::dtmf::{Digit, EventTap, TelephoneEvent};
use crate::guard::{Guard, Protection};
use crate::keypad::Keypad;
use crate::latch::{Latch, Seen, Sources};
use crate::mos::mean_opinion_score;
use crate::one_way::OneWay;
use crate::pace::{Pace, Unverified, UnverifiedLimit};
use crate::port::LocalPort;
use crate::quality::LegQuality;
use crate::round_trip::RoundTrip;
use crate::rtp::{self, Header};
use crate::stream::{Gaps, StreamStats};

/// A call's name in the media plane, chosen by whoever opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallMediaId(pub u64);

/// Which leg of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The leg the call came in on.
    A,
    /// The leg the call goes out on.
    B,
}

impl Side {
    /// The other leg.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Position in a pair of legs.
    pub const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// A leg to open.
#[derive(Debug, Clone)]
pub struct LegSpec {
    /// The local pair the leg's peer sends to.
    pub port: LocalPort,
    /// What offer and answer settled, as far as they have.
    pub terms: LegTerms,
}

/// What an offer or answer says of a leg; a re-INVITE brings new ones.
#[derive(Debug, Clone)]
pub struct LegTerms {
    /// Where the peer wants its media.
    pub remote: Remote,
    /// Which sources the leg may learn besides `remote`.
    pub sources: Sources,
    /// What the peer's payload types become on the other leg.
    pub payload_types: PayloadMap,
    /// The payload type of the peer's RFC 4733 events.
    pub telephone_event: Option<u8>,
    /// What becomes of those events.
    pub events: Events,
    /// Whether silence means that something is wrong.
    pub expects: Expects,
    /// What the leg carries.
    pub content: Content,
    /// What protects the leg's packets.
    pub protection: Protection,
}

/// What becomes of a peer's RFC 4733 events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// They go on, like all media.
    Relayed,
    /// They end here: the other side has no type for them, and is told of each key otherwise.
    Told,
}

/// What a leg carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// RTP.
    Rtp,
    /// Datagrams that are nobody's business here: T.38 over UDPTL. They are neither read nor changed,
    /// and never protected; their source is believed by its address alone.
    Opaque,
}

impl LegTerms {
    /// Media to and from `rtp` (RTCP one port above), learning ports of the same host, all payload
    /// types as they are.
    pub fn to(rtp: SocketAddr) -> Self {
        Self { remote: Remote::at(rtp), ..Self::unanswered() }
    }

    /// A leg whose peer has not said yet where it is.
    pub fn unanswered() -> Self {
        Self {
            remote: Remote { rtp: None, rtcp: RtcpTo::Port(None) },
            sources: Sources::SameHost { signaling: None },
            payload_types: PayloadMap::IDENTITY,
            telephone_event: None,
            events: Events::Relayed,
            expects: Expects::Nothing,
            content: Content::Rtp,
            protection: Protection::Clear,
        }
    }
}

/// Where a peer wants its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// RTP; `None` before an answer and while held by `c=0.0.0.0`.
    pub rtp: Option<SocketAddr>,
    /// RTCP.
    pub rtcp: RtcpTo,
}

impl Remote {
    /// RTP at `rtp`, RTCP one port above.
    pub fn at(rtp: SocketAddr) -> Self {
        let rtcp = rtp.port().checked_add(1).map(|port| SocketAddr::new(rtp.ip(), port));
        Self { rtp: Some(rtp), rtcp: RtcpTo::Port(rtcp) }
    }
}

/// Where a peer wants its RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtcpTo {
    /// At an address of its own; `None` if it has none.
    Port(Option<SocketAddr>),
    /// Together with RTP. RFC 5761; agreed on in both offer and answer.
    Mux,
}

/// Whether a leg's peer ought to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// Media: a long silence is reported.
    Media,
    /// Nothing: not answered yet, or on hold.
    Nothing,
}

/// What each payload type of one leg becomes on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadMap([u8; 128]);

const UNMAPPED: u8 = 0xff;

impl PayloadMap {
    /// Every payload type passes as it is.
    pub const IDENTITY: Self = {
        let mut map = [0; 128];
        let mut number = 0;
        while number < map.len() {
            map[number] = number as u8;
            number += 1;
        }
        Self(map)
    };

    /// Only these pass, each `(theirs, ours)`; numbers above 127 are left out.
    pub fn of(pairs: impl IntoIterator<Item = (u8, u8)>) -> Self {
        let mut map = [UNMAPPED; 128];
        for (from, to) in pairs {
            if let Some(slot) = map.get_mut(usize::from(from)).filter(|_| to < 128) {
                *slot = to;
            }
        }
        Self(map)
    }

    /// What `payload_type` becomes.
    pub fn map(&self, payload_type: u8) -> Option<u8> {
        self.0.get(usize::from(payload_type)).copied().filter(|to| *to != UNMAPPED)
    }
}

/// Packets and bytes in one direction, as they are on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// One leg at work.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) call: CallMediaId,
    pub(crate) side: Side,
    /// Where the other leg is in the table.
    pub(crate) peer: u32,
    pub(crate) port: LocalPort,
    pub(crate) expects: Expects,
    pub(crate) opened: Instant,
    /// When the silence now running began; meaningful while `expects` is [`Expects::Media`].
    pub(crate) heard: Instant,
    pub(crate) first_packet: Option<Instant>,
    /// Whether only the other side can be heard.
    pub(crate) one_way: OneWay,
    pub(crate) deadline: Option<Instant>,
    pub(crate) drops: Drops,
    pub(crate) rtp_received: Traffic,
    pub(crate) rtp_sent: Traffic,
    pub(crate) rtcp_received: Traffic,
    pub(crate) rtcp_sent: Traffic,
    pub(crate) round_trip: RoundTrip,
    pub(crate) guard: Guard,
    pub(crate) content: Content,
    opaque_packets: u16,
    held: bool,
    pace: Pace,
    unverified: Unverified,
    latch: Latch,
    rtcp: RtcpTo,
    rtcp_source: Option<SocketAddr>,
    payload_types: PayloadMap,
    telephone_event: Option<u8>,
    events: Events,
    stream: StreamStats,
    tap: EventTap,
    /// Keys that the peer presses by other means; there is one once it has.
    pub(crate) keypad: Option<Box<Keypad>>,
}

/// What a leg made of a packet of its peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// The packet's length in its buffer, without the leg's protection.
    pub(crate) len: usize,
    /// The payload type on the other leg; `None` for an event that ends here.
    pub(crate) payload_type: Option<u8>,
    pub(crate) digit: Option<Digit>,
}

impl Leg {
    pub(crate) fn new(
        now: Instant,
        call: CallMediaId,
        side: Side,
        peer: u32,
        spec: &LegSpec,
    ) -> Self {
        let LegSpec { port, terms } = spec;
        Self {
            call,
            side,
            peer,
            port: *port,
            expects: terms.expects,
            opened: now,
            heard: now,
            first_packet: None,
            one_way: OneWay::new(now),
            deadline: None,
            drops: Drops::default(),
            rtp_received: Traffic::default(),
            rtp_sent: Traffic::default(),
            rtcp_received: Traffic::default(),
            rtcp_sent: Traffic::default(),
            round_trip: RoundTrip::default(),
            content: terms.content,
            opaque_packets: 0,
            guard: Guard::new(&terms.protection),
            held: terms.remote.rtp.is_none(),
            pace: Pace::new(now),
            unverified: Unverified::default(),
            latch: Latch::new(terms.remote.rtp, terms.sources),
            rtcp: terms.remote.rtcp,
            rtcp_source: None,
            payload_types: terms.payload_types,
            telephone_event: terms.telephone_event,
            events: terms.events,
            stream: StreamStats::new(now),
            tap: EventTap::default(),
            keypad: None,
        }
    }

    /// Another peer is on the leg from now on; its terms follow. Nothing passes before they do.
    pub(crate) fn forget_peer(&mut self) {
        self.latch = Latch::new(None, Sources::Announced);
        self.rtcp_source = None;
        self.guard = Guard::new(&Protection::Awaited);
    }

    /// New terms from a later offer or answer.
    pub(crate) fn renew(&mut self, now: Instant, terms: &LegTerms) {
        let before = self.latch.peer();
        self.latch.announce(terms.remote.rtp, terms.sources);
        if self.latch.peer() != before || self.rtcp != terms.remote.rtcp {
            self.rtcp_source = None;
        }
        self.content = terms.content;
        self.held = terms.remote.rtp.is_none();
        self.rtcp = terms.remote.rtcp;
        self.payload_types = terms.payload_types;
        self.telephone_event = terms.telephone_event;
        self.events = terms.events;
        self.guard.renew(&terms.protection);
        if self.expects != terms.expects {
            self.expects = terms.expects;
            self.heard = now;
            self.one_way = OneWay::new(now);
        }
    }

    /// Lets one more packet go to the peer. To one that has not been heard from its address yet only
    /// so many go: the address may be anybody's.
    pub(crate) fn admit_outbound(
        &mut self,
        now: Instant,
        limit: UnverifiedLimit,
    ) -> Result<(), DropReason> {
        if self.latch.is_latched() || self.rtcp_source.is_some() {
            return Ok(());
        }
        self.unverified.spend(now, limit)
    }

    /// Where RTP for the peer goes.
    pub(crate) fn rtp_to(&self) -> Option<SocketAddr> {
        if self.held { None } else { self.latch.peer() }
    }

    /// Where RTCP for the peer goes, and the local port it leaves by. A held peer still gets it
    /// (RFC 3264 §5.1: RTCP flows whatever the direction).
    pub(crate) fn rtcp_to(&self) -> Option<(u16, SocketAddr)> {
        match self.rtcp {
            RtcpTo::Mux => self.latch.peer().map(|to| (self.port.rtp(), to)),
            RtcpTo::Port(announced) => {
                self.rtcp_source.or(announced).map(|to| (self.port.rtcp(), to))
            }
        }
    }

    /// Takes a datagram that came in on the leg's RTP port; `every` is the time between packets of a
    /// peer that sends as many as it may.
    pub(crate) fn take_rtp(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
        every: Duration,
    ) -> Result<Taken, DropReason> {
        let len = self.unprotect(now, from, datagram)?;
        let (wire_len, packet) = (datagram.len(), &datagram[..len]);
        let header = Header::parse(packet).ok_or(DropReason::NotRtp)?;
        let is_event = self.telephone_event == Some(header.payload_type);
        let payload_type = self.payload_types.map(header.payload_type);
        let payload_type = match self.events {
            Events::Told if is_event => None,
            Events::Told | Events::Relayed => {
                Some(payload_type.ok_or(DropReason::UnmappedPayloadType)?)
            }
        };
        let before = self.latch.peer();
        self.latch.admit(now, Seen { from, ssrc: header.ssrc, sequence: header.sequence })?;
        if self.latch.peer() != before {
            self.rtcp_source = None;
        }
        self.pace.take(now, every)?;

        self.heard = now;
        self.unverified = Unverified::default();
        self.one_way.hear(now);
        self.rtp_received.count(wire_len);
        if !is_event {
            self.stream.hear(now, header.ssrc, header.sequence, header.timestamp);
            return Ok(Taken { len, payload_type, digit: None });
        }
        self.stream.hear_event(header.ssrc, header.sequence);
        let digit = rtp::payload(packet)
            .and_then(TelephoneEvent::parse)
            .and_then(|event| self.tap.hear(header.ssrc, header.timestamp, event));
        Ok(Taken { len, payload_type, digit })
    }

    /// Takes a datagram that is no RTP: where it comes from is all that is looked at.
    pub(crate) fn take_opaque(
        &mut self,
        now: Instant,
        from: SocketAddr,
        len: usize,
        every: Duration,
    ) -> Result<(), DropReason> {
        self.opaque_packets = self.opaque_packets.wrapping_add(1);
        // A stream of its own for each source, so that nobody passes for the peer by its stream.
        let seen = Seen { from, ssrc: stream_of(from), sequence: self.opaque_packets };
        self.latch.admit(now, seen)?;
        self.pace.take(now, every)?;
        self.heard = now;
        self.unverified = Unverified::default();
        self.rtp_received.count(len);
        Ok(())
    }

    /// Takes the protection off a packet, in place. Packets of hosts that are no peer of this leg are
    /// not worth the computing.
    fn unprotect(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Result<usize, DropReason> {
        if self.guard.is_srtp() {
            let (ssrc, sequence) = rtp::source(datagram).ok_or(DropReason::NotRtp)?;
            self.latch.screen(now, Seen { from, ssrc, sequence })?;
        }
        self.guard.unprotect_rtp(datagram)
    }

    /// Takes a report of the peer that was read, of that length on the wire.
    pub(crate) fn take_rtcp(
        &mut self,
        now: Instant,
        from: SocketAddr,
        arrival: RtcpArrival,
        wire_len: usize,
        every: Duration,
    ) -> Result<(), DropReason> {
        match arrival {
            RtcpArrival::Muxed if self.latch.peer() == Some(from) => {}
            RtcpArrival::Muxed => return Err(DropReason::ForeignSource),
            RtcpArrival::OwnPort => self.admit_rtcp(from)?,
        }
        self.pace.take(now, every)?;
        self.heard = now;
        self.rtcp_received.count(wire_len);
        Ok(())
    }

    /// RTCP is believed from its announced address, else from the first port on the RTP peer's host.
    fn admit_rtcp(&mut self, from: SocketAddr) -> Result<(), DropReason> {
        if self.rtcp_source == Some(from) {
            return Ok(());
        }
        let announced = match self.rtcp {
            RtcpTo::Port(announced) => announced,
            RtcpTo::Mux => None,
        };
        let is_first_of_host = self.rtcp_source.is_none() && self.host() == Some(from.ip());
        if announced != Some(from) && !is_first_of_host {
            return Err(DropReason::ForeignSource);
        }
        self.rtcp_source = Some(from);
        Ok(())
    }

    fn host(&self) -> Option<IpAddr> {
        self.latch.peer().map(|peer| peer.ip())
    }

    /// Holes in the numbering of the peer's packets.
    pub(crate) fn gaps(&self) -> Gaps {
        self.stream.gaps()
    }

    /// What the leg's statistics come to.
    pub(crate) fn quality(&self) -> LegQuality {
        let expected = self.stream.packets_expected();
        let lost = self.stream.packets_lost();
        let jitter = self.stream.jitter();
        let round_trip = self.round_trip.last();
        let heard_any = self.rtp_received.packets > 0;
        LegQuality {
            rtp_packets_received: self.rtp_received.packets,
            rtp_bytes_received: self.rtp_received.bytes,
            rtp_packets_sent: self.rtp_sent.packets,
            rtp_bytes_sent: self.rtp_sent.bytes,
            rtcp_packets_received: self.rtcp_received.packets,
            rtcp_bytes_received: self.rtcp_received.bytes,
            rtcp_packets_sent: self.rtcp_sent.packets,
            rtcp_bytes_sent: self.rtcp_sent.bytes,
            packets_expected: expected,
            packets_lost: lost,
            jitter,
            jitter_max: self.stream.jitter_max(),
            round_trip,
            mos: heard_any.then(|| mean_opinion_score(expected, lost, jitter, round_trip)),
            first_packet_after: self.first_packet.map(|at| self.since_opened(at)),
            remote: self.latch.peer(),
            drops: self.drops,
        }
    }

    fn since_opened(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.opened)
    }
}

/// A stream's number that differs from source to source.
fn stream_of(from: SocketAddr) -> u32 {
    let host = match from.ip() {
        IpAddr::V4(v4) => v4.to_bits(),
        IpAddr::V6(v6) => v6
            .segments()
            .iter()
            .fold(0, |all: u32, segment| all.wrapping_mul(0x0100_0193) ^ u32::from(*segment)),
    };
    host.wrapping_mul(0x9e37_79b1).wrapping_add(from.port().into())
}

/// Which port RTCP came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RtcpArrival {
    /// The leg's RTCP port.
    OwnPort,
    /// The leg's RTP port. RFC 5761.
    Muxed,
}
