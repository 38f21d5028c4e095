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
    /// The stream connection, never reused while the process lives; 0 for UDP.
    pub connection: u64,
}

impl Flow {
    /// A UDP flow.
    #[must_use]
    pub fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, local, remote, connection: 0 }
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
}
