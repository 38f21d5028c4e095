//! Which address a leg listens to.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::dropped::DropReason;

/// Packets in unbroken order that an unannounced source must send before it is believed.
pub const LATCH_PACKETS: u8 = 3;

/// How long a believed source must be silent before another may take its place without a re-INVITE.
pub const RELATCH_SILENCE: Duration = Duration::from_secs(2);

/// How long an unproven source may keep others from proving themselves.
const CANDIDATE_LIFE: Duration = Duration::from_millis(100);

/// The furthest a stream may have moved on while its address changed. RFC 3550 A.1.
const DROPOUT_MAX: u16 = 3000;

/// Which sources a leg may learn besides the address in its SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// None: media comes from where the SDP says, or not at all.
    Announced,
    /// Any port of the SDP's host, and of the host the signalling comes from: a peer behind a NAT.
    SameHost {
        /// Where the leg's signalling comes from.
        signaling: Option<IpAddr>,
    },
    /// Any host at all: a peer whose media leaves by another NAT than its signalling.
    Anyone,
}

/// The source a leg believes, and how it came to.
///
/// ```text
///            announced address speaks ─────────────┐
///  Open ──┬─ permitted host, 3 packets in order ──►├─► Latched ──┐ every other source:
///         └─ anyone else: ForeignSource            │      ▲      │ ForeignSource
///                                                  │      └──────┘
///  Latched ── announced address speaks ────────────┤
///  Latched ── silent 2 s, then 3 packets in order ─┘  from the same host, or of the same stream
///  any ────── a re-INVITE announces another address ──► Open
/// ```
///
/// So a stranger who sprays packets at our ports ("RTP bleed") is never answered and never heard
/// unless he writes from a permitted host before the peer does; and even then the announced address
/// takes the leg back with its first packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latch {
    announced: Option<SocketAddr>,
    permitted: Sources,
    latched: Option<Latched>,
    candidate: Option<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Latched {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    heard: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    next: u16,
    run: u8,
    since: Instant,
}

/// What a packet shows of its stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) from: SocketAddr,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
}

impl Latch {
    pub(crate) fn new(announced: Option<SocketAddr>, permitted: Sources) -> Self {
        Self { announced, permitted, latched: None, candidate: None }
    }

    /// A new offer or answer: what was learned stays as long as the announced address does.
    pub(crate) fn announce(&mut self, announced: Option<SocketAddr>, permitted: Sources) {
        // A hold by `c=0.0.0.0` announces nothing; the peer is still where it was.
        if announced.is_some() && announced != self.announced {
            *self = Self::new(announced, permitted);
        }
        self.permitted = permitted;
    }

    /// Where the peer is: its believed source, else the announced address.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.latched.map(|latched| latched.source).or(self.announced)
    }

    /// Whether the peer was heard since it named its address.
    pub(crate) fn is_latched(&self) -> bool {
        self.latched.is_some()
    }

    /// Whether the packet may come from the leg's peer at all: asked before its authenticity is
    /// computed.
    pub(crate) fn screen(&self, now: Instant, seen: Seen) -> Result<(), DropReason> {
        let is_known = self.latched.is_some_and(|it| it.source == seen.from)
            || self.announced == Some(seen.from)
            || self.may_be_peer(now, seen);
        if is_known { Ok(()) } else { Err(DropReason::ForeignSource) }
    }

    /// Whether the packet comes from the leg's peer. The packet must be sound RTP.
    pub(crate) fn admit(&mut self, now: Instant, seen: Seen) -> Result<(), DropReason> {
        if let Some(latched) = self.latched.as_mut().filter(|it| it.source == seen.from) {
            latched.ssrc = seen.ssrc;
            latched.sequence = seen.sequence;
            latched.heard = now;
            return Ok(());
        }
        if self.announced == Some(seen.from) {
            self.believe(now, seen);
            return Ok(());
        }
        if !self.may_be_peer(now, seen) {
            return Err(DropReason::ForeignSource);
        }
        if self.prove(now, seen) < LATCH_PACKETS {
            return Err(DropReason::UnprovenSource);
        }
        self.believe(now, seen);
        Ok(())
    }

    fn believe(&mut self, now: Instant, seen: Seen) {
        let Seen { from: source, ssrc, sequence } = seen;
        self.latched = Some(Latched { source, ssrc, sequence, heard: now });
        self.candidate = None;
    }

    fn may_be_peer(&self, now: Instant, seen: Seen) -> bool {
        let permitted = match self.permitted {
            Sources::Announced => false,
            Sources::SameHost { signaling } => {
                let host = Some(seen.from.ip());
                host == self.announced.map(|it| it.ip()) || host == signaling
            }
            Sources::Anyone => true,
        };
        let Some(latched) = self.latched else { return permitted };
        if self.permitted == Sources::Announced
            || now.saturating_duration_since(latched.heard) < RELATCH_SILENCE
        {
            return false;
        }
        let same_host = latched.source.ip() == seen.from.ip();
        let ahead = seen.sequence.wrapping_sub(latched.sequence);
        let same_stream = latched.ssrc == seen.ssrc && (1..DROPOUT_MAX).contains(&ahead);
        same_host || same_stream
    }

    /// Notes one more packet of a candidate, and tells how many have come in unbroken order.
    fn prove(&mut self, now: Instant, seen: Seen) -> u8 {
        let Seen { from: source, ssrc, sequence } = seen;
        let fresh = Candidate { source, ssrc, next: sequence.wrapping_add(1), run: 1, since: now };
        let candidate = match self.candidate {
            None => fresh,
            Some(it) if it.source == source => {
                let run = if it.ssrc == ssrc && it.next == sequence { it.run + 1 } else { 1 };
                Candidate { run, since: it.since, ..fresh }
            }
            Some(it) if now.saturating_duration_since(it.since) < CANDIDATE_LIFE => return 0,
            Some(_) => fresh,
        };
        self.candidate = Some(candidate);
        candidate.run
    }
}
