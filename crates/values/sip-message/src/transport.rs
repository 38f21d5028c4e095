//! Transports, and where a message came from or goes to.

use std::fmt;
use std::net::SocketAddr;

/// What carries SIP messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams, unreliable.
    Udp,
    /// A plain stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// Reads the word of a Via or of a `transport` URI parameter, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| text.eq_ignore_ascii_case(transport.as_str()))
    }

    /// The word in a Via header: `UDP`, `TCP`, `TLS`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// The word in a `transport` URI parameter: `udp`, `tcp`, `tls`.
    #[must_use]
    pub fn as_param(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The port meant when none is written (RFC 3261 §18.2.1, §19.1.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// Whether the transport delivers what it accepts, so that nothing is retransmitted over it
    /// (RFC 3261 §17).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls => true,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a message came from or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// A stream connection that the other end made: never reused while the process lives. Where
    /// the connection is ours to make, it names the [peer](Self::toward) instead, and stays the same
    /// when a connection is lost and made again. 0 for UDP.
    pub connection: u64,
}

/// Whom we take the other end of a connection of ours for: which name its certificate must bear, and
/// what we show it of ourselves. The holder of the sockets knows what stands behind the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PeerId(pub u32);

impl PeerId {
    /// Whoever is found at the address.
    pub const ANYBODY: Self = Self(0);
}

/// Set in [`Flow::connection`] when the rest of it is a [`PeerId`]; connections are numbered below.
const PEER_BIT: u64 = 1 << 63;

impl Flow {
    /// A UDP flow.
    #[must_use]
    pub fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, local, remote, connection: 0 }
    }

    /// A flow on which we make the connection: over one that is open to this peer, else over a new
    /// one. Over UDP there is nothing to make.
    #[must_use]
    pub fn toward(
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        peer: PeerId,
    ) -> Self {
        let connection = match peer {
            PeerId::ANYBODY => 0,
            PeerId(_) if !transport.is_reliable() => 0,
            PeerId(number) => PEER_BIT | u64::from(number),
        };
        Self { transport, local, remote, connection }
    }

    /// Whom a connection on this flow is made to; `None` if it is one that the other end made.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        match self.connection {
            0 => Some(PeerId::ANYBODY),
            named if named & PEER_BIT != 0 => Some(PeerId(named as u32)),
            _ => None,
        }
    }
}

impl fmt::Display for Flow {
    /// `UDP 192.0.2.1:5060 <-> 198.51.100.7:5060`, our end first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} <-> {}", self.transport, self.local, self.remote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_reads_back_in_any_case() {
        for transport in Transport::ALL {
            assert_eq!(Transport::parse(&transport.to_string()), Some(transport));
            assert_eq!(Transport::parse(transport.as_param()), Some(transport));
        }
        assert_eq!(Transport::parse("SCTP"), None);
    }

    #[test]
    fn a_flow_toward_a_peer_names_the_peer_and_no_connection() {
        let at: SocketAddr = "192.0.2.1:5061".parse().unwrap();
        let peer = |transport, peer| Flow::toward(transport, at, at, peer);
        assert_eq!(peer(Transport::Tls, PeerId(7)).peer(), Some(PeerId(7)));
        assert_eq!(peer(Transport::Tls, PeerId::ANYBODY).connection, 0);
        assert_eq!(peer(Transport::Udp, PeerId(7)), Flow::udp(at, at));
        let accepted = Flow { connection: 1 << 40, ..peer(Transport::Tcp, PeerId::ANYBODY) };
        assert_eq!(accepted.peer(), None);
    }
}
