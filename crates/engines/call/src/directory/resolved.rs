//! Where a host is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::CarrierLookup;
use sip_message::{PeerId, Transport};

/// One way to reach a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// Lower is tried first, as in SRV records (RFC 2782).
    pub priority: u16,
    /// What messages are carried by.
    pub transport: Transport,
    /// Where they go.
    pub address: SocketAddr,
    /// Whom we take the other end for; matters over TLS.
    pub peer: PeerId,
    /// The share among ways of equal priority; one without is tried when nothing else is left, or
    /// nearly so.
    pub weight: u16,
}

impl Hop {
    /// The only way, or one among equals.
    pub const fn new(transport: Transport, address: SocketAddr) -> Self {
        Self { priority: 0, transport, address, peer: PeerId::ANYBODY, weight: 1 }
    }
}

/// Every way to reach a host (RFC 3263 §4); none while its name does not resolve. The engine itself
/// never asks a name server. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved(Arc<[Hop]>);

impl Resolved {
    /// The ways, each with its place in the order of trying.
    pub fn new(hops: impl IntoIterator<Item = Hop>) -> Self {
        Self(hops.into_iter().collect())
    }

    /// Addresses that are all reached by one transport, in the order to try.
    pub fn by(transport: Transport, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let ranked = (0..).zip(addresses);
        Self::new(ranked.map(|(priority, to)| Hop { priority, ..Hop::new(transport, to) }))
    }

    /// The same ways to this peer.
    pub fn with_peer(self, peer: PeerId) -> Self {
        if self.0.iter().all(|hop| hop.peer == peer) {
            return self;
        }
        Self::new(self.0.iter().map(|hop| Hop { peer, ..*hop }))
    }

    /// The ways, those of the best priority not necessarily first.
    pub fn hops(&self) -> &[Hop] {
        &self.0
    }

    /// Whether there is none: the name does not resolve, or not yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A host as somebody wrote it down: what a resolver is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    host: Box<str>,
    port: u16,
    transport: Transport,
    lookup: CarrierLookup,
}

impl Place {
    /// A host name, in any case, or an address, which for IPv6 may stand in brackets.
    pub fn new(host: &str, port: u16, transport: Transport) -> Self {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase().into();
        Self { host, port, transport, lookup: CarrierLookup::Address }
    }

    /// The same place, where the name servers are asked for this.
    #[must_use]
    pub fn looked_up(self, lookup: CarrierLookup) -> Self {
        Self { lookup, ..self }
    }

    /// What the name servers are asked for.
    pub fn lookup(&self) -> CarrierLookup {
        self.lookup
    }

    /// The host in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What messages are to be carried by.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Where it is, if it was written as an address and nobody has to be asked.
    pub fn literal(&self) -> Option<Hop> {
        let host = &*self.host;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let ip: IpAddr = bare.parse().ok()?;
        Some(Hop::new(self.transport, SocketAddr::new(ip, self.port)))
    }
}
