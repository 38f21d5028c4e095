//! Why a packet is not sent on, and how many were not.

use std::ops::{AddAssign, Index};

/// Why a packet goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The port belongs to no call.
    NoCall,
    /// The port's call has ended; late packets drain here until the port is used again.
    Draining,
    /// The bytes are no RTP packet. RFC 3550 §5.1.
    NotRtp,
    /// The bytes are no RTCP packet. RFC 3550 §6.1.
    NotRtcp,
    /// The payload type is not among those agreed on for the leg.
    UnmappedPayloadType,
    /// The packet came from an address that this leg does not listen to.
    ForeignSource,
    /// The address may be the peer behind a NAT, and has not yet proven to be a steady stream.
    UnprovenSource,
    /// The other leg has no address to send to: not answered yet, or on hold.
    NoDestination,
    /// The socket did not take the packet.
    NotSent,
    /// The leg is encrypted and its keys are not settled yet.
    Unkeyed,
    /// The leg is encrypted and the packet is not by the peer's key. RFC 3711 §3.3.
    NotAuthentic,
    /// The packet was there before, or is too old for anybody to know. RFC 3711 §3.3.2.
    Replayed,
    /// The packet is too long for the tag that belongs behind it.
    NoRoom,
    /// As many packets as a key is good for were protected by it. RFC 3711 §9.2.
    KeyExhausted,
    /// The peer sends more packets than any call needs.
    TooFast,
    /// The other leg's peer has never been heard from the address it named, and has been sent as
    /// much as an address that may be somebody else's is sent.
    Unverified,
    /// The packet is of a telephone event, and the other side is told of it otherwise.
    EventTold,
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::NoCall,
        Self::Draining,
        Self::NotRtp,
        Self::NotRtcp,
        Self::UnmappedPayloadType,
        Self::ForeignSource,
        Self::UnprovenSource,
        Self::NoDestination,
        Self::NotSent,
        Self::Unkeyed,
        Self::NotAuthentic,
        Self::Replayed,
        Self::NoRoom,
        Self::KeyExhausted,
        Self::TooFast,
        Self::Unverified,
        Self::EventTold,
    ];

    /// The reason's short name, for metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCall => "no_call",
            Self::Draining => "draining",
            Self::NotRtp => "not_rtp",
            Self::NotRtcp => "not_rtcp",
            Self::UnmappedPayloadType => "unmapped_payload_type",
            Self::ForeignSource => "foreign_source",
            Self::UnprovenSource => "unproven_source",
            Self::NoDestination => "no_destination",
            Self::NotSent => "not_sent",
            Self::Unkeyed => "unkeyed",
            Self::NotAuthentic => "not_authentic",
            Self::Replayed => "replayed",
            Self::NoRoom => "no_room",
            Self::KeyExhausted => "key_exhausted",
            Self::TooFast => "too_fast",
            Self::Unverified => "unverified",
            Self::EventTold => "event_told",
        }
    }
}

/// Packets not sent on, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::COUNT]);

impl Drops {
    /// Counts one packet.
    pub fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// All reasons together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self[reason]))
    }
}

impl Index<DropReason> for Drops {
    type Output = u64;

    fn index(&self, reason: DropReason) -> &u64 {
        &self.0[reason as usize]
    }
}

impl AddAssign for Drops {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
