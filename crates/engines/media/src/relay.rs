//! The relay: a table of legs and one way through it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::dropped::{DropReason, Drops};
use crate::dtmf::Digit;
use crate::keypad::{Place, Press};
use crate::leg::{
    CallMediaId, Content, Expects, Leg, LegSpec, LegTerms, RtcpArrival, RtcpTo, Side,
};
use crate::legs::Legs;
use crate::pace::UnverifiedLimit;
use crate::port::{LocalPort, PortRange};
use crate::quality::LegQuality;
use crate::rtcp;
use crate::rtp;
use crate::sender::TooManyDigits;
use crate::stream::Gaps;

/// Events waiting to be polled; more are counted and dropped, so that a peer that sends nothing but
/// digits costs no memory.
const EVENTS_MAX: usize = 4096;

/// How a relay behaves for all its calls.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// The ports that legs may have.
    pub ports: PortRange,
    /// Addresses that mean this relay, so that no call is aimed at itself.
    pub own_addresses: Vec<IpAddr>,
    /// How long an answered leg may stay without its first packet; `None` for ever.
    pub first_packet_timeout: Option<Duration>,
    /// How long a leg that was heard may fall silent; `None` for ever.
    pub silence_timeout: Option<Duration>,
    /// How long one side of a call may talk while nothing is heard of the other, before that is
    /// told; `None` for ever.
    pub one_way_after: Option<Duration>,
    /// Packets that a leg's peer may send in a second, RTP and RTCP together, with as many at once.
    pub packets_per_second_max: NonZeroU32,
    /// What a peer is sent before it is heard.
    pub unverified: UnverifiedLimit,
}

impl RelayConfig {
    /// First packet within 30 s, silence up to 60 s, one-way audio told after 10 s, 250 packets a
    /// second: G.711 in packets of 10 ms with as much again.
    pub fn new(ports: PortRange) -> Self {
        Self {
            ports,
            own_addresses: Vec::new(),
            first_packet_timeout: Some(Duration::from_secs(30)),
            silence_timeout: Some(Duration::from_secs(60)),
            one_way_after: Some(Duration::from_secs(10)),
            packets_per_second_max: NonZeroU32::new(250).expect("the number is not 0"),
            unverified: UnverifiedLimit::default(),
        }
    }
}

/// The packet goes out: from which of our ports, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Our port, even for RTP and odd for RTCP.
    pub from: u16,
    /// The peer's address.
    pub to: SocketAddr,
    /// How many bytes of the buffer go out.
    pub len: usize,
}

/// What signalling should know of a call's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A leg's peer is heard for the first time.
    FirstPacket {
        /// The call.
        call: CallMediaId,
        /// Its leg.
        side: Side,
        /// Where the packet came from.
        source: SocketAddr,
    },
    /// A leg that ought to be heard is not.
    Silent {
        /// The call.
        call: CallMediaId,
        /// Its leg.
        side: Side,
        /// Which limit was reached.
        timer: Timer,
        /// How long nothing has come.
        lasted: Duration,
    },
    /// One side of the call talks and nothing is heard of the other, though it ought to be.
    OneWay {
        /// The call.
        call: CallMediaId,
        /// The leg that nothing is heard of.
        side: Side,
        /// How long nothing has come.
        lasted: Duration,
    },
    /// A leg's peer pressed a key. Told once, when the first packet of the event arrives.
    Dtmf {
        /// The call.
        call: CallMediaId,
        /// The leg it came from.
        side: Side,
        /// The key.
        digit: Digit,
    },
}

/// Why the relay wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The first packet of a leg is due.
    FirstPacket,
    /// A leg's silence may have become too long.
    Silence,
}

/// Why a call's media cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The name is in use.
    #[error("call media {0:?} is already open")]
    CallExists(CallMediaId),
    /// The port is outside the relay's range.
    #[error("port {0} is outside the media range")]
    PortOutOfRange(u16),
    /// The port is in a call.
    #[error("port {0} is in another call, or twice in this one")]
    PortTaken(u16),
}

/// No call of that name is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call media {0:?} is not open")]
pub struct UnknownCall(pub CallMediaId);

/// Why a key cannot be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PressError {
    /// No such call is open.
    #[error(transparent)]
    UnknownCall(#[from] UnknownCall),
    /// Too many wait already.
    #[error(transparent)]
    TooManyDigits(#[from] TooManyDigits),
}

/// What stands at a port.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Unused,
    Draining,
    Leg(u32),
}

/// Calls of two legs each. See the crate's documentation.
#[derive(Debug)]
pub struct Relay {
    config: RelayConfig,
    /// The time between packets of a peer that sends as many as it may.
    every: Duration,
    slots: Box<[Slot]>,
    legs: Legs,
    calls: BTreeMap<CallMediaId, [u32; 2]>,
    deadlines: BTreeSet<(Instant, u32)>,
    events: VecDeque<Event>,
    events_lost: u64,
    drops: Drops,
    /// Of calls that are closed.
    gaps: Gaps,
}

impl Relay {
    /// A relay without calls.
    pub fn new(config: RelayConfig) -> Self {
        let slots = vec![Slot::Unused; config.ports.pairs()].into_boxed_slice();
        Self {
            every: Duration::from_secs(1) / config.packets_per_second_max.get(),
            config,
            slots,
            legs: Legs::default(),
            calls: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            events_lost: 0,
            drops: Drops::default(),
            gaps: Gaps::default(),
        }
    }

    /// [`Relay::handle_in`] for a datagram with no room behind it: enough where the other leg is in
    /// clear.
    pub fn handle(
        &mut self,
        now: Instant,
        port: u16,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Result<Sent, DropReason> {
        let len = packet.len();
        self.handle_in(now, port, from, packet, len)
    }

    /// Turns a packet that came in on `port` into the packet that leaves on the other leg.
    ///
    /// Runs once per packet: no allocation, no lock, no log line. The first `len` bytes of `buffer`
    /// are a whole datagram, which is changed in place; behind them there should be room for
    /// [`TRAILER_BYTES_MAX`](crate::srtp::TRAILER_BYTES_MAX). A refusal names its reason and is
    /// counted, so that every packet is either sent or accounted for.
    pub fn handle_in(
        &mut self,
        now: Instant,
        port: u16,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<Sent, DropReason> {
        let inbound = self.leg_at(port).inspect_err(|reason| self.drops.count(*reason))?;
        let content = self.legs[inbound].content;
        let arrival = if !port.is_multiple_of(2) {
            Some(RtcpArrival::OwnPort)
        } else if content == Content::Rtp && rtp::is_rtcp(&buffer[..len]) {
            Some(RtcpArrival::Muxed)
        } else {
            None
        };
        let outcome = match arrival {
            None if content == Content::Opaque => self.pass(now, inbound, from, len),
            None => self.forward(now, inbound, from, buffer, len),
            Some(arrival) => self.forward_rtcp(now, inbound, (from, arrival), buffer, len),
        };
        outcome.inspect_err(|reason| {
            self.drops.count(*reason);
            self.legs[inbound].drops.count(*reason);
        })
    }

    /// The socket refused what [`Relay::handle`] gave out: takes it back from the counters.
    pub fn not_sent(&mut self, sent: Sent, packet: &[u8]) {
        self.drops.count(DropReason::NotSent);
        let Ok(outbound) = self.leg_at(sent.from) else { return };
        let inbound = self.legs[outbound].peer;
        self.legs[inbound].drops.count(DropReason::NotSent);
        let leg = &mut self.legs[outbound];
        let traffic = if rtp::is_rtcp(packet) { &mut leg.rtcp_sent } else { &mut leg.rtp_sent };
        traffic.packets = traffic.packets.saturating_sub(1);
        traffic.bytes = traffic.bytes.saturating_sub(sent.len as u64);
    }

    fn forward(
        &mut self,
        now: Instant,
        inbound: u32,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<Sent, DropReason> {
        let (every, unverified) = (self.every, self.config.unverified);
        let leg = &mut self.legs[inbound];
        let taken = leg.take_rtp(now, from, &mut buffer[..len], every)?;
        let outbound = leg.peer;
        if leg.first_packet.is_none() {
            leg.first_packet = Some(now);
            self.announce_first_packet(inbound, from);
        }
        if let Some(digit) = taken.digit {
            let Leg { call, side, .. } = self.legs[inbound];
            self.emit(Event::Dtmf { call, side, digit });
        }
        let mut payload_type = taken.payload_type.ok_or(DropReason::EventTold)?;
        let mut len = taken.len;
        if let Some(keypad) = self.legs[inbound].keypad.as_deref_mut()
            && let Place::Taken { len: event, payload_type: of_event } =
                keypad.replace(buffer, len)?
        {
            (len, payload_type) = (event, of_event);
        }

        let leg = &mut self.legs[outbound];
        let to = leg.rtp_to().ok_or(DropReason::NoDestination)?;
        leg.admit_outbound(now, unverified)?;
        rtp::set_payload_type(buffer, payload_type);
        let len = leg.guard.protect_rtp(buffer, len)?;
        leg.rtp_sent.count(len);
        Ok(Sent { from: leg.port.rtp(), to, len })
    }

    /// Lets a datagram go on as it is.
    fn pass(
        &mut self,
        now: Instant,
        inbound: u32,
        from: SocketAddr,
        len: usize,
    ) -> Result<Sent, DropReason> {
        let (every, unverified) = (self.every, self.config.unverified);
        let leg = &mut self.legs[inbound];
        leg.take_opaque(now, from, len, every)?;
        let outbound = leg.peer;
        let leg = &mut self.legs[outbound];
        let to = leg.rtp_to().ok_or(DropReason::NoDestination)?;
        // Between a leg that has changed and one that has not yet, nothing fits.
        if leg.content != Content::Opaque {
            return Err(DropReason::UnmappedPayloadType);
        }
        leg.admit_outbound(now, unverified)?;
        leg.rtp_sent.count(len);
        Ok(Sent { from: leg.port.rtp(), to, len })
    }

    fn forward_rtcp(
        &mut self,
        now: Instant,
        inbound: u32,
        (from, arrival): (SocketAddr, RtcpArrival),
        buffer: &mut [u8],
        wire_len: usize,
    ) -> Result<Sent, DropReason> {
        let (every, unverified) = (self.every, self.config.unverified);
        let leg = &mut self.legs[inbound];
        let len = leg.guard.unprotect_rtcp(&mut buffer[..wire_len])?;
        let reports = rtcp::reports(&buffer[..len]).ok_or(DropReason::NotRtcp)?;
        leg.take_rtcp(now, from, arrival, wire_len, every)?;
        let outbound = leg.peer;
        let (local, to) = self.legs[outbound].rtcp_to().ok_or(DropReason::NoDestination)?;
        for report in reports {
            let leg = &mut self.legs[inbound];
            for block in report.blocks() {
                leg.round_trip.heard(now, &block);
            }
            if let Some(sender) = &report.sender {
                self.legs[outbound].round_trip.sent(now, sender);
            }
        }
        let leg = &mut self.legs[outbound];
        leg.admit_outbound(now, unverified)?;
        let len = leg.guard.protect_rtcp(buffer, len)?;
        leg.rtcp_sent.count(len);
        Ok(Sent { from: local, to, len })
    }

    /// Opens a call's media: leg A and leg B.
    pub fn open(
        &mut self,
        now: Instant,
        call: CallMediaId,
        legs: [LegSpec; 2],
    ) -> Result<(), OpenError> {
        if self.calls.contains_key(&call) {
            return Err(OpenError::CallExists(call));
        }
        let ports = [legs[0].port, legs[1].port];
        let [a, b] = legs.map(|mut leg| {
            self.unaim(&mut leg.terms, ports);
            leg
        });
        let (a_slot, b_slot) = (self.free_slot(a.port)?, self.free_slot(b.port)?);
        if a_slot == b_slot {
            return Err(OpenError::PortTaken(b.port.rtp()));
        }
        let (a_at, b_at) = (self.legs.claim(), self.legs.claim());
        self.legs.put(a_at, Leg::new(now, call, Side::A, b_at, &a));
        self.legs.put(b_at, Leg::new(now, call, Side::B, a_at, &b));
        self.slots[a_slot] = Slot::Leg(a_at);
        self.slots[b_slot] = Slot::Leg(b_at);
        self.calls.insert(call, [a_at, b_at]);
        self.schedule(a_at);
        self.schedule(b_at);
        Ok(())
    }

    /// Gives one leg the terms of a later offer or answer.
    pub fn update(
        &mut self,
        now: Instant,
        call: CallMediaId,
        side: Side,
        mut terms: LegTerms,
    ) -> Result<(), UnknownCall> {
        let legs = *self.calls.get(&call).ok_or(UnknownCall(call))?;
        let ports = legs.map(|at| self.legs[at].port);
        self.unaim(&mut terms, ports);
        let at = legs[side.index()];
        self.legs[at].renew(now, &terms);
        self.schedule(at);
        Ok(())
    }

    /// Puts another peer in the place of a leg's own: what was learned of the one before, its address
    /// and its streams' positions under SRTP, does not count for it.
    pub fn replace(
        &mut self,
        now: Instant,
        call: CallMediaId,
        side: Side,
        terms: LegTerms,
    ) -> Result<(), UnknownCall> {
        let legs = self.calls.get(&call).ok_or(UnknownCall(call))?;
        let at = legs[side.index()];
        self.legs[at].forget_peer();
        self.update(now, call, side, terms)
    }

    /// Lets a leg's peer press a key that it has told of otherwise than in its media: the other leg
    /// hears it as an RFC 4733 event, in the place of the peer's next packets of audio.
    pub fn press(&mut self, call: CallMediaId, side: Side, press: Press) -> Result<(), PressError> {
        let legs = *self.calls.get(&call).ok_or(UnknownCall(call))?;
        let leg = &mut self.legs[legs[side.index()]];
        Ok(leg.keypad.get_or_insert_default().press(press)?)
    }

    /// Ends a call's media and tells what was measured: leg A, leg B.
    ///
    /// Both ports drain from now on: late packets are counted until the ports are opened again.
    pub fn close(&mut self, call: CallMediaId) -> Result<[LegQuality; 2], UnknownCall> {
        let legs = self.calls.remove(&call).ok_or(UnknownCall(call))?;
        Ok(legs.map(|at| {
            let leg = self.legs.remove(at);
            if let Some(deadline) = leg.deadline {
                self.deadlines.remove(&(deadline, at));
            }
            let slot = self.config.ports.index(leg.port.rtp()).expect("checked when opened");
            self.slots[slot] = Slot::Draining;
            self.gaps += leg.gaps();
            leg.quality()
        }))
    }

    /// What has been measured of a call so far.
    pub fn report(&self, call: CallMediaId) -> Result<[LegQuality; 2], UnknownCall> {
        let legs = self.calls.get(&call).ok_or(UnknownCall(call))?;
        Ok(legs.map(|at| self.legs[at].quality()))
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Relay::handle_timeout`] is wanted, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        let &(at, leg) = self.deadlines.first()?;
        Some((at, timer_of(&self.legs[leg])))
    }

    /// Looks after the legs whose deadline has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(deadline, at)) = self.deadlines.first() {
            if deadline > now {
                return;
            }
            self.deadlines.pop_first();
            let leg = &mut self.legs[at];
            leg.deadline = None;
            let Leg { call, side, heard, .. } = *leg;
            let timer = timer_of(leg);
            let lasted = now.saturating_duration_since(heard);
            self.look_for_one_way(now, at);
            // Packets move `heard` alone; the deadline finds out here, once per silence limit.
            if self.limit(timer).is_some_and(|limit| lasted >= limit) {
                self.emit(Event::Silent { call, side, timer, lasted });
                self.legs[at].heard = now;
            }
            self.schedule(at);
        }
    }

    /// Whether a leg has been silent for long while the other one's peer talks.
    fn look_for_one_way(&mut self, now: Instant, at: u32) {
        let Some(after) = self.config.one_way_after else { return };
        let leg = &mut self.legs[at];
        if leg.one_way.look_at(after).is_none_or(|look_at| look_at > now) {
            return;
        }
        let (call, side, other) = (leg.call, leg.side, leg.peer);
        let lasted = now.saturating_duration_since(leg.one_way.silent_since());
        let other = &self.legs[other];
        if other.expects == Expects::Media && other.one_way.was_heard_lately(now) {
            self.legs[at].one_way.tell();
            self.emit(Event::OneWay { call, side, lasted });
        } else {
            self.legs[at].one_way.wait(now);
        }
    }

    /// Packets that went no further, of all calls and of none.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Holes in the numbering of what peers sent, of all calls: looks at every open leg.
    pub fn gaps(&self) -> Gaps {
        let mut all = self.gaps;
        self.legs.iter().for_each(|leg| all += leg.gaps());
        all
    }

    /// Calls that are open.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Events lost because nobody polled them.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    fn leg_at(&self, port: u16) -> Result<u32, DropReason> {
        let slot = self.config.ports.index(port).and_then(|slot| self.slots.get(slot));
        match slot {
            Some(Slot::Leg(at)) => Ok(*at),
            Some(Slot::Draining) => Err(DropReason::Draining),
            Some(Slot::Unused) | None => Err(DropReason::NoCall),
        }
    }

    fn free_slot(&self, port: LocalPort) -> Result<usize, OpenError> {
        let slot =
            self.config.ports.index(port.rtp()).ok_or(OpenError::PortOutOfRange(port.rtp()))?;
        match self.slots[slot] {
            Slot::Unused | Slot::Draining => Ok(slot),
            Slot::Leg(_) => Err(OpenError::PortTaken(port.rtp())),
        }
    }

    /// A peer that names our own port of this call would make packets go round for ever.
    fn unaim(&self, terms: &mut LegTerms, ports: [LocalPort; 2]) {
        let is_ours = |to: SocketAddr| {
            self.config.own_addresses.contains(&to.ip())
                && ports.iter().any(|port| [port.rtp(), port.rtcp()].contains(&to.port()))
        };
        terms.remote.rtp = terms.remote.rtp.filter(|to| !is_ours(*to));
        if let RtcpTo::Port(to) = &mut terms.remote.rtcp {
            *to = to.filter(|to| !is_ours(*to));
        }
    }

    fn limit(&self, timer: Timer) -> Option<Duration> {
        match timer {
            Timer::FirstPacket => self.config.first_packet_timeout,
            Timer::Silence => self.config.silence_timeout,
        }
    }

    /// Sets a leg's deadline anew from what it expects and has heard.
    fn schedule(&mut self, at: u32) {
        let one_way_after = self.config.one_way_after;
        let leg = &mut self.legs[at];
        let (before, expects, heard, timer) =
            (leg.deadline.take(), leg.expects, leg.heard, timer_of(leg));
        let look_at = one_way_after.and_then(|after| leg.one_way.look_at(after));
        if let Some(before) = before {
            self.deadlines.remove(&(before, at));
        }
        let silent_at = self.limit(timer).map(|limit| heard + limit);
        let next = silent_at.into_iter().chain(look_at).min();
        if let Some(deadline) = next.filter(|_| expects == Expects::Media) {
            self.legs[at].deadline = Some(deadline);
            self.deadlines.insert((deadline, at));
        }
    }

    fn announce_first_packet(&mut self, at: u32, source: SocketAddr) {
        let Leg { call, side, .. } = self.legs[at];
        self.emit(Event::FirstPacket { call, side, source });
        self.schedule(at);
    }

    fn emit(&mut self, event: Event) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        } else {
            self.events_lost += 1;
        }
    }
}

fn timer_of(leg: &Leg) -> Timer {
    if leg.first_packet.is_none() { Timer::FirstPacket } else { Timer::Silence }
}
