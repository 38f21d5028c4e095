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
pub(crate) struct Guard {
    state: State,
    /// The contexts of the last keys. They outlive media in clear: a key that comes back goes on where
    /// it was, because one begun anew would use its key stream twice.
    contexts: Option<Box<Contexts>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Clear,
    Awaited,
    Srtp,
}

/// Both directions of an encrypted leg.
#[derive(Debug)]
struct Contexts {
    outbound: Outbound,
    inbound: Inbound,
}

impl Contexts {
    fn new(keys: &Keys) -> Self {
        Self {
            outbound: Outbound::new(keys.outbound.clone()),
            inbound: Inbound::new(keys.inbound.clone(), keys.inbound_mki),
        }
    }

    fn rekey(&mut self, keys: &Keys) {
        self.outbound.rekey(&keys.outbound);
        self.inbound.rekey(&keys.inbound, keys.inbound_mki);
    }
}

impl Guard {
    pub(crate) fn new(protection: &Protection) -> Self {
        let mut guard = Self { state: State::Clear, contexts: None };
        guard.renew(protection);
        guard
    }

    /// Takes what a later offer or answer settled; positions in streams that go on are kept.
    pub(crate) fn renew(&mut self, protection: &Protection) {
        self.state = match (self.state, protection) {
            (_, Protection::Clear) => State::Clear,
            // Keys are being agreed on anew: what goes on meanwhile is under those that were.
            (State::Srtp, Protection::Awaited) => State::Srtp,
            (State::Clear | State::Awaited, Protection::Awaited) => State::Awaited,
            (before, Protection::Srtp(keys)) => {
                match &mut self.contexts {
                    Some(contexts)
                        if before == State::Srtp || contexts.outbound.is_by(&keys.outbound) =>
                    {
                        contexts.rekey(keys);
                    }
                    // After media in clear, new keys begin streams anew, as they do for the peer.
                    contexts => *contexts = Some(Box::new(Contexts::new(keys))),
                }
                State::Srtp
            }
        };
    }

    /// Whether packets prove by themselves who made them.
    pub(crate) fn is_srtp(&self) -> bool {
        self.state == State::Srtp
    }

    fn contexts(&mut self) -> &mut Contexts {
        self.contexts.as_mut().expect("an encrypted leg has contexts")
    }

    pub(crate) fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Outcome {
        match self.state {
            State::Clear => Ok(len),
            State::Awaited => Err(DropReason::Unkeyed),
            State::Srtp => self.contexts().outbound.protect_rtp(buffer, len),
        }
    }

    pub(crate) fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Outcome {
        match self.state {
            State::Clear => Ok(len),
            State::Awaited => Err(DropReason::Unkeyed),
            State::Srtp => self.contexts().outbound.protect_rtcp(buffer, len),
        }
    }

    pub(crate) fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Outcome {
        match self.state {
            State::Clear => Ok(packet.len()),
            State::Awaited => Err(DropReason::Unkeyed),
            State::Srtp => self.contexts().inbound.unprotect_rtp(packet),
        }
    }

    pub(crate) fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Outcome {
        match self.state {
            State::Clear => Ok(packet.len()),
            State::Awaited => Err(DropReason::Unkeyed),
            State::Srtp => self.contexts().inbound.unprotect_rtcp(packet),
        }
    }
}

/// The packet's new length, or why it goes no further.
type Outcome = Result<usize, DropReason>;
