//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

use model::policy::Transport;

use crate::tls::Encryption;

/// The far end of a connection. Behind a proxy, that is the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its address; IPv4 as such, even if the socket calls it a mapped one.
    pub(crate) source: IpAddr,
    /// Whether it came through TLS.
    pub(crate) transport: Transport,
}

impl Origin {
    /// Of a connection from `peer`.
    pub(crate) fn of(peer: SocketAddr, encryption: &Encryption) -> Self {
        let transport = match encryption {
            Encryption::Plaintext => Transport::Plaintext,
            Encryption::Tls(_) => Transport::Tls,
        };
        Self { source: peer.ip().to_canonical(), transport }
    }
}
