//! What protects a leg's packets.

use crate::dropped::DropReason;
use crate::srtp::{Inbound, Keys, Outbound};

/// What protects a leg's packets, as offer and answer settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Nothing: RTP/AVP.
    Clear,
    /// Keys that are not settled yet: nothing passes.
    Awaited,
    /// SRTP and SRTCP.
    Srtp(Box<Keys>),
}

/// The same at work.
#[derive(Debug)]
pub(crate) enum Guard {
    Clear,
    Awaited,
    Srtp(Box<Contexts>),
}

/// Both directions of an encrypted leg.
#[derive(Debug)]
pub(crate) struct Contexts {
    outbound: Outbound,
    inbound: Inbound,
}

impl Guard {
    pub(crate) fn new(protection: &Protection) -> Self {
        match protection {
            Protection::Clear => Self::Clear,
            Protection::Awaited => Self::Awaited,
            Protection::Srtp(keys) => Self::Srtp(Box::new(Contexts {
                outbound: Outbound::new(keys.outbound.clone()),
                inbound: Inbound::new(keys.inbound.clone(), keys.inbound_mki),
            })),
        }
    }

    /// Takes what a later offer or answer settled; positions in streams that go on are kept.
    pub(crate) fn renew(&mut self, protection: &Protection) {
        match (self, protection) {
            (Self::Srtp(contexts), Protection::Srtp(keys)) => {
                contexts.outbound.rekey(&keys.outbound);
                contexts.inbound.rekey(&keys.inbound, keys.inbound_mki);
            }
            // Keys are being agreed on anew: what goes on meanwhile is under those that were. A context
            // thrown away and made again with the same key would use its key stream twice.
            (Self::Srtp(_), Protection::Awaited) => {}
            (guard, protection) => *guard = Self::new(protection),
        }
    }

    /// Whether packets prove by themselves who made them.
    pub(crate) fn is_srtp(&self) -> bool {
        matches!(self, Self::Srtp(_))
    }

    pub(crate) fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Outcome {
        match self {
            Self::Clear => Ok(len),
            Self::Awaited => Err(DropReason::Unkeyed),
            Self::Srtp(contexts) => contexts.outbound.protect_rtp(buffer, len),
        }
    }

    pub(crate) fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Outcome {
        match self {
            Self::Clear => Ok(len),
            Self::Awaited => Err(DropReason::Unkeyed),
            Self::Srtp(contexts) => contexts.outbound.protect_rtcp(buffer, len),
        }
    }

    pub(crate) fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Outcome {
        match self {
            Self::Clear => Ok(packet.len()),
            Self::Awaited => Err(DropReason::Unkeyed),
            Self::Srtp(contexts) => contexts.inbound.unprotect_rtp(packet),
        }
    }

    pub(crate) fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Outcome {
        match self {
            Self::Clear => Ok(packet.len()),
            Self::Awaited => Err(DropReason::Unkeyed),
            Self::Srtp(contexts) => contexts.inbound.unprotect_rtcp(packet),
        }
    }
}

/// The packet's new length, or why it goes no further.
type Outcome = Result<usize, DropReason>;
