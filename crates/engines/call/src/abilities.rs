//! What we and a peer can do beyond the base protocol.

use arrayvec::ArrayVec;
use sip_core::session;
use sip_message::{Message, Method, Name};

use crate::config::{Config, ReliableProgress, ReplacesPolicy};

/// Whom a leg leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// Somebody at a connector.
    Customer,
    /// A carrier, or a place that a carrier named.
    Carrier,
}

/// The option tags that we understand in what comes from that side (RFC 3261 §19.2): only a
/// connector's own legs are replaced.
pub(crate) fn extensions(config: &Config, toward: Toward) -> ArrayVec<&'static str, 3> {
    let mut tags = ArrayVec::new();
    if config.reliable != ReliableProgress::Never {
        tags.push("100rel");
    }
    if config.session.is_some() {
        tags.push(session::EXTENSION);
    }
    if config.replaces == ReplacesPolicy::CarryOut && toward == Toward::Customer {
        tags.push("replaces");
    }
    tags
}

/// The methods that a peer has said it takes, as far as they matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Abilities(u8);

impl Abilities {
    const BITS: [(Method<'static>, u8); 2] = [(Method::Update, 1), (Method::Info, 2)];

    fn bit(method: Method<'_>) -> u8 {
        Self::BITS.iter().find(|(known, _)| *known == method).map_or(0, |(_, bit)| *bit)
    }

    /// Takes note of Allow, if the message has one: it replaces what was known.
    pub(crate) fn learn(&mut self, message: &Message<'_>) {
        if message.contains(Name::Allow) {
            self.0 = message.allow().map(Self::bit).fold(0, |all, bit| all | bit);
        }
    }

    /// Whether the peer takes UPDATE or INFO.
    pub(crate) fn takes(self, method: Method<'_>) -> bool {
        self.0 & Self::bit(method) != 0
    }

    /// The peer said that it takes the method, and refused it.
    pub(crate) fn forget(&mut self, method: Method<'_>) {
        self.0 &= !Self::bit(method);
    }
}
