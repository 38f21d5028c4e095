//! Where a host is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sip_message::Transport;

/// One way to reach a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// What messages are carried by.
    pub transport: Transport,
    /// Where they go.
    pub address: SocketAddr,
}

/// Every way to reach a host, in the order to try them (RFC 3263 §4); none while its name does not
/// resolve. The engine itself never asks a name server. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved(Arc<[Hop]>);

impl Resolved {
    /// The ways, in the order to try.
    pub fn new(hops: impl IntoIterator<Item = Hop>) -> Self {
        Self(hops.into_iter().collect())
    }

    /// Addresses that are all reached by one transport.
    pub fn by(transport: Transport, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::new(addresses.into_iter().map(|address| Hop { transport, address }))
    }

    /// The ways, in the order to try.
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
}

impl Place {
    /// A host name, in any case, or an address, which for IPv6 may stand in brackets.
    pub fn new(host: &str, port: u16, transport: Transport) -> Self {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase().into();
        Self { host, port, transport }
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
        Some(Hop { transport: self.transport, address: SocketAddr::new(ip, self.port) })
    }
}
