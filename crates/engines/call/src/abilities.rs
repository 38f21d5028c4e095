//! What we and a peer can do beyond the base protocol.

use arrayvec::ArrayVec;
use sip_core::session;
use sip_message::{Message, Method, Name};

use crate::config::{Config, ReliableProgress};

/// The option tags that we understand (RFC 3261 §19.2).
pub(crate) fn extensions(config: &Config) -> ArrayVec<&'static str, 2> {
    let mut tags = ArrayVec::new();
    if config.reliable != ReliableProgress::Never {
        tags.push("100rel");
    }
    if config.session.is_some() {
        tags.push(session::EXTENSION);
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
