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
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::NoCall,
        Self::Draining,
        Self::NotRtp,
        Self::NotRtcp,
        Self::UnmappedPayloadType,
        Self::ForeignSource,
        Self::UnprovenSource,
        Self::NoDestination,
        Self::NotSent,
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
